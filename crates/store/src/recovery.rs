// SPDX-License-Identifier: MIT OR Apache-2.0
//! Closes a session that was cut off: by a power cut, a crash, or storage that failed. Files are cut back to their last
//! whole record, the bytes behind it are kept aside, and the ledger is told how far the session came.

use crate::StoreError;
use crate::files::{create_folder, read_if_there, rename, sync_parent, write_new};
use crate::folder::Books;
use crate::reindex::{Scanned, add_files, scan_folder};
use crate::session::append_entry;
use evidence::entry::{Body, SessionEndBody, SessionStartBody};
use evidence::ledger::SignedEntry;
use evidence::{SESSION_FILE, SESSIONS_FOLDER, SessionId};
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

const SHARED_READ: u32 = 0o640;

/// A session that was closed at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// Its end as entered in the ledger.
    pub end: SessionEndBody,
    /// How many bytes of a chunk that was never announced were set aside.
    pub torn_bytes: u64,
}

/// Closes every session that has a start and no end in the ledger.
pub(crate) fn close_open_sessions(
    root: &Path,
    books: &mut Books,
    entries: &[SignedEntry],
) -> Result<Vec<Recovered>, StoreError> {
    remove_unnamed_folders(root, entries);
    complete_copies(root, entries)?;
    let mut closed = Vec::new();
    for start in open_starts(entries) {
        let photos: Vec<_> = entries.iter().filter(|e| is_photo_of(e, start)).cloned().collect();
        closed.push(close_session(root, books, start, &photos, "recovered")?);
    }
    Ok(closed)
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

/// The power may have gone between the ledger's entry of the last session's end and its copy in the folder.
fn complete_copies(root: &Path, entries: &[SignedEntry]) -> Result<(), StoreError> {
    let last = entries.iter().rfind(|e| matches!(e.entry.body, Body::SessionEnd(_)));
    let Some(session) = last.and_then(|end| end.entry.body.session()) else { return Ok(()) };
    let own: Vec<_> = entries.iter().filter(|e| e.entry.body.session() == Some(session)).cloned().collect();
    let [start, rest @ ..] = own.as_slice() else { return Ok(()) };
    let Body::SessionStart(body) = &start.entry.body else { return Ok(()) };
    let folder = root.join(SESSIONS_FOLDER).join(&body.folder);
    let whole: Vec<u8> = own.iter().flat_map(|entry| entry.bytes.clone()).collect();
    match read_if_there(&folder.join(SESSION_FILE))? {
        Some(there) if there.len() < whole.len() && whole.starts_with(&there) => rewrite_entries(&folder, start, rest),
        _ => Ok(()),
    }
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
pub(crate) fn close_session(
    root: &Path,
    books: &mut Books,
    start: &SignedEntry,
    photos: &[SignedEntry],
    cause: &str,
) -> Result<Recovered, StoreError> {
    let Body::SessionStart(body) = &start.entry.body else {
        return Err(StoreError::Closed("its start is no session-start entry"));
    };
    let folder = root.join(SESSIONS_FOLDER).join(&body.folder);
    create_folder(&folder)?;
    let scans = scan_folder(&folder)?;
    let torn_bytes = scans.iter().map(|scan| set_torn_aside(scan, start)).sum::<Result<u64, _>>()?;
    let end = end_body(body, start, &scans, cause);
    rewrite_entries(&folder, start, photos)?;
    let entry = books.enter(Body::SessionEnd(end.clone()))?;
    append_entry(&folder, &entry)?;
    books.index.together(|| {
        books.index.forget_files(body.session)?;
        add_files(&books.index, body.session, &folder)
    })?;
    Ok(Recovered { end, torn_bytes })
}

/// Keeps what stands behind a segment's last whole record in a file beside it, and cuts it off the segment.
fn set_torn_aside(scan: &Scanned, start: &SignedEntry) -> Result<u64, StoreError> {
    let kept = last_own_end(scan, start);
    let length = scan.tail.offset + scan.tail.length;
    let aside = torn_name(&scan.path, kept);
    if kept == 0 {
        rename(&scan.path, &aside)?;
        return Ok(length);
    }
    if kept == length {
        return Ok(0);
    }
    let mut file =
        OpenOptions::new().read(true).write(true).open(&scan.path).map_err(StoreError::io("open", &scan.path))?;
    let mut torn = Vec::new();
    file.seek(SeekFrom::Start(kept))
        .and_then(|_| file.read_to_end(&mut torn))
        .map_err(StoreError::io("read", &scan.path))?;
    if !aside.exists() {
        write_new(&aside, SHARED_READ, &torn)?;
    }
    file.set_len(kept).and_then(|()| file.sync_all()).map_err(StoreError::io("truncate", &scan.path))?;
    Ok(length - kept)
}

fn last_own_end(scan: &Scanned, start: &SignedEntry) -> u64 {
    let own = scan.start == Some(start.hash);
    scan.records.last().filter(|_| own).map_or(0, |found| found.end)
}

fn torn_name(path: &Path, kept: u64) -> PathBuf {
    path.with_extension(format!("{kept}.torn"))
}

fn end_body(start: &SessionStartBody, entry: &SignedEntry, scans: &[Scanned], cause: &str) -> SessionEndBody {
    let own = scans.iter().filter(|scan| last_own_end(scan, entry) > 0);
    let last = own.clone().filter_map(|scan| scan.records.last()).max_by_key(|found| found.record.seq);
    let is_chunk = |kind| u64::from(kind == evidence::record::RecordKind::Chunk);
    SessionEndBody {
        session: start.session,
        cause: cause.into(),
        segments: u32::try_from(own.count()).unwrap_or(u32::MAX),
        chunks: last.map_or(0, |found| found.record.chunk + is_chunk(found.record.kind)),
        records: last.map_or(0, |found| found.record.seq + 1),
        last: last.map_or(entry.hash, |found| found.hash),
    }
}

/// The folder's copies of the ledger entries may have been cut off too.
fn rewrite_entries(folder: &Path, start: &SignedEntry, photos: &[SignedEntry]) -> Result<(), StoreError> {
    let path = folder.join(SESSION_FILE);
    let bytes: Vec<u8> = std::iter::once(start).chain(photos).flat_map(|entry| entry.bytes.clone()).collect();
    let new = folder.join("session.cbor.new");
    if new.exists() {
        fs::remove_file(&new).map_err(StoreError::io("remove", &new))?;
    }
    write_new(&new, SHARED_READ, &bytes)?;
    rename(&new, &path)?;
    sync_parent(&path)
}
