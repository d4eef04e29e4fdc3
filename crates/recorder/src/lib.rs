// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the recorder decides. State and input in, effects out: no clock, file, thread or bus. The daemon carries the
//! effects out and feeds back what came of them.
//!
//! ```text
//!            Start                 Opened               Stop, Shutdown, StorageFailed
//!  standby ────────► starting ────────────► recording ──────────────────────────────► stopping
//!     ▲                 │  OpenFailed           │ Drained (sources ended)                │ Drained
//!     │◄────────────────┘                       └──────────────► closing ◄───────────────┘
//!     │◄──────────────────────────────────────────────────────────┘ Closed
//! ```
//! A session that could not be stored, opened or closed leaves the recorder faulted; another Start tries again.
//!
//! The sources run before Opened is told, so a short replay may be drained, and a first chunk may fail to be stored,
//! while the machine is still starting. It remembers, and acts when it is told Opened.

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
    /// Ready.
    Standby,
    /// Sources are being opened, then the session.
    Starting,
    /// A session is being recorded.
    Recording,
    /// Sources are being closed; what they gave is still being written.
    Stopping(Cause),
    /// Everything is written; the session is being closed.
    Closing(Cause),
    /// The last session failed to be opened, stored or closed.
    Faulted(String),
    /// Nothing is open, and nothing will be any more.
    Down,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Someone asks to record.
    Start,
    /// Sources and session are open.
    Opened,
    /// They are not.
    OpenFailed {
        /// Why.
        reason: String,
        /// Whether it is the recorder's own fault, not that of the request or a device.
        is_fault: bool,
    },
    /// Someone asks to stop.
    Stop,
    /// A source failed while recording.
    SourceFailed,
    /// A chunk could not be stored, or nothing can be.
    StorageFailed(String),
    /// The last fragment was written.
    Drained,
    /// The session is closed and in the ledger.
    Closed,
    /// The session could not be closed.
    CloseFailed(String),
    /// The recorder is to go down.
    Shutdown,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Open the sources and, when they give, the session.
    Open,
    /// Close the sources; they drain.
    CloseSources,
    /// Close the session.
    CloseSession(Cause),
    /// Answer that the recording began.
    AnswerStarted,
    /// Answer that it could not begin, to those who wait for the start and to those who wait for a stop.
    AnswerNotStarted,
    /// Answer that the recording is closed.
    AnswerStopped,
    /// Refuse the request.
    Refuse(Refusal),
    /// End the process.
    Exit,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A session is open or being opened.
    #[error("a recording is already running; stop it first")]
    AlreadyRecording,
    /// No session is open.
    #[error("nothing is being recorded")]
    NotRecording,
    /// The recorder is going down.
    #[error("the recorder is shutting down")]
    ShuttingDown,
}

/// The state machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorder {
    state: State,
    fault: Option<String>,
    early: Early,
    source_failed: bool,
    going_down: bool,
}

/// What came while starting, and is acted on when the session is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Early {
    stop_wanted: bool,
    storage_failed: bool,
    drained: bool,
}

impl Default for Recorder {
    fn default() -> Recorder {
        let early = Early::default();
        Recorder { state: State::Standby, fault: None, early, source_failed: false, going_down: false }
    }
}

impl Recorder {
    /// What the recorder is doing.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Takes what happened and says what to do.
    pub fn step(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::Start => self.start(),
            Input::Opened => self.opened(),
            Input::OpenFailed { reason, is_fault } => self.open_failed(reason, is_fault),
            Input::Stop => self.stop(),
            Input::SourceFailed => self.source_failed(),
            Input::StorageFailed(reason) => self.storage_failed(reason),
            Input::Drained => self.drained(),
            Input::Closed => self.closed(),
            Input::CloseFailed(reason) => self.close_failed(reason),
            Input::Shutdown => self.shutdown(),
        }
    }

    fn start(&mut self) -> Vec<Effect> {
        match self.state {
            _ if self.going_down => vec![Effect::Refuse(Refusal::ShuttingDown)],
            State::Standby | State::Faulted(_) => {
                (self.state, self.fault) = (State::Starting, None);
                (self.source_failed, self.early) = (false, Early::default());
                vec![Effect::Open]
            }
            State::Down => vec![Effect::Refuse(Refusal::ShuttingDown)],
            _ => vec![Effect::Refuse(Refusal::AlreadyRecording)],
        }
    }

    fn opened(&mut self) -> Vec<Effect> {
        if self.state != State::Starting {
            return Vec::new();
        }
        self.state = State::Recording;
        let closed = self.early_cause().map(|cause| self.close_sources(cause)).unwrap_or_default();
        let drained = if self.early.drained { self.drained() } else { Vec::new() };
        [vec![Effect::AnswerStarted], closed, drained].concat()
    }

    /// Why the session is to end as soon as it is open, if it is.
    fn early_cause(&self) -> Option<Cause> {
        match () {
            () if self.early.storage_failed => Some(Cause::StorageFailed),
            () if self.going_down => Some(Cause::Shutdown),
            () if self.early.stop_wanted => Some(Cause::Stop),
            () => None,
        }
    }

    fn open_failed(&mut self, reason: String, is_fault: bool) -> Vec<Effect> {
        if self.state != State::Starting {
            return Vec::new();
        }
        self.fault = is_fault.then_some(reason);
        [vec![Effect::AnswerNotStarted], self.rest()].concat()
    }

    fn stop(&mut self) -> Vec<Effect> {
        match self.state {
            State::Recording => self.close_sources(Cause::Stop),
            State::Starting => {
                self.early.stop_wanted = true;
                Vec::new()
            }
            // Whoever asks now wants what is already under way, and hears when it is done.
            State::Stopping(_) | State::Closing(_) => Vec::new(),
            _ => vec![Effect::Refuse(Refusal::NotRecording)],
        }
    }

    fn source_failed(&mut self) -> Vec<Effect> {
        self.source_failed = true;
        Vec::new()
    }

    fn storage_failed(&mut self, reason: String) -> Vec<Effect> {
        self.fault.get_or_insert(reason);
        match self.state {
            State::Standby | State::Faulted(_) => self.rest(),
            State::Recording => self.close_sources(Cause::StorageFailed),
            State::Stopping(_) => {
                self.state = State::Stopping(Cause::StorageFailed);
                Vec::new()
            }
            State::Starting => {
                self.early.storage_failed = true;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn close_sources(&mut self, cause: Cause) -> Vec<Effect> {
        self.state = State::Stopping(cause);
        vec![Effect::CloseSources]
    }

    fn drained(&mut self) -> Vec<Effect> {
        let cause = match self.state {
            State::Stopping(cause) => cause,
            State::Recording if self.source_failed => Cause::SourceFailed,
            State::Recording => Cause::SourceEnded,
            State::Starting => {
                self.early.drained = true;
                return Vec::new();
            }
            _ => return Vec::new(),
        };
        self.state = State::Closing(cause);
        vec![Effect::CloseSession(cause)]
    }

    fn closed(&mut self) -> Vec<Effect> {
        match self.state {
            State::Closing(_) => [vec![Effect::AnswerStopped], self.rest()].concat(),
            _ => Vec::new(),
        }
    }

    fn close_failed(&mut self, reason: String) -> Vec<Effect> {
        self.fault.get_or_insert(reason);
        self.closed()
    }

    fn shutdown(&mut self) -> Vec<Effect> {
        self.going_down = true;
        match self.state {
            State::Recording => self.close_sources(Cause::Shutdown),
            State::Standby | State::Faulted(_) => self.rest(),
            _ => Vec::new(),
        }
    }

    /// Where the recorder comes to rest when no session is open.
    fn rest(&mut self) -> Vec<Effect> {
        if self.going_down {
            self.state = State::Down;
            return vec![Effect::Exit];
        }
        self.state = self.fault.clone().map_or(State::Standby, State::Faulted);
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(inputs: &[Input]) -> (Recorder, Vec<Effect>) {
        let mut recorder = Recorder::default();
        let effects = inputs.iter().flat_map(|input| recorder.step(input.clone())).collect();
        (recorder, effects)
    }

    #[test]
    fn a_recording_from_button_to_ledger() {
        let (recorder, effects) = run(&[Input::Start, Input::Opened, Input::Stop, Input::Drained, Input::Closed]);
        let expected = [
            Effect::Open,
            Effect::AnswerStarted,
            Effect::CloseSources,
            Effect::CloseSession(Cause::Stop),
            Effect::AnswerStopped,
        ];
        assert_eq!(effects, expected);
        assert_eq!(recorder.state(), &State::Standby);
    }

    #[test]
    fn a_shutdown_closes_the_recording_before_the_process_ends() {
        let (recorder, effects) = run(&[Input::Start, Input::Opened, Input::Shutdown, Input::Drained, Input::Closed]);
        assert_eq!(effects[3..], [Effect::CloseSession(Cause::Shutdown), Effect::AnswerStopped, Effect::Exit]);
        assert_eq!(recorder.state(), &State::Down);
    }

    #[test]
    fn storage_that_fails_is_the_cause_even_while_stopping() {
        let failed = Input::StorageFailed("full".into());
        let (recorder, effects) =
            run(&[Input::Start, Input::Opened, Input::Stop, failed, Input::Drained, Input::Closed]);
        assert!(effects.contains(&Effect::CloseSession(Cause::StorageFailed)));
        assert_eq!(recorder.state(), &State::Faulted("full".into()));
    }

    #[test]
    fn a_replay_that_is_over_before_its_session_is_open_is_closed() {
        let (recorder, effects) = run(&[Input::Start, Input::Drained, Input::Opened, Input::Closed]);
        let expected =
            [Effect::Open, Effect::AnswerStarted, Effect::CloseSession(Cause::SourceEnded), Effect::AnswerStopped];
        assert_eq!(effects, expected);
        assert_eq!(recorder.state(), &State::Standby);
    }

    #[test]
    fn a_chunk_that_fails_before_its_session_is_open_ends_it() {
        let failed = Input::StorageFailed("full".into());
        let (recorder, effects) = run(&[Input::Start, failed, Input::Opened, Input::Drained, Input::Closed]);
        assert_eq!(effects[2..4], [Effect::CloseSources, Effect::CloseSession(Cause::StorageFailed)]);
        assert_eq!(recorder.state(), &State::Faulted("full".into()));
    }

    #[test]
    fn what_came_early_is_forgotten_with_the_recording_that_did_not_begin() {
        let not = Input::OpenFailed { reason: "no camera".into(), is_fault: false };
        let (recorder, _) = run(&[Input::Start, Input::Drained, Input::Stop, not, Input::Start, Input::Opened]);
        assert_eq!(recorder.state(), &State::Recording);
    }

    #[test]
    fn storage_that_takes_nothing_is_a_fault_before_any_start() {
        let (recorder, effects) = run(&[Input::StorageFailed("full".into())]);
        assert_eq!((recorder.state(), effects), (&State::Faulted("full".into()), Vec::new()));
        let (recorder, _) = run(&[Input::StorageFailed("full".into()), Input::Start, Input::Opened]);
        assert_eq!(recorder.state(), &State::Recording);
    }

    fn any_input() -> impl Strategy<Value = Input> {
        prop_oneof![
            Just(Input::Start),
            Just(Input::Opened),
            any::<bool>().prop_map(|is_fault| Input::OpenFailed { reason: "x".into(), is_fault }),
            Just(Input::Stop),
            Just(Input::SourceFailed),
            Just(Input::StorageFailed("x".into())),
            Just(Input::Drained),
            Just(Input::Closed),
            Just(Input::CloseFailed("x".into())),
            Just(Input::Shutdown),
        ]
    }

    /// What may come at any time without ending a session by itself.
    fn any_other() -> impl Strategy<Value = Input> {
        prop_oneof![Just(Input::Start), Just(Input::Stop), Just(Input::SourceFailed), Just(Input::Shutdown)]
    }

    proptest! {
        /// Whatever else comes, and in whatever order: a session that is open and drained is being closed, one whose
        /// storage failed has its sources closed, and when it is closed the recorder is at rest.
        #[test]
        fn a_session_that_cannot_go_on_comes_to_its_end(
            inputs in Just(vec![Input::Opened, Input::Drained]).prop_shuffle(),
            storage in prop::option::of(0..3_usize),
            others in prop::collection::vec((0..4_usize, any_other()), 0..6),
        ) {
            let mut inputs = inputs;
            storage.into_iter().for_each(|at| inputs.insert(at.min(inputs.len()), Input::StorageFailed("x".into())));
            others.into_iter().for_each(|(at, other)| inputs.insert(at.min(inputs.len()), other));
            let (mut recorder, _) = run(&[Input::Start]);
            let effects: Vec<Effect> = inputs.iter().flat_map(|input| recorder.step(input.clone())).collect();
            let closing = effects.iter().position(|effect| matches!(effect, Effect::CloseSession(_)));
            prop_assert!(matches!(recorder.state(), State::Closing(_)) && closing.is_some(), "{recorder:?}");
            let for_its_storage = effects.contains(&Effect::CloseSession(Cause::StorageFailed));
            prop_assert!(!for_its_storage || effects.contains(&Effect::CloseSources));
            recorder.step(Input::Closed);
            let at_rest = matches!(recorder.state(), State::Standby | State::Faulted(_) | State::Down);
            prop_assert!(at_rest, "{recorder:?}");
            prop_assert!(storage.is_none() || *recorder.state() != State::Standby, "{recorder:?}");
        }

        /// A session whose storage failed is not left running, whether it was open by then or not.
        #[test]
        fn storage_that_fails_closes_the_sources(
            inputs in Just(vec![Input::Opened, Input::StorageFailed("x".into())]).prop_shuffle(),
            others in prop::collection::vec((0..3_usize, any_other()), 0..6),
        ) {
            let mut inputs = inputs;
            others.into_iter().for_each(|(at, other)| inputs.insert(at.min(inputs.len()), other));
            let (mut recorder, _) = run(&[Input::Start]);
            let effects: Vec<Effect> = inputs.iter().flat_map(|input| recorder.step(input.clone())).collect();
            prop_assert_eq!(effects.iter().filter(|effect| **effect == Effect::CloseSources).count(), 1);
            prop_assert_eq!(recorder.state(), &State::Stopping(Cause::StorageFailed));
        }

        /// Whatever comes in whatever order: sessions are opened and closed in turn, and nothing happens after the exit.
        #[test]
        fn sessions_never_overlap_and_nothing_follows_the_exit(inputs in prop::collection::vec(any_input(), 0..60)) {
            let mut recorder = Recorder::default();
            let (mut open, mut closing, mut down) = (false, false, false);
            for input in inputs {
                let refusable = matches!(input, Input::Start | Input::Stop);
                for effect in recorder.step(input.clone()) {
                    prop_assert!(!down || (refusable && matches!(effect, Effect::Refuse(_))));
                    match effect {
                        Effect::Open => { prop_assert!(!open); open = true; }
                        Effect::CloseSession(_) => { prop_assert!(open && !closing); closing = true; }
                        Effect::AnswerNotStarted => { prop_assert!(open); open = false; }
                        Effect::AnswerStopped => { prop_assert!(closing); (open, closing) = (false, false); }
                        Effect::Exit => { prop_assert!(!open); down = true; }
                        _ => {}
                    }
                }
            }
        }
    }
}
