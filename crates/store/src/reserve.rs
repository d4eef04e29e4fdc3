// SPDX-License-Identifier: MIT OR Apache-2.0
//! Room that is held back, so that what was recorded can be closed on a full disk: the last entries of the ledger, their
//! copies and the next key. It is a file that is made shorter when they need room. The index may have half of it, nothing
//! else any, and no session begins unless it is held whole.

use crate::StoreError;
use crate::files::SHARED_READ;
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Name of the file in an evidence folder.
const RESERVE_FILE: &str = "RESERVE";

/// How much is held back.
const RESERVE_BYTES: u64 = 1024 * 1024;

/// How much is given up at a time. Closing a session needs a few KiB.
const STEP_BYTES: u64 = RESERVE_BYTES / 8;

/// What the index leaves.
const INDEX_LEAVES_BYTES: u64 = RESERVE_BYTES / 2;

/// The reserve of one evidence folder. The file itself says whether it is held.
#[derive(Debug, Clone)]
pub(crate) struct Reserve {
    folder: PathBuf,
}

impl Reserve {
    pub(crate) fn new(folder: &Path) -> Reserve {
        Reserve { folder: folder.into() }
    }

    fn path(&self) -> PathBuf {
        self.folder.join(RESERVE_FILE)
    }

    /// Holds the reserve whole and sees that there is as much room again, for something to be recorded in.
    pub(crate) fn hold(&self) -> Result<(), StoreError> {
        if self.held_bytes() < RESERVE_BYTES {
            self.make()?;
        }
        let free = statvfs(&self.folder).map_err(|error| StoreError::io("inspect", &self.folder)(error.into()))?;
        match free.f_bavail.saturating_mul(free.f_frsize) < RESERVE_BYTES {
            true => Err(StoreError::Full(self.folder.clone())),
            false => Ok(()),
        }
    }

    /// Does what must be done on a full disk as well.
    pub(crate) fn closing<T>(&self, work: impl FnMut() -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.with_room(0, work)
    }

    /// Does what should be done on a full disk as well, but not at the cost of what must be.
    pub(crate) fn indexing<T>(&self, work: impl FnMut() -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.with_room(INDEX_LEAVES_BYTES, work)
    }

    /// Does `work` again with more room as long as there is too little, but leaves some.
    fn with_room<T>(&self, leave: u64, mut work: impl FnMut() -> Result<T, StoreError>) -> Result<T, StoreError> {
        loop {
            match work() {
                Err(error) if error.is_full() && self.give_up_some(leave) => {}
                done => return done,
            }
        }
    }

    fn held_bytes(&self) -> u64 {
        fs::metadata(self.path()).map_or(0, |there| there.len().min(there.blocks() * 512))
    }

    fn make(&self) -> Result<(), StoreError> {
        let (path, held) = (self.path(), self.held_bytes());
        let mut options = OpenOptions::new();
        let file = options.create(true).write(true).truncate(false).mode(SHARED_READ).open(&path);
        let file = file.map_err(StoreError::io("open", &path))?;
        let Err(error) = fill(&file).and_then(|()| file.sync_all()) else { return Ok(()) };
        let _ = file.set_len(held);
        match StoreError::io("hold room in", &path)(error) {
            error if error.is_full() => Err(StoreError::Full(self.folder.clone())),
            error => Err(error),
        }
    }

    fn give_up_some(&self, leave: u64) -> bool {
        let held = self.held_bytes();
        let shorter = held.saturating_sub(STEP_BYTES);
        let given = held > leave && self.shorten(shorter).is_ok();
        if given {
            tracing::warn!(folder = %self.folder.display(), left_bytes = shorter, "the disk is full: the reserve is used");
        }
        given
    }

    fn shorten(&self, length: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.path())?;
        file.set_len(length)?;
        file.sync_all()
    }
}

/// Takes the room. Zeros are written where the file system cannot give it without.
fn fill(file: &File) -> io::Result<()> {
    match fallocate(file, FallocateFlags::empty(), 0, RESERVE_BYTES) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
            file.write_all_at(&vec![0; usize::try_from(RESERVE_BYTES).map_err(io::Error::other)?], 0)
        }
        done => Ok(done?),
    }
}
