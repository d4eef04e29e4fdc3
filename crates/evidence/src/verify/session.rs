// SPDX-License-Identifier: MIT OR Apache-2.0
//! Joins the segments of one session: each to the next, the first to the session's start, the last to its end.

use super::detail::{Cause, Detail};
use super::find::{files_in, is_plain_name};
use super::gaps::Tracks;
use super::interruption::{self, Interruptions};
use super::photo::Shelf;
use super::report::{Finding, Gap, Problem, Report, SessionReport, Totals};
use super::segment::{Link, Segment, verify_file};
use super::sequence::{self, Sequence};
use super::{Options, VerifyError, parallel, trust};
use crate::entry::{Body, PhotoBody, SessionEndBody, SessionStartBody};
use crate::ledger::SignedEntry;
use crate::{Hash, PHOTOS_FOLDER, SESSION_FILE, SESSIONS_FOLDER, SessionId};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The ledger entries that name one session, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Entries(pub(super) Vec<SignedEntry>);

impl Entries {
    pub(super) fn start(&self) -> Option<(&SignedEntry, &SessionStartBody)> {
        self.0.iter().find_map(start_of)
    }

    fn end(&self) -> Option<&SessionEndBody> {
        match &self.closed()?.entry.body {
            Body::SessionEnd(body) => Some(body),
            _ => None,
        }
    }

    /// The entry that ends the session.
    pub(super) fn closed(&self) -> Option<&SignedEntry> {
        self.0.iter().find(|signed| matches!(signed.entry.body, Body::SessionEnd(_)))
    }

    fn photos(&self) -> impl Iterator<Item = (&SignedEntry, &PhotoBody)> {
        self.0.iter().filter_map(|signed| match &signed.entry.body {
            Body::Photo(body) => Some((signed, body)),
            _ => None,
        })
    }
}

fn start_of(signed: &SignedEntry) -> Option<(&SignedEntry, &SessionStartBody)> {
    match &signed.entry.body {
        Body::SessionStart(body) => Some((signed, body)),
        _ => None,
    }
}

/// What a session's folder shows.
pub(super) struct Verified {
    pub(super) report: SessionReport,
    pub(super) findings: Vec<Finding>,
    pub(super) gaps: Vec<Gap>,
    pub(super) totals: Totals,
}

/// What was read from a session's folder.
pub(super) struct Examined {
    pub(super) segments: Vec<Segment>,
    copy: Option<Sequence>,
    photos: Shelf,
}

impl Examined {
    /// Reads the small things in a folder: the copies of entries, and the photos.
    fn read(folder: &Path, segments: Vec<Segment>) -> Result<Examined, VerifyError> {
        let copy = sequence::read(&folder.join(SESSION_FILE))?;
        Ok(Examined { segments, copy, photos: Shelf::read(&folder.join(PHOTOS_FOLDER))? })
    }

    /// Reads these again, since the session went on.
    pub(super) fn refresh(&mut self, folder: &Path) -> Result<(), VerifyError> {
        *self = Examined::read(folder, std::mem::take(&mut self.segments))?;
        Ok(())
    }

    /// Reads everything in a folder.
    pub(super) fn whole(folder: &Path, options: &Options<'_>) -> Result<Examined, VerifyError> {
        let paths = files_in(folder, "mp4").map_err(VerifyError::read(folder))?;
        Examined::read(folder, verify_files(&paths, options))
    }
}

/// Reads everything in several folders, their segments in parallel.
pub(super) fn examine(folders: &[PathBuf], options: &Options<'_>) -> Result<BTreeMap<PathBuf, Examined>, VerifyError> {
    let files = folders.iter().map(|folder| files_in(folder, "mp4").map_err(VerifyError::read(folder)));
    let files = files.collect::<Result<Vec<_>, _>>()?;
    let mut segments = verify_files(&files.concat(), options).into_iter();
    let mut examined = BTreeMap::new();
    for (folder, own) in folders.iter().zip(&files) {
        let own = segments.by_ref().take(own.len()).collect();
        examined.insert(folder.clone(), Examined::read(folder, own)?);
    }
    Ok(examined)
}

/// Verifies a session folder with no ledger around it.
pub(super) fn verify_alone(folder: &Path, options: &Options<'_>) -> Result<Report, VerifyError> {
    let (verified, used) = judge_alone(folder, Examined::whole(folder, options)?);
    let mut report = Report::new(folder, "session", trust::judge(options.history, &used));
    report.take_session(verified);
    Ok(report.concluded())
}

/// Judges a session folder by the copies of ledger entries in it; these come with the judgement.
pub(super) fn judge_alone(folder: &Path, examined: Examined) -> (Verified, Vec<SignedEntry>) {
    let path = folder.join(SESSION_FILE);
    let Examined { segments, copy, photos } = examined;
    let mut used: Vec<_> = segments.iter().filter_map(|segment| segment.start.clone()).collect();
    let Some(copy) = copy else {
        let (findings, entries) = photos.judge_each();
        used.extend(entries);
        let mut verified = join(folder, &Entries::default(), segments);
        verified.findings.push(Finding::new(Problem::Absent, &path, Detail::EntriesAbsent));
        verified.findings.extend(findings);
        return (verified, used);
    };
    let entries: Vec<_> = copy.items.into_iter().flatten().collect();
    used.extend(entries.iter().cloned());
    let (own, misplaced) = own_entries(&path, entries);
    let mut verified = join(folder, &own, segments);
    verified.findings.extend(copy.findings.into_iter().chain(misplaced).chain(disagreements(&path, &own)));
    verified.findings.extend(interruption::disagreements(&path, &own.0));
    verified.findings.extend(check_photos(&photos, &own));
    (verified, used)
}

/// Judges a session folder by the ledger's entries.
pub(super) fn judge_by_ledger(folder: &Path, entries: &Entries, examined: Examined) -> Verified {
    let mut verified = join(folder, entries, examined.segments);
    verified.findings.extend(check_copy(&folder.join(SESSION_FILE), entries, examined.copy.as_ref()));
    verified.findings.extend(check_photos(&examined.photos, entries));
    verified
}

/// Whether `session.cbor` is the copy of the ledger's entries that it should be. It is written behind the ledger, so
/// that a power cut can leave it shorter.
fn check_copy(path: &Path, entries: &Entries, copy: Option<&Sequence>) -> Option<Finding> {
    let Some(copy) = copy else {
        return Some(Finding::new(Problem::Absent, path, Detail::EntriesAbsent));
    };
    let copied = copy.items.iter().map(|item| item.as_ref().map(|entry| entry.hash));
    let is_beginning = copied.eq(entries.0.iter().map(|entry| Some(entry.hash)).take(copy.items.len()));
    let rest: Vec<_> = entries.0.iter().skip(copy.items.len()).flat_map(|entry| entry.bytes.iter().copied()).collect();
    let is_cut_off = copy.findings.iter().all(|finding| finding.problem == Problem::Unfinished);
    match is_beginning && is_cut_off && rest.starts_with(&copy.cut_off) {
        true if rest.is_empty() && copy.findings.is_empty() => None,
        true => Some(Finding::new(Problem::Unfinished, path, Detail::EntriesUnfinished)),
        false => Some(Finding::new(Problem::Altered, path, Detail::EntriesAltered)),
    }
}

/// The entries of `session.cbor` that name its session, and what is wrong with the others and with their order.
fn own_entries(path: &Path, entries: Vec<SignedEntry>) -> (Entries, Vec<Finding>) {
    let mut findings = Vec::new();
    let session = entries.iter().find_map(start_of).map(|(_, start)| start.session);
    let session = session.or_else(|| entries.iter().find_map(|signed| signed.entry.body.session()));
    if entries.windows(2).any(|pair| pair[0].entry.seq >= pair[1].entry.seq) {
        findings.push(Finding::new(Problem::Misplaced, path, Detail::EntriesOutOfOrder));
    }
    let (own, foreign): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|signed| session.is_some() && signed.entry.body.session() == session);
    if let Some(foreign) = foreign.first() {
        let detail = Detail::ForeignEntry { seq: foreign.entry.seq };
        findings.push(Finding::new(Problem::Misplaced, path, detail));
    }
    (Entries(own), findings)
}

/// What the entries of a session, as `path` has them, say against one another: there is one start and at most one end,
/// one key signs them all, and the folder has a plain name.
pub(super) fn disagreements(path: &Path, entries: &Entries) -> Vec<Finding> {
    let Some((start, body)) = entries.start() else { return Vec::new() };
    let misnamed = Some(&body.folder).filter(|folder| !is_plain_name(folder));
    let misnamed = misnamed.map(|folder| Detail::FolderName { folder: folder.clone() });
    let repeated = ["session-start", "session-end"].into_iter().filter_map(|kind| {
        let second = entries.0.iter().filter(|signed| signed.entry.body.kind() == kind).nth(1)?;
        Some(Detail::SecondEntry { seq: second.entry.seq, kind: kind.into() })
    });
    let odd = entries.0.iter().filter(|e| e.key != start.key || e.entry.device != start.entry.device);
    let odd = odd.map(|e| Detail::EntryKey { seq: e.entry.seq, kind: e.entry.body.kind().into() });
    repeated.chain(odd).chain(misnamed).map(|detail| Finding::new(Problem::Forged, path, detail)).collect()
}

/// Holds the photos in a session's folder against the session's entries.
fn check_photos(photos: &Shelf, entries: &Entries) -> Vec<Finding> {
    let named = entries.start().map(|(_, start)| start.folder.as_str());
    photos.check(entries.photos(), |file| match file.split('/').collect::<Vec<_>>()[..] {
        [SESSIONS_FOLDER, folder, PHOTOS_FOLDER, name]
            if named.is_none_or(|named| named == folder) && is_plain_name(folder) =>
        {
            Some(name)
        }
        _ => None,
    })
}

/// Verifies files in parallel; the result has their order. One that cannot be read is judged as such.
fn verify_files(paths: &[PathBuf], options: &Options<'_>) -> Vec<Segment> {
    parallel::map(paths, options.jobs, |path| {
        verify_file(path, options.progress).unwrap_or_else(|error| Segment::unreadable(path, &error))
    })
}

/// Joins the segments of one session.
pub(super) fn join(folder: &Path, entries: &Entries, mut segments: Vec<Segment>) -> Verified {
    segments.sort_by_cached_key(|segment| {
        let place = segment.first.map(|first| (segment.report.segment, first.seq));
        (place.is_none(), place, segment.report.path.clone())
    });
    if let Some(last) = segments.last_mut().filter(|_| entries.end().is_none()) {
        last.may_be_cut_off();
    }
    let start = entries.start().or_else(|| segments.iter().find_map(|segment| start_of(segment.start.as_ref()?)));
    let start_hash = start.map(|(signed, _)| signed.hash);
    let session = start.map(|(_, body)| body.session);
    let interruptions = Interruptions::of(entries, start);
    let mut joiner = Joiner { folder, entries, interruptions, start_hash, findings: Vec::new(), gaps: Vec::new() };
    joiner.check_membership(&segments);
    let own: Vec<_> = segments.iter().filter(|s| s.last.is_some() && s.start_hash() == start_hash).collect();
    joiner.check_links(&own);
    joiner.check_photos(&own);
    joiner.check_end(own.last().copied());
    joiner.concluded(session, segments)
}

struct Joiner<'a> {
    folder: &'a Path,
    entries: &'a Entries,
    interruptions: Interruptions,
    start_hash: Option<Hash>,
    findings: Vec<Finding>,
    gaps: Vec<Gap>,
}

impl Joiner<'_> {
    fn find(&mut self, problem: Problem, path: &Path, detail: Detail) {
        self.findings.push(Finding::new(problem, path, detail));
    }

    fn check_membership(&mut self, segments: &[Segment]) {
        if self.entries.start().is_none() {
            self.find(Problem::Absent, self.folder, Detail::StartAbsent);
        }
        let own = self.start_hash;
        for segment in segments.iter().filter(|s| s.start.is_some() && s.start_hash() != own) {
            self.find(Problem::Misplaced, &segment.report.path, Detail::SegmentOfOtherSession);
        }
    }

    fn check_links(&mut self, segments: &[&Segment]) {
        let mut before: Option<(&Segment, Link)> = None;
        let mut tracks = Tracks::default();
        for segment in segments {
            let (Some(first), Some(last)) = (segment.first, segment.last) else { continue };
            if !before.is_some_and(|(_, link)| first.follows(link)) {
                tracks = Tracks::default();
            }
            self.gaps.extend(tracks.go_on(&segment.gaps.tracks));
            match before {
                None => self.check_first(segment, first),
                Some((previous, link)) => self.check_link(previous, link, segment, first),
            }
            before = Some((segment, last));
        }
    }

    fn check_first(&mut self, segment: &Segment, first: Link) {
        // A damaged record stands there, even if it cannot say its number any more.
        let missing = first.seq.saturating_sub(segment.forged_before);
        if missing > 0 {
            let detail = Detail::SegmentsBefore { segment: name(segment), missing };
            self.absent(0, (0, segment.report.from_ns), detail);
        }
    }

    fn check_link(&mut self, previous: &Segment, link: Link, segment: &Segment, first: Link) {
        let path = segment.report.path.clone();
        match first.seq.cmp(&link.seq.saturating_add(1)) {
            std::cmp::Ordering::Greater => {
                let damaged = previous.forged_behind.saturating_add(segment.forged_before);
                let missing = (first.seq - link.seq - 1).saturating_sub(damaged);
                if missing > 0 {
                    let detail = Detail::RecordsBetween { before: name(previous), segment: name(segment), missing };
                    self.absent(link.chunks, (previous.report.to_ns, segment.report.from_ns), detail);
                }
            }
            std::cmp::Ordering::Less => {
                self.find(Problem::Misplaced, &path, Detail::SegmentRepeats { before: name(previous) });
            }
            std::cmp::Ordering::Equal if first.prev != link.hash => {
                self.find(Problem::Misplaced, &path, Detail::SegmentNotLinked { before: name(previous) });
            }
            std::cmp::Ordering::Equal => {}
        }
        self.findings.extend(previous.tail_finding(true));
    }

    fn absent(&mut self, chunk: u64, (from_ns, to_ns): (u64, u64), detail: Detail) {
        let mut finding = Finding::new(Problem::Absent, self.folder, detail);
        (finding.chunk, finding.from_ns, finding.to_ns) = (Some(chunk), Some(from_ns), Some(to_ns));
        self.findings.push(finding);
    }

    /// Whether each photo that a record speaks of has its entry. Without any entry that is said already.
    fn check_photos(&mut self, segments: &[&Segment]) {
        if self.entries.0.is_empty() {
            return;
        }
        let entered: BTreeSet<_> = self.entries.photos().filter_map(|(_, body)| body.file.rsplit('/').next()).collect();
        let told = segments.iter().flat_map(|segment| &segment.photos);
        let lost: BTreeSet<_> = told.filter(|name| !entered.contains(name.as_str())).collect();
        for name in lost {
            self.find(Problem::Absent, &self.folder.join(PHOTOS_FOLDER).join(name), Detail::PhotoNotEntered);
        }
    }

    fn check_end(&mut self, last: Option<&Segment>) {
        let Some(end) = self.entries.end().cloned() else {
            self.find(Problem::Unfinished, self.folder, Detail::EndAbsent);
            return self.findings.extend(last.and_then(|segment| segment.tail_finding(segment.closed)));
        };
        self.findings.extend(last.and_then(|segment| segment.tail_finding(true)));
        self.check_last(&end, last);
        let to_ns = last.map_or(0, |segment| segment.report.to_ns);
        if !matches!(end.cause.as_str(), "stop" | "shutdown" | "source-ended") {
            self.gaps.push(Gap::recorded(None, to_ns, to_ns, Cause::Ended { cause: end.cause }));
        }
    }

    fn check_last(&mut self, end: &SessionEndBody, last: Option<&Segment>) {
        let to_ns = last.map_or(0, |segment| segment.report.to_ns);
        let damaged = last.map_or(0, |segment| segment.forged_behind);
        let (records, chunks, hash) = match last.and_then(|segment| segment.last) {
            Some(link) => (link.seq.saturating_add(1), link.chunks, Some(link.hash)),
            None => (0, 0, self.start_hash),
        };
        match records.cmp(&end.records) {
            std::cmp::Ordering::Less if records.saturating_add(damaged) >= end.records => {}
            std::cmp::Ordering::Less => {
                let missing = end.records - records - damaged;
                let detail = Detail::LastRecordsAbsent { missing, records: end.records };
                self.absent(chunks, (to_ns, to_ns), detail);
            }
            std::cmp::Ordering::Greater => {
                self.find(Problem::Forged, self.folder, Detail::MoreRecords);
            }
            std::cmp::Ordering::Equal if hash != Some(end.last) => {
                self.find(Problem::Misplaced, self.folder, Detail::LastRecordDiffers);
            }
            std::cmp::Ordering::Equal => {}
        }
    }

    fn concluded(self, session: Option<SessionId>, segments: Vec<Segment>) -> Verified {
        let mut totals = Totals::default();
        let (mut findings, mut gaps, mut reports) = (self.findings, self.gaps, Vec::new());
        for segment in segments {
            totals.add(&segment.report.totals);
            findings.extend(segment.findings);
            gaps.extend(segment.gaps.listed());
            reports.push(segment.report);
        }
        gaps.retain(|gap| !self.interruptions.cover(gap));
        gaps.extend(self.interruptions.gaps);
        gaps.sort_by_key(|gap| (gap.from_ns.is_none(), gap.from_ns));
        let photos = self.entries.photos().count() as u64;
        totals.photos = photos;
        let report = SessionReport { path: self.folder.into(), session, segments: reports, photos };
        Verified { report, findings, gaps, totals }
    }
}

fn name(segment: &Segment) -> String {
    segment.report.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
