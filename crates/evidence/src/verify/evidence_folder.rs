// SPDX-License-Identifier: MIT OR Apache-2.0
//! Judges a whole evidence folder: the ledger, and every session and photo against it.

use super::detail::Detail;
use super::find::{folders_in, is_folder, is_plain_name};
use super::photo::Shelf;
use super::report::{Finding, Problem, Report, Trust};
use super::sequence::{self, Sequence};
use super::session::{self, Entries, Examined, examine};
use super::{Options, VerifyError, interruption, trust};
use crate::entry::{Body, PhotoBody};
use crate::history::KeyHistory;
use crate::ledger::{LedgerHead, SignedEntry};
use crate::{LEDGER_FILE, PHOTOS_FOLDER, SESSIONS_FOLDER, SessionId};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// How often the ledger is looked at again because the recorder went on meanwhile.
const MAX_LOOKS: usize = 10;

/// Verifies the evidence folder at `root`.
pub(super) fn verify(root: &Path, options: &Options<'_>) -> Result<Report, VerifyError> {
    let mut report = Report::new(root, "evidence", Trust::NotChecked { device: None });
    let evidence = Evidence::read(root, options)?;
    let used = evidence.judge(options.history, &mut report);
    report.trust = trust::judge(options.history, &used);
    Ok(report.concluded())
}

/// What was read from an evidence folder: things that belong together, even while a recorder writes on.
struct Evidence {
    root: PathBuf,
    ledger: Option<Sequence>,
    sessions: BTreeMap<PathBuf, Examined>,
    photos: Shelf,
}

impl Evidence {
    fn read(root: &Path, options: &Options<'_>) -> Result<Evidence, VerifyError> {
        let ledger = sequence::read(&root.join(LEDGER_FILE))?;
        let sessions = examine(&folders_of(root)?, options)?;
        let photos = Shelf::read(&root.join(PHOTOS_FOLDER))?;
        let mut evidence = Evidence { root: root.into(), ledger, sessions, photos };
        for _ in 0..MAX_LOOKS {
            if !evidence.catch_up(options)? {
                break;
            }
        }
        Ok(evidence)
    }

    /// Reads again what the entries speak of that came since the ledger was read. Whether there were any.
    fn catch_up(&mut self, options: &Options<'_>) -> Result<bool, VerifyError> {
        let path = self.root.join(LEDGER_FILE);
        // It only ever grows: where it is as long as it was, nothing came.
        let length = self.ledger.as_ref().map_or(0, |ledger| ledger.length);
        if fs::metadata(&path).is_ok_and(|file| file.len() == length) {
            return Ok(false);
        }
        let now = sequence::read(&path)?;
        let known = self.ledger.as_ref().map_or(0, |ledger| ledger.items.len());
        let items = now.as_ref().map_or(&[][..], |ledger| &ledger.items);
        let new: Vec<_> = items.iter().skip(known).flatten().cloned().collect();
        if new.is_empty() {
            return Ok(false);
        }
        let entries: Vec<_> = items.iter().flatten().cloned().collect();
        for (id, entries) in sessions_of(&entries) {
            let mut own = new.iter().filter(|signed| signed.entry.body.session() == Some(id)).peekable();
            let folder = folder_of(&self.root, &entries).filter(|folder| folder.is_dir());
            let Some(folder) = folder.filter(|_| own.peek().is_some()) else { continue };
            let is_over = own.any(|signed| matches!(signed.entry.body, Body::SessionEnd(_)));
            match self.sessions.get_mut(&folder) {
                Some(examined) if !is_over => examined.refresh(&folder)?,
                _ => drop(self.sessions.insert(folder.clone(), Examined::whole(&folder, options)?)),
            }
        }
        self.photos = Shelf::read(&self.root.join(PHOTOS_FOLDER))?;
        self.ledger = now;
        Ok(true)
    }

    /// Gives the entries that were used.
    fn judge(self, history: Option<&KeyHistory>, report: &mut Report) -> Vec<SignedEntry> {
        let Evidence { root, ledger, sessions, photos } = self;
        match ledger {
            Some(ledger) => judge_by_ledger(&root, ledger, sessions, &photos, history, report),
            None => judge_without_ledger(&root, sessions, photos, report),
        }
    }
}

/// All that is there is held against the ledger. Gives the entries that were used.
fn judge_by_ledger(
    root: &Path,
    ledger: Sequence,
    mut examined: BTreeMap<PathBuf, Examined>,
    photos: &Shelf,
    history: Option<&KeyHistory>,
    report: &mut Report,
) -> Vec<SignedEntry> {
    let path = root.join(LEDGER_FILE);
    let broken = check_chain(&ledger).map(|detail| Finding::new(Problem::Altered, &path, detail));
    report.findings.extend(broken);
    report.findings.extend_from_slice(&ledger.findings);
    let mut entries: Vec<_> = ledger.into_entries().collect();
    report.findings.extend(behind_history(&path, &entries, history));
    report.findings.extend(interruption::disagreements(&path, &entries));
    judge_sessions(root, &entries, &mut examined, report);
    report.findings.extend(check_loose_photos(photos, &entries));
    report.totals.photos += loose_photos(&entries).count() as u64;
    for (folder, examined) in examined {
        report.findings.push(Finding::new(Problem::Unsigned, &folder, Detail::SessionUnknown));
        let (verified, used) = session::judge_alone(&folder, examined);
        report.take_session(verified);
        entries.extend(used);
    }
    entries
}

/// Every session and photo speaks for itself. Gives the entries that were used.
fn judge_without_ledger(
    root: &Path,
    sessions: BTreeMap<PathBuf, Examined>,
    photos: Shelf,
    report: &mut Report,
) -> Vec<SignedEntry> {
    report.findings.push(Finding::new(Problem::Absent, &root.join(LEDGER_FILE), Detail::LedgerAbsent));
    let (findings, mut entries) = photos.judge_each();
    report.findings.extend(findings);
    for (folder, examined) in sessions {
        let (verified, used) = session::judge_alone(&folder, examined);
        report.take_session(verified);
        entries.extend(used);
    }
    entries
}

/// The folders that claim to be a session's. An empty one claims nothing: a power cut leaves it at a session's start.
fn folders_of(root: &Path) -> Result<Vec<PathBuf>, VerifyError> {
    let folder = root.join(SESSIONS_FOLDER);
    if !is_folder(&folder).map_err(VerifyError::read(&folder))? {
        return Ok(Vec::new());
    }
    let mut folders = folders_in(&folder).map_err(VerifyError::read(&folder))?;
    folders.retain(|folder| fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_some()));
    Ok(folders)
}

/// The first rule that the entries break, up to the first item that is no entry.
fn check_chain(ledger: &Sequence) -> Option<Detail> {
    let mut entries = ledger.items.iter().map_while(Option::as_ref);
    let Some(first) = entries.next() else {
        return ledger.findings.is_empty().then_some(Detail::LedgerEmpty);
    };
    let mut head = match LedgerHead::first(first) {
        Ok(head) => head,
        Err(error) => return Some(Detail::LedgerBroken { reason: error.to_string() }),
    };
    entries.find_map(|entry| head.accept(entry).err()).map(|error| Detail::LedgerBroken { reason: error.to_string() })
}

/// Keys of the history that the ledger does not introduce any more: it was rolled back. Another device's history says
/// nothing about it.
fn behind_history(path: &Path, entries: &[SignedEntry], history: Option<&KeyHistory>) -> Option<Finding> {
    let history =
        history.filter(|history| entries.first().is_none_or(|first| first.entry.device == history.device()))?;
    let there: BTreeSet<_> = entries.iter().map(|entry| entry.hash).collect();
    let lost = history.entries().iter().find(|key| !there.contains(&key.hash))?;
    Some(Finding::new(Problem::Absent, path, Detail::RolledBack { seq: lost.entry.seq }))
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

/// Judges the sessions that the ledger names, and takes their folders out of `examined`.
fn judge_sessions(
    root: &Path,
    entries: &[SignedEntry],
    examined: &mut BTreeMap<PathBuf, Examined>,
    report: &mut Report,
) {
    let ledger = root.join(LEDGER_FILE);
    let mut taken = BTreeSet::new();
    for (id, entries) in sessions_of(entries) {
        report.findings.extend(session::disagreements(&ledger, &entries));
        let folder = folder_of(root, &entries);
        let found = folder.as_ref().and_then(|folder| Some((folder, examined.remove(folder)?)));
        let is_taken = folder.as_ref().is_some_and(|folder| !taken.insert(folder.clone()));
        match (found, is_taken) {
            (Some((folder, examined)), _) => {
                report.take_session(session::judge_by_ledger(folder, &entries, examined));
            }
            (None, true) => {
                let detail = Detail::FolderTaken { session: id };
                report.findings.push(Finding::new(Problem::Forged, &ledger, detail));
            }
            (None, false) => {
                let place = folder.unwrap_or_else(|| root.join(SESSIONS_FOLDER));
                let detail = Detail::SessionAbsent { session: id };
                report.findings.push(Finding::new(Problem::Absent, &place, detail));
            }
        }
    }
}

fn folder_of(root: &Path, entries: &Entries) -> Option<PathBuf> {
    let (_, start) = entries.start()?;
    is_plain_name(&start.folder).then(|| root.join(SESSIONS_FOLDER).join(&start.folder))
}

/// Holds the photos that were taken outside a session against the ledger.
fn check_loose_photos(photos: &Shelf, entries: &[SignedEntry]) -> Vec<Finding> {
    photos.check(loose_photos(entries), |file| file.strip_prefix(PHOTOS_FOLDER)?.strip_prefix('/'))
}

fn loose_photos(entries: &[SignedEntry]) -> impl Iterator<Item = (&SignedEntry, &PhotoBody)> {
    entries.iter().filter_map(|signed| match &signed.entry.body {
        Body::Photo(body) if body.session.is_none() => Some((signed, body)),
        _ => None,
    })
}
