// SPDX-License-Identifier: MIT OR Apache-2.0
//! Starting, stopping, and being stopped.
//!
//! What could break: a shutdown that leaves a session open or takes long; a crash after which something that had been
//! announced is gone, or the index tells another story than the files; requests at the wrong moment; photos.

use crate::support::bench::{Bench, INTACT, WITH_GAPS};
use crate::support::footage::{FIXTURE_SIZE, assert_picture, fixture, footage, live, replay};
use crate::support::process::{Running, finish};
use rustix::process::Signal;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The fixture at real time, in short chunks and segments so that much happens in little time.
fn bench() -> Bench {
    Bench::new(replay(&fixture())).with(&["replay.repeat=true", "recording.chunk_ms=200", "evidence.segment_s=1"])
}

#[test]
fn a_signal_closes_the_recording() {
    let bench = bench();
    for signal in [Signal::TERM, Signal::INT] {
        let mut daemon = bench.start();
        let mut watch = bench.watch();
        bench.ctl(&["start"]).good();
        watch.until_chunk(3);
        let asked = Instant::now();
        daemon.signal(signal);
        assert_eq!(daemon.exit(), 0);
        assert!(asked.elapsed() < Duration::from_secs(5), "{signal:?} took {:?}", asked.elapsed());
        watch.until_gone();
        let verdict = bench.verify_all();
        assert_eq!(verdict.short(), INTACT, "{signal:?}: {}", verdict.report);
        let announced = watch.chunks().len() as u64;
        let daemon = bench.start();
        let session = bench.last();
        assert_eq!(session["cause"], "shutdown", "{signal:?}");
        assert!(session["chunks"].as_u64().unwrap() >= announced, "{signal:?}");
        assert_eq!(daemon.stop(), 0);
        bench.assert_invariants();
    }
}

#[test]
fn what_was_announced_survives_a_crash_at_any_moment() {
    for pace in ["replay.pace=real", "replay.pace=fast"] {
        let bench = bench().with(&[pace]);
        for (crash, moment) in [0, 1, 2, 4, 5].into_iter().enumerate() {
            let mut daemon = bench.start();
            let mut watch = bench.watch();
            bench.ctl(&["start"]).good();
            if moment > 0 {
                watch.until_chunk(moment - 1);
            }
            daemon.signal(Signal::KILL);
            assert_eq!(daemon.exit(), 128 + 9);
            watch.until_gone();
            let announced = watch.chunks();

            let daemon = bench.start();
            let session = bench.last();
            assert_eq!(session["cause"], "recovered");
            let chunks = session["chunks"].as_u64().unwrap();
            let expected = announced.last().map_or(0, |chunk| chunk.number + 1);
            assert!(chunks >= expected && expected >= moment, "{chunks} chunks of {expected} that were announced");
            let up_to_ns = announced.last().map_or(0, |chunk| chunk.up_to_ns);
            assert!(session["duration_ns"].as_u64().unwrap() >= up_to_ns, "{session}");
            assert_eq!(daemon.stop(), 0);
            assert_eq!(bench.session_folders().len(), crash + 1);
        }
        let verdict = bench.verify_all();
        assert_eq!(verdict.short(), WITH_GAPS, "{pace}: {}", verdict.report);
        bench.assert_invariants();
    }
}

#[test]
fn a_recording_goes_on_without_its_bus() {
    let mut bench = bench();
    let mut daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    watch.until_chunk(2);
    bench.bus.end();
    assert!(daemon.lives());
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.exit(), 0);
    assert_eq!(bench.verify_all().short(), INTACT);
    bench.assert_invariants();
}

#[test]
fn requests_at_the_wrong_moment_are_refused_and_change_nothing() {
    let bench = bench();
    let daemon = bench.start();
    let idle = bench.ctl_text(&["stop"]);
    assert!(idle.code == 11 && idle.error == "sealcamctl: nothing is being recorded\n", "{idle:?}");
    let started = bench.ctl(&["start"]).good();
    let again = bench.ctl_text(&["start"]);
    assert_eq!((again.code, again.error.as_str()), (10, "sealcamctl: a recording is already running; stop it first\n"));
    assert_eq!(bench.ctl(&["status"]).good()["current_session"], started["session"]);
    assert_eq!(bench.ctl(&["stop"]).good()["id"], started["session"]);
    assert_eq!(bench.ctl_text(&["stop"]).code, 11);
    assert_eq!(daemon.stop(), 0);
    assert_eq!(bench.verify_all().short(), INTACT);
}

#[test]
fn of_two_starts_at_once_one_records() {
    let bench = bench();
    let daemon = bench.start();
    let codes = std::thread::scope(|scope| {
        let starts = [(); 2].map(|()| {
            let command = bench.ctl_command(&["start"]);
            scope.spawn(move || finish(command).code)
        });
        starts.map(|start| start.join().unwrap())
    });
    assert!(codes == [0, 10] || codes == [10, 0], "{codes:?}");
    bench.ctl(&["stop"]).good();
    assert_eq!(daemon.stop(), 0);
    assert_eq!(bench.session_folders().len(), 1);
    assert_eq!(bench.verify_all().short(), INTACT);
}

#[test]
fn a_stop_while_opening_ends_what_was_being_opened() {
    let bench = Bench::new(live());
    let daemon = bench.start();
    let mut watch = bench.watch();
    let mut start = Running::new(bench.ctl_command(&["start"]).stdout(Stdio::null()).spawn().unwrap());
    watch.until("changed", |event| event["state"] == "opening");
    // As long as its sources were only being opened there is no recording to speak of.
    let (stopped, started) = (bench.ctl(&["stop"]), start.exit());
    match stopped.code {
        0 => assert_eq!((started, &stopped.json["cause"]), (0, &"stop".into())),
        code => assert_eq!((started, code, bench.session_folders().len()), (11, 11, 0), "{}", stopped.json),
    }
    assert_eq!(bench.ctl(&["status"]).good()["state"], "standby");
    assert_eq!(daemon.stop(), 0);
    assert_eq!(bench.verify_all().short(), INTACT);
    bench.assert_invariants();
}

#[test]
fn a_shutdown_while_starting_ends_cleanly() {
    let bench = Bench::new(live());
    let daemon = bench.start();
    let mut watch = bench.watch();
    let _start = Running::new(bench.ctl_command(&["start"]).stdout(Stdio::null()).spawn().unwrap());
    watch.until("changed", |event| event["state"] == "opening");
    assert_eq!(daemon.stop(), 0);
    assert_eq!(bench.verify_all().short(), INTACT);
    bench.assert_invariants();
}

#[test]
fn ten_recordings_one_after_the_other() {
    let bench = bench();
    let daemon = bench.start();
    for number in 1..=10 {
        let started = bench.ctl(&["start"]).good();
        let session = bench.ctl(&["stop"]).good();
        assert_eq!((&session["id"], &session["cause"]), (&started["session"], &"stop".into()));
        let sessions = bench.ctl(&["sessions"]).good();
        assert_eq!(sessions["sessions"].as_array().unwrap().len(), number);
    }
    assert_eq!(daemon.stop(), 0);
    assert_eq!(bench.session_folders().len(), 10);
    assert_eq!(bench.verify_all().short(), INTACT);
    bench.assert_invariants();
}

#[test]
fn photos_outside_and_during_a_recording() {
    let bench = bench();
    let daemon = bench.start();
    let outside = bench.ctl(&["photo"]).good();
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    watch.until_chunk(2);
    let during = bench.ctl(&["photo"]).good();
    watch.until("photo_taken", |_| true);
    let session = bench.ctl(&["stop"]).good();
    assert_eq!(session["photos"].as_array().unwrap().len(), 1);
    assert_eq!(daemon.stop(), 0);
    for photo in [&outside, &during] {
        let file = bench.evidence().join(photo["file"].as_str().unwrap());
        assert_picture(&file, FIXTURE_SIZE);
        assert_eq!(bench.verify(&file).short(), INTACT, "{photo}");
    }
    assert!(outside["file"].as_str().unwrap().starts_with("photos/"), "{outside}");
    assert!(during["file"].as_str().unwrap().starts_with("sessions/"), "{during}");
    assert_eq!(bench.verify_all().short(), INTACT);
    bench.assert_invariants();
}

/// Photos that are asked for at once, each by a caller of its own.
fn photos_at_once(bench: &Bench, count: usize) -> Vec<Running> {
    let photo = |_| Running::new(bench.ctl_command(&["photo"]).stdout(Stdio::null()).spawn().unwrap());
    (0..count).map(photo).collect()
}

#[test]
fn photos_beyond_those_that_may_wait_are_refused_at_once() {
    let bench = Bench::new(live());
    let daemon = bench.start();
    let codes: Vec<i32> = photos_at_once(&bench, 12).iter_mut().map(Running::exit).collect();
    let taken = codes.iter().filter(|code| **code == 0).count();
    // One is taken, four wait; as many more as are asked for only when the first ones are done.
    assert!((5..12).contains(&taken) && codes.iter().all(|code| [0, 14].contains(code)), "{codes:?}");
    assert_eq!(daemon.stop(), 0);
    assert_eq!(bench.verify_all().short(), INTACT);
    bench.assert_invariants();
}

#[test]
fn a_photo_under_way_is_finished_before_the_end_is_entered() {
    let bench = Bench::new(live());
    let mut daemon = bench.start();
    let _photo = photos_at_once(&bench, 1);
    // The camera is open for it.
    daemon.until_thread("videotestsrc");
    assert_eq!(daemon.stop(), 0);
    let ledger = bench.ledger();
    let last = |word: &[u8]| ledger.windows(word.len()).rposition(|bytes| bytes == word);
    assert!(last(b"photos/").is_some() && last(b"photos/") < last(b"requested"), "{:?}", last(b"photos/"));
    assert_eq!(bench.verify_all().short(), INTACT);
    bench.assert_invariants();
}

#[test]
fn a_replay_shorter_than_a_chunk_is_recorded_and_closed() {
    let bench = Bench::new(replay(&footage("blink.mp4"))).with(&["replay.pace=fast"]);
    let daemon = bench.start();
    for _ in 0..5 {
        let mut watch = bench.watch();
        bench.ctl(&["start"]).good();
        assert_eq!(watch.until_ended(), "source-ended");
    }
    assert_eq!(daemon.stop(), 0);
    assert_eq!(bench.verify_all().short(), INTACT);
}
