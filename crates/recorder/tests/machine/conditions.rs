// SPDX-License-Identifier: MIT OR Apache-2.0
//! Clock, battery, frame rate and queues: what is told must be told once, and be quiet again when it is over.

use crate::bench::*;
use recorder::{Input, Media};

fn stepped(ms: i64) -> Input {
    Input::ClockStepped { step_ns: ms * 1_000_000 }
}

fn rate(is_low: bool) -> Input {
    Input::FrameRate { is_low, detail: "12 of 25".into() }
}

#[test]
fn every_step_of_the_clock_is_entered_and_a_large_one_is_told_for_a_minute() {
    let mut bench = Bench::standby(live());
    assert_eq!(bench.take(stepped(-500)), "step -500");
    assert_eq!(bench.at(1000, stepped(501)), "step 501, raise clock");
    assert_eq!(bench.next_wake_ms(), Some(61_000));
    assert_eq!(bench.at(2000, stepped(-9000)), "step -9000");
    assert_eq!(bench.at(61_999, Input::Tick), "");
    assert_eq!(bench.at(62_000, Input::Tick), "quiet clock");
}

#[test]
fn steps_before_the_ledger_is_open_are_entered_as_one() {
    let mut bench = Bench::starting(live());
    assert_eq!(bench.all([stepped(700), stepped(-100)]), "raise clock");
    assert_eq!(bench.take(Input::Ready { resume: None }), "step 600, open video, open audio");
}

#[test]
fn a_queue_that_lost_something_is_told_until_it_holds_for_ten_seconds() {
    let mut bench = Bench::recording(live());
    let dropped = || Input::Dropped { queue: "outbox", count: 1 };
    assert_eq!(bench.at(2000, dropped()), "raise queue");
    assert_eq!(bench.at(9000, dropped()), "");
    assert_eq!(bench.at(12_000, Input::Tick), "");
    assert_eq!(bench.at(19_000, Input::Tick), "quiet queue");
}

#[test]
fn a_low_frame_rate_is_told_while_it_lasts_and_while_there_is_a_camera() {
    let mut bench = Bench::standby(live());
    assert_eq!(bench.all([rate(true), rate(true), rate(false)]), "raise frame-rate, quiet frame-rate");
    assert_eq!(bench.all([rate(true), failed(VIDEO)]), "raise frame-rate, close video, quiet frame-rate, raise camera");
    assert_eq!(bench.take(rate(true)), "");
    let mut bench = Bench::recording(on_demand());
    bench.all([rate(true), Input::Stop, Input::Drained]);
    assert_eq!(bench.take(Input::Closed), "stopped, close video, quiet frame-rate, close audio");
}

#[test]
fn a_battery_that_runs_out_is_told_until_it_is_charged() {
    let battery = |percent, is_discharging| Input::Battery { percent, is_discharging };
    let mut bench = Bench::standby(live());
    assert_eq!(bench.all([battery(10, true), battery(9, true), battery(8, true)]), "raise power");
    assert_eq!(bench.take(battery(8, false)), "quiet power");
    assert_eq!(bench.all([battery(9, true), battery(10, true)]), "raise power, quiet power");
}

#[test]
fn what_stands_can_be_asked_for() {
    let mut bench = Bench::standby(live());
    bench.all([stepped(9000), failed(AUDIO), start(Media::BOTH)]);
    assert_eq!(bench.alarms(), ["clock", "microphone"]);
}
