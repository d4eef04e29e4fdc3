// SPDX-License-Identifier: MIT OR Apache-2.0
//! What goes wrong, by chance, and how it is over.

use crate::plan::{BYTES_PER_S, CAPACITY, MINUTE, MS, Mishap, RESERVE, SECOND};
use crate::world::{Event, World};
use recorder::{AlarmKind, Input, Medium};

/// What storage, battery and media side are like.
#[derive(Clone, Debug)]
pub(crate) struct Conditions {
    pub(crate) stalled_until_ns: u64,
    pub(crate) is_slow: bool,
    pub(crate) is_bad: bool,
    pub(crate) falls_over: bool,
    pub(crate) lacks_second: bool,
    pub(crate) is_session_refused: bool,
    pub(crate) free_bytes: u64,
    pub(crate) battery_percent: u8,
    pub(crate) is_discharging: bool,
}

impl Default for Conditions {
    fn default() -> Conditions {
        Conditions {
            stalled_until_ns: 0,
            is_slow: false,
            is_bad: false,
            falls_over: false,
            lacks_second: false,
            is_session_refused: false,
            free_bytes: CAPACITY,
            battery_percent: 80,
            is_discharging: false,
        }
    }
}

impl World {
    /// Puts down when the next mishap of a kind comes.
    pub(crate) fn put_next(&mut self, mishap: Mishap) {
        let after_ns = self.random.around(self.plan.pause_ns(mishap));
        self.put(after_ns, Event::Strike(mishap));
    }

    /// Something goes wrong. While the recorder is off nothing does, and while it starts little.
    pub(crate) fn strike(&mut self, mishap: Mishap) {
        let is_early = matches!(mishap, Mishap::PowerCut | Mishap::Kill | Mishap::Shutdown | Mishap::ClockStep);
        if self.boot.ready_ns.is_none() && !(is_early && self.boot.is_up) {
            self.put_next(mishap);
            return;
        }
        self.log.say(self.now_ns, || format!("! {mishap:?}"));
        let length_ns = self.random.around(mishap.length_ns());
        match mishap {
            Mishap::PowerCut | Mishap::Kill => self.report.cuts += 1,
            _ => self.report.faults += 1,
        }
        self.put(length_ns, Event::Over(mishap));
        match mishap {
            Mishap::Unplugged(medium) => self.unplug(medium),
            Mishap::Silent(medium) => self.fall_silent(medium),
            Mishap::BornBroken(medium) => self.break_from_birth(medium),
            // A replay's file is there at once.
            Mishap::Sluggish(medium) => self.sources[medium].is_sluggish = self.plan.replay_s.is_none(),
            Mishap::HalfRate => self.set_half_rate(true),
            Mishap::Stall => self.conditions.stalled_until_ns = self.now_ns + length_ns,
            Mishap::Slow => self.conditions.is_slow = true,
            Mishap::BadStorage => self.conditions.is_bad = true,
            Mishap::FallOver => self.conditions.falls_over = !self.conditions.lacks_second,
            Mishap::Full => self.fill(),
            Mishap::StandsStill => self.stand_still(length_ns.clamp(2 * SECOND, 15 * SECOND)),
            Mishap::NoSession => self.conditions.is_session_refused = true,
            Mishap::ClockStep => self.step_clock(),
            Mishap::Sleep => self.sleep(length_ns),
            Mishap::Battery => self.set_battery(5, true),
            Mishap::PowerCut => self.cut_power(length_ns),
            Mishap::Kill => self.kill(length_ns),
            Mishap::Shutdown => self.tell(Input::Shutdown),
        }
    }

    /// Its cause is over.
    pub(crate) fn over(&mut self, mishap: Mishap) {
        self.log.say(self.now_ns, || format!("! over: {mishap:?}"));
        match mishap {
            Mishap::Unplugged(medium) => self.repair(medium, |source| source.is_unplugged = false),
            Mishap::Silent(medium) => self.repair(medium, |source| source.is_silent = false),
            Mishap::BornBroken(medium) => self.repair(medium, |source| source.is_born_broken = false),
            Mishap::Sluggish(medium) => self.repair(medium, |source| source.is_sluggish = false),
            Mishap::HalfRate => self.set_half_rate(false),
            Mishap::Slow => self.conditions.is_slow = false,
            Mishap::BadStorage => self.conditions.is_bad = false,
            Mishap::Full => self.conditions.free_bytes = CAPACITY / 2,
            Mishap::NoSession => self.conditions.is_session_refused = false,
            Mishap::Battery => self.end_battery(),
            _ => {}
        }
        self.put_next(mishap);
    }

    fn unplug(&mut self, medium: Medium) {
        self.sources[medium].is_unplugged = true;
        self.lose_source(medium);
    }

    fn fall_silent(&mut self, medium: Medium) {
        self.sources[medium].is_silent = true;
        self.pause(medium);
        self.watch_for_silence(medium);
    }

    /// It goes, and is broken when it is opened again.
    fn break_from_birth(&mut self, medium: Medium) {
        self.sources[medium].is_born_broken = true;
        self.sources[medium].is_mute = true;
        self.lose_source(medium);
    }

    /// Some drivers say so, some say nothing.
    fn lose_source(&mut self, medium: Medium) {
        self.pause(medium);
        if self.random.percent(50) {
            let after_ns = self.random.between(5, 50) * MS;
            self.put(after_ns, Event::Error(medium, self.sources[medium].opening));
        }
        self.watch_for_silence(medium);
    }

    fn repair(&mut self, medium: Medium, does: impl FnOnce(&mut crate::source::Source)) {
        let was_well = self.sources[medium].is_well();
        does(&mut self.sources[medium]);
        if !was_well && self.sources[medium].is_well() {
            self.sources[medium].well_since_ns = self.now_ns;
        }
        self.give(medium);
    }

    fn set_half_rate(&mut self, is_half_rate: bool) {
        self.sources.video.is_half_rate = is_half_rate;
        self.put_rate();
    }

    /// Something takes all the room, or leaves some for a while.
    fn fill(&mut self) {
        self.conditions.free_bytes = match self.random.below(3) {
            0 => 0,
            1 => RESERVE / 2,
            _ => RESERVE + self.random.below(70) * (MINUTE / SECOND) * BYTES_PER_S,
        };
    }

    fn step_clock(&mut self) {
        let (ms, is_back) = (self.random.below(5_000), self.random.percent(50));
        let step_ns = i64::try_from(ms * MS).unwrap_or(0) * if is_back { -1 } else { 1 };
        if step_ns.unsigned_abs() > 500 * MS {
            self.alarms.set_until(AlarmKind::Clock, self.now_ns, self.now_ns + MINUTE);
        }
        self.tell(Input::ClockStepped { step_ns });
    }

    fn set_battery(&mut self, percent: u8, is_discharging: bool) {
        (self.conditions.battery_percent, self.conditions.is_discharging) = (percent, is_discharging);
    }

    /// It is charged, or was exhausted.
    fn end_battery(&mut self) {
        self.set_battery(80, false);
        if self.random.percent(50) && self.boot.ready_ns.is_some() {
            self.report.cuts += 1;
            self.cut_power(MINUTE);
        }
    }
}
