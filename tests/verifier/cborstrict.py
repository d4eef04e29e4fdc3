# SPDX-License-Identifier: MIT OR Apache-2.0
"""CBOR (RFC 8949) as far as the evidence format needs it (section 2).

A general decoder is the wrong tool for bytes that may be hostile: it turns tags into dates, regular expressions or
shared references, and allocates what a length claims. This one knows what may stand in a payload and nothing else,
reads from bytes that are already in memory, and never allocates more than they hold.

`decode_exact` decodes, encodes again and compares, so only the core deterministic encoding (section 4.2.1) passes.
"""

MAX_DEPTH = 32
SIMPLE = {20: False, 21: True, 22: None}


class CborError(ValueError):
    """The bytes are not CBOR, or not what a payload may be."""


def _head(data, pos):
    """(major type, additional information, argument, position behind the head)."""
    if pos >= len(data):
        raise CborError("ends within an item")
    major, info = data[pos] >> 5, data[pos] & 31
    if info < 24:
        return major, info, info, pos + 1
    if info > 27:
        raise CborError("indefinite or reserved length")
    size = 1 << (info - 24)
    if pos + 1 + size > len(data):
        raise CborError("ends within an item")
    return major, info, int.from_bytes(data[pos + 1 : pos + 1 + size], "big"), pos + 1 + size


def _decode(data, pos, depth):
    """One item that may stand in a payload: (value, position behind it)."""
    major, info, arg, pos = _head(data, pos)
    if major == 0:
        return arg, pos
    if major == 1:
        return -1 - arg, pos
    if major in (2, 3):
        if arg > len(data) - pos:
            raise CborError("ends within a string")
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
        found = [] if major == 4 else {}
        for _ in range(arg):
            item, pos = _decode(data, pos, depth + 1)
            if major == 4:
                found.append(item)
                continue
            if not isinstance(item, str):
                raise CborError("a key is no text")
            # A key twice is lost here, and so the encoding is another.
            found[item], pos = _decode(data, pos, depth + 1)
        return found, pos
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
    if isinstance(value, dict):
        pairs = sorted((encode(key), encode(item)) for key, item in value.items())
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
