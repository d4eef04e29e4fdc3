// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the recorder is doing, and why a session ends.

use std::fmt;

/// Why a session ends, as it is entered in the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Someone asked for it.
    Stop,
    /// The recorder is shut down.
    Shutdown,
    /// Every source came to its end.
    SourceEnded,
    /// Every source is gone, at least one by failure.
    SourceFailed,
    /// The storage does not take any more.
    StorageFailed,
    /// There is no room for more.
    StorageFull,
}

impl Cause {
    /// The word in the ledger (`docs/format.md`, session-end).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Stop => "stop",
            Cause::Shutdown => "shutdown",
            Cause::SourceEnded => "source-ended",
            Cause::SourceFailed => "source-failed",
            Cause::StorageFailed => "storage-failed",
            Cause::StorageFull => "storage-full",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the recorder is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The evidence is being opened.
    Starting,
    /// Ready.
    Standby,
    /// A recording is being opened: its sources, then its session.
    Opening,
    /// Every wanted medium is recorded.
    Recording,
    /// One of them is missing.
    Degraded,
    /// All of them are missing; the session is open.
    Interrupted,
    /// Someone stopped the recording and it goes on for a while, or what was in flight is still being written.
    Stopping(Cause),
    /// Everything is written; the session is being closed.
    Closing(Cause),
    /// The last session failed to be opened, stored or closed.
    Faulted(String),
    /// Nothing is open, and nothing will be any more.
    Down,
}

impl State {
    /// Its name (`docs/design/continuity.md`, states).
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            State::Starting => "starting",
            State::Standby => "standby",
            State::Opening => "opening",
            State::Recording => "recording",
            State::Degraded => "degraded",
            State::Interrupted => "interrupted",
            State::Stopping(_) => "stopping",
            State::Closing(_) => "closing",
            State::Faulted(_) => "faulted",
            State::Down => "down",
        }
    }
}

/// Where a recording is on its way: what [`State`] is told from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The evidence is being opened.
    #[default]
    Starting,
    /// No recording.
    Rest,
    /// Its sources are waited for.
    Waiting,
    /// Its session is being opened.
    Opening,
    /// It runs.
    Capturing,
    /// It was stopped and runs on until then.
    Post {
        /// Boot time.
        until_ns: u64,
    },
    /// What is in flight is being written.
    Draining(Cause),
    /// Its session is being closed.
    Closing(Cause),
    /// There will be none any more.
    Down,
}

impl Phase {
    /// Whether what the sources give goes into an open session.
    pub(crate) fn is_capturing(self) -> bool {
        matches!(self, Phase::Capturing | Phase::Post { .. })
    }

    /// Whether a recording runs or is to run, so that its sources are wanted.
    pub(crate) fn wants_sources(self) -> bool {
        self.is_capturing() || matches!(self, Phase::Waiting | Phase::Opening)
    }
}
