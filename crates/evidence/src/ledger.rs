// SPDX-License-Identifier: MIT OR Apache-2.0
//! The device's ledger as bytes: a CBOR sequence of signed entries, each linked to the one before, under keys that
//! replace one another.

use crate::cbor::{self, CborError, MAX_ITEM_BYTES};
use crate::cose::{self, EnvelopeError};
use crate::entry::{Body, Entry};
use crate::record::PayloadError;
use crate::sign::Signer;
use crate::time::Clock;
use crate::{Hash, PublicKey};

/// Why an entry does not belong where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The bytes end within the entry, as a power cut leaves them; nothing else stands behind it.
    #[error("entry {seq} at byte {offset} is cut off")]
    Torn {
        /// Number of the entry that should be there.
        seq: u64,
        /// Where it should begin.
        offset: u64,
    },
    /// What stands there is neither an entry nor what a power cut leaves of one.
    #[error("entry {seq} at byte {offset} is damaged: {reason}")]
    Damaged {
        /// Number of the entry that should be there.
        seq: u64,
        /// Where it should begin.
        offset: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The envelope or its signature is wrong.
    #[error("entry {seq}: {source}")]
    Envelope {
        /// Number of the entry.
        seq: u64,
        /// What is wrong.
        source: EnvelopeError,
    },
    /// The payload is wrong.
    #[error("entry {seq}: {source}")]
    Payload {
        /// Number of the entry.
        seq: u64,
        /// What is wrong.
        source: PayloadError,
    },
    /// Another number stands where `seq` should.
    #[error("entry {found} stands where entry {seq} should")]
    Order {
        /// The number expected.
        seq: u64,
        /// The number found.
        found: u64,
    },
    /// The entry is not linked to the one before.
    #[error("entry {seq} is not linked to the entry before it")]
    Link {
        /// Number of the entry.
        seq: u64,
    },
    /// The entry is signed by another key than the one in force.
    #[error("entry {seq} is not signed by the key in force")]
    Key {
        /// Number of the entry.
        seq: u64,
    },
    /// The entry names another device.
    #[error("entry {seq} belongs to another device")]
    Device {
        /// Number of the entry.
        seq: u64,
    },
    /// The ledger does not begin with the device's first key.
    #[error("the ledger does not begin with the device's first key")]
    First,
}

/// One entry as read, with its envelope.
#[derive(Debug, Clone, PartialEq)]
pub struct SignedEntry {
    /// What it says.
    pub entry: Entry,
    /// The key that signed it.
    pub key: PublicKey,
    /// Hash of the envelope.
    pub hash: Hash,
    /// The envelope.
    pub bytes: Vec<u8>,
}

/// Opens one envelope as a ledger entry; whether it belongs anywhere is not asked here.
///
/// # Errors
/// [`LedgerError::Envelope`] and [`LedgerError::Payload`], with `seq` as the number in the message.
pub fn open_entry(bytes: &[u8], seq: u64) -> Result<SignedEntry, LedgerError> {
    let envelope = cose::open(bytes).map_err(|source| LedgerError::Envelope { seq, source })?;
    let entry = Entry::decode(&envelope.payload).map_err(|source| LedgerError::Payload { seq, source })?;
    Ok(SignedEntry { entry, key: envelope.key, hash: envelope.hash, bytes: bytes.to_vec() })
}

/// Splits a CBOR sequence into signed entries without judging their order, up to the first that cannot be opened.
#[must_use]
pub fn open_sequence(bytes: &[u8]) -> (Vec<SignedEntry>, Option<LedgerError>) {
    let mut entries: Vec<SignedEntry> = Vec::new();
    let mut offset = 0;
    while offset < bytes.len() {
        match open_next(bytes, offset, entries.len() as u64) {
            Ok(entry) => {
                offset += entry.bytes.len();
                entries.push(entry);
            }
            Err(error) => return (entries, Some(error)),
        }
    }
    (entries, None)
}

fn open_next(bytes: &[u8], offset: usize, seq: u64) -> Result<SignedEntry, LedgerError> {
    let rest = &bytes[offset..];
    let at = offset as u64;
    let damaged = |reason: String| LedgerError::Damaged { seq, offset: at, reason };
    match cbor::first_item_length(rest) {
        _ if rest.iter().all(|byte| *byte == 0) => Err(LedgerError::Torn { seq, offset: at }),
        Err(CborError::CutOff) if begins_one_entry(rest) => Err(LedgerError::Torn { seq, offset: at }),
        Err(error) => Err(damaged(error.to_string())),
        Ok(length) => open_entry(&rest[..length], seq).map_err(|error| match error {
            LedgerError::Envelope { source, .. } => damaged(source.to_string()),
            LedgerError::Payload { source, .. } => damaged(source.to_string()),
            other => other,
        }),
    }
}

/// Whether `rest` can be the first bytes of a single envelope: a damaged length in the middle of a ledger makes the
/// entry reach beyond the end as well, but then the entries behind it are still there.
fn begins_one_entry(rest: &[u8]) -> bool {
    let beginning = cose::BEGINNING;
    let begins = rest.starts_with(&beginning) || beginning.starts_with(rest);
    let alone = rest.windows(beginning.len()).skip(1).all(|window| window != beginning);
    rest.len() < MAX_ITEM_BYTES && begins && alone
}

/// Where a ledger stands: everything that the next entry must fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerHead {
    /// Number of the next entry.
    pub next_seq: u64,
    /// Hash of the last entry's envelope.
    pub last: Hash,
    /// The device.
    pub device: Hash,
    /// The key that signs the next entry.
    pub key: PublicKey,
    /// The key that signed the last entry, which differs from `key` behind a key change.
    pub signed_by: PublicKey,
}

impl LedgerHead {
    /// Where a ledger stands that has only its first entry.
    ///
    /// # Errors
    /// [`LedgerError::First`] if `first` does not introduce the key that signs it.
    pub fn first(first: &SignedEntry) -> Result<LedgerHead, LedgerError> {
        let Body::Key(body) = &first.entry.body else { return Err(LedgerError::First) };
        let own = body.reason == "first" && body.public == first.key && first.entry.device == first.key.identity();
        if !own || first.entry.seq != 0 || first.entry.prev != Hash::ZERO {
            return Err(LedgerError::First);
        }
        Ok(LedgerHead {
            next_seq: 1,
            last: first.hash,
            device: first.entry.device,
            key: first.key,
            signed_by: first.key,
        })
    }

    /// Takes the next entry, if it fits.
    ///
    /// # Errors
    /// The first rule that `next` breaks; the head is then unchanged.
    pub fn accept(&mut self, next: &SignedEntry) -> Result<(), LedgerError> {
        let seq = self.next_seq;
        let entry = &next.entry;
        match () {
            () if entry.seq != seq => return Err(LedgerError::Order { seq, found: entry.seq }),
            () if entry.device != self.device => return Err(LedgerError::Device { seq }),
            () if next.key != self.key => return Err(LedgerError::Key { seq }),
            () if entry.prev != self.last => return Err(LedgerError::Link { seq }),
            () => {}
        }
        self.next_seq += 1;
        self.last = next.hash;
        self.signed_by = next.key;
        if let Body::Key(body) = &entry.body {
            self.key = body.public;
        }
        Ok(())
    }

    /// Signs the entry that comes next.
    ///
    /// # Errors
    /// [`LedgerError`] if the entry cannot be written, or `signer` is not the key in force or does not sign.
    pub fn sign(&self, signer: &dyn Signer, clock: Clock, body: Body) -> Result<SignedEntry, LedgerError> {
        let seq = self.next_seq;
        if signer.public_key() != self.key {
            return Err(LedgerError::Key { seq });
        }
        sign_entry(signer, Entry { seq, prev: self.last, device: self.device, clock, body })
    }
}

/// Signs the first entry of a new ledger.
///
/// # Errors
/// [`LedgerError`] if the entry cannot be written or `signer` does not sign.
pub fn sign_first(signer: &dyn Signer, clock: Clock) -> Result<SignedEntry, LedgerError> {
    let public = signer.public_key();
    let body = Body::Key(crate::entry::KeyBody { public, algorithm: signer.algorithm(), reason: "first".into() });
    sign_entry(signer, Entry { seq: 0, prev: Hash::ZERO, device: public.identity(), clock, body })
}

fn sign_entry(signer: &dyn Signer, entry: Entry) -> Result<SignedEntry, LedgerError> {
    let seq = entry.seq;
    let payload = entry.encode().map_err(|e| LedgerError::Payload { seq, source: e.into() })?;
    let bytes = cose::seal(signer, payload).map_err(|source| LedgerError::Envelope { seq, source })?;
    Ok(SignedEntry { entry, key: signer.public_key(), hash: Hash::of(&bytes), bytes })
}
