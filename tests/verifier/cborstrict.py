# SPDX-License-Identifier: MIT OR Apache-2.0
"""CBOR (RFC 8949) as far as the evidence format needs it (section 2).

A general decoder is the wrong tool for bytes that may be hostile: it turns tags into dates, regular expressions or
shared references, and allocates what a length claims. This one knows what may stand in a payload and nothing else,
reads from bytes that are already in memory, and never allocates more than they hold.

`decode_exact` decodes, encodes again and compares, so only the core deterministic encoding (section 4.2.1) passes.
`item_end` tells only where a well-formed item ends, whatever is in it.
"""

MAX_DEPTH = 32
SIMPLE = {20: False, 21: True, 22: None}
BREAK = 0xFF


class CborError(ValueError):
    """The bytes are not CBOR, or not what a payload may be."""


class Truncated(CborError):
    """The bytes end within an item."""


class Map:
    """A map. A list of pairs, because a key may be anything, and because 1 and true are equal in Python."""

    __slots__ = ("pairs",)

    def __init__(self, pairs):
        self.pairs = pairs

    def get(self, name, default=None):
        """The value of a text key."""
        for key, value in self.pairs:
            if isinstance(key, str) and key == name:
                return value
        return default


def _head(data, pos):
    """(major type, additional information, argument or None, position behind the head)."""
    if pos >= len(data):
        raise Truncated("ends within an item")
    major, info = data[pos] >> 5, data[pos] & 31
    if info < 24:
        return major, info, info, pos + 1
    if info == 31:
        return major, info, None, pos + 1
    if info > 27:
        raise CborError("reserved length")
    size = 1 << (info - 24)
    if pos + 1 + size > len(data):
        raise Truncated("ends within an item")
    return major, info, int.from_bytes(data[pos + 1 : pos + 1 + size], "big"), pos + 1 + size


def item_end(data):
    """Where the item at the beginning ends, if it is well-formed (RFC 8949, appendix C); of any kind and depth."""
    # How many items are still to come at each depth. Of open ones (None, of what, how many there were): a break.
    open_, pos = [1], 0
    while open_:
        top = open_[-1]
        if top == 0:
            open_.pop()
            continue
        if isinstance(top, list):
            major_wanted, count = top
            if pos < len(data) and data[pos] == BREAK:
                if major_wanted == 5 and count % 2:
                    raise CborError("a map with a key and no value")
                open_.pop()
                pos += 1
                continue
            top[1] += 1
        else:
            major_wanted = None
            open_[-1] -= 1
        major, info, arg, pos = _head(data, pos)
        if major_wanted in (2, 3) and (major != major_wanted or arg is None):
            raise CborError("another item within a string")
        if arg is None:
            if major not in (2, 3, 4, 5):
                raise CborError("indefinite length where there is none")
            open_.append([major, 0])
        elif major in (2, 3):
            if arg > len(data) - pos:
                raise Truncated("ends within a string")
            pos += arg
        elif major == 4:
            open_.append(arg)
        elif major == 5:
            open_.append(2 * arg)
        elif major == 6:
            open_.append(1)
        elif major == 7 and info == 24 and arg < 32:
            raise CborError("reserved simple value")
    return pos


def _decode(data, pos, depth):
    """One item that may stand in a payload: (value, position behind it)."""
    major, info, arg, pos = _head(data, pos)
    if arg is None:
        raise CborError("indefinite length")
    if major == 0:
        return arg, pos
    if major == 1:
        return -1 - arg, pos
    if major in (2, 3):
        if arg > len(data) - pos:
            raise Truncated("ends within a string")
        raw = bytes(data[pos : pos + arg])
        if major == 2:
            return raw, pos + arg
        try:
            return raw.decode("utf-8"), pos + arg
        except UnicodeDecodeError:
            raise CborError("text is not UTF-8") from None
    if major in (4, 5):
        if depth >= MAX_DEPTH:
            raise CborError("nested too deeply")
        items = []
        for _ in range(arg):
            item, pos = _decode(data, pos, depth + 1)
            if major == 5:
                value, pos = _decode(data, pos, depth + 1)
                item = (item, value)
            items.append(item)
        return (items if major == 4 else Map(items)), pos
    if major == 7 and info in SIMPLE:
        return SIMPLE[info], pos
    raise CborError("a tag, a floating-point number or another simple value")


def _encode_head(major, arg):
    if arg < 24:
        return bytes([major << 5 | arg])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if arg < 1 << (8 * size):
            return bytes([major << 5 | info]) + arg.to_bytes(size, "big")
    raise CborError("number too large")


def encode(value):
    """The core deterministic encoding of a value."""
    if value is None or isinstance(value, bool):
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[value]
    if isinstance(value, int):
        return _encode_head(0, value) if value >= 0 else _encode_head(1, -1 - value)
    if isinstance(value, bytes):
        return _encode_head(2, len(value)) + value
    if isinstance(value, str):
        raw = value.encode("utf-8")
        return _encode_head(3, len(raw)) + raw
    if isinstance(value, list):
        return _encode_head(4, len(value)) + b"".join(encode(item) for item in value)
    if isinstance(value, Map):
        pairs = sorted((encode(key), encode(item)) for key, item in value.pairs)
        for left, right in zip(pairs, pairs[1:]):
            if left[0] == right[0]:
                raise CborError("a key twice")
        return _encode_head(5, len(pairs)) + b"".join(key + item for key, item in pairs)
    raise CborError("cannot be encoded")


def decode_exact(data):
    """The value that `data` is the deterministic encoding of, with nothing behind it."""
    value, end = _decode(data, 0, 0)
    if end != len(data):
        raise CborError("bytes behind the item")
    if encode(value) != bytes(data):
        raise CborError("not the deterministic encoding")
    return value
