// SPDX-License-Identifier: MIT OR Apache-2.0
//! The public key history of a device: what a verifier holds. It is the ledger's key entries alone, in order, each
//! signed by the key introduced before it.

use crate::entry::Body;
use crate::ledger::{LedgerError, LedgerHead, SignedEntry, open_sequence};
use crate::{Hash, PublicKey};

/// Why bytes are no key history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// An entry cannot be read.
    #[error("the key history is damaged: {0}")]
    Entry(#[from] LedgerError),
    /// An entry is not a key introduced by the key before it.
    #[error("key {0} of the history is not introduced by the key before it")]
    Broken(usize),
    /// There is nothing in it.
    #[error("the key history is empty")]
    Empty,
}

/// The keys of one device, with the entry that introduced each.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyHistory {
    device: Hash,
    keys: Vec<SignedEntry>,
}

impl KeyHistory {
    /// Picks the key entries out of a ledger's entries and checks that each introduces the next.
    ///
    /// # Errors
    /// [`HistoryError`] where the keys do not follow from one another.
    pub fn from_entries(entries: impl IntoIterator<Item = SignedEntry>) -> Result<KeyHistory, HistoryError> {
        let keys: Vec<_> = entries.into_iter().filter(|e| introduced(e).is_some()).collect();
        let first = keys.first().ok_or(HistoryError::Empty)?;
        let device = LedgerHead::first(first)?.device;
        for (n, pair) in keys.windows(2).enumerate() {
            let fits = introduced(&pair[0]) == Some(pair[1].key)
                && pair[1].entry.seq > pair[0].entry.seq
                && pair[1].entry.device == device;
            if !fits {
                return Err(HistoryError::Broken(n + 1));
            }
        }
        Ok(KeyHistory { device, keys })
    }

    /// Reads an exported history.
    ///
    /// # Errors
    /// [`HistoryError`] where the bytes are not one.
    pub fn decode(bytes: &[u8]) -> Result<KeyHistory, HistoryError> {
        let (entries, error) = open_sequence(bytes);
        if let Some(error) = error {
            return Err(error.into());
        }
        match entries.iter().position(|e| introduced(e).is_none()) {
            Some(other) => Err(HistoryError::Broken(other)),
            None => KeyHistory::from_entries(entries),
        }
    }

    /// The bytes to export: a CBOR sequence.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.keys.iter().flat_map(|key| key.bytes.clone()).collect()
    }

    /// The device: SHA-256 of its first public key.
    #[must_use]
    pub fn device(&self) -> Hash {
        self.device
    }

    /// The entries that introduce the keys, in order.
    #[must_use]
    pub fn entries(&self) -> &[SignedEntry] {
        &self.keys
    }

    /// The key that signs entry `seq`, as far as the history knows: behind its last entry another may have followed.
    #[must_use]
    pub fn key_for(&self, seq: u64) -> Option<PublicKey> {
        let before = self.keys.partition_point(|key| key.entry.seq < seq);
        self.keys.get(before.saturating_sub(1)).and_then(introduced)
    }
}

/// The key that `entry` introduces, if it does.
#[must_use]
pub fn introduced(entry: &SignedEntry) -> Option<PublicKey> {
    match &entry.entry.body {
        Body::Key(body) => Some(body.public),
        _ => None,
    }
}
