// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ledger file: opened against the device's key, appended to durably, latched after a failed write.

use crate::StoreError;
use crate::files::{
    SHARED_READ, cut_back, open_append, read_if_there, remove_if_there, rename, with_suffix, write_new,
};
use crate::keys::KeyFolder;
use evidence::entry::{Body, KeyBody};
use evidence::history::{HistoryError, KeyHistory};
use evidence::ledger::{LedgerError, LedgerHead, SignedEntry, open_sequence, sign_first};
use evidence::sign::Signer;
use evidence::time::TimeSource;
use evidence::{Hash, LEDGER_FILE};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The device's ledger, open for writing.
pub(crate) struct Ledger {
    path: PathBuf,
    file: File,
    /// Length of the file: all entries that are durable.
    length: u64,
    head: LedgerHead,
    signer: Box<dyn Signer>,
    keys: KeyFolder,
    clock: Arc<dyn TimeSource>,
    latched: bool,
}

/// A ledger as it was found, with all its entries.
pub(crate) struct Opened {
    pub(crate) ledger: Ledger,
    pub(crate) entries: Vec<SignedEntry>,
}

/// Opens the ledger of `folder`, or begins it if device and folder are new.
pub(crate) fn open(folder: &Path, state: &Path, clock: Arc<dyn TimeSource>) -> Result<Opened, StoreError> {
    let keys = KeyFolder::open(state)?;
    let path = folder.join(LEDGER_FILE);
    match read_if_there(&path)?.filter(|bytes| !bytes.is_empty()) {
        Some(bytes) if is_torn_beginning(&bytes, state) => {
            set_torn_aside(&path, 0)?;
            begin(folder, state, path, keys, clock)
        }
        Some(bytes) => resume(folder, state, path, &bytes, keys, clock),
        None => begin(folder, state, path, keys, clock),
    }
}

/// Whether the device's first start was cut off within its first entry.
fn is_torn_beginning(bytes: &[u8], state: &Path) -> bool {
    let torn = matches!(open_sequence(bytes), (entries, Some(LedgerError::Torn { .. })) if entries.is_empty());
    torn && !state.join("device").exists()
}

fn begin(
    folder: &Path,
    state: &Path,
    path: PathBuf,
    keys: KeyFolder,
    clock: Arc<dyn TimeSource>,
) -> Result<Opened, StoreError> {
    let identity = state.join("device");
    if let Some(bytes) = read_if_there(&identity)? {
        let device = String::from_utf8_lossy(&bytes).trim().parse().unwrap_or(Hash::ZERO);
        return Err(StoreError::LedgerMissing { folder: folder.into(), state: state.into(), device });
    }
    let signer = match keys.load() {
        Ok(Some(signer)) => signer,
        // One that cannot be read was cut off while it was written: it has signed nothing.
        Ok(None) | Err(StoreError::Key { .. }) => keys.make_first()?,
        Err(error) => return Err(error),
    };
    let first = sign_first(&signer, clock.now()).map_err(ledger_error(&path))?;
    // Under its name it has its first entry: to the verifier, an empty ledger would be one that was emptied.
    let new = with_suffix(&path, ".new");
    remove_if_there(&new)?;
    write_new(&new, SHARED_READ, &first.bytes)?;
    rename(&new, &path)?;
    let file = open_append(&path)?;
    write_new(&identity, SHARED_READ, format!("{}\n", first.entry.device).as_bytes())?;
    let head = LedgerHead::first(&first).map_err(ledger_error(&path))?;
    let (length, signer) = (first.bytes.len() as u64, Box::new(signer));
    let ledger = Ledger { path, file, length, head, signer, keys, clock, latched: false };
    Ok(Opened { ledger, entries: vec![first] })
}

fn resume(
    folder: &Path,
    state: &Path,
    path: PathBuf,
    bytes: &[u8],
    keys: KeyFolder,
    clock: Arc<dyn TimeSource>,
) -> Result<Opened, StoreError> {
    let (entries, problem) = open_sequence(bytes);
    if let Some(source) = problem.clone().filter(|problem| !matches!(problem, LedgerError::Torn { .. })) {
        return Err(StoreError::Ledger { path, source });
    }
    let length = entries.iter().map(|entry| entry.bytes.len() as u64).sum();
    let head = walk(&entries).map_err(ledger_error(&path))?;
    keys.settle(head.key)?;
    let foreign = || StoreError::Foreign { folder: folder.into(), state: state.into(), device: head.device };
    let signer = keys.load()?.filter(|signer| signer.public_key() == head.key).ok_or_else(foreign)?;
    if problem.is_some() {
        set_torn_aside(&path, length)?;
    }
    ensure_identity(state, head.device)?;
    let (file, signer) = (open_append(&path)?, Box::new(signer));
    let ledger = Ledger { path, file, length, head, signer, keys, clock, latched: false };
    Ok(Opened { ledger, entries })
}

/// The first start may have been cut off in front of this file, or within it.
fn ensure_identity(state: &Path, device: Hash) -> Result<(), StoreError> {
    let identity = state.join("device");
    let there = read_if_there(&identity)?.unwrap_or_default();
    if String::from_utf8_lossy(&there).trim().parse::<Hash>().is_ok() {
        return Ok(());
    }
    remove_if_there(&identity)?;
    write_new(&identity, SHARED_READ, format!("{device}\n").as_bytes())
}

fn walk(entries: &[SignedEntry]) -> Result<LedgerHead, LedgerError> {
    let mut head = LedgerHead::first(entries.first().ok_or(LedgerError::First)?)?;
    entries[1..].iter().try_for_each(|entry| head.accept(entry))?;
    Ok(head)
}

/// An entry that a power cut tore was never announced. Its bytes are kept beside the ledger.
fn set_torn_aside(path: &Path, kept: u64) -> Result<(), StoreError> {
    cut_back(path, kept)?;
    tracing::warn!(path = %path.display(), kept, "the ledger's torn last entry was set aside");
    Ok(())
}

fn ledger_error(path: &Path) -> impl FnOnce(LedgerError) -> StoreError + '_ {
    move |source| StoreError::Ledger { path: path.into(), source }
}

impl Ledger {
    /// The device: hash of its first public key.
    pub(crate) fn device(&self) -> Hash {
        self.head.device
    }

    /// Reads all entries anew.
    pub(crate) fn entries(&self) -> Result<Vec<SignedEntry>, StoreError> {
        Ok(open_sequence(&read_if_there(&self.path)?.unwrap_or_default()).0)
    }

    /// Signs an entry and makes it durable.
    pub(crate) fn append(&mut self, body: Body) -> Result<SignedEntry, StoreError> {
        if self.latched {
            return Err(StoreError::Latched(self.path.clone()));
        }
        let entry = self.head.sign(self.signer.as_ref(), self.clock.now(), body).map_err(ledger_error(&self.path))?;
        self.write(&entry.bytes)?;
        self.head.accept(&entry).map_err(ledger_error(&self.path))?;
        Ok(entry)
    }

    /// Appends to the file. What was not written whole is cut off again, so that a later entry can follow. What may or
    /// may not be durable closes the ledger for this process: only the next start can tell.
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        if let Err(error) = self.file.write_all(bytes) {
            self.latched = self.file.set_len(self.length).is_err();
            return Err(StoreError::io("write", &self.path)(error));
        }
        self.file.sync_data().map_err(|error| {
            self.latched = true;
            StoreError::io("sync", &self.path)(error)
        })?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Replaces the key: the old one introduces the new one, then is erased.
    pub(crate) fn replace_key(&mut self, reason: &str) -> Result<SignedEntry, StoreError> {
        let next = self.keys.make_next(self.head.key)?;
        let body = KeyBody { public: next.public_key(), algorithm: next.algorithm(), reason: reason.into() };
        let entry = self.append(Body::Key(body))?;
        self.signer = Box::new(next);
        if let Err(error) = self.keys.take_next() {
            tracing::error!(%error, "the ledger's old key could not be erased; the next replacement or start does it");
        }
        Ok(entry)
    }
}

/// Reads the public key history out of an evidence folder's ledger.
///
/// # Errors
/// [`StoreError`] if the ledger cannot be read or its keys do not follow from one another.
pub fn read_history(folder: &Path) -> Result<KeyHistory, StoreError> {
    let path = folder.join(LEDGER_FILE);
    let bytes = std::fs::read(&path).map_err(StoreError::io("read", &path))?;
    KeyHistory::from_entries(open_sequence(&bytes).0).map_err(|error| match error {
        HistoryError::Entry(source) => StoreError::Ledger { path, source },
        HistoryError::Broken(_) | HistoryError::Empty => StoreError::Ledger { path, source: LedgerError::First },
    })
}
