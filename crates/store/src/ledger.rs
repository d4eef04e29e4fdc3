// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ledger file: opened against the device's key, appended to durably, latched after a failed write.

use crate::StoreError;
use crate::files::{append, create_new, read_if_there, sync_parent, write_new};
use crate::keys::KeyFolder;
use evidence::entry::{Body, KeyBody};
use evidence::history::{HistoryError, KeyHistory};
use evidence::ledger::{LedgerError, LedgerHead, SignedEntry, open_sequence, sign_first};
use evidence::sign::{Ed25519Signer, Signer};
use evidence::time::{Clock, TimeSource};
use evidence::{Hash, LEDGER_FILE};
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SHARED_READ: u32 = 0o640;

/// The device's ledger, open for writing.
pub(crate) struct Ledger {
    path: PathBuf,
    file: File,
    head: LedgerHead,
    signer: Ed25519Signer,
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
            set_torn_aside(&path, &bytes, 0)?;
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
    let mut file = match path.exists() {
        true => open_append(&path)?,
        false => create_new(&path, SHARED_READ)?,
    };
    append(&mut file, &path, &[&first.bytes])?;
    sync_parent(&path)?;
    write_new(&identity, SHARED_READ, format!("{}\n", first.entry.device).as_bytes())?;
    let head = LedgerHead::first(&first).map_err(ledger_error(&path))?;
    let ledger = Ledger { path, file, head, signer, keys, clock, latched: false };
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
    let kept: usize = entries.iter().map(|entry| entry.bytes.len()).sum();
    let head = walk(&entries).map_err(ledger_error(&path))?;
    keys.settle(head.key)?;
    let foreign = || StoreError::Foreign { folder: folder.into(), state: state.into(), device: head.device };
    let signer = keys.load()?.filter(|signer| signer.public_key() == head.key).ok_or_else(foreign)?;
    if problem.is_some() {
        set_torn_aside(&path, bytes, kept)?;
    }
    ensure_identity(state, head.device)?;
    let file = open_append(&path)?;
    let ledger = Ledger { path, file, head, signer, keys, clock, latched: false };
    Ok(Opened { ledger, entries })
}

/// The first start may have been cut off between the ledger's first entry and this file.
fn ensure_identity(state: &Path, device: Hash) -> Result<(), StoreError> {
    let identity = state.join("device");
    match identity.exists() {
        true => Ok(()),
        false => write_new(&identity, SHARED_READ, format!("{device}\n").as_bytes()),
    }
}

fn walk(entries: &[SignedEntry]) -> Result<LedgerHead, LedgerError> {
    let mut head = LedgerHead::first(entries.first().ok_or(LedgerError::First)?)?;
    entries[1..].iter().try_for_each(|entry| head.accept(entry))?;
    Ok(head)
}

/// An entry that a power cut tore was never announced. Its bytes are kept beside the ledger.
fn set_torn_aside(path: &Path, bytes: &[u8], kept: usize) -> Result<(), StoreError> {
    let aside = path.with_extension(format!("{kept}.torn"));
    if !aside.exists() {
        write_new(&aside, SHARED_READ, &bytes[kept..])?;
    }
    let file = OpenOptions::new().write(true).open(path).map_err(StoreError::io("open", path))?;
    file.set_len(kept as u64).and_then(|()| file.sync_all()).map_err(StoreError::io("truncate", path))?;
    tracing::warn!(path = %path.display(), kept, torn = bytes.len() - kept, "the ledger's torn last entry was set aside");
    Ok(())
}

fn open_append(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new().append(true).open(path).map_err(StoreError::io("open", path))
}

fn ledger_error(path: &Path) -> impl FnOnce(LedgerError) -> StoreError + '_ {
    move |source| StoreError::Ledger { path: path.into(), source }
}

impl Ledger {
    /// The device: hash of its first public key.
    pub(crate) fn device(&self) -> Hash {
        self.head.device
    }

    /// Signs an entry and makes it durable.
    pub(crate) fn append(&mut self, body: Body) -> Result<SignedEntry, StoreError> {
        let clock = self.clock.now();
        self.append_at(body, clock)
    }

    fn append_at(&mut self, body: Body, clock: Clock) -> Result<SignedEntry, StoreError> {
        if self.latched {
            return Err(StoreError::Latched(self.path.clone()));
        }
        let entry = self.head.sign(&self.signer, clock, body).map_err(ledger_error(&self.path))?;
        if let Err(error) = append(&mut self.file, &self.path, &[&entry.bytes]) {
            self.latched = true;
            return Err(error);
        }
        self.head.accept(&entry).map_err(ledger_error(&self.path))?;
        Ok(entry)
    }

    /// Replaces the key: the old one introduces the new one, then is erased.
    pub(crate) fn replace_key(&mut self, reason: &str) -> Result<SignedEntry, StoreError> {
        let next = self.keys.make_next()?;
        let body = KeyBody { public: next.public_key(), algorithm: next.algorithm(), reason: reason.into() };
        let entry = self.append(Body::Key(body))?;
        self.signer = next;
        self.keys.take_next()?;
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
