# SPDX-License-Identifier: MIT OR Apache-2.0
"""Evidence that is signed with the right keys, and against the page (or at its edge) all the same."""

import os

from cases_tampered import GAPS, INCOMPLETE, INTACT, TAMPERED, Target
from made import SECOND, Key, Made, MadeSession, Raw, box, record_box, seal, sha, wide_box


class Case:
    def __init__(self, name, build):
        self.name = f"made/{name}"
        self.build = build

    def make(self, options, root, keys):
        os.makedirs(root)
        made = Made()
        made.begin()
        expected = self.build(made)
        made.write(root)
        with open(keys, "wb") as file:
            file.write(made.keys())
        # A history that does not prove itself is refused; without one the evidence is still judged.
        targets = [Target(".", expected if made.history_holds else None), Target(".", expected, keys=False)]
        for at, _, names in sorted(os.walk(root)):
            rel = os.path.relpath(at, root)
            if os.path.dirname(rel) == "sessions":
                targets.append(Target(rel))
            targets += [Target(os.path.join(rel, name)) for name in sorted(names) if name.endswith((".mp4", ".jpg"))]
        return targets


def plain(made, finish=None, start=None):
    """A session of two segments with two chunks each."""
    session = MadeSession(made, "one", **(start or {}))
    for segment in range(2):
        session.open()
        for chunk in range(2):
            session.chunk()
        session.close()
    session.finish(**(finish or {}))
    made.new_key("session-end")
    return session


def with_record(expected=TAMPERED, drop=(), tracks=None, **changes):
    """A session whose second record is signed with other values."""

    def build(made):
        session = MadeSession(made, "one")
        session.open()
        session.chunk()
        session.chunk(drop=drop, tracks=tracks, **changes)
        session.chunk()
        session.close()
        session.finish()
        return expected

    return build


def track(**changes):
    base = {"id": 1, "medium": "video", "scale": 90000, "start": 90000, "duration": 90000, "samples": 30, "lost": 0}
    base.update(changes)
    return [{name: value for name, value in base.items() if value is not None}]


def clock(**changes):
    base = {"boot": SECOND, "boot_id": bytes(16), "utc": 0, "source": "synchronised", "error": 0}
    base.update(changes)
    return {name: value for name, value in base.items() if value is not None}


def deep(depth):
    return Raw(b"\x81" * depth + b"\0")


def _records():
    yield "plain", lambda made: (plain(made), INTACT)[1]
    values = {
        "null": (Raw(b"\xf6"), INTACT),
        "true": (Raw(b"\xf5"), INTACT),
        "undefined": (Raw(b"\xf7"), INTACT),
        "simple 99": (Raw(b"\xf8\x63"), INTACT),
        "simple 20 in two bytes": (Raw(b"\xf8\x14"), TAMPERED),
        "tag": (Raw(b"\xc1\x00"), INTACT),
        "regular expression": (Raw(b"\xd8\x23\x61("), INTACT),
        "shared reference": (Raw(b"\xd8\x1c\x81\xd8\x1d\x00"), INTACT),
        "bignum": (Raw(b"\xc2\x49\x01" + bytes(8)), INTACT),
        "small bignum": (Raw(b"\xc2\x41\x01"), None),
        "largest": (2**64 - 1, INTACT),
        "smallest": (-(2**64), INTACT),
        "half": (Raw(b"\xf9\x3c\x00"), TAMPERED),
        "double": (Raw(b"\xfb" + bytes(8)), TAMPERED),
        "long number": (Raw(b"\x18\x01"), TAMPERED),
        "long text": (Raw(b"\x78\x01a"), TAMPERED),
        "open array": (Raw(b"\x9f\xff"), TAMPERED),
        "bad text": (Raw(b"\x61\xff"), TAMPERED),
        "surrogate": (Raw(b"\x63\xed\xa0\x80"), TAMPERED),
        "deep 10": (deep(10), INTACT),
        "deep 100": (deep(100), None),
        "deep 5000": (deep(5000), None),
        "map of ints": (Raw(b"\xa2\x01\x00\x20\x00"), INTACT),
        "map by length": (Raw(b"\xa2\x20\x00\x18\x64\x00"), TAMPERED),
        "map by bytes": (Raw(b"\xa2\x18\x64\x00\x20\x00"), INTACT),
        "map unsorted": (Raw(b"\xa2\x20\x00\x01\x00"), TAMPERED),
        "map with a key twice": (Raw(b"\xa2\x01\x00\x01\x00"), TAMPERED),
        "map with array keys": (Raw(b"\xa1\x80\x00"), INTACT),
        "1 and true": (Raw(b"\xa2\x01\x00\xf5\x00"), INTACT),
        "long tag": (Raw(b"\xd8\x01\x00"), TAMPERED),
    }
    for name, (value, expected) in values.items():
        yield f"unknown key {name}", with_record(expected, more=value)
    yield "unknown key early", with_record(INTACT, **{"": 1})
    yield "integer key", with_record(None, **{"more": 1})
    for size, expected in ((65536, INTACT), (65537, TAMPERED)):
        yield f"envelope of {size}", _padded(size, expected)
    for size in (65500, 65512, 65513, 65520):
        yield f"envelope of {size}", _padded(size, INTACT)
    # The box is out of reach of the search behind damage, though its envelope is not too long.
    yield "long envelope behind damage", _padded(65530, None, damage=True)
    for name in "v kind session seq segment chunk prev offset length digest media tracks clock".split():
        yield f"without {name}", with_record(TAMPERED, drop=[name])
        yield f"null {name}", with_record(TAMPERED, **{name: Raw(b"\xf6")})
        yield f"{name} of another type", with_record(TAMPERED, **{name: Raw(b"\xa1\x00\x00")})
    others = {
        "v 2": {"v": 2},
        "v 0": {"v": 0},
        "v true": {"v": Raw(b"\xf5")},
        "kind other": {"kind": "comment"},
        "digest other": {"digest": "sha-512"},
        "session short": {"session": bytes(15)},
        "session other": {"session": bytes(16)},
        "segment other": {"segment": 2},
        "segment 0": {"segment": 0},
        "prev other": {"prev": bytes(32)},
        "prev short": {"prev": bytes(31)},
        "seq 0": {"seq": 0},
        "seq 2": {"seq": 2},
        "seq 9": {"seq": 9},
        "seq 5000": {"seq": 5000},
        "seq huge": {"seq": 2**64 - 1},
        "seq negative": {"seq": -1},
        "offset 0": {"offset": 0},
        "offset huge": {"offset": 2**64 - 1},
        "length 0": {"length": 0},
        "length huge": {"length": 2**64 - 1},
        "media other": {"media": bytes(32)},
        "clock empty": {"clock": {}},
        "clock source": {"clock": clock(source="sundial")},
        "clock boot_id": {"clock": clock(boot_id=bytes(8))},
        "clock boot": {"clock": clock(boot=-1)},
        "clock no error": {"clock": clock(error=None)},
        "event no list": {"events": {}},
        "event number": {"events": [1]},
        "event without detail": {"events": [{"event": "lost"}]},
        "event with medium number": {"events": [{"event": "lost", "medium": 1, "detail": ""}]},
        "tracks no map": {"tracks": [1]},
        "medium other": {"tracks": track(medium="smell")},
        "scale 0": {"tracks": track(scale=0)},
        "track without lost": {"tracks": track(lost=None)},
        "start negative": {"tracks": track(start=-1)},
        "signed by another": {"key": Key("another")},
        "signed by the device": {"key": Key("made/0")},
    }
    for name, changes in others.items():
        yield name, with_record(TAMPERED, **changes)
    fine = {
        "chunk number other": ({"chunk": 9}, None),
        "clock utc before 1970": ({"clock": clock(utc=-1)}, INTACT),
        "clock more": ({"clock": clock(more=1)}, INTACT),
        "events empty": ({"events": []}, None),
        "event unknown": ({"events": [{"event": "rain", "detail": "x"}]}, INTACT),
        "event with medium": ({"events": [{"event": "rain", "medium": "audio", "detail": "x"}]}, INTACT),
        "event medium other": ({"events": [{"event": "rain", "medium": "smell", "detail": "x"}]}, None),
        "event source-ended": ({"events": [{"event": "source-ended", "detail": ""}]}, INTACT),
        "event source-failed": ({"events": [{"event": "source-failed", "detail": ""}]}, GAPS),
        "event lost": ({"events": [{"event": "lost", "detail": ""}]}, GAPS),
        "lost": ({"tracks": track(lost=1)}, GAPS),
        "no tracks": ({"tracks": []}, None),
        "1 ms late": ({"tracks": track(start=90090)}, INTACT),
        "over 1 ms late": ({"tracks": track(start=90091)}, GAPS),
        "early": ({"tracks": track(start=10)}, None),
        "other scale": ({"tracks": track(scale=1000, start=1001, duration=1000)}, INTACT),
        "other scale late": ({"tracks": track(scale=1000, start=1002)}, GAPS),
        "late start of another track": ({"tracks": track() + track(id=2, medium="audio", start=10**9)}, None),
        "late start of a second video track": ({"tracks": track() + track(id=2, start=10**9)}, None),
        "a track twice": ({"tracks": track() + track()}, None),
        "huge times": ({"tracks": track(start=2**64 - 1, duration=2**64 - 1, scale=2**64 - 1)}, None),
        "huge start": ({"tracks": track(start=2**64 - 1)}, None),
        "huge duration": ({"tracks": track(duration=2**64 - 1)}, None),
    }
    for name, (changes, expected) in fine.items():
        yield name, with_record(expected, **changes)
    yield "other algorithm", _other_algorithm


def _padded(size, expected, damage=False):
    def build(made):
        session = MadeSession(made, "one")
        session.open()
        session.chunk()
        before = len(session.data)
        session.media()
        if damage:
            session.data = session.data[:before] + b"\0\0\0\4" + session.data[before + 4 :]
        spare = session.made.ticks
        length = len(session.record("chunk", [session.track()], advance=False, more=b""))
        session.made.ticks = spare
        session.data = session.data[: session.covered]
        session.data = session.data[: len(session.data) - 24 - length]
        session.covered = before
        # A byte string and the payload's own string of that length both get a longer head.
        for pad in range(size - length - 8, size - length + 1):
            state = (session.data, session.covered, session.seq, session.prev, session.chunks, made.ticks)
            if len(session.record("chunk", [session.track()], more=bytes(pad))) == size:
                break
            session.data, session.covered, session.seq, session.prev, session.chunks, made.ticks = state
        else:
            raise AssertionError("no such size")
        session.next_start += 90000
        session.chunk()
        session.close()
        session.finish()
        return expected

    return build


def _other_algorithm(made):
    session = MadeSession(made, "one")
    session.open()
    session.chunk()
    session.media()
    session.record(
        "chunk", [session.track()], advance=False, envelope=lambda raw: raw.replace(b"\x01\x27\x04", b"\x01\x26\x04", 1)
    )
    session.close()
    session.finish()
    return TAMPERED


def _sessions():
    def simple(expected=None, **finish):
        return lambda made: (plain(made, finish=finish), expected)[1]

    yield "records fewer", simple(TAMPERED, records=5)
    yield "records more", simple(INCOMPLETE, records=7)
    yield "records 0", simple(TAMPERED, records=0)
    yield "records huge", simple(INCOMPLETE, records=2**64 - 1)
    yield "last other", simple(TAMPERED, last=bytes(32))
    yield "segments other", simple(None, segments=7)
    yield "chunks other", simple(None, chunks=7)
    for cause in ("stop", "shutdown", "source-ended"):
        yield f"cause {cause}", simple(INTACT, cause=cause)
    for cause in ("source-failed", "storage-failed", "recovered"):
        yield f"cause {cause}", simple(GAPS, cause=cause)
    yield "cause other", simple(None, cause="boredom")
    yield "end by another key", simple(TAMPERED, key=Key("another"))
    yield "end by the session's key", simple(TAMPERED, key=Key("made/session/one"))
    yield "session of another name", lambda made: (plain(made, start={"folder": "two"}), TAMPERED)[1]
    yield "folder above", lambda made: (plain(made, start={"folder": "../x"}), TAMPERED)[1]
    yield "folder dot", lambda made: (plain(made, start={"folder": "."}), TAMPERED)[1]
    yield "folder empty", lambda made: (plain(made, start={"folder": ""}), TAMPERED)[1]
    yield "folder with nul", lambda made: (plain(made, start={"folder": "a\0b"}), TAMPERED)[1]
    yield "folder with escape", lambda made: (plain(made, start={"folder": "\x1b[2J"}), TAMPERED)[1]
    yield "start without label", lambda made: (plain(made, start={"label": Raw(b"\xf6")}), TAMPERED)[1]
    yield "start with other algorithm", lambda made: (plain(made, start={"algorithm": "rsa"}), TAMPERED)[1]
    yield "sources empty", lambda made: (plain(made, start={"sources": []}), INTACT)[1]
    yield "sources of numbers", lambda made: (plain(made, start={"sources": [1]}), TAMPERED)[1]
    yield "start with more", lambda made: (plain(made, start={"more": 1}), INTACT)[1]
    yield "public no point", lambda made: (plain(made, start={"public": b"\xff" * 32}), TAMPERED)[1]
    yield "public zero", lambda made: (plain(made, start={"public": bytes(32)}), TAMPERED)[1]

    def empty(expected, **finish):
        def build(made):
            session = MadeSession(made, "one")
            session.finish(**finish)
            return expected

        return build

    yield "no segments", empty(INTACT)
    yield "no segments, one counted", empty(INCOMPLETE, records=1)
    yield "no segments, last other", empty(TAMPERED, last=bytes(32))

    def build(made):
        session = plain(made)
        made.files["sessions/one/session.cbor"] = session.start
        return TAMPERED

    yield "copy without end", build

    def build(made):
        session = MadeSession(made, "one")
        session.open()
        session.chunk()
        session.close(end=False)
        session.copy()
        return INCOMPLETE

    yield "no end", build

    def build(made):
        session = MadeSession(made, "one")
        session.open()
        session.chunk()
        session.media()
        session.close(end=False)
        session.copy()
        return INCOMPLETE

    yield "no end and bytes behind", build

    def build(made):
        session = MadeSession(made, "one")
        session.open()
        session.chunk()
        session.data += b"\0\0\0\7junk"
        session.close(end=False)
        session.finish(cause="recovered")
        return TAMPERED

    yield "recovered, with bytes behind", build

    def build(made):
        session = MadeSession(made, "one")
        session.open()
        session.chunk()
        session.close(end=False)
        session.finish(cause="recovered")
        return GAPS

    yield "recovered, without an end record", build

    def build(made):
        session = MadeSession(made, "one")
        session.open()
        session.chunk()
        session.close(end=False)
        session.finish()
        return None

    yield "stopped, without an end record", build

    def build(made):
        session = MadeSession(made, "one")
        for _ in range(2):
            session.open()
            session.chunk()
            session.close(end=False)
        session.finish()
        return None

    yield "first segment without an end record", build

    def build(made):
        session = MadeSession(made, "one")
        for _ in range(2):
            session.open()
            session.chunk()
            session.close()
        session.open()
        session.close(end=False)
        session.copy()
        return None

    yield "a last segment with a header only, going on", build

    def build(made):
        session = MadeSession(made, "one")
        for _ in range(2):
            session.open()
            session.close()
        session.finish()
        return None

    yield "segments without chunks", build

    def build(made):
        session = MadeSession(made, "one")
        session.open()
        session.record("segment-end", [], length=0, media=sha(b""))
        session.close(end=False)
        session.finish()
        return TAMPERED

    yield "end record first, over nothing", build

    for name, changes in {
        "end record with tracks": {"tracks": track()},
        "end record with length": {"length": 1},
        "end record with media": {"media": bytes(32)},
        "end record with chunk other": {"chunk": 77},
        "end record with offset other": {"offset": 1},
        "end record with seq other": {"seq": 9},
        "end record with seq 0": {"seq": 0},
        "end record with prev other": {"prev": bytes(32)},
        "end record of another segment": {"segment": 2},
        "end record of another session": {"session": bytes(16)},
    }.items():

        def build(made, changes=changes):
            session = MadeSession(made, "one")
            session.open()
            session.chunk()
            session.close(**changes)
            session.finish()
            return None

        yield name, build

    def build(made):
        session = MadeSession(made, "one")
        session.open()
        session.chunk()
        session.data += box(b"free", b"unsigned")
        session.record("segment-end", [], length=0, media=sha(b""), offset=session.covered)
        session.close(end=False)
        session.finish()
        return TAMPERED

    yield "bytes in front of the end record", build

    def build(made):
        session = MadeSession(made, "one")
        session.open()
        session.chunk()
        session.media()
        session.record("segment-end", [])
        session.close(end=False)
        session.finish()
        return TAMPERED

    yield "end record over a chunk", build

    def build(made):
        session = MadeSession(made, "one")
        session.open()
        session.chunk()
        session.record("segment-end", [])
        session.chunk()
        session.close()
        session.finish()
        return TAMPERED

    yield "chunk behind the end record", build

    def build(made):
        session = MadeSession(made, "one")
        session.open()
        session.chunk()
        session.record("segment-end", [])
        session.close()
        session.finish()
        return TAMPERED

    yield "two end records", build

    for first, second in ((1, 3), (2, 3), (1, 1), (5, 4), (2, 1)):

        def build(made, first=first, second=second):
            session = MadeSession(made, "one")
            for number in (first, second):
                session.segment = number - 1
                session.open()
                session.chunk()
                session.chunk()
                session.close(name=f"s{session.seq}")
            session.finish()
            return INTACT if (first, second) == (1, 2) else None

        yield f"segments numbered {first} and {second}", build

    def build(made):
        session = plain(made)
        again = Made("again")
        again.begin()
        again.device = made.device
        copy = MadeSession(again, "one")
        copy.id, copy.key, copy.start, copy.prev = session.id, session.key, session.start, session.prev
        copy.open()
        copy.chunk()
        copy.close(name="9")
        made.files["sessions/one/9.mp4"] = again.files["sessions/one/9.mp4"]
        return TAMPERED

    yield "another first segment by the session's key", build

    for gap, expected in ((90, INTACT), (91, GAPS)):

        def build(made, gap=gap, expected=expected):
            session = MadeSession(made, "one")
            for _ in range(2):
                session.open()
                session.chunk([session.track()])
                session.next_start += gap
                session.close()
            session.finish()
            return expected

        yield f"gap of {gap} ticks between segments", build

    def build(made):
        session = MadeSession(made, "one")
        session.open()
        session.chunk([session.track(), session.track(2, "audio", 48000, 0, 48000)])
        session.chunk([session.track()])
        session.chunk([session.track(), session.track(2, "audio", 48000, 96000, 48000)])
        session.close()
        session.finish()
        return GAPS

    yield "a track away for a chunk", build

    def build(made):
        session = MadeSession(made, "one")
        session.open()
        session.chunk([session.track(start=900000)])
        session.close()
        session.finish()
        return None

    yield "first chunk starts late", build

    def build(made):
        session = MadeSession(made, "one")
        session.open()
        session.media(mdat=wide_box(b"mdat", bytes(50)))
        session.chunk(with_media=False)
        session.media(moof=box(b"styp", b"msdh") + box(b"moof", b"x") + box(b"free"))
        session.chunk(with_media=False)
        session.data += box(b"uuid", bytes(16) + b"other")
        session.chunk()
        session.close()
        session.finish()
        return INTACT

    yield "boxes of other kinds, signed", build

    for name, odd in {
        "size 0": b"\0\0\0\0mdatabc",
        "size 7": b"\0\0\0\7mdatabc",
        "too long": b"\x7f\0\0\0mdatabc",
        "narrow wide": b"\0\0\0\1mdat\0\0\0\0\0\0\0\x0fabc",
        "narrow uuid": b"\0\0\0\x10uuid" + bytes(8),
        "uuid 23": b"\0\0\0\x17uuid" + bytes(15),
        "narrow wide uuid": b"\0\0\0\1uuid" + (31).to_bytes(8, "big") + bytes(15),
        "crumbs": b"abc",
        "wide record": wide_box(b"uuid", bytes.fromhex("7c1f0a529b1e4d6e8f335ea1ca400001") + b"abc"),
    }.items():

        def build(made, odd=odd):
            session = MadeSession(made, "one")
            session.open()
            session.chunk()
            session.media()
            session.data += odd
            session.chunk(with_media=False)
            session.chunk()
            session.close()
            session.finish()
            return TAMPERED

        yield f"signed box out of shape {name}", build

    def build(made):
        session = MadeSession(made, "one")
        session.open()
        session.chunk()
        session.media()
        session.data += record_box(b"junk")
        session.chunk(with_media=False)
        session.close()
        session.finish()
        return TAMPERED

    yield "signed junk record", build

    def build(made):
        session = MadeSession(made, "one")
        session.open()
        session.chunk(with_media=False)
        session.chunk(with_media=False)
        session.close()
        session.finish()
        return None

    yield "chunks without media", build

    # Session-start boxes.
    def starting(name, make, expected=TAMPERED):
        def build(made):
            session = MadeSession(made, "one")
            session.open(make(made, session))
            session.chunk()
            session.chunk()
            session.close()
            session.finish()
            return expected

        return name, build

    def body(made, session, /, **changes):
        return {
            "session": session.id,
            "public": session.key.public,
            "algorithm": "ed25519",
            "folder": "one",
            "officer": "110233",
            "label": "OTHER",
            "sources": [],
            "zero": 0,
            **changes,
        }

    yield starting(
        "start box signed by another",
        lambda made, session: made.entry("session-start", body(made, session), key=Key("x"), keep=False),
    )
    yield starting(
        "start box another of the device",
        lambda made, session: made.entry("session-start", body(made, session), keep=False),
    )
    yield starting(
        "start box wrongly signed", lambda made, session: session.start[:-1] + bytes([session.start[-1] ^ 1])
    )
    yield starting("start box without body", lambda made, session: made.entry("session-start", {}, keep=False))
    yield starting(
        "start box version 2", lambda made, session: made.entry("session-start", body(made, session), keep=False, v=2)
    )
    yield starting("start box only kind", lambda made, session: seal(made.key, {"kind": "session-start"}))
    yield starting(
        "start box a photo", lambda made, session: made.entry("boot", {"software": "", "config": bytes(32)}, keep=False)
    )
    yield starting(
        "start box of another session",
        lambda made, session: made.entry("session-start", body(made, session, session=bytes(16)), keep=False),
    )
    yield starting(
        "start box of another key",
        lambda made, session: made.entry("session-start", body(made, session, public=made.key.public), keep=False),
    )


def _ledgers():
    def ledger(name, change, expected=TAMPERED, history_holds=True):
        def build(made):
            made.history_holds = history_holds
            plain(made)
            change(made)
            return expected

        return f"ledger {name}", build

    boot = {"software": "x", "config": bytes(32)}
    yield ledger("of another kind", lambda made: made.entry("rain", {"mm": 3}), INTACT)
    yield ledger(
        "of another kind naming a session", lambda made: made.entry("rain", {"session": sha(b"madeone")[:16]}), None
    )
    yield ledger("of another kind naming nobody", lambda made: made.entry("rain", {"session": bytes(16)}), None)
    yield ledger("with a session of a number", lambda made: made.entry("rain", {"session": 1}), None)
    yield ledger("without body", lambda made: made.entry("rain", None))
    yield ledger("with body of a number", lambda made: made.entry("rain", 1))
    yield ledger("v 2", lambda made: made.entry("boot", boot, v=2))
    yield ledger("without v", lambda made: made.entry("boot", boot, v=None))
    yield ledger("without kind", lambda made: made.entry(None, boot))
    yield ledger("seq skipped", lambda made: made.entry("boot", boot, seq=99))
    yield ledger("seq huge", lambda made: made.entry("boot", boot, seq=2**64 - 1))
    yield ledger("prev other", lambda made: made.entry("boot", boot, prev=bytes(32)))
    yield ledger("device other", lambda made: made.entry("boot", boot, device=bytes(32)))
    yield ledger("clock empty", lambda made: made.entry("boot", boot, clock={}))
    yield ledger("more", lambda made: made.entry("boot", boot, more=[1, 2]), INTACT)
    yield ledger("body more", lambda made: made.entry("boot", {**boot, "more": 1}), INTACT)
    yield ledger("by another key", lambda made: made.entry("boot", boot, key=Key("x")))
    yield ledger("by the first key", lambda made: made.entry("boot", boot, key=Key("made/0")))
    yield ledger("boot without config", lambda made: made.entry("boot", {"software": "x"}))
    yield ledger("shutdown", lambda made: made.entry("shutdown", {"reason": "x"}), INTACT)
    yield ledger("shutdown without reason", lambda made: made.entry("shutdown", {}))
    yield ledger("key boot", lambda made: made.new_key("boot"), INTACT)
    yield ledger("key first again", lambda made: made.new_key("first"), None)
    yield ledger("key of another reason", lambda made: made.new_key("whim"), None)
    yield ledger("key of another algorithm", lambda made: made.new_key("boot", algorithm="rsa"), None)
    yield ledger("key short", lambda made: made.new_key("boot", public=bytes(31)), TAMPERED, False)
    yield ledger(
        "key signed by itself",
        lambda made: (
            setattr(made, "key", Key("x")),
            made.entry("key", {"public": Key("x").public, "algorithm": "ed25519", "reason": "boot"}),
        ),
        TAMPERED,
        False,
    )
    yield ledger(
        "end without a start",
        lambda made: made.entry(
            "session-end",
            {"session": bytes(16), "cause": "stop", "segments": 0, "chunks": 0, "records": 0, "last": bytes(32)},
        ),
        None,
    )
    yield ledger(
        "end twice",
        lambda made: made.entry(
            "session-end",
            {
                "session": sha(b"madeone")[:16],
                "cause": "stop",
                "segments": 0,
                "chunks": 0,
                "records": 0,
                "last": bytes(32),
            },
        ),
        None,
    )
    yield ledger("start twice", lambda made: MadeSession(made, "one"), None)
    yield ledger("start of a folder twice", lambda made: MadeSession(made, "two", folder="one").finish(), None)
    yield ledger("photo outside", lambda made: made.photo("photos/", "a.jpg"), INTACT)
    yield ledger("photo named twice", lambda made: [made.photo("photos/", "a.jpg") for _ in range(2)], None)
    yield ledger("photo above", lambda made: made.photo("photos/", "a.jpg", file="../a.jpg"))
    yield ledger("photo absolute", lambda made: made.photo("photos/", "a.jpg", file="/etc/hostname"))
    yield ledger("photo at the ledger", lambda made: made.photo("photos/", "a.jpg", file="ledger.cbor"))
    yield ledger("photo with nul", lambda made: made.photo("photos/", "a.jpg", file="photos/a\0.jpg"))
    yield ledger("photo by dots", lambda made: made.photo("photos/", "a.jpg", file="photos/../photos/a.jpg"), None)
    yield ledger("photo by a dot", lambda made: made.photo("photos/", "a.jpg", file="./photos/a.jpg"), None)
    yield ledger("photo by two slashes", lambda made: made.photo("photos/", "a.jpg", file="photos//a.jpg"), None)
    yield ledger("photo empty path", lambda made: made.photo("photos/", "a.jpg", file=""))
    yield ledger("photo a folder", lambda made: made.photo("photos/", "a.jpg", file="photos"))
    yield ledger("photo of another ending", lambda made: made.photo("photos/", "a.png"), None)
    yield ledger("photo elsewhere", lambda made: made.photo("other/", "a.jpg"), None)
    yield ledger("photo with more", lambda made: made.photo("photos/", "a.jpg", more=1), INTACT)
    yield ledger("photo in a session without saying so", lambda made: made.photo("sessions/one/photos/", "a.jpg"), None)
    yield ledger(
        "photo in a session nobody knows", lambda made: made.photo("photos/", "a.jpg", **{"session": bytes(16)}), None
    )
    yield ledger(
        "photo with session null", lambda made: made.photo("photos/", "a.jpg", **{"session": Raw(b"\xf6")}), None
    )
    yield ledger("photo of huge length", lambda made: made.photo("photos/", "a.jpg", length=2**64 - 1), TAMPERED)

    def build(made):
        session = MadeSession(made, "one")
        made.photo("sessions/one/photos/", "a.jpg", session)
        session.open()
        session.chunk()
        session.close()
        made.photo("photos/", "b.jpg", session)
        made.photo("sessions/one/photos/", "c.jpg", session)
        session.finish()
        return None

    yield "photos of a session in both places", build

    def build(made):
        session = MadeSession(made, "one")
        session.finish()
        made.photo("sessions/one/photos/", "a.jpg", session)
        session.copy()
        return None

    yield "photo behind the end of its session", build

    def build(made):
        session = MadeSession(made, "one")
        session.open()
        session.chunk()
        made.new_key("boot")
        session.close()
        session.finish()
        return TAMPERED

    yield "key changed within a session", build

    def build(made):
        session = MadeSession(made, "one")
        session.open()
        session.chunk()
        session.close(end=False)
        session.copy()
        made.new_key("boot")
        return None

    yield "key changed, session never ended", build

    def build(made):
        one, two = MadeSession(made, "one"), MadeSession(made, "two")
        for session in (one, two):
            session.open()
            session.chunk()
            session.close()
        one.finish()
        two.finish()
        return None

    yield "two sessions at once", build

    def build(made):
        for name in ("one", "two", "three"):
            session = MadeSession(made, name)
            session.open()
            session.chunk()
            session.close()
            session.finish()
            made.new_key("session-end")
        return INTACT

    yield "three sessions", build

    def entry0(name, **changes):
        def build(made):
            made.__init__("zero")
            made.history_holds = False
            key = Key("zero")
            made.device = sha(key.public)
            made.key_count = 1
            body = {"public": key.public, "algorithm": "ed25519", "reason": "first"}
            more = dict(changes)
            body.update(more.pop("body", {}))
            made.entry(more.pop("kind", "key"), body, key=more.pop("signer", key), **more)
            made.key = key
            plain(made)
            return TAMPERED

        return f"entry 0 {name}", build

    yield entry0("boot", body={"reason": "boot"})
    yield entry0("seq 1", seq=1)
    yield entry0("prev", prev=sha(b""))
    yield entry0("device", device=bytes(32))
    yield entry0("signed by another", signer=Key("x"))
    yield entry0("of another kind", kind="rain")


def cases():
    return [Case(name, build) for part in (_records, _sessions, _ledgers) for name, build in part()]
