// SPDX-License-Identifier: MIT OR Apache-2.0
//! Storage that fails, stalls, fills or falls over: nothing may run on unrecorded, and a recording that can go on must.

use crate::bench::*;
use recorder::{Cause, Input, Media, State};

fn full() -> Input {
    Input::StorageFailed { is_full: true, reason: "no room".into() }
}

fn dropped() -> Input {
    Input::Dropped { queue: "outbox", count: 12 }
}

#[test]
fn storage_that_fails_ends_the_recording_and_leaves_a_fault() {
    let mut bench = Bench::recording(live());
    assert_eq!(bench.take(storage_failed()), "raise storage-failed, end");
    assert_eq!(bench.all([Input::Drained, Input::Closed]), "close session storage-failed, stopped");
    assert_eq!(bench.state(), State::Faulted("bad".into()));
    assert_eq!(
        bench.all([start(Media::BOTH), Input::Opened]),
        "session video+audio 1000, started, quiet storage-failed"
    );
}

#[test]
fn storage_that_fails_is_the_cause_even_while_stopping() {
    for (input, cause) in [(storage_failed(), Cause::StorageFailed), (full(), Cause::StorageFull)] {
        let mut bench = Bench::recording(live());
        bench.all([Input::Stop, input]);
        assert_eq!(bench.state(), State::Stopping(cause));
        bench.all([Input::Drained, Input::Closed]);
        assert_eq!(bench.name(), "faulted");
    }
}

#[test]
fn a_chunk_that_fails_before_its_session_is_open_ends_it() {
    let mut bench = Bench::opening(live());
    assert_eq!(bench.take(storage_failed()), "raise storage-failed");
    assert_eq!(bench.all([Input::Opened, Input::Drained]), "started, end, close session storage-failed");
    bench.take(Input::Closed);
    assert_eq!(bench.state(), State::Faulted("bad".into()));
}

#[test]
fn storage_that_fails_while_sources_are_waited_for_calls_the_start_off() {
    let mut bench = Bench::standby(on_demand());
    bench.take(start(VIDEO.into()));
    let answer = "raise storage-failed, not started: nothing can be stored: bad, close video";
    assert_eq!(bench.take(storage_failed()), answer);
}

#[test]
fn storage_that_takes_nothing_is_a_fault_before_any_start() {
    let mut bench = Bench::standby(live());
    assert_eq!(bench.take(storage_failed()), "raise storage-failed");
    assert_eq!(bench.state(), State::Faulted("bad".into()));
    bench.all([start(Media::BOTH), Input::Opened]);
    assert_eq!(bench.state(), State::Recording);
    let mut bench = Bench::starting(live());
    bench.all([storage_failed(), Input::Ready { resume: None }]);
    assert_eq!(bench.state(), State::Faulted("bad".into()));
}

#[test]
fn storage_without_room_is_a_fault_until_there_is_room() {
    let mut bench = Bench::standby(live());
    assert_eq!(bench.take(full()), "raise storage-full");
    assert_eq!(bench.name(), "faulted");
    assert_eq!(bench.take(space(1_000_000)), "quiet storage-full");
    assert_eq!(bench.state(), State::Standby);
    bench.all([full(), storage_failed()]);
    assert_eq!(bench.take(space(1_000_000)), "quiet storage-full");
    assert_eq!(bench.state(), State::Faulted("bad".into()), "room alone does not help");
}

#[test]
fn a_recording_that_could_begin_shows_that_there_was_room() {
    let mut bench = Bench::standby(live());
    bench.all([full(), start(Media::BOTH)]);
    assert_eq!(bench.take(Input::Opened), "started, quiet storage-full");
}

#[test]
fn the_reserve_is_left_alone() {
    let mut bench = Bench::recording(live());
    assert_eq!(bench.take(space(999)), "raise storage-full, end, raise storage-low 10");
    assert_eq!(bench.all([Input::Drained, Input::Closed]), "close session storage-full, stopped");
    assert_eq!(bench.state(), State::Standby);
    assert_eq!(bench.take(start(Media::BOTH)), "refused: the storage is full");
    assert_eq!(bench.take(space(1_099)), "");
    assert_eq!(bench.take(space(10_000)), "quiet storage-full, quiet storage-low");
    assert_eq!(bench.take(start(Media::BOTH)), "session video+audio 1000");
}

#[test]
fn the_reserve_is_left_alone_by_recordings_that_have_not_begun() {
    let mut bench = Bench::opening(live());
    bench.take(space(999));
    assert_eq!(bench.all([Input::Opened, Input::Drained]), "started, end, close session storage-full");
    let mut bench = Bench::standby(on_demand());
    bench.take(start(VIDEO.into()));
    let answer = "raise storage-full, not started: nothing can be stored: the storage is full but for the reserve, \
                  close video, raise storage-low 10";
    assert_eq!(bench.take(space(999)), answer);
}

#[test]
fn room_that_shrinks_while_the_recording_is_being_closed_is_not_its_cause() {
    let mut bench = Bench::recording(live());
    bench.all([Input::Stop, space(999)]);
    assert_eq!(bench.state(), State::Stopping(Cause::Stop));
}

#[test]
fn the_forecast_warns_at_each_mark_once() {
    let mut bench = Bench::standby(live());
    let mut minutes = |left: u64| bench.take(space(1_000 + left * 60));
    assert_eq!((minutes(31), minutes(29), minutes(28)), ("".into(), "raise storage-low 30".into(), "".into()));
    assert_eq!((minutes(9), minutes(8)), ("raise storage-low 10".into(), "".into()));
    assert_eq!((minutes(20), minutes(9)), ("".into(), "raise storage-low 10".into()));
    assert_eq!((minutes(32), minutes(33)), ("".into(), "quiet storage-low".into()));
}

#[test]
fn a_stall_is_told_and_costs_nothing_while_the_queues_hold() {
    let mut bench = Bench::recording(live());
    assert_eq!(bench.at(3000, Input::StorageStalled), "raise storage-stalled");
    assert_eq!(bench.state(), State::Recording);
    assert_eq!(bench.at(9000, Input::StorageMoved), "quiet storage-stalled");
}

#[test]
fn what_is_lost_while_the_storage_stands_still_is_an_interruption() {
    let mut bench = Bench::recording(live());
    bench.at(3000, Input::StorageStalled);
    assert_eq!(bench.at(20_000, dropped()), "begin 1 storage video+audio 20000, raise queue");
    assert_eq!(bench.state(), State::Interrupted);
    // It is not over while the write has not returned, though nothing more comes that could be lost.
    assert_eq!(bench.at(25_000, Input::Tick), "");
    let others = [26_900, 27_900, 28_900].map(|ms| bench.at(ms, dropped()));
    assert!(others.iter().all(String::is_empty), "{others:?}");
    assert_eq!(bench.at(29_000, Input::StorageMoved), "over 1 29000, quiet storage-stalled");
    assert_eq!(bench.state(), State::Recording);
    assert_eq!(bench.at(29_100, dropped()), "");
    assert_eq!(bench.at(40_000, Input::Tick), "quiet queue");
}

#[test]
fn what_is_lost_here_and_there_is_told_and_no_interruption() {
    let mut bench = Bench::recording(live());
    assert_eq!(bench.at(3000, dropped()), "raise queue");
    // A stretch shorter than two seconds, and another.
    let others = [3_900, 4_800, 5_801, 6_800, 7_700].map(|ms| bench.at(ms, dropped()));
    assert!(others.iter().all(String::is_empty), "{others:?}");
    assert_eq!(bench.state(), State::Recording);
}

#[test]
fn what_is_lost_again_and_again_is_an_interruption_until_nothing_is_lost_for_a_second() {
    let mut bench = Bench::recording(live());
    [3000, 3900, 4800].into_iter().for_each(|ms| drop(bench.at(ms, dropped())));
    assert_eq!(bench.at(5_000, dropped()), "begin 1 storage video+audio 3000");
    assert_eq!(bench.at(5_900, dropped()), "");
    assert_eq!((bench.name(), bench.next_wake_ms()), ("interrupted", Some(6_900)));
    assert_eq!(bench.at(6_900, Input::Tick), "over 1 5900");
    assert_eq!(bench.state(), State::Recording);
}

#[test]
fn a_stretch_of_losses_ends_with_the_recording() {
    let mut bench = Bench::recording(live());
    [3000, 4000].into_iter().for_each(|ms| drop(bench.at(ms, dropped())));
    assert_eq!(bench.at(5_000, dropped()), "begin 1 storage video+audio 3000");
    assert_eq!(
        bench.all([Input::Stop, Input::Drained, Input::Closed]),
        "over 1 5000, end, close session stop, stopped"
    );
    bench.all([start(Media::BOTH), Input::Opened]);
    assert_eq!(bench.at(5_500, dropped()), "");
    assert_eq!(bench.state(), State::Recording);
}

#[test]
fn other_queues_hold_no_media() {
    let mut bench = Bench::recording(live());
    bench.at(3000, Input::StorageStalled);
    assert_eq!(bench.at(4000, Input::Dropped { queue: "signals", count: 1 }), "raise queue");
    assert_eq!(bench.state(), State::Recording);
}

#[test]
fn the_first_failure_of_the_storage_is_the_cause() {
    let mut bench = Bench::recording(live());
    bench.all([storage_failed(), full()]);
    assert_eq!(bench.state(), State::Stopping(Cause::StorageFailed));
}

#[test]
fn a_recording_that_went_well_leaves_no_fault() {
    let mut bench = Bench::standby(live());
    bench.all([storage_failed(), start(Media::BOTH), Input::Opened, Input::Stop, Input::Drained, Input::Closed]);
    assert_eq!((bench.state(), bench.alarms()), (State::Standby, vec![]));
}

#[test]
fn a_storage_that_takes_over_lets_the_recording_go_on() {
    let mut bench = Bench::recording(live());
    assert_eq!(bench.take(fell_over(false)), "raise storage-failed, raise second-storage");
    assert_eq!(bench.state(), State::Recording);
}

#[test]
fn a_full_storage_has_not_failed() {
    let mut bench = Bench::recording(live());
    assert_eq!(bench.take(fell_over(true)), "raise second-storage");
    assert_eq!(bench.state(), State::Recording);
}

#[test]
fn a_second_storage_that_is_not_there_is_told_as_long_as_it_is_not() {
    let mut bench = Bench::standby(live());
    let missing = Input::SecondStorageMissing { reason: "no such folder".into() };
    assert_eq!(bench.take(missing), "raise second-storage");
    bench.all([start(Media::BOTH), Input::Opened, Input::Stop, Input::Drained, Input::Closed]);
    assert_eq!(bench.alarms(), ["second-storage"]);
}

fn fell_over(is_full: bool) -> Input {
    Input::StorageFellOver { is_full, reason: "the card is read-only".into() }
}

#[test]
fn a_storage_that_takes_over_while_the_session_is_being_opened_is_told_beyond_that() {
    let mut bench = Bench::opening(live());
    let told = bench.all([fell_over(false), Input::Opened]);
    assert_eq!(told, "raise storage-failed, raise second-storage, started");
    bench.all([Input::Stop, Input::Drained, Input::Closed]);
    assert_eq!(
        bench.all([start(Media::BOTH), Input::Opened]),
        "session video+audio 1000, started, quiet storage-failed, quiet second-storage"
    );
}

#[test]
fn an_opening_that_shows_that_the_storage_works_says_nothing_about_room() {
    let mut bench = Bench::standby(live());
    bench.all([storage_failed(), start(Media::BOTH), space(999)]);
    assert_eq!(bench.take(Input::Opened), "started, quiet storage-failed, end");
    assert!(bench.alarms().contains(&"storage-full"));
    let mut bench = Bench::opening(live());
    assert_eq!(bench.all([full(), Input::Opened]), "raise storage-full, started, end");
}
