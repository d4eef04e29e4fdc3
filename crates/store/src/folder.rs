// SPDX-License-Identifier: MIT OR Apache-2.0
//! An evidence folder, owned by one process: its lock, ledger and index, and the order in which they are opened.

use crate::files::create_folder;
use crate::index::Index;
use crate::ledger::{self, Ledger};
use crate::recovery::{self, Recovered};
use crate::{LOCK_FILE, StoreError, photo, reindex};
use evidence::entry::{Body, BootBody, ShutdownBody};
use evidence::ledger::SignedEntry;
use evidence::time::TimeSource;
use evidence::{Hash, SESSIONS_FOLDER, SessionId};
use rustix::fs::{FlockOperation, flock};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where a device keeps its evidence and its keys.
#[derive(Debug, Clone)]
pub struct Place {
    /// The evidence folder.
    pub evidence: PathBuf,
    /// The folder with the ledger's key.
    pub state: PathBuf,
}

/// An evidence folder that this process owns.
pub struct Evidence {
    folder: PathBuf,
    device: Hash,
    pub(crate) clock: Arc<dyn TimeSource>,
    books: Mutex<Books>,
    _lock: File,
}

/// Ledger and index, which take every entry in this order.
pub(crate) struct Books {
    pub(crate) ledger: Ledger,
    pub(crate) index: Index,
    /// Sessions begun by this process whose end is not in the ledger.
    open: BTreeSet<SessionId>,
}

impl Books {
    pub(crate) fn enter(&mut self, body: Body) -> Result<SignedEntry, StoreError> {
        let entry = self.ledger.append(body)?;
        match &entry.entry.body {
            Body::SessionStart(start) => drop(self.open.insert(start.session)),
            Body::SessionEnd(end) => drop(self.open.remove(&end.session)),
            _ => {}
        }
        self.index.add_entry(&entry)?;
        Ok(entry)
    }

    /// Replaces the ledger's key, unless a session is open: its end must be signed by the key that signed its start.
    pub(crate) fn replace_key(&mut self, reason: &str) -> Result<(), StoreError> {
        if !self.open.is_empty() {
            return Ok(());
        }
        let entry = self.ledger.replace_key(reason)?;
        self.index.add_entry(&entry)
    }
}

impl Evidence {
    /// Opens the folder, or begins it; closes what a power cut or crash left open; enters the start in the ledger and
    /// replaces its key.
    ///
    /// # Errors
    /// [`StoreError`] if the folder is in use, belongs to another device, or cannot be written.
    pub fn open(
        place: &Place,
        boot: BootBody,
        clock: Arc<dyn TimeSource>,
    ) -> Result<(Evidence, Vec<Recovered>), StoreError> {
        create_folder(&place.evidence)?;
        let lock = take_lock(&place.evidence)?;
        create_folder(&place.evidence.join(SESSIONS_FOLDER))?;
        let opened = ledger::open(&place.evidence, &place.state, Arc::clone(&clock))?;
        let index = reindex::open_current(&place.evidence, &opened.entries)?;
        let mut books = Books { ledger: opened.ledger, index, open: BTreeSet::new() };
        photo::complete(&place.evidence, &opened.entries)?;
        let recovered = recovery::close_open_sessions(&place.evidence, &mut books, &opened.entries)?;
        books.enter(Body::Boot(boot))?;
        books.replace_key("boot")?;
        let device = books.ledger.device();
        let evidence =
            Evidence { folder: place.evidence.clone(), device, clock, books: Mutex::new(books), _lock: lock };
        Ok((evidence, recovered))
    }

    /// Enters the orderly end in the ledger.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written.
    pub fn shut_down(&self, reason: &str) -> Result<(), StoreError> {
        let mut books = self.books();
        books.enter(Body::Shutdown(ShutdownBody { reason: reason.into() }))?;
        books.index.settle()
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The device: hash of its first public key.
    #[must_use]
    pub fn device(&self) -> Hash {
        self.device
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the lock of an evidence folder; it falls with the file or the process.
pub(crate) fn take_lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join(LOCK_FILE);
    let mut options = OpenOptions::new();
    let file = options.create(true).truncate(false).write(true).open(&path).map_err(StoreError::io("open", &path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StoreError::Locked(folder.into())),
        Err(error) => Err(StoreError::io("lock", &path)(error.into())),
    }
}
