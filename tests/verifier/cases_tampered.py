# SPDX-License-Identifier: MIT OR Apache-2.0
"""Tampered copies of given evidence: what anyone can do without a key."""

import io
import os
import shutil

import cborstrict as cbor
from ledger import items
from made import Made, MadeSession, box, record_box, wide_box
from segment import RECORD_MARK, Boxes, read_segment

INTACT, GAPS, UNVERIFIABLE = "intact", "intact, with recorded gaps", "unverifiable"
INCOMPLETE, TAMPERED = "incomplete", "tampered"
# What cannot be verified at all: exit code 1.
NOTHING = "nothing"


class Target:
    """A path below the copy that is judged, with what is expected of it."""

    def __init__(self, path, expected=None, keys=True, trust=None, gaps=None):
        self.path = path
        self.expected = expected
        self.keys = keys
        self.trust = trust
        # (medium, begin, end, whether it is recorded) of each gap that must be listed, if the page leaves no doubt.
        self.gaps = gaps


class Case:
    def __init__(self, name, change):
        self.name = name
        self.change = change

    def make(self, options, root, keys):
        shutil.copytree(options.evidence, root)
        shutil.copy(options.keys, keys)
        return self.change(root, keys)


def read(root, rel):
    with open(os.path.join(root, rel), "rb") as file:
        return file.read()


def split(sequence):
    """The items of a CBOR sequence."""
    return [raw for _, raw, _ in items(io.BytesIO(sequence)) if raw]


def kind(entry):
    """Of which kind an entry is."""
    return cbor.decode_exact(cbor.decode_exact(entry[1:])[2]).get("kind")


def write(root, rel, data):
    path = os.path.join(root, rel)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


class Layout:
    """A segment, taken apart. Unit 0 begins with the header; the last is the end record if there is one."""

    def __init__(self, data):
        self.data = data
        boxes = Boxes(io.BytesIO(data), len(data))
        found = []
        while (hit := boxes.next()) is not None:
            found.append(hit)
        self.start = found[0]
        self.records = found[1:]
        begins = [0] + [end for _, end in self.records]
        self.units = [data[begin:end] for begin, (_, end) in zip(begins, self.records)]
        self.spans = [(begin, record, end) for begin, (record, end) in zip(begins, self.records)]


class Folder:
    """What there is to tamper with."""

    def __init__(self, root):
        self.root = root
        self.sessions = sorted(os.listdir(os.path.join(root, "sessions")))
        self.segments = {}
        for session in self.sessions:
            names = sorted(name for name in os.listdir(self.path(session)) if name.endswith(".mp4"))
            if names:
                self.segments[session] = [f"sessions/{session}/{name}" for name in names]
        self.photos = []
        for at, _, names in os.walk(root):
            self.photos += [os.path.relpath(os.path.join(at, name), root) for name in names if name.endswith(".jpg")]
        self.photos.sort()
        self.ledger = split(read(root, "ledger.cbor"))

    def path(self, session):
        return os.path.join(self.root, "sessions", session)


def everywhere(rel, expected=None, session=None, alone=None):
    """Judges a segment as part of the evidence, of its session, and alone."""
    folder = os.path.dirname(rel)
    return [Target(".", expected), Target(folder, session or expected), Target(rel, alone)]


def cases(options, rng):
    folder = Folder(options.evidence)
    found = [Case("tampered/nothing", lambda root, keys: _all(folder))]
    found += _keys(folder)
    longest = max(folder.segments, key=lambda name: len(folder.segments[name]))
    chosen = [(f"s{number}", rel) for number, rel in enumerate(folder.segments[longest], 1)]
    for session, rels in folder.segments.items():
        if session != longest:
            chosen.append((f"{folder.sessions.index(session)}-last", rels[-1]))
    other = next(rels[0] for session, rels in folder.segments.items() if session != longest)
    for short, rel in chosen:
        sibling = next((one for _, one in chosen if one != rel and os.path.dirname(one) == os.path.dirname(rel)), other)
        found += _segment(
            short,
            rel,
            Layout(read(folder.root, rel)),
            Layout(read(folder.root, sibling)),
            Layout(read(folder.root, other if other != rel else chosen[0][1])),
        )
    found += _files(folder, longest, other)
    found += _photo_events(folder)
    found += _power_cuts(folder)
    found += _ledger(folder, longest)
    found += _random(folder, rng, options.flips)
    return found


def _all(folder):
    targets = [Target("."), Target(".", keys=False)]
    for session, rels in folder.segments.items():
        targets += [Target(f"sessions/{session}"), Target(f"sessions/{session}", keys=False)]
        targets += [Target(rel, keys=keys) for rel in rels for keys in (True, False)]
    targets += [Target(photo, keys=keys) for photo in folder.photos for keys in (True, False)]
    return targets


def _keys(folder):
    def with_history(data):
        def change(root, keys):
            with open(keys, "wb") as file:
                file.write(data)
            return [target for target in _all(folder) if target.keys]

        return change

    with open_keys(folder) as raw:
        entries = split(raw.read())
    whole = b"".join(entries)
    stranger = Made("stranger")
    stranger.begin()
    stranger.new_key("boot")
    longer = Made("longer")
    longer.begin()
    for _ in range(200):
        longer.new_key("boot")
    changes = {
        "none": b"",
        "garbage": b"\xff" * 100,
        "text": b"-----BEGIN PUBLIC KEY-----\n",
        "cut": whole[:-7],
        "behind": whole + b"\0",
        "stranger": stranger.keys(),
        "long stranger": longer.keys(),
        "mixed": entries[0] + stranger.history[-1],
        "ledger": b"".join(folder.ledger),
        "twice": whole + whole,
        "first again": whole + entries[0],
        "last again": whole + entries[-1],
    }
    for count in range(1, len(entries)):
        changes[f"first {count}"] = b"".join(entries[:count])
        changes[f"without {count - 1}"] = b"".join(entries[: count - 1] + entries[count:])
    if len(entries) > 2:
        changes["swapped"] = b"".join([entries[0], entries[2], entries[1]] + entries[3:])
    return [Case(f"keys/{name}", with_history(data)) for name, data in changes.items()]


def open_keys(folder):
    """The key entries of the ledger: the newest history there can be."""
    return io.BytesIO(b"".join(raw for raw in folder.ledger if kind(raw) == "key"))


def _segment(short, rel, layout, sibling, foreign):
    found = []
    data, units, spans = layout.data, layout.units, layout.spans

    def add(name, changed, expected=None):
        def change(root, keys):
            write(root, rel, changed)
            return everywhere(rel, expected)

        found.append(Case(f"{short}/{name}", change))

    def put(at, new, old=None):
        return data[:at] + new + data[at + (len(new) if old is None else old) :]

    def flip(at):
        return put(at, bytes([data[at] ^ 0x10]))

    # Bytes changed in place, where each kind of byte stands.
    for name, at in {
        "ftyp size": 3,
        "ftyp type": 5,
        "ftyp body": 9,
        "start size low": layout.start[0] + 3,
        "start size high": layout.start[0],
        "start uuid": layout.start[0] + 4,
        "start type": layout.start[0] + 12,
        "start tag": layout.start[0] + 24,
        "start key": layout.start[0] + 24 + 12,
        "start payload": (layout.start[0] + layout.start[1]) // 2,
        "start late payload": layout.start[1] - 80,
        "start signature": layout.start[1] - 5,
    }.items():
        add(f"flip {name}", flip(at), TAMPERED)
    for number, (begin, record, end) in enumerate(spans):
        spots = {
            "size low": record + 3,
            "size high": record,
            "uuid": record + 4,
            "type": record + 20,
            "tag": record + 24,
            "key": record + 24 + 12,
            "unprotected": record + 24 + 42,
            "payload": (record + end) // 2,
            "signature": end - 5,
        }
        if record > begin:
            spots |= {"first": begin + (layout.start[1] if number == 0 else 0) + 3, "middle": (begin + record) // 2}
            spots |= {"type of first": begin + (layout.start[1] if number == 0 else 0) + 5, "last": record - 1}
        for name, at in spots.items():
            add(f"flip {number} {name}", flip(at), TAMPERED)

    # Sizes of boxes.
    at = spans[1][0] if len(spans) > 1 else 0
    for size in (0, 1, 7, 8, 9, 24, 65536, len(data) - at, len(data) - at + 1, 0x7FFFFFFF, 0xFFFFFFFF):
        add(f"box size {size}", put(at, size.to_bytes(4, "big")))
        add(f"first box size {size}", put(0, size.to_bytes(4, "big")))
        if len(spans) > 1:
            add(f"record size {size}", put(spans[1][1], size.to_bytes(4, "big")))

    # Cuts.
    cuts = {0, 1, 4, 8, 23, 24, layout.start[0], layout.start[0] + 10, layout.start[1], layout.start[1] + 4}
    for begin, record, end in spans:
        cuts |= {(begin + record) // 2, record, record + 4, record + 24, record + 30, end - 1, end}
    for cut in sorted(cuts - {len(data)}):
        add(f"cut at {cut}", data[:cut])

    # Chunks and records taken away, moved, repeated.
    join = b"".join
    count = len(units)
    for number in range(count):
        add(f"without {number}", join(units[:number] + units[number + 1 :]))
        begin, record, end = spans[number]
        add(f"without record {number}", data[:record] + data[end:])
        add(f"without media {number}", data[:begin] + data[record:])
        add(f"record {number} twice", data[:end] + data[record:])
        if number:
            add(f"twice {number}", data[:end] + data[begin:])
            add(f"{number} at the end", data + units[number])
            add(f"{number} in front", units[number] + data)
            add(f"only from {number}", data[begin:])
            add(f"only {number}", units[number])
            add(f"header and {number}", data[: layout.start[1]] + units[number])
        if number + 1 < count:
            swapped = list(units)
            swapped[number], swapped[number + 1] = swapped[number + 1], swapped[number]
            add(f"swap {number}", join(swapped))
        if number + 2 < count:
            add(f"without {number} and next", join(units[:number] + units[number + 2 :]))
    add("reversed", join([units[0]] + units[:0:-1]))
    add("whole twice", data + data, TAMPERED)

    # Things put in: between chunks, within one, behind the last, in front.
    record = lambda of, number: of.data[of.records[number][0] : of.records[number][1]]  # noqa: E731
    start = data[layout.start[0] : layout.start[1]]
    other_start = foreign.data[foreign.start[0] : foreign.start[1]]
    things = {
        "junk": b"\x00\x01junk\xff\xfe" * 9,
        "zeros": bytes(64),
        "one byte": b"\0",
        "free": box(b"free", bytes(20)),
        "wide free": wide_box(b"free", bytes(20)),
        "narrow wide box": b"\0\0\0\1free" + (15).to_bytes(8, "big") + bytes(20),
        "huge wide box": b"\0\0\0\1free" + (2**64 - 1).to_bytes(8, "big") + bytes(20),
        "other uuid": box(b"uuid", bytes(16) + b"other"),
        "narrow uuid": box(b"uuid", bytes(8)),
        "empty record": record_box(b""),
        "tiny record": record_box(b"\0"),
        "garbage record": record_box(b"\xd2\x84" + b"\x5f" * 200),
        "deep record": record_box(b"\x81" * 5000 + b"\0"),
        "long array record": record_box(b"\xd2\x9b" + b"\xff" * 8),
        "long string record": record_box(b"\xd2\x84\x5b\x7f" + b"\xff" * 7),
        "wide record": wide_box(RECORD_MARK[:4], RECORD_MARK[4:] + record(layout, -1)[24:]),
        "record of 65536": record_box(bytes(65536 - 24)),
        "record of 65537": record_box(bytes(65537 - 24)),
        "record of 65560": record_box(bytes(65536)),
        "record of 65561": record_box(bytes(65537)),
        "record of 100000": record_box(bytes(100000)),
        "header of a record": RECORD_MARK[:0] + b"\0\0\1\0" + RECORD_MARK,
        "start again": start,
        "foreign start": other_start,
        "foreign chunk": foreign.units[1 if len(foreign.units) > 2 else 0],
        "foreign record": record(foreign, 0),
        "foreign segment": foreign.data,
        "sibling's chunk": sibling.units[1 if len(sibling.units) > 2 else 0],
        "sibling's record": record(sibling, 0),
        "sibling": sibling.data,
    }
    places = {
        "front": 0,
        "before start": layout.start[0],
        "behind start": layout.start[1],
        "end": len(data),
        "between": spans[0][2],
        "before end": spans[-1][1],
        "in media": (spans[0][0] + spans[0][1] + layout.start[1]) // 2,
    }
    for what, thing in things.items():
        for where, place in places.items():
            add(f"{what} {where}", data[:place] + thing + data[place:], TAMPERED if where not in ("end",) else None)
    add("foreign instead of start", data[: layout.start[0]] + other_start + data[layout.start[1] :])
    add("no start", data[: layout.start[0]] + data[layout.start[1] :])

    # Envelopes in another form.
    begin, end = layout.records[0]
    envelope = data[begin + 24 : end]
    outer = cbor.decode_exact(envelope[1:])
    cose = [cbor.encode(part) for part in outer]
    forms = {
        "untagged": envelope[1:],
        "long tag": b"\xd8\x12" + envelope[1:],
        "other tag": b"\xd3" + envelope[1:],
        "two tags": b"\xd2" + envelope,
        "long array": b"\xd2\x98\x04" + envelope[2:],
        "open array": b"\xd2\x9f" + envelope[2:] + b"\xff",
        "byte behind": envelope + b"\0",
        "longer length": b"\xd2\x84"
        + cose[0]
        + cose[1]
        + b"\x5a"
        + len(outer[2]).to_bytes(4, "big")
        + outer[2]
        + cose[3],
        "chunked payload": b"\xd2\x84" + cose[0] + cose[1] + b"\x5f" + cose[2] + b"\xff" + cose[3],
        "unprotected": b"\xd2\x84" + cose[0] + b"\xa1\x04\x41\x00" + cose[2] + cose[3],
        "null payload": b"\xd2\x84" + cose[0] + cose[1] + b"\xf6" + cose[3],
        "five parts": b"\xd2\x85" + b"".join(cose) + b"\0",
        "long signature": b"\xd2\x84" + b"".join(cose[:3]) + b"\x58\x41" + outer[3] + b"\0",
        "zero signature": b"\xd2\x84" + b"".join(cose[:3]) + b"\x58\x40" + bytes(64),
    }
    for name, form in forms.items():
        add(f"envelope {name}", data[:begin] + record_box(form) + data[end:], TAMPERED)
    return found


def _files(folder, session, other):
    """Files and folders taken away, added, exchanged."""
    found = []
    rels = folder.segments[session]
    place = f"sessions/{session}"

    def add(name, change, expected=None, alone=None):
        def changed(root, keys):
            change(root)
            targets = [Target(".", expected)]
            for one in folder.segments:
                if os.path.isdir(os.path.join(root, "sessions", one)):
                    targets.append(Target(f"sessions/{one}", alone if one == session else None))
            targets += [Target(photo) for photo in folder.photos if os.path.exists(os.path.join(root, photo))]
            return targets

        found.append(Case(f"files/{name}", changed))

    def remove(root, rel):
        path = os.path.join(root, rel)
        shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)

    for number, rel in enumerate(rels):
        add(f"segment {number} removed", lambda root, rel=rel: remove(root, rel), INCOMPLETE, INCOMPLETE)
        add(f"segment {number} empty", lambda root, rel=rel: write(root, rel, b""), INCOMPLETE)
        add(f"segment {number} junk", lambda root, rel=rel: write(root, rel, b"junk" * 50), INCOMPLETE)
        add(f"segment {number} foreign", lambda root, rel=rel: write(root, rel, read(root, other)), TAMPERED, TAMPERED)
        add(
            f"segment {number} twice",
            lambda root, rel=rel: write(root, rel + ".mp4", read(root, rel)),
            TAMPERED,
            TAMPERED,
        )
    add("all segments removed", lambda root: [remove(root, rel) for rel in rels], INCOMPLETE, INCOMPLETE)
    add("segments renamed", lambda root: _rename_backwards(root, rels))
    add("segment added empty", lambda root: write(root, place + "/new.mp4", b""), UNVERIFIABLE, UNVERIFIABLE)
    add("segment added junk", lambda root: write(root, place + "/new.mp4", b"\1" * 999), UNVERIFIABLE, UNVERIFIABLE)
    add("segment added foreign", lambda root: write(root, place + "/new.mp4", read(root, other)), TAMPERED, TAMPERED)
    add("segment torn", lambda root: write(root, place + "/new.mp4.torn", b"torn"))
    add("segment elsewhere", lambda root: write(root, place + "/below/new.mp4", b"junk"))
    add("segment of other name", lambda root: write(root, place + "/new.MP4", b"junk"))
    add("segment at the top", lambda root: write(root, "new.mp4", b"junk"))
    for name in folder.segments:
        add(
            f"session {folder.sessions.index(name)} removed",
            lambda root, name=name: remove(root, f"sessions/{name}"),
            INCOMPLETE,
        )
    add("all sessions removed", lambda root: remove(root, "sessions"), INCOMPLETE)
    add(
        "session renamed",
        lambda root: os.rename(os.path.join(root, place), os.path.join(root, place + "x")),
        TAMPERED,
    )
    add(
        "session copied",
        lambda root: shutil.copytree(os.path.join(root, place), os.path.join(root, place + "x")),
        TAMPERED,
    )
    add("session added empty", lambda root: os.makedirs(os.path.join(root, "sessions/empty")))
    add("file below sessions", lambda root: write(root, "sessions/file.mp4", b"junk"))
    add("folder below a session", lambda root: write(root, place + "/x/session.cbor", b"junk"))

    copy = f"{place}/session.cbor"
    raw = read(folder.root, copy)
    entries = split(raw)
    foreign = read(folder.root, f"{os.path.dirname(other)}/session.cbor")
    copies = {
        "empty": b"",
        "junk": b"\xff" * 9,
        "cut": raw[:-1],
        "half": raw[: len(raw) // 2],
        "byte behind": raw + b"\7",
        "twice": raw + raw,
        "first again": raw + entries[0],
        "last again": raw + entries[-1],
        "foreign": foreign,
        "both": raw + foreign,
        "other order": b"".join(entries[::-1]),
        "whole ledger": b"".join(folder.ledger),
    }
    for number in range(len(entries)):
        copies[f"without {number}"] = b"".join(entries[:number] + entries[number + 1 :])
        at = sum(map(len, entries[:number]))
        for part, spot in {
            "tag": 0,
            "key": 12,
            "payload": len(entries[number]) // 2,
            "signature": len(entries[number]) - 9,
        }.items():
            bad = bytearray(raw)
            bad[at + spot] ^= 1
            copies[f"flip {number} {part}"] = bytes(bad)
    for name, data in copies.items():
        expected = INCOMPLETE if raw.startswith(data) else TAMPERED
        add(f"session.cbor {name}", lambda root, data=data: write(root, copy, data), expected)
    add("session.cbor removed", lambda root: remove(root, copy), INCOMPLETE, INCOMPLETE)

    for number, photo in enumerate(folder.photos):
        jpg = read(folder.root, photo)
        cose = read(folder.root, photo + ".cose")
        tag = f"photo {number}"
        add(f"{tag} removed", lambda root, p=photo: remove(root, p), INCOMPLETE)
        add(f"{tag} cose removed", lambda root, p=photo: remove(root, p + ".cose"), INCOMPLETE)
        add(f"{tag} both removed", lambda root, p=photo: [remove(root, p), remove(root, p + ".cose")], INCOMPLETE)
        for name, data in {"cut": jpg[:-1], "byte": jpg + b"\0", "empty": b"", "flip": b"\0" + jpg[1:]}.items():
            add(f"{tag} {name}", lambda root, p=photo, d=data: write(root, p, d), TAMPERED)
        forms = {"cut": cose[:-1], "byte": cose + b"\0", "empty": b"", "big": bytes(70000)}
        for part, spot in {"tag": 0, "key": 12, "payload": len(cose) // 2, "signature": len(cose) - 9}.items():
            bad = bytearray(cose)
            bad[spot] ^= 1
            forms[f"flip {part}"] = bytes(bad)
        forms["of start"] = entries[0]
        for name, data in forms.items():
            add(f"{tag} cose {name}", lambda root, p=photo, d=data: write(root, p + ".cose", d), TAMPERED)
        add(
            f"{tag} renamed",
            lambda root, p=photo: [
                os.rename(os.path.join(root, p + e), os.path.join(root, p[:-4] + "x.jpg" + e)) for e in ("", ".cose")
            ],
            TAMPERED,
        )
        add(
            f"{tag} copied",
            lambda root, p=photo: [write(root, p[:-4] + "x.jpg" + e, read(root, p + e)) for e in ("", ".cose")],
            TAMPERED,
        )
        add(f"{tag} second cose", lambda root, p=photo: write(root, p[:-4] + "x.jpg.cose", read(root, p + ".cose")))
    if len(folder.photos) > 1:
        one, two = folder.photos[:2]
        add(
            "photos exchanged",
            lambda root: [write(root, a, read(folder.root, b)) for a, b in ((one, two), (two, one))],
            TAMPERED,
        )
        add(
            "photos exchanged with cose",
            lambda root: [
                write(root, a + e, read(folder.root, b + e)) for a, b in ((one, two), (two, one)) for e in ("", ".cose")
            ],
            TAMPERED,
        )
    add("photo added", lambda root: write(root, "photos/new.jpg", b"new"), TAMPERED)
    add("photo added in session", lambda root: write(root, place + "/photos/new.jpg", b"new"), TAMPERED, TAMPERED)
    add("photo beside session.cbor", lambda root: write(root, place + "/new.jpg", b"new"))
    for name, link in {"a session": f"{place}/x", "sessions": "sessions/x", "photos": "photos/x", "all": "x"}.items():
        add(f"link to nowhere in {name}", lambda root, link=link: os.symlink("nowhere", os.path.join(root, link)))
    add("text in photos", lambda root: write(root, "photos/new.txt", b"new"))
    add("photos removed", lambda root: remove(root, "photos"))
    return found


def _photo_events(folder):
    """Photos of which records speak, taken away with all else that speaks of them."""
    found = []
    for number, (session, rels) in enumerate(folder.segments.items()):
        place = f"sessions/{session}"
        entries = split(read(folder.root, f"{place}/session.cbor"))
        segments = [read_segment(os.path.join(folder.root, rel), lambda *_: None) for rel in rels]
        for name in sorted(set().union(*(segment.photos for segment in segments))):

            def change(root, keys, place=place, entries=entries, name=name):
                for ending in ("", ".cose"):
                    os.remove(os.path.join(root, place, "photos", name + ending))
                write(root, f"{place}/session.cbor", b"".join(raw for raw in entries if name.encode() not in raw))
                return [Target("."), Target(place, INCOMPLETE)]

            found.append(Case(f"events/{number} without {name}", change))
    return found


def _power_cuts(folder):
    """The last segment of each session ends with a chunk, and of this chunk not all bytes were written."""
    found = []
    for number, (session, rels) in enumerate(folder.segments.items()):
        place, rel = f"sessions/{session}", rels[-1]
        data, entries = read(folder.root, rel), split(read(folder.root, f"{place}/session.cbor"))
        spans, without_end = Layout(data).spans, [raw for raw in entries if kind(raw) != "session-end"]
        if len(spans) < 3 or without_end == entries:
            continue
        begin, record, end = spans[-2]
        spots = {
            "chunk": begin,
            "size": begin + 3,
            "media": (begin + record) // 2,
            "last of media": record - 1,
            "record": record,
            "mark": record + 10,
            "envelope": record + 40,
            "payload": (record + end) // 2,
            "signature": end - 5,
        }
        for name, spot in spots.items():
            for what, size in (("all", end - spot), ("a few", 20)):
                spoilt = (data[:spot] + bytes(size) + data[spot + size : end])[:end]
                for with_end, copy, expected in (("", without_end, INCOMPLETE), (", ended", entries, TAMPERED)):

                    def change(root, keys, place=place, rel=rel, spoilt=spoilt, copy=copy, expected=expected):
                        write(root, rel, spoilt)
                        write(root, f"{place}/session.cbor", b"".join(copy))
                        return [Target(".", TAMPERED), Target(place, expected), Target(rel, INCOMPLETE)]

                    found.append(Case(f"cut/{number} zeros {name} {what}{with_end}", change))
    return found


def _rename_backwards(root, rels):
    for number, rel in enumerate(rels):
        to = os.path.join(os.path.dirname(rel), f"{len(rels) - number}.mp4")
        os.rename(os.path.join(root, rel), os.path.join(root, to))


def _ledger(folder, session):
    found = []
    entries = folder.ledger
    whole = b"".join(entries)

    def add(name, data, expected=None):
        def change(root, keys):
            if data is None:
                os.remove(os.path.join(root, "ledger.cbor"))
            else:
                write(root, "ledger.cbor", data)
            return [Target(".", expected), Target(".", keys=False), Target(f"sessions/{session}")]

        found.append(Case(f"ledger/{name}", change))

    add("removed", None, INCOMPLETE)
    add("empty", b"", TAMPERED)
    add("junk", b"\xff" * 100, TAMPERED)
    add("byte behind", whole + b"\7", TAMPERED)
    add("zeros behind", whole + bytes(300), INCOMPLETE)
    add("open item behind", whole + b"\x5f", TAMPERED)
    add("long item behind", whole + b"\x5b\x7f" + b"\xff" * 7, TAMPERED)
    add("big item behind", whole + b"\x5a\x00\x02\x00\x00" + bytes(0x20000), TAMPERED)
    add("twice", whole + whole, TAMPERED)
    add("reversed", b"".join(entries[::-1]), TAMPERED)
    for number, entry in enumerate(entries):
        at = sum(map(len, entries[:number]))
        add(f"first {number}", whole[:at])
        add(f"cut in {number}", whole[: at + len(entry) // 2])
        add(f"without {number}", whole[:at] + whole[at + len(entry) :])
        add(f"from {number}" if number else "from 0", whole[at:])
        add(f"entry {number} twice", whole[: at + len(entry)] + whole[at:], TAMPERED)
        add(f"entry {number} again", whole + entry, TAMPERED)
        if number + 1 < len(entries):
            add(
                f"swap {number}",
                whole[:at] + entries[number + 1] + entry + whole[at + len(entry) + len(entries[number + 1]) :],
                TAMPERED,
            )
        for part, spot in {
            "tag": 0,
            "key": 12,
            "payload": len(entry) // 2,
            "late": len(entry) - 80,
            "signature": len(entry) - 9,
        }.items():
            bad = bytearray(whole)
            bad[at + spot] ^= 1
            add(f"flip {number} {part}", bytes(bad), TAMPERED)
    stranger = Made("stranger")
    stranger.begin()
    MadeSession(stranger, session).finish()
    add("stranger's", b"".join(stranger.entries), TAMPERED)
    return found


def _random(folder, rng, count):
    """Random bytes at random places of random files."""
    found = []
    files = ["ledger.cbor"] + folder.photos + [photo + ".cose" for photo in folder.photos]
    for session, rels in folder.segments.items():
        files += [f"sessions/{session}/session.cbor"] + rels * 4
    for number in range(count):
        for kind in ("flip", "cut", "insert", "remove", "many"):
            rel = rng.choice(files)
            data = bytearray(read(folder.root, rel))
            at, length = rng.randrange(len(data)), rng.choice((1, 1, 4, 24, 300, 5000))
            if kind == "flip":
                data[at] ^= 1 << rng.randrange(8)
            elif kind == "cut":
                del data[at:]
            elif kind == "insert":
                data[at:at] = rng.randbytes(length)
            elif kind == "remove":
                del data[at : at + length]
            else:
                for _ in range(rng.randrange(2, 20)):
                    data[rng.randrange(len(data))] = rng.randrange(256)

            def change(root, keys, rel=rel, data=bytes(data)):
                write(root, rel, data)
                targets = [Target(".")]
                if rel.startswith("sessions/"):
                    targets.append(Target("/".join(rel.split("/")[:2])))
                if rel.endswith(".mp4") or rel.endswith(".jpg"):
                    targets.append(Target(rel))
                return targets

            found.append(Case(f"random/{kind} {number}", change))
    return found
