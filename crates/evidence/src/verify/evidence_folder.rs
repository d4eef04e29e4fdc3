// SPDX-License-Identifier: MIT OR Apache-2.0
//! Judges a whole evidence folder: the ledger, and every session and photo against it.

use super::find::{files_in, folders_in};
use super::report::{Finding, Problem, Report};
use super::session::{Entries, disagreements, file_name, join, read_entries, verify_files};
use super::{Options, VerifyError, photo, trust};
use crate::entry::Body;
use crate::history::KeyHistory;
use crate::ledger::{LedgerHead, SignedEntry, open_sequence};
use crate::{LEDGER_FILE, PHOTOS_FOLDER, SESSIONS_FOLDER, SessionId};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Verifies the evidence folder at `root`.
pub(super) fn verify(root: &Path, options: &Options<'_>) -> Result<Report, VerifyError> {
    let (entries, mut findings) = read_ledger(root)?;
    findings.extend(behind_history(root, &entries, options.history));
    let mut report = Report::new(root, "evidence", trust::judge(options.history, &entries));
    report.findings = findings;
    let sessions = sessions_of(&entries);
    report.findings.extend(strange_folders(root, &sessions));
    verify_sessions(root, sessions, options, &mut report)?;
    report.findings.extend(check_photos(root, &entries));
    Ok(report.concluded())
}

fn read_ledger(root: &Path) -> Result<(Vec<SignedEntry>, Vec<Finding>), VerifyError> {
    let path = root.join(LEDGER_FILE);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok((Vec::new(), vec![Finding::new(Problem::Absent, &path, "the ledger is not there")]));
        }
        Err(error) => return Err(VerifyError::read(&path)(error)),
    };
    let (entries, error) = open_sequence(&bytes);
    let problems = error.map(|error| error.to_string()).into_iter().chain(check_chain(&entries));
    let findings = problems.map(|detail| Finding::new(Problem::Altered, &path, detail)).collect();
    Ok((entries, findings))
}

fn check_chain(entries: &[SignedEntry]) -> Option<String> {
    let Some(first) = entries.first() else { return Some("the ledger is empty".into()) };
    let mut head = match LedgerHead::first(first) {
        Ok(head) => head,
        Err(error) => return Some(error.to_string()),
    };
    entries[1..].iter().find_map(|entry| head.accept(entry).err()).map(|error| error.to_string())
}

/// Keys of the history that the ledger does not introduce any more: it was rolled back.
fn behind_history(root: &Path, entries: &[SignedEntry], history: Option<&KeyHistory>) -> Option<Finding> {
    let lost = history?.entries().iter().find(|key| {
        let there = usize::try_from(key.entry.seq).ok().and_then(|seq| entries.get(seq));
        there.is_none_or(|entry| entry.hash != key.hash)
    })?;
    let detail =
        format!("entry {}, which the key history has, is not in the ledger: it was cut or rolled back", lost.entry.seq);
    Some(Finding::new(Problem::Absent, &root.join(LEDGER_FILE), detail))
}

fn sessions_of(entries: &[SignedEntry]) -> BTreeMap<SessionId, Entries> {
    let mut sessions: BTreeMap<SessionId, Entries> = BTreeMap::new();
    for entry in entries {
        if let Some(session) = entry.entry.body.session() {
            sessions.entry(session).or_default().add(entry.clone());
        }
    }
    sessions
}

fn folder_of(root: &Path, entries: &Entries) -> Option<PathBuf> {
    match &entries.start.as_ref()?.entry.body {
        Body::SessionStart(start) if is_plain_name(&start.folder) => {
            Some(root.join(SESSIONS_FOLDER).join(&start.folder))
        }
        _ => None,
    }
}

/// A name that cannot lead out of the folder it is joined to.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0'])
}

fn strange_folders(root: &Path, sessions: &BTreeMap<SessionId, Entries>) -> Vec<Finding> {
    let known: Vec<_> = sessions.values().filter_map(|entries| folder_of(root, entries)).collect();
    let folders = folders_in(&root.join(SESSIONS_FOLDER)).unwrap_or_default();
    let strange = folders.into_iter().filter(|folder| !known.contains(folder));
    strange.map(|folder| Finding::new(Problem::Unsigned, &folder, "the ledger knows no such session")).collect()
}

fn verify_sessions(
    root: &Path,
    sessions: BTreeMap<SessionId, Entries>,
    options: &Options<'_>,
    report: &mut Report,
) -> Result<(), VerifyError> {
    let mut present = Vec::new();
    for (id, entries) in sessions {
        match folder_of(root, &entries).filter(|folder| folder.is_dir()) {
            Some(folder) => present.push((folder, entries)),
            None => {
                let name = folder_of(root, &entries).unwrap_or_else(|| root.join(SESSIONS_FOLDER));
                let finding = Finding::new(
                    Problem::Absent,
                    &name,
                    format!("session {id} is in the ledger, but its folder is not there"),
                );
                report.findings.push(finding);
            }
        }
    }
    let files = present.iter().map(|(folder, _)| files_in(folder, "mp4").map_err(VerifyError::read(folder)));
    let files = files.collect::<Result<Vec<_>, _>>()?.concat();
    let mut segments = verify_files(&files, options)?;
    for (folder, entries) in present {
        let (own, rest) = segments.into_iter().partition(|segment| segment.report.path.parent() == Some(&folder));
        segments = rest;
        let verified = join(&folder, &entries, own);
        report.findings.extend(disagreements(&root.join(LEDGER_FILE), &entries));
        report.findings.extend(copied_entries(&folder, &entries)?);
        report.findings.extend(verified.findings);
        report.gaps.extend(verified.gaps);
        report.totals.add(&verified.totals);
        report.sessions.extend(verified.report);
    }
    Ok(())
}

/// Whether `session.cbor` is the copy of the ledger's entries that it should be.
fn copied_entries(folder: &Path, ledger: &Entries) -> Result<Vec<Finding>, VerifyError> {
    let (_, mut findings) = read_entries(folder)?;
    let path = folder.join(crate::SESSION_FILE);
    let mut own: Vec<_> = ledger.all().collect();
    own.sort_by_key(|entry| entry.entry.seq);
    let expected = own.iter().flat_map(|entry| &entry.bytes);
    if findings.is_empty() && !std::fs::read(&path).map_err(VerifyError::read(&path))?.iter().eq(expected) {
        findings.push(Finding::new(Problem::Altered, &path, "the entries differ from the ledger's"));
    }
    Ok(findings)
}

fn check_photos(root: &Path, entries: &[SignedEntry]) -> Vec<Finding> {
    let folder = root.join(PHOTOS_FOLDER);
    let mut findings = Vec::new();
    let mut known = Vec::new();
    for signed in entries {
        let Body::Photo(body) = &signed.entry.body else { continue };
        if body.session.is_some() {
            continue;
        }
        let path = folder.join(file_name(body));
        findings.extend(photo::check_file(&path, body));
        findings.extend(photo::check_sidecar(&path, signed));
        known.push(file_name(body));
    }
    findings.extend(photo::strangers(&folder, &known));
    findings
}
