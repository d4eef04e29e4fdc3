// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fills the index from the files: wholly, or as far as it is behind them.

use crate::index::{Index, Stored};
use crate::progress::{Meter, Tell, Work};
use crate::scan::{Found, Plan, Scanned};
use crate::session::file_name;
use crate::{INDEX_FILE, StoreError};
use evidence::entry::{Body, SessionStartBody};
use evidence::ledger::{SignedEntry, open_sequence};
use evidence::record::RecordKind;
use evidence::{LEDGER_FILE, SESSIONS_FOLDER, SessionId};
use std::collections::BTreeSet;
use std::path::Path;

/// What was rebuilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    /// How many ledger entries were read.
    pub entries: u64,
    /// How many sessions.
    pub sessions: u64,
}

/// Rebuilds the index of a folder that no recorder owns at the moment.
///
/// # Errors
/// [`StoreError`] if the folder is in use or cannot be read.
pub fn reindex(folder: &Path) -> Result<Rebuilt, StoreError> {
    let _lock = crate::folder::take_lock(folder)?;
    let index = replace(folder, Reach::All, &mut |_| ())?;
    index.settle()?;
    let sessions = index.sessions()?.len() as u64;
    Ok(Rebuilt { entries: index.next_entry()?, sessions })
}

/// Whose files are read to bring an index up to the ledger.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Those of every session that the index does not know as ended.
    All,
    /// Of these, only those of sessions that the ledger has as ended: who closes the others indexes them.
    Ended,
}

/// Opens the index and brings it up to the ledger, but for sessions that have no end. One that cannot be read, is of
/// another version or of another ledger is rebuilt.
pub(crate) fn open_current(folder: &Path, entries: &[SignedEntry], tell: &mut Tell<'_>) -> Result<Index, StoreError> {
    match caught_up(folder, entries, tell) {
        Ok(Some(index)) => Ok(index),
        Ok(None) => replace(folder, Reach::Ended, tell),
        // One that cannot be written for want of room cannot be written anew either.
        Err(error) if error.is_full() => Err(error),
        Err(error) => {
            tracing::warn!(%error, "the index cannot be read and is rebuilt");
            replace(folder, Reach::Ended, tell)
        }
    }
}

fn caught_up(folder: &Path, entries: &[SignedEntry], tell: &mut Tell<'_>) -> Result<Option<Index>, StoreError> {
    let Some(index) = Index::open(folder)? else { return Ok(None) };
    if !is_of(&index, entries)? {
        return Ok(None);
    }
    catch_up(folder, &index, entries, Reach::Ended, tell)?;
    Ok(Some(index))
}

/// Whether the index knows the ledger's entries up to one, without a hole.
fn is_of(index: &Index, entries: &[SignedEntry]) -> Result<bool, StoreError> {
    let next = index.next_entry()?;
    let Some(last) = next.checked_sub(1) else { return Ok(true) };
    if index.entries()? != next {
        return Ok(false);
    }
    let there = usize::try_from(last).ok().and_then(|seq| entries.get(seq)).map(|entry| entry.hash.0);
    Ok(there.is_some() && index.entry_hash(last)? == there)
}

/// Builds a new index beside the old one and puts it in its place.
fn replace(folder: &Path, reach: Reach, tell: &mut Tell<'_>) -> Result<Index, StoreError> {
    let (path, new) = (folder.join(INDEX_FILE), folder.join("index.sqlite.new"));
    remove_database(&new)?;
    if let Err(error) = build(folder, &new, reach, tell).and_then(|index| index.settle()) {
        let _ = remove_database(&new);
        return Err(error);
    }
    remove_database(&path)?;
    crate::files::rename(&new, &path)?;
    remove_database(&new)?;
    let newer = StoreError::index(&path);
    Index::open(folder)?.ok_or_else(|| newer(rusqlite::Error::InvalidQuery))
}

/// Builds an index of `folder` in the file `path`.
fn build(folder: &Path, path: &Path, reach: Reach, tell: &mut Tell<'_>) -> Result<Index, StoreError> {
    let foreign = StoreError::index(path);
    let index = Index::open_file(path)?.ok_or_else(|| foreign(rusqlite::Error::InvalidQuery))?;
    fill(folder, &index, reach, tell)?;
    Ok(index)
}

/// Fills an empty index from the ledger and the files of `folder`.
pub(crate) fn fill(folder: &Path, index: &Index, reach: Reach, tell: &mut Tell<'_>) -> Result<(), StoreError> {
    let ledger = folder.join(LEDGER_FILE);
    let bytes = crate::files::read_if_there(&ledger)?.unwrap_or_default();
    catch_up(folder, index, &open_sequence(&bytes).0, reach, tell)
}

/// Brings an index up to the ledger: entries it lacks, and the files of sessions that it does not know as ended.
fn catch_up(
    folder: &Path,
    index: &Index,
    entries: &[SignedEntry],
    reach: Reach,
    tell: &mut Tell<'_>,
) -> Result<(), StoreError> {
    let known = usize::try_from(index.next_entry()?).unwrap_or(usize::MAX);
    let new = entries.get(known..).unwrap_or_default();
    let mut plans = Vec::new();
    for (start, body) in behind(index, entries, new, reach)? {
        plans.push((start, Plan::of(Some(index), start, &folder.join(SESSIONS_FOLDER).join(&body.folder))?));
    }
    index.together(|| {
        new.iter().try_for_each(|entry| index.add_entry(entry))?;
        if plans.is_empty() {
            return Ok(());
        }
        let mut meter = Meter::new(Work::Indexing, plans.iter().map(|(_, plan)| plan.bytes).sum(), tell);
        for (start, plan) in plans {
            replace_rows(index, start, &plan.read(&mut meter)?)?;
        }
        meter.end();
        Ok(())
    })
}

/// The starts of the sessions whose files the index may not have.
fn behind<'a>(
    index: &Index,
    entries: &'a [SignedEntry],
    new: &'a [SignedEntry],
    reach: Reach,
) -> Result<Vec<(&'a SignedEntry, &'a SessionStartBody)>, StoreError> {
    let mut unended: BTreeSet<SessionId> = index.unended()?.into_iter().collect();
    unended.extend(new.iter().filter_map(start_of).map(|(_, start)| start.session));
    if reach == Reach::Ended {
        let ended: BTreeSet<_> = entries.iter().filter_map(ended_by).collect();
        unended.retain(|session| ended.contains(session));
    }
    // A second start of a session does not count.
    let starts = entries.iter().filter_map(start_of);
    Ok(starts.filter(|(_, start)| unended.remove(&start.session)).collect())
}

/// The session that an entry begins.
pub(crate) fn start_of(entry: &SignedEntry) -> Option<(&SignedEntry, &SessionStartBody)> {
    match &entry.entry.body {
        Body::SessionStart(start) => Some((entry, start)),
        _ => None,
    }
}

/// The session that an entry ends.
pub(crate) fn ended_by(entry: &SignedEntry) -> Option<SessionId> {
    match &entry.entry.body {
        Body::SessionEnd(end) => Some(end.session),
        _ => None,
    }
}

/// Indexes what was read of a session's folder in place of what was indexed of it, but for segments that it knew.
pub(crate) fn replace_rows(index: &Index, start: &SignedEntry, scans: &[Scanned]) -> Result<(), StoreError> {
    let Some((_, body)) = start_of(start) else { return Ok(()) };
    let ends = || scans.iter().filter(|scan| scan.is_known).flat_map(|scan| &scan.records);
    let segments = ends().map(|found| found.record.segment).max().unwrap_or(0);
    let mut next_seq = ends().map(|found| found.record.seq.saturating_add(1)).max().unwrap_or(0);
    index.forget_behind(body.session, segments, next_seq)?;
    for scan in scans.iter().filter(|scan| !scan.is_known && scan.start == Some(start.hash)) {
        let own = scan.records.iter().filter(|found| found.record.session == body.session);
        // A record that is there twice counts once.
        let own = own.filter(|found| {
            let first = found.record.seq >= next_seq;
            next_seq = next_seq.max(found.record.seq.saturating_add(1));
            first
        });
        add_segment(index, scan, own)?;
    }
    Ok(())
}

fn add_segment<'a>(index: &Index, scan: &Scanned, own: impl Iterator<Item = &'a Found>) -> Result<(), StoreError> {
    for (n, found) in own.enumerate() {
        let stored = Stored { record: &found.record, record_bytes: found.end - found.offset };
        if n == 0 {
            index.add_segment(&found.record, &file_name(&scan.path), scan.start_bytes)?;
        }
        match found.record.kind {
            RecordKind::Chunk => index.add_chunk(&stored)?,
            RecordKind::SegmentEnd => index.end_segment(&stored)?,
        }
    }
    Ok(())
}

fn remove_database(path: &Path) -> Result<(), StoreError> {
    for suffix in ["", "-wal", "-shm"] {
        crate::files::remove_if_there(&crate::files::with_suffix(path, suffix))?;
    }
    Ok(())
}
