// SPDX-License-Identifier: MIT OR Apache-2.0
//! Joins the segments of one session: each to the next, the first to the session's start, the last to its end.

use super::find::files_in;
use super::report::{Finding, Gap, Problem, Report, SessionReport, Totals};
use super::segment::{GAP_NS, Link, Segment, verify_file};
use super::{Options, VerifyError, parallel, photo, trust};
use crate::entry::{Body, PhotoBody, SessionEndBody, SessionStartBody};
use crate::ledger::{SignedEntry, open_sequence};
use crate::record::Medium;
use crate::{PHOTOS_FOLDER, SESSION_FILE};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The ledger entries of one session.
#[derive(Clone, Debug, Default)]
pub(super) struct Entries {
    pub(super) start: Option<SignedEntry>,
    pub(super) photos: Vec<SignedEntry>,
    pub(super) end: Option<SignedEntry>,
    /// Starts and ends behind the first of each: no session has any.
    repeated: Vec<SignedEntry>,
}

impl Entries {
    pub(super) fn add(&mut self, entry: SignedEntry) {
        match &entry.entry.body {
            Body::SessionStart(_) if self.start.is_none() => self.start = Some(entry),
            Body::SessionEnd(_) if self.end.is_none() => self.end = Some(entry),
            Body::SessionStart(_) | Body::SessionEnd(_) => self.repeated.push(entry),
            Body::Photo(_) => self.photos.push(entry),
            _ => {}
        }
    }

    fn start_body(&self) -> Option<&SessionStartBody> {
        match &self.start.as_ref()?.entry.body {
            Body::SessionStart(body) => Some(body),
            _ => None,
        }
    }

    fn end_body(&self) -> Option<&SessionEndBody> {
        match &self.end.as_ref()?.entry.body {
            Body::SessionEnd(body) => Some(body),
            _ => None,
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &SignedEntry> {
        self.start.iter().chain(&self.photos).chain(&self.end)
    }
}

/// What a session's folder shows.
pub(super) struct Verified {
    pub(super) report: Option<SessionReport>,
    pub(super) findings: Vec<Finding>,
    pub(super) gaps: Vec<Gap>,
    pub(super) totals: Totals,
}

/// Verifies a session folder with no ledger around it.
pub(super) fn verify_alone(folder: &Path, options: &Options<'_>) -> Result<Report, VerifyError> {
    let (entries, mut findings) = read_entries(folder)?;
    let segments = verify_files(&files_in(folder, "mp4").map_err(VerifyError::read(folder))?, options)?;
    let starts: Vec<_> = segments.iter().filter_map(|segment| segment.start.clone()).collect();
    let verified = join(folder, &entries, segments);
    findings.extend(disagreements(&folder.join(SESSION_FILE), &entries));
    let mut report = Report::new(folder, "session", trust::judge(options.history, entries.all().chain(&starts)));
    findings.extend(verified.findings);
    report.findings = findings;
    report.gaps = verified.gaps;
    report.totals = verified.totals;
    report.sessions.extend(verified.report);
    Ok(report.concluded())
}

/// Reads `session.cbor`. What is wrong with it is a finding.
pub(super) fn read_entries(folder: &Path) -> Result<(Entries, Vec<Finding>), VerifyError> {
    let path = folder.join(SESSION_FILE);
    let mut entries = Entries::default();
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let absent = Finding::new(Problem::Absent, &path, "the session's entries are not there");
            return Ok((entries, vec![absent]));
        }
        Err(error) => return Err(VerifyError::read(&path)(error)),
    };
    let (all, error) = open_sequence(&bytes);
    let disordered = all.windows(2).any(|pair| pair[0].entry.seq >= pair[1].entry.seq);
    all.into_iter().for_each(|entry| entries.add(entry));
    let finding = error.map(|error| Finding::new(Problem::Altered, &path, error.to_string()));
    let order = disordered.then(|| Finding::new(Problem::Misplaced, &path, "its entries are out of order"));
    Ok((entries, finding.into_iter().chain(order).collect()))
}

/// What the entries of a session, as `path` has them, say against one another: there is one start and at most one end,
/// and one key signs them all.
pub(super) fn disagreements(path: &Path, entries: &Entries) -> Vec<Finding> {
    let Some(start) = &entries.start else { return Vec::new() };
    let repeated = entries.repeated.iter().map(|e| format!("the session has a second {} entry", e.entry.body.kind()));
    let odd = entries
        .all()
        .filter(|e| e.key != start.key || e.entry.device != start.entry.device)
        .map(|e| format!("the {} entry is signed by another key than the session's start", e.entry.body.kind()));
    let forged = repeated.chain(odd).map(|detail| Finding::new(Problem::Forged, path, detail));
    let mut findings: Vec<_> = forged.collect();
    let own = start.entry.body.session();
    if entries.all().any(|e| e.entry.body.session() != own) {
        findings.push(Finding::new(Problem::Misplaced, path, "it holds entries of more than one session"));
    }
    findings
}

/// Verifies files in parallel; the result has their order.
pub(super) fn verify_files(paths: &[PathBuf], options: &Options<'_>) -> Result<Vec<Segment>, VerifyError> {
    parallel::map(paths, options.jobs, |path| verify_file(path, options.progress)).into_iter().collect()
}

/// Joins the segments of one session.
pub(super) fn join(folder: &Path, entries: &Entries, mut segments: Vec<Segment>) -> Verified {
    segments.sort_by_key(|segment| (segment.report.segment, segment.first.map(|first| first.seq)));
    let mut joiner = Joiner { folder, entries, findings: Vec::new(), gaps: Vec::new() };
    joiner.check_membership(&segments);
    joiner.check_links(&segments);
    joiner.check_end(&segments);
    joiner.check_photos();
    joiner.concluded(segments)
}

struct Joiner<'a> {
    folder: &'a Path,
    entries: &'a Entries,
    findings: Vec<Finding>,
    gaps: Vec<Gap>,
}

impl Joiner<'_> {
    fn find(&mut self, problem: Problem, path: &Path, detail: impl Into<String>) {
        self.findings.push(Finding::new(problem, path, detail));
    }

    fn check_membership(&mut self, segments: &[Segment]) {
        let Some(start) = self.entries.start.as_ref() else {
            return self.find(Problem::Absent, self.folder, "the session's start is not on record here");
        };
        let own = start.entry.body.session().map(|session| (session, start.hash));
        for segment in segments.iter().filter(|s| s.last.is_some()) {
            if segment.session() != own {
                self.find(Problem::Misplaced, &segment.report.path, "the segment belongs to another session");
            }
        }
    }

    fn check_links(&mut self, segments: &[Segment]) {
        let mut before: Option<(&Segment, Link)> = None;
        let mut ends = BTreeMap::new();
        for segment in segments {
            let (Some(first), Some(last)) = (segment.first, segment.last) else { continue };
            if before.is_some_and(|(_, link)| first.seq.checked_sub(1) == Some(link.seq)) {
                self.gaps.extend(gaps_between(&ends, segment));
            }
            ends.extend(&segment.ends);
            match before {
                None => self.check_first(segment, first),
                Some((previous, link)) => self.check_link(previous, link, segment, first),
            }
            before = Some((segment, last));
        }
    }

    fn check_first(&mut self, segment: &Segment, first: Link) {
        if first.seq > 0 {
            let detail = format!("segments before {} with {} records are missing", name(segment), first.seq);
            self.absent(0, (0, segment.report.from_ns), detail);
        }
    }

    fn check_link(&mut self, previous: &Segment, link: Link, segment: &Segment, first: Link) {
        let path = segment.report.path.clone();
        match first.seq.cmp(&link.seq.saturating_add(1)) {
            std::cmp::Ordering::Greater => {
                let missing = first.seq - link.seq - 1;
                let detail = format!("{missing} records between {} and {} are missing", name(previous), name(segment));
                self.absent(link.chunks, (previous.report.to_ns, segment.report.from_ns), detail);
            }
            std::cmp::Ordering::Less => {
                self.find(Problem::Misplaced, &path, format!("it repeats what is in {}", name(previous)));
            }
            std::cmp::Ordering::Equal if first.prev != link.hash => {
                self.find(Problem::Misplaced, &path, format!("it is not linked to {}", name(previous)));
            }
            std::cmp::Ordering::Equal => {}
        }
        self.findings.extend(previous.tail_finding(true));
    }

    fn absent(&mut self, chunk: u64, (from_ns, to_ns): (u64, u64), detail: String) {
        let mut finding = Finding::new(Problem::Absent, self.folder, detail);
        (finding.chunk, finding.from_ns, finding.to_ns) = (Some(chunk), Some(from_ns), Some(to_ns));
        self.findings.push(finding);
    }

    fn check_end(&mut self, segments: &[Segment]) {
        let last = segments.iter().rev().find(|segment| segment.last.is_some());
        let Some(end) = self.entries.end_body().cloned() else {
            let detail = "the session has no end: it was cut off or is still being recorded";
            self.find(Problem::Unfinished, self.folder, detail);
            return self.findings.extend(last.and_then(|segment| segment.tail_finding(segment.closed)));
        };
        self.findings.extend(last.and_then(|segment| segment.tail_finding(true)));
        self.check_last(&end, last);
        let to_ns = last.map_or(0, |segment| segment.report.to_ns);
        if !matches!(end.cause.as_str(), "stop" | "shutdown" | "source-ended") {
            self.gaps.push(Gap { medium: None, from_ns: to_ns, to_ns, cause: end.cause });
        }
    }

    fn check_last(&mut self, end: &SessionEndBody, last: Option<&Segment>) {
        let start = self.entries.start.as_ref().map(|start| start.hash);
        let to_ns = last.map_or(0, |segment| segment.report.to_ns);
        let (records, chunks, hash) = match last.and_then(|segment| segment.last) {
            Some(link) => (link.seq.saturating_add(1), link.chunks, Some(link.hash)),
            None => (0, 0, start),
        };
        match records.cmp(&end.records) {
            std::cmp::Ordering::Less => {
                let detail = format!("the last {} of {} records are missing", end.records - records, end.records);
                self.absent(chunks, (to_ns, to_ns), detail);
            }
            std::cmp::Ordering::Greater => {
                self.find(Problem::Forged, self.folder, "there are more records than the session's end counts");
            }
            std::cmp::Ordering::Equal if hash != Some(end.last) => {
                self.find(
                    Problem::Misplaced,
                    self.folder,
                    "the last record is not the one that the session's end names",
                );
            }
            std::cmp::Ordering::Equal => {}
        }
    }

    fn check_photos(&mut self) {
        for signed in &self.entries.photos {
            let Body::Photo(body) = &signed.entry.body else { continue };
            let path = self.folder.join(PHOTOS_FOLDER).join(file_name(body));
            self.findings.extend(photo::check_file(&path, body));
            self.findings.extend(photo::check_sidecar(&path, signed));
        }
        let known: Vec<_> = self.entries.photos.iter().filter_map(photo_name).collect();
        self.findings.extend(photo::strangers(&self.folder.join(PHOTOS_FOLDER), &known));
    }

    fn concluded(self, segments: Vec<Segment>) -> Verified {
        let mut totals = Totals::default();
        let (mut findings, mut gaps, mut reports) = (self.findings, self.gaps, Vec::new());
        for segment in segments {
            totals.add(&segment.report.totals);
            findings.extend(segment.findings);
            gaps.extend(segment.gaps);
            reports.push(segment.report);
        }
        let session = self.entries.start_body().map(|start| start.session);
        let session = session.or_else(|| reports.iter().find_map(|report| report.session));
        let photos = self.entries.photos.len() as u64;
        let report =
            session.map(|session| SessionReport { path: self.folder.into(), session, segments: reports, photos });
        Verified { report, findings, gaps, totals }
    }
}

/// What was not captured between the end of each track so far and its beginning in `segment`.
fn gaps_between(ends: &BTreeMap<Medium, u64>, segment: &Segment) -> Vec<Gap> {
    let pauses = segment.begins.iter().filter_map(|(medium, from_ns)| Some((*medium, *ends.get(medium)?, *from_ns)));
    let gap = |(medium, end_ns, from_ns)| Gap {
        medium: Some(medium),
        from_ns: end_ns,
        to_ns: from_ns,
        cause: "nothing was captured".into(),
    };
    pauses.filter(|(_, end_ns, from_ns)| *from_ns > end_ns.saturating_add(GAP_NS)).map(gap).collect()
}

fn name(segment: &Segment) -> String {
    segment.report.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn photo_name(signed: &SignedEntry) -> Option<String> {
    match &signed.entry.body {
        Body::Photo(body) => Some(file_name(body)),
        _ => None,
    }
}

/// The last part of the recorded path, whatever a hostile entry says.
pub(super) fn file_name(body: &PhotoBody) -> String {
    body.file.rsplit('/').next().unwrap_or_default().to_owned()
}
