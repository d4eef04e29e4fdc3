// SPDX-License-Identifier: MIT OR Apache-2.0
//! What must hold. The watch sees what happens in the world and what the machine says, and notes the first thing that is
//! not as it must be. It knows nothing of how the machine decides.

mod alarms;
mod answers;
mod coverage;
mod hole;
mod losses;
mod resume;
mod sessions;

pub(crate) use alarms::AlarmWatch;
pub(crate) use answers::AnswerWatch;
pub(crate) use coverage::{Claim, CoverageWatch};
pub(crate) use hole::HoleWatch;
pub(crate) use losses::Held;
pub use losses::{Losses, Worst};
pub(crate) use resume::ResumeWatch;
pub(crate) use sessions::SessionWatch;

use crate::plan::SECOND;

/// Within which an alarm is to be raised.
pub(crate) const ALARM_NS: u64 = 3 * SECOND;

/// What must hold at every step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invariant {
    /// What is announced is durable, and still there after a cut.
    AnnouncedIsDurable,
    /// Every second of a session is recorded or lies in an interruption, for each medium; the tolerance is a chunk and the
    /// time after which a source counts as silent.
    Covered,
    /// What a daemon that stood still missed lies in an interruption that is put down to it.
    Standstill,
    /// What does not give when a session begins lies in an interruption from its start on.
    Absent,
    /// What a cut left lies in an interruption from the last durable frame to the recovery.
    CutCovered,
    /// No interruption speaks of what was recorded, with the same tolerance.
    Truthful,
    /// Interruptions are entered in pairs and in order, and none is open when the session is closed.
    Paired,
    /// Records and entries form unbroken chains.
    Chain,
    /// The index is what ledger and files give.
    LedgerAndIndex,
    /// No queue holds more than its bound.
    Bounded,
    /// Each alarm is raised within 3 s of its fault.
    AlarmInTime,
    /// Each alarm is quiet again when its fault is over, and raised once until then.
    AlarmQuiet,
    /// No alarm is raised without its fault.
    AlarmTrue,
    /// A cut costs no more than a second, but for what the storage held back.
    CutLoss,
    /// The median of all losses is 0.6 s at most.
    CutMedian,
    /// A recording that was cut off goes on as soon as one of its sources could give, and the wait for the other.
    Resumed,
    /// It loses no more of a source that gives than the wait for the other, less what the ring holds.
    ResumeLoss,
    /// Sessions never overlap.
    OneSession,
    /// Nothing is done after the exit.
    NothingAfterExit,
    /// Whoever asks is answered.
    Answered,
    /// A source whose device is well again is opened again.
    Rejoin,
    /// A source that nobody wants is closed.
    LeftOpen,
    /// The recording goes on after the stop as long as it is to.
    PostRecord,
}

impl Invariant {
    /// All of them.
    pub const ALL: [Invariant; 23] = [
        Invariant::AnnouncedIsDurable,
        Invariant::Covered,
        Invariant::Standstill,
        Invariant::Absent,
        Invariant::CutCovered,
        Invariant::Truthful,
        Invariant::Paired,
        Invariant::Chain,
        Invariant::LedgerAndIndex,
        Invariant::Bounded,
        Invariant::AlarmInTime,
        Invariant::AlarmQuiet,
        Invariant::AlarmTrue,
        Invariant::CutLoss,
        Invariant::CutMedian,
        Invariant::Resumed,
        Invariant::ResumeLoss,
        Invariant::OneSession,
        Invariant::NothingAfterExit,
        Invariant::Answered,
        Invariant::Rejoin,
        Invariant::LeftOpen,
        Invariant::PostRecord,
    ];

    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Invariant::AnnouncedIsDurable => "announced-is-durable",
            Invariant::Covered => "covered",
            Invariant::Standstill => "standstill",
            Invariant::Absent => "absent",
            Invariant::CutCovered => "cut-covered",
            Invariant::Truthful => "truthful",
            Invariant::Paired => "paired",
            Invariant::Chain => "chain",
            Invariant::LedgerAndIndex => "ledger-and-index",
            Invariant::Bounded => "bounded",
            Invariant::AlarmInTime => "alarm-in-time",
            Invariant::AlarmQuiet => "alarm-quiet",
            Invariant::AlarmTrue => "alarm-true",
            Invariant::CutLoss => "cut-loss",
            Invariant::CutMedian => "cut-median",
            Invariant::Resumed => "resumed",
            Invariant::ResumeLoss => "resume-loss",
            Invariant::OneSession => "one-session",
            Invariant::NothingAfterExit => "nothing-after-exit",
            Invariant::Answered => "answered",
            Invariant::Rejoin => "rejoin",
            Invariant::LeftOpen => "left-open",
            Invariant::PostRecord => "post-record",
        }
    }
}

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What does not hold.
    pub invariant: Invariant,
    /// When it was seen, from the beginning of the world.
    pub at_ns: u64,
    /// What was seen.
    pub detail: String,
}

/// What a part of the watch says of what it was shown.
pub(crate) type Verdict = Result<(), (Invariant, String)>;

/// Fails with the invariant unless it holds.
pub(crate) fn must(holds: bool, invariant: Invariant, detail: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err((invariant, detail())) }
}
