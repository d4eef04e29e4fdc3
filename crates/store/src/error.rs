// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why something on disk could not be done.

use evidence::cose::EnvelopeError;
use evidence::ledger::LedgerError;
use evidence::mp4::BoxError;
use evidence::sign::KeyError;
use evidence::{Hash, InterruptionId};
use std::io;
use std::path::{Path, PathBuf};

/// Why something on disk could not be done.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process owns the folder.
    #[error("{} is in use by another recorder; stop it first, or choose another folder", .0.display())]
    Locked(PathBuf),
    /// The folder belongs to another device.
    #[error(
        "{} holds the evidence of device {device}, whose key is not in {}; keep it as it is and choose another folder",
        folder.display(), state.display()
    )]
    Foreign {
        /// The evidence folder.
        folder: PathBuf,
        /// Where the key was looked for.
        state: PathBuf,
        /// Whose evidence it is.
        device: Hash,
    },
    /// The device has a key that was in use, but the folder has no ledger.
    #[error(
        "{} has no ledger, but this device ({device}) has one; put the right storage back, or give the device a new identity by moving {} away",
        folder.display(), state.display()
    )]
    LedgerMissing {
        /// The evidence folder.
        folder: PathBuf,
        /// Where the keys are.
        state: PathBuf,
        /// This device.
        device: Hash,
    },
    /// The ledger does not follow its own rules.
    #[error("{}: {source}; nothing was changed: verify the folder and keep it as it is", path.display())]
    Ledger {
        /// The ledger.
        path: PathBuf,
        /// Which rule.
        source: LedgerError,
    },
    /// The ledger cannot take an entry any more: of an earlier one nobody knows whether it is durable.
    #[error("{} can take no more entries: an earlier one could not be made durable; see to the storage, then restart", .0.display())]
    Latched(PathBuf),
    /// There is not even room for the reserve and as much again.
    #[error("the storage is full: less than 1 MiB is free for {}; free some space or exchange the storage", .0.display())]
    Full(PathBuf),
    /// A key cannot be made or read.
    #[error("key {}: {source}", path.display())]
    Key {
        /// Where it is kept.
        path: PathBuf,
        /// What is wrong.
        source: KeyError,
    },
    /// A record cannot be written.
    #[error("a record could not be sealed: {0}")]
    Seal(#[from] EnvelopeError),
    /// The media bytes are not the fragments they should be.
    #[error("the fragment is not what a recording is made of: {0}")]
    Fragment(#[from] BoxError),
    /// The index failed.
    #[error("index {}: {source}", path.display())]
    Index {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// No interruption has this id, or it is over.
    #[error("there is no interruption {0}, or it is over")]
    NoInterruption(InterruptionId),
    /// An interruption of nothing.
    #[error("an interruption needs a medium that is not captured")]
    NoMedium,
    /// What an officer says is more than an entry holds.
    #[error("the account is too long: {} KiB are allowed", crate::interruption::MAX_ACCOUNT_BYTES / 1024)]
    AccountTooLong,
    /// The session has come to its end, or one of its writes failed.
    #[error("the session takes no more chunks: {0}")]
    Closed(&'static str),
}

impl StoreError {
    pub(crate) fn io<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> StoreError + 'a {
        move |source| StoreError::Io { action, path: path.into(), source }
    }

    /// Whether it is for want of room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            StoreError::Full(_) => true,
            StoreError::Io { source, .. } => {
                matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            StoreError::Index { source, .. } => {
                let no_room_for_shm = rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
                source.sqlite_error().is_some_and(|error| {
                    error.code == rusqlite::ErrorCode::DiskFull || error.extended_code == no_room_for_shm
                })
            }
            _ => false,
        }
    }

    pub(crate) fn index(path: &Path) -> impl FnOnce(rusqlite::Error) -> StoreError + '_ {
        move |source| StoreError::Index { path: path.into(), source }
    }
}
