// SPDX-License-Identifier: MIT OR Apache-2.0
//! Judges one segment file: every chunk against its record, every record against the one before.

use super::detail::Detail;
use super::gaps::Gaps;
use super::report::{Finding, Problem, Report, SegmentReport, SessionReport, Totals};
use super::scan::{Item, ScannedRecord, Tail, scan_linked, scan_segment};
use super::{Options, VerifyError, trust};
use crate::Hash;
use crate::entry::{Body, SessionStartBody};
use crate::ledger::SignedEntry;
use crate::record::{Medium, Record, RecordKind};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// How many problems of one file are kept in words; the verdict letters have all.
const MAX_FINDINGS: usize = 1000;

/// How many letters are kept of one file: a day of half-second chunks has 172,800.
const MAX_LETTERS: usize = 1_000_000;

/// What the session needs to know of a segment to join it to its neighbours.
pub(super) struct Segment {
    pub(super) report: SegmentReport,
    pub(super) findings: Vec<Finding>,
    pub(super) gaps: Gaps,
    pub(super) start: Option<SignedEntry>,
    pub(super) first: Option<Link>,
    pub(super) last: Option<Link>,
    pub(super) closed: bool,
    pub(super) tail: Tail,
    /// Record boxes that hold no record of the session, in front of the first link and behind the last.
    pub(super) forged_before: u64,
    pub(super) forged_behind: u64,
    /// Names of the photos that its records say were taken.
    pub(super) photos: BTreeSet<String>,
    /// Which of the findings is about the file's last record box, if what is wrong there could be a power cut's work.
    brink: Option<usize>,
}

/// A record as a link of the session's chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) seq: u64,
    /// Chunks of the session in front of and including this link.
    pub(super) chunks: u64,
    pub(super) prev: Hash,
    pub(super) hash: Hash,
}

impl Link {
    /// Whether this is the record next behind another.
    pub(super) fn follows(self, other: Link) -> bool {
        self.seq.checked_sub(1) == Some(other.seq) && self.prev == other.hash
    }
}

/// Verifies a segment with nothing of its session around it.
pub(super) fn verify_alone(path: &Path, options: &Options<'_>) -> Result<Report, VerifyError> {
    let mut segment = verify_file(path, options.progress)?;
    segment.may_be_cut_off();
    let mut report = Report::new(path, "segment", trust::judge(options.history, &segment.start));
    report.findings.extend(segment.findings_alone());
    report.gaps = segment.gaps.listed();
    report.totals = segment.report.totals.clone();
    report.sessions.push(SessionReport {
        path: path.into(),
        session: segment.report.session,
        segments: vec![segment.report],
        photos: 0,
    });
    Ok(report.concluded())
}

/// Verifies what a segment file alone can show: with the last signature, if every record is linked to the one before,
/// else with every signature.
pub(super) fn verify_file(path: &Path, progress: &(dyn Fn(u64) + Sync)) -> Result<Segment, VerifyError> {
    match judge_linked(path, progress)? {
        Some(segment) => Ok(segment),
        None => judge_every(path),
    }
}

fn open(path: &Path) -> Result<(File, u64), VerifyError> {
    let file = File::open(path).map_err(VerifyError::read(path))?;
    let length = file.metadata().map_err(VerifyError::read(path))?.len();
    Ok((file, length))
}

fn judge_linked(path: &Path, progress: &(dyn Fn(u64) + Sync)) -> Result<Option<Segment>, VerifyError> {
    let (file, length) = open(path)?;
    let mut judge = Judge::new(path, length);
    let counted = Counted { file, progress };
    let tail = scan_linked(counted, length, &mut |item| judge.take(item)).map_err(VerifyError::read(path))?;
    let Some(tail) = tail else { return Ok(None) };
    judge.segment.tail = tail;
    let segment = judge.concluded();
    Ok(segment.findings.is_empty().then_some(segment))
}

fn judge_every(path: &Path) -> Result<Segment, VerifyError> {
    let (file, length) = open(path)?;
    let mut judge = Judge::new(path, length);
    let tail = scan_segment(file, length, &mut |item| judge.take(item)).map_err(VerifyError::read(path))?;
    judge.segment.tail = tail;
    Ok(judge.concluded())
}

struct Counted<'a> {
    file: File,
    progress: &'a (dyn Fn(u64) + Sync),
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        (self.progress)(read as u64);
        Ok(read)
    }
}

impl Seek for Counted<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Segment {
    fn unread(path: &Path, length: u64) -> Segment {
        let report = SegmentReport {
            path: path.into(),
            session: None,
            segment: None,
            verdicts: String::new(),
            first_chunk: None,
            from_ns: 0,
            to_ns: 0,
            longest_chunk_ns: 0,
            totals: Totals { segments: 1, bytes: length, ..Totals::default() },
        };
        Segment {
            report,
            findings: Vec::new(),
            gaps: Gaps::default(),
            start: None,
            first: None,
            last: None,
            closed: false,
            tail: Tail { offset: 0, length },
            forged_before: 0,
            forged_behind: 0,
            photos: BTreeSet::new(),
            brink: None,
        }
    }

    /// A file that the system does not give.
    pub(super) fn unreadable(path: &Path, error: &VerifyError) -> Segment {
        let mut segment = Segment::unread(path, 0);
        segment.findings.push(Finding::new(
            Problem::Unverifiable,
            path,
            Detail::Unreadable { reason: error.to_string() },
        ));
        segment
    }

    /// A power cut can leave the length of what was written last, but not all its bytes.
    pub(super) fn may_be_cut_off(&mut self) {
        if let Some(finding) = self.brink.filter(|_| !self.closed).and_then(|last| self.findings.get_mut(last)) {
            finding.problem = Problem::Unfinished;
        }
    }

    /// The findings, with those that only the neighbours or the session's end could lift.
    fn findings_alone(&self) -> Vec<Finding> {
        let mut findings = self.findings.clone();
        let path = &self.report.path;
        if self.last.is_some() && !self.closed {
            findings.push(Finding::new(Problem::Unfinished, path, Detail::NoSegmentEnd));
        }
        findings.extend(self.tail_finding(self.closed));
        findings
    }

    /// Bytes that no record covers; behind the recorded end (`ended`) they were added, else they were cut off.
    pub(super) fn tail_finding(&self, ended: bool) -> Option<Finding> {
        let Tail { offset, length } = self.tail;
        if length == 0 || self.last.is_none() {
            return None;
        }
        let problem = if ended { Problem::Unsigned } else { Problem::Unfinished };
        Some(Finding::new(problem, &self.report.path, Detail::Tail { offset, length }))
    }
}

struct Judge {
    segment: Segment,
    session: Option<SessionStartBody>,
    start_hash: Hash,
    more: usize,
}

impl Judge {
    fn new(path: &Path, length: u64) -> Judge {
        let segment = Segment::unread(path, length);
        Judge { segment, session: None, start_hash: Hash::ZERO, more: 0 }
    }

    fn take(&mut self, item: Item) {
        match item {
            Item::Start(start, size) => self.take_start(*start, size),
            Item::Record(scanned) => self.take_record(&scanned),
        }
    }

    fn take_start(&mut self, start: SignedEntry, size: u64) {
        let Body::SessionStart(body) = &start.entry.body else { return };
        self.segment.report.session = Some(body.session);
        self.segment.report.totals.signed_bytes += size;
        self.start_hash = start.hash;
        self.session = Some(body.clone());
        self.segment.start = Some(start);
    }

    fn take_record(&mut self, scanned: &ScannedRecord) {
        let before = self.segment.findings.len();
        self.judge_record(scanned);
        let of_this = self.segment.findings.get(before..).unwrap_or_default();
        let damaged = of_this.iter().position(|f| matches!(f.problem, Problem::Altered | Problem::Forged));
        self.segment.brink = damaged.map(|place| before + place);
    }

    fn judge_record(&mut self, scanned: &ScannedRecord) {
        self.segment.report.totals.signed_bytes += scanned.end - scanned.offset;
        let Some(session) = &self.session else { return self.reject_keyless() };
        let record = match &scanned.record {
            Ok(record) if scanned.key == Some(session.public) => record,
            Ok(_) => return self.reject(Detail::RecordKey { offset: scanned.offset }),
            Err(error) => {
                return self.reject(Detail::RecordBroken { offset: scanned.offset, reason: error.to_string() });
            }
        };
        let problem = self.place_problem(record, scanned).or_else(|| self.content_problem(record, scanned));
        self.count(record, scanned, problem);
    }

    /// Without the session's start no key is known, and that is one problem, not one for each record.
    fn reject_keyless(&mut self) {
        self.letters(Problem::Forged.letter(), 1);
        if self.segment.findings.is_empty() {
            self.find(Problem::Forged, None, None, Detail::NoStart);
        }
    }

    fn reject(&mut self, detail: Detail) {
        let chunk = self.segment.last.map_or(0, |last| last.chunks).saturating_add(self.segment.forged_behind);
        self.segment.forged_behind += 1;
        self.letters(Problem::Forged.letter(), 1);
        self.find(Problem::Forged, Some(chunk), None, detail);
    }

    /// Whether the record stands where it was recorded.
    fn place_problem(&mut self, record: &Record, scanned: &ScannedRecord) -> Option<(Problem, Detail)> {
        let misplaced = |detail| Some((Problem::Misplaced, detail));
        if Some(record.session) != self.segment.report.session {
            return misplaced(Detail::OtherSession { session: record.session });
        }
        if self.segment.closed {
            return misplaced(Detail::BehindSegmentEnd);
        }
        if self.segment.report.segment.is_some_and(|number| number != record.segment) {
            return misplaced(Detail::OtherSegment { segment: record.segment });
        }
        let out_of_order = match self.segment.last {
            None => self.first_problem(record, scanned),
            Some(last) => self.order_problem(record, last),
        };
        out_of_order.or_else(|| self.shift_problem(record, scanned))
    }

    fn first_problem(&mut self, record: &Record, scanned: &ScannedRecord) -> Option<(Problem, Detail)> {
        if record.seq == 0 && record.prev != self.start_hash {
            return Some((Problem::Misplaced, Detail::NotAfterStart));
        }
        if scanned.covered_from < record.offset {
            self.removed(1, Some(record.chunk), None, Detail::BeginningRemoved);
        }
        None
    }

    fn order_problem(&mut self, record: &Record, last: Link) -> Option<(Problem, Detail)> {
        if record.seq <= last.seq {
            return Some((Problem::Misplaced, Detail::OutOfOrder { seq: record.seq, last: last.seq }));
        }
        let skipped = record.seq - last.seq - 1;
        if skipped == 0 && record.prev != last.hash {
            return Some((Problem::Misplaced, Detail::NotLinked));
        }
        // A damaged record stands there, even if it cannot say its number any more.
        let missing = skipped.saturating_sub(self.segment.forged_behind);
        if missing > 0 {
            let range = time_range(record).map(|(from_ns, _)| (self.segment.report.to_ns, from_ns));
            self.removed(missing, Some(last.chunks), range, Detail::RecordsRemoved { missing });
        }
        None
    }

    fn removed(&mut self, missing: u64, chunk: Option<u64>, range: Option<(u64, u64)>, detail: Detail) {
        let letters = usize::try_from(missing).unwrap_or(MAX_FINDINGS).min(MAX_FINDINGS);
        self.letters(Problem::Removed.letter(), letters);
        self.find(Problem::Removed, chunk, range, detail);
    }

    /// Whether its bytes begin elsewhere than the record says. Behind another problem that is only its consequence.
    fn shift_problem(&self, record: &Record, scanned: &ScannedRecord) -> Option<(Problem, Detail)> {
        let shifted = self.segment.findings.is_empty() && scanned.covered_from != record.offset;
        shifted.then_some((Problem::Altered, Detail::NotAtOffset))
    }

    fn content_problem(&self, record: &Record, scanned: &ScannedRecord) -> Option<(Problem, Detail)> {
        let length = scanned.offset - scanned.covered_from;
        if scanned.media == Some(record.media) && length == record.length {
            return None;
        }
        let (from, to) = (scanned.covered_from, scanned.offset);
        Some((
            Problem::Altered,
            match scanned.media {
                None => Detail::OutOfShape { from, to },
                Some(_) => Detail::BytesAltered { from, to },
            },
        ))
    }

    fn count(&mut self, record: &Record, scanned: &ScannedRecord, problem: Option<(Problem, Detail)>) {
        let is_chunk = record.kind == RecordKind::Chunk;
        let range = time_range(record);
        let misplaced = matches!(problem, Some((Problem::Misplaced, _)));
        if is_chunk || problem.is_some() {
            self.letters(problem.as_ref().map_or('.', |(problem, _)| problem.letter()), 1);
        }
        if let Some((problem, detail)) = problem {
            self.find(problem, Some(record.chunk), range, detail);
        }
        if misplaced {
            return;
        }
        self.note_gaps(record);
        self.note_photos(record);
        self.advance(record, scanned, range);
    }

    fn advance(&mut self, record: &Record, scanned: &ScannedRecord, range: Option<(u64, u64)>) {
        let is_chunk = record.kind == RecordKind::Chunk;
        let chunks = record.chunk.saturating_add(u64::from(is_chunk));
        let link = Link { seq: record.seq, chunks, prev: record.prev, hash: scanned.hash };
        let segment = &mut self.segment;
        segment.report.segment = Some(record.segment);
        segment.report.first_chunk.get_or_insert(record.chunk);
        segment.closed = !is_chunk;
        if let Some((from_ns, to_ns)) = range {
            if segment.first.is_none() {
                segment.report.from_ns = from_ns;
            }
            segment.report.to_ns = to_ns.max(segment.report.to_ns);
            segment.report.longest_chunk_ns = segment.report.longest_chunk_ns.max(to_ns - from_ns);
        }
        if segment.first.is_none() {
            segment.forged_before = segment.forged_behind;
        }
        segment.forged_behind = 0;
        segment.first.get_or_insert(link);
        segment.last = Some(link);
        segment.report.totals.chunks += u64::from(is_chunk);
        for track in &record.tracks {
            match track.medium {
                Medium::Video => add(&mut segment.report.totals.video_frames, track.samples),
                Medium::Audio => add(&mut segment.report.totals.audio_packets, track.samples),
            }
        }
    }

    fn note_gaps(&mut self, record: &Record) {
        let begins_ns = || time_range(record).map_or(0, |(from_ns, _)| from_ns);
        let at_ns = self.segment.first.map_or_else(begins_ns, |_| self.segment.report.to_ns);
        self.segment.gaps.take(record, at_ns);
    }

    fn note_photos(&mut self, record: &Record) {
        let photos = record.events.iter().filter(|event| event.event == "photo");
        self.segment.photos.extend(photos.map(|event| event.detail.clone()));
    }

    fn letters(&mut self, letter: char, count: usize) {
        let letters = &mut self.segment.report.verdicts;
        letters.extend(std::iter::repeat_n(letter, count.min(MAX_LETTERS - letters.len())));
    }

    fn find(&mut self, problem: Problem, chunk: Option<u64>, range: Option<(u64, u64)>, detail: Detail) {
        if self.segment.findings.len() >= MAX_FINDINGS {
            self.more += 1;
            return;
        }
        let mut finding = Finding::new(problem, &self.segment.report.path, detail);
        finding.chunk = chunk;
        finding.from_ns = range.map(|(from_ns, _)| from_ns);
        finding.to_ns = range.map(|(_, to_ns)| to_ns);
        self.segment.findings.push(finding);
    }

    fn concluded(mut self) -> Segment {
        let segment = &mut self.segment;
        segment.report.totals.duration_ns = segment.report.to_ns.saturating_sub(segment.report.from_ns);
        if segment.last.is_none() && segment.findings.is_empty() {
            segment.findings.push(Finding::new(Problem::Unverifiable, &segment.report.path, Detail::NoRecord));
        }
        if self.more > 0 {
            let detail = Detail::More { count: self.more };
            segment.findings.push(Finding::new(Problem::Altered, &segment.report.path, detail));
        }
        self.segment
    }
}

/// Counts on. A hostile record may claim any number.
fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

/// The media time that a record's tracks span, in nanoseconds of the session.
fn time_range(record: &Record) -> Option<(u64, u64)> {
    let from_ns = record.tracks.iter().map(|t| t.to_ns(t.start)).min()?;
    let to_ns = record.tracks.iter().map(|t| t.to_ns(t.end())).max()?;
    Some((from_ns, to_ns))
}

impl Segment {
    /// Hash of the session-start entry that it carries.
    pub(super) fn start_hash(&self) -> Option<Hash> {
        Some(self.start.as_ref()?.hash)
    }
}
