// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which bus to use.

use std::fmt;
use std::str::FromStr;

use zbus::connection::{Builder, Connection};

/// A message bus: the system's, the login session's, or one by its D-Bus address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum BusAddress {
    /// The system bus.
    #[default]
    System,
    /// The bus of the login session.
    Session,
    /// A bus by its address, such as `unix:path=/run/sealcam/bus`.
    Address(String),
}

/// Not an address of a bus.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} is no bus: allowed are system, session, or a D-Bus address such as unix:path=/run/bus ({reason})")]
pub struct BusAddressError {
    text: String,
    reason: String,
}

impl BusAddress {
    /// Connects to this bus, or says why that cannot be.
    pub(crate) async fn connect(&self) -> Result<Connection, String> {
        let builder = match self {
            Self::System => Builder::system(),
            Self::Session => Builder::session(),
            Self::Address(address) => Builder::address(address.as_str()),
        };
        builder.build().await.map_err(|error| self.reason(&error))
    }

    /// What an error adds to the name of the bus.
    fn reason(&self, error: &zbus::Error) -> String {
        match (self, error) {
            (Self::Address(_), zbus::Error::Connection(reason, _)) => reason.to_string(),
            (_, zbus::Error::Connection(reason, place)) => format!("{place}: {reason}"),
            (_, error) => error.to_string(),
        }
    }
}

impl FromStr for BusAddress {
    type Err = BusAddressError;

    fn from_str(text: &str) -> Result<Self, BusAddressError> {
        match text {
            "system" => Ok(Self::System),
            "session" => Ok(Self::Session),
            address => zbus::Address::from_str(address)
                .map(|_| Self::Address(address.to_owned()))
                .map_err(|error| BusAddressError { text: text.to_owned(), reason: error.to_string() }),
        }
    }
}

impl fmt::Display for BusAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "system",
            Self::Session => "session",
            Self::Address(address) => address,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_addresses_go_there_and_back() {
        for text in ["system", "session", "unix:path=/run/bus"] {
            assert_eq!(text.parse::<BusAddress>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_refused_with_what_is_allowed() {
        let error = "sytem".parse::<BusAddress>().unwrap_err().to_string();
        assert!(error.contains("sytem") && error.contains("allowed are system, session"), "{error}");
    }
}
