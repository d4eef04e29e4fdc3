// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is recorded and how it is proven.
//!
//! Records, ledger entries, their chain and signatures, the few MP4 boxes these need, and the verifier over all of
//! them. The byte layout is specified in `docs/format.md`. This crate reads and writes bytes it is given; it knows no
//! media framework, database or bus, and no threads but those in which the verifier reads files.

pub mod bytes;
pub mod cbor;
pub mod chain;
pub mod cose;
pub mod entry;
pub mod history;
pub mod interruption;
pub mod ledger;
pub mod mp4;
pub mod record;
pub mod sign;
pub mod time;
pub mod verify;

pub use bytes::{BootId, Hash, InterruptionId, PublicKey, SessionId};

/// Version of the format of records and entries written by this crate (`docs/format.md`).
pub const FORMAT_VERSION: u64 = 1;

/// Name of the ledger in an evidence folder.
pub const LEDGER_FILE: &str = "ledger.cbor";
/// Name of the folder that holds one folder per session.
pub const SESSIONS_FOLDER: &str = "sessions";
/// Name of the folder for photos taken outside a recording; also the photo folder inside a session.
pub const PHOTOS_FOLDER: &str = "photos";
/// Name of the copy of a session's ledger entries in its folder.
pub const SESSION_FILE: &str = "session.cbor";
/// What is appended to a photo's file name to name the copy of its ledger entry.
pub const SIDECAR_SUFFIX: &str = ".cose";
