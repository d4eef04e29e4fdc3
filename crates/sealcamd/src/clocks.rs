// SPDX-License-Identifier: MIT OR Apache-2.0
//! Notices when UTC is set and when the machine slept, by reading three clocks side by side again and again.

use rustix::time::{ClockId, clock_gettime};

/// UTC that moves by more than this against boot time between two looks was set, not slewed, in nanoseconds. `adjtime`
/// slews by at most 0.05 %, so that looks may be a minute apart.
const STEP_NS: i64 = 50_000_000;

/// A machine that is awake has both clocks run alike; what is less than this is between the two readings.
const SLEEP_NS: i64 = 100_000_000;

/// The clocks at one moment, in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Reading {
    /// Since the machine was started, sleep included.
    boot_ns: i64,
    /// Since the machine was started, sleep left out.
    awake_ns: i64,
    utc_ns: i64,
}

/// What the clocks did between two looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    /// By how much UTC was set forward (or back), in nanoseconds.
    pub(crate) step_ns: Option<i64>,
    /// For how long the machine slept, in nanoseconds.
    pub(crate) asleep_ns: Option<u64>,
}

/// Looks at the clocks.
pub(crate) struct Clocks {
    last: Reading,
}

impl Clocks {
    pub(crate) fn new() -> Clocks {
        Clocks { last: Reading::now() }
    }

    /// What happened since the last look.
    pub(crate) fn look(&mut self) -> Moved {
        let now = Reading::now();
        let moved = self.last.until(now);
        self.last = now;
        moved
    }
}

impl Reading {
    fn now() -> Reading {
        let read = |id| {
            let now = clock_gettime(id);
            now.tv_sec.saturating_mul(1_000_000_000).saturating_add(now.tv_nsec)
        };
        Reading {
            boot_ns: read(ClockId::Boottime),
            awake_ns: read(ClockId::Monotonic),
            utc_ns: read(ClockId::Realtime),
        }
    }

    fn until(self, now: Reading) -> Moved {
        let passed_ns = now.boot_ns - self.boot_ns;
        let step_ns = (now.utc_ns - self.utc_ns) - passed_ns;
        let asleep_ns = passed_ns - (now.awake_ns - self.awake_ns);
        Moved {
            step_ns: Some(step_ns).filter(|step_ns| step_ns.abs() > STEP_NS),
            asleep_ns: u64::try_from(asleep_ns).ok().filter(|_| asleep_ns > SLEEP_NS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn moved(boot_s: i64, awake_s: i64, utc_ns: i64) -> Moved {
        let before = Reading { boot_ns: 10 * SECOND, awake_ns: 4 * SECOND, utc_ns: 1_700_000_000 * SECOND };
        before.until(Reading {
            boot_ns: before.boot_ns + boot_s * SECOND,
            awake_ns: before.awake_ns + awake_s * SECOND,
            utc_ns: before.utc_ns + utc_ns,
        })
    }

    #[test]
    fn clocks_that_run_alike_did_nothing() {
        assert_eq!(moved(1, 1, SECOND), Moved::default());
        assert_eq!(moved(60, 60, 60 * SECOND + 30_000_000), Moved::default());
    }

    #[test]
    fn utc_that_was_set_moved_by_what_it_was_set() {
        assert_eq!(moved(1, 1, 3601 * SECOND), Moved { step_ns: Some(3600 * SECOND), asleep_ns: None });
        assert_eq!(moved(1, 1, -SECOND), Moved { step_ns: Some(-2 * SECOND), asleep_ns: None });
    }

    #[test]
    fn sleep_is_told_by_the_clock_that_stood_still() {
        assert_eq!(moved(30, 1, 30 * SECOND), Moved { step_ns: None, asleep_ns: Some(29_000_000_000) });
        let both = Moved { step_ns: Some(-5 * SECOND), asleep_ns: Some(29_000_000_000) };
        assert_eq!(moved(30, 1, 25 * SECOND), both);
    }

    #[test]
    fn this_machine_is_awake_and_nobody_sets_its_clock_now() {
        assert_eq!(Clocks::new().look().asleep_ns, None);
    }
}
