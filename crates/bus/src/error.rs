// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can go wrong with a request. The one place where a kind of error meets its D-Bus name and its process exit code.

use std::fmt;

use serde::{Deserialize, Serialize};
use zbus::message::{Header, Message};
use zbus::names::ErrorName;

const PREFIX: &str = "org.sealcam.Error.";

/// Exit code where no recorder, or no bus, answers.
pub const EXIT_NO_RECORDER: u8 = 20;
/// Exit code where the bus does not let the caller ask.
pub const EXIT_ACCESS_DENIED: u8 = 21;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $exit_code:literal,)*) => {
        /// The kinds of error that a request can meet.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ErrorKind {
            $($(#[$doc])* $kind,)*
        }

        impl ErrorKind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// The D-Bus error name.
            pub const fn dbus_name(self) -> &'static str {
                match self { $(Self::$kind => concat!("org.sealcam.Error.", stringify!($kind)),)* }
            }

            /// The exit code of a process that ends with this error.
            pub const fn exit_code(self) -> u8 {
                match self { $(Self::$kind => $exit_code,)* }
            }
        }
    };
}

kinds! {
    /// A session is open.
    AlreadyRecording = 10,
    /// No session is open.
    NotRecording = 11,
    /// An option is unknown, or has a wrong type or value.
    InvalidOption = 12,
    /// The camera or microphone is not there.
    DeviceMissing = 13,
    /// Another program holds the camera or microphone.
    DeviceBusy = 14,
    /// The camera or microphone is there and does not work.
    DeviceFailed = 15,
    /// None of the configured encoders works here.
    NoEncoder = 16,
    /// The evidence folder cannot be written or read.
    StorageFailed = 17,
    /// The recorder is stopping and takes no more requests.
    ShuttingDown = 18,
    /// A fault in the recorder itself.
    Internal = 19,
    /// A source is nothing that can be recorded: no MP4, no camera, no such track or format.
    SourceUnusable = 22,
    /// There is no such interruption.
    UnknownInterruption = 23,
    /// There is no such session.
    UnknownSession = 24,
}

impl ErrorKind {
    /// The kind that a D-Bus error name stands for.
    pub fn from_dbus_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.dbus_name() == name)
    }

    /// The last part of the D-Bus name.
    pub fn name(self) -> &'static str {
        self.dbus_name().trim_start_matches(PREFIX)
    }
}

/// An error as it goes over the bus: its kind and one line for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct BusError {
    kind: ErrorKind,
    message: String,
}

impl BusError {
    /// An error with its message, which is made one line if it is not.
    pub fn new(kind: ErrorKind, message: impl fmt::Display) -> Self {
        let message = message.to_string();
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        Self { kind, message }
    }

    /// An option that is not accepted: which, why, and what would be.
    pub fn invalid_option(option: &str, problem: &str, allowed: &str) -> Self {
        Self::new(ErrorKind::InvalidOption, format_args!("option {option:?} {problem}: {allowed}"))
    }

    /// A fault in the recorder itself.
    pub fn internal(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// The kind, which picks the D-Bus name and the exit code.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The line for people.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl zbus::DBusError for BusError {
    fn create_reply(&self, call: &Header<'_>) -> zbus::Result<Message> {
        Message::error(call, self.kind.dbus_name()).build(&(self.message.as_str(),))
    }

    fn name(&self) -> ErrorName<'_> {
        ErrorName::from_static_str_unchecked(self.kind.dbus_name())
    }

    fn description(&self) -> Option<&str> {
        Some(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_exit_codes_are_distinct_and_go_back() {
        let mut codes: Vec<u8> = ErrorKind::ALL.iter().map(|kind| kind.exit_code()).collect();
        codes.extend([EXIT_NO_RECORDER, EXIT_ACCESS_DENIED]);
        let count = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), count);
        assert!(codes.iter().all(|code| *code >= 10));
        for kind in ErrorKind::ALL {
            assert_eq!(ErrorKind::from_dbus_name(kind.dbus_name()), Some(*kind));
            ErrorName::try_from(kind.dbus_name()).unwrap();
        }
    }

    #[test]
    fn the_contract_names_each_error() {
        for kind in ErrorKind::ALL {
            assert!(crate::RECORDER_XML.contains(kind.dbus_name()), "{kind:?}");
        }
    }

    #[test]
    fn a_message_is_one_line() {
        assert_eq!(BusError::internal("a\n  b\tc").message(), "a b c");
    }
}
