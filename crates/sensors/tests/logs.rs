// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whole logs of receivers, as `tests/logs/make.py` makes them: what is read of them, and whether it can be believed. What could
//! break: sentences that each are read right and do not come together; a time that a tunnel, midnight or a leap second upsets.

mod support;

use sensors::gnss::{
    Arrival, Constellation, Counts, Date, Dimension, Doubt, Epoch, Limits, Plausibility, Quality, Utc,
};
use support::{SECOND_NS, log, parse};

/// Those counts that must be 0 in a log without noise.
fn faults(counts: &Counts) -> u64 {
    counts.lines() - counts.whole_lines() + counts.late + counts.foreign_frames + counts.garbage_bytes
}

fn seconds(epochs: &[Epoch]) -> Vec<i64> {
    epochs.iter().filter_map(|epoch| epoch.fix.utc_ns()).map(|ns| ns / SECOND_NS as i64).collect()
}

/// The doubts about fixes that arrive each second.
fn doubts(epochs: &[Epoch]) -> Vec<Doubt> {
    let mut plausibility = Plausibility::new(Limits::default());
    let arrivals = (0..).map(|second: u64| Arrival { boot_ns: second * SECOND_NS, utc: None });
    epochs.iter().zip(arrivals).flat_map(|(epoch, arrival)| plausibility.check(&epoch.fix, arrival)).collect()
}

fn qualities(epochs: &[Epoch]) -> Vec<(Quality, usize)> {
    let mut qualities: Vec<(Quality, usize)> = Vec::new();
    for epoch in epochs {
        match qualities.last_mut() {
            Some((quality, count)) if *quality == epoch.fix.quality => *count += 1,
            _ => qualities.push((epoch.fix.quality, 1)),
        }
    }
    qualities
}

#[test]
fn a_drive_from_a_cold_start_through_a_tunnel() {
    let (epochs, counts) = parse(&log("cold-and-drive.nmea"));
    assert_eq!((epochs.len(), faults(&counts)), (200, 0));
    use Quality::*;
    let expected = [(NoFix, 15), (Gnss, 45), (Differential, 60), (NoFix, 20), (Differential, 60)];
    assert_eq!(qualities(&epochs), expected);
    assert!(epochs[..6].iter().all(|epoch| epoch.fix.time.is_none()));
    let start = 1_778_745_550;
    assert_eq!(seconds(&epochs), (start + 6..start + 200).collect::<Vec<_>>());
    assert!(epochs.iter().all(|epoch| epoch.fix.is_fix() == epoch.fix.position.is_some()));
    assert_eq!((epochs[15].fix.dimension, epochs[20].fix.dimension), (Some(Dimension::Two), Some(Dimension::Three)));
    assert_eq!(doubts(&epochs), []);
}

#[test]
fn satellites_are_counted_by_constellation() {
    let (epochs, _) = parse(&log("cold-and-drive.nmea"));
    let fix = &epochs[100].fix;
    let count =
        |satellites: sensors::gnss::Satellites| Constellation::ALL.map(|constellation| satellites.of(constellation));
    assert_eq!(fix.used.map(count), Some([7, 5, 5, 9, 2, 0, 0]));
    assert_eq!(fix.in_view.map(count), Some([8, 5, 6, 9, 2, 0, 0]));
    assert_eq!((fix.used_count, epochs[101].fix.in_view), (Some(12), None));
}

#[test]
fn two_constellations_over_midnight() {
    let (epochs, counts) = parse(&log("two-constellations.nmea"));
    assert_eq!((epochs.len(), faults(&counts), counts.unknown), (60, 0, 60));
    let start = 1_772_323_170;
    assert_eq!(seconds(&epochs), (start..start + 60).collect::<Vec<_>>());
    assert_eq!(epochs[30].fix.date, Date::new(2026, 3, 1));
    let used = epochs[30].fix.used.unwrap();
    assert_eq!((used.of(Constellation::Gps), used.of(Constellation::Beidou), used.total()), (6, 9, 15));
    assert_eq!(doubts(&epochs), []);
}

#[test]
fn a_leap_second_is_one_second_like_others() {
    let (epochs, counts) = parse(&log("leap-second.nmea"));
    assert_eq!((epochs.len(), faults(&counts)), (12, 0));
    let leaps: Vec<_> = epochs.iter().map(|epoch| epoch.fix.time.unwrap().is_leap_second()).collect();
    assert_eq!(leaps.iter().position(|is_leap| *is_leap), Some(6));
    assert_eq!(seconds(&epochs)[5..9], [1_483_228_799, 1_483_228_800, 1_483_228_800, 1_483_228_801]);
    assert_eq!(doubts(&epochs), []);
}

#[test]
fn weeks_that_rolled_over_are_flagged_and_doubted() {
    let (epochs, _) = parse(&log("rolled-over.nmea"));
    let today = Date::new(2026, 10, 10);
    let unfolded_ns = epochs[0].fix.unfolded_utc_ns().unwrap();
    assert_eq!((epochs[0].fix.weeks_early, unfolded_ns / SECOND_NS as i64), (Some(1024), 1_791_633_600));
    assert!(today.is_some() && epochs.iter().all(|epoch| epoch.fix.date == Date::new(2007, 2, 24)));
    let arrival = Arrival { boot_ns: 0, utc: Some(Utc { ns: unfolded_ns, bound_ns: SECOND_NS }) };
    let doubts = Plausibility::default().check(&epochs[0].fix, arrival);
    assert_eq!(doubts, [Doubt::ClockApart { ahead_ns: -1024 * 7 * 86_400 * SECOND_NS as i64 }]);
}

#[test]
fn foreign_frames_and_noise_hide_no_epoch() {
    let (epochs, counts) = parse(&log("mixed.bin"));
    assert_eq!((epochs.len(), counts.foreign_frames, counts.checksum_faults, counts.unknown), (30, 60, 3, 30));
    assert_eq!(qualities(&epochs), [(Quality::Float, 10), (Quality::Rtk, 20)]);
    assert!(counts.garbage_bytes > 100 && counts.malformed >= 1, "{counts:?}");
    assert_eq!(doubts(&epochs), []);
}
