// SPDX-License-Identifier: MIT OR Apache-2.0
//! A recording from button to ledger: a start, stop or shutdown that comes too early, twice or in the middle of something
//! must leave nobody without an answer and no session half open.

use crate::bench::*;
use recorder::{Cause, Input, Media, Refusal, Rules, State};

fn post(post_ms: u64) -> Rules {
    Rules { post_ns: post_ms * MS, ..live() }
}

#[test]
fn a_recording_from_button_to_ledger() {
    let mut bench = Bench::standby(live());
    assert_eq!(bench.at(1000, start(Media::BOTH)), "session video+audio 1000");
    assert_eq!(bench.state(), State::Opening);
    assert_eq!(bench.at(1100, Input::Opened), "started");
    assert_eq!(bench.state(), State::Recording);
    assert_eq!(bench.at(9000, Input::Stop), "end");
    assert_eq!(bench.state(), State::Stopping(Cause::Stop));
    assert_eq!(bench.at(9100, Input::Drained), "close session stop");
    assert_eq!(bench.state(), State::Closing(Cause::Stop));
    // The sources of standby go on.
    assert_eq!(bench.at(9200, Input::Closed), "stopped");
    assert_eq!(bench.state(), State::Standby);
}

#[test]
fn sources_that_standby_does_not_want_are_opened_for_the_recording_and_closed_after_it() {
    let mut bench = Bench::standby(on_demand());
    assert_eq!(bench.at(1000, start(Media::BOTH)), "open video, open audio");
    assert_eq!(bench.at(1200, up(AUDIO)), "");
    assert_eq!(bench.at(1300, up(VIDEO)), "session video+audio 1000");
    let all = bench.all([Input::Opened, Input::Stop, Input::Drained]);
    assert_eq!(all, "started, end, close session stop");
    assert_eq!(bench.take(Input::Closed), "stopped, close video, close audio");
}

#[test]
fn only_what_is_asked_for_is_opened_and_recorded() {
    let mut bench = Bench::standby(Rules { standby: VIDEO.into(), ..live() });
    assert_eq!(bench.take(start(VIDEO.into())), "session video 0");
    bench.all([Input::Opened, Input::Stop, Input::Drained, Input::Closed]);
    assert_eq!(bench.at(10, start(AUDIO.into())), "open audio");
    assert_eq!(bench.at(20, up(AUDIO)), "session audio 10");
    assert_eq!(bench.all([Input::Opened, failed(VIDEO)]), "started, close video, raise camera");
    assert_eq!(bench.state(), State::Recording, "the camera is none of this recording's");
}

#[test]
fn after_a_stop_the_recording_goes_on_for_the_post_record() {
    let mut bench = Bench::recording(post(5_000));
    assert_eq!(bench.at(2_000, Input::Stop), "");
    assert_eq!((bench.state(), bench.next_wake_ms()), (State::Stopping(Cause::Stop), Some(7_000)));
    assert_eq!(bench.at(3_000, failed(AUDIO)), "close audio, raise microphone, begin 1 microphone audio 3000");
    assert_eq!(bench.at(3_300, Input::Tick), "open audio");
    assert_eq!(bench.at(6_999, Input::Tick), "");
    assert_eq!(bench.at(7_000, Input::Tick), "over 1 7000, end");
    assert_eq!(bench.take(Input::Drained), "close session stop");
}

#[test]
fn a_second_stop_a_shutdown_and_storage_that_fails_cut_the_post_record_short() {
    for (input, answer) in [
        (Input::Stop, "end"),
        (Input::Shutdown, "end"),
        (storage_failed(), "raise storage-failed, end"),
        (space(0), "raise storage-full, end, raise storage-low 10"),
    ] {
        let mut bench = Bench::recording(post(5_000));
        bench.at(2_000, Input::Stop);
        assert_eq!(bench.at(2_500, input), answer);
    }
}

#[test]
fn whoever_asks_to_stop_while_the_session_is_being_closed_is_not_refused() {
    let mut bench = Bench::recording(live());
    assert_eq!(bench.all([Input::Stop, Input::Stop, Input::Drained, Input::Stop]), "end, close session stop");
    assert_eq!(bench.take(Input::Closed), "stopped");
    assert_eq!(bench.take(Input::Stop), "refused: nothing is being recorded");
}

#[test]
fn a_stop_while_opening_waits_for_the_session_and_ends_it() {
    let mut bench = Bench::opening(live());
    assert_eq!(bench.all([Input::Stop, Input::Opened]), "started, end");
    assert_eq!(bench.state(), State::Stopping(Cause::Stop));
}

#[test]
fn a_stop_while_sources_are_waited_for_calls_the_start_off() {
    let mut bench = Bench::standby(on_demand());
    bench.at(10, start(Media::BOTH));
    let answer = "not started: it was stopped before it began, close video, close audio";
    assert_eq!(bench.at(20, Input::Stop), answer);
    assert_eq!(bench.state(), State::Standby);
}

#[test]
fn a_shutdown_closes_the_recording_before_the_process_ends() {
    let mut bench = Bench::recording(live());
    assert_eq!(bench.all([Input::Shutdown, Input::Drained]), "end, close session shutdown");
    assert_eq!(bench.take(start(Media::BOTH)), "refused: the recorder is shutting down");
    assert_eq!(bench.take(Input::Closed), "stopped, close video, close audio, exit");
    assert_eq!(bench.state(), State::Down);
}

#[test]
fn a_shutdown_while_opening_closes_the_session_when_it_is_open() {
    let mut bench = Bench::opening(live());
    assert_eq!(bench.take(Input::Shutdown), "");
    assert_eq!(bench.all([Input::Opened, Input::Drained]), "started, end, close session shutdown");
}

#[test]
fn a_shutdown_while_sources_are_waited_for_calls_the_start_off() {
    let mut bench = Bench::standby(on_demand());
    bench.take(start(VIDEO.into()));
    let answer = "not started: the recorder is shutting down, close video, exit";
    assert_eq!(bench.take(Input::Shutdown), answer);
}

#[test]
fn a_shutdown_does_not_wait_for_the_evidence_to_be_opened() {
    let mut bench = Bench::starting(live());
    assert_eq!(bench.take(Input::Shutdown), "exit");
    assert_eq!(bench.take(Input::Ready { resume: Some(Media::BOTH) }), "");
}

#[test]
fn a_start_is_refused_where_it_cannot_be_and_the_question_tells_so_before() {
    let reason = |bench: &Bench, media| bench.recorder.refusal_of_start(media);
    let mut bench = Bench::starting(live());
    assert_eq!(reason(&bench, Media::BOTH), Some(Refusal::NotReady));
    bench.take(Input::Ready { resume: None });
    assert_eq!(reason(&bench, Media::NONE), Some(Refusal::NoMedia));
    assert_eq!(reason(&bench, Media::BOTH), None);
    bench.take(start(Media::BOTH));
    assert_eq!(reason(&bench, Media::BOTH), Some(Refusal::AlreadyRecording));
    assert_eq!(bench.take(start(Media::BOTH)), "refused: a recording is already running; stop it first");
}

#[test]
fn a_session_that_cannot_be_opened_is_a_fault_only_if_it_is_the_recorders() {
    let mut bench = Bench::opening(on_demand());
    let answer = "not started: the recording could not be opened: no, close video, close audio";
    assert_eq!(bench.take(open_failed(false)), answer);
    assert_eq!(bench.state(), State::Standby);
    let mut bench = Bench::opening(live());
    let answer = "raise storage-failed, not started: the recording could not be opened: no";
    assert_eq!(bench.take(open_failed(true)), answer);
    assert_eq!(bench.state(), State::Faulted("no".into()));
    assert_eq!(bench.take(start(Media::BOTH)), "session video+audio 1000");
    assert_eq!(bench.take(Input::Opened), "started, quiet storage-failed");
    assert_eq!(bench.state(), State::Recording);
}

#[test]
fn a_session_that_cannot_be_closed_leaves_a_fault() {
    let mut bench = Bench::recording(live());
    bench.all([Input::Stop, Input::Drained]);
    assert_eq!(bench.take(Input::CloseFailed("no".into())), "raise storage-failed, stopped");
    assert_eq!(bench.state(), State::Faulted("no".into()));
}

#[test]
fn what_came_early_is_forgotten_with_the_recording_that_did_not_begin() {
    let mut bench = Bench::opening(live());
    bench.all([Input::Drained, Input::Stop, failed(AUDIO), up(AUDIO), open_failed(false)]);
    bench.at(1_250, Input::Tick);
    bench.take(up(AUDIO));
    assert_eq!(bench.all([start(Media::BOTH), Input::Opened]), "session video+audio 1250, started");
    assert_eq!(bench.state(), State::Recording);
}

#[test]
fn a_replay_ends_the_recording_when_all_of_it_is_over() {
    let mut bench = Bench::recording(replay());
    assert_eq!(bench.take(ended(AUDIO)), "");
    assert_eq!(bench.state(), State::Recording);
    assert_eq!(bench.all([ended(VIDEO), Input::Drained]), "end, close session source-ended");
    assert_eq!(bench.take(Input::Closed), "stopped, close video, close audio");
}

#[test]
fn a_replay_that_is_over_before_its_session_is_open_is_closed() {
    let mut bench = Bench::opening(replay());
    let answer = bench.all([ended(VIDEO), ended(AUDIO), Input::Drained, Input::Opened]);
    assert_eq!(answer, "started, close session source-ended");
    let mut bench = Bench::opening(replay());
    assert_eq!(bench.all([Input::Drained, Input::Opened]), "started, close session source-ended");
    let mut bench = Bench::recording(Rules { post_ns: 5_000 * MS, ..replay() });
    assert_eq!(bench.all([Input::Stop, ended(VIDEO), ended(AUDIO)]), "end");
    assert_eq!(bench.take(Input::Drained), "close session stop");
    let mut bench = Bench::opening(replay());
    let answer = bench.all([ended(VIDEO), ended(AUDIO), Input::Opened, Input::Drained]);
    assert_eq!(answer, "started, end, close session source-ended");
}

#[test]
fn a_short_replay_counts_as_there_while_the_other_is_waited_for() {
    let mut bench = Bench::standby(replay());
    bench.take(start(Media::BOTH));
    assert_eq!(bench.all([up(VIDEO), ended(VIDEO), up(AUDIO)]), "session video+audio 0");
}

#[test]
fn a_replay_in_standby_that_is_over_begins_anew() {
    let mut bench = Bench::standby(Rules { standby: Media::BOTH, ..replay() });
    assert_eq!(bench.all([ended(VIDEO), failed(AUDIO)]), "close audio, raise microphone");
    assert_eq!(bench.next_wake_ms(), None);
    let answer = "close video, open video, quiet microphone, open audio";
    assert_eq!(bench.take(start(Media::BOTH)), answer);
}

#[test]
fn a_recording_that_was_cut_off_goes_on_when_its_sources_are_there() {
    let mut bench = Bench::starting(live());
    let resume = Input::Ready { resume: Some(Media::BOTH) };
    assert_eq!(bench.at(100, resume), "open video, open audio");
    assert_eq!(bench.state(), State::Opening);
    // Nobody is there to be told that it cannot begin: it is tried until it can.
    assert_eq!(bench.at(200, failed(VIDEO)), "close video, raise camera");
    assert_eq!(bench.at(250, failed(AUDIO)), "close audio, raise microphone");
    assert_eq!(bench.at(450, Input::Tick), "open video");
    assert_eq!(bench.at(500, Input::Tick), "open audio");
    // The picture may come at any moment.
    assert_eq!(bench.at(600, up(AUDIO)), "quiet microphone");
    assert_eq!(bench.at(700, up(VIDEO)), "quiet camera, session video+audio 100");
}

#[test]
fn what_there_is_goes_on_and_what_is_missing_joins() {
    let mut bench = Bench::starting(live());
    bench.at(100, Input::Ready { resume: Some(Media::BOTH) });
    assert_eq!(bench.at(200, up(AUDIO)), "");
    let begun = "close video, raise camera, session video+audio without video 100";
    assert_eq!(bench.at(300, failed(VIDEO)), begun);
    assert_eq!(bench.at(400, Input::Opened), "started, begin 1 camera video 100");
    assert_eq!(bench.state(), State::Degraded);
    assert_eq!(bench.at(550, Input::Tick), "open video");
    assert_eq!(bench.at(700, up(VIDEO)), "quiet camera, over 1 700");
    assert_eq!(bench.state(), State::Recording);
}

#[test]
fn a_source_that_hangs_is_told_and_not_waited_for() {
    let mut bench = Bench::starting(live());
    bench.at(100, Input::Ready { resume: Some(Media::BOTH) });
    assert_eq!((bench.at(200, up(VIDEO)), bench.next_wake_ms()), (String::new(), Some(2_600)));
    assert_eq!(bench.at(2_600, Input::Tick), "raise microphone, session video+audio without audio 100");
    assert_eq!(bench.at(2_700, up(AUDIO)), "quiet microphone");
    assert_eq!(bench.at(2_800, Input::Opened), "started, begin 1 microphone audio 100, over 1 2700");
    assert_eq!(bench.state(), State::Recording);
}

#[test]
fn what_is_not_held_meanwhile_does_not_wait() {
    let mut bench = Bench::starting(on_demand());
    bench.at(100, Input::Ready { resume: Some(Media::BOTH) });
    assert_eq!(bench.at(200, up(AUDIO)), "session video+audio without video 100");
    assert_eq!(bench.at(250, up(VIDEO)), "");
    assert_eq!(bench.at(300, Input::Opened), "started, begin 1 recorder video 100, over 1 250");
}

#[test]
fn what_a_recorder_that_stood_still_missed_is_an_interruption() {
    let missed = |medium, from_ms, to_ms| Input::Missed { medium, from_ns: from_ms * MS, to_ns: to_ms * MS };
    let mut bench = Bench::standby(live());
    assert_eq!(bench.at(500, missed(VIDEO, 100, 400)), "");
    bench.at(1000, start(Media::BOTH));
    bench.at(1100, missed(VIDEO, 1000, 1050));
    assert_eq!(bench.at(1200, Input::Opened), "started, begin 1 recorder video 1000, over 1 1050");
    bench.at(20_000, missed(AUDIO, 5000, 15_000));
    assert_eq!(bench.at(30_000, missed(AUDIO, 25_000, 29_000)), "begin 3 recorder audio 25000, over 3 29000");
    bench.at(31_000, failed(AUDIO));
    assert_eq!(bench.at(31_100, missed(AUDIO, 30_000, 31_050)), "");
}

#[test]
fn what_was_missed_over_the_end_is_entered_up_to_it() {
    let mut bench = Bench::recording(Rules { post_ns: 5_000 * MS, ..live() });
    bench.at(2_000, Input::Stop);
    assert_eq!(bench.at(15_000, Input::Tick), "end");
    let missed = |medium| Input::Missed { medium, from_ns: 3_000 * MS, to_ns: 15_100 * MS };
    assert_eq!(bench.at(15_200, missed(VIDEO)), "begin 1 recorder video 3000, over 1 15000");
    assert_eq!(bench.at(15_200, missed(AUDIO)), "begin 2 recorder audio 3000, over 2 15000");
    bench.at(15_300, Input::Drained);
    assert_eq!(bench.at(15_400, missed(AUDIO)), "");
}

#[test]
fn a_resumed_replay_that_fails_while_it_is_refused_is_given_up() {
    let mut bench = Bench::starting(replay());
    bench.take(Input::Ready { resume: Some(VIDEO.into()) });
    bench.take(up(VIDEO));
    bench.take(failed(VIDEO));
    let refused = bench.take(Input::OpenFailed { reason: "no encoder".into(), is_fault: false });
    assert!(refused.starts_with("not started: the recording could not be opened: no encoder"), "{refused}");
}

#[test]
fn nothing_follows_the_exit() {
    let mut bench = Bench::standby(on_demand());
    bench.at(1_000, Input::ClockStepped { step_ns: 1_000_000_000 });
    let down = bench.at(100_000, Input::Shutdown);
    assert!(down.ends_with("exit"), "{down}");
}

#[test]
fn a_resumed_recording_that_cannot_be_opened_is_tried_again() {
    let mut bench = Bench::starting(live());
    bench.at(100, Input::Ready { resume: Some(Media::BOTH) });
    bench.at(200, up(VIDEO));
    assert_eq!(bench.at(300, up(AUDIO)), "session video+audio 100");
    let failure = |is_fault| Input::OpenFailed { reason: "no frame came".into(), is_fault };
    assert_eq!((bench.at(400, failure(false)), bench.next_wake_ms()), (String::new(), Some(1_400)));
    assert_eq!(bench.at(500, up(AUDIO)), "");
    assert_eq!(bench.at(1_400, Input::Tick), "session video+audio 100");
    // A fault of the recorder itself is not tried for ever.
    assert_eq!(
        bench.at(1_500, failure(true)),
        "raise storage-failed, not started: the recording could not be opened: no frame came"
    );
}

#[test]
fn a_resumed_recording_that_waits_can_be_called_off() {
    let mut bench = Bench::starting(live());
    bench.take(Input::Ready { resume: Some(Media::BOTH) });
    assert_eq!(bench.take(start(VIDEO.into())), "refused: a recording is already running; stop it first");
    assert_eq!(bench.take(Input::Stop), "not started: it was stopped before it began");
    assert_eq!(bench.state(), State::Standby);
}
