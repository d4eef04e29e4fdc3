// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a command failed: its exit code, and its line in the user's language.

use std::io;
use std::path::PathBuf;

use bus::{BusError, ClientError, ErrorKind};
use evidence::history::HistoryError;
use evidence::verify::VerifyError;
use store::StoreError;
use store::check::CheckError;

use crate::exit::Exit;
use crate::text::Lang;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The recorder or the bus.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No session has this id.
    #[error("no session {wanted}")]
    NoSession {
        /// What was asked for.
        wanted: String,
    },
    /// Several sessions have this beginning.
    #[error("{wanted} is the beginning of several sessions: {matches}")]
    AmbiguousSession {
        /// What was asked for.
        wanted: String,
        /// The ids, with commas.
        matches: String,
    },
    /// No interruption has this id.
    #[error("no interruption {wanted}")]
    NoInterruption {
        /// What was asked for.
        wanted: String,
    },
    /// Several interruptions have this beginning.
    #[error("{wanted} is the beginning of several interruptions: {matches}")]
    AmbiguousInterruption {
        /// What was asked for.
        wanted: String,
        /// The ids, with commas.
        matches: String,
    },
    /// A file or folder.
    #[error("{path}: {source}", path = path.display())]
    Path {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Standard output.
    #[error("standard output: {0}")]
    Output(#[source] io::Error),
    /// The runtime of the program.
    #[error("the program cannot run: {0}")]
    Runtime(#[source] io::Error),
    /// A file that was given as one of public keys and is something else.
    #[error("{path}: this is no key history", path = path.display())]
    NoHistory {
        /// Which.
        path: PathBuf,
    },
    /// A file of public keys that cannot be used.
    #[error("{path}: {source}", path = path.display())]
    History {
        /// Which.
        path: PathBuf,
        /// Why.
        source: HistoryError,
    },
    /// Recorded files cannot be read.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// Ledger or index.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Files or index.
    #[error(transparent)]
    Check(#[from] CheckError),
}

impl CommandError {
    /// How the program ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Client(error) => error.into(),
            Self::NoInterruption { .. } => Exit::Bus(ErrorKind::UnknownInterruption.exit_code()),
            _ => Exit::Failure,
        }
    }

    /// A word for programs.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Client(ClientError::Recorder(error)) => error.kind().name(),
            Self::Client(ClientError::NoBus { .. } | ClientError::NoRecorder { .. }) => "NoRecorder",
            Self::Client(ClientError::AccessDenied { .. }) => "AccessDenied",
            Self::Client(ClientError::UnknownSession(_)) | Self::NoSession { .. } => "NoSession",
            Self::AmbiguousSession { .. } => "AmbiguousSession",
            Self::NoInterruption { .. } => ErrorKind::UnknownInterruption.name(),
            Self::AmbiguousInterruption { .. } => "AmbiguousInterruption",
            _ => "Failure",
        }
    }

    /// The line for people.
    pub(crate) fn text(&self, lang: Lang) -> String {
        match self {
            Self::Client(error) => client_text(error, lang),
            Self::NoSession { wanted } => lang.no_session(wanted),
            Self::AmbiguousSession { wanted, matches } => lang.ambiguous_session(wanted, matches),
            Self::NoInterruption { wanted } => lang.no_interruption(wanted),
            Self::AmbiguousInterruption { wanted, matches } => lang.ambiguous_interruption(wanted, matches),
            Self::Path { path, source } => lang.path_failed(path.display(), source),
            Self::Output(source) => lang.output_failed(source),
            Self::Runtime(source) => lang.runtime_failed(source),
            Self::NoHistory { path } => lang.no_history(path.display()),
            Self::History { path, source } => lang.history_failed(path.display(), source),
            // These come from the libraries, in English, with the path that they concern.
            Self::Verify(error) => error.to_string(),
            Self::Store(error) => error.to_string(),
            Self::Check(error) => error.to_string(),
        }
    }

    /// Whether whoever reads the output has gone, so that there is nobody to tell.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

fn client_text(error: &ClientError, lang: Lang) -> String {
    match error {
        ClientError::Recorder(error) => recorder_text(error, lang),
        ClientError::NoBus { address, reason } => lang.no_bus(address, reason),
        ClientError::NoRecorder { address } => lang.no_recorder(address),
        ClientError::AccessDenied { address, source } => lang.access_denied(address, source),
        ClientError::UnknownSession(session) => lang.no_session(session),
        ClientError::Answer(reason) => lang.bad_answer(reason),
        ClientError::Bus { address, source } => lang.bus_failed(address, source),
    }
}

fn recorder_text(error: &BusError, lang: Lang) -> String {
    let message = error.message();
    match error.kind() {
        ErrorKind::AlreadyRecording => lang.already_recording(message),
        ErrorKind::NotRecording => lang.not_recording(message),
        ErrorKind::InvalidOption => lang.invalid_option(message),
        ErrorKind::DeviceMissing => lang.device_missing(message),
        ErrorKind::DeviceBusy => lang.device_busy(message),
        ErrorKind::DeviceFailed => lang.device_failed(message),
        ErrorKind::NoEncoder => lang.no_encoder(message),
        ErrorKind::StorageFailed => lang.storage_failed(message),
        ErrorKind::ShuttingDown => lang.shutting_down(message),
        ErrorKind::Internal => lang.internal(message),
        ErrorKind::SourceUnusable => lang.source_unusable(message),
        ErrorKind::UnknownInterruption => lang.unknown_interruption(message),
        ErrorKind::UnknownSession => lang.unknown_session(message),
    }
}
