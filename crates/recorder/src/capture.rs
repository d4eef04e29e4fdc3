// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sources come and go: they are opened again, alarms tell of them, and while a session is open, interruptions.

use crate::alarms::AlarmKind;
use crate::effect::{Effect, Turn};
use crate::fault::Fault;
use crate::interruptions::Gap;
use crate::medium::{Media, Medium};
use crate::sources::Failure;
use crate::state::{Cause, Phase, State};
use crate::{Recorder, Recording};

/// Said of a source that takes long.
pub(crate) const SLOW: &str = "it was opened and gives nothing yet";

impl Recorder {
    /// What an open session records at the moment.
    pub(crate) fn capturing(&self) -> State {
        let has_not_ended = |medium: &Medium| !self.sources.has_ended(*medium);
        let expected: Media = self.recording.media.iter().filter(has_not_ended).collect();
        match self.recording.interruptions.missing(expected) {
            missing if missing.is_empty() => State::Recording,
            missing if missing == expected => State::Interrupted,
            _ => State::Degraded,
        }
    }

    pub(crate) fn open_source(&mut self, medium: Medium, turn: &mut Turn) {
        self.sources.open(medium, turn.now_ns, self.rules.start_timeout_ns);
        turn.give(Effect::OpenSource(medium));
    }

    /// Closes a source if it is open, and forgets how it failed if it did.
    pub(crate) fn close_source(&mut self, medium: Medium, turn: &mut Turn) {
        if self.sources.is_open(medium) {
            turn.give(Effect::CloseSource(medium));
        }
        self.sources.close(medium);
        self.quiet_alarms_of(medium, turn);
    }

    pub(crate) fn close_what_standby_does_not_want(&mut self, turn: &mut Turn) {
        let unwanted = Medium::ALL.into_iter().filter(|medium| !self.rules.standby.contains(*medium));
        unwanted.collect::<Media>().iter().for_each(|medium| self.close_source(medium, turn));
    }

    pub(crate) fn source_up(&mut self, medium: Medium, turn: &mut Turn) {
        if !self.sources.up(medium, turn.now_ns) {
            return;
        }
        self.alarms.quiet(AlarmKind::of(medium), turn);
        self.recording.interruptions.source_back(medium, turn);
        self.proceed(turn);
    }

    pub(crate) fn source_failed(
        &mut self,
        medium: Medium,
        fault: Fault,
        reason: String,
        last_ns: Option<u64>,
        turn: &mut Turn,
    ) {
        if !self.sources.is_running(medium) {
            return;
        }
        turn.give(Effect::CloseSource(medium));
        self.quiet_frame_rate_of(medium, turn);
        if !self.is_wanted(medium) {
            self.sources.close(medium);
            return;
        }
        let failure = Failure { fault, reason: reason.clone() };
        self.sources.fail(medium, failure, turn.now_ns, self.rules.repeatable);
        self.raise_gone(medium, &reason, turn);
        if self.is_recorded(medium) {
            let from_ns = last_ns.unwrap_or(turn.now_ns);
            self.recording.interruptions.source_gone(medium, fault, from_ns, reason, turn);
        }
        self.recording_without(medium, turn);
    }

    /// What becomes of the recording when a source has failed.
    fn recording_without(&mut self, medium: Medium, turn: &mut Turn) {
        let Recording { media, is_resumed, .. } = self.recording;
        let is_patient = is_resumed && self.rules.repeatable;
        match self.phase {
            Phase::Waiting if media.contains(medium) && !is_patient => self.not_started_without(medium, turn),
            Phase::Waiting => self.proceed(turn),
            _ => self.end_if_over(turn),
        }
    }

    pub(crate) fn source_ended(&mut self, medium: Medium, turn: &mut Turn) {
        if self.sources.is_opening(medium) {
            let reason = "it ended before its first frame".into();
            self.source_failed(medium, fault_of(medium), reason, None, turn);
        } else if self.sources.is_running(medium) {
            self.sources.end(medium);
            self.quiet_frame_rate_of(medium, turn);
            self.end_if_over(turn);
        }
    }

    pub(crate) fn frame_rate(&mut self, is_low: bool, detail: String, turn: &mut Turn) {
        if is_low && self.sources.is_running(Medium::Video) {
            self.alarms.raise(AlarmKind::FrameRate, detail, turn);
        } else {
            self.alarms.quiet(AlarmKind::FrameRate, turn);
        }
    }

    /// Opens what is to be tried again, tells what is slow, and gives up what has not given in time.
    pub(crate) fn open_again(&mut self, turn: &mut Turn) {
        for medium in self.sources.take_slow(turn.now_ns).iter() {
            self.raise_gone(medium, SLOW, turn);
            self.proceed(turn);
        }
        for medium in self.sources.late(turn.now_ns).iter() {
            let reason = format!("it gave nothing for {} ms", self.rules.start_timeout_ns / 1_000_000);
            self.source_failed(medium, fault_of(medium), reason, None, turn);
        }
        self.sources.due(turn.now_ns).iter().for_each(|medium| self.open_source(medium, turn));
    }

    /// Ends the recording if nothing will come of any of its sources any more.
    pub(crate) fn end_if_over(&mut self, turn: &mut Turn) {
        if self.recording.media.iter().any(|medium| !self.sources.is_over(medium)) {
            return;
        }
        match self.phase {
            Phase::Capturing => self.end(self.cause_of_sources(), turn),
            Phase::Post { .. } => self.end(Cause::Stop, turn),
            _ => {}
        }
    }

    /// Why a recording ends that ends by its sources.
    pub(crate) fn cause_of_sources(&self) -> Cause {
        let has_failed = |medium| self.sources.failure(medium).is_some();
        if self.recording.media.iter().any(has_failed) { Cause::SourceFailed } else { Cause::SourceEnded }
    }

    pub(crate) fn slept(&mut self, asleep_ns: u64, turn: &mut Turn) {
        self.sources.slept(asleep_ns);
        if self.has_session() {
            let from_ns = turn.now_ns.saturating_sub(asleep_ns);
            let reason = format!("the machine slept for {} ms", asleep_ns / 1_000_000);
            let gap = Gap { fault: Fault::Suspend, media: self.recording.media, from_ns, reason };
            self.recording.interruptions.was_missing(gap, turn.now_ns, turn);
        }
    }

    /// A source that never failed gave nothing for a while: it is the recorder that stood still.
    pub(crate) fn missed(&mut self, medium: Medium, from_ns: u64, to_ns: u64, turn: &mut Turn) {
        let is_ending = matches!(self.phase, Phase::Draining(_)) && self.recording.media.contains(medium);
        let was_recorded = self.is_recorded(medium) || is_ending;
        let to_ns = to_ns.min(self.recording.ended_ns.unwrap_or(turn.now_ns));
        if !was_recorded || from_ns >= to_ns || self.recording.interruptions.is_gone(medium) {
            return;
        }
        let reason = format!("the recorder stood still for {} ms", (to_ns - from_ns) / 1_000_000);
        let gap = Gap { fault: Fault::Recorder, media: medium.into(), from_ns, reason };
        self.recording.interruptions.was_missing(gap, to_ns, turn);
    }

    /// Whether what the source gives is of use: for the pre-record, or for a recording.
    fn is_wanted(&self, medium: Medium) -> bool {
        let is_wanted_now = self.phase.wants_sources() && self.recording.media.contains(medium);
        self.rules.standby.contains(medium) || is_wanted_now
    }

    /// Whether what the source gives goes into a session, or will when it is open.
    fn is_recorded(&self, medium: Medium) -> bool {
        self.has_session() && self.recording.media.contains(medium)
    }

    /// Whether a session is open or being opened.
    fn has_session(&self) -> bool {
        self.phase.is_capturing() || self.phase == Phase::Opening
    }

    /// Nobody needs an alarm about a source that was opened for a start which is refused for it.
    fn raise_gone(&mut self, medium: Medium, reason: &str, turn: &mut Turn) {
        let is_told_by_answer = self.phase == Phase::Waiting && !self.recording.is_resumed;
        if self.rules.standby.contains(medium) || !is_told_by_answer {
            self.alarms.raise(AlarmKind::of(medium), reason.into(), turn);
        }
    }

    fn quiet_alarms_of(&mut self, medium: Medium, turn: &mut Turn) {
        self.alarms.quiet(AlarmKind::of(medium), turn);
        self.quiet_frame_rate_of(medium, turn);
    }

    fn quiet_frame_rate_of(&mut self, medium: Medium, turn: &mut Turn) {
        if medium == Medium::Video {
            self.alarms.quiet(AlarmKind::FrameRate, turn);
        }
    }
}

pub(crate) fn fault_of(medium: Medium) -> Fault {
    match medium {
        Medium::Video => Fault::Camera,
        Medium::Audio => Fault::Microphone,
    }
}
