// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the recorder decides. State, input and time in, effects out: no clock, file, thread or bus. The daemon carries the
//! effects out, in their order, and feeds back what came of them. What holds is written in `docs/design/continuity.md`;
//! its diagram of the states is compared with this code by `tests/diagram.rs`.
//!
//! Times are boot time in nanoseconds. The sources run on their own: a start opens a session for what they give, a stop
//! ends it, and a source that goes in between leaves an interruption, not an end.
//!
//! What comes while the session is still being opened (a stop, a source that goes, a short replay that is over, a chunk
//! that could not be stored) is remembered, and acted on when it is open.

mod alarms;
mod capture;
mod conditions;
mod effect;
mod fault;
mod finish;
mod input;
mod interruptions;
mod medium;
mod rules;
mod sources;
mod start;
mod state;
mod storage;

pub use alarms::{Alarm, AlarmKind};
pub use conditions::OUTBOX;
pub use effect::{Effect, NotStarted, Refusal};
pub use fault::Fault;
pub use input::Input;
pub use medium::{Media, Medium, PerMedium};
pub use rules::Rules;
pub use state::{Cause, State};

use alarms::Alarms;
use effect::Turn;
use interruptions::Interruptions;
use sources::Sources;
use state::Phase;
use storage::Storage;

/// The state machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorder {
    rules: Rules,
    phase: Phase,
    recording: Recording,
    sources: Sources,
    alarms: Alarms,
    storage: Storage,
    trouble: Option<Trouble>,
    going_down: bool,
    /// Steps of UTC before the ledger was open, in all.
    early_step_ns: i64,
}

/// The recording that runs or is to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Recording {
    media: Media,
    pressed_ns: u64,
    /// It continues one that was cut off: nobody waits for its start, so it waits for its first source as long as it takes.
    is_resumed: bool,
    /// When it was ended; what came behind that is not part of it.
    ended_ns: Option<u64>,
    /// It could not be opened, and is to be tried again then.
    again_ns: Option<u64>,
    interruptions: Interruptions,
    early: Early,
}

/// What came while the session was being opened, and is acted on when it is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Early {
    is_stopped: bool,
    storage: Option<Cause>,
    /// Another storage took over.
    is_fallen_over: bool,
    is_drained: bool,
}

/// Why the recorder is faulted.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Trouble {
    reason: String,
    /// For want of room: over when there is room again.
    is_full: bool,
}

impl Recorder {
    /// A recorder whose evidence is still being opened.
    #[must_use]
    pub fn new(rules: Rules) -> Recorder {
        Recorder {
            rules,
            phase: Phase::default(),
            recording: Recording::default(),
            sources: Sources::default(),
            alarms: Alarms::default(),
            storage: Storage::default(),
            trouble: None,
            going_down: false,
            early_step_ns: 0,
        }
    }

    /// What the recorder is doing.
    #[must_use]
    pub fn state(&self) -> State {
        match self.phase {
            Phase::Starting => State::Starting,
            Phase::Rest => self.trouble.as_ref().map_or(State::Standby, |it| State::Faulted(it.reason.clone())),
            Phase::Waiting | Phase::Opening => State::Opening,
            Phase::Capturing => self.capturing(),
            Phase::Post { .. } => State::Stopping(Cause::Stop),
            Phase::Draining(cause) => State::Stopping(cause),
            Phase::Closing(cause) => State::Closing(cause),
            Phase::Down => State::Down,
        }
    }

    /// The alarms that stand, in the order in which they were raised.
    pub fn alarms(&self) -> impl Iterator<Item = &Alarm> {
        self.alarms.iter()
    }

    /// Why a start of these media would be refused now, if it would. One that is not refused may still not begin, for
    /// want of a source.
    #[must_use]
    pub fn refusal_of_start(&self, media: Media) -> Option<Refusal> {
        match self.phase {
            _ if self.going_down || self.phase == Phase::Down => Some(Refusal::ShuttingDown),
            Phase::Starting => Some(Refusal::NotReady),
            Phase::Rest if media.is_empty() => Some(Refusal::NoMedia),
            Phase::Rest if self.storage.is_full => Some(Refusal::StorageFull),
            Phase::Rest => None,
            _ => Some(Refusal::AlreadyRecording),
        }
    }

    /// When the recorder is to be given a `Tick` if nothing else happens before.
    #[must_use]
    pub fn next_wake_ns(&self) -> Option<u64> {
        let post_ns = match self.phase {
            Phase::Down => return None,
            Phase::Post { until_ns } => Some(until_ns),
            _ => None,
        };
        let others = [self.sources.next_wake_ns(), self.alarms.next_wake_ns(), self.storage.next_wake_ns()];
        others.into_iter().chain([post_ns, self.recording.again_ns]).flatten().min()
    }

    /// Takes what happened and says what to do.
    pub fn step(&mut self, now_ns: u64, input: Input) -> Vec<Effect> {
        let mut turn = Turn::new(now_ns);
        match self.phase {
            Phase::Down => refuse_when_down(&input, &mut turn),
            _ => {
                self.take(input, &mut turn);
                if self.phase != Phase::Down {
                    self.pass_time(&mut turn);
                }
            }
        }
        turn.effects
    }

    fn take(&mut self, input: Input, turn: &mut Turn) {
        match input {
            Input::Ready { resume } => self.ready(resume, turn),
            Input::Start { media } => self.start(media, turn),
            Input::Stop => self.stop(turn),
            Input::Shutdown => self.shutdown(turn),
            Input::SourceUp { medium } => self.source_up(medium, turn),
            Input::SourceFailed { medium, fault, reason, last_ns } => {
                self.source_failed(medium, fault, reason, last_ns, turn);
            }
            Input::SourceEnded { medium } => self.source_ended(medium, turn),
            Input::FrameRate { is_low, detail } => self.frame_rate(is_low, detail, turn),
            Input::Missed { medium, from_ns, to_ns } => self.missed(medium, from_ns, to_ns, turn),
            Input::Opened => self.opened(turn),
            Input::OpenFailed { reason, is_fault } => self.open_failed(reason, is_fault, turn),
            Input::Drained => self.drained(turn),
            Input::Closed => self.closed(turn),
            Input::CloseFailed(reason) => self.close_failed(reason, turn),
            Input::StorageFailed { is_full, reason } => self.storage_failed(is_full, reason, turn),
            Input::StorageFellOver { is_full, reason } => self.storage_fell_over(is_full, reason, turn),
            Input::SecondStorageMissing { reason } => self.second_storage_missing(&reason, turn),
            Input::StorageStalled => self.storage_stalled(turn),
            Input::StorageMoved => self.storage_moved(turn),
            Input::Space { free_bytes, bytes_per_s } => self.space(free_bytes, bytes_per_s, turn),
            Input::Dropped { queue, count } => self.dropped(queue, count, turn),
            Input::ClockStepped { step_ns } => self.clock_stepped(step_ns, turn),
            Input::Slept { asleep_ns } => self.slept(asleep_ns, turn),
            Input::Battery { percent, is_discharging } => self.battery(percent, is_discharging, turn),
            Input::Tick => {}
        }
    }

    /// Does what is due by now.
    fn pass_time(&mut self, turn: &mut Turn) {
        self.open_again(turn);
        self.resume_again(turn);
        self.keep_up(turn);
        self.alarms.pass_time(turn);
        if let Phase::Post { until_ns } = self.phase
            && until_ns <= turn.now_ns
        {
            self.end(Cause::Stop, turn);
        }
    }

    /// Where the recorder comes to rest when no session is open.
    fn rest(&mut self, turn: &mut Turn) {
        self.recording = Recording::default();
        self.phase = Phase::Rest;
        if self.going_down {
            Medium::ALL.into_iter().for_each(|medium| self.close_source(medium, turn));
            self.phase = Phase::Down;
            turn.give(Effect::Exit);
        }
    }
}

fn refuse_when_down(input: &Input, turn: &mut Turn) {
    match input {
        Input::Start { .. } => turn.give(Effect::Refuse(Refusal::ShuttingDown)),
        Input::Stop => turn.give(Effect::Refuse(Refusal::NotRecording)),
        _ => {}
    }
}
