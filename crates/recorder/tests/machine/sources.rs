// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sources that fail, stay away, come back or never give: each must be told, named, tried again, and touch no other.

use crate::bench::*;
use recorder::{Input, Media, State};

/// Fails whenever it is opened again; the waits between.
fn waits_ms(bench: &mut Bench, times: usize) -> Vec<u64> {
    let mut waits = Vec::new();
    for _ in 0..times {
        let failed_ms = bench.now_ms;
        let wake_ms = bench.next_wake_ms().unwrap();
        assert_eq!(bench.at(wake_ms - 1, Input::Tick), "");
        assert_eq!(bench.at(wake_ms, Input::Tick), "open video");
        assert_eq!(bench.take(failed(VIDEO)), "close video");
        waits.push(wake_ms - failed_ms);
    }
    waits
}

#[test]
fn a_source_of_standby_that_is_gone_is_told_once_and_opened_again_and_again() {
    let mut bench = Bench::standby(live());
    assert_eq!(bench.at(100, failed(VIDEO)), "close video, raise camera");
    assert_eq!(waits_ms(&mut bench, 6), [250, 500, 1000, 1000, 1000, 1000]);
    let wake_ms = bench.next_wake_ms().unwrap();
    bench.at(wake_ms, Input::Tick);
    assert_eq!(bench.take(up(VIDEO)), "quiet camera");
    assert_eq!((bench.state(), bench.next_wake_ms()), (State::Standby, None));
}

#[test]
fn a_source_that_never_gives_is_given_up_in_time_and_tried_again() {
    let mut bench = Bench::starting(live());
    assert_eq!(bench.at(10, Input::Ready { resume: None }), "open video, open audio");
    bench.at(20, up(AUDIO));
    assert_eq!(bench.next_wake_ms(), Some(2510));
    // It is told before it is given up.
    assert_eq!((bench.at(2510, Input::Tick), bench.next_wake_ms()), ("raise camera".into(), Some(5010)));
    assert_eq!(bench.at(5010, Input::Tick), "close video");
    assert_eq!(bench.at(5260, Input::Tick), "open video");
    assert_eq!(bench.at(5300, up(VIDEO)), "quiet camera");
}

#[test]
fn a_missing_source_refuses_the_start_by_name_and_at_once() {
    let mut bench = Bench::standby(live());
    bench.at(100, failed(VIDEO));
    assert_eq!(bench.at(200, start(Media::BOTH)), "not started: the video source is missing: gone");
    assert_eq!(bench.state(), State::Standby);
    assert_eq!(bench.at(210, start(AUDIO.into())), "session audio 210");
}

#[test]
fn a_source_that_fails_while_it_is_waited_for_refuses_the_start_and_the_other_is_closed() {
    let mut bench = Bench::standby(on_demand());
    bench.at(100, start(Media::BOTH));
    bench.at(150, up(VIDEO));
    let answer = "close audio, not started: the audio source is missing: gone, close video";
    assert_eq!(bench.at(200, failed(AUDIO)), answer);
    // Nobody wants it any more: nothing is tried again, and the next start tries anew.
    assert_eq!((bench.next_wake_ms(), bench.alarms()), (None, vec![]));
    assert_eq!(bench.at(300, start(Media::BOTH)), "open video, open audio");
}

#[test]
fn a_start_does_not_wait_for_ever() {
    let mut bench = Bench::standby(on_demand());
    bench.at(100, start(VIDEO.into()));
    // Who asked is told when it is given up.
    assert_eq!((bench.at(2600, Input::Tick), bench.next_wake_ms()), (String::new(), Some(5100)));
    let answer = "close video, not started: the video source is missing: it gave nothing for 5000 ms";
    assert_eq!(bench.at(5100, Input::Tick), answer);
}

#[test]
fn a_source_of_standby_that_fails_while_another_is_waited_for_is_told_as_well() {
    let mut bench = Bench::starting(live());
    bench.take(Input::Ready { resume: None });
    bench.take(start(Media::BOTH));
    let answer = "close video, raise camera, not started: the video source is missing: gone";
    assert_eq!(bench.take(failed(VIDEO)), answer);
    assert_eq!(bench.state(), State::Standby);
}

#[test]
fn a_replay_that_is_over_before_its_first_frame_refuses_the_start() {
    let mut bench = Bench::standby(replay());
    bench.take(start(VIDEO.into()));
    let answer = "close video, not started: the video source is missing: it ended before its first frame";
    assert_eq!(bench.take(ended(VIDEO)), answer);
}

#[test]
fn a_source_that_is_closed_is_not_heard() {
    let mut bench = Bench::standby(on_demand());
    assert_eq!(bench.all([up(VIDEO), failed(VIDEO), ended(AUDIO)]), "");
    let mut bench = Bench::standby(live());
    bench.take(failed(VIDEO));
    assert_eq!(bench.all([failed(VIDEO), up(VIDEO), ended(VIDEO)]), "");
}

#[test]
fn sources_of_the_recording_alone_are_not_tried_again_after_its_end() {
    let mut bench = Bench::recording(on_demand());
    bench.at(2000, failed(VIDEO));
    assert_eq!(bench.at(2100, Input::Stop), "over 1 2100, end, quiet camera");
    assert_eq!(bench.next_wake_ms(), None);
    assert_eq!(bench.take(failed(AUDIO)), "close audio");
    assert_eq!(bench.all([Input::Drained, Input::Closed]), "close session stop, stopped");
}

#[test]
fn a_source_that_is_being_opened_when_the_recording_ends_is_closed() {
    let mut bench = Bench::recording(on_demand());
    bench.at(2000, failed(VIDEO));
    assert_eq!(bench.at(2250, Input::Tick), "open video");
    assert_eq!(bench.take(Input::Stop), "over 1 2250, end, close video, quiet camera");
}

#[test]
fn the_machine_asleep_is_no_fault_of_a_source_that_is_being_opened() {
    let mut bench = Bench::starting(live());
    bench.take(Input::Ready { resume: None });
    assert_eq!(bench.at(62_000, Input::Slept { asleep_ns: 60_000 * MS }), "");
    assert_eq!(bench.next_wake_ms(), Some(62_500));
}
