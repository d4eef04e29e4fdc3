// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signing keys. One algorithm is written today, Ed25519 (RFC 8032); the trait in front leaves room for another.

use crate::PublicKey;
use ring::rand::SystemRandom;
use ring::signature::{self, Ed25519KeyPair, KeyPair};
use serde::{Deserialize, Serialize};

/// Which algorithm made a signature (COSE, RFC 9053).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// COSE algorithm -8 with an Ed25519 key.
    #[serde(rename = "ed25519")]
    Ed25519,
}

/// Why a key cannot be made, read or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The system gives no randomness.
    #[error("the system's random generator failed")]
    Random,
    /// The bytes are no PKCS#8 Ed25519 key.
    #[error("not an Ed25519 key in PKCS#8 form: {0}")]
    Unreadable(String),
    /// Whatever holds the key did not sign.
    #[error("the key did not sign: {0}")]
    Refused(String),
}

/// Something that signs with a key it never shows.
pub trait Signer: Send {
    /// The algorithm of [`Signer::sign`].
    fn algorithm(&self) -> Algorithm;
    /// The public half of the key.
    fn public_key(&self) -> PublicKey;
    /// The signature over `message`.
    ///
    /// # Errors
    /// [`KeyError::Refused`] if whatever holds the key did not sign; a key in memory always does.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError>;
}

/// An Ed25519 key in memory.
pub struct Ed25519Signer(Ed25519KeyPair);

impl Ed25519Signer {
    /// A fresh key that exists nowhere else.
    ///
    /// # Errors
    /// [`KeyError::Random`] if the system has no randomness to give.
    pub fn generate() -> Result<Ed25519Signer, KeyError> {
        Ed25519Signer::from_pkcs8(&Ed25519Signer::generate_pkcs8()?)
    }

    /// A fresh key in the form in which it is kept on disk (PKCS#8, RFC 8410).
    ///
    /// # Errors
    /// [`KeyError::Random`] if the system has no randomness to give.
    pub fn generate_pkcs8() -> Result<Vec<u8>, KeyError> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| KeyError::Random)?;
        Ok(document.as_ref().to_vec())
    }

    /// The key that `pkcs8` holds.
    ///
    /// # Errors
    /// [`KeyError::Unreadable`] if it holds none.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Ed25519Signer, KeyError> {
        let pair =
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map_err(|e| KeyError::Unreadable(e.to_string()))?;
        Ok(Ed25519Signer(pair))
    }
}

impl Signer for Ed25519Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::Ed25519
    }

    fn public_key(&self) -> PublicKey {
        let mut key = [0; 32];
        key.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(key)
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        Ok(self.0.sign(message).as_ref().to_vec())
    }
}

/// Whether `signature` over `message` was made by the private half of `key`.
#[must_use]
pub fn is_signed_by(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    is_canonical(key)
        && signature::UnparsedPublicKey::new(&signature::ED25519, key.0).verify(message, signature).is_ok()
}

/// Whether RFC 8032, section 5.1.3, decodes the key as far as that shows in its form, which ring does not ask: y is
/// below p = 2^255 - 19, and there is no sign where x is 0, so where y is 1 or p - 1.
fn is_canonical(key: &PublicKey) -> bool {
    const P_LAST: u8 = 0xed;
    let mut y = key.0;
    let has_sign = y[31] & 0x80 != 0;
    y[31] &= 0x7f;
    let is_near_p = y[31] == 0x7f && y[1..31].iter().all(|byte| *byte == 0xff);
    let is_one = y[0] == 1 && y[1..].iter().all(|byte| *byte == 0);
    let is_below_p = !is_near_p || y[0] < P_LAST;
    let has_no_x = is_one || (is_near_p && y[0] == P_LAST - 1);
    is_below_p && !(has_no_x && has_sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_form() {
        let key = |first: u8, middle: u8, last: u8| {
            let mut bytes = [middle; 32];
            (bytes[0], bytes[31]) = (first, last);
            PublicKey(bytes)
        };
        for good in [key(1, 0, 0), key(0xec, 0xff, 0x7f), key(2, 0, 0x80), key(0xff, 0xfe, 0x7f)] {
            assert!(is_canonical(&good), "{good}");
        }
        for bad in [key(1, 0, 0x80), key(0xec, 0xff, 0xff), key(0xed, 0xff, 0x7f), key(0xee, 0xff, 0xff)] {
            assert!(!is_canonical(&bad), "{bad}");
        }
    }
}
