// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one time line of all sources of a studio, and where it lies in boot time.
//!
//! Sources stamp what they give by `CLOCK_MONOTONIC`. Nothing here reads UTC, so setting it moves no frame.
//!
//! While the machine sleeps (suspend), `CLOCK_MONOTONIC` stands still and `CLOCK_BOOTTIME` goes on. The time line is boot
//! time: how long the machine has slept is added to a source's stamps, and is fixed when the source is opened. A source
//! that was open when the machine slept has failed, whether its device noticed or not, for its stamps would put the
//! frames behind the sleep right after those before it. It is opened again like any other, and the gap is as long as the
//! sleep was. Must not know frames.

use std::sync::{Arc, Mutex};

use gstreamer as gst;
use gstreamer::prelude::*;
use rustix::time::{ClockId, clock_gettime};

use crate::frame::{NS_PER_SECOND, clock_ns};
use crate::sync::lock;

/// A smaller difference between the two clocks comes of reading one after the other.
const SLEEP_MIN_NS: i64 = NS_PER_SECOND / 10;
/// Two clocks read within so long were read at the same time.
const SAME_TIME_NS: i64 = 100_000;
/// How often that is tried on a machine that is busy.
const READINGS_MAX: usize = 20;

/// The time line. Its zero is when it was made.
#[derive(Clone)]
pub(crate) struct TimeLine {
    clock: gst::Clock,
    base: gst::ClockTime,
    base_boot_ns: i64,
    slept: Arc<Mutex<Slept>>,
}

struct Slept {
    /// By how much boot time was ahead of the clock at the beginning.
    ahead_at_base_ns: i64,
    total_ns: i64,
    /// What a test says the machine has slept.
    #[cfg(test)]
    pretended_ns: i64,
}

/// Where a pipeline that starts now lies on the time line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// For the pipeline: its running time is 0 now.
    pub(crate) base: gst::ClockTime,
    /// What to add to running time.
    pub(crate) offset_ns: i64,
}

impl TimeLine {
    pub(crate) fn new() -> Self {
        let clock = gst::SystemClock::obtain();
        let ahead_at_base_ns = boot_ahead_ns();
        let base = clock.time();
        let slept = Slept {
            ahead_at_base_ns,
            total_ns: 0,
            #[cfg(test)]
            pretended_ns: 0,
        };
        let base_boot_ns = clock_ns(base) + ahead_at_base_ns;
        Self { clock, base, base_boot_ns, slept: Arc::new(Mutex::new(slept)) }
    }

    pub(crate) fn clock(&self) -> &gst::Clock {
        &self.clock
    }

    /// For a pipeline that is to start now.
    pub(crate) fn moment(&self) -> Moment {
        let base = self.clock.time();
        Moment { base, offset_ns: clock_ns(base) - clock_ns(self.base) + self.slept_ns() }
    }

    pub(crate) fn now_ns(&self) -> i64 {
        self.moment().offset_ns
    }

    /// `CLOCK_BOOTTIME` at this time.
    pub(crate) fn boot_ns(&self, time_ns: i64) -> u64 {
        u64::try_from(self.base_boot_ns + time_ns).unwrap_or(0)
    }

    /// How long the machine has slept since the time line began.
    pub(crate) fn slept_ns(&self) -> i64 {
        let mut slept = lock(&self.slept);
        let seen_ns = boot_ahead_ns() - slept.ahead_at_base_ns;
        #[cfg(test)]
        let seen_ns = seen_ns + slept.pretended_ns;
        if (seen_ns - slept.total_ns).abs() > SLEEP_MIN_NS {
            slept.total_ns = seen_ns;
        }
        slept.total_ns
    }

    #[cfg(test)]
    pub(crate) fn pretend_sleep(&self, slept_ns: i64) {
        lock(&self.slept).pretended_ns += slept_ns;
    }
}

/// How far boot time is ahead of `CLOCK_MONOTONIC`: the time slept since boot.
fn boot_ahead_ns() -> i64 {
    let readings = (0..READINGS_MAX).map(|_| {
        let before_ns = clock_now_ns(ClockId::Monotonic);
        let boot_ns = clock_now_ns(ClockId::Boottime);
        (clock_now_ns(ClockId::Monotonic) - before_ns, boot_ns - before_ns)
    });
    let mut best = (i64::MAX, 0);
    for reading in readings {
        best = best.min(reading);
        if best.0 < SAME_TIME_NS {
            break;
        }
    }
    best.1
}

fn clock_now_ns(clock: ClockId) -> i64 {
    let now = clock_gettime(clock);
    now.tv_sec * NS_PER_SECOND + now.tv_nsec
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time_line() -> TimeLine {
        crate::init().unwrap();
        TimeLine::new()
    }

    #[test]
    fn a_time_is_boot_time_less_where_the_line_began() {
        let time = time_line();
        let before_ns = clock_now_ns(ClockId::Boottime);
        let told_ns = i64::try_from(time.boot_ns(time.now_ns())).unwrap();
        let after_ns = clock_now_ns(ClockId::Boottime);
        assert!((before_ns - SAME_TIME_NS..=after_ns + SAME_TIME_NS).contains(&told_ns));
    }

    #[test]
    fn sleep_counts_and_reading_clocks_does_not() {
        let time = time_line();
        assert!((0..1000).all(|_| time.slept_ns() == 0));
        let before_ns = time.now_ns();
        time.pretend_sleep(3600 * NS_PER_SECOND);
        let slept_ns = time.slept_ns();
        assert!((slept_ns - 3600 * NS_PER_SECOND).abs() < SLEEP_MIN_NS);
        assert!(time.now_ns() - before_ns >= slept_ns);
        assert!((0..1000).all(|_| time.slept_ns() == slept_ns));
    }
}
