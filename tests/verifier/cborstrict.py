# SPDX-License-Identifier: MIT OR Apache-2.0
"""CBOR (RFC 8949) as far as the evidence format needs it.

A general decoder is the wrong tool for bytes that may be hostile: it turns tags into dates, regular expressions or
shared references, and allocates what a length claims. This one knows eight shapes and nothing else, reads from
bytes that are already in memory, and never allocates more than they hold.

`decode_exact` decodes, encodes again and compares, so only the core deterministic encoding (section 4.2.1) passes.
"""

MAX_DEPTH = 200


class CborError(ValueError):
    """The bytes are not CBOR, or not in the core deterministic encoding."""


class Truncated(CborError):
    """The bytes end within an item."""


class Map:
    """A map. A list of pairs, because a key may be anything, and because 1 and true are equal in Python."""

    __slots__ = ("pairs",)

    def __init__(self, pairs):
        self.pairs = pairs

    def get(self, name):
        """The value of a text key, or None."""
        for key, value in self.pairs:
            if isinstance(key, str) and key == name:
                return value
        return None


class Tag:
    __slots__ = ("number", "value")

    def __init__(self, number, value):
        self.number = number
        self.value = value


class Simple:
    """false, true, null and the like."""

    __slots__ = ("number",)

    def __init__(self, number):
        self.number = number


def _head(data, pos):
    if pos >= len(data):
        raise Truncated("ends within an item")
    first = data[pos]
    major, info = first >> 5, first & 31
    if info < 24:
        return major, info, info, pos + 1
    if info > 27:
        raise CborError("indefinite or reserved length")
    size = 1 << (info - 24)
    if pos + 1 + size > len(data):
        raise Truncated("ends within an item")
    return major, info, int.from_bytes(data[pos + 1 : pos + 1 + size], "big"), pos + 1 + size


def decode_one(data, pos=0, depth=0):
    """One item of definite length: (value, position behind it)."""
    if depth > MAX_DEPTH:
        raise CborError("nested too deeply")
    major, info, arg, pos = _head(data, pos)
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
    if major == 4:
        items = []
        for _ in range(arg):
            value, pos = decode_one(data, pos, depth + 1)
            items.append(value)
        return items, pos
    if major == 5:
        pairs = []
        for _ in range(arg):
            key, pos = decode_one(data, pos, depth + 1)
            value, pos = decode_one(data, pos, depth + 1)
            pairs.append((key, value))
        return Map(pairs), pos
    if major == 6:
        value, pos = decode_one(data, pos, depth + 1)
        return Tag(arg, value), pos
    if info in (25, 26, 27):
        raise CborError("floating-point number")
    if info == 24 and arg < 32:
        raise CborError("reserved simple value")
    return Simple(arg), pos


def _encode_head(major, arg):
    if arg < 24:
        return bytes([major << 5 | arg])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if arg < 1 << (8 * size):
            return bytes([major << 5 | info]) + arg.to_bytes(size, "big")
    raise CborError("number too large")


def encode(value):
    """The core deterministic encoding of a value."""
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
    if isinstance(value, Tag):
        return _encode_head(6, value.number) + encode(value.value)
    if isinstance(value, Simple):
        return bytes([0xE0 | value.number]) if value.number < 24 else bytes([0xF8, value.number])
    raise CborError("cannot be encoded")


def decode_exact(data):
    """The value that `data` is the deterministic encoding of, with nothing behind it."""
    value, end = decode_one(data)
    if end != len(data):
        raise CborError("bytes behind the item")
    if encode(value) != bytes(data):
        raise CborError("not the deterministic encoding")
    return value
