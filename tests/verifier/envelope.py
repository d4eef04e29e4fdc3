# SPDX-License-Identifier: MIT OR Apache-2.0
"""The signed envelope (section 2), the record (section 3) and the ledger entry (section 5)."""

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

import cborstrict as cbor

MAX_ENVELOPE = 65536
MAX_UINT = 2**64 - 1
# How much is shown of a text.
MAX_TEXT = 500
# What every envelope begins with: all before KEY.
MARK = bytes.fromhex("d2845826a20127045820")
EMPTY_HASH = hashlib.sha256(b"").digest()
# The prime of the curve (RFC 8032, section 5.1).
P = 2**255 - 19


class NotThis(ValueError):
    """The bytes are not what they should be; the text says why."""


def open_envelope(raw):
    """(key, payload) of an envelope that is in the form of section 2 and rightly signed."""
    if len(raw) > MAX_ENVELOPE:
        raise NotThis("longer than an envelope may be")
    try:
        if raw[:1] != b"\xd2":
            raise NotThis("no COSE_Sign1")
        parts = cbor.decode_exact(raw[1:])
        if not (isinstance(parts, list) and len(parts) == 4):
            raise NotThis("no COSE_Sign1 of four parts")
        protected, unprotected, payload, signature = parts
        if not all(isinstance(part, bytes) for part in (protected, payload, signature)):
            raise NotThis("a part is no byte string")
        if unprotected != {}:
            raise NotThis("the unprotected header is not empty")
        # The only encoding of {1: -8, 4: KEY}.
        if len(protected) != 38 or protected[:6] != MARK[4:]:
            raise NotThis("another protected header")
        body = cbor.decode_exact(payload)
    except cbor.CborError as why:
        raise NotThis(f"no envelope: {why}") from None
    if not isinstance(body, dict):
        raise NotThis("the payload is no map")
    key = protected[6:]
    if len(signature) != 64 or not _signed(key, signature, cbor.encode(["Signature1", protected, b"", payload])):
        raise NotThis("wrongly signed")
    return key, body


def _signed(key, signature, message):
    """RFC 8032, section 5.1.7, without the cofactor: that is what OpenSSL does, but for how it decodes the key."""
    sign, y = divmod(int.from_bytes(key, "little"), 2**255)
    if y >= P or (sign and y in (1, P - 1)):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


NUMBERS = {"uint": (0, MAX_UINT), "uint32": (0, 2**32 - 1), "int": (-(2**63), 2**63 - 1)}
MEDIA = ("video", "audio")
CLOCK = {
    "boot": "uint",
    "boot_id": "bstr16",
    "utc": "int",
    "source": ("synchronised", "unsynchronised"),
    "error": "uint",
}
RECORD = {
    "kind": ("chunk", "segment-end"),
    "session": "bstr16",
    "seq": "uint",
    "segment": "uint32",
    "chunk": "uint",
    "prev": "bstr32",
    "offset": "uint",
    "length": "uint",
    "digest": ("sha-256",),
    "media": "bstr32",
    "tracks": "array",
    "events?": "array",
}
TRACK = {
    "id": "uint32",
    "medium": MEDIA,
    "scale": "uint32",
    "start": "uint",
    "duration": "uint",
    "samples": "uint",
    "lost": "uint",
}
EVENT = {"event": "tstr", "medium?": MEDIA, "detail": "tstr"}
ENTRY = {"kind": "tstr", "seq": "uint", "prev": "bstr32", "device": "bstr32", "body": "map"}
BODIES = {
    "key": {"public": "bstr32", "algorithm": ("ed25519",), "reason": "tstr"},
    "boot": {"software": "tstr", "config": "bstr32"},
    "session-start": {
        "session": "bstr16",
        "public": "bstr32",
        "algorithm": ("ed25519",),
        "folder": "tstr",
        "officer": "tstr",
        "label": "tstr",
        "sources": "array",
        "zero": "uint",
        "pressed?": "uint",
        "continues?": "bstr16",
    },
    "session-end": {
        "session": "bstr16",
        "cause": "tstr",
        "segments": "uint32",
        "chunks": "uint",
        "records": "uint",
        "last": "bstr32",
        "pressed?": "uint",
    },
    "photo": {"session?": "bstr16", "file": "tstr", "length": "uint", "media": "bstr32", "officer": "tstr"},
    "interruption": {
        "id": "bstr16",
        "session": "bstr16",
        "cause": "tstr",
        "known": ("device", "officer"),
        "media": [["video"], ["audio"], ["video", "audio"]],
        "from": CLOCK,
        "detail": "tstr",
    },
    "interruption-end": {"id": "bstr16", "session": "bstr16", "to": CLOCK},
    "interruption-note": {"id": "bstr16", "cause": "tstr", "officer": "tstr", "text": "tstr"},
    "clock-step": {"step": "int"},
    "shutdown": {"reason": "tstr"},
}
SOURCE = {"medium": MEDIA, "source": "tstr", "encoder": "tstr", "format": "tstr"}
ABSENT = object()


def _is(value, kind):
    """Whether a value has the type, or is one of the texts or of the arrays, or a map with these keys."""
    if isinstance(kind, tuple):
        return isinstance(value, str) and value in kind
    if isinstance(kind, list):
        return isinstance(value, list) and value in kind
    if isinstance(kind, dict):
        return isinstance(value, dict) and all(_is(value.get(name, ABSENT), of) for name, of in kind.items())
    if kind in NUMBERS:
        low, high = NUMBERS[kind]
        return type(value) is int and low <= value <= high
    if kind.startswith("bstr"):
        return isinstance(value, bytes) and len(value) == int(kind[4:])
    return isinstance(value, {"tstr": str, "array": list, "map": dict}[kind])


def _fields(mapping, what, table):
    """The named keys of a map, each with its type. A `?` marks one that may be absent; it is None then."""
    if not isinstance(mapping, dict):
        raise NotThis(f"{what} is no map")
    found = {}
    for name, kind in table.items():
        optional, name = name.endswith("?"), name.rstrip("?")
        value = mapping.get(name, ABSENT)
        if value is ABSENT and optional:
            value = None
        elif not _is(value, kind):
            raise NotThis(f"{what}: `{name}` is missing or of another type")
        found[name] = value
    return found


def _version_and_clock(payload):
    version = payload.get("v")
    if type(version) is not int or version != 1:
        raise NotThis("not version 1: this verifier cannot judge it")
    return _fields(payload.get("clock"), "clock", CLOCK)


def _nanoseconds(ticks, scale):
    return min(min(ticks, MAX_UINT) * 10**9 // scale, MAX_UINT)


class Record:
    """A rightly signed envelope that holds a record of version 1."""

    __slots__ = ("hash", "key", "kind", "session", "seq", "segment", "chunk", "prev", "offset", "length", "media")
    __slots__ += ("tracks", "losses", "photos")

    def __init__(self, raw):
        self.key, payload = open_envelope(raw)
        self.hash = hashlib.sha256(raw).digest()
        _version_and_clock(payload)
        fields = _fields(payload, "record", RECORD)
        for name in ("kind", "session", "seq", "segment", "chunk", "prev", "offset", "length", "media"):
            setattr(self, name, fields[name])
        if self.segment == 0:
            raise NotThis("record: segments count from 1")
        # (medium, start, end, lost) of each track, in nanoseconds.
        self.tracks = []
        for track in fields["tracks"]:
            track = _fields(track, "track", TRACK)
            if track["scale"] == 0:
                raise NotThis("track: `scale` is 0")
            start, end = (_nanoseconds(t, track["scale"]) for t in (track["start"], track["start"] + track["duration"]))
            self.tracks.append((track["medium"], start, end, track["lost"]))
        # (medium or None, detail) of the events that are gaps, and the names of the photos that it speaks of.
        self.losses, self.photos = [], []
        for event in fields["events"] or []:
            event = _fields(event, "event", EVENT)
            if event["event"] in ("lost", "source-failed"):
                self.losses.append((event["medium"], event["detail"][:MAX_TEXT]))
            if event["event"] == "photo":
                self.photos.append(event["detail"])
        if self.kind == "segment-end" and (self.tracks or self.length or self.media != EMPTY_HASH):
            raise NotThis("segment-end: holds media")


class Entry:
    """A rightly signed envelope that holds a ledger entry of version 1."""

    __slots__ = ("hash", "key", "kind", "seq", "prev", "device", "clock", "body", "session")

    def __init__(self, raw):
        self.key, payload = open_envelope(raw)
        self.hash = hashlib.sha256(raw).digest()
        self.clock = _version_and_clock(payload)
        fields = _fields(payload, "entry", ENTRY)
        for name in ("kind", "seq", "prev", "device"):
            setattr(self, name, fields[name])
        self.body = _fields(fields["body"], self.kind[:40], BODIES.get(self.kind, {}))
        for source in self.body.get("sources", []):
            _fields(source, "source", SOURCE)
        # The session that it names, if its kind may name one.
        session = fields["body"].get("session")
        may = self.kind not in BODIES or not {"session", "session?"}.isdisjoint(BODIES[self.kind])
        self.session = session if may and _is(session, "bstr16") else None
