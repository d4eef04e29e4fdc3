# SPDX-License-Identifier: MIT OR Apache-2.0
"""The ledger (section 5), a session's copy of it, the key history and the question of trust (section 6)."""

import bisect
import hashlib

import cborstrict as cbor
from envelope import MAX_ENVELOPE, Entry, Envelope, NotThis

PIECE = 1 << 20
MAX_TROUBLE = 1000
NOT_CHECKED, TRUSTED, TOO_OLD, NOT_TRUSTED = "not checked", "trusted", "too old", "not trusted"


def items(file):
    """The items of a CBOR sequence: (bytes, None), or (None, why) once where it cannot be read on."""
    buffer, ended = b"", False
    while True:
        while not ended and len(buffer) <= MAX_ENVELOPE:
            piece = file.read(PIECE)
            ended = not piece
            buffer += piece
        if not buffer:
            return
        pos = 0
        while pos < len(buffer) and (ended or len(buffer) - pos > MAX_ENVELOPE):
            window = memoryview(buffer)[pos : pos + MAX_ENVELOPE]
            try:
                _, end = cbor.decode_one(window)
            except cbor.CborError as why:
                yield None, str(why)
                return
            yield bytes(window[:end]), None
            pos += end
        buffer = buffer[pos:]


def entries(file):
    """The entries of a CBOR sequence: (Entry, bytes, None) or (None, bytes or None, why)."""
    for raw, why in items(file):
        if raw is None:
            yield None, None, why
            return
        try:
            yield Entry(Envelope(raw)), raw, None
        except NotThis as why_not:
            yield None, raw, str(why_not)


class Session:
    """What the entries that name a session say about it."""

    def __init__(self, start):
        self.start = start
        self.end = None
        self.photos = []
        self.digest = hashlib.sha256()

    @property
    def public(self):
        return self.start.body["public"]

    @property
    def id(self):
        return self.start.body["session"]


class Ledger:
    """A whole ledger, read once and judged by the rules. `trouble` holds what breaks them."""

    def __init__(self, file, trust):
        self.sessions = {}
        self.photos = []
        self.trouble = []
        self.unstarted = set()
        self.count = 0
        self._keys_changed = 0
        self._started = {}
        missing = trust.history_hashes()
        key, before, device = None, bytes(32), None
        for entry, raw, why in entries(file):
            if len(self.trouble) >= MAX_TROUBLE:
                self.trouble.append(("altered", "and so on: not read any further"))
                break
            number = self.count
            self.count += 1
            if entry is None:
                self._note(number, f"is no entry of version 1: {why}")
                # The chain cannot be followed over it; the next entry will say so as well.
                before = hashlib.sha256(raw).digest() if raw else None
                continue
            trust.use(entry)
            missing.discard(entry.hash)
            if number == 0:
                device = entry.device
                if entry.kind != "key" or entry.body.get("reason") != "first" or entry.body.get("public") != entry.key:
                    self._note(number, "is not the first key, signed by itself")
                elif hashlib.sha256(entry.key).digest() != device:
                    self._note(number, "has a device that is not the hash of the first key")
            elif entry.key != key:
                self._note(number, "is not signed by the key of its time")
            if not entry.genuine:
                self._note(number, "is wrongly signed")
            if entry.seq != number:
                self._note(number, f"has number {entry.seq}")
            if entry.prev != before:
                self._note(number, "is not linked to the entry before it")
            if entry.device != device:
                self._note(number, "is of another device")
            before = entry.hash
            if entry.kind == "key":
                key = entry.body["public"]
                self._keys_changed += 1
            self._session(entry, raw, number)
        if not self.count:
            self._note(0, "is missing: the ledger is empty")
        self.missing_history = len(missing)

    def _note(self, number, text, problem="altered"):
        self.trouble.append((problem, f"entry {number} {text}"))

    def _session(self, entry, raw, number):
        if entry.kind == "photo":
            self.photos.append(Photo(entry))
        name = entry.body.get("session")
        if name is None:
            return
        if entry.kind == "session-start":
            if name in self.sessions:
                self._note(number, "starts a session a second time", "forged")
                return
            self.sessions[name] = Session(entry)
            self._started[name] = self._keys_changed
        session = self.sessions.get(name)
        if session is None:
            if len(self.unstarted) < MAX_TROUBLE:
                self.unstarted.add(name)
            return
        session.digest.update(raw)
        if entry.kind in ("photo", "session-end") and self._started[name] != self._keys_changed:
            self._note(number, f"is the {entry.kind} of a session, after a change of the key", "forged")
        if entry.kind == "photo":
            session.photos.append(self.photos[-1])
        if entry.kind == "session-end":
            if session.end is not None:
                self._note(number, "ends a session a second time", "forged")
                return
            session.end = entry


class Photo:
    """What a photo entry says."""

    __slots__ = ("file", "length", "media", "envelope")

    def __init__(self, entry):
        self.file = entry.body["file"]
        self.length = entry.body["length"]
        self.media = entry.body["media"]
        self.envelope = entry.hash


def read_session_copy(file, trust):
    """A `session.cbor` for itself: (Session or None, [(problem, detail)])."""
    session, problems, last = None, [], -1
    for number, (entry, raw, why) in enumerate(entries(file)):
        if len(problems) > 100:
            break
        if entry is None:
            problems.append(("altered", f"entry {number} is no entry of version 1: {why}"))
            continue
        trust.use(entry)
        if not entry.genuine:
            problems.append(("forged", f"entry {number} is wrongly signed"))
        if entry.seq <= last:
            problems.append(("misplaced", f"entry {number} is out of order, or stands here twice"))
        last = max(last, entry.seq)
        if entry.kind == "session-start" and session is None:
            session = Session(entry)
        elif session is None or entry.body.get("session") != session.id:
            problems.append(("altered", f"entry {number} does not belong to a session that started here"))
            continue
        elif entry.kind not in ("photo", "session-end"):
            problems.append(("forged", f"entry {number} is a second start"))
            continue
        elif entry.key != session.start.key:
            problems.append(("forged", f"entry {number}, a {entry.kind}, is signed by another key than the start"))
        if entry.kind == "photo":
            session.photos.append(Photo(entry))
        elif entry.kind == "session-end" and session.end is None:
            session.end = entry
        elif entry.kind == "session-end":
            problems.append(("forged", f"entry {number} is a second end"))
            continue
        session.digest.update(raw)
    if session is None and not problems:
        problems.append(("altered", "holds no session-start entry"))
    return session, problems


class History:
    """The key history. Raises NotThis if it does not prove itself."""

    def __init__(self, file):
        self.seqs, self.publics, self.hashes = [], [], []
        self.device = None
        for number, (entry, _, why) in enumerate(entries(file)):
            if entry is None:
                raise NotThis(f"item {number} of the key history is no entry: {why}")
            if entry.kind != "key":
                raise NotThis(f"item {number} of the key history is no key entry")
            if not entry.genuine:
                raise NotThis(f"item {number} of the key history is wrongly signed")
            if number == 0:
                self.device = entry.device
                if entry.seq != 0 or entry.body["public"] != entry.key or entry.body["reason"] != "first":
                    raise NotThis("the key history does not begin with the first key, signed by itself")
                if hashlib.sha256(entry.key).digest() != entry.device or entry.prev != bytes(32):
                    raise NotThis("the key history does not begin with the first key of its device")
            else:
                if entry.key != self.publics[-1]:
                    raise NotThis(f"item {number} of the key history is not signed by the key before it")
                if entry.seq <= self.seqs[-1] or entry.device != self.device:
                    raise NotThis(f"item {number} of the key history is out of order or of another device")
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

    _ORDER = (TRUSTED, TOO_OLD, NOT_TRUSTED)

    def __init__(self, history=None):
        self.history = history
        self._worst = None

    def use(self, entry):
        # What is wrongly signed is a problem of its own, and says nothing about keys.
        if self.history is not None and entry.genuine:
            answer = self.history.judge(entry)
            if self._worst is None or self._ORDER.index(answer) > self._ORDER.index(self._worst):
                self._worst = answer

    def history_hashes(self):
        return set(self.history.hashes) if self.history is not None else set()

    @property
    def answer(self):
        if self.history is None:
            return NOT_CHECKED
        # A history was given, but perhaps there was no entry to hold against it.
        return self._worst or NOT_CHECKED
