# SPDX-License-Identifier: MIT OR Apache-2.0
"""Segments, photos, sessions and whole evidence folders, and the verdict over them (7.2 to 7.7)."""

import functools
import hashlib
import os

from envelope import MAX_ENVELOPE, Entry, NotThis
from ledger import NOT_TRUSTED, TOO_OLD, Ledger, Photo, Session, Trust, is_name, read_copy
from segment import hash_range, is_file, is_gap, open_regular, read_segment

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

    def find(self, path, problem, detail, chunk=None):
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
    """Judges whatever is at the path. OSError if nothing is, or if it cannot be read."""
    name = os.path.basename(path)
    if os.path.isdir(path):
        if is_file(os.path.join(path, "ledger.cbor")) or os.path.isdir(os.path.join(path, "sessions")):
            report = Report(path, "evidence", history)
            _evidence(report, path)
            return report
        if is_file(os.path.join(path, "session.cbor")) or _files(path, ".mp4"):
            report = Report(path, "session", history)
            _session_alone(report, path, "")
            return report
    elif is_file(path) and name.lower().endswith(".mp4"):
        report = Report(path, "segment", history)
        _segment_alone(report, path, name)
        return report
    elif is_file(path) and name.lower().endswith(".jpg"):
        report = Report(path, "photo", history)
        _photo_alone(report, path, name)
        return report
    raise OSError("nothing here that can be verified")


def _names(folder):
    """The names in a folder, sorted; none if there is no such folder."""
    try:
        return sorted(os.listdir(folder), key=os.fsencode)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _files(folder, ending):
    """The names of the files that end so, in upper or lower case."""
    names = (name for name in _names(folder) if name.lower().endswith(ending))
    return [name for name in names if is_file(os.path.join(folder, name))]


def _segment(report, path, rel):
    """Reads a segment, and puts down its letters."""
    segment = read_segment(path, functools.partial(report.find, rel))
    report.verdicts[rel] = segment.letters()
    report.gaps = report.gaps or segment.gap
    if not segment.record_boxes:
        report.find(rel, "unverifiable", "holds no record")
    return segment


def _segment_alone(report, path, rel):
    """7.2"""
    segment = _segment(report, path, rel)
    if segment.start is not None:
        report.trust.use(segment.start)
    if not segment.record_boxes:
        return
    if not segment.closed:
        report.find(rel, "unfinished", "the segment has no end record")
    if segment.tail:
        problem = "unsigned" if segment.closed else "unfinished"
        report.find(rel, problem, f"{segment.tail} bytes behind the last record")


def _session_alone(report, folder, rel):
    """7.3"""
    copy, rel_copy = os.path.join(folder, "session.cbor"), rel + "session.cbor"
    with_copy, session = is_file(copy), Session()
    if with_copy:
        session = read_copy(copy, functools.partial(report.find, rel_copy), report.trust)
    else:
        report.find(rel_copy, "absent", "missing")
    segments = _segments(report, folder, rel)
    starts = [segment.start for _, segment in segments if segment.start is not None]
    for start in starts:
        report.trust.use(start)
    if session.start is None:
        report.find(rel_copy, "absent", "no session-start entry")
        session.start = starts[0] if starts else None
    if session.breaks_rule_4():
        report.find(rel_copy, "forged", "an entry of another device or key than the session's start")
    _join(report, rel, session, segments)
    photos = os.path.join(folder, "photos")
    if with_copy:
        place = None if session.start is None else f"sessions/{session.start.body['folder']}/photos/"
        _photos(report, photos, rel + "photos/", session.photos, place, alone=True)
    else:
        for name in _files(photos, ".jpg"):
            _photo_alone(report, os.path.join(photos, name), rel + "photos/" + name)


def _session_of_ledger(report, folder, rel, ledger, session):
    """7.4"""
    copy, rel_copy = os.path.join(folder, "session.cbor"), rel + "session.cbor"
    problem = ledger.compare(session, copy) if is_file(copy) else "absent"
    if problem is not None:
        report.find(rel_copy, problem, "not all that the ledger has, and nothing else")
    _join(report, rel, session, _segments(report, folder, rel))
    _photos(report, os.path.join(folder, "photos"), rel + "photos/", session.photos, rel + "photos/")


def _segments(report, folder, rel):
    """7.4, step 1: the segments of a session in order, each with its path."""
    found = [(rel + name, _segment(report, os.path.join(folder, name), rel + name)) for name in _files(folder, ".mp4")]
    return sorted(found, key=lambda item: item[1].order())


def _join(report, rel, session, segments):
    """7.4, steps 2 to 5: holds the segments against each other, and against the session's start and end."""
    chain = []
    for path, segment in segments:
        if segment.start is not None and session.start is not None and segment.start.hash != session.start.hash:
            report.find(path, "misplaced", "its session-start entry is not the session's")
        elif segment.link is not None:
            chain.append((path, segment))

    seq, last, forged, ends = -1, session.start and session.start.hash, 0, {}
    for path, segment in chain:
        first = segment.first
        skipped = first.seq - seq - 1
        follows = skipped == 0 and (seq < 0 or first.prev == last)
        if skipped > forged + segment.forged_before:
            report.find(path, "absent", f"records {seq + 1} to {first.seq - 1} before it are missing")
        elif skipped <= 0 and not follows:
            report.find(path, "misplaced", "does not follow on the segment before it")
        if follows:
            report.gaps = report.gaps or any(is_gap(ends.get(name), begin) for name, begin in segment.begins.items())
        ends = {**(ends if follows else {}), **segment.ends}
        seq, last, forged = segment.link.seq, segment.link.hash, segment.forged_since

    for path, segment in chain:
        if segment.tail:
            unfinished = session.end is None and segment is chain[-1][1] and not segment.closed
            problem = "unfinished" if unfinished else "unsigned"
            report.find(path, problem, f"{segment.tail} bytes behind the last record")

    if session.end is None:
        report.find(rel + "session.cbor", "unfinished", "the session has no end")
        return
    path, end = chain[-1][0] if chain else rel, session.end.body
    if seq + 1 < end["records"]:
        report.find(path, "absent", f"{seq + 1} records, the session's end counts {end['records']}")
    elif seq + 1 > end["records"]:
        report.find(path, "forged", f"{seq + 1} records, the session's end counts {end['records']}")
    elif last != end["last"]:
        report.find(path, "misplaced", "not the last record that the session's end names")
    report.gaps = report.gaps or end["cause"] not in ("stop", "shutdown", "source-ended")


def _photos(report, folder, rel, photos, place, alone=False):
    """7.4, step 6. `place` is where the entries must say that the photos are: None for any session's folder."""
    named = set()
    for photo in photos:
        name = _photo_name(photo.file, place)
        if name is None:
            report.find(rel, "misplaced", f"a photo entry names {photo.file!r}")
            continue
        named.add(name)
        path = os.path.join(folder, name)
        if is_file(path):
            _photo(report, path, rel + name, photo)
        else:
            report.find(rel + name, "absent", "missing")
        if not is_file(path + ".cose"):
            report.find(rel + name + ".cose", "absent", "missing")
            continue
        raw = _envelope(path + ".cose")
        if hashlib.sha256(raw).digest() == photo.hash:
            continue
        report.find(rel + name + ".cose", "altered", "not the photo's entry")
        if alone:
            try:
                report.trust.use(Entry(raw))
            except NotThis:
                pass
    for name in _files(folder, ".jpg"):
        if name not in named:
            report.find(rel + name, "unsigned", "no entry names it")


def _photo_name(file, place):
    """NAME, if the path of a photo is as section 5 says."""
    if place is None:
        parts = file.split("/")
        place = f"sessions/{parts[1]}/photos/" if len(parts) == 4 and is_name(parts[1]) else "/"
    name = file[len(place) :]
    return name if file.startswith(place) and is_name(name) else None


def _envelope(path):
    """What is in a file, if it is not longer than an envelope; else more than an envelope."""
    with open_regular(path) as file:
        return file.read(MAX_ENVELOPE + 1)


def _photo(report, path, rel, photo):
    """A photo's file against its entry."""
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size != photo.length:
            report.find(rel, "altered", f"{size} bytes, signed were {photo.length}")
        elif hash_range(file, 0, size) != photo.media:
            report.find(rel, "altered", "the bytes do not have the signed hash")


def _photo_alone(report, path, rel):
    """7.5"""
    if not is_file(path + ".cose"):
        report.find(rel, "unverifiable", "there is no .cose that speaks for it")
        return
    try:
        entry = Entry(_envelope(path + ".cose"))
    except NotThis as why:
        report.find(rel + ".cose", "forged", f"no entry of version 1: {why}")
        return
    report.trust.use(entry)
    if entry.kind != "photo":
        report.find(rel + ".cose", "misplaced", "not a photo's entry")
        return
    _photo(report, path, rel, Photo(entry))


def _evidence(report, root):
    """7.6"""
    base, photos = os.path.join(root, "sessions"), os.path.join(root, "photos")
    folders = [name for name in _names(base) if os.path.isdir(os.path.join(base, name))]
    path = os.path.join(root, "ledger.cbor")
    if not is_file(path):
        report.find("ledger.cbor", "absent", "missing")
        for name in folders:
            _session_alone(report, os.path.join(base, name), f"sessions/{name}/")
        for name in _files(photos, ".jpg"):
            _photo_alone(report, os.path.join(photos, name), "photos/" + name)
        return
    ledger = Ledger(path, functools.partial(report.find, "ledger.cbor"), report.trust)
    for name, session in ledger.sessions.items():
        if session.start is None or session.start.body["folder"] not in folders:
            report.find("ledger.cbor", "absent", f"session {name.hex()}: its start or its folder is missing")
    for name in folders:
        if name in ledger.folders:
            _session_of_ledger(report, os.path.join(base, name), f"sessions/{name}/", ledger, ledger.folders[name])
        else:
            report.find(f"sessions/{name}", "unsigned", "no session of the ledger")
            _session_alone(report, os.path.join(base, name), f"sessions/{name}/")
    _photos(report, photos, "photos/", ledger.photos, "photos/")
