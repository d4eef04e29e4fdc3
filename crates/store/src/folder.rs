// SPDX-License-Identifier: MIT OR Apache-2.0
//! An evidence folder, owned by one process: its lock, ledger and index, and the order in which they are opened.

use crate::files::create_folder;
use crate::index::Index;
use crate::ledger::{self, Ledger};
use crate::progress::Tell;
use crate::recovery::{self, Recovered};
use crate::reserve::Reserve;
use crate::{LOCK_FILE, StoreError, photo, reindex};
use evidence::entry::{Body, BootBody, ShutdownBody};
use evidence::ledger::SignedEntry;
use evidence::time::{Clock, TimeSource};
use evidence::{Hash, InterruptionId, SESSIONS_FOLDER, SessionId};
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
    folder: PathBuf,
    ledger: Ledger,
    /// None while it cannot be written. It can be rebuilt at any time, so that nothing else fails with it.
    index: Option<Index>,
    pub(crate) clock: Arc<dyn TimeSource>,
    pub(crate) reserve: Reserve,
    /// Sessions begun by this process whose end is not in the ledger.
    open: BTreeSet<SessionId>,
    start: Start,
}

/// How much of the start is still to be entered in the ledger.
enum Start {
    Boot(BootBody),
    Key,
    Done,
}

impl Books {
    pub(crate) fn enter(&mut self, body: Body) -> Result<SignedEntry, StoreError> {
        let entry = self.ledger.append(body)?;
        match &entry.entry.body {
            Body::SessionStart(start) => drop(self.open.insert(start.session)),
            Body::SessionEnd(end) => drop(self.open.remove(&end.session)),
            _ => {}
        }
        self.note(|index| index.add_entry_whole(&entry));
        Ok(entry)
    }

    /// Enters what must be entered on a full disk as well.
    pub(crate) fn enter_closing(&mut self, body: &Body) -> Result<SignedEntry, StoreError> {
        let reserve = self.reserve.clone();
        reserve.closing(|| self.enter(body.clone()))
    }

    /// Replaces the ledger's key, unless a session is open: its end must be signed by the key that signed its start.
    pub(crate) fn replace_key(&mut self, reason: &str) -> Result<(), StoreError> {
        if !self.open.is_empty() {
            return Ok(());
        }
        let reserve = self.reserve.clone();
        let entry = reserve.closing(|| self.ledger.replace_key(reason))?;
        self.note(|index| index.add_entry_whole(&entry));
        Ok(())
    }

    /// Indexes something that is durable. An index that fails gets nothing more, so that it has no holes, until
    /// [`Books::mend_index`] brings it up to the files.
    pub(crate) fn note(&mut self, work: impl FnOnce(&Index) -> Result<(), StoreError>) {
        let Some(index) = &self.index else { return };
        if let Err(error) = work(index) {
            tracing::error!(%error, "the index cannot be written and is left behind the files");
            self.index = None;
        }
    }

    /// The index, while it can be written.
    pub(crate) fn index(&self) -> Option<&Index> {
        self.index.as_ref()
    }

    /// All clocks now.
    pub(crate) fn now(&self) -> Clock {
        self.clock.now()
    }

    /// Whether the ledger has an interruption with this id.
    pub(crate) fn has_interruption(&self, id: InterruptionId) -> Result<bool, StoreError> {
        if let Some(Ok(known)) = self.index.as_ref().map(|index| index.has_interruption(id)) {
            return Ok(known);
        }
        let is_it = |signed: &SignedEntry| matches!(&signed.entry.body, Body::Interruption(body) if body.id == id);
        Ok(self.ledger.entries()?.iter().any(is_it))
    }

    /// How many photos of a session, or of none, are indexed.
    pub(crate) fn photos(&self, session: Option<SessionId>) -> usize {
        self.index.as_ref().and_then(|index| index.photos(session).ok()).map_or(0, |photos| photos.len())
    }

    /// Moves the index's log into it; one that failed is brought back first.
    pub(crate) fn settle_index(&mut self) {
        self.mend_index();
        self.note(Index::settle);
    }

    /// Brings back an index that failed, if it can be written again.
    fn mend_index(&mut self) {
        if self.index.is_none() {
            let entries = self.ledger.entries();
            let reserve = self.reserve.clone();
            let opened = entries.and_then(|entries| reserve.indexing(|| self.open_index(&entries, &mut |_| ())));
            if let Err(error) = opened {
                tracing::error!(%error, "the index cannot be written for now");
            }
        }
    }

    fn open_index(&mut self, entries: &[SignedEntry], tell: &mut Tell<'_>) -> Result<(), StoreError> {
        self.index = Some(reindex::open_current(&self.folder, entries, tell)?);
        Ok(())
    }

    /// Sees that something new can be recorded: the start is in the ledger, and there is room.
    pub(crate) fn prepare(&mut self) -> Result<(), StoreError> {
        if !matches!(self.start, Start::Done) {
            let entries = self.ledger.entries()?;
            let mut late = Vec::new();
            let done = self.complete_start(&entries, &mut |_| (), &mut late);
            for Recovered { session, end, torn_bytes, .. } in late {
                tracing::warn!(%session, chunks = end.chunks, torn_bytes, "a session that was cut off is closed late");
            }
            done?;
        }
        self.reserve.hold()
    }

    /// Closes what a power cut or crash left open, enters the start, and replaces the key.
    fn complete_start(
        &mut self,
        entries: &[SignedEntry],
        tell: &mut Tell<'_>,
        closed: &mut Vec<Recovered>,
    ) -> Result<(), StoreError> {
        let folder = self.folder.clone();
        self.reserve.closing(|| photo::complete(&folder, entries))?;
        recovery::close_open_sessions(&folder, self, entries, tell, closed)?;
        if let Start::Boot(boot) = &self.start {
            let boot = Body::Boot(boot.clone());
            self.enter_closing(&boot)?;
            self.start = Start::Key;
        }
        self.replace_key("boot")?;
        self.start = Start::Done;
        self.mend_index();
        Ok(())
    }
}

impl Evidence {
    /// Opens the folder, or begins it; closes what a power cut or crash left open; enters the start in the ledger and
    /// replaces its key. A folder on a full disk is opened as well, as far as there is room ([`Evidence::fault`]). `tell` is
    /// told how far it has come with segments that have to be read: of sessions that were cut off, or that the index lacks.
    ///
    /// # Errors
    /// [`StoreError`] if the folder is in use, belongs to another device, or cannot be written.
    pub fn open(
        place: &Place,
        boot: BootBody,
        clock: Arc<dyn TimeSource>,
        tell: &mut Tell<'_>,
    ) -> Result<(Evidence, Vec<Recovered>), StoreError> {
        let folder = place.evidence.clone();
        create_folder(&folder)?;
        let lock = take_lock(&folder)?;
        create_folder(&folder.join(SESSIONS_FOLDER))?;
        let opened = ledger::open(&folder, &place.state, Arc::clone(&clock))?;
        let device = opened.ledger.device();
        let mut books = Books {
            folder: folder.clone(),
            ledger: opened.ledger,
            index: None,
            clock: Arc::clone(&clock),
            reserve: Reserve::new(&folder),
            open: BTreeSet::new(),
            start: Start::Boot(boot),
        };
        if let Err(error) = books.open_index(&opened.entries, tell) {
            tracing::warn!(%error, "the index cannot be written; it is tried again when the start is entered");
        }
        let mut recovered = Vec::new();
        match books.complete_start(&opened.entries, tell, &mut recovered) {
            Err(error) if error.is_full() => tracing::error!(%error, "the start cannot be entered for now"),
            done => done?,
        }
        let _ = books.reserve.hold();
        Ok((Evidence { folder, device, clock, books: Mutex::new(books), _lock: lock }, recovered))
    }

    /// Why nothing can be recorded at the moment, as on a full disk. What is still to be done of the start is tried first.
    #[must_use]
    pub fn fault(&self) -> Option<StoreError> {
        self.books().prepare().err()
    }

    /// Enters the orderly end in the ledger. If the start could not be entered, there is no end either.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be written.
    pub fn shut_down(&self, reason: &str) -> Result<(), StoreError> {
        let mut books = self.books();
        if matches!(books.start, Start::Done) {
            books.enter_closing(&Body::Shutdown(ShutdownBody { reason: reason.into() }))?;
        }
        books.settle_index();
        Ok(())
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
