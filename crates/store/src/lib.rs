// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is on disk. The only crate that writes evidence: segments, photos and the ledger, each durable before it is
//! spoken of; and the SQLite index, which can be rebuilt from them at any time. It knows no media framework and no bus.

pub mod check;
pub mod clock;
mod compare;
mod copies;
mod cut_off;
mod error;
mod files;
mod folder;
pub mod index;
pub mod interruption;
mod keys;
mod ledger;
pub mod names;
mod photo;
mod progress;
mod recovery;
pub mod reindex;
mod reserve;
mod scan;
mod session;

pub use error::StoreError;
pub use folder::{Evidence, Place};
pub use interruption::NewInterruption;
pub use ledger::read_history;
pub use photo::StoredPhoto;
pub use progress::{Progress, Tell, Work};
pub use recovery::Recovered;
pub use session::{NewSession, SessionWriter, StoredChunk};

/// Name of the SQLite index in an evidence folder.
pub const INDEX_FILE: &str = "index.sqlite";
/// Name of the file whose lock the owner of an evidence folder holds.
pub const LOCK_FILE: &str = "LOCK";
