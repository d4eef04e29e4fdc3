# SPDX-License-Identifier: MIT OR Apache-2.0
"""Segments, photos, sessions and whole evidence folders, and the verdict over them (section 7)."""

import os

from envelope import MAX_ENVELOPE, Entry, Envelope, NotThis
from ledger import NOT_TRUSTED, TOO_OLD, Ledger, Photo, Session, Trust, read_session_copy
from segment import hash_range, is_gap, open_regular, read_segment

MAX_FINDINGS = 10_000

INTACT, GAPS, UNVERIFIABLE = "intact", "intact, with recorded gaps", "unverifiable"
INCOMPLETE, TAMPERED = "incomplete", "tampered"
EXIT = {INTACT: 0, GAPS: 3, UNVERIFIABLE: 6, INCOMPLETE: 4, TAMPERED: 5}
UNTRUSTED_EXIT = 7


class Report:
    """Everything that is said about one path."""

    def __init__(self, path, scope, history):
        self.path = path
        self.scope = scope
        self.trust = Trust(history)
        self.verdicts = {}
        self.findings = []
        self.left_out = 0
        self.problems = set()
        self.gaps = False

    def find(self, problem, path, detail, chunk=None):
        self.problems.add(problem)
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append({"problem": problem, "path": path, "chunk": chunk, "detail": detail})
        else:
            self.left_out += 1

    @property
    def overall(self):
        if self.problems - {"unverifiable", "absent", "unfinished"}:
            return TAMPERED
        if self.problems - {"unverifiable"}:
            return INCOMPLETE
        if self.problems:
            return UNVERIFIABLE
        return GAPS if self.gaps else INTACT

    @property
    def exit_code(self):
        overall = self.overall
        if overall in (INTACT, GAPS) and self.trust.answer in (NOT_TRUSTED, TOO_OLD):
            return UNTRUSTED_EXIT
        return EXIT[overall]


def verify(path, history):
    """Judges whatever stands at the path. OSError if it cannot be read."""
    if os.path.isdir(path):
        if os.path.lexists(os.path.join(path, "ledger.cbor")) or os.path.isdir(os.path.join(path, "sessions")):
            report = Report(path, "evidence", history)
            verify_evidence(report, path)
        else:
            report = Report(path, "session", history)
            verify_session(report, path, "", None)
        return report
    if path.endswith(".jpg") or path.endswith(".jpg.cose"):
        report = Report(path, "photo", history)
        photo = path[: -len(".cose")] if path.endswith(".cose") else path
        verify_lone_photo(report, photo, os.path.basename(photo))
        return report
    report = Report(path, "segment", history)
    verify_lone_segment(report, path)
    return report


def _note_segment(report, segment, rel):
    """The findings and letters of a segment, wherever it stands."""
    report.verdicts[rel] = segment.verdict()
    for problem, chunk, detail in segment.findings:
        report.find(problem, rel, detail, chunk)
    if segment.gaps:
        report.gaps = True
    if not segment.record_boxes:
        report.find("unverifiable", rel, "holds no record")


def verify_lone_segment(report, path):
    rel = os.path.basename(path)
    segment = read_segment(path)
    _note_segment(report, segment, rel)
    if segment.start is not None:
        report.trust.use(segment.start)
    if not segment.record_boxes:
        return
    if segment.tail:
        problem = "unsigned" if segment.closed else "unfinished"
        report.find(problem, rel, f"{segment.tail} bytes behind the last record")
    if not segment.closed:
        report.find("unfinished", rel, "the segment has no end record")


def _names(folder, ending):
    """The names in a folder that end so, sorted; none if there is no such folder."""
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(name for name in names if name.endswith(ending))


def verify_session(report, folder, rel, known):
    """A session's folder. `known` is what the ledger says about it, or None without a ledger."""
    copy_rel = rel + "session.cbor"
    session, with_copy = known, True
    try:
        with open_regular(os.path.join(folder, "session.cbor")) as file:
            if known is None:
                session, problems = read_session_copy(file, report.trust)
                for problem, detail in problems:
                    report.find(problem, copy_rel, detail)
            elif hash_range(file, 0, os.fstat(file.fileno()).st_size) != known.digest.digest():
                report.find("altered", copy_rel, "not what the ledger has")
    except FileNotFoundError:
        with_copy = False
        report.find("absent", copy_rel, "missing")

    segments = []
    for name in _names(folder, ".mp4"):
        start = session.start if session else None
        segments.append((rel + name, read_segment(os.path.join(folder, name), start)))
    segments.sort(key=lambda item: (item[1].order(), item[0]))
    if session is None:
        for _, segment in segments:
            if segment.start is not None and segment.start_genuine:
                session = Session(segment.start)
                report.trust.use(segment.start)
                break
    _join(report, segments, session)
    end = session.end if session else None
    if end is None:
        report.find("unfinished", copy_rel, "the session has no end")
    elif end.body["cause"] not in ("stop", "shutdown", "source-ended"):
        report.gaps = True
    _session_photos(report, folder, rel, session, known is not None, with_copy)


def _join(report, segments, session):
    """Holds the segments of a session against each other, its start and its end."""
    end = session.end if session else None
    chain = []
    for rel, segment in segments:
        _note_segment(report, segment, rel)
        if session is not None and segment.start is not None and segment.start.hash != session.start.hash:
            report.find("misplaced", rel, "its session-start entry is not the session's")
        elif segment.first is not None:
            chain.append((rel, segment))
    last_rel = chain[-1][0] if chain else None
    for rel, segment in segments:
        if segment.tail and segment.record_boxes:
            unsigned = segment.closed or rel != last_rel or end is not None
            problem = "unsigned" if unsigned else "unfinished"
            report.find(problem, rel, f"{segment.tail} bytes behind the last record")

    next_seq, last_hash, tracks = 0, session.start.hash if session else None, {}
    for rel, segment in chain:
        first = segment.first
        if first.seq > next_seq:
            report.find("absent", rel, f"records {next_seq} to {first.seq - 1} before it are missing")
        elif first.seq < next_seq or (last_hash is not None and first.prev != last_hash):
            report.find("misplaced", rel, "does not follow on the segment before it")
        if segment.last_seq >= next_seq:
            next_seq, last_hash = segment.last_seq + 1, segment.last_hash
        for name, start in segment.first_tracks.items():
            if name in tracks and is_gap(tracks[name], start):
                report.gaps = True
        tracks.update(segment.last_tracks)
    if end is not None:
        where = chain[-1][0] if chain else None
        if next_seq < end.body["records"]:
            report.find("absent", where, f"{next_seq} records, the session's end counts {end.body['records']}")
        elif next_seq > end.body["records"]:
            report.find("forged", where, f"{next_seq} records, the session's end counts {end.body['records']}")
        elif last_hash != end.body["last"]:
            report.find("misplaced", where, "not the last record that the session's end names")


def _session_photos(report, folder, rel, session, with_ledger, with_copy):
    """The photos in a session's folder. With a ledger they have been judged already."""
    if with_ledger:
        return
    if not with_copy:
        # Nothing is left that could name them.
        for name in _names(os.path.join(folder, "photos"), ".jpg"):
            verify_lone_photo(report, os.path.join(folder, "photos", name), rel + "photos/" + name)
        return
    named = set()
    for photo in session.photos if session else []:
        # The folder may stand anywhere now, so only the last part of the path counts.
        name = photo.file.rsplit("/", 1)[-1]
        if not _plain(name):
            report.find("absent", rel + "photos", f"a photo entry names {photo.file!r}")
            continue
        named.add(name)
        verify_photo(report, os.path.join(folder, "photos", name), rel + "photos/" + name, photo)
    for name in _names(os.path.join(folder, "photos"), ".jpg"):
        if name not in named:
            report.find("unsigned", rel + "photos/" + name, "no entry names it")


def _plain(name):
    return name not in ("", ".", "..") and "/" not in name and "\0" not in name


def verify_photo(report, path, rel, photo):
    """A photo and its `.cose` against its entry."""
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size != photo.length:
                report.find("altered", rel, f"{size} bytes, signed were {photo.length}")
            elif hash_range(file, 0, size) != photo.media:
                report.find("altered", rel, "the bytes do not have the signed hash")
    except (FileNotFoundError, NotADirectoryError):
        report.find("absent", rel, "missing")
    try:
        with open_regular(path + ".cose") as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_ENVELOPE or hash_range(file, 0, size) != photo.envelope:
                report.find("altered", rel + ".cose", "not the entry of the ledger")
    except (FileNotFoundError, NotADirectoryError):
        report.find("absent", rel + ".cose", "missing")


def verify_lone_photo(report, path, rel):
    """A photo that only its `.cose` speaks for."""
    try:
        with open_regular(path + ".cose") as file:
            raw = file.read(MAX_ENVELOPE + 1)
    except FileNotFoundError:
        report.find("absent", rel + ".cose", "missing")
        return
    try:
        entry = Entry(Envelope(raw))
    except NotThis as why:
        report.find("altered", rel + ".cose", f"no entry of version 1: {why}")
        return
    report.trust.use(entry)
    if not entry.genuine:
        report.find("forged", rel + ".cose", "wrongly signed")
    if entry.kind != "photo":
        report.find("altered", rel + ".cose", "not a photo's entry")
        return
    verify_photo(report, path, rel, Photo(entry))


def verify_evidence(report, root):
    """A whole evidence folder."""
    ledger = None
    try:
        with open_regular(os.path.join(root, "ledger.cbor")) as file:
            ledger = Ledger(file, report.trust)
    except FileNotFoundError:
        report.find("absent", "ledger.cbor", "missing")
    folders = {}
    if ledger is not None:
        for problem, detail in ledger.trouble:
            report.find(problem, "ledger.cbor", detail)
        if ledger.missing_history:
            report.find(
                "absent",
                "ledger.cbor",
                f"{ledger.missing_history} entries of the key history are not in it: the ledger was rolled back",
            )
        for session in ledger.sessions.values():
            folders.setdefault(session.start.body["folder"], session)

    base = os.path.join(root, "sessions")
    found = [name for name in _names(base, "") if os.path.isdir(os.path.join(base, name))]
    for name in found:
        rel = f"sessions/{name}/"
        known = folders.get(name)
        if ledger is not None and known is None:
            report.find("unsigned", rel.rstrip("/"), "no entry of the ledger names this folder")
        verify_session(report, os.path.join(base, name), rel, known)
    for name in sorted(set(folders) - set(found)):
        report.find("absent", f"sessions/{name}", "the ledger has this session")
    for name in sorted(ledger.unstarted) if ledger is not None else ():
        report.find("absent", "sessions", f"the ledger names session {name.hex()}, but not its start")
    _evidence_photos(report, root, ledger, folders, found)


def _evidence_photos(report, root, ledger, folders, found):
    if ledger is None:
        for name in _names(os.path.join(root, "photos"), ".jpg"):
            verify_lone_photo(report, os.path.join(root, "photos", name), "photos/" + name)
        return
    named = set()
    for photo in ledger.photos:
        parts = photo.file.split("/")
        shape = len(parts) == 2 and parts[0] == "photos"
        shape = shape or (len(parts) == 4 and parts[0] == "sessions" and parts[2] == "photos")
        if not shape or not all(_plain(part) for part in parts):
            report.find("absent", "ledger.cbor", f"a photo entry names {photo.file!r}")
            continue
        named.add(photo.file)
        verify_photo(report, os.path.join(root, *parts), photo.file, photo)
    places = ["photos/"] + [f"sessions/{name}/photos/" for name in found if name in folders]
    for place in places:
        for name in _names(os.path.join(root, place), ".jpg"):
            if place + name not in named:
                report.find("unsigned", place + name, "no entry names it")
