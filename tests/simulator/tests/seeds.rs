// SPDX-License-Identifier: MIT OR Apache-2.0
//! Some dozen worlds, a quarter of a day each: nothing may be violated, and it must be worlds in which something happens.

#![allow(clippy::expect_used)]

use simulator::{Bug, Outcome, Report, Run};
use std::process::Command;

const HOUR_NS: u64 = 60 * 60 * 1_000_000_000;

fn world(seed: u64) -> Run {
    Run { seed, length_ns: 6 * HOUR_NS, bug: None }
}

#[test]
fn what_must_hold_does_in_every_world() {
    let mut report = Report::default();
    for seed in 0..48 {
        let Outcome { report: of_seed, violation } = world(seed).run();
        assert_eq!(violation, None, "seed {seed}");
        report.join(&of_seed);
    }
    let Report { cuts, faults, sessions, chunks, interruptions, alarms, .. } = report;
    assert!(cuts > 5_000 && faults > 5_000 && sessions > 5_000, "{report}");
    assert!(chunks > 500_000 && interruptions > 1_000 && alarms > 2_000, "{report}");
    let losses = &report.losses;
    assert!(losses.cuts() > 5_000 && losses.in_stall.cuts > 0 && losses.in_prerecord.cuts > 0, "{report}");
}

#[test]
fn the_same_seed_is_the_same_world() {
    assert_eq!(world(7).run(), world(7).run());
    assert_ne!(world(7).run(), world(11).run());
}

#[test]
fn a_failure_leaves_the_events_that_led_to_it() {
    let run = Run { bug: Some(Bug::NoInterruption), ..world(2) };
    let violation = run.run().violation.expect("the planted bug shows");
    let lines = run.last_events();
    let at = lines.iter().position(|line| line.contains("VIOLATED covered")).expect("the last events hold it");
    assert!(lines[..at].iter().any(|line| line.contains("SourceFailed")), "{violation:?} {lines:#?}");
}

#[test]
fn the_program_prints_every_event_of_a_seed() {
    let program = || Command::new(env!("CARGO_BIN_EXE_simulator"));
    let output = program().args(["--seed", "3", "--log"]).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("! Unplugged") && text.contains("simulated days        1.00"));
    assert!(!program().args(["--seeds", "3..3"]).output().expect("it runs").status.success());
}
