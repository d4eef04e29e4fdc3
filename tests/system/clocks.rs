// SPDX-License-Identifier: MIT OR Apache-2.0
//! The clock is set and the machine sleeps while it records.
//!
//! What could break: media are stretched or torn where UTC jumps, the step is nowhere to be read, time asleep looks as if it
//! had been recorded.

use crate::support::bench::{Bench, INTACT, WITH_GAPS};
use crate::support::footage::{live, moving_clocks, set_clocks};
use crate::support::mp4::{Medium, runs_of};
use serde_json::Value;
use std::path::{Path, PathBuf};

const HOUR_NS: i64 = 3_600_000_000_000;
const SLEEP_NS: u64 = 7_000_000_000;

fn bench() -> (Bench, PathBuf) {
    let bench = Bench::new(live());
    let hands = bench.path("clock");
    let bench = bench.with_environment(moving_clocks(&hands));
    (bench, hands)
}

/// How long all that is in a file of a medium is, and how far its last run ends behind the begin of its first.
fn length_and_reach_ns(file: &Path, medium: Medium) -> (u64, u64) {
    let runs = runs_of(file, medium);
    let (first, last) = (runs.first().unwrap(), runs.last().unwrap());
    (runs.iter().map(|run| run.duration_ns()).sum(), last.end_ns() - first.start_ns())
}

/// The steps in the bytes of the ledger, in order: the text `step` and a CBOR integer of 8 bytes.
fn steps_ns(bench: &Bench) -> Vec<i64> {
    let ledger = bench.ledger();
    let after_key = |at: usize| ledger[at..].strip_prefix(b"\x64step");
    let number = |bytes: &[u8]| i64::from_be_bytes(bytes[1..9].try_into().unwrap());
    let step = |bytes: &[u8]| match bytes[0] {
        0x1b => number(bytes),
        0x3b => -1 - number(bytes),
        other => panic!("{other:#x} is no long integer"),
    };
    (0..ledger.len()).filter_map(after_key).map(step).collect()
}

#[test]
fn a_clock_that_is_set_is_on_record_and_moves_no_frame() {
    let (bench, hands) = bench();
    let daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    watch.until_chunk(2);
    set_clocks(&hands, HOUR_NS, 0);
    watch.until("alarm_raised", |event| event["kind"] == "clock");
    watch.until_chunk(watch.chunks().last().unwrap().number + 3);
    set_clocks(&hands, 0, 0);
    watch.until_chunk(watch.chunks().last().unwrap().number + 3);
    let session = bench.ctl(&["stop"]).good();
    assert_eq!(daemon.stop(), 0);
    let steps = steps_ns(&bench);
    let [there, back] = steps.as_slice() else { panic!("{steps:?}") };
    assert!((there - HOUR_NS).abs() < 50_000_000 && (back + HOUR_NS).abs() < 50_000_000, "{steps:?}");
    for file in bench.segments(&session) {
        for medium in [Medium::Video, Medium::Audio] {
            let (length_ns, reach_ns) = length_and_reach_ns(&file, medium);
            assert!(reach_ns.abs_diff(length_ns) < 1_000_000, "{medium:?}: {length_ns} of {reach_ns} ns");
        }
    }
    let verdict = bench.verify_all();
    assert_eq!(verdict.short(), INTACT, "{}", verdict.report);
    bench.assert_invariants();
}

#[test]
fn a_machine_that_slept_has_a_hole_of_that_length_on_record() {
    let (bench, hands) = bench();
    let daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    watch.until_chunk(2);
    set_clocks(&hands, 0, SLEEP_NS);
    watch.until("interruption_began", |event| event["cause"] == "suspend");
    let announced = watch.chunks().last().unwrap().number;
    watch.until_chunk(announced + 4);
    let session = bench.ctl(&["stop"]).good();
    assert_eq!(daemon.stop(), 0);
    let all = bench.ctl(&["interruptions", "--evidence", bench.evidence().to_str().unwrap()]).good();
    let slept: Vec<&Value> = all["interruptions"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["media"].as_array().unwrap().len() == 2)
        .collect();
    let [slept] = slept.as_slice() else { panic!("{all}") };
    assert!(slept["duration_ns"].as_u64().unwrap().abs_diff(SLEEP_NS) < 500_000_000, "{slept}");
    // Sleep is no step of the clock.
    assert_eq!(steps_ns(&bench), Vec::<i64>::new());
    let frames = session["video_frames"].as_u64().unwrap() * 100_000_000;
    let missing_ns = session["duration_ns"].as_u64().unwrap() - frames;
    assert!((SLEEP_NS..SLEEP_NS + 3_000_000_000).contains(&missing_ns), "{missing_ns} ns are missing: {session}");
    let verdict = bench.verify_all();
    assert_eq!(verdict.short(), WITH_GAPS, "{}", verdict.report);
    bench.assert_invariants();
}
