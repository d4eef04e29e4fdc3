# SPDX-License-Identifier: MIT OR Apache-2.0
"""Segments, photos, sessions and whole evidence folders, and the verdict over them (7.2 to 7.7)."""

import contextlib
import functools
import hashlib
import os

from envelope import MAX_ENVELOPE, MAX_TEXT, MAX_UINT, Entry, NotThis
from ledger import NOT_TRUSTED, TOO_OLD, Ledger, Photo, Session, Trust, is_name, read_copy
from segment import MEDIA, NO_PLACE, NOTHING_CAPTURED, Gaps, hash_range, is_file, is_folder, is_gap, open_regular
from segment import read_segment

MAX_FINDINGS = 10_000
MAX_ROUNDS = 10
SECOND = 1_000_000_000

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
        self.gaps = Gaps()

    def find(self, path, problem, detail, chunk=None):
        self.problems.add(problem)
        if len(self.findings) < MAX_FINDINGS:
            # Names and paths in entries can be as long as an envelope.
            where, why = path[:MAX_TEXT], detail[:MAX_TEXT]
            self.findings.append({"problem": problem, "path": where, "chunk": chunk, "detail": why})
        else:
            self.left_out += 1

    @property
    def missing(self):
        """7.7: how many gaps are missing, and how long those of each medium are together."""
        gaps = self.gaps.missing
        return {"gaps": len(gaps)} | {
            f"{medium}_ns": sum(end - begin for of, begin, end, *_ in gaps if of == medium) for medium in MEDIA
        }

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
    if is_folder(path):
        ledger = os.path.join(path, "ledger.cbor")
        if is_file(ledger) or is_folder(os.path.join(path, "sessions")):
            for _ in range(MAX_ROUNDS):
                size = _size(ledger)
                report = Report(path, "evidence", history)
                _evidence(report, path)
                # A recorder may be at work in the folder: what it wrote meanwhile must be known.
                if _size(ledger) == size:
                    break
            return report
        if is_file(os.path.join(path, "session.cbor")) or _files(path, ".mp4"):
            report = Report(path, "session", history)
            _session_alone(report, path, "")
            return report
    elif is_file(path) and _has_ending(name, ".mp4"):
        report = Report(path, "segment", history)
        _segment_alone(report, path, name)
        return report
    elif is_file(path) and _has_ending(name, ".jpg"):
        report = Report(path, "photo", history)
        _photo_alone(report, path, name)
        return report
    raise OSError("nothing here that can be verified")


def _size(path):
    return os.path.getsize(path) if is_file(path) else None


def _names(folder):
    """The names in a folder, sorted; none if there is no such folder."""
    return sorted(os.listdir(folder), key=os.fsencode) if is_folder(folder) else []


def _has_ending(name, ending):
    return len(name) > len(ending) and name.lower().endswith(ending)


def _files(folder, ending):
    """The names of the files that end so, in upper or lower case."""
    return [name for name in _names(folder) if _has_ending(name, ending) and is_file(os.path.join(folder, name))]


def _note_segment(report, path, rel):
    """Reads a segment, and puts down its letters."""
    segment = read_segment(path, functools.partial(report.find, rel))
    report.verdicts[rel] = segment.letters()
    if not segment.record_boxes:
        report.find(rel, "unverifiable", "holds no record")
    return segment


@contextlib.contextmanager
def _unreadable(report, rel):
    """A segment, a photo or its `.cose` that cannot be read is unverifiable (7.6)."""
    try:
        yield
    except OSError as why:
        report.find(rel, "unverifiable", f"cannot be read: {why}")


def _segment_alone(report, path, rel):
    """7.2"""
    segment = _note_segment(report, path, rel)
    segment.tell(cut_off=True)
    report.gaps = segment.gaps
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
    segments = _segments(report, folder, rel, session)
    starts = [segment.start for _, segment in segments if segment.start is not None]
    for start in starts:
        report.trust.use(start)
    place = None if session.start is None else f"sessions/{session.start.body['folder']}/photos/"
    if session.start is None:
        report.find(rel_copy, "absent", "no session-start entry")
        session.start = starts[0] if starts else None
    for why in session.broken_rules():
        report.find(rel_copy, "forged", why)
    chain = _left_in(report, session, segments)
    _list_gaps(report, session, _join(report, rel, session, chain))
    photos = os.path.join(folder, "photos")
    if with_copy:
        _photos(report, photos, rel + "photos/", session.photos, place, _spoken_of(chain))
    else:
        _photos_alone(report, photos, rel + "photos/")


def _session_of_ledger(report, folder, rel, ledger, session):
    """7.4"""
    copy, rel_copy = os.path.join(folder, "session.cbor"), rel + "session.cbor"
    problem = ledger.compare(session, copy) if is_file(copy) else "absent"
    if problem is not None:
        report.find(rel_copy, problem, "not all that the ledger has, and nothing else")
    chain = _left_in(report, session, _segments(report, folder, rel, session))
    _list_gaps(report, session, _join(report, rel, session, chain))
    place = rel + "photos/"
    _photos(report, os.path.join(folder, "photos"), place, session.photos, place, _spoken_of(chain))


def _segments(report, folder, rel, session):
    """7.4, step 1: the segments of a session in order, each with its path. The last may have been cut off (step 4)."""
    found = []
    for name in _files(folder, ".mp4"):
        segment = None
        with _unreadable(report, rel + name):
            segment = _note_segment(report, os.path.join(folder, name), rel + name)
        found.append((rel + name, segment))
    found.sort(key=lambda item: item[1].order() if item[1] else NO_PLACE)
    for number, (_, segment) in enumerate(found, 1):
        if segment:
            segment.tell(cut_off=session.end is None and number == len(found))
    return [(path, segment) for path, segment in found if segment]


def _left_in(report, session, segments):
    """7.4, step 2: the segments that have a part in what follows."""
    chain = []
    for path, segment in segments:
        if segment.start is not None and session.start is not None and segment.start.hash != session.start.hash:
            report.find(path, "misplaced", "its session-start entry is not the session's")
        elif segment.link is not None:
            chain.append((path, segment))
    return chain


def _spoken_of(chain):
    """The names of the photos that the records speak of."""
    return {name for _, segment in chain for name in segment.photos}


def _join(report, rel, session, chain):
    """7.4, steps 3 to 5: holds the segments against each other, and against the session's start and end. The gaps."""
    seq, last, forged, gaps = -1, session.start and session.start.hash, 0, Gaps()
    # Of each medium: where it ends so far, and of which of them an event told a loss since.
    ends, told = {}, set()
    for path, segment in chain:
        first = segment.first
        skipped = first.seq - seq - 1
        follows = skipped == 0 and (seq < 0 or first.prev == last)
        if skipped > forged + segment.forged_before:
            report.find(path, "absent", f"records {seq + 1} to {first.seq - 1} before it are missing")
        elif skipped <= 0 and not follows:
            report.find(path, "misplaced", "does not follow on the segment before it")
        if follows:
            for medium, (begin, recorded) in segment.begins.items():
                if is_gap(ends.get(medium), begin):
                    gaps.add(medium, ends[medium], begin, NOTHING_CAPTURED, recorded or medium in told)
        else:
            ends, told = {}, set()
        for gap in segment.gaps:
            gaps.add(*gap)
        ends = {**ends, **segment.ends}
        told = (told - segment.ends.keys()) | segment.told
        seq, last, forged = segment.link.seq, segment.link.hash, segment.forged_since

    for path, segment in chain:
        if segment.tail:
            unfinished = session.end is None and segment is chain[-1][1] and not segment.closed
            problem = "unfinished" if unfinished else "unsigned"
            report.find(path, problem, f"{segment.tail} bytes behind the last record")

    if session.end is None:
        report.find(rel + "session.cbor", "unfinished", "the session has no end")
        return gaps
    path, end = chain[-1][0] if chain else rel, session.end.body
    count, wanted = min(seq + 1, MAX_UINT), end["records"]
    if count < wanted:
        if count + forged < wanted:
            report.find(path, "absent", f"{count} records, the session's end counts {wanted}")
    elif count > wanted:
        report.find(path, "forged", f"{count} records, the session's end counts {wanted}")
    elif last != end["last"]:
        report.find(path, "misplaced", "not the last record that the session's end names")
    if end["cause"] not in ("stop", "shutdown", "source-ended"):
        at = chain[-1][1].latest if chain else 0
        gaps.add(None, at, at, end["cause"], recorded=True)
    return gaps


def _list_gaps(report, session, gaps):
    """7.4, step 8: lists what the interruptions say, and the gaps of the records that none of them explains."""
    told = list(session.interrupted())
    known = [(medium, begin - SECOND, end) for medium, begin, end, _ in told if begin is not None]

    def explained(medium, begin, end):
        return any(of == medium and low <= begin and (high is None or end <= high + SECOND) for of, low, high in known)

    media = None if session.start is None else [source["medium"] for source in session.start.body["sources"]]
    for medium, begin, end, cause, recorded in gaps:
        wanted = media if medium is None else [medium]
        if not wanted or not all(explained(one, begin, end) for one in wanted):
            report.gaps.add(medium, begin, end, cause, recorded)
    for gap in told:
        report.gaps.add(*gap, recorded=True)


def _photos(report, folder, rel, photos, place, spoken_of=frozenset()):
    """7.4, step 6. `place` is where the entries must say that the photos are: None for any session's folder."""
    named = set()
    for photo in photos:
        name = _photo_name(photo.file, place)
        if name is None:
            report.find(rel, "misplaced", f"a photo entry names {photo.file!r}")
            continue
        named.add(name)
        with _unreadable(report, rel + name):
            _photo(report, os.path.join(folder, name), rel + name, photo)
        with _unreadable(report, rel + name + ".cose"):
            _cose(report, os.path.join(folder, name + ".cose"), rel + name + ".cose", photo)
    for name in _files(folder, ".jpg"):
        if name not in named:
            report.find(rel + name, "unsigned", "no entry names it")
    for name in sorted(spoken_of - named):
        report.find(rel + name, "absent", "a record speaks of it, but no entry names it")


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


def _cose(report, path, rel, photo):
    """A photo's `.cose` against its entry."""
    if not is_file(path):
        report.find(rel, "absent", "missing")
    elif hashlib.sha256(_envelope(path)).digest() != photo.hash:
        report.find(rel, "altered", "not the photo's entry")


def _photo(report, path, rel, photo):
    """A photo's file against its entry."""
    if not is_file(path):
        report.find(rel, "absent", "missing")
        return
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size != photo.length:
            report.find(rel, "altered", f"{size} bytes, signed were {photo.length}")
        elif hash_range(file, 0, size) != photo.media:
            report.find(rel, "altered", "the bytes do not have the signed hash")


def _photo_alone(report, path, rel):
    """7.5"""
    raw = None
    with _unreadable(report, rel + ".cose"):
        if is_file(path + ".cose"):
            raw = _envelope(path + ".cose")
    if raw is None:
        report.find(rel, "unverifiable", "there is no .cose that speaks for it")
        return
    try:
        entry = Entry(raw)
    except NotThis as why:
        report.find(rel + ".cose", "forged", f"no entry of version 1: {why}")
        return
    report.trust.use(entry)
    if entry.kind != "photo":
        report.find(rel + ".cose", "misplaced", "not a photo's entry")
        return
    _photo(report, path, rel, Photo(entry))


def _photos_alone(report, folder, rel):
    """The photos of a folder, each for itself."""
    for name in _files(folder, ".jpg"):
        with _unreadable(report, rel + name):
            _photo_alone(report, os.path.join(folder, name), rel + name)


def _evidence(report, root):
    """7.6"""
    base, photos = os.path.join(root, "sessions"), os.path.join(root, "photos")
    folders = [name for name in _names(base) if is_folder(os.path.join(base, name))]
    folders = [name for name in folders if _names(os.path.join(base, name))]
    path = os.path.join(root, "ledger.cbor")
    if not is_file(path):
        report.find("ledger.cbor", "absent", "missing")
        for name in folders:
            _session_alone(report, os.path.join(base, name), f"sessions/{name}/")
        _photos_alone(report, photos, "photos/")
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
