// SPDX-License-Identifier: MIT OR Apache-2.0
//! A machine on the bench: times in milliseconds, effects as words.

use recorder::{Effect, Fault, Input, Media, Medium, Recorder, Rules, State};

pub(crate) const MS: u64 = 1_000_000;
pub(crate) const VIDEO: Medium = Medium::Video;
pub(crate) const AUDIO: Medium = Medium::Audio;

/// A machine, and what time it is.
pub(crate) struct Bench {
    pub(crate) recorder: Recorder,
    pub(crate) now_ms: u64,
}

impl Bench {
    /// The evidence is still being opened.
    pub(crate) fn starting(rules: Rules) -> Bench {
        Bench { recorder: Recorder::new(rules), now_ms: 0 }
    }

    /// In standby, at 0; the sources of standby give.
    pub(crate) fn standby(rules: Rules) -> Bench {
        let standby = rules.standby;
        let mut bench = Bench::starting(rules);
        bench.take(Input::Ready { resume: None });
        standby.iter().for_each(|medium| drop(bench.take(up(medium))));
        bench
    }

    /// Both media are being recorded, since 1000.
    pub(crate) fn recording(rules: Rules) -> Bench {
        let mut bench = Bench::opening(rules);
        bench.take(Input::Opened);
        bench
    }

    /// The session is being opened, since 1000.
    pub(crate) fn opening(rules: Rules) -> Bench {
        let closed = Medium::ALL.into_iter().filter(|medium| !rules.standby.contains(*medium)).collect::<Media>();
        let mut bench = Bench::standby(rules);
        bench.at(1000, start(Media::BOTH));
        closed.iter().for_each(|medium| drop(bench.take(up(medium))));
        assert_eq!(bench.state(), State::Opening);
        bench
    }

    /// What the machine answers to this, at this moment.
    pub(crate) fn at(&mut self, now_ms: u64, input: Input) -> String {
        assert!(now_ms >= self.now_ms, "time goes on");
        self.now_ms = now_ms;
        let effects = self.recorder.step(now_ms * MS, input);
        effects.iter().map(show).collect::<Vec<_>>().join(", ")
    }

    /// The same, without time passing.
    pub(crate) fn take(&mut self, input: Input) -> String {
        self.at(self.now_ms, input)
    }

    /// All of these, without time passing.
    pub(crate) fn all<const N: usize>(&mut self, inputs: [Input; N]) -> String {
        let answers = inputs.map(|input| self.take(input));
        answers.into_iter().filter(|answer| !answer.is_empty()).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn state(&self) -> State {
        self.recorder.state()
    }

    pub(crate) fn name(&self) -> &'static str {
        self.recorder.state().name()
    }

    pub(crate) fn next_wake_ms(&self) -> Option<u64> {
        self.recorder.next_wake_ns().map(|ns| ns / MS)
    }

    /// The alarms that stand.
    pub(crate) fn alarms(&self) -> Vec<&'static str> {
        self.recorder.alarms().map(|alarm| alarm.kind.as_str()).collect()
    }
}

/// Both sources in standby, tried again; no post-record.
pub(crate) fn live() -> Rules {
    Rules {
        standby: Media::BOTH,
        held: Media::BOTH,
        repeatable: true,
        post_ns: 0,
        start_timeout_ns: 5_000 * MS,
        warn_min: vec![30, 10],
        reserve_bytes: 1_000,
    }
}

/// Sources that are opened for the recording only, but tried again.
pub(crate) fn on_demand() -> Rules {
    Rules { standby: Media::NONE, held: Media::NONE, ..live() }
}

/// Sources that come to an end.
pub(crate) fn replay() -> Rules {
    Rules { repeatable: false, ..on_demand() }
}

pub(crate) fn start(media: Media) -> Input {
    Input::Start { media }
}

pub(crate) fn up(medium: Medium) -> Input {
    Input::SourceUp { medium }
}

pub(crate) fn ended(medium: Medium) -> Input {
    Input::SourceEnded { medium }
}

/// The source failed; its last frame ended now.
pub(crate) fn failed(medium: Medium) -> Input {
    Input::SourceFailed { medium, fault: fault_of(medium), reason: "gone".into(), last_ns: None }
}

/// The source failed; its last frame ended then.
pub(crate) fn failed_since(medium: Medium, last_ms: u64) -> Input {
    let last_ns = Some(last_ms * MS);
    Input::SourceFailed { medium, fault: fault_of(medium), reason: "silent".into(), last_ns }
}

pub(crate) fn storage_failed() -> Input {
    Input::StorageFailed { is_full: false, reason: "bad".into() }
}

pub(crate) fn open_failed(is_fault: bool) -> Input {
    Input::OpenFailed { reason: "no".into(), is_fault }
}

pub(crate) fn space(free_bytes: u64) -> Input {
    Input::Space { free_bytes, bytes_per_s: 1 }
}

fn fault_of(medium: Medium) -> Fault {
    match medium {
        Medium::Video => Fault::Camera,
        Medium::Audio => Fault::Microphone,
    }
}

fn media(media: Media) -> String {
    media.iter().map(Medium::as_str).collect::<Vec<_>>().join("+")
}

fn show(effect: &Effect) -> String {
    match effect {
        Effect::OpenSource(medium) => format!("open {medium}"),
        Effect::CloseSource(medium) => format!("close {medium}"),
        Effect::OpenSession { media: which, absent, pressed_ns } => {
            let without = if absent.is_empty() { String::new() } else { format!(" without {}", media(*absent)) };
            format!("session {}{without} {}", media(*which), pressed_ns / MS)
        }
        Effect::EndRecording => "end".into(),
        Effect::CloseSession(cause) => format!("close session {cause}"),
        Effect::BeginInterruption { number, fault, media: which, from_ns, .. } => {
            format!("begin {number} {fault} {} {}", media(*which), from_ns / MS)
        }
        Effect::EndInterruption { number, to_ns } => format!("over {number} {}", to_ns / MS),
        Effect::EnterClockStep { step_ns } => format!("step {}", step_ns / 1_000_000),
        Effect::Raise(alarm) => match alarm.mark_min {
            Some(mark_min) => format!("raise {} {mark_min}", alarm.kind),
            None => format!("raise {}", alarm.kind),
        },
        Effect::Quiet(kind) => format!("quiet {kind}"),
        Effect::AnswerStarted => "started".into(),
        Effect::AnswerNotStarted(why) => format!("not started: {why}"),
        Effect::AnswerStopped => "stopped".into(),
        Effect::Refuse(refusal) => format!("refused: {refusal}"),
        Effect::Exit => "exit".into(),
    }
}
