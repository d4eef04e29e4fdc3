# SPDX-License-Identifier: MIT OR Apache-2.0
"""One segment: its boxes, its records, and a letter for each chunk (sections 3 and 7)."""

import hashlib
import os
import stat

from envelope import MAX_ENVELOPE, Entry, Envelope, NotThis, Record

RECORD_TYPE = bytes.fromhex("7c1f0a529b1e4d6e8f335ea1ca400001")
RECORD_MARK = b"uuid" + RECORD_TYPE
HEADER = 24
MAX_SEARCHED = 65536
PIECE = 1 << 20
MAX_LETTERS = 1_000_000
# A signed number can be as large as 2^64; the count stands in the finding.
MAX_REMOVED = 1000
MAX_TRACKS = 4096
MAX_FINDINGS = 1000

LETTERS = {"altered": "A", "forged": "F", "misplaced": "P", "removed": "M"}


def open_regular(path):
    """Opens a regular file; a pipe or a device would block or never end."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(f"{path}: not a regular file")
        return os.fdopen(fd, "rb", buffering=PIECE)
    except BaseException:
        os.close(fd)
        raise


def hash_range(file, begin, end):
    """The hash of a part of a file, read piece by piece."""
    file.seek(begin)
    digest, left = hashlib.sha256(), end - begin
    while left:
        piece = file.read(min(PIECE, left))
        if not piece:
            break
        digest.update(piece)
        left -= len(piece)
    return digest.digest()


class Boxes:
    """Walks the top level of a file and stops at Sealcam's boxes."""

    def __init__(self, file, size):
        self.file = file
        self.size = size
        self.pos = 0
        self.out_of_shape = False

    def next(self):
        """(begin, end) of the next record box, or None. `out_of_shape` tells whether the way there was."""
        self.out_of_shape = False
        while self.pos < self.size:
            begin, end, ours = self._box(self.pos)
            if end is None:
                self.out_of_shape = True
                begin = self._search(self.pos)
                if begin is None:
                    return None
                begin, end, ours = self._box(begin)
            self.pos = end
            if ours:
                return begin, end
        return None

    def _box(self, pos):
        """(begin, end or None if out of shape, whether it is a record box)."""
        self.file.seek(pos)
        head = self.file.read(32)
        if len(head) < 8:
            return pos, None, False
        size, kind, need = int.from_bytes(head[:4], "big"), head[4:8], 8
        wide = size == 1
        if wide:
            if len(head) < 16:
                return pos, None, False
            size, need = int.from_bytes(head[8:16], "big"), 16
        if kind == b"uuid":
            need += 16
        if size < need or pos + size > self.size:
            return pos, None, False
        if kind == b"uuid" and head[need - 16 : need] == RECORD_TYPE:
            if wide:
                return pos, None, False
            return pos, pos + size, True
        return pos, pos + size, False

    def _search(self, pos):
        """The next place at which a record's box header stands."""
        keep, at = b"", pos
        self.file.seek(pos)
        while True:
            piece = self.file.read(PIECE)
            if not piece:
                return None
            window, base = keep + piece, at - len(keep)
            at += len(piece)
            found = window.find(RECORD_MARK, 4)
            while found >= 0:
                begin = base + found - 4
                size = int.from_bytes(window[found - 4 : found], "big")
                if HEADER < size <= MAX_SEARCHED and begin + size <= self.size:
                    return begin
                found = window.find(RECORD_MARK, found + 1)
            keep = window[-(HEADER - 1) :]


class Segment:
    """What was found in a segment."""

    def __init__(self):
        self.letters = bytearray()
        self.letters_left_out = False
        self.findings = []
        self.record_boxes = 0
        self.start = None
        self.start_genuine = False
        self.first = None
        self.last_seq = None
        self.last_hash = None
        self.closed = False
        self.tail = 0
        self.gaps = False
        self.first_tracks = {}
        self.last_tracks = {}

    def order(self):
        """Where it stands among the segments of its session; one without a record stands last."""
        return (0, self.first.segment, self.first.seq) if self.first else (1, 0, 0)

    def verdict(self):
        return self.letters.decode("ascii") + ("..." if self.letters_left_out else "")

    def _letter(self, letter, count=1):
        room = MAX_LETTERS - len(self.letters)
        if count > room:
            self.letters_left_out = True
        self.letters += letter.encode("ascii") * min(count, room)

    def _find(self, problem, chunk, detail, count=1):
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append((problem, chunk, detail))
        self._letter(LETTERS[problem], count)


def read_segment(path, session=None):
    """Judges the file. `session` is the start entry of the session it stands in, if there is one."""
    result = Segment()
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        boxes = Boxes(file, size)
        covered, misshapen, shift = 0, False, None
        first_box = True
        while True:
            box = boxes.next()
            misshapen = misshapen or boxes.out_of_shape
            if box is None:
                break
            begin, end = box
            envelope, why = None, "longer than an envelope may be"
            if end - begin - HEADER <= MAX_ENVELOPE:
                file.seek(begin + HEADER)
                try:
                    envelope = Envelope(file.read(end - begin - HEADER))
                except NotThis as reason:
                    why = str(reason)
            if first_box:
                first_box = False
                if _take_start(result, envelope):
                    continue
            # From here on the box counts as a record's, whatever stands in it.
            from_, covered = covered, end
            bent, misshapen = misshapen, False
            result.record_boxes += 1
            record = None
            if envelope is not None:
                record, why = _record(envelope, _session_of(result, session))
            if record is None:
                result._find("forged", None, f"at byte {begin}: {why}")
                continue
            own = _session_of(result, session)
            problem, detail, advance, removed = _place(result, record, envelope, own)
            if removed:
                missing = f"{removed} records are missing before record {record.seq}"
                result._find("removed", None, missing, min(removed, MAX_REMOVED))
            now = from_ - record.offset
            if problem is None:
                if bent:
                    problem, detail = "altered", "the boxes are out of shape"
                elif begin - from_ != record.length:
                    problem, detail = "altered", f"{begin - from_} bytes, signed were {record.length}"
                elif now != 0 and now != shift and not removed:
                    problem, detail = "altered", f"begins at byte {from_}, not at {record.offset}"
                elif hash_range(file, from_, begin) != record.media:
                    problem, detail = "altered", "the bytes do not have the signed hash"
            shift = now
            if problem is not None:
                result._find(problem, record.chunk, f"record {record.seq}: {detail}")
            elif record.kind == "chunk":
                result._letter(".")
            if advance:
                _advance(result, record, envelope)
        result.tail = size - covered
    return result


def _take_start(result, envelope):
    """The first record box may hold the session-start entry."""
    if envelope is None or envelope.payload.get("kind") != "session-start":
        return False
    try:
        result.start = Entry(envelope)
    except NotThis:
        return False
    result.start_genuine = envelope.genuine
    if not envelope.genuine:
        result.findings.append(("forged", None, "the session-start entry is wrongly signed"))
    return True


def _session_of(result, session):
    """The session that the records are held against: the file's own, else that of the folder."""
    if result.start is not None and (result.start_genuine or session is None):
        return result.start
    return session


def _record(envelope, session):
    """The genuine record in an envelope, or why there is none."""
    try:
        record = Record(envelope.payload)
    except NotThis as why:
        return None, str(why)
    if not envelope.genuine:
        return None, "wrongly signed"
    if session is None:
        return None, "no session-start entry says which key may sign"
    if envelope.key != session.body["public"]:
        return None, "signed by another key than the session's"
    return record, None


def _place(result, record, envelope, session):
    """(problem or None, detail, whether the chain advances, number of removed records)."""
    if record.session != session.body["session"]:
        return "misplaced", "of another session", False, 0
    if result.first is None:
        removed = 0
        if record.offset:
            removed = record.seq if record.segment == 1 and record.seq else 1
        if record.seq == 0 and record.prev != session.hash:
            return "misplaced", "not linked to the session's start", False, removed
        return None, "", True, removed
    if record.segment != result.first.segment:
        return "misplaced", f"of segment {record.segment}", False, 0
    if record.seq <= result.last_seq:
        return "misplaced", "repeated or out of order", False, 0
    if result.closed:
        return "misplaced", "behind the segment's end", False, 0
    removed = record.seq - result.last_seq - 1
    if not removed and record.prev != result.last_hash:
        return "misplaced", "not linked to the record before it", False, 0
    return None, "", True, removed


def _advance(result, record, envelope):
    if result.first is None:
        result.first = record
    result.last_seq, result.last_hash = record.seq, envelope.hash
    result.closed = record.kind == "segment-end"
    result.gaps = result.gaps or record.gap_told
    for track in record.tracks:
        if track["lost"]:
            result.gaps = True
        name, place = track["id"], (track["start"], track["scale"])
        if name not in result.first_tracks:
            if len(result.first_tracks) >= MAX_TRACKS:
                continue
            result.first_tracks[name] = place
        elif is_gap(result.last_tracks[name], place):
            result.gaps = True
        result.last_tracks[name] = (track["start"] + track["duration"], track["scale"])


def is_gap(end, start):
    """Whether `start` lies more than 1 ms behind `end`, both as (ticks, ticks a second)."""
    late = start[0] * end[1] - end[0] * start[1]
    return late * 1000 > start[1] * end[1]
