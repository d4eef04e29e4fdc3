// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the state machine says is to be done.

use crate::alarms::{Alarm, AlarmKind};
use crate::fault::Fault;
use crate::medium::{Media, Medium};
use crate::state::Cause;

/// What to do, in the order given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Open a source and tell when it gives, or that it failed.
    OpenSource(Medium),
    /// Close a source, also what is left of one that failed. Nothing more is told of it.
    CloseSource(Medium),
    /// Open a session of these media and record into it.
    OpenSession {
        /// Which media.
        media: Media,
        /// Those of them whose sources do not give yet. They join when they do.
        absent: Media,
        /// Boot time at which it was asked for.
        pressed_ns: u64,
    },
    /// Record no more, write what is in flight, and tell when it is written. The sources stay open.
    EndRecording,
    /// Close the session.
    CloseSession(Cause),
    /// Enter that something is not recorded any more; a new segment begins.
    BeginInterruption {
        /// Its number in the session, from 1.
        number: u64,
        /// What it is put down to.
        fault: Fault,
        /// What is missing.
        media: Media,
        /// Boot time from which on it is missing.
        from_ns: u64,
        /// What happened.
        reason: String,
    },
    /// Enter that it is over; a new segment begins.
    EndInterruption {
        /// Its number in the session.
        number: u64,
        /// Boot time.
        to_ns: u64,
    },
    /// Enter that UTC was set.
    EnterClockStep {
        /// By how much.
        step_ns: i64,
    },
    /// Raise an alarm, or raise a standing one again with another detail.
    Raise(Alarm),
    /// The alarm is over.
    Quiet(AlarmKind),
    /// Answer that the recording began.
    AnswerStarted,
    /// Answer that it could not begin, to those who wait for the start and to those who wait for a stop.
    AnswerNotStarted(NotStarted),
    /// Answer that the recording is closed.
    AnswerStopped,
    /// Refuse the request.
    Refuse(Refusal),
    /// End the process.
    Exit,
}

/// Why a recording that was asked for did not begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotStarted {
    /// A source is missing.
    #[error("the {medium} source is missing: {reason}")]
    Source {
        /// Which.
        medium: Medium,
        /// What kind of failure.
        fault: Fault,
        /// What happened.
        reason: String,
    },
    /// The session could not be opened.
    #[error("the recording could not be opened: {0}")]
    Session(String),
    /// The storage failed, or is full.
    #[error("nothing can be stored: {0}")]
    Storage(String),
    /// Someone stopped it first.
    #[error("it was stopped before it began")]
    Stopped,
    /// The recorder is going down.
    #[error("the recorder is shutting down")]
    ShuttingDown,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The evidence is still being opened.
    #[error("the recorder is still starting")]
    NotReady,
    /// A session is open or being opened.
    #[error("a recording is already running; stop it first")]
    AlreadyRecording,
    /// No session is open.
    #[error("nothing is being recorded")]
    NotRecording,
    /// Neither picture nor sound is asked for.
    #[error("neither picture nor sound is to be recorded")]
    NoMedia,
    /// There is no room.
    #[error("the storage is full")]
    StorageFull,
    /// The recorder is going down.
    #[error("the recorder is shutting down")]
    ShuttingDown,
}

/// One step of the machine: when it is, and what it says is to be done.
pub(crate) struct Turn {
    pub(crate) now_ns: u64,
    pub(crate) effects: Vec<Effect>,
}

impl Turn {
    pub(crate) fn new(now_ns: u64) -> Turn {
        Turn { now_ns, effects: Vec::new() }
    }

    pub(crate) fn give(&mut self, effect: Effect) {
        self.effects.push(effect);
    }
}
