// SPDX-License-Identifier: MIT OR Apache-2.0
//! Judges a whole evidence folder: the ledger, and every session and photo against it.

use super::find::{files_in, folders_in, is_plain_name, open_regular};
use super::report::{Finding, Problem, Report, Trust};
use super::sequence::{self, Sequence};
use super::session::{Entries, check_photos, disagreements, join, judge_alone, verify_files};
use super::{Options, VerifyError, photo, trust};
use crate::entry::Body;
use crate::history::KeyHistory;
use crate::ledger::{LedgerHead, SignedEntry};
use crate::{LEDGER_FILE, PHOTOS_FOLDER, SESSION_FILE, SESSIONS_FOLDER, SessionId};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Verifies the evidence folder at `root`.
pub(super) fn verify(root: &Path, options: &Options<'_>) -> Result<Report, VerifyError> {
    let mut report = Report::new(root, "evidence", Trust::NotChecked { device: None });
    let sequence = sequence::read(&root.join(LEDGER_FILE))?;
    let used = match sequence {
        Some(ledger) => verify_by_ledger(root, ledger, options, &mut report)?,
        None => verify_without_ledger(root, options, &mut report)?,
    };
    report.trust = trust::judge(options.history, &used);
    Ok(report.concluded())
}

/// All that is there is held against the ledger. Gives the entries that were used.
fn verify_by_ledger(
    root: &Path,
    ledger: Sequence,
    options: &Options<'_>,
    report: &mut Report,
) -> Result<Vec<SignedEntry>, VerifyError> {
    let path = root.join(LEDGER_FILE);
    let broken = check_chain(&ledger.items).map(|detail| Finding::new(Problem::Altered, &path, detail));
    report.findings.extend(broken);
    report.findings.extend_from_slice(&ledger.findings);
    let mut entries: Vec<_> = ledger.into_entries().collect();
    report.findings.extend(behind_history(&path, &entries, options.history));
    let known = verify_sessions(root, sessions_of(&entries), options, report)?;
    report.findings.extend(check_loose_photos(root, &entries)?);
    let strange = folders_of(root)?.into_iter().filter(|folder| !known.contains(folder));
    for folder in strange {
        report.findings.push(Finding::new(Problem::Unsigned, &folder, "the ledger knows no such session"));
        let (verified, used) = judge_alone(&folder, options)?;
        report.take_session(verified);
        entries.extend(used);
    }
    Ok(entries)
}

/// Every session and photo speaks for itself. Gives the entries that were used.
fn verify_without_ledger(
    root: &Path,
    options: &Options<'_>,
    report: &mut Report,
) -> Result<Vec<SignedEntry>, VerifyError> {
    report.findings.push(Finding::new(Problem::Absent, &root.join(LEDGER_FILE), "the ledger is not there"));
    let (findings, mut entries) = photo::judge_folder(&root.join(PHOTOS_FOLDER))?;
    report.findings.extend(findings);
    for folder in folders_of(root)? {
        let (verified, used) = judge_alone(&folder, options)?;
        report.take_session(verified);
        entries.extend(used);
    }
    Ok(entries)
}

fn folders_of(root: &Path) -> Result<Vec<PathBuf>, VerifyError> {
    let folder = root.join(SESSIONS_FOLDER);
    match folder.is_dir() {
        true => folders_in(&folder).map_err(VerifyError::read(&folder)),
        false => Ok(Vec::new()),
    }
}

/// The first rule that the entries break, up to the first item that is no entry.
fn check_chain(items: &[Option<SignedEntry>]) -> Option<String> {
    let mut entries = items.iter().map_while(Option::as_ref);
    let Some(first) = entries.next() else {
        return items.is_empty().then(|| "the ledger is empty".into());
    };
    let mut head = match LedgerHead::first(first) {
        Ok(head) => head,
        Err(error) => return Some(error.to_string()),
    };
    entries.find_map(|entry| head.accept(entry).err()).map(|error| error.to_string())
}

/// Keys of the history that the ledger does not introduce any more: it was rolled back. Another device's history says
/// nothing about it.
fn behind_history(path: &Path, entries: &[SignedEntry], history: Option<&KeyHistory>) -> Option<Finding> {
    let history =
        history.filter(|history| entries.first().is_none_or(|first| first.entry.device == history.device()))?;
    let there: BTreeSet<_> = entries.iter().map(|entry| entry.hash).collect();
    let lost = history.entries().iter().find(|key| !there.contains(&key.hash))?;
    let detail =
        format!("entry {}, which the key history has, is not in the ledger: it was cut or rolled back", lost.entry.seq);
    Some(Finding::new(Problem::Absent, path, detail))
}

/// The sessions that the ledger names, in its order.
fn sessions_of(entries: &[SignedEntry]) -> Vec<(SessionId, Entries)> {
    let mut sessions: Vec<(SessionId, Entries)> = Vec::new();
    let mut places: BTreeMap<SessionId, usize> = BTreeMap::new();
    for entry in entries {
        let Some(session) = entry.entry.body.session() else { continue };
        let place = *places.entry(session).or_insert_with(|| {
            sessions.push((session, Entries::default()));
            sessions.len() - 1
        });
        sessions[place].1.0.push(entry.clone());
    }
    sessions
}

/// Verifies the sessions that the ledger names. Gives their folders.
fn verify_sessions(
    root: &Path,
    sessions: Vec<(SessionId, Entries)>,
    options: &Options<'_>,
    report: &mut Report,
) -> Result<BTreeSet<PathBuf>, VerifyError> {
    let ledger = root.join(LEDGER_FILE);
    let (mut known, mut present) = (BTreeSet::new(), Vec::new());
    for (id, entries) in sessions {
        report.findings.extend(disagreements(&ledger, &entries));
        let folder = folder_of(root, &entries);
        match folder.as_ref().filter(|folder| folder.is_dir()) {
            Some(folder) if !known.insert(folder.clone()) => {
                let detail = format!("session {id} names the folder of another session");
                report.findings.push(Finding::new(Problem::Forged, &ledger, detail));
            }
            Some(folder) => present.push((folder.clone(), entries)),
            None => {
                let place = folder.unwrap_or_else(|| root.join(SESSIONS_FOLDER));
                let detail = format!("session {id} is in the ledger, but its folder is not there");
                report.findings.push(Finding::new(Problem::Absent, &place, detail));
            }
        }
    }
    let files = present.iter().map(|(folder, _)| files_in(folder, "mp4").map_err(VerifyError::read(folder)));
    let files = files.collect::<Result<Vec<_>, _>>()?.concat();
    let mut segments = verify_files(&files, options)?;
    for (folder, entries) in present {
        let (own, rest) = segments.into_iter().partition(|segment| segment.report.path.parent() == Some(&folder));
        segments = rest;
        report.take_session(join(&folder, &entries, own));
        report.findings.extend(check_copy(&folder, &entries)?);
        report.findings.extend(check_photos(&folder, &entries)?);
    }
    Ok(known)
}

fn folder_of(root: &Path, entries: &Entries) -> Option<PathBuf> {
    let (_, start) = entries.start()?;
    is_plain_name(&start.folder).then(|| root.join(SESSIONS_FOLDER).join(&start.folder))
}

/// Whether `session.cbor` is the copy of the ledger's entries that it should be. It is written behind the ledger, so
/// that a power cut can leave it shorter.
fn check_copy(folder: &Path, entries: &Entries) -> Result<Option<Finding>, VerifyError> {
    let path = folder.join(SESSION_FILE);
    let expected = entries.0.iter().flat_map(|entry| entry.bytes.iter().copied()).collect::<Vec<_>>();
    let Some(file) = open_regular(&path).map_err(VerifyError::read(&path))? else {
        return Ok(Some(Finding::new(Problem::Absent, &path, "the session's entries are not there")));
    };
    let mut copy = Vec::new();
    file.take(expected.len() as u64 + 1).read_to_end(&mut copy).map_err(VerifyError::read(&path))?;
    Ok(match () {
        () if copy == expected => None,
        () if expected.starts_with(&copy) => {
            Some(Finding::new(Problem::Unfinished, &path, "it ends before the ledger's entries of the session do"))
        }
        () => Some(Finding::new(Problem::Altered, &path, "the entries differ from the ledger's")),
    })
}

/// Holds the photos that were taken outside a session against the ledger.
fn check_loose_photos(root: &Path, entries: &[SignedEntry]) -> Result<Vec<Finding>, VerifyError> {
    let loose = entries.iter().filter_map(|signed| match &signed.entry.body {
        Body::Photo(body) if body.session.is_none() => Some((signed, body)),
        _ => None,
    });
    photo::check_all(&root.join(PHOTOS_FOLDER), loose, |file| file.strip_prefix(PHOTOS_FOLDER)?.strip_prefix('/'))
}
