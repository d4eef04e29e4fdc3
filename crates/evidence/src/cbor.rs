// SPDX-License-Identifier: MIT OR Apache-2.0
//! Deterministic CBOR (RFC 8949, section 4.2.1): one value has one encoding, and no other is accepted.

use ciborium::Value;
use ciborium::value::Integer;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

/// Longest payload or item that is read, in bytes. Ours are below 2 KiB.
pub const MAX_ITEM_BYTES: usize = 64 * 1024;

/// How deep maps and arrays may lie within one another, the outermost counted. Ours: 4.
pub const MAX_DEPTH: usize = 32;

/// Why bytes are not the CBOR that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// Not CBOR at all.
    #[error("not CBOR: {0}")]
    Syntax(String),
    /// The bytes end within an item.
    #[error("cut off")]
    CutOff,
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
    write(&sorted(value, 0)?)
}

/// Encodes a value whose maps are in order.
fn write(sorted: &Value) -> Result<Vec<u8>, CborError> {
    let mut bytes = Vec::new();
    ciborium::into_writer(sorted, &mut bytes).map_err(|e| CborError::Content(e.to_string()))?;
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
    let value = read_value(&mut &bytes[..])?;
    match encode_value(&value)? == bytes {
        true => Ok(value),
        false => Err(CborError::NotDeterministic),
    }
}

/// The length of the first item of a CBOR sequence (RFC 8742), if it is whole.
///
/// # Errors
/// [`CborError::Syntax`] if the bytes cannot begin an item, [`CborError::CutOff`] if they end within one.
pub fn first_item_length(bytes: &[u8]) -> Result<usize, CborError> {
    let window = &bytes[..bytes.len().min(MAX_ITEM_BYTES)];
    let mut rest = window;
    read_value(&mut rest)?;
    Ok(window.len() - rest.len())
}

fn read_value(bytes: &mut &[u8]) -> Result<Value, CborError> {
    ciborium::from_reader(bytes).map_err(|error| match error {
        ciborium::de::Error::Io(_) => CborError::CutOff,
        other => CborError::Syntax(other.to_string()),
    })
}

/// Reads an optional field, which is absent or has its type: `null` is no value of it.
///
/// # Errors
/// What deserialising the value gives.
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(field: D) -> Result<Option<T>, D::Error> {
    T::deserialize(field).map(Some)
}

/// The value with its maps in order, if it is of the few types that the format has.
fn sorted(value: &Value, depth: usize) -> Result<Value, CborError> {
    let refuse = |what: &str| Err(CborError::Content(format!("{what} are not allowed")));
    match value {
        Value::Map(_) | Value::Array(_) if depth >= MAX_DEPTH => refuse("more than 32 levels"),
        Value::Map(pairs) => sorted_map(pairs, depth + 1),
        Value::Array(items) => {
            Ok(Value::Array(items.iter().map(|item| sorted(item, depth + 1)).collect::<Result<_, _>>()?))
        }
        Value::Integer(number) if !fits_in_64_bits(*number) => refuse("bignums"),
        Value::Integer(_) | Value::Bytes(_) | Value::Text(_) | Value::Bool(_) | Value::Null => Ok(value.clone()),
        Value::Float(_) => refuse("floating-point numbers"),
        _ => refuse("tags"),
    }
}

/// Whether CBOR has an integer for it (major types 0 and 1) rather than a bignum.
fn fits_in_64_bits(number: Integer) -> bool {
    let number = i128::from(number);
    u64::try_from(if number < 0 { -1 - number } else { number }).is_ok()
}

fn sorted_map(pairs: &[(Value, Value)], depth: usize) -> Result<Value, CborError> {
    let mut keyed = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        if !key.is_text() {
            return Err(CborError::Content("the key of a map is no text".into()));
        }
        keyed.push((write(key)?, key.clone(), sorted(value, depth)?));
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
    fn other_types_than_the_few_are_refused() {
        let deep = |levels: usize| ["81".repeat(levels), "00".into()].concat();
        for allowed in ["1bffffffffffffffff", "3bffffffffffffffff", "f4", "f6", "a16161f5", &deep(MAX_DEPTH)] {
            assert!(decode_value(&hex::decode(allowed).unwrap()).is_ok(), "{allowed}");
        }
        let (wide, wider) = ("c249010000000000000000", "c25101000000000000000000000000000000ff");
        let keys = ["a10000", "a14000", "a1f500", "a1a00000"];
        for refused in ["c100", wide, wider, "a16161c100", "f7", "f0", "f90000", "a16161f90000", &deep(MAX_DEPTH + 1)]
            .into_iter()
            .chain(keys)
        {
            assert!(decode_value(&hex::decode(refused).unwrap()).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_cut_item_has_no_length() {
        assert_eq!(first_item_length(&hex::decode("8201024142").unwrap()), Ok(3));
        assert_eq!(first_item_length(&hex::decode("8201").unwrap()), Err(CborError::CutOff));
        assert!(matches!(first_item_length(&hex::decode("ff").unwrap()), Err(CborError::Syntax(_))));
    }
}
