// SPDX-License-Identifier: MIT OR Apache-2.0
//! Camera and microphone as the daemon has them: they are opened, give, fall silent, fail and come to their end.

use crate::capture::Capture;
use crate::plan::{FIRST_FRAME, MS, SECOND, SILENCE, START_TIMEOUT};
use crate::watch::{Invariant, Verdict, must};
use crate::world::{Event, World};
use recorder::{AlarmKind, Fault, Input, Medium, State};

/// How long a source whose device is well may stay away: an opening that gives nothing is given up, then the longest wait
/// before it is opened again, then the opening.
pub(crate) const REJOIN_NS: u64 = START_TIMEOUT + 1_500 * MS;

impl World {
    pub(crate) fn open_source(&mut self, medium: Medium) {
        let source = &mut self.sources[medium];
        source.open();
        let (opening, is_sluggish) = (source.opening, source.is_sluggish);
        let (least_ms, most_ms) = if is_sluggish { (1_000, 30_000) } else { (30, 400) };
        let after_ns = self.random.between(least_ms, most_ms) * MS;
        self.put(after_ns, Event::Answer(medium, opening));
    }

    pub(crate) fn close_source(&mut self, medium: Medium) {
        self.sources[medium].is_open = false;
        self.pause(medium);
    }

    /// A source gives no more.
    pub(crate) fn pause(&mut self, medium: Medium) {
        if self.sources[medium].pause(self.now_ns)
            && let Some(capture) = &mut self.capture
        {
            capture.pause(medium, self.now_ns);
        }
    }

    /// A source gives, if it can. Its first frame is told.
    pub(crate) fn give(&mut self, medium: Medium) {
        if !self.sources[medium].give(self.now_ns) {
            return;
        }
        if let Some(capture) = &mut self.capture {
            capture.begin(medium, self.now_ns);
        }
        self.put_rate();
        let is_first = !std::mem::replace(&mut self.sources[medium].has_given, true);
        if is_first {
            self.put_end_of_replay(medium);
            self.tell(Input::SourceUp { medium });
        }
    }

    fn put_end_of_replay(&mut self, medium: Medium) {
        if let Some(length_s) = self.plan.replay_s {
            self.put(length_s * SECOND, Event::End(medium, self.sources[medium].opening));
        }
    }

    /// The rate is known after a while.
    pub(crate) fn put_rate(&mut self) {
        let after_ns = self.random.between(2_000, 2_400) * MS;
        self.put(after_ns, Event::Rate(self.sources.video.opening));
    }

    /// What came of opening it.
    pub(crate) fn source_answers(&mut self, medium: Medium) {
        self.sources[medium].is_hanging = false;
        if self.sources[medium].is_unplugged {
            self.fail(medium, "there is no such device");
        } else {
            self.give(medium);
            self.watch_for_silence(medium);
        }
    }

    /// One that gives nothing is noticed after a while; one that never gave is sometimes left to the machine.
    pub(crate) fn watch_for_silence(&mut self, medium: Medium) {
        let source = &self.sources[medium];
        let is_left = !source.has_given && self.random.percent(50);
        if source.is_open && !source.is_hanging && !source.gives() && !is_left {
            let (opening, since_ns) = (source.opening, source.last_ns);
            let patience_ns = if source.has_given { SILENCE } else { FIRST_FRAME };
            let after_ns = patience_ns + self.random.between(0, 100) * MS;
            self.put(after_ns, Event::Silence(medium, opening, since_ns));
        }
    }

    /// Nothing came for too long, unless something came meanwhile.
    pub(crate) fn silence(&mut self, medium: Medium, since_ns: u64) {
        if !self.sources[medium].gives() && self.sources[medium].last_ns == since_ns {
            self.fail(medium, "it gives nothing");
        }
    }

    /// Every source that gives nothing now has done so for too long.
    pub(crate) fn notice_silence(&mut self) {
        for medium in Medium::ALL {
            let source = &self.sources[medium];
            if source.is_open && source.has_given && !source.has_ended && !source.gives() {
                self.fail(medium, "it gives nothing");
            }
        }
    }

    pub(crate) fn error(&mut self, medium: Medium) {
        if !self.sources[medium].gives() {
            self.fail(medium, "the device is gone");
        }
    }

    fn fail(&mut self, medium: Medium, reason: &str) {
        let source = &self.sources[medium];
        let last_ns = source.has_given.then(|| source.last_ns - self.boot.zero_ns);
        let fault = match medium {
            _ if self.random.percent(10) => Fault::Encoder,
            Medium::Video => Fault::Camera,
            Medium::Audio => Fault::Microphone,
        };
        self.close_source(medium);
        self.tell(Input::SourceFailed { medium, fault, reason: reason.into(), last_ns });
    }

    pub(crate) fn source_ends(&mut self, medium: Medium) {
        if self.sources[medium].gives() {
            self.sources[medium].has_ended = true;
            self.pause(medium);
            self.coverage.end(medium);
            self.hole.end(medium);
            self.tell(Input::SourceEnded { medium });
        }
    }

    pub(crate) fn rate(&mut self) {
        let source = &mut self.sources.video;
        if source.gives() && source.is_half_rate != source.is_rate_told {
            source.is_rate_told = source.is_half_rate;
            let is_low = source.is_half_rate;
            self.tell(Input::FrameRate { is_low, detail: "half of it".into() });
        }
    }

    /// Which sources are missing, and how long.
    pub(crate) fn watch_sources(&mut self) -> Verdict {
        let Some(ready_ns) = self.boot.ready_ns else { return Ok(()) };
        let is_at_rest = matches!(self.boot.recorder.state(), State::Standby | State::Faulted(_));
        for medium in Medium::ALL {
            let source = &self.sources[medium];
            let is_left = is_at_rest && source.is_open && !self.is_wanted(medium);
            must(!is_left, Invariant::LeftOpen, || format!("{medium} is open in standby"))?;
            let is_missing = self.is_wanted(medium) && !source.gives() && !source.has_ended;
            let since_ns = if is_missing { source.last_ns.max(ready_ns).max(self.woke_ns) } else { self.now_ns };
            let hindered_ns = source.well_since_ns.max(since_ns);
            let is_late = is_missing && source.is_well() && self.now_ns > hindered_ns + REJOIN_NS;
            self.alarms.set(AlarmKind::of(medium), is_missing, since_ns);
            must(!is_late || !self.plan.rules.repeatable, Invariant::Rejoin, || {
                format!("{medium} is not opened again")
            })?;
        }
        let camera = &self.sources.video;
        self.alarms.set(AlarmKind::FrameRate, camera.gives() && camera.is_half_rate, self.now_ns);
        Ok(())
    }

    /// Whether standby or a recording that is to go on keeps it open.
    fn keeps(&self, medium: Medium) -> bool {
        self.plan.rules.standby.contains(medium) || self.resume.media().contains(medium)
    }

    /// Since when one of the sources could have given of what is to go on.
    pub(crate) fn well_ns(&self) -> Option<u64> {
        let wells = self.resume.media().iter().map(|medium| &self.sources[medium]).filter(|source| source.is_well());
        wells.map(|source| source.well_since_ns.max(self.woke_ns)).min()
    }

    /// Whether the source is to give, whatever the machine thinks.
    fn is_wanted(&self, medium: Medium) -> bool {
        let records = |capture: &Capture| !capture.is_ended && capture.media.contains(medium);
        self.keeps(medium) || self.capture.as_ref().is_some_and(records)
    }
}
