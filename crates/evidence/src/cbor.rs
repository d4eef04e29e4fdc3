// SPDX-License-Identifier: MIT OR Apache-2.0
//! Deterministic CBOR (RFC 8949, section 4.2.1): one value has one encoding, and no other is accepted.

use ciborium::Value;
use serde::{Serialize, de::DeserializeOwned};

/// Longest payload or item that is read, in bytes. Ours are below 2 KiB.
pub const MAX_ITEM_BYTES: usize = 64 * 1024;

/// Why bytes are not the CBOR that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// Not CBOR at all, or cut off.
    #[error("not CBOR: {0}")]
    Syntax(String),
    /// CBOR in another than the deterministic encoding.
    #[error("not the deterministic encoding")]
    NotDeterministic,
    /// A field is missing or has the wrong type.
    #[error("unexpected content: {0}")]
    Content(String),
    /// More than [`MAX_ITEM_BYTES`].
    #[error("longer than {MAX_ITEM_BYTES} bytes")]
    TooLong,
}

/// Encodes `value` deterministically.
///
/// # Errors
/// [`CborError::Content`] where serde cannot express `value` in CBOR.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, CborError> {
    let value = Value::serialized(value).map_err(|e| CborError::Content(e.to_string()))?;
    encode_value(&value)
}

/// Encodes a CBOR value deterministically.
///
/// # Errors
/// [`CborError::Content`] where the value cannot be written.
pub fn encode_value(value: &Value) -> Result<Vec<u8>, CborError> {
    let mut bytes = Vec::new();
    ciborium::into_writer(&sorted(value)?, &mut bytes).map_err(|e| CborError::Content(e.to_string()))?;
    Ok(bytes)
}

/// Decodes bytes that must be exactly one deterministic item.
///
/// # Errors
/// Every way in which the bytes are not that.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CborError> {
    from_value(&decode_value(bytes)?)
}

/// Reads a typed value out of a decoded one.
///
/// # Errors
/// [`CborError::Content`] for a missing field or a wrong type.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, CborError> {
    value.deserialized().map_err(|e| CborError::Content(e.to_string()))
}

/// Decodes bytes that must be exactly one deterministic item, as a generic value.
///
/// # Errors
/// Every way in which the bytes are not that.
pub fn decode_value(bytes: &[u8]) -> Result<Value, CborError> {
    if bytes.len() > MAX_ITEM_BYTES {
        return Err(CborError::TooLong);
    }
    let value: Value = ciborium::from_reader(bytes).map_err(|e| CborError::Syntax(e.to_string()))?;
    match encode_value(&value)? == bytes {
        true => Ok(value),
        false => Err(CborError::NotDeterministic),
    }
}

/// The length of the first item of a CBOR sequence (RFC 8742), if it is whole.
///
/// # Errors
/// [`CborError::Syntax`] if the bytes cannot begin an item or end within one.
pub fn first_item_length(bytes: &[u8]) -> Result<usize, CborError> {
    let window = &bytes[..bytes.len().min(MAX_ITEM_BYTES)];
    let mut rest = window;
    let _: Value = ciborium::from_reader(&mut rest).map_err(|e| CborError::Syntax(e.to_string()))?;
    Ok(window.len() - rest.len())
}

fn sorted(value: &Value) -> Result<Value, CborError> {
    match value {
        Value::Map(pairs) => sorted_map(pairs),
        Value::Array(items) => Ok(Value::Array(items.iter().map(sorted).collect::<Result<_, _>>()?)),
        Value::Float(_) => Err(CborError::Content("floating-point numbers are not allowed".into())),
        Value::Tag(tag, inner) => Ok(Value::Tag(*tag, Box::new(sorted(inner)?))),
        other => Ok(other.clone()),
    }
}

fn sorted_map(pairs: &[(Value, Value)]) -> Result<Value, CborError> {
    let mut keyed = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        keyed.push((encode_value(key)?, key.clone(), sorted(value)?));
    }
    keyed.sort_by(|a, b| a.0.cmp(&b.0));
    if keyed.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(CborError::Content("a map names a key twice".into()));
    }
    Ok(Value::Map(keyed.into_iter().map(|(_, key, value)| (key, value)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_sorted_by_their_encoded_keys() {
        let value = Value::Map(vec![("bb".into(), 1.into()), ("c".into(), 2.into()), ("a".into(), 3.into())]);
        assert_eq!(hex::encode(encode_value(&value).unwrap()), "a361610361630262626201");
    }

    #[test]
    fn another_order_or_a_longer_integer_is_refused() {
        assert!(decode_value(&hex::decode("a2616101616202").unwrap()).is_ok());
        for text in ["a2616202616101", "1801", "9f01ff", "a2616101616102", "0101"] {
            assert!(decode_value(&hex::decode(text).unwrap()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_cut_item_has_no_length() {
        assert_eq!(first_item_length(&hex::decode("8201024142").unwrap()), Ok(3));
        assert!(first_item_length(&hex::decode("8201").unwrap()).is_err());
    }
}
