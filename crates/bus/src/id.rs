// SPDX-License-Identifier: MIT OR Apache-2.0
//! Session ids and the object paths made of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use zbus::{ObjectPath, OwnedObjectPath};

const SESSIONS_PREFIX: &str = "/org/sealcam/Recorder1/session/";

/// The id of a session: 16 bytes, written as 32 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SessionId([u8; 16]);

/// Not a session id, or not the path of a session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no session: allowed are 32 lower-case hex digits")]
pub struct SessionIdError(String);

impl SessionId {
    /// An id of its bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes of the id.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// The object of the session on the bus.
    pub fn object_path(self) -> OwnedObjectPath {
        // Hex digits and a constant prefix always make a valid path.
        ObjectPath::from_string_unchecked(format!("{SESSIONS_PREFIX}{self}")).into()
    }

    /// The session that an object on the bus stands for.
    pub fn from_object_path(path: &str) -> Result<Self, SessionIdError> {
        path.strip_prefix(SESSIONS_PREFIX).ok_or_else(|| SessionIdError(path.to_owned()))?.parse()
    }
}

impl FromStr for SessionId {
    type Err = SessionIdError;

    fn from_str(text: &str) -> Result<Self, SessionIdError> {
        let mut bytes = [0; 16];
        let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        match hex::decode_to_slice(text, &mut bytes) {
            Ok(()) if lower => Ok(Self(bytes)),
            _ => Err(SessionIdError(text.to_owned())),
        }
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

impl From<SessionId> for String {
    fn from(id: SessionId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for SessionId {
    type Error = SessionIdError;

    fn try_from(text: String) -> Result<Self, SessionIdError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_path_goes_there_and_back() {
        let id = SessionId::from_bytes([0xa5; 16]);
        let path = id.object_path();
        assert_eq!(SessionId::from_object_path(path.as_str()), Ok(id));
        ObjectPath::try_from(path.as_str()).unwrap();
    }

    #[test]
    fn only_32_lower_case_hex_digits_are_an_id() {
        for text in ["", "a5", &"A5".repeat(16), &"g0".repeat(16), &"a5".repeat(17)] {
            assert!(text.parse::<SessionId>().is_err(), "{text}");
        }
    }
}
