// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ledger's key on disk, and its replacement, which must survive a power cut at every step:
//!
//! 1. the next key is written and durable;
//! 2. the old key introduces it in the ledger, durable (the caller's part);
//! 3. the next key takes the old one's name, and the old one's bytes are overwritten.
//!
//! At a start, a next key that the ledger already introduces is moved on to step 3; any other is removed.

use crate::StoreError;
use crate::files::{create_folder, read_if_there, rename, sync_folder, write_new};
use evidence::PublicKey;
use evidence::sign::{Ed25519Signer, Signer};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

const KEY_FILE: &str = "ledger.key";
const NEXT_FILE: &str = "ledger.key.next";
const OWNER_ONLY: u32 = 0o600;

/// The folder that holds the ledger's key.
pub(crate) struct KeyFolder {
    path: PathBuf,
}

impl KeyFolder {
    pub(crate) fn open(path: &Path) -> Result<KeyFolder, StoreError> {
        create_folder(path)?;
        Ok(KeyFolder { path: path.into() })
    }

    /// The key in use, if the device has one.
    pub(crate) fn load(&self) -> Result<Option<Ed25519Signer>, StoreError> {
        self.load_file(KEY_FILE)
    }

    /// Makes the device's first key, in place of one that was cut off while it was written.
    pub(crate) fn make_first(&self) -> Result<Ed25519Signer, StoreError> {
        let _ = fs::remove_file(self.path.join(KEY_FILE));
        self.make(KEY_FILE)
    }

    /// Step 1 of a replacement of the key in force. What an earlier one that failed has left is ended or removed first.
    pub(crate) fn make_next(&self, in_force: PublicKey) -> Result<Ed25519Signer, StoreError> {
        self.settle(in_force)?;
        self.make(NEXT_FILE)
    }

    /// Step 3 of a replacement.
    pub(crate) fn take_next(&self) -> Result<(), StoreError> {
        let (current, next) = (self.path.join(KEY_FILE), self.path.join(NEXT_FILE));
        let old = OpenOptions::new().write(true).open(&current).map_err(StoreError::io("open", &current))?;
        rename(&next, &current)?;
        wipe(old, &current)
    }

    /// Ends a replacement that was cut off; `in_force` is the key that the ledger says signs next.
    pub(crate) fn settle(&self, in_force: PublicKey) -> Result<(), StoreError> {
        let current = self.load()?.map(|signer| signer.public_key());
        match self.load_file(NEXT_FILE) {
            Ok(Some(next)) if next.public_key() == in_force => self.take_next(),
            Ok(Some(_)) | Err(StoreError::Key { .. }) if current == Some(in_force) => self.remove_next(),
            // Neither is in force: the ledger is another device's, and this one's next key may yet be needed.
            Ok(_) | Err(StoreError::Key { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn remove_next(&self) -> Result<(), StoreError> {
        let next = self.path.join(NEXT_FILE);
        fs::remove_file(&next).map_err(StoreError::io("remove", &next))?;
        sync_folder(&self.path)
    }

    fn load_file(&self, name: &str) -> Result<Option<Ed25519Signer>, StoreError> {
        let path = self.path.join(name);
        let Some(bytes) = read_if_there(&path)? else { return Ok(None) };
        Ed25519Signer::from_pkcs8(&bytes).map(Some).map_err(|source| StoreError::Key { path, source })
    }

    fn make(&self, name: &str) -> Result<Ed25519Signer, StoreError> {
        let path = self.path.join(name);
        let bytes = Ed25519Signer::generate_pkcs8().map_err(|source| StoreError::Key { path: path.clone(), source })?;
        write_new(&path, OWNER_ONLY, &bytes)?;
        Ed25519Signer::from_pkcs8(&bytes).map_err(|source| StoreError::Key { path, source })
    }
}

/// Overwrites a key file that has lost its name. Flash may keep the old bytes all the same (`docs/security.md`).
fn wipe(mut old: fs::File, path: &Path) -> Result<(), StoreError> {
    let length = old.metadata().map_err(StoreError::io("inspect", path))?.len();
    let zeros = vec![0; usize::try_from(length).unwrap_or(0)];
    old.write_all(&zeros).and_then(|()| old.sync_all()).map_err(StoreError::io("erase", path))
}
