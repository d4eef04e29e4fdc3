# SPDX-License-Identifier: MIT OR Apache-2.0
"""Evidence that is signed with the right keys, and against the page (or at its edge) all the same."""

import os

from cases_tampered import GAPS, INCOMPLETE, INTACT, NOTHING, TAMPERED, UNVERIFIABLE, Target
from envelope import MARK
from made import SECOND, Key, LargeS, Made, MadeSession, NoKey, OtherR, P, Raw, box, record_box, sha, to_cbor
from made import wide_box, without_none
from segment import RECORD_MARK


MISSING = "missing"


def missing(gap):
    """A gap that nothing on record explains."""
    return (*gap, MISSING)


def _nanoseconds(gap, last=None):
    """A gap with its times in nanoseconds; `last` is that of "end"."""
    times = (last if one == "end" else one for one in gap)
    return tuple(int(one * SECOND) if isinstance(one, (int, float)) else one for one in times)


def _listed(gaps):
    """Gaps as the verifiers list them."""
    return gaps and [(*gap[:3], MISSING not in gap) for gap in gaps]


class Case:
    """`build` gives back the verdict on the whole, or one by path, perhaps with the answer about the keys; for "gaps"
    those that are listed of the whole and of the session `one`, for "gaps alone" those of its first segment. A gap is
    (medium, begin, end), with MISSING behind them if it is not recorded."""

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
        expected = dict(expected) if isinstance(expected, dict) else {".": expected}
        gaps, alone = (_listed(expected.pop(name, None)) for name in ("gaps", "gaps alone"))
        expected = {path: said if isinstance(said, tuple) else (said, None) for path, said in expected.items()}
        # A history that does not prove itself is refused; without one the evidence is still judged.
        overall, trust = expected.pop(".", (None, None))
        if made.history_holds:
            targets = [Target(".", overall, trust=trust)]
        else:
            targets = [Target(".", NOTHING)]
        without, _ = expected.pop("no keys", (overall, None))
        targets.append(Target(".", without, keys=False, trust=None if without == NOTHING else "not checked"))
        for at, _, names in sorted(os.walk(root)):
            rel = os.path.relpath(at, root)
            if os.path.dirname(rel) == "sessions":
                expected.setdefault(rel, (None, None))
            for name in sorted(names):
                if name.endswith((".mp4", ".jpg")):
                    expected.setdefault(os.path.join(rel, name), (None, None))
        targets += [Target(path, overall, trust=trust) for path, (overall, trust) in expected.items()]
        for target in targets:
            target.gaps = {".": gaps, "sessions/one": gaps, "sessions/one/0001.mp4": alone}.get(target.path)
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
        "false": (Raw(b"\xf4"), INTACT),
        "break": (Raw(b"\xff"), TAMPERED),
        "true": (Raw(b"\xf5"), INTACT),
        "undefined": (Raw(b"\xf7"), TAMPERED),
        "simple 99": (Raw(b"\xf8\x63"), TAMPERED),
        "simple 20 in two bytes": (Raw(b"\xf8\x14"), TAMPERED),
        "tag": (Raw(b"\xc1\x00"), TAMPERED),
        "regular expression": (Raw(b"\xd8\x23\x61("), TAMPERED),
        "shared reference": (Raw(b"\xd8\x1c\x81\xd8\x1d\x00"), TAMPERED),
        "bignum": (Raw(b"\xc2\x49\x01" + bytes(8)), TAMPERED),
        "small bignum": (Raw(b"\xc2\x41\x01"), TAMPERED),
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
        "deep 31": (deep(31), INTACT),
        "deep 32": (deep(32), TAMPERED),
        "maps 31 deep": (Raw(b"\xa1\x60" * 31 + b"\0"), INTACT),
        "maps 32 deep": (Raw(b"\xa1\x60" * 32 + b"\0"), TAMPERED),
        "maps 31 deep in keys": (Raw(b"\xa1" * 31 + b"\0" * 32), TAMPERED),
        "deep 5000": (deep(5000), TAMPERED),
        "map of ints": (Raw(b"\xa2\x01\x00\x20\x00"), TAMPERED),
        "map of bytes": (Raw(b"\xa1\x41a\x00"), TAMPERED),
        "map of null": (Raw(b"\xa1\xf6\x00"), TAMPERED),
        "map of texts": (Raw(b"\xa2\x61b\x00\x62aa\x00"), INTACT),
        "map by alphabet": (Raw(b"\xa2\x62aa\x00\x61b\x00"), TAMPERED),
        "map unsorted": (Raw(b"\xa2\x61b\x00\x61a\x00"), TAMPERED),
        "map with a key twice": (Raw(b"\xa2\x61a\x00\x61a\x00"), TAMPERED),
        "map with array keys": (Raw(b"\xa1\x80\x00"), TAMPERED),
        "map in an array with a number for a key": (Raw(b"\x81\xa1\x01\x00"), TAMPERED),
        "long tag": (Raw(b"\xd8\x01\x00"), TAMPERED),
    }
    for name, (value, expected) in values.items():
        yield f"unknown key {name}", with_record(expected, more=value)
    yield "unknown key early", with_record(INTACT, **{"": 1})
    yield "integer key", with_record(TAMPERED, keys={1: 1})
    yield "bytes as a key", with_record(TAMPERED, keys={b"more": 1})
    for size, expected in ((65536, INTACT), (65537, TAMPERED)):
        yield f"envelope of {size}", _padded(size, expected)
    for size in (65500, 65512, 65513, 65520):
        yield f"envelope of {size}", _padded(size, INTACT)
    yield "long envelope behind damage", _padded(65530, TAMPERED, damage=True)
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
        "segment huge": {"segment": 2**32},
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
        "clock utc too low": {"clock": clock(utc=-(2**63) - 1)},
        "clock utc too high": {"clock": clock(utc=2**63)},
        "clock with an integer key": {"clock": {**clock(), 1: 1}},
        "clock no error": {"clock": clock(error=None)},
        "event no list": {"events": {}},
        "event number": {"events": [1]},
        "event without detail": {"events": [{"event": "lost"}]},
        "events null": {"events": Raw(b"\xf6")},
        "event medium null": {"events": [{"event": "rain", "medium": Raw(b"\xf6"), "detail": ""}]},
        "event medium other": {"events": [{"event": "rain", "medium": "smell", "detail": "x"}]},
        "event with medium number": {"events": [{"event": "lost", "medium": 1, "detail": ""}]},
        "tracks no map": {"tracks": [1]},
        "medium other": {"tracks": track(medium="smell")},
        "scale 0": {"tracks": track(scale=0)},
        "scale huge": {"tracks": track(scale=2**32)},
        "track id huge": {"tracks": track(id=2**32)},
        "track id null": {"tracks": track(id=Raw(b"\xf6"))},
        "track without lost": {"tracks": track(lost=None)},
        "start negative": {"tracks": track(start=-1)},
        "signed by another": {"key": Key("another")},
        "signed by the device": {"key": Key("made/0")},
    }
    for name, changes in others.items():
        yield name, with_record(TAMPERED, **changes)
    fine = {
        "chunk number other": ({"chunk": 9}, INTACT),
        "clock utc before 1970": ({"clock": clock(utc=-1)}, INTACT),
        "clock utc lowest": ({"clock": clock(utc=-(2**63))}, INTACT),
        "clock utc highest": ({"clock": clock(utc=2**63 - 1)}, INTACT),
        "clock more": ({"clock": clock(more=1)}, INTACT),
        "events empty": ({"events": []}, INTACT),
        "event unknown": ({"events": [{"event": "rain", "detail": "x"}]}, INTACT),
        "event with medium": ({"events": [{"event": "rain", "medium": "audio", "detail": "x"}]}, INTACT),
        "event source-ended": ({"events": [{"event": "source-ended", "detail": ""}]}, INTACT),
        "event source-failed": ({"events": [{"event": "source-failed", "detail": ""}]}, GAPS),
        "event lost": ({"events": [{"event": "lost", "detail": ""}]}, GAPS),
        "lost": ({"tracks": track(lost=1)}, GAPS),
        "no tracks": ({"tracks": []}, INTACT),
        "1 ms late": ({"tracks": track(start=90090)}, INTACT),
        "over 1 ms late": ({"tracks": track(start=90091)}, GAPS),
        "early": ({"tracks": track(start=10)}, INTACT),
        "other scale": ({"tracks": track(scale=1000, start=1001, duration=1000)}, INTACT),
        "other scale late": ({"tracks": track(scale=1000, start=1002)}, GAPS),
        "late start of another track": ({"tracks": track() + track(id=2, medium="audio", start=10**9)}, INTACT),
        "late start of a second video track": ({"tracks": track() + track(id=2, start=10**9)}, GAPS),
        "a track twice": ({"tracks": track() + track()}, INTACT),
        "huge times": ({"tracks": track(start=2**64 - 1, duration=2**64 - 1, scale=2**32 - 1)}, GAPS),
        "huge start": ({"tracks": track(start=2**64 - 1)}, GAPS),
        "huge duration": ({"tracks": track(duration=2**64 - 1)}, INTACT),
        "late at the end of time": (
            {"tracks": track(scale=1, start=2**64 - 2, duration=0) + track(scale=1, start=2**64 - 1)},
            GAPS,
        ),
        "tracks in another order": ({"tracks": track(start=180000) + track(start=90000)}, GAPS),
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
    yield "segments other", simple(INTACT, segments=7)
    yield "chunks other", simple(INTACT, chunks=7)
    yield "segments huge", simple(TAMPERED, segments=2**32)
    for cause in ("stop", "shutdown", "source-ended"):
        yield f"cause {cause}", simple(INTACT, cause=cause)
    for cause in ("source-failed", "storage-failed", "recovered"):
        yield f"cause {cause}", simple(GAPS, cause=cause)
    yield "cause other", simple(GAPS, cause="boredom")
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
    yield "session null", lambda made: (plain(made, start={"session": Raw(b"\xf6")}), TAMPERED)[1]
    yield "source of another medium", lambda made: (
        plain(made, start={"sources": [{"medium": "smell", "source": "", "encoder": "", "format": ""}]}),
        TAMPERED,
    )[1]
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
        return INCOMPLETE

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
        return INTACT

    yield "stopped, without an end record", build

    def build(made):
        session = MadeSession(made, "one")
        for _ in range(2):
            session.open()
            session.chunk()
            session.close(end=False)
        session.finish()
        return INTACT

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
        return INCOMPLETE

    yield "a last segment with a header only, going on", build

    def build(made):
        session = MadeSession(made, "one")
        for _ in range(2):
            session.open()
            session.close()
        session.finish()
        return TAMPERED

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
        "end record signed with a large S": {"key": LargeS("made/session/one")},
        "end record signed with another R": {"key": OtherR("made/session/one")},
        "end record of another session": {"session": bytes(16)},
    }.items():

        def build(made, name=name, changes=changes):
            session = MadeSession(made, "one")
            session.open()
            session.chunk()
            session.close(**changes)
            session.finish()
            return INTACT if name == "end record with chunk other" else TAMPERED

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
            return INTACT if first <= second else TAMPERED

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
        return INTACT

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
        # Of Sealcam's type or nearly, but no record boxes.
        session.data += box(b"uuid", bytes(8)) + box(b"uuid", bytes(15))
        session.data += wide_box(b"uuid", bytes(15)) + wide_box(b"uuid", RECORD_MARK[4:] + b"abc")
        session.chunk()
        session.data += record_box(b"") + record_box(bytes(65537))
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
        "crumbs": b"abc",
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
        return INTACT

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
    yield starting("start box only kind", lambda made, session: made.key.seal({"kind": "session-start"}))
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


def _cut_off():
    """Segments that a power cut may have cut off, and such as only look so."""

    def cut(plan, whole, segment, how="going on", session=None):
        """A segment a word: `o` a chunk, `a` one whose bytes are damaged, `f` a damaged record, `-` a record that is
        missing, `p` the last chunk again, `e` an end record, `d` a damaged one, `b` one behind a box of its own, `t`
        media without a record; `s` for no session-start box. `segment` is the verdict on the last one alone."""

        def build(made):
            one = MadeSession(made, "one")
            for word in plan.split():
                one.open()
                if word[0] == "s":
                    one.data = one.data.replace(record_box(one.start), b"")
                for what in word.lstrip("s"):
                    before, covered = one.data, one.covered
                    if what in "oaf-":
                        one.chunk()
                    elif what in "ed":
                        one.record("segment-end", [])
                    elif what == "b":
                        one.data += box(b"free")
                        one.record("segment-end", [], length=0, media=sha(b""), offset=one.covered)
                    elif what == "p":
                        one.data += last
                    else:
                        one.media()
                    last = one.data[len(before) :]
                    if what == "a":
                        one.data = before + last.replace(b"moof", b"moog", 1)
                    elif what in "fd":
                        one.data = one.data[:-50] + bytes(50)
                    elif what == "-":
                        one.data, one.covered = before, covered
                one.close(end=False)
            one.copy()
            copy = dict(made.files)
            if "ended" in how:
                one.finish(cause="recovered")
            if "in the ledger" in how:
                made.files = copy
            if how == "without session.cbor":
                del made.files["sessions/one/session.cbor"]
            return {".": whole, "sessions/one": session or whole, f"sessions/one/{one.segment:04}.mp4": segment}

        return f"cut off {plan}, {how}", build

    for plan in ("a", "f", "oa", "of", "od", "ot", "oat", "oft", "oe oa", "oo of", "oe f", "oe ft", "so", "oe so"):
        yield cut(plan, INCOMPLETE, INCOMPLETE)
    for plan in ("oae", "ofe", "ao", "fo", "oaa", "off", "oaf", "o-a", "op", "oap", "ob", "oe oao", "soo", "oe soo"):
        yield cut(plan, TAMPERED, TAMPERED)
    # Only the last file of all may be cut off. One without a record in its place stands last.
    for plan in ("oa oo", "of oo", "oa oa", "od oo", "oa f", "of so"):
        yield cut(plan, TAMPERED, INCOMPLETE)
    yield cut("oa t", TAMPERED, UNVERIFIABLE)
    for plan in ("oa", "of", "od", "ot", "oe of", "oe so"):
        yield cut(plan, TAMPERED, INCOMPLETE, "ended")
        yield cut(plan, TAMPERED, INCOMPLETE, "ended in the ledger", INCOMPLETE)
        yield cut(plan, INCOMPLETE, INCOMPLETE, "without session.cbor")
    yield cut("oa oo", TAMPERED, INCOMPLETE, "without session.cbor")


def _photo_events():
    """Photos of which the records speak."""

    def event(name, expected, detail="a.jpg", where="sessions/one/photos/", also=None, end=False):
        """A record that speaks of `detail`, in a session with a photo a.jpg at `where`, if any."""

        def build(made):
            session = MadeSession(made, "one")
            if where is not None:
                made.photo(where, "a.jpg", None if where == "photos/" else session)
            events = {"events": [{"event": "photo", "detail": detail}] * 2}
            session.open()
            session.chunk(**({} if end else events))
            session.close(**(events if end else {}))
            session.finish()
            if also is not None:
                also(made, session)
            return {".": expected, "sessions/one": expected, "sessions/one/0001.mp4": INTACT}

        return f"photo event {name}", build

    yield event("of an entry", INTACT)
    yield event("of an entry, in the end record", INTACT, end=True)
    yield event("without an entry", INCOMPLETE, where=None)
    yield event("without an entry, in the end record", INCOMPLETE, where=None, end=True)
    yield event("of an entry without a session", INCOMPLETE, where="photos/")
    yield event("of an entry that comes later", INTACT, where=None, also=_late_photo)
    yield event("of another session's entry", INCOMPLETE, where=None, also=_other_photo)
    yield event("of an entry without a NAME", TAMPERED, where="sessions/two/photos/")
    details = ("", ".", "..", "b.jpg", "A.JPG", "a", "a.jpg.cose", "photos/a.jpg", "sessions/one/photos/a.jpg", "a\0")
    for detail in details + ("\x1b[2J", "x" * 5000):
        yield event(f"of {detail[:30]!r}", INCOMPLETE, detail)


def _late_photo(made, session):
    made.photo("sessions/one/photos/", "a.jpg", session)
    session.copy()


def _other_photo(made, session):
    other = MadeSession(made, "two")
    made.photo("sessions/two/photos/", "a.jpg", other)
    other.finish()


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
        "of another kind naming a session", lambda made: made.entry("rain", {"session": sha(b"madeone")[:16]}), TAMPERED
    )
    yield ledger("of another kind naming nobody", lambda made: made.entry("rain", {"session": bytes(16)}), INCOMPLETE)
    yield ledger("with a session of a number", lambda made: made.entry("rain", {"session": 1}), INTACT)
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
    yield ledger("key first again", lambda made: made.new_key("first"), INTACT)
    yield ledger("key of another reason", lambda made: made.new_key("whim"), INTACT)
    yield ledger("key of another algorithm", lambda made: made.new_key("boot", algorithm="rsa"), TAMPERED, False)
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
        INCOMPLETE,
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
        TAMPERED,
    )
    yield ledger("start twice", lambda made: MadeSession(made, "one"), TAMPERED)
    yield ledger("start of a folder twice", lambda made: MadeSession(made, "two", folder="one").finish(), TAMPERED)
    yield ledger("photo outside", lambda made: made.photo("photos/", "a.jpg"), INTACT)
    yield ledger("photo named twice", lambda made: [made.photo("photos/", "a.jpg") for _ in range(2)], TAMPERED)
    yield ledger("photo above", lambda made: made.photo("photos/", "a.jpg", file="../a.jpg"))
    yield ledger("photo absolute", lambda made: made.photo("photos/", "a.jpg", file="/etc/hostname"))
    yield ledger("photo at the ledger", lambda made: made.photo("photos/", "a.jpg", file="ledger.cbor"))
    yield ledger("photo with nul", lambda made: made.photo("photos/", "a.jpg", file="photos/a\0.jpg"))
    yield ledger("photo by dots", lambda made: made.photo("photos/", "a.jpg", file="photos/../photos/a.jpg"), TAMPERED)
    yield ledger("photo by a dot", lambda made: made.photo("photos/", "a.jpg", file="./photos/a.jpg"), TAMPERED)
    yield ledger("photo by two slashes", lambda made: made.photo("photos/", "a.jpg", file="photos//a.jpg"), TAMPERED)
    yield ledger("photo empty path", lambda made: made.photo("photos/", "a.jpg", file=""))
    yield ledger("photo a folder", lambda made: made.photo("photos/", "a.jpg", file="photos"))
    yield ledger("photo of another ending", lambda made: made.photo("photos/", "a.png"), INTACT)
    yield ledger("photo elsewhere", lambda made: made.photo("other/", "a.jpg"), TAMPERED)
    yield ledger("photo with more", lambda made: made.photo("photos/", "a.jpg", more=1), INTACT)
    yield ledger(
        "photo in a session without saying so", lambda made: made.photo("sessions/one/photos/", "a.jpg"), TAMPERED
    )
    yield ledger(
        "photo in a session nobody knows", lambda made: made.photo("photos/", "a.jpg", session=bytes(16)), TAMPERED
    )
    yield ledger(
        "photo with session null", lambda made: made.photo("photos/", "a.jpg", **{"session": Raw(b"\xf6")}), TAMPERED
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
        return TAMPERED

    yield "photos of a session in both places", build

    def build(made):
        session = MadeSession(made, "one")
        session.finish()
        made.photo("sessions/one/photos/", "a.jpg", session)
        session.copy()
        return INTACT

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
        return INCOMPLETE

    yield "key changed, session never ended", build

    def build(made):
        one, two = MadeSession(made, "one"), MadeSession(made, "two")
        for session in (one, two):
            session.open()
            session.chunk()
            session.close()
        one.finish()
        two.finish()
        return INTACT

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


BOOT = {"software": "x", "config": bytes(32)}


def stranger(session="strange"):
    """Evidence of another device, with a session and a photo."""
    other = Made("stranger")
    other.begin()
    plain_session = MadeSession(other, session)
    other.photo(f"sessions/{session}/photos/", "a.jpg", plain_session)
    plain_session.open()
    plain_session.chunk()
    plain_session.close()
    plain_session.finish()
    other.photo("photos/", "a.jpg")
    return other


def long_form(data, size):
    """A frame, but for the length of its payload, which is longer than it needs to be."""
    length = bytes([0x58 + size.bit_length() - 1]) + len(data).to_bytes(size, "big")
    return MARK + bytes(32) + b"\xa0" + length + data + b"\x58\x40" + bytes(64)


def _sequences():
    """What else may stand in a ledger or in a session.cbor."""

    def behind(name, data, expected):
        def build(made):
            plain(made)
            made.photo("photos/", "a.jpg")
            whole = b"".join(made.entries)
            made.files["ledger.cbor"] = whole + (data(made) if callable(data) else data)
            return expected

        return f"sequence with {name} behind", build

    for length in (1, 2, 9, 10, 11, 100, -1):
        yield behind(
            f"an entry cut at {length}",
            lambda made, length=length: made.entry("boot", BOOT, keep=False)[:length],
            INCOMPLETE,
        )
    head = MARK + bytes(32) + b"\xa0"
    # The longest frame has 65,424 bytes of payload.
    longest = head + b"\x59\xff\x90" + bytes(65424) + b"\x58\x40" + bytes(64)
    for name, data, expected in (
        ("the longest frame cut", longest[:-1], INCOMPLETE),
        ("the longest frame cut in its signature's head", longest[:-65], INCOMPLETE),
        ("the longest frame whole", longest, TAMPERED),
        ("a frame too long cut", head + b"\x59\xff\x91" + bytes(100), TAMPERED),
        ("a key cut", head[:20], INCOMPLETE),
        ("no empty map", head[:-1] + b"\xa1", TAMPERED),
        ("the head of a payload cut", head, INCOMPLETE),
        ("a payload's length cut 58", head + b"\x58", INCOMPLETE),
        ("a payload's length cut 59", head + b"\x59\xff", INCOMPLETE),
        ("a payload's length cut 5a", head + b"\x5a\0\0", INCOMPLETE),
        ("a payload's length cut and too long", head + b"\x5a\0\1", TAMPERED),
        ("a payload of 8 bytes of length", head + b"\x5b\0\0", TAMPERED),
        ("a payload without length", head + b"\x5f", TAMPERED),
        ("a text for a payload", head + b"\x60", TAMPERED),
        ("an empty payload cut", head + b"\x40\x58", INCOMPLETE),
        ("a payload in a long form cut", head + b"\x5a\0\0\0\1a\x58\x40", INCOMPLETE),
        ("another signature cut", head + b"\x41a\x58\x41", TAMPERED),
        ("a torn entry that holds the beginning of another", head + b"\x59\1\0" + MARK, TAMPERED),
        ("junk and a torn entry", b"x" + head, TAMPERED),
        ("two torn entries", head + head, TAMPERED),
        ("the beginning of another envelope", MARK[:4] + b"\xa3\x01\x27", TAMPERED),
        ("junk of 3 MB", bytes(3_000_000) + b"\7", TAMPERED),
        ("zeros of 3 MB", bytes(3_000_000), INCOMPLETE),
        ("its first entry again", lambda made: made.entries[0], TAMPERED),
        ("its last entry again", lambda made: made.entries[-1], TAMPERED),
        ("its last entry 1,100 times", lambda made: made.entries[-1] * 1100, TAMPERED),
        ("a session again", lambda made: b"".join(made.entries[2:4]), TAMPERED),
        ("itself again", lambda made: b"".join(made.entries), TAMPERED),
    ):
        yield behind(name, data, expected)

    def torn_first(made):
        made.files["ledger.cbor"] = made.entries[0][:100]
        made.history = []
        made.history_holds = False
        return INCOMPLETE

    yield "sequence of a torn entry alone", torn_first

    # A stranger's entry within tells, by the keys, whether it is read.
    hidden = lambda data: b"\xd2" + to_cbor([MARK[4:] + bytes(32), {}, data, bytes(64)])  # noqa: E731
    for name, wrap, read in (
        ("nothing", lambda entry: entry, True),
        ("junk", lambda entry: b"junk" + entry, True),
        ("undefined", lambda entry: b"\xf7" + entry, True),
        ("an array without end", lambda entry: b"\x9b" + b"\xff" * 8 + entry, True),
        ("a string that holds the entry", lambda entry: to_cbor(entry), True),
        ("a deep item", lambda entry: b"\x81" * 70000 + b"\0" + entry, True),
        ("3 MB of junk", lambda entry: b"\x5f" * 3_000_000 + entry, True),
        ("junk up to a piece's end", lambda entry: b"\x5f" * ((1 << 20) - 3000) + entry, True),
        ("a frame that holds the entry", hidden, False),
        ("a frame that holds the entry, in a long form", lambda entry: long_form(entry, 4), False),
        ("a frame that holds the entry, in too long a form", lambda entry: long_form(entry, 8), True),
        ("a frame of 65,536 bytes", lambda entry: hidden(entry.ljust(65424, b"\0")), False),
        ("a frame of 65,537 bytes", lambda entry: hidden(entry.ljust(65425, b"\0")), True),
        ("a frame with another signature", lambda entry: hidden(entry)[:-66] + b"\x58\x41" + bytes(65), True),
        ("a frame with another map", lambda entry: hidden(entry).replace(b"\xa0\x59", b"\xa1\x59", 1), True),
        ("a torn frame", lambda entry: MARK + bytes(32) + b"\xa0\x59\xff\x00" + entry, True),
        ("a frame that does not end before the ledger", lambda entry: hidden(bytes(60000))[:100] + entry, True),
        ("marks", lambda entry: MARK * 3 + entry, True),
        ("half a mark", lambda entry: MARK[:5] + entry, True),
    ):

        def build(made, wrap=wrap, read=read):
            strange = Made("stranger")
            strange.begin()
            plain(made)
            made.files["ledger.cbor"] = b"".join(made.entries[:-1]) + wrap(strange.entries[-1]) + made.entries[-1]
            return {".": (TAMPERED, "not trusted" if read else "trusted")}

        yield f"sequence with {name} within", build

    def copy(name, change, whole, alone, trust="trusted"):
        def build(made):
            session = plain(made)
            made.files["sessions/one/session.cbor"] = change(made, session.entries)
            return {".": (whole, "trusted"), "sessions/one": (alone, trust)}

        return f"session.cbor {name}", build

    join = b"".join
    yield copy("empty", lambda made, entries: b"", INCOMPLETE, INCOMPLETE)
    for length in (1, 10, 200, -1):
        yield copy(
            f"cut at {length} of the start", lambda made, entries, at=length: entries[0][:at], INCOMPLETE, INCOMPLETE
        )
        yield copy(
            f"cut at {length} of the end",
            lambda made, entries, at=length: entries[0] + entries[1][:at],
            INCOMPLETE,
            INCOMPLETE,
        )
    yield copy("without the end", lambda made, entries: entries[0], INCOMPLETE, INCOMPLETE)
    yield copy("without the start", lambda made, entries: entries[1], TAMPERED, INCOMPLETE)
    yield copy("in another order", lambda made, entries: entries[1] + entries[0], TAMPERED, TAMPERED)
    yield copy("with the start twice", lambda made, entries: entries[0] + join(entries), TAMPERED, TAMPERED)
    yield copy("with the end twice", lambda made, entries: join(entries) + entries[1], TAMPERED, TAMPERED)
    yield copy("with the start again", lambda made, entries: join(entries) + entries[0], TAMPERED, TAMPERED)
    yield copy("with the start 1,100 times", lambda made, entries: entries[0] * 1100 + entries[1], TAMPERED, TAMPERED)
    yield copy("without the end, with the start twice", lambda made, entries: entries[0] * 2, TAMPERED, TAMPERED)
    yield copy("with another entry", lambda made, entries: join(entries) + made.entries[0], TAMPERED, TAMPERED)
    yield copy("with another entry first", lambda made, entries: made.entries[1] + join(entries), TAMPERED, TAMPERED)
    yield copy("with a number behind", lambda made, entries: join(entries) + b"\7", TAMPERED, TAMPERED)
    yield copy("with zeros behind", lambda made, entries: join(entries) + bytes(9), INCOMPLETE, INCOMPLETE)
    yield copy("with a number in front", lambda made, entries: b"\0" + join(entries), TAMPERED, TAMPERED)
    yield copy("torn behind its end", lambda made, entries: join(entries) + MARK, TAMPERED, INCOMPLETE)
    yield copy("torn, and not as the ledger", lambda made, entries: entries[0] + MARK + bytes(9), TAMPERED, INCOMPLETE)
    yield copy(
        "with a stranger's entry",
        lambda made, entries: join(entries) + stranger().entries[0],
        TAMPERED,
        TAMPERED,
        "not trusted",
    )

    def lone_copy(name, kinds, expected):
        """Entries of a session that never started, and no segment."""

        def build(made):
            session = MadeSession(made, "one")
            made.photo("sessions/one/photos/", "a.jpg", session)
            made.photo("sessions/one/photos/", "b.jpg", session, **kinds)
            session.entries = session.entries[1:]
            session.copy()
            return {".": TAMPERED, "sessions/one": expected}

        return f"session.cbor without a start, {name}", build

    yield lone_copy("any folder", {"file": "sessions/two/photos/b.jpg"}, INCOMPLETE)
    yield lone_copy("two folders", {"file": "sessions/two/three/photos/b.jpg"}, TAMPERED)
    yield lone_copy("folder of dots", {"file": "sessions/../photos/b.jpg"}, TAMPERED)
    yield lone_copy("no folder", {"file": "photos/b.jpg"}, TAMPERED)

    def build(made):
        plain(made)
        made.entry("rain", {"session": sha(b"madeone")[:16]}, key=Key("made/0"))
        return TAMPERED

    yield "session named by another kind and key", build

    def build(made):
        session = plain(made)
        made.entries.append(session.start)
        made.files["sessions/one/session.cbor"] = b"".join(session.entries + [session.start])
        return {".": TAMPERED, "sessions/one": TAMPERED}

    yield "session started again, in both places", build

    def build(made):
        session = plain(made)
        made.entries.insert(4, session.start)
        return {".": TAMPERED, "sessions/one": INTACT}

    yield "session started again, in the ledger alone", build

    def build(made):
        session = MadeSession(made, "one")
        session.entries.append(made.entry("rain", {"session": session.id}))
        session.finish()
        return {".": INTACT, "sessions/one": INTACT}

    yield "session named by another kind", build

    def build(made):
        session = MadeSession(made, "one")
        session.entries.append(made.entry("boot", {**BOOT, "session": session.id}))
        session.finish()
        session.entries.append(made.entry("rain", {"session": session.id}, key=Key("x")))
        session.copy()
        return {".": TAMPERED, "sessions/one": TAMPERED}

    yield "session named by another key", build

    def build(made):
        session = MadeSession(made, "one")
        session.entries.append(made.entry("rain", {"session": session.id}, device=bytes(32)))
        session.finish()
        return {".": (TAMPERED, "not trusted"), "sessions/one": (TAMPERED, "not trusted")}

    yield "session named by another device", build

    for folder in ("../x", "", ".", "..", "a/b", "a\0b"):

        def build(made, folder=folder):
            session = MadeSession(made, "one", folder=folder)
            session.finish()
            made.files["below/session.cbor"] = made.files.pop("sessions/one/session.cbor")
            return {".": TAMPERED, "below": TAMPERED}

        yield f"session in a folder {folder!r}, without it", build

    def build(made):
        plain(made)
        other = MadeSession(made, "two", folder="one")
        other.open()
        other.chunk()
        other.close()
        other.finish()
        return {".": TAMPERED, "sessions/one": INTACT, "sessions/two": INTACT}

    yield "two sessions in one folder", build


CAUSES = "camera microphone encoder storage recorder power battery storage-full suspend damage weather obstruction"


def _interruptions():
    """Interruptions that are well recorded, that are no entries, and that are forged."""

    def case(name, change, expected=GAPS, alone=None, start=None):
        """What `change` does between two chunks of a session. `alone` is the verdict on its folder alone."""

        def build(made):
            session = MadeSession(made, "one", **(start or {}))
            session.open()
            session.chunk()
            change(made, session)
            session.chunk()
            session.close()
            session.finish()
            made.new_key("session-end")
            # Nothing of this is in the segment, but for the session's start.
            whole = None if start and expected == TAMPERED else INTACT
            return {".": expected, "sessions/one": alone or expected, "sessions/one/0001.mp4": whole}

        return f"interruption {name}", build

    def bodies(what, give, wrong, fine, alone=None):
        """One entry: `give` takes the changes to its body. Each key left out, null and of another type is no entry."""
        said = [(name, value, TAMPERED) for name in wrong for value in (None, Raw(b"\xf6"), *wrong[name])]
        said += [(name, value, GAPS) for name in fine for value in fine[name]]
        for number, (name, value, expected) in enumerate(said):
            change = lambda made, session, name=name, value=value: give(made, session, **{name: value})  # noqa: E731
            yield case(f"{what} {number}, {name} {_short(value)}", change, expected, alone)

    def clocks():
        for name in clock():
            yield clock(**{name: None})
            yield clock(**{name: Raw(b"\xf6")})
        yield from (clock(source="sundial"), clock(boot=-1), clock(boot_id=bytes(15)), clock(utc=2**63))
        yield from ({}, [], 0, {**clock(), 1: 1})

    def ended(made, session, /, **changes):
        session.interruption()
        session.interruption_end(**changes)

    def noted(made, session, /, **changes):
        session.interruption()
        made.note(**changes)

    both, texts, ids = ["video", "audio"], (1, b"", []), (bytes(15), bytes(17), "x" * 16)
    other_clocks = [clock(more=1), clock(boot=0), clock(boot=2**64 - 1), clock(boot_id=sha(b"another")[:16])]
    yield from bodies(
        "of a body",
        lambda made, session, /, **changes: session.interruption(**changes),
        {
            "id": ids,
            "session": ids,
            "cause": texts,
            "known": (*texts, "", "Device", "witness"),
            "media": ([], both[::-1], ["video"] * 2, [*both, "video"], ["smell"], ["video", 1], [1], {}, "video", 1),
            "from": clocks(),
            "detail": texts,
        },
        {
            "cause": (*CAUSES.split(), "place-changed", "other", "boredom", ""),
            "known": ("officer",),
            "media": (["video"], ["audio"], both),
            "from": other_clocks,
            "detail": ("", "\x1b[2J", "x" * 9000),
            "more": (1,),
        },
    )
    wrong = {"id": ids, "session": ids, "to": clocks()}
    yield from bodies("of an end", ended, wrong, {"to": other_clocks, "more": (1,)})
    yield from bodies(
        "of a note",
        noted,
        {"id": ids, "cause": texts, "officer": texts, "text": texts},
        {"cause": ("weather", "boredom"), "text": ("", "\x1b[2J"), "more": (1,)},
        GAPS,
    )
    nothing = lambda made, session: None  # noqa: E731
    no_number = (Raw(b"\xf6"), -1, 2**64, "1", b"")
    for value in (0, 1, 2**64 - 1):
        yield case(f"start pressed {value}", nothing, INTACT, start={"pressed": value})
        yield f"interruption end pressed {value}", _finished(INTACT, pressed=value)
    for value in no_number:
        value = Raw(b"\xc2\x49\x01" + bytes(8)) if value == 2**64 else value
        yield case(f"start pressed {_short(value)}", nothing, TAMPERED, start={"pressed": value})
        yield f"interruption end pressed {_short(value)}", _finished(TAMPERED, pressed=value)
    for value, expected in ((bytes(16), INTACT), *((value, TAMPERED) for value in (*ids, Raw(b"\xf6"), 1))):
        yield case(f"start continues {_short(value)}", nothing, expected, start={"continues": value})
    yield "interruption cause storage-full of the end", _finished(GAPS, cause="storage-full")
    for event in ("start", "clock-step", "suspend", "battery", "joined"):
        for detail in ("", "12 charging", "-1", "words", "9" * 400):
            yield (
                f"interruption event {event} {detail[:20]!r}",
                with_record(INTACT, events=[{"event": event, "detail": detail}]),
            )
        yield f"interruption event {event} without detail", with_record(TAMPERED, events=[{"event": event}])
    for step in (0, -(2**63), 2**63 - 1):
        yield case(
            f"clock step {step}", lambda made, session, step=step: made.entry("clock-step", {"step": step}), INTACT
        )
    for step in (2**63, -(2**63) - 1, "1", Raw(b"\xf6")):
        yield case(
            f"clock step {_short(step)}",
            lambda made, session, step=step: made.entry("clock-step", {"step": step}),
            TAMPERED,
            INTACT,
        )
    yield case("clock step none", lambda made, session: made.entry("clock-step", {}), TAMPERED, INTACT)

    # Rule 4: which kinds name a session. What names none has no place in a session.cbor.
    for name, body in {
        "boot": BOOT,
        "shutdown": {"reason": "x"},
        "clock-step": {"step": 1},
        "key": None,
        "interruption-note": {"id": sha(b"lens")[:16], "cause": "x", "officer": "x", "text": "x"},
    }.items():

        def naming(made, session, name=name, body=body, copied=False, of=None):
            session.interruption()
            if body is None:
                body = {"public": made.key.public, "algorithm": "ed25519", "reason": "boot"}
            envelope = made.entry(name, {**body, "session": of or session.id})
            session.entries += [envelope] if copied else []

        yield case(f"{name} with a session", naming)
        yield case(f"{name} with a session nobody knows", lambda *_, n=naming: n(*_, of=bytes(16)))
        yield case(f"{name} with a session, in session.cbor", lambda *_, n=naming: n(*_, copied=True), TAMPERED)
    for name in ("interruption", "interruption_end"):

        def unknown(made, session, name=name):
            session.interruption()
            if name != "interruption":
                session.interruption("far", session=bytes(16))
            getattr(session, name)("far", session=bytes(16))
            del session.entries[-2 if name != "interruption" else -1 :]

        yield case(f"{name} of a session nobody knows", unknown, INCOMPLETE, GAPS)
    for name in ("another", "made/session/one"):
        yield case(f"by the key {name}", lambda made, session, n=name: session.interruption(key=Key(n)), TAMPERED)
        yield case(f"end by the key {name}", lambda made, session, n=name: ended(made, session, key=Key(n)), TAMPERED)

    # Rule 6. A letter an entry: `i` an interruption, `e` its end, `n` a note; `j`, `f`, `m` of another id.
    def plan(text, expected=GAPS, alone=None, behind=False):
        def build(made):
            session = MadeSession(made, "one")
            session.open()
            session.chunk()
            session.close()
            if behind:
                session.finish()
            for letter in text:
                name = "lens" if letter in "ien" else "sound"
                if letter in "ij":
                    session.interruption(name)
                elif letter in "ef":
                    session.interruption_end(name)
                else:
                    made.note(name)
            session.copy() if behind else session.finish()
            return {".": expected, "sessions/one": alone or expected, "sessions/one/0001.mp4": INTACT}

        return f"interruption plan {text}{', behind the end' if behind else ''}", build

    for text in ("i", "ie", "in", "inn", "ien", "ine", "iejf", "ijfe", "ijef", "ijmn", "ijefnm"):
        yield plan(text)
        yield plan(text, behind=True)
    for text in ("ii", "iei", "iie", "iiee", "e", "ei", "eie", "iee", "ieie", "ijee", "if", "ijiefe", "eien", "eiee"):
        yield plan(text, TAMPERED)
    for text, alone in (("n", INTACT), ("nn", INTACT), ("ni", GAPS), ("nie", GAPS), ("im", GAPS), ("imj", GAPS)):
        yield plan(text, TAMPERED, alone)
    yield plan("ne", TAMPERED)

    def two(name, expected, one, other, *steps):
        """Two sessions at once; a step is which of them does what, to the one interruption."""

        def build(made):
            sessions = [MadeSession(made, "one"), MadeSession(made, "two")]
            for step in steps:
                getattr(sessions[step[0]], step[1])()
            for session in sessions:
                session.finish()
            return {".": expected, "sessions/one": one, "sessions/two": other}

        return f"interruption of two sessions, {name}", build

    begin, end = "interruption", "interruption_end"
    yield two("one each, of an id", TAMPERED, GAPS, GAPS, (0, begin), (1, begin))
    yield two("one each, of an id, one behind the other", TAMPERED, GAPS, GAPS, (0, begin), (0, end), (1, begin))
    yield two("one each, of an id, with ends", TAMPERED, GAPS, GAPS, (0, begin), (0, end), (1, begin), (1, end))
    yield two("an end for the other", TAMPERED, GAPS, TAMPERED, (0, begin), (1, end))
    yield two("an end for the other as well", TAMPERED, GAPS, TAMPERED, (0, begin), (1, end), (0, end))
    yield two("an end behind one that does not count", TAMPERED, GAPS, GAPS, (0, begin), (1, begin), (1, end))

    def build(made):
        for number, name in enumerate(("one", "two")):
            session = MadeSession(made, name, continues=bytes(16))
            session.interruption(name)
            session.interruption_end(name)
            session.finish()
            made.new_key("session-end")
        made.note("one")
        made.note("two")
        made.note("one")
        return {".": (GAPS, "trusted"), "sessions/one": (GAPS, "trusted"), "sessions/two": (GAPS, "trusted")}

    yield "interruption of two sessions, noted later by other keys", build

    def build(made):
        session = plain(made)
        session.interruption()
        session.copy()
        return {".": TAMPERED, "sessions/one": TAMPERED}

    yield "interruption entered later by another key", build

    def build(made):
        session = MadeSession(made, "one")
        session.interruption()
        session.finish()
        made.new_key("session-end")
        made.new_key("boot")
        made.note()
        made.history = made.history[:1]
        return {".": (GAPS, "too old"), "sessions/one": (GAPS, "trusted")}

    yield "interruption noted behind the history", build

    def build(made):
        session = MadeSession(made, "one")
        session.open()
        session.chunk()
        session.interruption()
        session.close(end=False)
        session.copy()
        return INCOMPLETE

    yield "interruption open, in a session without an end", build

    def build(made):
        session = MadeSession(made, "one")
        session.interruption()
        session.finish()
        made.files["ledger.cbor"] = None
        return {".": INCOMPLETE, "sessions/one": GAPS}

    yield "interruption without a ledger", build

    def build(made):
        session = MadeSession(made, "one")
        session.interruption()
        session.entries = session.entries[1:]
        session.open()
        session.chunk()
        session.close()
        session.copy()
        return {".": TAMPERED, "sessions/one": INCOMPLETE}

    yield "interruption without a session's start", build


def _interruptions_spoilt():
    """What anyone can do to the entries of interruptions, without a key: in the ledger, or in session.cbor."""

    def spoilt(name, change, expected, alone, in_ledger=False, in_copy=True):
        """`change` takes the entries from `interruption` to the end of the session: (i)nterruption, (e)nd, (n)ote."""

        def build(made):
            session = MadeSession(made, "one")
            session.open()
            session.chunk()
            session.interruption()
            session.interruption_end()
            session.chunk()
            session.close()
            session.finish()
            made.note()
            one, two = session.entries[1:3]
            if in_copy:
                made.files["sessions/one/session.cbor"] = b"".join(change(session.entries, one, two))
            if in_ledger:
                made.files["ledger.cbor"] = b"".join(change(made.entries, one, two))
            return {".": expected, "sessions/one": alone, "sessions/one/0001.mp4": INTACT}

        return f"interruption spoilt {name}", build

    def without(*which):
        return lambda entries, *both: [entry for entry in entries if entry not in [both[at] for at in which]]

    def swapped(entries, one, two):
        at = {one: two, two: one}
        return [at.get(entry, entry) for entry in entries]

    def flipped(which, spot):
        def change(entries, *both):
            old = both[which]
            at = spot if spot >= 0 else len(old) + spot
            return [old[:at] + bytes([old[at] ^ 1]) + old[at + 1 :] if entry == old else entry for entry in entries]

        return change

    def behind(which):
        return lambda entries, *both: [*entries, both[which]]

    ways = {
        "taken away": (without(0, 1), INTACT),
        "without its end": (without(1), GAPS),
        "but for its end": (without(0), TAMPERED),
        "turned round": (swapped, TAMPERED),
        "again at the end": (behind(0), TAMPERED),
        "with its end again": (behind(1), TAMPERED),
    }
    for spot in (0, 20, 120, 200, -200, -80, -9):
        ways[f"with byte {spot} flipped"] = (flipped(0, spot), TAMPERED)
        ways[f"with byte {spot} of its end flipped"] = (flipped(1, spot), TAMPERED)
    for name, (change, alone) in ways.items():
        yield spoilt(f"{name} in session.cbor", change, TAMPERED, alone)
        yield spoilt(f"{name} in the ledger", change, TAMPERED, GAPS, True, False)
        yield spoilt(f"{name} in both", change, TAMPERED, alone, True)
    cut = {
        "cut before it": (lambda entries, one, two: entries[:1], INCOMPLETE),
        "cut within it": (lambda entries, one, two: [entries[0], one[:99]], INCOMPLETE),
        "cut behind it": (lambda entries, one, two: entries[:2], INCOMPLETE),
        "cut within its end": (lambda entries, one, two: [*entries[:2], two[:-1]], INCOMPLETE),
    }
    for name, (change, alone) in cut.items():
        yield spoilt(f"{name} in session.cbor", change, alone, alone)
    yield spoilt(
        "with its note taken away", lambda entries, one, two: entries[:-1], GAPS, GAPS, True, False
    )
    yield spoilt("with its note in session.cbor", _with_note, TAMPERED, TAMPERED)


def _gaps():
    """Which gaps are listed, and with which media times (7.4, step 8)."""
    here, elsewhere, zero = sha(b"made")[:16], sha(b"another")[:16], 5
    video, audio, both = ["video"], ["audio"], ["video", "audio"]

    def at(seconds, boot_id=here):
        """The clock at a media time."""
        return clock(boot=int((zero + seconds) * SECOND), boot_id=boot_id)

    def case(name, interruptions, gaps, late=10, media=both, cause="stop", events=(), lost=0):
        """An interruption is (media, from, to), a clock or a media time each, `to` perhaps None; a gap is (medium,
        begin, end). The video of a session comes from 0 to 1 and then again from `late` on."""

        def build(made):
            sources = [{"medium": medium, "source": "s", "encoder": "e", "format": "f"} for medium in media]
            session = MadeSession(made, "one", zero=zero * SECOND, sources=sources)
            session.open()
            session.chunk()
            for number, (of, begin, end) in enumerate(interruptions):
                begin, end = (time if isinstance(time, (dict, type(None))) else at(time) for time in (begin, end))
                session.interruption(str(number), media=of, **{"from": begin})
                if end is not None:
                    session.interruption_end(str(number), to=end)
            session.chunk([session.track(start=int(late * 90000), lost=lost)], **({"events": events} if events else {}))
            session.close()
            if cause is None:
                session.copy()
            else:
                session.finish(cause=cause)
            last = made.ticks - zero
            listed = [_nanoseconds(gap, last) for gap in gaps]
            expected = GAPS if cause else INCOMPLETE
            return {".": expected, "sessions/one": expected, "gaps": listed}

        return f"gaps {name}", build

    told = ("video", 1, 10)
    gap = missing(told)
    yield case("late alone", [], [gap])
    for begin, end, explained in (
        (1, 10, True),
        (2, 9, True),
        (0, 20, True),
        (2.000000001, 9, False),
        (2, 8.999999999, False),
        (1, 5, False),
        (5, 10, False),
        (20, 30, False),
        (1, 0.5, False),
        (0, 0, False),
    ):
        one = ("video", begin, end)
        yield case(f"late, told from {begin} to {end}", [(video, begin, end)], [one] if explained else [one, gap])
    yield case("late, told in two", [(video, 1, 5), (video, 5, 10)], [("video", 1, 5), ("video", 5, 10), gap])
    yield case("late, told in two at once", [(video, 1, 8), (video, 3, 10)], [("video", 1, 8), ("video", 3, 10), gap])
    open_end = [("video", 1, 5), ("video", 5, "end")]
    yield case("late, told in two, one open", [(video, 1, 5), (video, 5, None)], [*open_end, gap])
    yield case("late, told twice", [(video, 1, 10), (both, 0, 9)], [told, ("video", 0, 9), ("audio", 0, 9)])
    yield case("late, told of audio", [(audio, 1, 10)], [("audio", 1, 10), gap])
    yield case("late, told of both", [(both, 1, 10)], [told, ("audio", 1, 10)])
    yield case("told before zero", [(video, at(-3), at(-2))], [("video", 0, 0)], late=1)
    yield case("told from before zero", [(video, at(-3), 10)], [("video", 0, 10)])
    yield case("told backwards", [(video, 9, 4)], [("video", 9, 4)], late=1)
    short = missing(("video", 1, 1.5))
    yield case("told backwards, about nothing", [(video, 1.9, 0)], [("video", 1.9, 0), short], late=1.5)
    yield case("open", [(video, 3, None)], [("video", 3, "end")], late=1)
    long = missing(("video", 1, 100))
    yield case("open, late after the end", [(video, 1, None)], [("video", 1, "end"), long], late=100)
    yield case("open, no end", [(video, 3, None)], [("video", 3, None)], late=1, cause=None)
    yield case("open, late, no end", [(video, 1, None)], [("video", 1, None)], late=100, cause=None)
    yield case("open too late, no end", [(video, 2.1, None)], [("video", 2.1, None), gap], cause=None)
    yield case("another boot's begin", [(video, at(1, elsewhere), 10)], [("video", None, 10), gap])
    yield case("another boot's end", [(video, 1, at(3, elsewhere))], [("video", 1, None)])
    yield case("another boot's end, too late", [(video, 5, at(3, elsewhere))], [("video", 5, None), gap])
    yield case("another boot's both", [(video, at(1, elsewhere), at(3, elsewhere))], [("video", None, None), gap])
    # Wherever within the session these are: told from 0 on and without an end it is explained.
    for name, more in {
        "a cause": {"cause": "recovered"},
        "storage-full": {"cause": "storage-full"},
        "a loss": {"events": [{"event": "lost", "detail": "x"}]},
        "a failure": {"events": [{"event": "source-failed", "detail": "x"}]},
        "no end of a session": {"cause": None, "events": [{"event": "lost", "detail": "x"}]},
    }.items():
        never = at(3, elsewhere)
        told = [("video", 0, None), ("audio", 0, None)]
        yield case(f"{name}, told of both", [(both, 0, never)], told, late=1, **more)
        yield case(f"{name}, told of each", [(video, 0, never), (audio, 0, never)], told, late=1, **more)
        yield case(f"{name}, of one source", [(video, 0, never)], told[:1], late=1, media=video, **more)
        yield case(f"{name}, of one source twice", [(video, 0, never)], told[:1], late=1, media=video * 2, **more)
    loss = [{"event": "lost", "medium": "video", "detail": "x"}]
    yield case("a loss of a medium, told", [(video, 0, None)], [("video", 0, None)], late=1, events=loss, cause=None)
    yield case("frames lost, told", [(video, 0, None)], [("video", 0, None)], late=1, lost=3, cause=None)

    def build(made):
        session = MadeSession(made, "one", zero=0)
        for start in (0, 900000):
            session.open()
            session.chunk([session.track(start=start)])
            session.close()
        session.interruption(**{"from": at(1 - zero), "media": ["video"]})
        session.finish()
        return {".": GAPS, "sessions/one": GAPS, "gaps": [("video", SECOND, made.ticks * SECOND)]}

    yield "gaps over a change of segment, told", build

    def build(made):
        session = MadeSession(made, "one", zero=0)
        session.interruption(**{"from": at(1 - zero)})
        session.interruption("second", **{"from": at(2 - zero)})
        session.interruption("second", **{"from": at(3 - zero)})
        session.interruption_end("third", to=at(4 - zero))
        session.interruption_end(to=at(5 - zero))
        session.interruption_end(to=at(6 - zero))
        session.interruption_end("second", to=at(7 - zero))
        session.finish()
        gaps = [("video", SECOND, 5 * SECOND), ("video", 2 * SECOND, 7 * SECOND)]
        return {".": TAMPERED, "sessions/one": TAMPERED, "gaps": gaps}

    yield "gaps of which some are forged", build


def _gap_places():
    """Of which medium the gaps of the records are, and where they begin and end (7.1, and 7.4, steps 5 and 8)."""
    here, video, both = sha(b"made")[:16], ["video"], ["video", "audio"]

    def media_time(seconds):
        return clock(boot=int(seconds * SECOND), boot_id=here)

    def sources(media):
        return [{"medium": medium, "source": "s", "encoder": "e", "format": "f"} for medium in media]

    def placed(medium, start, length, lost=0):
        (one,) = track(medium=medium, scale=1000, start=int(start * 1000), duration=length * 1000, lost=lost)
        return one

    def nanoseconds(gaps):
        return [_nanoseconds(gap) for gap in gaps]

    def case(name, segments, gaps, cause="stop", told=(), media=both, alone=None, first_key=None):
        """A segment is a list of records, a record its tracks and its events; a track is (medium, start, duration,
        how much was lost), an event (event, medium). Without tracks (None) a record is a segment's end."""

        def build(made):
            session = MadeSession(made, "one", zero=0, sources=sources(media))
            key, close = first_key, True
            for number, (of, begin, end) in enumerate(told):
                session.interruption(str(number), media=of, **{"from": media_time(begin)})
                session.interruption_end(str(number), to=media_time(end))
            for records in segments:
                session.open()
                for tracks, *events in records:
                    events = [without_none({"event": e, "medium": of, "detail": "x"}) for e, of in events]
                    more = {"events": events} if events else {}
                    close = tracks is not None
                    if not close:
                        session.close(**more)
                        continue
                    session.chunk([placed(*one) for one in tracks], key=key, **more)
                    key = None
                if close:
                    session.close()
            session.finish(cause=cause)
            expected = TAMPERED if first_key else GAPS
            said = {".": expected, "sessions/one": expected, "gaps": nanoseconds(gaps)}
            if alone is not None or len(segments) == 1 and cause == "stop" and not told:
                said["gaps alone"] = nanoseconds(gaps if alone is None else alone)
            return said

        return f"gaps placed, {name}", build

    def v(*times):
        return ("video", *times)

    def a(*times):
        return ("audio", *times)

    # What begins too late, and frames that are lost.
    ten = [v(0, 10)]
    yield case("late", [[(ten,), ([v(13, 2)],)]], [missing(v(10, 13))])
    yield case("late in a record", [[([v(0, 10), v(13, 2)],)]], [missing(v(10, 13))])
    yield case("late behind one that went back", [[(ten,), ([v(3, 2)],), ([v(12, 2)],)]], [missing(v(5, 12))])
    yield case("late where another is not", [[([v(0, 10), a(0, 10)],), ([v(10, 9)],), ([a(19, 1)],)]], [missing(a(10, 19))])
    yield case("late in the next", [[(ten,)], [([v(13, 2)],)]], [missing(v(10, 13))], alone=[])
    two, one, other = [([v(0, 9), a(0, 9)],)], [([v(9, 9)],)], [([a(18, 9)],)]
    yield case("late in the one but next", [two, one, other], [missing(a(9, 18))])
    yield case("lost at the beginning", [[([v(3, 2, 4)],)]], [v(3, 3)])
    yield case("lost before any of its medium", [[(ten,), ([a(12, 2, 4)],)]], [a(12, 12)])
    yield case("lost without a hole", [[(ten,), ([v(10, 2, 4)],)]], [v(10, 10)])
    yield case("lost, 1 ms", [[(ten,), ([v(10.001, 2, 4)],)]], [v(10, 10.001)])
    yield case("lost and late", [[(ten,), ([v(13, 2, 4)],)]], [v(10, 13)])
    yield case("lost and late in a record", [[([v(0, 10), v(13, 2, 1), v(20, 2)],)]], [v(10, 13), missing(v(15, 20))])
    two = ([v(13, 2, 1), a(14, 2)],)
    yield case("lost and late of two", [[([v(0, 10), a(0, 9)],), two]], [v(10, 13), missing(a(9, 14))])
    yield case("lost and late in the next", [[(ten,)], [([v(13, 2, 4)],)]], [v(10, 13), v(13, 13)], alone=[])
    yield case("lost and told", [[(ten,), ([v(20, 2, 1)],)]], [v(10, 20)], told=[(video, 10, 20)])
    yield case("lost, half told", [[(ten,), ([v(20, 2, 1)],)]], [v(10, 15), v(10, 20)], told=[(video, 10, 15)])

    # Events: of the medium that they name, at a moment that is that of all media.
    before = ([v(0, 10), a(1, 12)],)
    for event in ("lost", "source-failed"):
        for medium in (None, *both):
            one, name = (event, medium), f"{event} of {medium}"
            at = lambda time, medium=medium: [(medium, time, time)]  # noqa: E731
            yield case(f"{name}, in the first record", [[([v(4, 9), a(3, 9)], one)]], at(3))
            yield case(f"{name}, in a record without tracks", [[before, ([], one), ([v(10, 9), a(13, 9)],)]], at(13))
            yield case(f"{name}, in the end", [[before, (None, one)]], at(13))
            yield case(f"{name}, without any track", [[([], one)]], at(0))
            yield case(f"{name}, behind one without tracks", [[([],), ([v(6, 4)], one), ([], one)]], at(0) + at(10))
            yield case(f"{name}, in the next", [[(ten,)], [([v(10, 2), a(9, 2)], one)]], at(9), alone=[])
            yield case(f"{name}, in the next without tracks", [[(ten,)], [([], one)]], at(0), alone=[])
            yield case(f"{name}, behind one that went back", [[(ten,), ([v(3, 2)],), ([], one)]], at(10))
            yield case(f"{name}, with a track that goes back", [[before, ([v(7, 4)], one)]], at(13))
            yield case(f"{name}, twice", [[before, ([], one, one)]], at(13) * 2)
            forged = [[([v(0, 10)],), ([v(10, 9)], one), ([], one)]]
            yield case(f"{name}, behind a forged one", forged, at(10) + at(19), first_key=Key("another"))
            hole, late = v(10, 15), ([v(15, 3)],)
            # The hole in the picture, where the event may be a reason for it.
            told = missing(hole) if medium == "audio" else hole
            yield case(f"{name}, in a late record", [[before, (*late, one)]], [*at(13), told])
            yield case(f"{name}, in one that lost and is late", [[before, ([v(15, 3, 2)], one)]], [*at(13), hole])
            yield case(f"{name}, in the record before a late one", [[(ten, one), late]], [*at(0), missing(hole)])
            yield case(f"{name}, behind a late record", [[(ten,), late, ([], one)]], [*at(18), missing(hole)])
            between = [(ten,), ([a(10, 2)], one)]
            yield case(f"{name}, before a late record", [[*between, late]], [*at(10), told])
            yield case(f"{name}, two before a late record", [[*between, ([],), late]], [*at(10), told])
            again = [missing(v(18, 20)), told, *at(10)]
            yield case(f"{name}, in the first of two late records", [[(ten,), (*late, one), ([v(20, 1)],)]], again)
            twice = ([v(15, 3), v(20, 1)], one)
            holes = [each if told == hole else missing(each) for each in (hole, v(18, 20))]
            yield case(f"{name}, in a record late twice", [[(ten,), twice]], [*at(10), *holes])
            # Over a change of segment.
            yield case(f"{name}, in the end before a late one", [[(ten,), (None, one)], [late]], [*at(10), told])
            yield case(f"{name}, in the last before a late one", [between, [late]], [*at(10), told])
            yield case(f"{name}, in a segment between", [[(ten,)], [([a(10, 2)], one)], [late]], [*at(10), told])
            yield case(f"{name}, in the next before a late one", [[(ten,)], [([a(10, 2)], one), late]], [*at(10), told])
            spent, behind = [(ten,), (None, one)], [[([v(10, 5)],)], [([v(20, 1)],)]]
            yield case(f"{name}, told before another", [spent, *behind], [*at(10), missing(v(15, 20))])
            yield case(f"{name}, in the next, late", [[(ten,)], [(*late, one)]], [*at(15), told])
            yield case(f"{name}, in the next, behind a late one", [[(ten,)], [late, ([], one)]], [*at(18), missing(hole)])
            yield case(f"{name}, with the last before a late one", [[(ten, one)], [late]], [*at(0), missing(hole)])
    # Where a segment between is not there, nothing is said of the times over that.
    for name, behind in {"behind it": [v(15, 3)], "in the one but next": [a(15, 3)]}.items():

        def build(made, behind=behind):
            session = MadeSession(made, "one", zero=0)
            for tracks in (ten, [v(10, 1)], behind, [v(30, 1)]):
                session.open()
                session.chunk([placed(*one) for one in tracks])
                session.close()
            session.finish()
            del made.files["sessions/one/0002.mp4"]
            late = [missing(v(18, 30))] if behind[0][0] == "video" else []
            return {".": INCOMPLETE, "sessions/one": INCOMPLETE, "gaps": nanoseconds(late)}

        yield f"gaps placed, a segment away, late {name}", build

    yield case("lost and overlapping", [[(ten,), ([v(7, 5, 2)],)]], [v(7, 7)])
    told, gaps = [(video, 49.5, 50.5)], [v(10, 90), v(49.5, 50.5)]
    hidden = [[([v(0, 10), a(0, 50)],), ([v(90, 1)], ("lost", "video"))]]
    yield case("a lost event within an interruption hides no hole", hidden, gaps, "stop", told)

    # The cause of the end.
    def end(name, segments, at, **more):
        return case(f"cause, {name}", segments, [(None, at, at)], cause="recovered", **more)

    yield end("no segment", [], 0)
    yield end("of one medium", [[(ten,)]], 10)
    yield end("of two media", [[before]], 13)
    yield end("behind a track that went back", [[(ten,), ([v(3, 2)],)]], 10)
    yield end("behind a segment that went back", [[(ten,)], [([v(3, 2)],)]], 5)
    yield end("behind a segment of one medium", [[before], [([v(10, 1)],)]], 11)
    yield end("behind a segment without tracks", [[(ten,)], [([],)]], 0)

    # Without `sources` nothing is told of a gap that has no medium.
    told, listed = [(both, 0, 100)], [v(0, 100), a(0, 100)]
    failed = ("source-failed", None)
    yield end("no sources", [[before]], 13, media=[])
    yield case("cause, no sources, told", [[before]], [*listed, (None, 13, 13)], "recovered", told, [])
    yield case("event, no sources, told", [[before, ([], failed)]], [*listed, (None, 13, 13)], "stop", told, [])
    yield case("event of video, no sources, told", [[before, ([], ("lost", "video"))]], listed, "stop", told, [])

    # Two interruptions that touch: a moment where they do lies within each.
    told = [(video, 0, 13), (video, 13, 20), (["audio"], 0, 20)]
    listed = [v(0, 13), v(13, 20), a(0, 20)]
    yield case("event, told in two", [[before, ([], failed)]], listed, "stop", told)
    yield case("cause, told in two", [[before]], listed, "recovered", told)

    # A gap without a medium is told only where every source is.
    for name in both:
        told, listed = [([name], 0, 20)], [(name, 0, 20), (None, 13, 13)]
        yield case(f"event, told of {name}", [[before, ([], failed)]], listed, "stop", told)
        yield case(f"cause, told of {name}", [[before]], listed, "recovered", told)

    # What is forged by rule 4 alone counts. A step is an entry and its time; what is large has the wrong key or device.
    for name, wrong in {"key": {"key": Key("another")}, "device": {"device": bytes(32)}}.items():
        for steps, gap in {
            "I10 e20": (10, 20),
            "i10 E20": (10, 20),
            "I10 E20": (10, 20),
            "I10 i9 e20": (10, 20),
            "i10 E20 e21": (10, 20),
        }.items():

            def build(made, wrong=wrong, steps=steps, gap=gap):
                session = MadeSession(made, "one", zero=0)
                session.open()
                for start in (0, 20):
                    session.chunk(track(scale=1, start=start, duration=10))
                session.close()
                for step in steps.split():
                    body, more = {"id": bytes(16), "session": session.id}, wrong if step[0].isupper() else {}
                    if step[0] in "iI":
                        body |= {"cause": "camera", "known": "device", "media": video, "detail": ""}
                        body["from"] = media_time(int(step[1:]))
                        session.entries.append(made.entry("interruption", body, **more))
                    else:
                        body["to"] = media_time(int(step[1:]))
                        session.entries.append(made.entry("interruption-end", body, **more))
                session.finish()
                return {".": TAMPERED, "sessions/one": TAMPERED, "gaps": nanoseconds([("video", *gap)])}

            yield f"gaps placed, forged by the {name}, {steps}", build


def _with_note(entries, one, two):
    other = Made()
    other.begin()
    MadeSession(other, "one")
    other.note()
    return [*entries, other.entries[-1]]


def _short(value):
    """A value in the name of a case."""
    return repr(value)[:90]


def _finished(expected, **finish):
    return lambda made: (plain(made, finish=finish), expected)[1]


def _folders():
    """Files and folders that are not as they should be, and whose entries count for the keys."""

    def change(name, expected, files=None, touch=None):
        def build(made):
            session = MadeSession(made, "one")
            made.photo("sessions/one/photos/", "a.jpg", session)
            session.open()
            session.chunk()
            session.close()
            session.finish()
            made.photo("photos/", "a.jpg")
            made.files.update(files(made) if callable(files) else files or {})
            made.last_touch = touch
            return expected

        return f"folder {name}", build

    def at(path, function, *args):
        """Does something at a path, in the place of what is there."""

        def touch(root):
            path_ = os.path.join(root, path)
            if os.path.exists(path_):
                os.rename(path_, os.path.join(root, "away"))
            function(*args, path_)

        return touch

    yield change("plain", {".": (INTACT, "trusted"), "sessions/one": (INTACT, "trusted")})
    yield change("without a ledger", {".": (INCOMPLETE, "trusted")}, {"ledger.cbor": None})
    yield change(
        "without a ledger and a .cose",
        INCOMPLETE,
        {"ledger.cbor": None, "photos/a.jpg.cose": None, "photos/b.jpg": b""},
    )
    yield change("without a .cose", {".": INCOMPLETE, "photos/a.jpg": UNVERIFIABLE}, {"photos/a.jpg.cose": None})
    yield change(
        "without a ledger, with a stranger's photo",
        {".": (INCOMPLETE, "not trusted"), "photos/b.jpg": (INTACT, "not trusted")},
        lambda made: {
            "ledger.cbor": None,
            "photos/b.jpg": stranger().files["photos/a.jpg"],
            "photos/b.jpg.cose": stranger().files["photos/a.jpg.cose"],
        },
    )
    strange = stranger().files
    yield change(
        "of a stranger below sessions",
        {".": (TAMPERED, "not trusted"), "sessions/strange": (INTACT, "not trusted")},
        {name: data for name, data in strange.items() if name.startswith("sessions/")},
    )
    yield change(
        "with a stranger's segment",
        {".": (TAMPERED, "trusted"), "sessions/one": (TAMPERED, "not trusted")},
        {"sessions/one/9.mp4": strange["sessions/strange/0001.mp4"]},
    )
    yield change(
        "with a stranger's .cose",
        {".": (TAMPERED, "trusted"), "sessions/one": (TAMPERED, "trusted")},
        {"sessions/one/photos/a.jpg.cose": strange["sessions/strange/photos/a.jpg.cose"]},
    )
    yield change(
        "with a stranger's .cose and no photo",
        {".": (INTACT, "trusted"), "sessions/one": (INTACT, "trusted")},
        {
            "sessions/one/photos/b.jpg.cose": strange["sessions/strange/photos/a.jpg.cose"],
            "photos/b.jpg.cose": strange["photos/a.jpg.cose"],
        },
    )
    yield change(
        "with a stranger's .cose, without session.cbor",
        {".": (TAMPERED, "trusted"), "sessions/one": (INCOMPLETE, "not trusted")},
        {
            "sessions/one/session.cbor": None,
            "sessions/one/photos/b.jpg": strange["photos/a.jpg"],
            "sessions/one/photos/b.jpg.cose": strange["photos/a.jpg.cose"],
        },
    )
    yield change(
        "with another entry for a .cose",
        {".": TAMPERED, "photos/a.jpg": TAMPERED},
        lambda made: {"photos/a.jpg.cose": made.entries[0]},
    )
    yield change("with an empty session folder", INTACT, touch=at("sessions/two", os.mkdir))
    yield change(
        "with a segment of the session twice",
        TAMPERED,
        lambda made: {"sessions/one/9.mp4": made.files["sessions/one/0001.mp4"]},
    )
    yield change(
        "with upper case",
        {".": INTACT, "sessions/one/X.MP4": INTACT, "sessions/one": INTACT},
        lambda made: {"sessions/one/X.MP4": made.files["sessions/one/0001.mp4"], "sessions/one/0001.mp4": None},
    )
    yield change(
        "with more in upper case",
        {".": TAMPERED, "photos/B.JPG": UNVERIFIABLE, "sessions/one/X.Mp4": UNVERIFIABLE},
        {"photos/B.JPG": b"", "sessions/one/X.Mp4": b""},
    )
    yield change(
        "with names that are endings",
        {".": INTACT, "photos/.jpg": NOTHING, "sessions/one/.mp4": NOTHING},
        {"photos/.jpg": b"", "sessions/one/.mp4": b""},
    )

    # Pipes, folders and links in the place of files.
    special = {
        "pipe": os.mkfifo,
        "folder": os.mkdir,
        "dangling link": lambda path: os.symlink("nowhere", path),
        "link in a circle": lambda path: os.symlink(os.path.basename(path), path),
        "link to a device": lambda path: os.symlink("/dev/zero", path),
    }
    for what, function in special.items():
        for path, expected in {
            "ledger.cbor": INCOMPLETE,
            "sessions/one/session.cbor": INCOMPLETE,
            "sessions/one/0001.mp4": INCOMPLETE,
            "sessions/one/9.mp4": INTACT,
            "sessions/one/photos/a.jpg": INCOMPLETE,
            "sessions/one/photos/a.jpg.cose": INCOMPLETE,
            "photos/a.jpg": INCOMPLETE,
            "photos/a.jpg.cose": INCOMPLETE,
            "photos/9.jpg": INTACT,
            "photos": INCOMPLETE,
            "photos/9": INTACT,
            "sessions": INCOMPLETE,
            "sessions/one": INCOMPLETE,
            "sessions/one/9": INTACT,
            "sessions/one/photos": INCOMPLETE,
            "sessions/two": INTACT,
        }.items():
            expected = {".": expected}
            if path.endswith((".mp4", ".jpg")):
                expected[path] = NOTHING
            yield change(f"with a {what} for {path}", expected, touch=at(path, function))
    for path in ("ledger.cbor", "sessions", "sessions/one", "sessions/one/0001.mp4", "photos", "photos/a.jpg"):

        def touch(root, path=path):
            os.rename(os.path.join(root, path), os.path.join(root, "away"))
            os.symlink(os.path.join(os.path.abspath(root), "away"), os.path.join(root, path))

        yield change(f"with a link for {path}", INTACT, touch=touch)
    yield change(
        "with paths that are nothing",
        {
            "photos": NOTHING,
            "photos/a.jpg.cose": NOTHING,
            "ledger.cbor": NOTHING,
            "sessions/one/session.cbor": NOTHING,
            "nowhere": NOTHING,
            "nowhere.mp4": NOTHING,
            "below": INTACT,
            "below/photos": NOTHING,
        },
        lambda made: {
            name.replace("sessions/one", "below"): data
            for name, data in made.files.items()
            if name.startswith("sessions/one")
        },
    )

    # What nobody may read or search, but for root.
    def locked(how, path, mode, expected):
        touch = lambda root: os.chmod(os.path.join(root, path), mode)  # noqa: E731
        return change(f"{how} {path}", expected if os.geteuid() else INTACT, touch=touch)

    for path in (".", "sessions", "sessions/one", "sessions/one/photos", "photos"):
        yield locked("with a lock on", path, 0, NOTHING)
        yield locked("that cannot be searched,", path, 0o400, NOTHING)
        yield locked("that cannot be read,", path, 0o100, None if path == "." else NOTHING)
    for path, expected in {
        "ledger.cbor": {".": NOTHING, "sessions/one": INTACT},
        "sessions/one/session.cbor": {".": NOTHING, "sessions/one": NOTHING, "sessions/one/0001.mp4": INTACT},
        "sessions/one/0001.mp4": {".": INCOMPLETE, "sessions/one": INCOMPLETE, "sessions/one/0001.mp4": NOTHING},
        "sessions/one/photos/a.jpg": {".": UNVERIFIABLE, "sessions/one/photos/a.jpg": NOTHING},
        "sessions/one/photos/a.jpg.cose": {".": UNVERIFIABLE, "sessions/one/photos/a.jpg": UNVERIFIABLE},
        "photos/a.jpg": {".": UNVERIFIABLE, "sessions/one": INTACT, "photos/a.jpg": NOTHING},
        "photos/a.jpg.cose": {".": UNVERIFIABLE, "photos/a.jpg": UNVERIFIABLE},
    }.items():
        yield locked("with a lock on", path, 0, expected)

    # Where photos are said to be.
    for file in (
        "photos/a.jpg",
        "sessions/two/photos/a.jpg",
        "sessions/one/a.jpg",
        "sessions/one/photos/",
        "sessions/one/photos",
        "sessions/one/photos/..",
        "sessions/one/photos/x/a.jpg",
        "sessions/one/photos//a.jpg",
        "sessions/one/photos/a\0.jpg",
        "sessions/./one/photos/a.jpg",
        "Sessions/one/photos/a.jpg",
        "/sessions/one/photos/a.jpg",
    ):

        def build(made, file=file):
            session = MadeSession(made, "one")
            made.photo("sessions/one/photos/", "a.jpg", session, file=file)
            session.finish()
            return {".": TAMPERED, "sessions/one": TAMPERED, "sessions/one/photos/a.jpg": INTACT}

        yield f"photo in {file!r}", build
    for name, expected in (("A.JPG", INTACT), ("a", INTACT), ("\x1b[2J.jpg", INTACT), ("x" * 300 + ".jpg", INCOMPLETE)):

        def build(made, name=name, expected=expected):
            session = MadeSession(made, "one")
            made.photo("sessions/one/photos/", name, session)
            session.finish()
            if expected == INCOMPLETE:
                made.files = {"sessions/one/session.cbor": made.files["sessions/one/session.cbor"]}
            return {".": expected, "sessions/one": expected}

        yield f"photo named {name[:9]!r}", build


def _chains():
    """Damaged records between genuine ones, within a segment and over its ends."""

    def chain(plan, end):
        """A segment a word: `o` a chunk, `f` a damaged one, `x` one put in by a stranger, `-` one that is missing."""

        def build(made):
            session = MadeSession(made, "one")
            for word in plan.split():
                session.open()
                for what in word:
                    if what == "x":
                        session.media()
                        session.record("chunk", [session.track()], key=Key("x"), advance=False)
                        continue
                    before, covered = session.data, session.covered
                    session.chunk()
                    if what == "f":
                        session.data = session.data[:-1] + bytes([session.data[-1] ^ 1])
                    elif what == "-":
                        session.data, session.covered = before, covered
                session.close()
            if end:
                session.finish()
            else:
                session.copy()
            return TAMPERED

        return f"chain {plan}{'' if end else ', no end'}", build

    for plan in (
        "ofo",
        "oxo",
        "of-o",
        "of--o",
        "off-o",
        "o-fo",
        "o-xo",
        "o-xxo",
        "o--xo",
        "foo",
        "xoo",
        "-xo",
        "x-o",
        "f-o",
        "-fo",
        "oof oo",
        "oo foo",
        "of- oo",
        "oo x-o",
        "oo -xo",
        "oox -oo",
        "oox x--oo",
        "ff oo",
        "oo ff oo",
        "oo ff",
        "xx",
    ):
        yield chain(plan, True)
        yield chain(plan, False)

    yield "public neutral", lambda made: _neutral(made, 1, INTACT)
    yield "public neutral, not reduced", lambda made: _neutral(made, P + 1, TAMPERED)
    yield "public neutral, with a sign", lambda made: _neutral(made, 2**255 + 1, TAMPERED)
    yield "public neutral, not reduced, with a sign", lambda made: _neutral(made, 2**255 + P + 1, TAMPERED)

    def build(made):
        plain(made)
        made.entry("boot", BOOT, key=NoKey("none", 1))
        return TAMPERED

    yield "ledger signed by no key", build

    def build(made):
        plain(made)
        made.history = stranger().history
        return {".": (INTACT, "not trusted"), "sessions/one": (INTACT, "not trusted")}

    yield "history of another device", build

    def build(made):
        plain(made)
        made.photo("photos/", "a.jpg")
        made.history = made.history[:1]
        return {
            ".": (INTACT, "too old"),
            "sessions/one": (INTACT, "trusted"),
            "sessions/one/0001.mp4": (INTACT, "trusted"),
            "photos/a.jpg": (INTACT, "too old"),
        }

    yield "history too old", build

    def build(made):
        plain(made)
        other = Made("made")
        other.begin()
        other.new_key("boot")
        other.new_key("boot")
        made.history = other.history
        return {".": (INCOMPLETE, "not trusted"), "no keys": INTACT, "sessions/one": (INTACT, "not trusted")}

    yield "history of another ledger of the device", build

    def build(made):
        plain(made)
        made.new_key("boot")
        made.files["ledger.cbor"] = b"".join(made.entries[:-1])
        return {".": (INCOMPLETE, "trusted"), "no keys": INTACT}

    yield "ledger rolled back", build


def _neutral(made, number, expected):
    session = MadeSession(made, "one", key=NoKey("none", number))
    session.open()
    session.chunk()
    session.close()
    session.finish()
    return expected


def cases():
    parts = (_records, _sessions, _cut_off, _photo_events, _ledgers, _sequences, _interruptions, _interruptions_spoilt)
    parts += (_gaps, _gap_places, _folders, _chains)
    return [Case(name, build) for part in parts for name, build in part()]
