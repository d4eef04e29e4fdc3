// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the button to an open session: sources are opened and waited for, then the session is opened.

use crate::capture::{SLOW, fault_of};
use crate::effect::{Effect, NotStarted, Turn};
use crate::fault::Fault;
use crate::interruptions::Interruptions;
use crate::medium::{Media, Medium};
use crate::state::{Cause, Phase};
use crate::{Early, Recorder, Recording};

/// A session that goes on with another and could not be opened, for no fault of the recorder's, is tried again so much later.
const RESUME_AGAIN_NS: u64 = 1_000_000_000;

impl Recorder {
    /// The evidence is open: the sources of standby are opened, and what a cut ended goes on.
    pub(crate) fn ready(&mut self, resume: Option<Media>, turn: &mut Turn) {
        if self.phase != Phase::Starting {
            return;
        }
        self.phase = Phase::Rest;
        if self.early_step_ns != 0 {
            turn.give(Effect::EnterClockStep { step_ns: std::mem::take(&mut self.early_step_ns) });
        }
        self.rules.standby.iter().for_each(|medium| self.open_source(medium, turn));
        if let Some(media) = resume
            && self.refusal_of_start(media).is_none()
        {
            self.begin(media, true, turn);
        }
    }

    pub(crate) fn start(&mut self, media: Media, turn: &mut Turn) {
        match self.refusal_of_start(media) {
            Some(refusal) => turn.give(Effect::Refuse(refusal)),
            None => self.begin(media, false, turn),
        }
    }

    fn begin(&mut self, media: Media, is_resumed: bool, turn: &mut Turn) {
        let pressed_ns = turn.now_ns;
        self.recording = Recording { media, pressed_ns, is_resumed, ..Recording::default() };
        self.phase = Phase::Waiting;
        match media.iter().find(|medium| self.sources.is_retried(*medium)) {
            Some(medium) => self.not_started_without(medium, turn),
            None => {
                media.iter().for_each(|medium| self.open_for_recording(medium, turn));
                self.proceed(turn);
            }
        }
    }

    /// Opens a source that is closed. One that is over, as a replay in standby may be, begins anew.
    fn open_for_recording(&mut self, medium: Medium, turn: &mut Turn) {
        if self.sources.is_over(medium) {
            self.close_source(medium, turn);
        }
        if !self.sources.is_running(medium) && !self.sources.is_retried(medium) {
            self.open_source(medium, turn);
        }
    }

    /// Opens the session if every source gives; one that goes on with another, if any does and the rest is gone.
    pub(crate) fn proceed(&mut self, turn: &mut Turn) {
        let Recording { media, pressed_ns, again_ns, .. } = self.recording;
        let absent: Media = media.iter().filter(|medium| !self.sources.has_given(*medium)).collect();
        let is_ready = absent.is_empty() || self.goes_on_without(absent);
        if self.phase == Phase::Waiting && again_ns.is_none() && is_ready {
            self.trouble = None;
            self.phase = Phase::Opening;
            turn.give(Effect::OpenSession { media, absent, pressed_ns });
            absent.iter().for_each(|medium| self.is_absent(medium, turn));
        }
    }

    /// Nobody is there to be told what is missing, and what there is must not wait for it: not at all, if it is not held
    /// meanwhile.
    fn goes_on_without(&self, absent: Media) -> bool {
        let Recording { media, is_resumed, .. } = self.recording;
        let mut given = media.iter().filter(|medium| !absent.contains(*medium));
        let can_wait = given.all(|medium| self.rules.held.contains(medium));
        let is_known = absent.iter().all(|medium| self.sources.is_missing(medium));
        is_resumed && self.rules.repeatable && absent != media && (is_known || !can_wait)
    }

    /// The session begins without this medium.
    fn is_absent(&mut self, medium: Medium, turn: &mut Turn) {
        let (fault, reason) = match self.sources.failure(medium) {
            Some(failure) => (failure.fault, failure.reason.clone()),
            None if self.sources.is_missing(medium) => (fault_of(medium), SLOW.to_owned()),
            None => (Fault::Recorder, "it was still being opened".to_owned()),
        };
        let from_ns = self.recording.pressed_ns;
        self.recording.interruptions.source_gone(medium, fault, from_ns, reason, turn);
    }

    /// A start needs every medium it asks for: the one that is missing is named.
    pub(crate) fn not_started_without(&mut self, medium: Medium, turn: &mut Turn) {
        if let Some(failure) = self.sources.failure(medium).cloned() {
            self.not_started(NotStarted::Source { medium, fault: failure.fault, reason: failure.reason }, turn);
        }
    }

    pub(crate) fn not_started(&mut self, why: NotStarted, turn: &mut Turn) {
        turn.give(Effect::AnswerNotStarted(why));
        self.close_what_standby_does_not_want(turn);
        self.rest(turn);
    }

    pub(crate) fn opened(&mut self, turn: &mut Turn) {
        if self.phase != Phase::Opening {
            return;
        }
        self.phase = Phase::Capturing;
        turn.give(Effect::AnswerStarted);
        self.recording.interruptions.session_opened(turn);
        self.storage_works(turn);
        self.act_on_what_came_early(turn);
    }

    fn act_on_what_came_early(&mut self, turn: &mut Turn) {
        let early = self.recording.early.clone();
        match early.storage {
            Some(cause) => self.end(cause, turn),
            None if self.going_down => self.end(Cause::Shutdown, turn),
            None if early.is_stopped => self.stop(turn),
            None if early.is_drained => {}
            None => self.end_if_over(turn),
        }
        if early.is_drained {
            self.drained(turn);
        }
    }

    pub(crate) fn open_failed(&mut self, reason: String, is_fault: bool, turn: &mut Turn) {
        if self.phase != Phase::Opening {
            return;
        }
        if is_fault {
            self.trouble(reason.clone(), false, turn);
        }
        if !is_fault && self.can_resume_again() {
            let again_ns = Some(turn.now_ns.saturating_add(RESUME_AGAIN_NS));
            let interruptions = Interruptions::default();
            self.recording = Recording { again_ns, interruptions, ..std::mem::take(&mut self.recording) };
            self.phase = Phase::Waiting;
            return;
        }
        self.not_started(NotStarted::Session(reason), turn);
    }

    /// Whether it is a recording that goes on, nothing came that ends it, and its sources may still give.
    fn can_resume_again(&self) -> bool {
        let Recording { media, is_resumed, early, .. } = &self.recording;
        let may_give = |medium| self.sources.has_given(medium) || !self.sources.is_over(medium);
        *is_resumed && !self.going_down && *early == Early::default() && media.iter().all(may_give)
    }

    /// Opens a session that could not be opened, when it is time.
    pub(crate) fn resume_again(&mut self, turn: &mut Turn) {
        if self.recording.again_ns.take_if(|at_ns| *at_ns <= turn.now_ns).is_some() {
            self.proceed(turn);
        }
    }
}
