# SPDX-License-Identifier: MIT OR Apache-2.0
"""Evidence made from the page alone, with keys of its own.

With the keys in hand it can be wrong in ways that no flipped byte reaches: signed, and against the page all the same.
It is deterministic: keys come from their names, clocks are counted.
"""

import hashlib
import os

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import cborstrict as cbor
from segment import RECORD_MARK

SECOND = 1_000_000_000
UTC = 1_780_000_000 * SECOND
# The prime of the curve and the order of its base point (RFC 8032, section 5.1).
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493


class Raw:
    """Bytes that stand in a payload as they are."""

    def __init__(self, data):
        self.data = data

    def __repr__(self):
        return self.data.hex()


def to_cbor(value):
    """The deterministic encoding of plain Python values; `Raw` puts in whatever it holds."""
    if isinstance(value, Raw):
        return value.data
    if isinstance(value, dict):
        pairs = sorted((to_cbor(key), to_cbor(item)) for key, item in value.items())
        return _head(5, len(pairs)) + b"".join(key + item for key, item in pairs)
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(to_cbor(item) for item in value)
    return cbor.encode(value)


def _head(major, number):
    head = bytearray(cbor.encode(number))
    head[0] |= major << 5
    return bytes(head)


class Key:
    def __init__(self, name):
        self.seed = hashlib.sha256(name.encode()).digest()
        self.private = Ed25519PrivateKey.from_private_bytes(self.seed)
        self.public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def sign(self, message):
        return self.private.sign(message)

    def seal(self, payload):
        """The envelope around a payload."""
        protected, body = to_cbor({1: -8, 4: self.public}), to_cbor(payload)
        signature = self.sign(to_cbor(["Signature1", protected, b"", body]))
        return b"\xd2" + to_cbor([protected, {}, body, signature])

    def scalar(self):
        number = int.from_bytes(hashlib.sha512(self.seed).digest()[:32], "little")
        return number & ((1 << 254) - 8) | (1 << 254)


class LargeS(Key):
    """Signs with an S that is not below L."""

    def sign(self, message):
        signature = super().sign(message)
        return signature[:32] + (int.from_bytes(signature[32:], "little") + L).to_bytes(32, "little")


class OtherR(Key):
    """Signs with an R that is off by the point of order 2: right only if the cofactor is multiplied in."""

    def sign(self, message):
        nonce = Key("nonce")
        sign, y = divmod(int.from_bytes(nonce.public, "little"), 2**255)
        r = ((1 - sign) * 2**255 + P - y).to_bytes(32, "little")
        k = int.from_bytes(hashlib.sha512(r + self.public + message).digest(), "little")
        return r + ((nonce.scalar() + k * self.scalar()) % L).to_bytes(32, "little")


class NoKey(Key):
    """The neutral point for a key, in one of its encodings: anyone can sign with it."""

    def __init__(self, name, number):
        super().__init__(name)
        self.public = number.to_bytes(32, "little")

    def sign(self, message):
        nonce = Key("nonce")
        return nonce.public + (nonce.scalar() % L).to_bytes(32, "little")


def sha(data):
    return hashlib.sha256(data).digest()


def box(kind, data=b""):
    return (8 + len(data)).to_bytes(4, "big") + kind + data


def wide_box(kind, data=b""):
    return b"\0\0\0\1" + kind + (16 + len(data)).to_bytes(8, "big") + data


def record_box(envelope):
    return (24 + len(envelope)).to_bytes(4, "big") + RECORD_MARK + envelope


def without_none(fields):
    return {name: value for name, value in fields.items() if value is not None}


class Made:
    """An evidence folder in the making. Change what `entry` and `chunk` are given to make it wrong."""

    def __init__(self, name="made"):
        self.name = name
        self.key_count = 0
        self.ticks = 0
        self.entries = []
        self.history = []
        self.key = None
        self.prev = bytes(32)
        self.device = None
        # What is written besides the ledger, or in its place; None for a file that is not.
        self.files = {}
        # What is done to the folder when all is written.
        self.last_touch = None
        self.history_holds = True

    def clock(self):
        self.ticks += 1
        return {
            "boot": self.ticks * SECOND,
            "boot_id": sha(self.name.encode())[:16],
            "utc": UTC + self.ticks * SECOND,
            "source": "synchronised",
            "error": 1000,
        }

    def entry(self, kind, body, /, key=None, keep=True, **changes):
        payload = {
            "v": 1,
            "kind": kind,
            "seq": len(self.entries),
            "prev": self.prev,
            "device": self.device,
            "clock": self.clock(),
            "body": body,
        }
        payload.update(changes)
        envelope = (key or self.key).seal(without_none(payload))
        if keep:
            self.entries.append(envelope)
            self.prev = sha(envelope)
            if kind == "key":
                self.history.append(envelope)
        return envelope

    def new_key(self, reason, **changes):
        key = Key(f"{self.name}/{self.key_count}")
        self.key_count += 1
        if self.device is None:
            self.device = sha(key.public)
        body = {"public": key.public, "algorithm": "ed25519", "reason": reason}
        body.update(changes)
        self.entry("key", body, key=self.key or key)
        self.key = key

    def begin(self):
        self.new_key("first")
        self.entry("boot", {"software": "made", "config": sha(b"config")})

    def photo(self, place, name, of=None, **changes):
        data = b"\xff\xd8" + name.encode() + b"\xff\xd9"
        body = {"file": place + name, "length": len(data), "media": sha(data), "officer": "110233"}
        if of is not None:
            body["session"] = of.id
        body.update(changes)
        envelope = self.entry("photo", body)
        if of is not None:
            of.entries.append(envelope)
        self.files[place + name] = data
        self.files[place + name + ".cose"] = envelope
        return envelope

    def note(self, name="lens", **changes):
        """An officer's account of an interruption."""
        body = {"id": sha(name.encode())[:16], "cause": "damage", "officer": "110233", "text": "the lens was hit"}
        body.update(changes)
        self.entry("interruption-note", without_none(body))

    def write(self, root):
        files = {"ledger.cbor": b"".join(self.entries), **self.files}
        for path, data in files.items():
            if data is None:
                continue
            path = os.path.join(root, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(data)
        if self.last_touch is not None:
            self.last_touch(root)

    def keys(self):
        return b"".join(self.history)


class MadeSession:
    """A session of such a folder."""

    def __init__(self, made, name, start_key=None, key=None, **changes):
        self.made = made
        self.folder = name
        self.id = sha((made.name + name).encode())[:16]
        self.key = key or Key(f"{made.name}/session/{name}")
        self.seq = self.chunks = self.segment = 0
        self.entries = []
        self.data = b""
        self.covered = 0
        body = {
            "session": self.id,
            "public": self.key.public,
            "algorithm": "ed25519",
            "folder": name,
            "officer": "110233",
            "label": "MADE",
            "sources": [{"medium": "video", "source": "s", "encoder": "e", "format": "f"}],
            "zero": 0,
        }
        body.update(changes)
        self.start = made.entry("session-start", body, key=start_key)
        self.entries.append(self.start)
        self.prev = sha(self.start)
        self.next_start = 0

    def open(self, start=None):
        self.segment += 1
        self.data = box(b"ftyp", b"isom") + box(b"moov", b"tracks") + record_box(start or self.start)
        self.covered = 0

    def track(self, number=1, medium="video", scale=90000, start=None, duration=90000, lost=0):
        start = self.next_start if start is None else start
        return {
            "id": number,
            "medium": medium,
            "scale": scale,
            "start": start,
            "duration": duration,
            "samples": 30,
            "lost": lost,
        }

    def record(self, kind, tracks, /, key=None, advance=True, envelope=None, drop=(), keys=None, **changes):
        """Signs what is behind the record before, and puts the record's box there."""
        covered = self.data[self.covered :]
        payload = {
            "v": 1,
            "kind": kind,
            "session": self.id,
            "seq": self.seq,
            "segment": self.segment,
            "chunk": self.chunks,
            "prev": self.prev,
            "offset": self.covered,
            "length": len(covered),
            "digest": "sha-256",
            "media": sha(covered),
            "tracks": tracks,
            "clock": self.made.clock(),
        }
        payload.update(changes)
        payload.update(keys or {})
        for name in drop:
            del payload[name]
        sealed = (key or self.key).seal(payload)
        if envelope is not None:
            sealed = envelope(sealed)
        self.data += record_box(sealed)
        self.covered = len(self.data)
        if advance:
            given = payload.get("seq")
            self.seq = min(max(given if isinstance(given, int) else 0, self.seq) + 1, 2**64 - 1)
            self.prev = sha(sealed)
            self.chunks += kind == "chunk"
        return sealed

    def media(self, size=300, moof=None, mdat=None):
        fill = (sha(b"%d" % self.seq) * (size // 32 + 1))[:size]
        self.data += moof or box(b"moof", b"fragment %d" % self.seq)
        self.data += mdat or box(b"mdat", fill)

    def chunk(self, tracks=None, with_media=True, **changes):
        if with_media:
            self.media()
        tracks = [self.track()] if tracks is None else tracks
        sealed = self.record("chunk", tracks, **changes)
        first = tracks[0] if isinstance(tracks, list) and tracks else None
        if isinstance(first, dict) and "start" in first:
            self.next_start = min(first["start"] + first["duration"], 2**63)
        return sealed

    def close(self, end=True, name=None, **changes):
        if end:
            self.record("segment-end", [], **changes)
        path = f"sessions/{self.folder}/{name or f'{self.segment:04}'}.mp4"
        self.made.files[path] = self.data

    def interruption(self, name="lens", key=None, **changes):
        """Something is not captured, from the moment on that the clock shows before the entry is signed."""
        body = {
            "id": sha(name.encode())[:16],
            "session": self.id,
            "cause": "camera",
            "known": "device",
            "media": ["video"],
            "from": self.made.clock(),
            "detail": "the camera is gone",
        }
        body.update(changes)
        self.entries.append(self.made.entry("interruption", without_none(body), key=key))

    def interruption_end(self, name="lens", key=None, **changes):
        body = {"id": sha(name.encode())[:16], "session": self.id, "to": self.made.clock()}
        body.update(changes)
        self.entries.append(self.made.entry("interruption-end", without_none(body), key=key))

    def finish(self, cause="stop", key=None, **changes):
        body = {
            "session": self.id,
            "cause": cause,
            "segments": self.segment,
            "chunks": self.chunks,
            "records": self.seq,
            "last": self.prev,
        }
        body.update(changes)
        self.entries.append(self.made.entry("session-end", body, key=key))
        self.copy()

    def copy(self):
        self.made.files[f"sessions/{self.folder}/session.cbor"] = b"".join(self.entries)
