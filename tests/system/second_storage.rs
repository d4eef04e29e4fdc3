// SPDX-License-Identifier: MIT OR Apache-2.0
//! A storage fails and another is there.
//!
//! What could break: chunks between the two are lost or on both, what is on the failed one is reported as more than it
//! holds, nobody is told, the two sessions do not know of each other.

use crate::support::bench::{Bench, WITH_GAPS};
use crate::support::footage::{FIXTURE_FRAMES, fixture, live, replay};
use crate::support::mounts::{Disk, Image};
use serde_json::Value;
use std::path::{Path, PathBuf};

const SECOND_NS: u64 = 1_000_000_000;

/// With a second storage beside the bench's own place.
fn with_second(bench: Bench) -> (Bench, PathBuf) {
    let (second, keys) = (bench.path("second"), bench.path("second-keys"));
    let fallback = [
        format!("evidence.fallback_folder={}", second.display()),
        format!("evidence.fallback_state={}", keys.display()),
    ];
    (bench.with(&fallback.each_ref().map(String::as_str)), second)
}

fn sessions(bench: &Bench) -> [Value; 2] {
    let all = bench.ctl(&["sessions"]).good()["sessions"].as_array().unwrap().clone();
    all.try_into().unwrap_or_else(|all| panic!("{all:?}"))
}

fn alarms(bench: &Bench) -> Vec<String> {
    let alarms = bench.ctl(&["status"]).good()["alarms"].clone();
    alarms.as_array().unwrap().iter().map(|alarm| alarm["kind"].as_str().unwrap().to_owned()).collect()
}

fn timeline(bench: &Bench, session: &Value) -> Value {
    bench.ctl(&["timeline", session["id"].as_str().unwrap()]).good()
}

fn assert_intact(bench: &Bench, evidence: &Path) {
    let verdict = bench.ctl(&["verify", evidence.to_str().unwrap()]);
    assert_eq!(verdict.code, 0, "{}", verdict.json);
}

#[test]
fn a_storage_that_is_full_is_left_for_the_second_one_and_not_a_chunk_is_missing() {
    let bench = Bench::new(replay(&fixture())).with(&["replay.pace=fast", "evidence.segment_s=5"]);
    std::fs::create_dir_all(bench.path("place")).unwrap();
    let disk = Disk::mount(&bench.path("place"), "size=4m");
    let (bench, second) = with_second(bench);
    let bench = bench.on_disk(&disk);
    let daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    assert_eq!(watch.until_ended(), "storage-full");
    watch.until("alarm_raised", |event| event["kind"] == "second-storage");
    assert_eq!(watch.until_ended(), "source-ended");
    let [first, last] = sessions(&bench);
    assert_eq!(last["continues"], first["id"]);
    let frames = |session: &Value| session["video_frames"].as_u64().unwrap();
    assert_eq!(frames(&first) + frames(&last), FIXTURE_FRAMES);
    // Each names the other, and only the first was asked for.
    assert_eq!(timeline(&bench, &first)["continued_by"], last["id"]);
    assert_eq!(timeline(&bench, &last)["pressed_ns"], Value::Null);
    let drawn = bench.ctl_text(&["timeline", last["id"].as_str().unwrap()]).out;
    assert!(!drawn.contains('?'), "nothing of the first is drawn as missing here:\n{drawn}");
    assert_eq!(daemon.stop(), 0);
    assert_intact(&bench, &second);
}

#[test]
fn a_second_storage_that_is_not_there_is_told() {
    let bench = Bench::new(live());
    std::fs::write(bench.path("file"), "").unwrap();
    let (below, keys) = (bench.path("file/evidence"), bench.path("keys"));
    let fallback = [
        format!("evidence.fallback_folder={}", below.display()),
        format!("evidence.fallback_state={}", keys.display()),
    ];
    let bench = bench.with(&fallback.each_ref().map(String::as_str));
    let daemon = bench.start();
    let mut watch = bench.watch();
    if alarms(&bench).is_empty() {
        watch.until("alarm_raised", |event| event["kind"] == "second-storage");
    }
    bench.ctl(&["start"]).good();
    watch.until_chunk(1);
    assert_eq!(alarms(&bench), ["second-storage"]);
    bench.ctl(&["stop"]).good();
    assert_eq!(daemon.stop(), 0);
}

/// The real kernel's real answer to a file system that it found broken: needs root, as loop devices do.
#[test]
fn a_disk_that_turns_read_only_is_left_and_keeps_what_was_announced() {
    let (bench, second) = with_second(Bench::new(live()).with(&["recording.resume_within_s=600"]));
    std::fs::create_dir_all(bench.path("place")).unwrap();
    let Some(disk) = Image::mount(&bench.path("disk.img"), &bench.path("place")) else {
        eprintln!("this machine cannot mount a disk image (root, loop devices and ext4): not tried");
        return;
    };
    let bench = bench.on_disk(disk.disk());
    let daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    watch.until_chunk(3);
    disk.break_down();
    assert_eq!(watch.until_ended(), "storage-failed");
    let announced = watch.chunks().last().unwrap().number + 1;
    watch.until("alarm_raised", |event| event["kind"] == "storage-failed");
    watch.until("alarm_raised", |event| event["kind"] == "second-storage");
    watch.until_chunk(4);
    let second_session = bench.ctl(&["stop"]).good();
    // The end of the first could not be entered on a disk that takes nothing, nor could that of the recorder.
    assert_ne!(daemon.stop(), 0);

    disk.repair();
    let daemon = bench.start();
    // What went on on the second storage, and was stopped there, does not go on.
    assert_eq!(bench.ctl(&["status"]).good()["state"], "standby");
    let [first, last] = sessions(&bench);
    assert_eq!((&last["id"], &last["continues"]), (&second_session["id"], &first["id"]));
    assert_eq!(first["cause"], "recovered");
    assert!(first["chunks"].as_u64().unwrap() >= announced, "{announced} were announced: {first}");
    // Not a frame is missing between the two, nor on both.
    let whole_ns = timeline(&bench, &last)["chunks"].as_array().unwrap().last().unwrap()["to_ns"].as_u64().unwrap();
    assert_eq!(daemon.stop(), 0);
    let frames: u64 = [&first, &last].iter().map(|session| session["video_frames"].as_u64().unwrap()).sum();
    assert!(frames.abs_diff(whole_ns * 10 / SECOND_NS) <= 2, "{frames} frames in {whole_ns} ns");
    let verdict = bench.verify_all();
    assert_eq!(verdict.short(), WITH_GAPS, "{}", verdict.report);
    assert_intact(&bench, &second);
    bench.assert_invariants();
}
