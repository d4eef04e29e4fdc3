// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fixed-length byte strings: hashes, keys and ids. Each is a CBOR byte string and prints as lower-case hex.

use ring::digest;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// A text that should be hex of a fixed number of bytes, and is not.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{text:?} is not {expected} hex digits")]
pub struct HexError {
    text: String,
    expected: usize,
}

macro_rules! fixed_bytes {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; $length]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl std::str::FromStr for $name {
            type Err = HexError;
            fn from_str(text: &str) -> Result<Self, HexError> {
                let mut bytes = [0; $length];
                hex::decode_to_slice(text, &mut bytes)
                    .map_err(|_| HexError { text: text.into(), expected: $length * 2 })?;
                Ok(Self(bytes))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match serializer.is_human_readable() {
                    true => serializer.collect_str(self),
                    false => serializer.serialize_bytes(&self.0),
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_bytes(FixedVisitor::<$length>).map(Self)
            }
        }
    };
}

struct FixedVisitor<const N: usize>;

impl<const N: usize> de::Visitor<'_> for FixedVisitor<N> {
    type Value = [u8; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a byte string of {N} bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<[u8; N], E> {
        bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))
    }
}

fixed_bytes!(
    /// A SHA-256 digest (FIPS 180-4).
    Hash,
    32
);
fixed_bytes!(
    /// A raw Ed25519 public key (RFC 8032).
    PublicKey,
    32
);
fixed_bytes!(
    /// Names one session: a random UUID (RFC 9562, version 4).
    SessionId,
    16
);
fixed_bytes!(
    /// Names one interruption of a session: random bytes.
    InterruptionId,
    16
);
fixed_bytes!(
    /// Names one boot of the machine: the kernel's `/proc/sys/kernel/random/boot_id`.
    BootId,
    16
);

impl Hash {
    /// What the first link of a chain points at.
    pub const ZERO: Hash = Hash([0; 32]);

    /// SHA-256 of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Hash {
        Hash::from_digest(digest::digest(&digest::SHA256, bytes))
    }

    fn from_digest(digest: digest::Digest) -> Hash {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest.as_ref());
        Hash(hash)
    }
}

impl PublicKey {
    /// The device identity that this key gives when it is a device's first one.
    #[must_use]
    pub fn identity(&self) -> Hash {
        Hash::of(&self.0)
    }
}

/// SHA-256 over bytes that arrive piece by piece.
pub struct Hasher(digest::Context);

impl Default for Hasher {
    fn default() -> Self {
        Hasher(digest::Context::new(&digest::SHA256))
    }
}

impl Hasher {
    /// Adds `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all that was added.
    #[must_use]
    pub fn finish(self) -> Hash {
        Hash::from_digest(self.0.finish())
    }
}
