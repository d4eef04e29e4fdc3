// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whoever asks to record or to stop is answered, in the end also by a storage that stood still meanwhile.

use crate::plan::MINUTE;
use crate::watch::{Invariant, Verdict, must};
use recorder::{Effect, Input};

/// How long an answer may take: a post-record, a stall, and all the queues hold.
const ANSWER_NS: u64 = 3 * MINUTE;

/// Who waits.
#[derive(Clone, Debug, Default)]
pub(crate) struct AnswerWatch {
    start_ns: Option<u64>,
    stop_ns: Option<u64>,
}

impl AnswerWatch {
    /// Something was asked, and this was the machine's answer at once.
    pub(crate) fn asked(&mut self, input: &Input, effects: &[Effect], now_ns: u64) -> Verdict {
        let is_taken = !effects.iter().any(|effect| matches!(effect, Effect::Refuse(_)));
        match input {
            Input::Start { .. } if is_taken => {
                must(self.start_ns.is_none(), Invariant::Answered, || "two wait for one start".into())?;
                self.start_ns = Some(now_ns);
            }
            Input::Stop if is_taken => self.stop_ns = self.stop_ns.or(Some(now_ns)),
            _ => {}
        }
        if effects.iter().any(is_answer_to_start) {
            self.start_ns = None;
        }
        if effects.iter().any(is_answer_to_stop) {
            self.stop_ns = None;
        }
        self.check(now_ns)
    }

    pub(crate) fn slept(&mut self, asleep_ns: u64) {
        self.start_ns.iter_mut().chain(&mut self.stop_ns).for_each(|at_ns| *at_ns += asleep_ns);
    }

    pub(crate) fn check(&self, now_ns: u64) -> Verdict {
        let is_late = |at_ns: &Option<u64>| at_ns.is_some_and(|at_ns| now_ns > at_ns + ANSWER_NS);
        must(!is_late(&self.start_ns), Invariant::Answered, || "whoever asked to record waits".into())?;
        must(!is_late(&self.stop_ns), Invariant::Answered, || "whoever asked to stop waits".into())
    }
}

fn is_answer_to_start(effect: &Effect) -> bool {
    matches!(effect, Effect::AnswerStarted | Effect::AnswerNotStarted(_))
}

fn is_answer_to_stop(effect: &Effect) -> bool {
    matches!(effect, Effect::AnswerStopped | Effect::AnswerNotStarted(_))
}
