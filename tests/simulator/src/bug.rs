// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bugs that can be planted, to prove that each invariant can be violated. Most sit between the machine and the world and
//! swallow or alter what is said; those of parts that the machine knows nothing of sit in the plan or in the part.

use crate::plan::{MS, Plan, SECOND};
use recorder::{AlarmKind, Effect, Input, Media, Medium, PerMedium, Rules, State};

/// What the machine says of a source that takes long.
const SLOW: &str = "it was opened and gives nothing yet";

/// Something that is wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A failed camera is not told to the machine.
    DeafToCamera,
    /// No interruption is entered.
    NoInterruption,
    /// An interruption is said to begin long after it did.
    LateInterruption,
    /// An interruption is said to begin long before it did.
    EarlyInterruption,
    /// An interruption never ends.
    EndlessInterruption,
    /// An interruption ends twice.
    DoubleEnd,
    /// No source is closed.
    NoClose,
    /// An alarm is not raised.
    NoAlarm(AlarmKind),
    /// A source that takes long to give is told only when it has failed.
    SlowUntold,
    /// A first storage that is full is taken for one that failed.
    FullIsFailed,
    /// The machine is not told that the daemon stood still.
    NoMissed,
    /// Who is absent when a session begins is not entered.
    NoAbsence,
    /// Absent sources are taken for present ones.
    AbsentTaken,
    /// The machine takes every source for one that is held.
    AllHeld,
    /// What was cut off does not go on.
    NoResume,
    /// What could not be opened when it was to go on is not tried again.
    NoSecondTry,
    /// What a cut left is entered as if it began with the recovery.
    LateHole,
    /// An alarm is not quiet when it should be.
    NoQuiet(AlarmKind),
    /// A source that failed is not opened again.
    NoRetry,
    /// A session is opened twice.
    TwoSessions,
    /// Whoever asked to record is not told that it did not begin.
    NoAnswerToStart,
    /// Whoever asked to stop is not answered.
    NoAnswerToStop,
    /// The recording ends with the stop, whatever the post-record.
    NoPostRecord,
    /// Something is done after the exit.
    BusyAfterExit,
    /// A chunk is announced when its write begins.
    AnnouncedEarly,
    /// What was synced is not all there after a cut.
    LyingStorage,
    /// A record skips a number.
    SkippedSeq,
    /// A record does not name the one before it.
    WrongPrev,
    /// The index misses an entry of the ledger.
    ForgetfulIndex,
    /// The outbox takes more than its bound.
    EndlessOutbox,
    /// A chunk is two seconds long.
    LongChunks,
    /// Frames are long on their way to the chunk.
    SlowFrames,
    /// A fragment disappears on its way to the disk.
    LeakingOutbox,
}

impl Bug {
    /// What the machine hears.
    pub(crate) fn input(self, input: Input) -> Option<Input> {
        match (self, &input) {
            (Bug::DeafToCamera, Input::SourceFailed { medium: Medium::Video, .. })
            | (Bug::NoMissed, Input::Missed { .. }) => None,
            (Bug::NoResume, Input::Ready { .. }) => Some(Input::Ready { resume: None }),
            (Bug::FullIsFailed, Input::StorageFellOver { is_full: true, .. }) => {
                Some(Input::StorageFellOver { is_full: false, reason: "the card is full".into() })
            }
            _ => Some(input),
        }
    }

    /// What the world hears of the machine's answer.
    pub(crate) fn effects(self, input: &Input, state: &State, effects: Vec<Effect>) -> Vec<Effect> {
        let mut effects: Vec<Effect> = effects.into_iter().filter_map(|effect| self.effect(input, effect)).collect();
        let ends = |effect: &&Effect| matches!(effect, Effect::EndInterruption { .. });
        match (self, state) {
            (Bug::DoubleEnd, _) => effects.extend(effects.iter().find(ends).cloned()),
            (Bug::TwoSessions, State::Degraded) => {
                effects.push(Effect::OpenSession { media: Media::BOTH, absent: Media::NONE, pressed_ns: 0 });
            }
            (Bug::BusyAfterExit, State::Down) => effects.push(Effect::OpenSource(Medium::Video)),
            _ => {}
        }
        effects
    }

    fn effect(self, input: &Input, effect: Effect) -> Option<Effect> {
        match (self, effect) {
            (Bug::NoRetry, Effect::OpenSource(_)) | (Bug::NoSecondTry, Effect::OpenSession { .. })
                if *input == Input::Tick =>
            {
                None
            }
            (Bug::NoInterruption, Effect::BeginInterruption { .. } | Effect::EndInterruption { .. }) => None,
            (Bug::LateInterruption, Effect::BeginInterruption { number, fault, media, from_ns, reason }) => {
                let from_ns = from_ns + 5 * SECOND;
                Some(Effect::BeginInterruption { number, fault, media, from_ns, reason })
            }
            (Bug::EarlyInterruption, Effect::BeginInterruption { number, fault, media, from_ns, reason }) => {
                let from_ns = from_ns.saturating_sub(5 * SECOND);
                Some(Effect::BeginInterruption { number, fault, media, from_ns, reason })
            }
            (Bug::NoAbsence, Effect::BeginInterruption { .. } | Effect::EndInterruption { .. })
                if *input == Input::Opened =>
            {
                None
            }
            (Bug::AbsentTaken, Effect::OpenSession { media, pressed_ns, .. }) => {
                Some(Effect::OpenSession { media, absent: Media::NONE, pressed_ns })
            }
            (Bug::NoClose, Effect::CloseSource(_)) => None,
            (Bug::EndlessInterruption, Effect::EndInterruption { .. }) => None,
            (Bug::NoAlarm(kind), Effect::Raise(alarm)) if alarm.kind == kind => None,
            (Bug::SlowUntold, Effect::Raise(alarm)) if alarm.detail == SLOW => None,
            (Bug::NoQuiet(kind), Effect::Quiet(quiet)) if quiet == kind => None,
            (Bug::NoAnswerToStart, Effect::AnswerNotStarted(_)) => None,
            (Bug::NoAnswerToStop, Effect::AnswerStopped) => None,
            (_, effect) => Some(effect),
        }
    }

    /// What the world is like.
    pub(crate) fn alter(self, plan: &mut Plan) {
        match self {
            Bug::LongChunks => plan.chunk_ns = 2 * SECOND,
            Bug::SlowFrames => plan.latency_ns = PerMedium { video: 360 * MS, audio: 360 * MS },
            _ => {}
        }
    }

    /// The rules that the machine goes by.
    pub(crate) fn rules(self, rules: &mut Rules) {
        match self {
            Bug::NoPostRecord => rules.post_ns = 0,
            Bug::AllHeld => rules.held = Media::BOTH,
            _ => {}
        }
    }
}
