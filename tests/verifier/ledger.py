# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sequences of entries (7.6), the rules of the ledger (section 5), the key history and trust (section 6)."""

import bisect
import hashlib

from envelope import MARK, MAX_ENVELOPE, MAX_TEXT, Entry, NotThis
from segment import open_regular

PIECE = 1 << 20
MAX_PROBLEMS = 1000
NOT_CHECKED, TRUSTED, TOO_OLD, NOT_TRUSTED = "not checked", "trusted", "too old", "not trusted"


def frame(data):
    """How long the frame at the beginning is: 0 if the data end within it, None if there is none."""
    if not MARK.startswith(data[: len(MARK)]) or data[42:43] not in (b"", b"\xa0"):
        return None
    if len(data) <= 43:
        return 0
    first, begin = data[43], 44
    length = first - 0x40
    if first in (0x58, 0x59, 0x5A):
        size = 1 << (first - 0x58)
        # Of a length that is cut off, the least that it can be.
        length, begin = int.from_bytes(data[44 : 44 + size].ljust(size, b"\0"), "big"), 44 + size
    elif not 0x40 <= first <= 0x57:
        return None
    end = begin + length + 66
    if end > MAX_ENVELOPE or not b"\x58\x40".startswith(data[end - 66 : end - 64]):
        return None
    return end if len(data) >= end else 0


def items(file):
    """The frames of a sequence: (place, bytes, None); and (place, None, problem) for what lies between."""
    buffer, base, pos, ended = b"", 0, 0, False

    def more(keep):
        nonlocal buffer, base, pos, ended
        piece = file.read(PIECE)
        buffer, base, pos, ended = buffer[keep:] + piece, base + keep, 0, not piece

    while True:
        while not ended and len(buffer) - pos < MAX_ENVELOPE:
            more(pos)
        if pos == len(buffer):
            return
        length = frame(buffer[pos : pos + MAX_ENVELOPE])
        if length:
            yield base + pos, buffer[pos : pos + length], None
            pos += length
            continue
        place, found, zeros = base + pos, buffer.find(MARK, pos + 1), not any(buffer[pos:])
        while found < 0 and not ended:
            more(len(buffer) - len(MARK) + 1)
            found, zeros = buffer.find(MARK), zeros and not any(buffer)
        yield place, None, "unfinished" if found < 0 and (length == 0 or zeros) else "altered"
        if found < 0:
            return
        pos = found


def entries(file):
    """The entries of a sequence: (place, bytes, Entry), or (place, problem, why) for anything else."""
    problems, seen = 0, set()
    for place, raw, problem in items(file):
        try:
            if raw is None:
                raise NotThis("no whole envelope")
            entry = Entry(raw)
            if entry.hash in seen:
                raise NotThis("an entry that stands here before")
            seen.add(entry.hash)
            yield place, raw, entry
        except NotThis as why:
            yield place, problem or "altered", f"at byte {place}: {why}"
            problems += 1
            if problems >= MAX_PROBLEMS:
                return


def is_name(name):
    """Whether it is a single name."""
    return name not in ("", ".", "..") and "/" not in name and "\0" not in name


class Session:
    """What the entries that name a session say about it."""

    def __init__(self):
        self.start = None
        self.end = None
        self.photos = []
        # Those that count.
        self.interruptions = []
        # Where its entries stand in the sequence: (place, length).
        self.spans = []
        self._signers = set()

    def add(self, place, raw, entry):
        """Takes an entry in. Says what is wrong with it if it is a second start or end."""
        self.spans.append((place, len(raw)))
        if len(self._signers) < 2:
            self._signers.add((entry.device, entry.key))
        if entry.kind == "photo":
            self.photos.append(Photo(entry))
        elif entry.kind == "session-start":
            if self.start is not None:
                return "starts a session a second time"
            self.start = entry
        elif entry.kind == "session-end":
            if self.end is not None:
                return "ends a session a second time"
            self.end = entry
        return None

    def interrupted(self):
        """7.4, step 8: (medium, begin, end, cause) of each gap, with None for what has no media time."""
        for one in self.interruptions:
            end = one.end or (self.end and self.end.clock)
            for medium in one.media:
                yield medium, self._media_time(one.begin), self._media_time(end), one.cause

    def _media_time(self, clock):
        if clock is None or self.start is None or clock["boot_id"] != self.start.clock["boot_id"]:
            return None
        return max(clock["boot"] - self.start.body["zero"], 0)

    def broken_rules(self):
        """What else is wrong by rules 4 and 5, as far as they are about one session."""
        if self.start is None:
            return
        if self._signers - {(self.start.device, self.start.key)}:
            yield "an entry is of another device or key than the session's start"
        if not is_name(self.start.body["folder"]):
            yield f"a session names the folder {self.start.body['folder']!r}"


class Photo:
    """What a photo entry says."""

    __slots__ = ("file", "length", "media", "hash")

    def __init__(self, entry):
        self.file = entry.body["file"]
        self.length = entry.body["length"]
        self.media = entry.body["media"]
        self.hash = entry.hash


class Interruption:
    """What the entries say about an interruption that counts."""

    __slots__ = ("session", "media", "cause", "begin", "end")

    def __init__(self, entry):
        self.session = entry.session
        self.media = entry.body["media"]
        self.cause = ": ".join(text for text in (entry.body["cause"], entry.body["detail"]) if text)[:MAX_TEXT]
        # Clocks.
        self.begin = entry.body["from"]
        self.end = None


class Interruptions:
    """The interruptions of a sequence (rule 6), by their id."""

    def __init__(self):
        self._known = {}

    def take(self, entry, session):
        """Takes in an entry, which names the session if any. Says what is wrong with it if it is forged."""
        known = self._known.get(entry.body.get("id"))
        if entry.kind == "interruption":
            if known is not None:
                return "is of an interruption that there was before"
            known = self._known[entry.body["id"]] = Interruption(entry)
            session.interruptions.append(known)
        elif entry.kind == "interruption-end":
            if known is None or known.session != entry.session:
                return "ends an interruption that there was not"
            if known.end is not None:
                return "ends an interruption a second time"
            known.end = entry.body["to"]
        elif entry.kind == "interruption-note" and known is None:
            return "is about an interruption that there was not"
        return None


class Ledger:
    """A whole ledger, read once and judged by the rules. `find` is told of each problem: what and why."""

    def __init__(self, path, find, trust):
        self.path = path
        self._find = find
        # By the session's id, and by its folder.
        self.sessions = {}
        self.folders = {}
        # Those without a session.
        self.photos = []
        self._interruptions = Interruptions()
        missing = {} if trust.history is None else set(trust.history.hashes)
        first = before = key = None
        number, chained = 0, True
        with open_regular(path) as file:
            for place, raw, entry in entries(file):
                if not isinstance(entry, Entry):
                    find(raw, entry)
                    chained = False
                    continue
                trust.use(entry)
                first = first or entry
                if missing:
                    missing.discard(entry.hash)
                if chained:
                    self._chain(number, entry, before, key, first.device)
                number, before = number + 1, entry.hash
                if entry.kind == "key":
                    key = entry.body["public"]
                if entry.session is not None:
                    self._name(place, raw, entry)
                elif entry.kind == "interruption-note":
                    self._interrupt(entry, None)
                elif entry.kind == "photo":
                    self.photos.append(Photo(entry))
            if file.tell() == 0:
                find("altered", "the ledger is empty")
        for session in self.sessions.values():
            for why in session.broken_rules():
                find("forged", why)
        if missing and (first is None or first.device == trust.history.device):
            find("absent", f"{len(missing)} entries of the key history are not in it: the ledger was rolled back")

    def _chain(self, number, entry, before, key, device):
        """Rules 1 to 3."""
        if number == 0:
            before, key = bytes(32), entry.key
            first_key = entry.kind == "key" and entry.body["reason"] == "first" and entry.body["public"] == key
            if not first_key or hashlib.sha256(key).digest() != device:
                self._find("altered", "entry 0 is not the first key of its device, signed by itself")
        if entry.seq != number:
            self._find("altered", f"entry {number} has number {entry.seq}")
        if entry.prev != before:
            self._find("altered", f"entry {number} is not linked to the entry before it")
        if entry.device != device:
            self._find("altered", f"entry {number} is of another device")
        if entry.key != key:
            self._find("altered", f"entry {number} is not signed by the key of its time")

    def _name(self, place, raw, entry):
        """An entry that names a session: rule 5."""
        session = self.sessions.setdefault(entry.session, Session())
        why = session.add(place, raw, entry)
        if why is not None:
            self._find("forged", f"entry {entry.seq} {why}")
        elif entry.kind == "session-start":
            folder = entry.body["folder"]
            if self.folders.setdefault(folder, session) is not session:
                self._find("forged", f"entry {entry.seq} names the folder of another session")
        self._interrupt(entry, session)

    def _interrupt(self, entry, session):
        """Rule 6."""
        why = self._interruptions.take(entry, session)
        if why is not None:
            self._find("forged", f"entry {entry.seq} {why}")

    def compare(self, session, path):
        """How a `session.cbor` differs from the entries that name the session (7.4, step 7), or None."""
        with open_regular(self.path) as ledger, open_regular(path) as copy:
            for place, length in session.spans:
                ledger.seek(place)
                wanted, there = ledger.read(length), copy.read(length)
                if there != wanted:
                    return "unfinished" if wanted.startswith(there) or _zeros(there, copy) else "altered"
            rest = copy.read(1)
            if not rest:
                return None
            return "unfinished" if _zeros(rest, copy) else "altered"


def _zeros(bytes_, file):
    """Whether these and all that follows in the file are zero."""
    while bytes_ and not any(bytes_):
        bytes_ = file.read(PIECE)
    return not bytes_


def read_copy(path, find, trust):
    """A `session.cbor` without the ledger (7.3)."""
    wanted = None
    with open_regular(path) as file:
        for _, _, entry in entries(file):
            if isinstance(entry, Entry):
                if entry.kind == "session-start":
                    wanted = entry.session
                    break
                wanted = wanted or entry.session
    session, interruptions, last = Session(), Interruptions(), -1
    with open_regular(path) as file:
        for place, raw, entry in entries(file):
            if not isinstance(entry, Entry):
                find(raw, entry)
                continue
            trust.use(entry)
            if entry.seq <= last:
                find("misplaced", f"entry {entry.seq} is out of order")
            last = entry.seq
            if wanted is None or entry.session != wanted:
                find("misplaced", f"entry {entry.seq} does not name the session")
                continue
            why = session.add(place, raw, entry) or interruptions.take(entry, session)
            if why is not None:
                find("forged", f"entry {entry.seq} {why}")
    return session


class History:
    """The key history. Raises NotThis if it does not prove itself."""

    def __init__(self, file):
        self.seqs, self.publics, self.hashes = [], [], []
        self.device = None
        for number, (_, _, entry) in enumerate(entries(file)):
            if not isinstance(entry, Entry):
                raise NotThis(f"the key history: {entry}")
            if entry.kind != "key":
                raise NotThis(f"entry {number} of the key history is no key entry")
            if number == 0:
                self.device = entry.device
                if entry.seq != 0 or entry.body["public"] != entry.key or entry.body["reason"] != "first":
                    raise NotThis("the key history does not begin with the first key, signed by itself")
                if hashlib.sha256(entry.key).digest() != entry.device or entry.prev != bytes(32):
                    raise NotThis("the key history does not begin with the first key of its device")
            else:
                if entry.key != self.publics[-1]:
                    raise NotThis(f"entry {number} of the key history is not signed by the key before it")
                if entry.seq <= self.seqs[-1] or entry.device != self.device:
                    raise NotThis(f"entry {number} of the key history is out of order or of another device")
            self.seqs.append(entry.seq)
            self.publics.append(entry.body["public"])
            self.hashes.append(entry.hash)
        if not self.seqs:
            raise NotThis("the key history is empty")

    def judge(self, entry):
        if entry.device != self.device:
            return NOT_TRUSTED
        at = max(bisect.bisect_left(self.seqs, entry.seq) - 1, 0)
        if entry.key == self.publics[at]:
            return TRUSTED
        return TOO_OLD if entry.seq > self.seqs[-1] else NOT_TRUSTED


class Trust:
    """The answer for all entries that were used."""

    _ORDER = (NOT_CHECKED, TRUSTED, TOO_OLD, NOT_TRUSTED)

    def __init__(self, history=None):
        self.history = history
        self.answer = NOT_CHECKED

    def use(self, entry):
        if self.history is not None:
            self.answer = max(self.answer, self.history.judge(entry), key=self._ORDER.index)
