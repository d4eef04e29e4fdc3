// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fills the index from the files: wholly, or as far as it is behind them.

use crate::index::{Index, Stored};
use crate::session::file_name;
use crate::{INDEX_FILE, StoreError};
use evidence::ledger::{SignedEntry, open_sequence};
use evidence::record::{Record, RecordKind};
use evidence::verify::{Item, ScannedRecord, Tail, scan_segment};
use evidence::{Hash, LEDGER_FILE, SESSIONS_FOLDER, SessionId, entry::Body};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

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
    let index = replace(folder)?;
    index.settle()?;
    let sessions = index.sessions()?.len() as u64;
    Ok(Rebuilt { entries: index.next_entry()?, sessions })
}

/// Opens the index and brings it up to the ledger. One that cannot be read, is of another version or of another ledger
/// is rebuilt.
pub(crate) fn open_current(folder: &Path, entries: &[SignedEntry]) -> Result<Index, StoreError> {
    match caught_up(folder, entries) {
        Ok(Some(index)) => Ok(index),
        Ok(None) => replace(folder),
        // One that cannot be written for want of room cannot be written anew either.
        Err(error) if error.is_full() => Err(error),
        Err(error) => {
            tracing::warn!(%error, "the index cannot be read and is rebuilt");
            replace(folder)
        }
    }
}

fn caught_up(folder: &Path, entries: &[SignedEntry]) -> Result<Option<Index>, StoreError> {
    let Some(index) = Index::open(folder)? else { return Ok(None) };
    if !is_of(&index, entries)? {
        return Ok(None);
    }
    catch_up(folder, &index, entries)?;
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
fn replace(folder: &Path) -> Result<Index, StoreError> {
    let (path, new) = (folder.join(INDEX_FILE), folder.join("index.sqlite.new"));
    remove_database(&new)?;
    if let Err(error) = build(folder, &new).and_then(|index| index.settle()) {
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
fn build(folder: &Path, path: &Path) -> Result<Index, StoreError> {
    let foreign = StoreError::index(path);
    let index = Index::open_file(path)?.ok_or_else(|| foreign(rusqlite::Error::InvalidQuery))?;
    fill(folder, &index)?;
    Ok(index)
}

/// Fills an empty index from the ledger and the files of `folder`.
pub(crate) fn fill(folder: &Path, index: &Index) -> Result<(), StoreError> {
    let ledger = folder.join(LEDGER_FILE);
    let bytes = crate::files::read_if_there(&ledger)?.unwrap_or_default();
    catch_up(folder, index, &open_sequence(&bytes).0)
}

/// Brings an index up to the ledger: entries it lacks, and the files of sessions that it does not know as ended.
fn catch_up(folder: &Path, index: &Index, entries: &[SignedEntry]) -> Result<(), StoreError> {
    let known = usize::try_from(index.next_entry()?).unwrap_or(usize::MAX);
    let open: Vec<_> = index.sessions()?.into_iter().filter(|row| row.ended_utc_ns.is_none()).collect();
    let new = entries.get(known..).unwrap_or_default();
    index.together(|| {
        new.iter().try_for_each(|entry| index.add_entry(entry))?;
        let begun = new.iter().filter_map(|entry| match &entry.entry.body {
            Body::SessionStart(start) => Some((start.session, start.folder.clone())),
            _ => None,
        });
        for (session, name) in open.into_iter().map(|row| (row.session, row.folder)).chain(begun) {
            index.forget_files(session)?;
            add_files(index, session, &folder.join(SESSIONS_FOLDER).join(name))?;
        }
        Ok(())
    })
}

/// Indexes the segments in a session's folder.
pub(crate) fn add_files(index: &Index, session: SessionId, folder: &Path) -> Result<(), StoreError> {
    let start = index.start_of(session)?;
    let mut next_seq = 0;
    for scan in scan_folder(folder)?.into_iter().filter(|scan| scan.start.map(|hash| hash.0) == start) {
        let own = scan.records.iter().filter(|found| found.record.session == session);
        // A record that is there twice counts once.
        let own = own.filter(|found| {
            let first = found.record.seq >= next_seq;
            next_seq = next_seq.max(found.record.seq.saturating_add(1));
            first
        });
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
    }
    Ok(())
}

/// A segment as its records tell.
pub(crate) struct Scanned {
    pub(crate) path: PathBuf,
    /// Hash of the session-start entry in it.
    pub(crate) start: Option<Hash>,
    pub(crate) start_bytes: u64,
    pub(crate) records: Vec<Found>,
    pub(crate) tail: Tail,
}

/// A record that is signed by its session's key and covers what stands before it.
pub(crate) struct Found {
    pub(crate) record: Record,
    pub(crate) hash: Hash,
    pub(crate) offset: u64,
    pub(crate) end: u64,
}

/// The segments in a session's folder, in the order of their records.
pub(crate) fn scan_folder(folder: &Path) -> Result<Vec<Scanned>, StoreError> {
    let mut scans = Vec::new();
    for path in segments_in(folder)? {
        scans.push(scan(path)?);
    }
    scans.sort_by_key(|scan| (scan.records.first().map(|found| found.record.seq), scan.path.clone()));
    Ok(scans)
}

fn segments_in(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut found = Vec::new();
    if !folder.is_dir() {
        return Ok(found);
    }
    for entry in fs::read_dir(folder).map_err(StoreError::io("list", folder))? {
        let path = entry.map_err(StoreError::io("list", folder))?.path();
        if path.extension().is_some_and(|extension| extension == "mp4") {
            found.push(path);
        }
    }
    Ok(found)
}

fn scan(path: PathBuf) -> Result<Scanned, StoreError> {
    let file = File::open(&path).map_err(StoreError::io("open", &path))?;
    let length = file.metadata().map_err(StoreError::io("inspect", &path))?.len();
    let (mut start, mut start_bytes, mut records, mut key) = (None, 0, Vec::new(), None);
    let mut sink = |item| match item {
        Item::Start(signed, size) => {
            if let Body::SessionStart(body) = signed.entry.body {
                key = Some(body.public);
                start_bytes = size;
                start = Some(signed.hash);
            }
        }
        Item::Record(scanned) if scanned.key.is_some() && scanned.key == key => records.extend(whole(*scanned)),
        Item::Record(_) => {}
    };
    let tail = scan_segment(file, length, &mut sink).map_err(StoreError::io("read", &path))?;
    Ok(Scanned { path, start, start_bytes, records, tail })
}

fn whole(scanned: ScannedRecord) -> Option<Found> {
    let record = scanned.record.ok().filter(|record| scanned.media == Some(record.media))?;
    Some(Found { record, hash: scanned.hash, offset: scanned.offset, end: scanned.end })
}

fn remove_database(path: &Path) -> Result<(), StoreError> {
    for suffix in ["", "-wal", "-shm"] {
        crate::files::remove_if_there(&crate::files::with_suffix(path, suffix))?;
    }
    Ok(())
}
