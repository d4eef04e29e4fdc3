// SPDX-License-Identifier: MIT OR Apache-2.0
//! The copies of a session's ledger entries in its folder. They are written behind the ledger, and completed from it.

use crate::StoreError;
use crate::files::{SHARED_READ, open_append, read_if_there, remove_if_there, rename, write_new};
use crate::reserve::Reserve;
use evidence::entry::Body;
use evidence::ledger::SignedEntry;
use evidence::{SESSION_FILE, SESSIONS_FOLDER, SessionId};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// Adds the copy of a ledger entry to a session's folder, whole or not at all.
pub(crate) fn append_copy(folder: &Path, entry: &SignedEntry) -> Result<(), StoreError> {
    let path = folder.join(SESSION_FILE);
    let mut file = open_append(&path)?;
    let length = file.metadata().map_err(StoreError::io("inspect", &path))?.len();
    if let Err(error) = file.write_all(&entry.bytes) {
        let _ = file.set_len(length);
        return Err(StoreError::io("write", &path)(error));
    }
    file.sync_data().map_err(StoreError::io("sync", &path))
}

/// Writes a session's copies of its ledger entries anew.
pub(crate) fn write_copies(folder: &Path, own: &[&SignedEntry]) -> Result<(), StoreError> {
    let bytes: Vec<u8> = own.iter().flat_map(|entry| entry.bytes.clone()).collect();
    let new = folder.join("session.cbor.new");
    remove_if_there(&new)?;
    write_new(&new, SHARED_READ, &bytes)?;
    rename(&new, &folder.join(SESSION_FILE))
}

/// The entries of each session, in the order of the ledger.
pub(crate) fn by_session(entries: &[SignedEntry]) -> BTreeMap<SessionId, Vec<&SignedEntry>> {
    let mut sessions: BTreeMap<SessionId, Vec<&SignedEntry>> = BTreeMap::new();
    for entry in entries {
        if let Some(session) = entry.entry.body.session() {
            sessions.entry(session).or_default().push(entry);
        }
    }
    sessions
}

/// The power may have gone, or a write have failed, between an entry of a session and its copy in the folder. A copy
/// that lacks entries is completed; one that has anything else in it is left to the verifier.
pub(crate) fn complete_copy(root: &Path, reserve: &Reserve, own: &[&SignedEntry]) -> Result<(), StoreError> {
    let Some(Body::SessionStart(start)) = own.first().map(|entry| &entry.entry.body) else { return Ok(()) };
    let folder = root.join(SESSIONS_FOLDER).join(&start.folder);
    if !folder.is_dir() {
        return Ok(());
    }
    let there = read_if_there(&folder.join(SESSION_FILE))?.unwrap_or_default();
    match lacks_entries(&there, own) {
        true => reserve.closing(|| write_copies(&folder, own)),
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
