// SPDX-License-Identifier: MIT OR Apache-2.0
//! A storage fails and another is there.
//!
//! What could break: chunks between the two are lost or on both, what is on the failed one is reported as more than it
//! holds, nobody is told, the two sessions do not know of each other; a start on a storage that failed before does not come
//! up; what is left is told as more or less than it is.

use crate::support::bench::{Bench, WITH_GAPS};
use crate::support::footage::{FIXTURE_FRAMES, fixture, live, plug_in, replay};
use crate::support::mounts::{Disk, Image};
use crate::support::process::PATIENCE;
use rustix::process::Signal;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const SECOND_NS: u64 = 1_000_000_000;

/// What recordings leave alone.
const RESERVE_BYTES: u64 = 4 << 20;

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

/// A disk image for everything but the second storage. None where this machine has none; then nothing is tried.
fn image(bench: &Bench) -> Option<Image> {
    std::fs::create_dir_all(bench.path("place")).unwrap();
    let image = Image::mount(&bench.path("disk.img"), &bench.path("place"));
    if image.is_none() {
        eprintln!("a disk image needs root and loop devices: not tried");
    }
    image
}

/// Waits until these alarms stand, in the order of their words.
fn until_alarms(bench: &Bench, wanted: &[&str]) {
    let deadline = Instant::now() + PATIENCE;
    let mut standing = Vec::new();
    while standing != wanted {
        assert!(Instant::now() < deadline, "{wanted:?}, but {standing:?} stand");
        standing = alarms(bench);
        standing.sort();
    }
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

/// Whether the ledger has the end that was asked for.
fn is_shut_down(evidence: &Path) -> bool {
    let ledger = std::fs::read(evidence.join("ledger.cbor")).unwrap();
    ledger.windows(9).any(|word| word == b"requested")
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
    let Some(disk) = image(&bench) else { return };
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
    // The end of the first could not be entered on a disk that takes nothing, nor could that of the recorder there.
    assert_ne!(daemon.stop(), 0);
    assert!(is_shut_down(&second));

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

/// The disk is as the kernel left it when it found it broken.
#[test]
fn a_start_on_a_disk_that_broke_goes_on_on_the_second() {
    let (bench, second) = with_second(Bench::new(live()).with(&["recording.resume_within_s=600"]));
    let Some(disk) = image(&bench) else { return };
    let bench = bench.on_disk(disk.disk());
    let mut daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    watch.until_chunk(1);
    disk.break_down();
    assert_eq!(watch.until_ended(), "storage-failed");
    watch.until_chunk(1);
    daemon.signal(Signal::KILL);
    daemon.exit();

    let daemon = bench.start();
    until_alarms(&bench, &["second-storage", "storage-failed"]);
    bench.watch().until_chunk(3);
    until_alarms(&bench, &["second-storage", "storage-failed"]);
    let resumed = bench.ctl(&["stop"]).good();
    let [cut_off, last] = sessions(&bench);
    assert_eq!((&last["id"], &last["continues"]), (&resumed["id"], &cut_off["id"]));
    assert!(resumed["folder"].as_str().unwrap().starts_with(second.to_str().unwrap()), "{resumed}");
    assert_eq!(daemon.stop(), 0);
    assert!(is_shut_down(&second));
}

#[test]
fn a_first_start_on_a_disk_that_takes_no_write_records_on_the_second() {
    let (bench, second) = with_second(Bench::new(live()));
    std::fs::create_dir_all(bench.path("place")).unwrap();
    let disk = Disk::mount(&bench.path("place"), "size=4m");
    disk.change("ro");
    let bench = bench.on_disk(&disk);
    let daemon = bench.start();
    until_alarms(&bench, &["second-storage", "storage-failed"]);
    assert_eq!(bench.ctl(&["status"]).good()["state"], "standby");
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    watch.until_chunk(2);
    // A recording could be begun; but not on the first, nor will the next one be.
    until_alarms(&bench, &["second-storage"]);
    let session = bench.ctl(&["stop"]).good();
    assert!(session["folder"].as_str().unwrap().starts_with(second.to_str().unwrap()), "{session}");
    assert_eq!(alarms(&bench), ["second-storage"]);
    assert_eq!(daemon.stop(), 0);
    assert_intact(&bench, &second);
}

/// A recorder whose first storage cannot be used, on a small disk as the second.
fn on_a_small_second(size: &str) -> (Bench, Disk) {
    let bench = Bench::new(live());
    std::fs::write(bench.path("file"), "").unwrap();
    std::fs::create_dir_all(bench.path("place")).unwrap();
    let disk = Disk::mount(&bench.path("place"), size);
    let folders = [
        ("folder", "file/evidence"),
        ("state", "state"),
        ("fallback_folder", "place/evidence"),
        ("fallback_state", "place/state"),
    ];
    let settings = folders.map(|(key, path)| format!("evidence.{key}={}", bench.path(path).display()));
    (bench.with(&settings.each_ref().map(String::as_str)).on_disk(&disk), disk)
}

/// How many minutes the room lasts, by what the last session took.
fn minutes_that_fit(bench: &Bench, disk: &Disk) -> f64 {
    let counters = bench.ctl(&["status"]).good()["counters"].clone();
    let number = |name: &str| counters[name].as_u64().unwrap() as f64;
    let bytes_per_s = number("bytes") / number("duration_ns") * SECOND_NS as f64;
    (disk.free_bytes() - RESERVE_BYTES) as f64 / bytes_per_s / 60.0
}

#[test]
fn the_minutes_that_are_left_are_those_that_fit_also_when_the_recording_is_over() {
    let (bench, disk) = on_a_small_second("size=40m");
    // So little that there are minutes enough to tell 5 % in whole ones, and more than it is asked for.
    let bench = bench.with(&["recording.media=video", "video.bitrate_bps=100000"]);
    let daemon = bench.start();
    let mut watch = bench.watch();
    let assert_right = || {
        let (fit, told) = (minutes_that_fit(&bench, &disk), bench.ctl(&["status"]).good()["storage_minutes"].clone());
        let apart = (told.as_f64().unwrap() - fit).abs() / fit;
        assert!(fit > 30.0 && apart < 0.05, "{told} minutes are told, {fit} fit");
    };
    bench.ctl(&["start"]).good();
    watch.until_chunk(40);
    assert_right();
    bench.ctl(&["stop"]).good();
    // Looked at again, more than once.
    std::thread::sleep(Duration::from_secs(3));
    assert_right();
    assert_eq!(daemon.stop(), 0);
}

/// The place of the first storage looks as if its card were not mounted, or holds the evidence of another device.
#[test]
fn a_card_that_is_not_mounted_is_done_without_and_that_of_another_device_is_not() {
    let (bench, second) = with_second(Bench::new(live()));
    assert_eq!(bench.start().stop(), 0);
    let (first, keys) = (bench.evidence(), bench.path("place/state"));
    let (card, own_keys) = (bench.path("card"), bench.path("own-keys"));
    std::fs::rename(&first, &card).unwrap();
    let daemon = bench.start();
    until_alarms(&bench, &["second-storage", "storage-failed"]);
    assert_eq!(daemon.stop(), 0);
    assert!(!first.exists(), "a folder is left where the card should be mounted");

    std::fs::rename(&card, &first).unwrap();
    std::fs::rename(&keys, &own_keys).unwrap();
    let before = std::fs::read(second.join("ledger.cbor")).unwrap();
    let (code, error) = bench.refused();
    assert!(code == 1 && error.contains("whose key is not in"), "{code}: {error}");
    assert_eq!(std::fs::read(second.join("ledger.cbor")).unwrap(), before);

    std::fs::rename(&own_keys, &keys).unwrap();
    let daemon = bench.start();
    assert_eq!(alarms(&bench), Vec::<String>::new());
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn a_storage_of_another_recorder_is_not_done_without() {
    let (bench, second) = with_second(Bench::new(live()));
    let place = |name: &str| bench.path("place").join(name).display().to_string();
    let folders = [format!("evidence.folder={}", place("evidence")), format!("evidence.state={}", place("state"))];
    let other = Bench::new(live()).with(&folders.each_ref().map(String::as_str));
    let daemon = other.start();
    let (code, error) = bench.refused();
    assert!(code == 1 && error.contains("is in use by another recorder"), "{code}: {error}");
    assert!(!second.exists());
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn a_recording_that_was_cut_off_goes_on_although_the_first_storage_is_full() {
    let (bench, second) = with_second(Bench::new(live()).with(&["recording.resume_within_s=600"]));
    std::fs::create_dir_all(bench.path("place")).unwrap();
    let disk = Disk::mount(&bench.path("place"), "size=16m");
    let bench = bench.on_disk(&disk);
    let mut daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    watch.until_chunk(1);
    daemon.signal(Signal::KILL);
    daemon.exit();
    disk.fill();

    let daemon = bench.start();
    until_alarms(&bench, &["second-storage"]);
    bench.watch().until_chunk(1);
    let resumed = bench.ctl(&["stop"]).good();
    assert!(resumed["folder"].as_str().unwrap().starts_with(second.to_str().unwrap()), "{resumed}");
    assert_eq!(daemon.stop(), 0);
}

/// No chunk tells that the disk is broken while nothing is captured: the first thing to be written is a ledger entry.
#[test]
fn a_disk_that_breaks_while_nothing_is_captured_is_left_as_well() {
    let bench = Bench::new(live()).with(&["replay.repeat=true", "recording.prerecord_s=1"]);
    let camera = bench.path("camera.mp4");
    plug_in(&camera);
    let (bench, second) = with_second(bench.with(&[&format!("video.source=replay:{}", camera.display())]));
    let Some(disk) = image(&bench) else { return };
    let bench = bench.on_disk(disk.disk());
    let daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start", "--media", "video"]).good();
    watch.until_chunk(2);
    std::fs::remove_file(&camera).unwrap();
    watch.until("interruption_began", |_| true);
    disk.break_down();
    plug_in(&camera);
    assert_eq!(watch.until_ended(), "storage-failed");
    watch.until_chunk(3);
    let [first, last] = sessions(&bench);
    assert_eq!(last["continues"], first["id"]);
    bench.ctl(&["stop"]).good();
    assert_ne!(daemon.stop(), 0);
    let verdict = bench.ctl(&["verify", second.to_str().unwrap()]);
    assert!([0, 3].contains(&verdict.code), "{}", verdict.json);
}
