// SPDX-License-Identifier: MIT OR Apache-2.0
//! The signed envelope of every record and entry: COSE_Sign1 (RFC 9052), tagged, with exactly one accepted form.

use crate::cbor::MAX_ITEM_BYTES;
use crate::sign::{Algorithm, KeyError, Signer, is_signed_by};
use crate::{Hash, PublicKey};
use coset::iana::Algorithm as CoseAlgorithm;
use coset::{CoseSign1, CoseSign1Builder, HeaderBuilder, RegisteredLabelWithPrivate, TaggedCborSerializable};

/// How every envelope of this version begins, up to the key: tag 18, an array of four, the protected header
/// `{1: -8, 4: KEY}`.
pub(crate) const BEGINNING: [u8; 10] = [0xd2, 0x84, 0x58, 0x26, 0xa2, 0x01, 0x27, 0x04, 0x58, 0x20];

/// Why bytes are not an envelope, or not a rightly signed one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// No COSE_Sign1.
    #[error("not a COSE_Sign1: {0}")]
    Syntax(String),
    /// A COSE_Sign1, but not in the one form that the format allows.
    #[error("not in the one allowed form")]
    Form,
    /// An algorithm this version does not know.
    #[error("signature algorithm {0} is not known")]
    Algorithm(String),
    /// The signature does not fit key and content.
    #[error("the signature is wrong")]
    Signature,
    /// What is to be signed makes a longer envelope than anybody reads.
    #[error("longer than {MAX_ITEM_BYTES} bytes")]
    TooLong,
    /// The key did not sign.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// A signed payload as read, its signature checked against the key it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The key that signed. Whether it may is for the reader to decide.
    pub key: PublicKey,
    /// The signed bytes.
    pub payload: Vec<u8>,
    /// SHA-256 of the whole envelope: what the next link of a chain points at.
    pub hash: Hash,
}

/// Signs `payload`.
///
/// # Errors
/// [`EnvelopeError::Key`] if the key did not sign, [`EnvelopeError::TooLong`] or [`EnvelopeError::Syntax`] if the envelope
/// cannot be written.
pub fn seal(signer: &dyn Signer, payload: Vec<u8>) -> Result<Vec<u8>, EnvelopeError> {
    let unsigned = builder(signer.algorithm(), &signer.public_key(), payload);
    let sealed = write(unsigned.try_create_signature(&[], |message| signer.sign(message))?.build())?;
    match sealed.len() > MAX_ITEM_BYTES {
        true => Err(EnvelopeError::TooLong),
        false => Ok(sealed),
    }
}

/// Reads an envelope and checks its signature against the key it names.
///
/// # Errors
/// Every way in which the bytes are not a rightly signed envelope in the one allowed form.
pub fn open(bytes: &[u8]) -> Result<Envelope, EnvelopeError> {
    open_unchecked(bytes)?.check()
}

/// An envelope in the one allowed form, whose signature was not checked yet.
pub(crate) struct Unchecked {
    pub(crate) envelope: Envelope,
    signed: Vec<u8>,
    signature: Vec<u8>,
}

/// Reads an envelope without checking its signature.
pub(crate) fn open_unchecked(bytes: &[u8]) -> Result<Unchecked, EnvelopeError> {
    let cose = read(bytes)?;
    let (algorithm, key) = (named_algorithm(&cose)?, named_key(&cose)?);
    let signed = cose.tbs_data(&[]);
    let CoseSign1 { payload, signature, .. } = cose;
    let payload = payload.ok_or(EnvelopeError::Form)?;
    let only_form = write(builder(algorithm, &key, payload.clone()).signature(signature.clone()).build())?;
    if only_form != bytes {
        return Err(EnvelopeError::Form);
    }
    let envelope = Envelope { key, payload, hash: Hash::of(bytes) };
    Ok(Unchecked { envelope, signed, signature })
}

impl Unchecked {
    /// The envelope, if its signature is right.
    pub(crate) fn check(self) -> Result<Envelope, EnvelopeError> {
        match is_signed_by(&self.envelope.key, &self.signed, &self.signature) {
            true => Ok(self.envelope),
            false => Err(EnvelopeError::Signature),
        }
    }
}

fn builder(algorithm: Algorithm, key: &PublicKey, payload: Vec<u8>) -> CoseSign1Builder {
    let protected = HeaderBuilder::new().algorithm(number(algorithm)).key_id(key.0.to_vec()).build();
    CoseSign1Builder::new().protected(protected).payload(payload)
}

fn write(cose: CoseSign1) -> Result<Vec<u8>, EnvelopeError> {
    cose.to_tagged_vec().map_err(|e| EnvelopeError::Syntax(e.to_string()))
}

fn read(bytes: &[u8]) -> Result<CoseSign1, EnvelopeError> {
    if bytes.len() > MAX_ITEM_BYTES {
        return Err(EnvelopeError::Form);
    }
    CoseSign1::from_tagged_slice(bytes).map_err(|e| EnvelopeError::Syntax(e.to_string()))
}

fn number(algorithm: Algorithm) -> CoseAlgorithm {
    match algorithm {
        Algorithm::Ed25519 => CoseAlgorithm::EdDSA,
    }
}

fn named_algorithm(cose: &CoseSign1) -> Result<Algorithm, EnvelopeError> {
    match &cose.protected.header.alg {
        Some(RegisteredLabelWithPrivate::Assigned(CoseAlgorithm::EdDSA)) => Ok(Algorithm::Ed25519),
        other => Err(EnvelopeError::Algorithm(format!("{other:?}"))),
    }
}

fn named_key(cose: &CoseSign1) -> Result<PublicKey, EnvelopeError> {
    cose.protected.header.key_id.as_slice().try_into().map(PublicKey).map_err(|_| EnvelopeError::Form)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::Ed25519Signer;

    #[test]
    fn what_is_sealed_opens_and_names_its_key() {
        let signer = Ed25519Signer::generate().unwrap();
        let opened = open(&seal(&signer, b"seen".to_vec()).unwrap()).unwrap();
        assert_eq!((opened.key, opened.payload), (signer.public_key(), b"seen".to_vec()));
    }

    #[test]
    fn what_nobody_would_read_is_not_sealed() {
        let signer = Ed25519Signer::generate().unwrap();
        let longest = (0..MAX_ITEM_BYTES).rev().find_map(|length| seal(&signer, vec![7; length]).ok()).unwrap();
        assert_eq!(longest.len(), MAX_ITEM_BYTES);
        assert!(open(&longest).is_ok());
        assert_eq!(seal(&signer, vec![7; MAX_ITEM_BYTES]), Err(EnvelopeError::TooLong));
    }

    #[test]
    fn every_envelope_begins_alike() {
        let signer = Ed25519Signer::generate().unwrap();
        let sealed = seal(&signer, b"seen".to_vec()).unwrap();
        assert_eq!(sealed[..BEGINNING.len()], BEGINNING);
        assert_eq!(sealed[BEGINNING.len()..][..32], signer.public_key().0);
    }

    /// A key in hardware that does not answer.
    struct Unplugged(Ed25519Signer);

    impl Signer for Unplugged {
        fn algorithm(&self) -> Algorithm {
            self.0.algorithm()
        }

        fn public_key(&self) -> PublicKey {
            self.0.public_key()
        }

        fn sign(&self, _: &[u8]) -> Result<Vec<u8>, KeyError> {
            Err(KeyError::Refused("no token".into()))
        }
    }

    #[test]
    fn a_key_that_does_not_sign_seals_nothing() {
        let signer = Unplugged(Ed25519Signer::generate().unwrap());
        let refused = EnvelopeError::Key(KeyError::Refused("no token".into()));
        assert_eq!(seal(&signer, b"seen".to_vec()), Err(refused));
    }

    #[test]
    fn no_single_bit_can_change() {
        let sealed = seal(&Ed25519Signer::generate().unwrap(), b"seen".to_vec()).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut altered = sealed.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&altered).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn bytes_behind_the_envelope_are_refused() {
        let mut sealed = seal(&Ed25519Signer::generate().unwrap(), b"seen".to_vec()).unwrap();
        sealed.push(0);
        assert!(open(&sealed).is_err());
    }
}
