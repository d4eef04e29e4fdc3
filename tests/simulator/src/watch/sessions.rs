// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sessions are opened and closed in turn, a stop is followed by the post-record, and nothing follows the exit.

use crate::plan::RESERVE;
use crate::watch::{Invariant, Verdict, must};
use recorder::{Effect, Input, State};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    None,
    Opening,
    Open,
    Ended,
    Closing,
}

/// How far the session is.
#[derive(Clone, Debug, Default)]
pub(crate) struct SessionWatch {
    stage: Stage,
    is_down: bool,
    /// When the recording that someone stopped may end.
    until_ns: Option<u64>,
}

impl SessionWatch {
    /// What the machine is told, and in which state it is.
    pub(crate) fn told(&mut self, input: &Input, state: &State, now_ns: u64, post_ns: u64) {
        let is_running = matches!(state, State::Recording | State::Degraded | State::Interrupted);
        match input {
            Input::OpenFailed { .. } if *state == State::Opening => self.stage = Stage::None,
            Input::Stop if is_running => self.until_ns = Some(now_ns + post_ns),
            Input::Space { free_bytes, .. } if *free_bytes >= RESERVE => {}
            // These may end it at once.
            Input::Stop
            | Input::Shutdown
            | Input::StorageFailed { .. }
            | Input::Space { .. }
            | Input::SourceEnded { .. }
            | Input::SourceFailed { .. } => self.until_ns = None,
            _ => {}
        }
    }

    pub(crate) fn see(&mut self, effect: &Effect, now_ns: u64) -> Verdict {
        let is_refusal = matches!(effect, Effect::Refuse(_));
        must(!self.is_down || is_refusal, Invariant::NothingAfterExit, || format!("{effect:?}"))?;
        let stage = self.stage;
        let (is_right, next) = match effect {
            Effect::OpenSession { .. } => (stage == Stage::None, Stage::Opening),
            Effect::AnswerStarted => (stage == Stage::Opening, Stage::Open),
            Effect::AnswerNotStarted(_) => (matches!(stage, Stage::None | Stage::Opening), Stage::None),
            Effect::EndRecording => (stage == Stage::Open, Stage::Ended),
            Effect::CloseSession(_) => (matches!(stage, Stage::Open | Stage::Ended), Stage::Closing),
            Effect::AnswerStopped => (stage == Stage::Closing, Stage::None),
            Effect::Exit => (stage == Stage::None, Stage::None),
            _ => (true, stage),
        };
        must(is_right, Invariant::OneSession, || format!("{effect:?} while {stage:?}"))?;
        self.stage = next;
        self.is_down |= matches!(effect, Effect::Exit);
        self.ends(effect, now_ns)
    }

    fn ends(&mut self, effect: &Effect, now_ns: u64) -> Verdict {
        if !matches!(effect, Effect::EndRecording) {
            return Ok(());
        }
        let early_ns = self.until_ns.take().map_or(0, |until_ns| until_ns.saturating_sub(now_ns));
        must(early_ns == 0, Invariant::PostRecord, || format!("the recording ends {} ms early", early_ns / 1_000_000))
    }

    pub(crate) fn slept(&mut self) {
        self.until_ns = None;
    }
}
