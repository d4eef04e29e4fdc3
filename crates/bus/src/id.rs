// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ids, and the object paths made of those of sessions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use zbus::{ObjectPath, OwnedObjectPath};

const SESSIONS_PREFIX: &str = "/org/sealcam/Recorder1/session/";

/// Not an id of its kind, or not the path of a session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {kind}: allowed are 32 lower-case hex digits")]
pub struct IdError {
    text: String,
    kind: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $kind:literal,)*) => { $(
        $(#[$doc])*
        ///
        /// 16 bytes, written as 32 lower-case hex digits.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name([u8; 16]);

        impl $name {
            /// An id of its bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The bytes of the id.
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0
            }

            fn error(text: &str) -> IdError {
                IdError { text: text.to_owned(), kind: $kind }
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let mut bytes = [0; 16];
                let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
                match hex::decode_to_slice(text, &mut bytes) {
                    Ok(()) if lower => Ok(Self(bytes)),
                    _ => Err(Self::error(text)),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }
    )* };
}

ids! {
    /// The id of a session.
    SessionId = "session",
    /// The id of an interruption.
    InterruptionId = "interruption",
    /// The kernel's id of a boot.
    BootId = "boot",
}

impl SessionId {
    /// The object of the session on the bus.
    pub fn object_path(self) -> OwnedObjectPath {
        // Hex digits and a constant prefix always make a valid path.
        ObjectPath::from_string_unchecked(format!("{SESSIONS_PREFIX}{self}")).into()
    }

    /// The session that an object on the bus stands for.
    pub fn from_object_path(path: &str) -> Result<Self, IdError> {
        path.strip_prefix(SESSIONS_PREFIX).ok_or_else(|| Self::error(path))?.parse()
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

    #[test]
    fn an_error_says_what_it_should_have_been() {
        let error = "a5".parse::<InterruptionId>().unwrap_err().to_string();
        assert_eq!(error, "\"a5\" is no interruption: allowed are 32 lower-case hex digits");
    }
}
