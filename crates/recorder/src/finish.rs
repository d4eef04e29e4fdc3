// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the stop to the ledger: the recording runs on for a while if it is to, what is in flight is written, the session is
//! closed.

use crate::Recorder;
use crate::effect::{Effect, NotStarted, Refusal, Turn};
use crate::state::{Cause, Phase};

impl Recorder {
    pub(crate) fn stop(&mut self, turn: &mut Turn) {
        match self.phase {
            Phase::Waiting => self.not_started(NotStarted::Stopped, turn),
            Phase::Opening => self.recording.early.is_stopped = true,
            Phase::Capturing if self.rules.post_ns == 0 => self.end(Cause::Stop, turn),
            Phase::Capturing => {
                self.phase = Phase::Post { until_ns: turn.now_ns.saturating_add(self.rules.post_ns) };
            }
            Phase::Post { .. } => self.end(Cause::Stop, turn),
            // Whoever asks now wants what is already under way, and hears when it is done.
            Phase::Draining(_) | Phase::Closing(_) => {}
            Phase::Starting | Phase::Rest | Phase::Down => turn.give(Effect::Refuse(Refusal::NotRecording)),
        }
    }

    pub(crate) fn shutdown(&mut self, turn: &mut Turn) {
        self.going_down = true;
        match self.phase {
            // Opening the evidence may be cut anywhere: nothing is lost by going at once.
            Phase::Starting | Phase::Rest => self.rest(turn),
            Phase::Waiting => self.not_started(NotStarted::ShuttingDown, turn),
            Phase::Capturing => self.end(Cause::Shutdown, turn),
            Phase::Post { .. } => self.end(Cause::Stop, turn),
            Phase::Opening | Phase::Draining(_) | Phase::Closing(_) | Phase::Down => {}
        }
    }

    /// Records no more.
    pub(crate) fn end(&mut self, cause: Cause, turn: &mut Turn) {
        self.nothing_is_missing(turn);
        self.phase = Phase::Draining(cause);
        self.recording.ended_ns = Some(turn.now_ns);
        turn.give(Effect::EndRecording);
        self.forget_missing_sources(turn);
    }

    fn nothing_is_missing(&mut self, turn: &mut Turn) {
        self.recording.interruptions.end_all(turn);
        self.storage.forget_losses();
    }

    /// Sources that are gone and that standby does not want are not opened again.
    fn forget_missing_sources(&mut self, turn: &mut Turn) {
        for medium in self.recording.media.iter() {
            if !self.rules.standby.contains(medium) && !self.sources.has_given(medium) {
                self.close_source(medium, turn);
            }
        }
    }

    pub(crate) fn drained(&mut self, turn: &mut Turn) {
        match self.phase {
            Phase::Draining(cause) => self.close(cause, turn),
            Phase::Capturing => self.close(self.cause_of_sources(), turn),
            Phase::Post { .. } => self.close(Cause::Stop, turn),
            Phase::Opening => self.recording.early.is_drained = true,
            Phase::Starting | Phase::Rest | Phase::Waiting | Phase::Closing(_) | Phase::Down => {}
        }
    }

    fn close(&mut self, cause: Cause, turn: &mut Turn) {
        self.nothing_is_missing(turn);
        self.phase = Phase::Closing(cause);
        turn.give(Effect::CloseSession(cause));
        self.forget_missing_sources(turn);
    }

    pub(crate) fn closed(&mut self, turn: &mut Turn) {
        if matches!(self.phase, Phase::Closing(_)) {
            turn.give(Effect::AnswerStopped);
            self.close_what_standby_does_not_want(turn);
            self.rest(turn);
        }
    }

    pub(crate) fn close_failed(&mut self, reason: String, turn: &mut Turn) {
        if matches!(self.phase, Phase::Closing(_)) {
            self.trouble(reason, false, turn);
            self.closed(turn);
        }
    }
}
