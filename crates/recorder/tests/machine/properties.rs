// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whatever comes, in whatever order: what must hold of the effects all the same. A watcher follows them and knows what is
//! open; the devices behind it answer sometimes as they should, sometimes not at all, sometimes out of turn.

use crate::bench::*;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use recorder::{AlarmKind, Effect, Input, Media, Medium, NotStarted, PerMedium, Recorder, Rules, State};
use std::collections::{BTreeSet, VecDeque};

/// The longest that a source which is wanted may stay closed.
const RETRY_MAX_NS: u64 = 2_000 * MS;

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Session {
    None,
    Opening,
    Open,
    Ended,
    Closing,
}

/// Follows the effects.
struct Watch {
    rules: Rules,
    recorder: Recorder,
    now_ns: u64,
    is_ready: bool,
    is_down: bool,
    is_awaited: bool,
    is_resumed: bool,
    session: Session,
    is_open: PerMedium<bool>,
    is_giving: PerMedium<bool>,
    is_ended: PerMedium<bool>,
    interruptions: BTreeSet<u64>,
    last_number: u64,
    alarms: Vec<AlarmKind>,
    to_answer: VecDeque<Input>,
}

impl Watch {
    fn new(rules: Rules) -> Watch {
        let recorder = Recorder::new(rules.clone());
        Watch {
            rules,
            recorder,
            now_ns: 0,
            is_ready: false,
            is_down: false,
            is_awaited: false,
            is_resumed: false,
            session: Session::None,
            is_open: PerMedium::default(),
            is_giving: PerMedium::default(),
            is_ended: PerMedium::default(),
            interruptions: BTreeSet::new(),
            last_number: 0,
            alarms: Vec::new(),
            to_answer: VecDeque::new(),
        }
    }

    fn take(&mut self, now_ns: u64, input: &Input) -> TestCaseResult {
        self.now_ns = now_ns;
        self.hear(input);
        let would_be_refused = match input {
            Input::Start { media } => self.recorder.refusal_of_start(*media),
            _ => None,
        };
        let effects = self.recorder.step(now_ns, input.clone());
        if matches!(input, Input::Start { .. }) {
            let refused = would_be_refused.map(Effect::Refuse).into_iter().collect::<Vec<_>>();
            prop_assert_eq!(!refused.is_empty(), effects.iter().any(|effect| refused.contains(effect)));
            self.is_awaited |= refused.is_empty();
            self.is_resumed &= !refused.is_empty();
        }
        if matches!(input, Input::Ready { resume: Some(_) }) {
            // What was cut off goes on, unless it cannot; nobody is told then.
            self.is_resumed = self.recorder.state() == State::Opening;
            self.is_awaited |= self.is_resumed;
        }
        let goes_on = self.session == Session::Opening && self.recorder.state() == State::Opening;
        if goes_on && matches!(input, Input::OpenFailed { .. }) && !effects.contains(&Effect::AnswerStarted) {
            prop_assert!(self.is_resumed, "only what nobody waits for is tried again");
            self.session = Session::None;
        }
        let was_down = self.is_down;
        for effect in effects {
            prop_assert!(!was_down || matches!(effect, Effect::Refuse(_)), "nothing follows the exit");
            self.see(effect)?;
        }
        self.check()
    }

    /// What the devices do, as far as the machine must believe it.
    fn hear(&mut self, input: &Input) {
        match input {
            Input::Ready { .. } => self.is_ready = true,
            Input::SourceUp { medium } if self.is_open[*medium] && !self.is_ended[*medium] => {
                self.is_giving[*medium] = true;
            }
            Input::SourceEnded { medium } if self.is_giving[*medium] => {
                (self.is_giving[*medium], self.is_ended[*medium]) = (false, true);
            }
            Input::SourceFailed { medium, .. } => self.is_giving[*medium] = false,
            _ => {}
        }
    }

    fn see(&mut self, effect: Effect) -> TestCaseResult {
        let is_recorded = self.session == Session::Open;
        // What is heard late of.
        let may_enter = is_recorded || self.session == Session::Ended;
        match effect {
            Effect::OpenSource(medium) => {
                prop_assert!(!self.is_open[medium] && self.is_ready);
                (self.is_open[medium], self.is_ended[medium]) = (true, false);
                self.to_answer.push_back(up(medium));
            }
            Effect::CloseSource(medium) => {
                prop_assert!(self.is_open[medium], "{medium} is closed twice");
                let is_of_use = self.is_giving[medium] && (is_recorded || self.is_in_standby(medium));
                prop_assert!(!is_of_use, "{medium} is closed while it gives");
                (self.is_open[medium], self.is_giving[medium]) = (false, false);
            }
            Effect::OpenSession { media, absent, pressed_ns } => {
                prop_assert!(self.session == Session::None && !media.is_empty() && pressed_ns <= self.now_ns);
                let is_there = |medium: &Medium| self.is_giving[*medium] || self.is_ended[*medium];
                prop_assert!(media.iter().any(|medium| is_there(&medium)));
                prop_assert!(media.iter().all(|medium| is_there(&medium) != absent.contains(medium)));
                prop_assert!(absent.is_empty() || self.is_resumed, "a start needs every medium");
                (self.session, self.last_number) = (Session::Opening, 0);
                self.to_answer.push_back(Input::Opened);
            }
            Effect::EndRecording => {
                prop_assert!(is_recorded && self.interruptions.is_empty());
                self.session = Session::Ended;
                self.to_answer.push_back(Input::Drained);
            }
            Effect::CloseSession(_) => {
                prop_assert!(matches!(self.session, Session::Open | Session::Ended) && self.interruptions.is_empty());
                self.session = Session::Closing;
                self.to_answer.push_back(Input::Closed);
            }
            Effect::BeginInterruption { number, media, from_ns, .. } => {
                prop_assert!(may_enter && !media.is_empty() && from_ns <= self.now_ns);
                prop_assert_eq!(number, self.last_number + 1);
                self.last_number = number;
                self.interruptions.insert(number);
            }
            Effect::EndInterruption { number, to_ns } => {
                prop_assert!(may_enter && to_ns <= self.now_ns);
                prop_assert!(self.interruptions.remove(&number));
            }
            Effect::EnterClockStep { .. } => prop_assert!(self.is_ready),
            Effect::Raise(alarm) => {
                prop_assert!(alarm.since_ns == self.now_ns);
                prop_assert!(!self.alarms.contains(&alarm.kind) || alarm.kind == AlarmKind::StorageLow);
                self.alarms.retain(|kind| *kind != alarm.kind);
                self.alarms.push(alarm.kind);
            }
            Effect::Quiet(kind) => {
                prop_assert!(self.alarms.contains(&kind));
                self.alarms.retain(|standing| *standing != kind);
            }
            Effect::AnswerStarted => {
                prop_assert!(self.session == Session::Opening && self.is_awaited);
                (self.session, self.is_awaited) = (Session::Open, false);
            }
            Effect::AnswerNotStarted(why) => {
                prop_assert!(matches!(self.session, Session::None | Session::Opening) && self.is_awaited);
                prop_assert!(!matches!(why, NotStarted::Session(_)) || self.session == Session::Opening);
                (self.session, self.is_awaited) = (Session::None, false);
            }
            Effect::AnswerStopped => {
                prop_assert_eq!(self.session, Session::Closing);
                self.session = Session::None;
            }
            Effect::Refuse(_) => {}
            Effect::Exit => {
                prop_assert!(self.session == Session::None && !self.is_down && !self.is_awaited);
                prop_assert!(!self.is_open.video && !self.is_open.audio);
                self.is_down = true;
            }
        }
        Ok(())
    }

    fn is_in_standby(&self, medium: Medium) -> bool {
        let is_going = matches!(self.recorder.state(), State::Down);
        self.rules.standby.contains(medium) && !is_going
    }

    /// What holds between any two inputs.
    fn check(&self) -> TestCaseResult {
        let standing: Vec<AlarmKind> = self.recorder.alarms().map(|alarm| alarm.kind).collect();
        prop_assert_eq!(&standing, &self.alarms);
        let wake_ns = self.recorder.next_wake_ns();
        prop_assert!(wake_ns.is_none_or(|wake_ns| wake_ns > self.now_ns), "what is due is done");
        let is_tried_soon = wake_ns.is_some_and(|wake_ns| wake_ns <= self.now_ns + RETRY_MAX_NS);
        let is_live = self.is_ready && !self.is_down && self.rules.repeatable;
        let is_missing = self.rules.standby.iter().any(|medium| !self.is_open[medium]);
        prop_assert!(!(is_live && is_missing) || is_tried_soon, "a source that is gone is tried again");
        self.check_state()
    }

    fn check_state(&self) -> TestCaseResult {
        let fits = match self.recorder.state() {
            State::Starting => !self.is_ready,
            State::Standby | State::Faulted(_) => self.session == Session::None && !self.is_awaited,
            State::Opening => self.is_awaited,
            State::Recording | State::Degraded | State::Interrupted => self.session == Session::Open,
            State::Stopping(_) => matches!(self.session, Session::Open | Session::Ended),
            State::Closing(_) => self.session == Session::Closing,
            State::Down => self.is_down,
        };
        prop_assert!(fits, "{:?} while {:?}", self.recorder.state(), self.session);
        Ok(())
    }
}

/// What happens next.
#[derive(Clone, Debug)]
enum Move {
    /// Whatever was asked of the devices first is done.
    Answer,
    /// Time passes until something is due.
    Wait,
    /// Something happens, after a while.
    Take(u64, Input),
}

fn any_medium() -> impl Strategy<Value = Medium> {
    prop_oneof![Just(VIDEO), Just(AUDIO)]
}

fn any_media() -> impl Strategy<Value = Media> {
    prop_oneof![4 => Just(Media::BOTH), 1 => Just(Media::NONE), 2 => any_medium().prop_map(Media::from)]
}

fn any_failure() -> impl Strategy<Value = Input> {
    let last_ms = prop::option::of(0..30_000_u64);
    (any_medium(), last_ms).prop_map(|(medium, last_ms)| last_ms.map_or(failed(medium), |ms| failed_since(medium, ms)))
}

/// What may come at any time without ending a session by itself.
fn any_other() -> impl Strategy<Value = Input> {
    prop_oneof![any_media().prop_map(start), Just(Input::Stop), any_failure(), Just(Input::Shutdown)]
}

fn any_condition() -> impl Strategy<Value = Input> {
    prop_oneof![
        any::<bool>().prop_map(|is_low| Input::FrameRate { is_low, detail: "x".into() }),
        any::<bool>().prop_map(|is_full| Input::StorageFellOver { is_full, reason: "x".into() }),
        (any_medium(), 0..9_u64, 0..9_u64).prop_map(|(medium, from_s, to_s)| Input::Missed {
            medium,
            from_ns: from_s * 1_000 * MS,
            to_ns: to_s * 1_000 * MS,
        }),
        Just(Input::SecondStorageMissing { reason: "x".into() }),
        Just(Input::StorageStalled),
        Just(Input::StorageMoved),
        (0..4_000_u64).prop_map(space),
        (1..9_u64).prop_map(|count| Input::Dropped { queue: "outbox", count }),
        any::<i64>().prop_map(|step_ns| Input::ClockStepped { step_ns }),
        (0..9_000_u64).prop_map(|ms| Input::Slept { asleep_ns: ms * MS }),
        (any::<u8>(), any::<bool>()).prop_map(|(percent, is_discharging)| Input::Battery { percent, is_discharging }),
    ]
}

fn any_input() -> impl Strategy<Value = Input> {
    prop_oneof![
        1 => Just(Input::Ready { resume: None }),
        1 => any_media().prop_map(|media| Input::Ready { resume: Some(media) }),
        6 => any_media().prop_map(start),
        4 => Just(Input::Stop),
        1 => Just(Input::Shutdown),
        4 => any_medium().prop_map(up),
        4 => any_failure(),
        2 => any_medium().prop_map(ended),
        1 => Just(Input::Opened),
        1 => any::<bool>().prop_map(open_failed),
        1 => Just(Input::Drained),
        1 => Just(Input::Closed),
        1 => Just(Input::CloseFailed("x".into())),
        1 => any::<bool>().prop_map(|is_full| Input::StorageFailed { is_full, reason: "x".into() }),
        8 => any_condition(),
        1 => Just(Input::Tick),
    ]
}

fn any_move() -> impl Strategy<Value = Move> {
    let take =
        (prop_oneof![Just(0), 1..3_000_u64], any_input()).prop_map(|(wait_ms, input)| Move::Take(wait_ms, input));
    prop_oneof![3 => Just(Move::Answer), 1 => Just(Move::Wait), 4 => take]
}

fn any_rules() -> impl Strategy<Value = Rules> {
    let standby = prop_oneof![Just(Media::BOTH), Just(Media::NONE), Just(Media::from(VIDEO))];
    (standby, any::<bool>(), prop_oneof![Just(0), Just(3_000 * MS)]).prop_map(|(standby, repeatable, post_ns)| Rules {
        standby,
        repeatable,
        post_ns,
        ..live()
    })
}

/// Inputs with others put in between, at these places.
fn mixed(mut inputs: Vec<Input>, others: Vec<(usize, Input)>) -> Vec<Input> {
    others.into_iter().for_each(|(at, other)| inputs.insert(at.min(inputs.len()), other));
    inputs
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_opened_twice_closed_while_it_is_of_use_left_open_or_left_unanswered(
        rules in any_rules(),
        moves in prop::collection::vec(any_move(), 0..150),
    ) {
        let mut watch = Watch::new(rules);
        for next in moves {
            let now_ns = watch.now_ns;
            match next {
                Move::Answer => match watch.to_answer.pop_front() {
                    Some(input) => watch.take(now_ns + 10 * MS, &input)?,
                    None => watch.take(now_ns, &Input::Ready { resume: None })?,
                },
                Move::Wait => {
                    let until_ns = watch.recorder.next_wake_ns().unwrap_or(now_ns);
                    watch.take(until_ns, &Input::Tick)?;
                }
                Move::Take(wait_ms, input) => watch.take(now_ns + wait_ms * MS, &input)?,
            }
        }
    }

    /// A session that is open and drained is being closed, one whose storage failed has its recording ended, and when it is
    /// closed the recorder is at rest.
    #[test]
    fn a_session_that_cannot_go_on_comes_to_its_end(
        inputs in Just(vec![Input::Opened, Input::Drained]).prop_shuffle(),
        storage in prop::option::of(0..3_usize),
        others in prop::collection::vec((0..4_usize, any_other()), 0..6),
    ) {
        let storage_at = storage.map(|at| (at, storage_failed()));
        let inputs = mixed(mixed(inputs, storage_at.into_iter().collect()), others);
        let mut bench = Bench::opening(live());
        let answer = inputs.into_iter().map(|input| bench.take(input)).collect::<Vec<_>>().join(", ");
        prop_assert!(bench.name() == "closing" && answer.contains("close session"), "{}", answer);
        prop_assert!(!answer.contains("close session storage-failed") || answer.contains("end, "), "{}", answer);
        bench.take(Input::Closed);
        prop_assert!(["standby", "faulted", "down"].contains(&bench.name()), "{:?}", bench.recorder);
        prop_assert!(storage.is_none() || bench.name() != "standby", "{:?}", bench.recorder);
    }

    /// A session whose storage failed is not left running, whether it was open by then or not.
    #[test]
    fn storage_that_fails_ends_the_recording(
        inputs in Just(vec![Input::Opened, storage_failed()]).prop_shuffle(),
        others in prop::collection::vec((0..3_usize, any_other()), 0..6),
    ) {
        let mut bench = Bench::opening(live());
        let answers: Vec<String> = mixed(inputs, others).into_iter().map(|input| bench.take(input)).collect();
        let ends = answers.iter().flat_map(|answer| answer.split(", ")).filter(|effect| *effect == "end").count();
        prop_assert_eq!(ends, 1);
        prop_assert_eq!(bench.state(), State::Stopping(recorder::Cause::StorageFailed));
    }

    /// The machine knows nothing but what it is told: the same inputs at the same times have the same effects.
    #[test]
    fn the_same_happens_twice(inputs in prop::collection::vec((0..5_000_u64, any_input()), 0..60)) {
        let run = || {
            let mut bench = Bench::standby(live());
            let answers: Vec<String> = inputs.iter().map(|(ms, input)| bench.at(bench.now_ms + ms, input.clone())).collect();
            (answers, bench.recorder)
        };
        prop_assert_eq!(run(), run());
    }
}
