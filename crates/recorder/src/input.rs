// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the state machine is told.

use crate::fault::Fault;
use crate::medium::{Media, Medium};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The evidence is open.
    Ready {
        /// What the recording that a power cut or crash ended was recording, if it is to go on in a new session.
        resume: Option<Media>,
    },
    /// Someone asks to record.
    Start {
        /// What.
        media: Media,
    },
    /// Someone asks to stop.
    Stop,
    /// The recorder is to go down.
    Shutdown,
    /// A source gave its first frame since it was opened.
    SourceUp {
        /// Which.
        medium: Medium,
    },
    /// A source failed, fell silent, or could not be opened. Nothing follows from it until it is opened again.
    SourceFailed {
        /// Which.
        medium: Medium,
        /// What an interruption is put down to.
        fault: Fault,
        /// What happened.
        reason: String,
        /// Boot time at which its last frame ended, if it gave any.
        last_ns: Option<u64>,
    },
    /// A source came to its end, as replays do.
    SourceEnded {
        /// Which.
        medium: Medium,
    },
    /// The camera's rate was measured.
    FrameRate {
        /// Whether it is too low.
        is_low: bool,
        /// What was measured.
        detail: String,
    },
    /// The session is open.
    Opened,
    /// It is not.
    OpenFailed {
        /// Why.
        reason: String,
        /// Whether it is the recorder's own fault, not that of the request or a device.
        is_fault: bool,
    },
    /// A source that did not fail gave nothing for a while, and gives again: the recorder did not run.
    Missed {
        /// Which.
        medium: Medium,
        /// Boot time at which its last frame before that ended.
        from_ns: u64,
        /// Boot time of its first frame behind that.
        to_ns: u64,
    },
    /// The last fragment was written.
    Drained,
    /// The session is closed and in the ledger.
    Closed,
    /// The session could not be closed.
    CloseFailed(String),
    /// A chunk could not be stored, or nothing can be.
    StorageFailed {
        /// Whether for want of room.
        is_full: bool,
        /// What happened.
        reason: String,
    },
    /// A storage failed and another has taken over; nothing is lost.
    StorageFellOver {
        /// Whether for want of room.
        is_full: bool,
        /// What happened to the first.
        reason: String,
    },
    /// A second storage is configured and cannot be used.
    SecondStorageMissing {
        /// Why.
        reason: String,
    },
    /// A write has not returned for a second.
    StorageStalled,
    /// It has.
    StorageMoved,
    /// How much room there is.
    Space {
        /// Bytes that are free.
        free_bytes: u64,
        /// Bytes that a recording takes in a second; 0 if that is not known.
        bytes_per_s: u64,
    },
    /// A queue was full and what should have gone into it is lost. Told at once, and while it goes on at least twice a
    /// second.
    Dropped {
        /// The queue's name; `OUTBOX` if media of a recording are lost.
        queue: &'static str,
        /// How many of what it holds.
        count: u64,
    },
    /// UTC was set.
    ClockStepped {
        /// By how much; negative: back.
        step_ns: i64,
    },
    /// The machine slept and is awake again.
    Slept {
        /// How long.
        asleep_ns: u64,
    },
    /// The battery was read.
    Battery {
        /// How full it is.
        percent: u8,
        /// Whether it is giving power.
        is_discharging: bool,
    },
    /// Nothing but time passed (`Recorder::next_wake_ns`).
    Tick,
}
