// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether what a receiver says can be. Pure: fixes in, doubts out. A doubt is told beside the fix, which stays as it was said.
//!
//! Only fixes are judged. A receiver that has none may say anything of the time until it learns it.

use super::date::{NS_PER_DAY, NS_PER_SECOND};
use super::fix::{Fix, Position};

/// Fixes arrive when the line and the machine let them: so the time between two of them is the receiver's, if it is at most so
/// much more than ours.
const ARRIVAL_JITTER_NS: u64 = 2 * NS_PER_SECOND as u64;
/// Two fixes of a receiver that does not move may lie so far apart.
const NOISE_M: f64 = 25.0;
/// The mean radius of the Earth (IUGG). On a sphere of it distances are right to 0.6 %.
const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// What is still plausible.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Speed between two fixes, in metres a second.
    pub speed_mps: f64,
}

impl Default for Limits {
    /// 150 m/s, which is 540 km/h: no vehicle on the ground is as fast, and no helicopter.
    fn default() -> Self {
        Self { speed_mps: 150.0 }
    }
}

/// What our clocks said when a fix arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// `CLOCK_BOOTTIME` in nanoseconds.
    pub boot_ns: u64,
    /// UTC, if it is known.
    pub utc: Option<Utc>,
}

/// UTC as our clock has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Utc {
    /// Nanoseconds since 1970.
    pub ns: i64,
    /// How far the receiver may be from it, in nanoseconds: as far as the clock may be off, and as long as a fix is under way
    /// (up to a second at 9600 baud).
    pub bound_ns: u64,
}

/// Why a fix is doubted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Doubt {
    /// It lies farther from the one before than the limit of speed allows.
    Jump {
        /// How far, in metres.
        distance_m: f64,
        /// In how long, in nanoseconds.
        elapsed_ns: u64,
    },
    /// The receiver's time went back.
    TimeBack {
        /// By how much, in nanoseconds.
        by_ns: u64,
    },
    /// The receiver's time stands still.
    TimeStill,
    /// The receiver's time is too far from ours.
    ClockApart {
        /// How far it is ahead, in nanoseconds; negative if it is behind.
        ahead_ns: i64,
    },
}

/// Judges the fixes of one receiver, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Plausibility {
    limits: Limits,
    last: Option<Fix>,
    /// The last fix that had a place.
    placed: Option<Placed>,
}

#[derive(Clone, Copy, Debug)]
struct Placed {
    fix: Fix,
    position: Position,
    boot_ns: u64,
}

impl Plausibility {
    /// Nothing was seen yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Why a fix is doubted, if it is. The next is judged by it all the same: of a receiver that jumps away and back, both
    /// are told.
    pub fn check(&mut self, fix: &Fix, arrival: Arrival) -> Vec<Doubt> {
        if !fix.is_fix() {
            return Vec::new();
        }
        let placed = fix.position.map(|position| Placed { fix: *fix, position, boot_ns: arrival.boot_ns });
        let jump = placed.and_then(|placed| self.jump(&placed));
        let doubts = [jump, self.time(fix), apart(fix, arrival)];
        (self.last, self.placed) = (Some(*fix), placed.or(self.placed));
        doubts.into_iter().flatten().collect()
    }

    fn jump(&self, placed: &Placed) -> Option<Doubt> {
        let before = self.placed?;
        let distance_m = distance_m(before.position, placed.position);
        let elapsed_ns = elapsed_ns(&before, placed);
        let allowed_m = NOISE_M + self.limits.speed_mps * elapsed_ns as f64 / NS_PER_SECOND as f64;
        (distance_m > allowed_m).then_some(Doubt::Jump { distance_m, elapsed_ns })
    }

    fn time(&self, fix: &Fix) -> Option<Doubt> {
        match passed_ns(self.last.as_ref()?, fix)? {
            1.. => None,
            0 => Some(Doubt::TimeStill),
            back_ns => Some(Doubt::TimeBack { by_ns: back_ns.unsigned_abs() }),
        }
    }
}

/// The time between two fixes. A receiver that lies about it gains no more than the jitter.
fn elapsed_ns(before: &Placed, placed: &Placed) -> u64 {
    let ours_ns = placed.boot_ns.saturating_sub(before.boot_ns);
    let theirs_ns = passed_ns(&before.fix, &placed.fix).and_then(|passed_ns| u64::try_from(passed_ns).ok());
    let believed_ns = theirs_ns.filter(|theirs_ns| *theirs_ns <= ours_ns.saturating_add(ARRIVAL_JITTER_NS));
    ours_ns.max(believed_ns.unwrap_or(0))
}

/// How much time went by from one fix to the next, as the receiver says. Without dates, it is taken for less than half a day.
fn passed_ns(before: &Fix, fix: &Fix) -> Option<i64> {
    let (time, time_before) = (fix.time?, before.time?);
    let inserted_ns = if time_before.is_leap_second() && !time.is_leap_second() { NS_PER_SECOND } else { 0 };
    let passed_ns = match (fix.utc_ns(), before.utc_ns()) {
        (Some(utc_ns), Some(utc_before_ns)) => utc_ns - utc_before_ns,
        _ => around_midnight(time.ns() as i64 - time_before.ns() as i64),
    };
    Some(passed_ns + inserted_ns)
}

fn around_midnight(difference_ns: i64) -> i64 {
    let half_ns = NS_PER_DAY / 2;
    (difference_ns + half_ns).rem_euclid(NS_PER_DAY) - half_ns
}

fn apart(fix: &Fix, arrival: Arrival) -> Option<Doubt> {
    let ours = arrival.utc?;
    let ahead_ns = fix.utc_ns()?.saturating_sub(ours.ns);
    (ahead_ns.unsigned_abs() > ours.bound_ns).then_some(Doubt::ClockApart { ahead_ns })
}

/// Along a great circle, by the haversine formula, which holds for small distances too.
fn distance_m(a: Position, b: Position) -> f64 {
    let half_chord = |a_deg: f64, b_deg: f64| ((b_deg - a_deg).to_radians() / 2.0).sin().powi(2);
    let parallels = a.latitude_deg.to_radians().cos() * b.latitude_deg.to_radians().cos();
    let chord = half_chord(a.latitude_deg, b.latitude_deg) + parallels * half_chord(a.longitude_deg, b.longitude_deg);
    2.0 * EARTH_RADIUS_M * chord.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::super::date::{Date, TimeOfDay};
    use super::super::fix::Quality;
    use super::*;

    const SECOND_NS: u64 = NS_PER_SECOND as u64;
    /// A degree of latitude is about 111 km: so many degrees are a metre.
    const METRE_DEG: f64 = 1.0 / 111_195.08;

    /// A fix so many metres north of a place, at a second of the 28th of February 2026 at noon.
    fn fix(north_m: f64, second: u8) -> Fix {
        let position = Position { latitude_deg: 31.2 + north_m * METRE_DEG, longitude_deg: 121.5 };
        Fix {
            quality: Quality::Gnss,
            position: Some(position),
            time: TimeOfDay::new(12, 0, second, 0),
            date: Date::new(2026, 2, 28),
            ..Fix::NOTHING
        }
    }

    fn at(boot_s: u64) -> Arrival {
        Arrival { boot_ns: boot_s * SECOND_NS, utc: None }
    }

    /// What was doubted of each fix, which arrived at that second of boot time.
    fn doubts(fixes: &[(Fix, u64)]) -> Vec<Vec<Doubt>> {
        let mut plausibility = Plausibility::new(Limits::default());
        fixes.iter().map(|(fix, boot_s)| plausibility.check(fix, at(*boot_s))).collect()
    }

    /// What was doubted of the last.
    fn last(fixes: &[(Fix, u64)]) -> Vec<Doubt> {
        doubts(fixes).pop().unwrap()
    }

    fn is_jump(doubts: &[Doubt]) -> bool {
        matches!(doubts, [Doubt::Jump { .. }])
    }

    #[test]
    fn a_drive_is_plausible() {
        let fixes: Vec<_> = (0..60).map(|second| (fix(f64::from(second) * 60.0, second), second.into())).collect();
        assert!(doubts(&fixes).iter().all(Vec::is_empty));
    }

    #[test]
    fn a_jump_away_and_back_is_told_twice() {
        let doubts = doubts(&[(fix(0.0, 0), 0), (fix(400.0, 1), 1), (fix(0.0, 2), 2), (fix(5.0, 3), 3)]);
        assert_eq!(doubts.iter().map(|doubts| is_jump(doubts)).collect::<Vec<_>>(), [false, true, true, false]);
        let [Doubt::Jump { distance_m, elapsed_ns }] = doubts[1][..] else { panic!("{doubts:?}") };
        assert!((distance_m - 400.0).abs() < 0.1 && elapsed_ns == SECOND_NS, "{distance_m} {elapsed_ns}");
    }

    #[test]
    fn the_limit_is_a_speed() {
        let jumped = |north_m, second: u8| is_jump(&last(&[(fix(0.0, 0), 0), (fix(north_m, second), second.into())]));
        assert_eq!([jumped(174.0, 1), jumped(176.0, 1)], [false, true]);
        assert_eq!([jumped(8_000.0, 55), jumped(8_400.0, 55)], [false, true]);
    }

    #[test]
    fn what_arrives_in_one_go_is_no_jump() {
        assert_eq!(last(&[(fix(0.0, 0), 5), (fix(60.0, 1), 5)]), []);
    }

    #[test]
    fn a_jump_is_not_hidden_by_a_jump_of_time() {
        assert!(is_jump(&last(&[(fix(0.0, 0), 0), (fix(5_000.0, 50), 1)])));
    }

    #[test]
    fn a_jump_behind_a_time_without_a_fix_is_seen() {
        let none = (Fix::NOTHING, 1);
        let unplaced = (Fix { position: None, ..fix(0.0, 1) }, 1);
        assert!(is_jump(&last(&[(fix(0.0, 0), 0), none, (fix(500.0, 2), 2)])));
        assert!(is_jump(&last(&[(fix(0.0, 0), 0), unplaced, (fix(500.0, 2), 2)])));
    }

    #[test]
    fn distances_go_around_the_globe() {
        let place = |latitude_deg, longitude_deg| Position { latitude_deg, longitude_deg };
        let near = |a, b, expected_m: f64| assert!((distance_m(a, b) / expected_m - 1.0).abs() < 1e-3);
        near(place(0.0, 179.9999), place(0.0, -179.9999), 22.24);
        near(place(90.0, 0.0), place(-90.0, 0.0), 20_015_115.0);
        // Shanghai and Beijing, as an atlas has it: 1,067 km.
        near(place(31.2304, 121.4737), place(39.9042, 116.4074), 1_067_000.0);
    }

    #[test]
    fn time_that_goes_back_or_stands_still_is_told() {
        let time = |second| last(&[(fix(0.0, 30), 0), (fix(0.0, second), 1)]);
        assert_eq!(time(31), []);
        assert_eq!(time(30), [Doubt::TimeStill]);
        assert_eq!(time(28), [Doubt::TimeBack { by_ns: 2 * SECOND_NS }]);
    }

    #[test]
    fn times_without_a_date_go_over_midnight() {
        let timed =
            |hour, minute, second| Fix { time: TimeOfDay::new(hour, minute, second, 0), date: None, ..fix(0.0, 0) };
        assert_eq!(last(&[(timed(23, 59, 59), 0), (timed(0, 0, 0), 1)]), []);
        assert_eq!(last(&[(timed(0, 0, 0), 0), (timed(23, 59, 59), 1)]), [Doubt::TimeBack { by_ns: SECOND_NS }]);
    }

    #[test]
    fn a_leap_second_goes_neither_back_nor_stands_still() {
        let before =
            |second| Fix { time: TimeOfDay::new(23, 59, second, 0), date: Date::new(2016, 12, 31), ..fix(0.0, 0) };
        let after = |date| Fix { time: TimeOfDay::new(0, 0, 0, 0), date, ..fix(0.0, 0) };
        for date in [Date::new(2017, 1, 1), None] {
            let fixes = [(before(58), 0), (before(59), 1), (before(60), 2), (after(date), 3)];
            assert!(doubts(&fixes).iter().all(Vec::is_empty), "{:?}", doubts(&fixes));
        }
    }

    #[test]
    fn a_receiver_without_a_fix_may_say_any_time() {
        let none = |second| Fix { quality: Quality::NoFix, position: None, ..fix(0.0, second) };
        assert_eq!(last(&[(none(30), 0), (none(30), 1)]), []);
        assert_eq!(last(&[(fix(0.0, 30), 0), (none(20), 1), (fix(0.0, 32), 2)]), []);
    }

    #[test]
    fn a_clock_that_is_apart_is_told() {
        let utc_ns = fix(0.0, 10).utc_ns().unwrap();
        let ahead = |ns: i64| {
            let utc = Some(Utc { ns: utc_ns - ns, bound_ns: 1_000 });
            Plausibility::default().check(&fix(0.0, 10), Arrival { boot_ns: 0, utc })
        };
        assert_eq!([ahead(1_000), ahead(-1_000)], [[]; 2]);
        assert_eq!(ahead(1_001), [Doubt::ClockApart { ahead_ns: 1_001 }]);
        assert_eq!(ahead(-1_001), [Doubt::ClockApart { ahead_ns: -1_001 }]);
    }
}
