# SPDX-License-Identifier: MIT OR Apache-2.0
"""The signed envelope (section 2), the record (section 3) and the ledger entry (section 5)."""

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

import cborstrict as cbor

MAX_ENVELOPE = 65536
EMPTY_HASH = hashlib.sha256(b"").digest()


class NotThis(ValueError):
    """The bytes are not what they should be; the text says why."""


class Envelope:
    """Bytes in the form of section 2. That the signature is right is in `genuine`."""

    __slots__ = ("raw_length", "hash", "key", "payload", "genuine")

    def __init__(self, raw):
        if len(raw) > MAX_ENVELOPE:
            raise NotThis("longer than an envelope may be")
        try:
            outer = cbor.decode_exact(raw)
            if not (isinstance(outer, cbor.Tag) and outer.number == 18):
                raise NotThis("no COSE_Sign1")
            parts = outer.value
            if not (isinstance(parts, list) and len(parts) == 4):
                raise NotThis("no COSE_Sign1 of four parts")
            protected, unprotected, payload, signature = parts
            if not all(isinstance(part, bytes) for part in (protected, payload, signature)):
                raise NotThis("a part is no byte string")
            if not (isinstance(unprotected, cbor.Map) and not unprotected.pairs):
                raise NotThis("the unprotected header is not empty")
            if len(signature) != 64:
                raise NotThis("the signature is not 64 bytes long")
            header = cbor.decode_exact(protected)
            if not isinstance(header, cbor.Map) or len(header.pairs) != 2:
                raise NotThis("another protected header")
            (name1, algorithm), (name2, key) = header.pairs
            if (name1, algorithm, name2) != (1, -8, 4) or not isinstance(key, bytes) or len(key) != 32:
                raise NotThis("another protected header")
            body = cbor.decode_exact(payload)
        except cbor.CborError as why:
            raise NotThis(f"no envelope: {why}") from None
        if not isinstance(body, cbor.Map) or not all(isinstance(name, str) for name, _ in body.pairs):
            raise NotThis("the payload is no map with text keys")
        self.raw_length = len(raw)
        self.hash = hashlib.sha256(raw).digest()
        self.key = key
        self.payload = body
        self.genuine = _signed(key, signature, cbor.encode(["Signature1", protected, b"", payload]))


def _signed(key, signature, message):
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _is(value, kind):
    if kind == "uint":
        return isinstance(value, int) and value >= 0
    if kind == "int":
        return isinstance(value, int)
    if kind == "tstr":
        return isinstance(value, str)
    if kind == "array":
        return isinstance(value, list)
    if kind == "map":
        return isinstance(value, cbor.Map)
    if kind == "bstr16":
        return isinstance(value, bytes) and len(value) == 16
    if kind == "bstr32":
        return isinstance(value, bytes) and len(value) == 32
    if kind.startswith("="):
        return isinstance(value, str) and value in kind[1:].split("|")
    raise AssertionError(kind)


def _require(mapping, what, fields):
    """The named keys are there, with their types. A `?` marks an optional key."""
    if not isinstance(mapping, cbor.Map):
        raise NotThis(f"{what} is no map")
    for name, kind in fields.items():
        optional = name.endswith("?")
        value = mapping.get(name.rstrip("?"))
        if value is None and optional:
            continue
        if value is None or not _is(value, kind):
            raise NotThis(f"{what}: `{name.rstrip('?')}` is missing or of another type")


def _version_and_clock(payload):
    version = payload.get("v")
    if not _is(version, "uint") or version != 1:
        raise NotThis("not version 1: this verifier cannot judge it")
    clock = payload.get("clock")
    _require(
        clock,
        "clock",
        {
            "boot": "uint",
            "boot_id": "bstr16",
            "utc": "int",
            "source": "=synchronised|unsynchronised",
            "error": "uint",
        },
    )


class Record:
    """A payload that is a record of version 1."""

    __slots__ = ("kind", "session", "seq", "segment", "chunk", "prev", "offset", "length", "media", "tracks", "gap_told")

    def __init__(self, payload):
        _version_and_clock(payload)
        _require(
            payload,
            "record",
            {
                "kind": "=chunk|segment-end",
                "session": "bstr16",
                "seq": "uint",
                "segment": "uint",
                "chunk": "uint",
                "prev": "bstr32",
                "offset": "uint",
                "length": "uint",
                "digest": "=sha-256",
                "media": "bstr32",
                "tracks": "array",
                "events?": "array",
            },
        )
        for name in ("kind", "session", "seq", "segment", "chunk", "prev", "offset", "length", "media"):
            setattr(self, name, payload.get(name))
        if self.segment < 1:
            raise NotThis("record: segments count from 1")
        self.tracks = []
        for track in payload.get("tracks"):
            _require(
                track,
                "track",
                {
                    "id": "uint",
                    "medium": "=video|audio",
                    "scale": "uint",
                    "start": "uint",
                    "duration": "uint",
                    "samples": "uint",
                    "lost": "uint",
                },
            )
            if track.get("scale") == 0:
                raise NotThis("track: `scale` is 0")
            self.tracks.append({name: track.get(name) for name in ("id", "scale", "start", "duration", "lost")})
        self.gap_told = False
        for event in payload.get("events") or []:
            _require(event, "event", {"event": "tstr", "medium?": "tstr", "detail": "tstr"})
            if event.get("event") in ("lost", "source-failed"):
                self.gap_told = True
        if self.kind == "segment-end" and (self.tracks or self.length or self.media != EMPTY_HASH):
            raise NotThis("segment-end: holds media")


BODIES = {
    "key": {"public": "bstr32", "algorithm": "=ed25519", "reason": "=first|boot|session-end"},
    "boot": {"software": "tstr", "config": "bstr32"},
    "session-start": {
        "session": "bstr16",
        "public": "bstr32",
        "algorithm": "=ed25519",
        "folder": "tstr",
        "officer": "tstr",
        "label": "tstr",
        "sources": "array",
        "zero": "uint",
    },
    "session-end": {
        "session": "bstr16",
        "cause": "=stop|shutdown|source-ended|source-failed|storage-failed|recovered",
        "segments": "uint",
        "chunks": "uint",
        "records": "uint",
        "last": "bstr32",
    },
    "photo": {"session?": "bstr16", "file": "tstr", "length": "uint", "media": "bstr32", "officer": "tstr"},
    "shutdown": {"reason": "tstr"},
}


class Entry:
    """An envelope whose payload is a ledger entry of version 1."""

    __slots__ = ("hash", "key", "genuine", "kind", "seq", "prev", "device", "body")

    def __init__(self, envelope):
        payload = envelope.payload
        _version_and_clock(payload)
        _require(
            payload,
            "entry",
            {"kind": "tstr", "seq": "uint", "prev": "bstr32", "device": "bstr32", "body": "map"},
        )
        self.hash = envelope.hash
        self.key = envelope.key
        self.genuine = envelope.genuine
        for name in ("kind", "seq", "prev", "device"):
            setattr(self, name, payload.get(name))
        body = payload.get("body")
        fields = BODIES.get(self.kind, {})
        _require(body, self.kind[:40], fields)
        if self.kind == "session-start":
            for source in body.get("sources"):
                _require(source, "source", {"medium": "tstr", "source": "tstr", "encoder": "tstr", "format": "tstr"})
        self.body = {name.rstrip("?"): body.get(name.rstrip("?")) for name in fields}
