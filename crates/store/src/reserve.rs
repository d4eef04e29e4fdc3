// SPDX-License-Identifier: MIT OR Apache-2.0
//! Room that is held back, so that what was recorded can be closed on a full disk: the last entries of the ledger, their
//! copies and the next key. It is a file that is removed when they need its room. Nothing else may use it, and no session
//! begins without it.

use crate::StoreError;
use crate::files::{SHARED_READ, create_new, remove_if_there};
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Name of the file in an evidence folder.
const RESERVE_FILE: &str = "RESERVE";

/// How much is held back. Closing a session needs a few KiB, the index's log some hundred.
const RESERVE_BYTES: u64 = 1024 * 1024;

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

    /// Holds the reserve and sees that there is as much room again, for something to be recorded in.
    pub(crate) fn hold(&self) -> Result<(), StoreError> {
        if !self.is_held() {
            self.make()?;
        }
        let free = statvfs(&self.folder).map_err(|error| StoreError::io("inspect", &self.folder)(error.into()))?;
        match free.f_bavail.saturating_mul(free.f_frsize) < RESERVE_BYTES {
            true => Err(StoreError::Full(self.folder.clone())),
            false => Ok(()),
        }
    }

    /// Does what must be done on a full disk as well: once more with the reserve given up, if there was no room.
    pub(crate) fn closing<T>(&self, mut work: impl FnMut() -> Result<T, StoreError>) -> Result<T, StoreError> {
        match work() {
            Err(error) if error.is_full() && self.give_up() => work(),
            done => done,
        }
    }

    fn is_held(&self) -> bool {
        fs::metadata(self.path()).is_ok_and(|there| there.blocks() * 512 >= RESERVE_BYTES)
    }

    fn make(&self) -> Result<(), StoreError> {
        let path = self.path();
        remove_if_there(&path)?;
        let mut file = create_new(&path, SHARED_READ)?;
        let Err(error) = fill(&mut file).and_then(|()| file.sync_all()) else { return Ok(()) };
        let _ = fs::remove_file(&path);
        match StoreError::io("hold room in", &path)(error) {
            error if error.is_full() => Err(StoreError::Full(self.folder.clone())),
            error => Err(error),
        }
    }

    fn give_up(&self) -> bool {
        let given = fs::remove_file(self.path()).is_ok();
        if given {
            tracing::warn!(folder = %self.folder.display(), "the disk is full: the reserve is used to close what is open");
        }
        given
    }
}

/// Takes the room. Zeros are written where the file system cannot give it without.
fn fill(file: &mut File) -> io::Result<()> {
    match fallocate(&*file, FallocateFlags::empty(), 0, RESERVE_BYTES) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
            file.write_all(&vec![0; usize::try_from(RESERVE_BYTES).map_err(io::Error::other)?])
        }
        done => Ok(done?),
    }
}
