// SPDX-License-Identifier: MIT OR Apache-2.0
//! Closes a session that a power cut or crash left open: files are cut back to their last whole record, the bytes behind
//! it are kept aside, and the ledger is told how far the session came. Mends copies that were left behind the ledger.

use crate::StoreError;
use crate::files::{
    SHARED_READ, create_folder, cut_back, read_if_there, remove_if_there, rename, torn_name, write_new,
};
use crate::folder::Books;
use crate::reindex::{Scanned, add_files, scan_folder};
use evidence::entry::{Body, SessionEndBody, SessionStartBody};
use evidence::ledger::SignedEntry;
use evidence::{SESSION_FILE, SESSIONS_FOLDER, SessionId};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

/// A session that was closed at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// Its end as entered in the ledger.
    pub end: SessionEndBody,
    /// How many bytes of a chunk that was never announced were set aside.
    pub torn_bytes: u64,
}

/// Closes every session that has a start and no end in the ledger, and adds each to `closed`.
pub(crate) fn close_open_sessions(
    root: &Path,
    books: &mut Books,
    entries: &[SignedEntry],
    closed: &mut Vec<Recovered>,
) -> Result<(), StoreError> {
    remove_unnamed_folders(root, entries);
    complete_copies(root, books, entries)?;
    for start in open_starts(entries) {
        let photos: Vec<_> = entries.iter().filter(|e| is_photo_of(e, start)).cloned().collect();
        closed.push(close_session(root, books, start, &photos)?);
    }
    Ok(())
}

/// A session whose start a power cut kept from the ledger has left an empty folder. One that is not empty stays.
fn remove_unnamed_folders(root: &Path, entries: &[SignedEntry]) {
    let named = |name: &OsStr| {
        entries.iter().any(|e| matches!(&e.entry.body, Body::SessionStart(start) if name == start.folder.as_str()))
    };
    for found in fs::read_dir(root.join(SESSIONS_FOLDER)).into_iter().flatten().flatten() {
        if !named(&found.file_name()) {
            let _ = fs::remove_dir(found.path());
        }
    }
}

/// The power may have gone, or a write have failed, between an entry of a session and its copy in the folder. A copy
/// that lacks entries is completed; one that has anything else in it is left to the verifier.
fn complete_copies(root: &Path, books: &Books, entries: &[SignedEntry]) -> Result<(), StoreError> {
    let mut sessions: BTreeMap<SessionId, Vec<&SignedEntry>> = BTreeMap::new();
    for entry in entries {
        if let Some(session) = entry.entry.body.session() {
            sessions.entry(session).or_default().push(entry);
        }
    }
    sessions.values().try_for_each(|own| complete_copy(root, books, own))
}

fn complete_copy(root: &Path, books: &Books, own: &[&SignedEntry]) -> Result<(), StoreError> {
    let Some(Body::SessionStart(start)) = own.first().map(|entry| &entry.entry.body) else { return Ok(()) };
    let folder = root.join(SESSIONS_FOLDER).join(&start.folder);
    if !folder.is_dir() {
        return Ok(());
    }
    let there = read_if_there(&folder.join(SESSION_FILE))?.unwrap_or_default();
    match lacks_entries(&there, own) {
        true => books.reserve.closing(|| write_copies(&folder, own)),
        false => Ok(()),
    }
}

/// Whether `there` is some of the entries in their order, the last of them perhaps torn, but not all.
fn lacks_entries(there: &[u8], own: &[&SignedEntry]) -> bool {
    let (mut rest, mut lacking, mut torn) = (there, false, false);
    for entry in own {
        match rest.strip_prefix(entry.bytes.as_slice()) {
            Some(behind) => (rest, torn) = (behind, false),
            None => (lacking, torn) = (true, torn || entry.bytes.starts_with(rest)),
        }
    }
    lacking && (torn || rest.iter().all(|byte| *byte == 0))
}

fn open_starts(entries: &[SignedEntry]) -> Vec<&SignedEntry> {
    let ended =
        |id: SessionId| entries.iter().any(|e| matches!(&e.entry.body, Body::SessionEnd(end) if end.session == id));
    entries.iter().filter(|e| matches!(&e.entry.body, Body::SessionStart(start) if !ended(start.session))).collect()
}

fn is_photo_of(entry: &SignedEntry, start: &SignedEntry) -> bool {
    matches!(&entry.entry.body, Body::Photo(_)) && entry.entry.body.session() == start.entry.body.session()
}

/// Closes the session that `start` began.
fn close_session(
    root: &Path,
    books: &mut Books,
    start: &SignedEntry,
    photos: &[SignedEntry],
) -> Result<Recovered, StoreError> {
    let Body::SessionStart(body) = &start.entry.body else {
        return Err(StoreError::Closed("its start is no session-start entry"));
    };
    let folder = root.join(SESSIONS_FOLDER).join(&body.folder);
    create_folder(&folder)?;
    let scans = scan_folder(&folder)?;
    let torn_bytes = scans.iter().map(|scan| set_torn_aside(scan, start)).sum::<Result<u64, _>>()?;
    let end = end_body(body, start, &scans);
    let mut own: Vec<_> = std::iter::once(start).chain(photos).collect();
    books.reserve.closing(|| write_copies(&folder, &own))?;
    let entry = books.enter_closing(&Body::SessionEnd(end.clone()))?;
    own.push(&entry);
    books.reserve.closing(|| write_copies(&folder, &own))?;
    books.note(|index| {
        index.together(|| {
            index.forget_files(body.session)?;
            add_files(index, body.session, &folder)
        })
    });
    Ok(Recovered { end, torn_bytes })
}

/// Keeps what stands behind a segment's last whole record in a file beside it, and cuts it off the segment.
fn set_torn_aside(scan: &Scanned, start: &SignedEntry) -> Result<u64, StoreError> {
    let length = scan.tail.offset + scan.tail.length;
    let kept = last_own_end(scan, start);
    if kept < length || kept == 0 {
        cut_segment(&scan.path, kept)?;
    }
    Ok(length - kept)
}

/// Cuts a segment back to its last record. One that has none is no segment.
pub(crate) fn cut_segment(path: &Path, kept: u64) -> Result<(), StoreError> {
    match kept {
        0 => rename(path, &torn_name(path, 0)),
        _ => cut_back(path, kept),
    }
}

fn last_own_end(scan: &Scanned, start: &SignedEntry) -> u64 {
    let own = scan.start == Some(start.hash);
    scan.records.last().filter(|_| own).map_or(0, |found| found.end)
}

fn end_body(start: &SessionStartBody, entry: &SignedEntry, scans: &[Scanned]) -> SessionEndBody {
    let own = scans.iter().filter(|scan| last_own_end(scan, entry) > 0);
    let last = own.clone().filter_map(|scan| scan.records.last()).max_by_key(|found| found.record.seq);
    let is_chunk = |kind| u64::from(kind == evidence::record::RecordKind::Chunk);
    SessionEndBody {
        session: start.session,
        cause: "recovered".into(),
        segments: u32::try_from(own.count()).unwrap_or(u32::MAX),
        chunks: last.map_or(0, |found| found.record.chunk + is_chunk(found.record.kind)),
        records: last.map_or(0, |found| found.record.seq + 1),
        last: last.map_or(entry.hash, |found| found.hash),
        pressed_boot_ns: None,
    }
}

/// Writes a session's copies of its ledger entries anew.
pub(crate) fn write_copies(folder: &Path, own: &[&SignedEntry]) -> Result<(), StoreError> {
    let bytes: Vec<u8> = own.iter().flat_map(|entry| entry.bytes.clone()).collect();
    let new = folder.join("session.cbor.new");
    remove_if_there(&new)?;
    write_new(&new, SHARED_READ, &bytes)?;
    rename(&new, &folder.join(SESSION_FILE))
}
