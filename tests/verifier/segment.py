# SPDX-License-Identifier: MIT OR Apache-2.0
"""One segment: its boxes, its records, and a letter for each of them (sections 3 and 7.1)."""

import errno
import hashlib
import os
import stat

from envelope import MAX_ENVELOPE, Entry, NotThis, Record

RECORD_MARK = b"uuid" + bytes.fromhex("7c1f0a529b1e4d6e8f335ea1ca400001")
HEADER = 24
MAX_BOX = HEADER + MAX_ENVELOPE
PIECE = 1 << 20
SEARCHED = 1 << 14
MAX_LETTERS = 1_000_000
MAX_REMOVED = 1000
MILLISECOND = 1_000_000
MAX_GAPS = 10_000
MEDIA = ("video", "audio")

# Where a segment without a record in its place stands in the order of its session: last.
NO_PLACE = (1, 0, 0)

LETTERS = {"altered": "A", "forged": "F", "misplaced": "P", "removed": "M"}


class Unsearchable(OSError):
    """What is at a path cannot be told."""


def _mode(path):
    """What is at a path, links followed; 0 if nothing is."""
    try:
        return os.stat(path).st_mode
    except ValueError:
        return 0
    except OSError as why:
        if why.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP):
            raise Unsearchable(*why.args) from why
        return 0


def is_file(path):
    """Whether a regular file is there. Unsearchable if that cannot be told."""
    return stat.S_ISREG(_mode(path))


def is_folder(path):
    """Whether a folder is there. Unsearchable if that cannot be told."""
    return stat.S_ISDIR(_mode(path))


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
    """Walks the top level of a file and stops at record boxes (7.1, step 1)."""

    def __init__(self, file, size):
        self.file = file
        self.size = size
        self.pos = 0
        self.out_of_shape = False

    def next(self):
        """(begin, end) of the next record box, or None. `out_of_shape` tells whether the way there was."""
        self.out_of_shape = False
        while self.pos < self.size:
            begin = self.pos
            end, is_record = self._box(begin)
            if end is None:
                self.out_of_shape = True
                begin = self._search(begin)
                if begin is None:
                    return None
                end, is_record = self._box(begin)
            self.pos = end
            if is_record:
                return begin, end
        return None

    def _box(self, pos):
        """(end or None if out of shape, whether it is a record box)."""
        self.file.seek(pos)
        head = self.file.read(HEADER)
        size, need = int.from_bytes(head[:4], "big"), 8
        if size == 1:
            size, need = int.from_bytes(head[8:16], "big"), 16
        if len(head) < need or size < need or pos + size > self.size:
            return None, False
        return pos + size, need == 8 and HEADER < size <= MAX_BOX and head[4:] == RECORD_MARK

    def _search(self, pos):
        """Where the next record box begins."""
        keep, at = b"", pos
        self.file.seek(pos)
        while piece := self.file.read(SEARCHED):
            window, base = keep + piece, at - len(keep)
            at += len(piece)
            found = window.find(RECORD_MARK, 4)
            while found >= 0:
                begin = base + found - 4
                size = int.from_bytes(window[found - 4 : found], "big")
                if HEADER < size <= MAX_BOX and begin + size <= self.size:
                    return begin
                found = window.find(RECORD_MARK, found + 1)
            keep = window[-(HEADER - 1) :]
        return None


class Gaps:
    """(medium or None, begin, end, cause, whether it is recorded) of each gap, in nanoseconds of media time; None for
    what has none. Many of those that are recorded hide none that is missing."""

    def __init__(self):
        self.missing = []
        self.recorded = []

    def __iter__(self):
        yield from self.missing
        yield from self.recorded

    def __bool__(self):
        return bool(self.missing or self.recorded)

    def add(self, medium, begin, end, cause, recorded):
        listed = self.recorded if recorded else self.missing
        if len(listed) < MAX_GAPS:
            listed.append((medium, begin, end, cause, recorded))


class Segment:
    """What was found in a segment."""

    def __init__(self, find):
        self._find = find
        self._letters = bytearray()
        self._letters_left_out = False
        self._clean = True
        # What is wrong with the last record box, and not yet told.
        self._wrong = []
        self.start = None
        self.record_boxes = 0
        # The first record in its place, and the link: the last one.
        self.first = None
        self.link = None
        # Forged record boxes in front of the first, and behind the link.
        self.forged_before = 0
        self.forged_since = 0
        self.tail = 0
        self.gaps = Gaps()
        # Of each medium: where its first track begins, and whether the file gives a reason if that is too late; where
        # its last one ends.
        self.begins = {}
        self.ends = {}
        # The media of which an event told a loss in a record behind that of their last track.
        self.told = set()
        # The latest end of all tracks.
        self.latest = 0
        # The names of the photos that records in their place speak of.
        self.photos = set()

    @property
    def closed(self):
        return self.link is not None and self.link.kind == "segment-end"

    def order(self):
        """Where it stands among the segments of its session; one without a record in its place stands last."""
        return (0, self.first.segment, self.first.seq) if self.first else NO_PLACE

    def letters(self):
        return self._letters.decode("ascii") + ("..." if self._letters_left_out else "")

    def _letter(self, letter, count=1):
        room = MAX_LETTERS - len(self._letters)
        self._letters_left_out = self._letters_left_out or count > room
        self._letters += letter.encode("ascii") * min(count, room)

    def _problem(self, problem, detail, chunk=None, count=1):
        self._clean = False
        self._wrong.append((problem, detail, chunk))
        self._letter(LETTERS[problem], count)

    def tell(self, cut_off):
        """Tells what is wrong with the last record box, if the file may have been cut off or not (7.2)."""
        for problem, detail, chunk in self._wrong:
            unfinished = cut_off and not self.closed and problem in ("altered", "forged")
            self._find("unfinished" if unfinished else problem, detail, chunk)
        self._wrong.clear()

    def take_start(self, raw):
        """Step 2: whether the first record box is the session-start box."""
        try:
            entry = Entry(raw)
        except NotThis:
            return False
        if entry.kind == "session-start":
            self.start = entry
        return self.start is not None

    def take_record(self, file, covered, begin, raw, misshapen):
        """Steps 4 to 7, of a record box that covers the bytes from `covered` to `begin`."""
        self.tell(cut_off=False)
        self.record_boxes += 1
        try:
            record = self._genuine(raw)
        except NotThis as why:
            self._problem("forged", f"at byte {begin}: {why}")
            self.forged_since += 1
            return
        why, missing = self._place(record, covered)
        if why is not None:
            self._problem("misplaced", f"record {record.seq}: {why}", record.chunk)
            return
        if missing:
            detail = f"{missing} records are missing before record {record.seq}"
            self._problem("removed", detail, record.chunk, min(missing, MAX_REMOVED))
        why = self._content(file, record, covered, begin, misshapen)
        if why is not None:
            self._problem("altered", f"record {record.seq}: {why}", record.chunk)
        elif record.kind == "chunk":
            self._letter(".")
        self._take(record)

    def _genuine(self, raw):
        """Step 4."""
        record = Record(raw)
        if self.start is None:
            raise NotThis("no session-start box says which key may sign")
        if record.key != self.start.body["public"]:
            raise NotThis("signed by another key than the session's")
        return record

    def _place(self, record, covered):
        """Steps 5.1 to 5.5: (why it is misplaced or None, how many records are missing in front of it)."""
        link = self.link
        if record.session != self.start.session:
            return "of another session", 0
        if link is None:
            if record.seq == 0 and record.prev != self.start.hash:
                return "not linked to the session's start", 0
            return None, int(covered < record.offset)
        if self.closed:
            return "behind the segment's end", 0
        if record.segment != link.segment:
            return f"of segment {record.segment}", 0
        if record.seq <= link.seq:
            return "repeated or out of order", 0
        if record.seq == link.seq + 1 and record.prev != link.hash:
            return "not linked to the record before it", 0
        return None, max(record.seq - link.seq - 1 - self.forged_since, 0)

    def _content(self, file, record, covered, begin, misshapen):
        """Steps 5.6 and 6: why it is altered, or None."""
        if self._clean and record.offset != covered:
            return f"begins at byte {covered}, not at {record.offset}"
        if misshapen:
            return "the boxes are out of shape"
        if begin - covered != record.length:
            return f"{begin - covered} bytes, signed were {record.length}"
        if hash_range(file, covered, begin) != record.media:
            return "the bytes do not have the signed hash"
        return None

    def _take(self, record):
        """Step 7."""
        at = self.latest
        if self.first is None:
            self.first, self.forged_before = record, self.forged_since
            at = min((start for _, start, _, _ in record.tracks), default=0)
        self.link, self.forged_since = record, 0
        self.photos.update(record.photos)
        for medium, detail in record.losses:
            self.gaps.add(medium, at, at, detail, recorded=True)
            self.told.update([medium] if medium else MEDIA)
        for medium, start, end, lost in record.tracks:
            before, told = self.ends.get(medium), bool(lost) or medium in self.told
            if lost:
                begin = start if before is None else min(before, start)
                self.gaps.add(medium, begin, start, f"{lost} lost", recorded=True)
            elif is_gap(before, start):
                self.gaps.add(medium, before, start, NOTHING_CAPTURED, recorded=told)
            self.begins.setdefault(medium, (start, told))
            self.ends[medium] = end
            self.latest = max(self.latest, end)
        # Of what follows on these tracks, nothing is told yet.
        self.told.difference_update(medium for medium, *_ in record.tracks)


NOTHING_CAPTURED = "nothing was captured"


def is_gap(end, start):
    """Whether a track begins too far behind the end of the one before it, if there is one."""
    return end is not None and start - end > MILLISECOND


def read_segment(path, find):
    """Reads the file. `find` is told of each problem: what, why, and of which chunk; of the last box's by `tell`."""
    result = Segment(find)
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        boxes = Boxes(file, size)
        covered, misshapen, first = 0, False, True
        while (box := boxes.next()) is not None:
            begin, end = box
            misshapen = misshapen or boxes.out_of_shape
            file.seek(begin + HEADER)
            raw = file.read(end - begin - HEADER)
            if not (first and result.take_start(raw)):
                result.take_record(file, covered, begin, raw, misshapen)
                covered, misshapen = end, False
            first = False
        result.tail = size - covered
    return result
