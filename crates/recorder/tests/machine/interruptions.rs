// SPDX-License-Identifier: MIT OR Apache-2.0
//! A source that goes in a recording must leave an interruption with its true beginning and end, and must not end the
//! recording or touch the other source.

use crate::bench::*;
use recorder::{Input, Media, State};

#[test]
fn a_source_that_goes_and_comes_back_leaves_an_interruption() {
    let mut bench = Bench::recording(live());
    let answer = "close video, raise camera, begin 1 camera video 3000";
    assert_eq!(bench.at(5050, failed_since(VIDEO, 3000)), answer);
    assert_eq!(bench.state(), State::Degraded);
    assert_eq!(bench.at(5300, Input::Tick), "open video");
    assert_eq!(bench.at(5500, up(VIDEO)), "quiet camera, over 1 5500");
    assert_eq!(bench.state(), State::Recording);
    assert_eq!(bench.at(6000, failed(VIDEO)), "close video, raise camera, begin 2 camera video 6000");
}

#[test]
fn a_source_that_cannot_be_opened_again_is_one_interruption() {
    let mut bench = Bench::recording(live());
    bench.at(2000, failed(AUDIO));
    bench.at(2250, Input::Tick);
    assert_eq!(bench.at(2260, failed(AUDIO)), "close audio");
    assert_eq!(bench.state(), State::Degraded);
}

#[test]
fn both_gone_is_an_interruption_each_and_the_session_stays_open() {
    let mut bench = Bench::recording(live());
    bench.at(2000, failed(VIDEO));
    assert_eq!(bench.at(2100, failed(AUDIO)), "close audio, raise microphone, begin 2 microphone audio 2100");
    assert_eq!(bench.state(), State::Interrupted);
    bench.at(2350, Input::Tick);
    assert_eq!(bench.at(2400, up(AUDIO)), "quiet microphone, over 2 2400");
    assert_eq!(bench.state(), State::Degraded);
}

#[test]
fn open_interruptions_are_over_before_the_session_is_closed() {
    let mut bench = Bench::recording(live());
    bench.at(2000, failed(VIDEO));
    assert_eq!(bench.at(2100, Input::Stop), "over 1 2100, end");
    // Standby wants it all the same.
    assert_eq!(bench.at(2250, Input::Tick), "open video");
    assert_eq!(bench.all([Input::Drained, Input::Closed, up(VIDEO)]), "close session stop, stopped, quiet camera");
    let mut bench = Bench::recording(replay());
    bench.at(2000, failed(VIDEO));
    assert_eq!(bench.at(2100, Input::Drained), "over 1 2100, close session source-failed, quiet camera");
}

#[test]
fn a_replay_that_failed_stays_gone_and_the_recording_ends_with_the_other() {
    let mut bench = Bench::recording(replay());
    bench.at(2000, failed(VIDEO));
    assert_eq!((bench.state(), bench.next_wake_ms()), (State::Degraded, None));
    assert_eq!(bench.at(2100, ended(AUDIO)), "over 1 2100, end, quiet camera");
    assert_eq!(bench.take(Input::Drained), "close session source-failed");
}

#[test]
fn what_goes_while_the_session_is_being_opened_is_entered_when_it_is_open() {
    let mut bench = Bench::opening(live());
    assert_eq!(bench.at(1100, failed(VIDEO)), "close video, raise camera");
    assert_eq!(bench.at(1200, Input::Opened), "started, begin 1 camera video 1100");
    assert_eq!(bench.state(), State::Degraded);
    let mut bench = Bench::opening(live());
    bench.at(1100, failed(VIDEO));
    bench.at(1350, Input::Tick);
    bench.at(1400, up(VIDEO));
    assert_eq!(bench.at(1500, Input::Opened), "started, begin 1 camera video 1100, over 1 1400");
    assert_eq!(bench.state(), State::Recording);
}

/// The source goes and comes back so many times, from 2000 on, every 10 s.
fn come_and_go(bench: &mut Bench, times: u64) {
    for number in 0..times {
        let now_ms = 2_000 + number * 10_000;
        bench.at(now_ms, failed(VIDEO));
        bench.at(now_ms + 2_000, Input::Tick);
        bench.take(up(VIDEO));
    }
}

#[test]
fn what_goes_twice_while_the_session_is_being_opened_is_two_interruptions() {
    let mut bench = Bench::opening(live());
    come_and_go(&mut bench, 2);
    bench.at(14_500, failed(VIDEO));
    let answer = "started, begin 1 camera video 2000, over 1 4000, begin 2 camera video 12000, over 2 14000, \
                  begin 3 camera video 14500";
    assert_eq!(bench.at(15_000, Input::Opened), answer);
}

#[test]
fn what_goes_all_the_time_while_the_session_is_being_opened_takes_no_more_than_its_room() {
    let mut bench = Bench::opening(live());
    come_and_go(&mut bench, 12);
    let answer = bench.take(Input::Opened);
    assert!(answer.ends_with("begin 8 camera video 72000, over 8 114000"), "{answer}");
}

#[test]
fn a_sleep_is_an_interruption_of_all_that_is_recorded() {
    let mut bench = Bench::recording(live());
    let slept = |ms: u64| Input::Slept { asleep_ns: ms * MS };
    assert_eq!(bench.at(9000, slept(5000)), "begin 1 suspend video+audio 4000, over 1 9000");
    assert_eq!(bench.state(), State::Recording);
    let mut bench = Bench::opening(live());
    assert_eq!(bench.at(9000, slept(5000)), "");
    assert_eq!(bench.at(9100, Input::Opened), "started, begin 1 suspend video+audio 4000, over 1 9000");
    assert_eq!(Bench::standby(live()).at(9000, slept(5000)), "");
}

#[test]
fn a_source_that_the_sleep_took_is_missing_from_its_last_frame_on() {
    let mut bench = Bench::recording(live());
    bench.at(9000, Input::Slept { asleep_ns: 5000 * MS });
    assert_eq!(
        bench.at(9100, failed_since(AUDIO, 3900)),
        "close audio, raise microphone, begin 2 microphone audio 3900"
    );
}

#[test]
fn a_beginning_is_never_before_the_last_end_nor_in_the_future() {
    let mut bench = Bench::recording(live());
    bench.at(2000, failed(VIDEO));
    bench.at(2250, Input::Tick);
    bench.at(2300, up(VIDEO));
    let answer = "close video, raise camera, begin 2 camera video 2300";
    assert_eq!(bench.at(2400, failed_since(VIDEO, 1999)), answer);
    let mut bench = Bench::recording(live());
    let answer = "close video, raise camera, begin 1 camera video 2400";
    assert_eq!(bench.at(2400, failed_since(VIDEO, 9999)), answer);
}

#[test]
fn numbers_begin_anew_in_each_session() {
    let mut bench = Bench::recording(live());
    bench.at(2000, failed(VIDEO));
    bench.at(2250, Input::Tick);
    bench.all([up(VIDEO), Input::Stop, Input::Drained, Input::Closed, start(Media::BOTH), Input::Opened]);
    assert_eq!(bench.at(3000, failed(AUDIO)), "close audio, raise microphone, begin 1 microphone audio 3000");
}
