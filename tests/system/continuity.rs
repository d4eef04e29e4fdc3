// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whatever fails, what was captured is kept, the rest goes on, and the gap is on record with its cause.
//!
//! What could break: the seconds before the button are not in the file, or not all of them; one source takes the other with
//! it; a source that is back is not recorded; a gap has no cause, or no end; a crash or a stall loses what was announced.

use crate::support::bench::{Bench, INTACT, WITH_GAPS};
use crate::support::footage::{live, plug_in, sound_card, stalling};
use crate::support::mp4::{Medium, Run, runs_of};
use crate::support::probe;
use crate::support::watch::Watch;
use rustix::process::Signal;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const SECOND_NS: u64 = 1_000_000_000;

/// Waits until so much is buffered before a recording.
fn until_buffered(bench: &Bench, wanted_ns: u64) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while bench.ctl(&["status"]).good()["prerecord_ns"].as_u64().unwrap() < wanted_ns {
        assert!(Instant::now() < deadline, "nothing is buffered");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The runs of one medium over all segments.
fn runs(segments: &[PathBuf], medium: Medium) -> Vec<Run> {
    segments.iter().flat_map(|file| runs_of(file, medium)).collect()
}

/// Nothing of a medium is missing within any of the files.
fn assert_no_hole(segments: &[PathBuf], medium: Medium) {
    for file in segments {
        let runs = runs_of(file, medium);
        let apart = |pair: &&[Run]| pair[0].end_ns().abs_diff(pair[1].start_ns()) > 1_000_000;
        assert_eq!(runs.windows(2).filter(apart).count(), 0, "{medium:?} in {}", file.display());
    }
}

fn utc_now_ns() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    u64::try_from(now.as_nanos()).unwrap()
}

/// The only interruption, or the one with this cause.
fn interruption(bench: &Bench, cause: &str) -> Value {
    let all = bench.ctl(&["interruptions"]).good()["interruptions"].clone();
    let found = all.as_array().unwrap().iter().find(|one| one["cause"] == cause).cloned();
    found.unwrap_or_else(|| panic!("no interruption by {cause}: {all}"))
}

fn alarm(watch: &mut Watch, name: &str, kind: &str) {
    watch.until(name, |event| event["kind"] == kind);
}

#[test]
fn a_recording_begins_before_the_button_and_goes_on_behind_it() {
    let bench = Bench::new(live()).with(&["recording.prerecord_s=4", "recording.postrecord_s=1"]);
    let daemon = bench.start();
    until_buffered(&bench, 3 * SECOND_NS);
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    watch.until_chunk(8);
    let session = bench.ctl(&["stop"]).good();
    assert_eq!(daemon.stop(), 0);
    let timeline = bench
        .ctl(&["timeline", session["id"].as_str().unwrap(), "--evidence", &bench.evidence().display().to_string()])
        .good();
    let pressed_ns = timeline["pressed_ns"].as_u64().unwrap();
    assert!((3 * SECOND_NS..7 * SECOND_NS).contains(&pressed_ns), "{timeline}");
    assert!(session["duration_ns"].as_u64().unwrap() > pressed_ns + SECOND_NS, "{session}");
    let segments = bench.segments(&session);
    [Medium::Video, Medium::Audio].into_iter().for_each(|medium| assert_no_hole(&segments, medium));
    let frames = runs(&segments, Medium::Video).iter().map(|run| run.samples).sum::<u64>();
    assert!(
        frames.abs_diff(session["duration_ns"].as_u64().unwrap() * 10 / SECOND_NS) <= 2,
        "{frames} frames: {session}"
    );
    segments.iter().for_each(|file| probe::assert_decodes(file));
    assert_eq!(bench.verify_all().short(), INTACT);
    bench.assert_invariants();
}

#[test]
fn a_private_pre_record_has_no_sound() {
    let bench = Bench::new(live()).with(&["recording.prerecord_s=4", "recording.prerecord_sound=false"]);
    let daemon = bench.start();
    until_buffered(&bench, 3 * SECOND_NS);
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    watch.until_chunk(8);
    let session = bench.ctl(&["stop"]).good();
    let begin = |medium| runs(&bench.segments(&session), medium)[0].start_ns();
    assert_eq!(begin(Medium::Video), 0);
    assert!(begin(Medium::Audio) > 2 * SECOND_NS, "sound from {} ns on", begin(Medium::Audio));
    assert_eq!(daemon.stop(), 0);
}

/// Pictures from a file that stands for a camera, and live sound.
fn bench_with_camera() -> (Bench, PathBuf) {
    let bench = Bench::new(live()).with(&["replay.repeat=true", "recording.prerecord_s=1"]);
    let camera = bench.path("camera.mp4");
    plug_in(&camera);
    (bench.with(&[&format!("video.source=replay:{}", camera.display())]), camera)
}

/// The camera is back and recorded again; then all is stopped.
fn record_again_with(bench: &Bench, watch: &mut Watch, camera: &Path) -> Value {
    plug_in(camera);
    alarm(watch, "alarm_quiet", "camera");
    let announced = watch.chunks().last().unwrap().number;
    watch.until_chunk(announced + 4);
    assert_eq!(bench.ctl(&["status"]).good()["state"], "recording");
    bench.ctl(&["stop"]).good()
}

#[test]
fn sound_goes_on_without_a_camera_and_the_camera_comes_back() {
    let (bench, camera) = bench_with_camera();
    let daemon = bench.start();
    let mut watch = bench.watch();
    until_buffered(&bench, SECOND_NS / 2);
    bench.ctl(&["start"]).good();
    watch.until_chunk(3);
    std::fs::remove_file(&camera).unwrap();
    alarm(&mut watch, "alarm_raised", "camera");
    assert_eq!(bench.ctl(&["status"]).good()["state"], "degraded");
    let announced = watch.chunks().last().unwrap().number;
    watch.until_chunk(announced + 4);
    let session = record_again_with(&bench, &mut watch, &camera);
    let gone = interruption(&bench, "camera");
    assert_eq!((&gone["known"], &gone["media"]), (&"device".into(), &serde_json::json!(["video"])));
    assert!(gone["duration_ns"].as_u64().unwrap() > SECOND_NS, "{gone}");
    assert_eq!(daemon.stop(), 0);

    let segments = bench.segments(&session);
    assert_eq!(segments.len(), 3, "with, without and with the camera");
    let sound = runs(&segments, Medium::Audio);
    let length: u64 = sound.iter().map(Run::duration_ns).sum();
    assert!(session["duration_ns"].as_u64().unwrap() - length < SECOND_NS / 2, "{length} ns of sound: {session}");
    segments.iter().for_each(|file| probe::assert_decodes(file));
    let verdict = bench.verify_all();
    assert_eq!(verdict.short(), WITH_GAPS, "{}", verdict.report);
    let gaps = verdict.report["gaps"].as_array().unwrap();
    assert!(gaps.iter().all(|gap| gap["medium"] == "video"), "{gaps:?}");
    bench.assert_invariants();
}

#[test]
fn a_missing_camera_is_an_alarm_in_standby_and_refuses_a_start_but_not_one_of_sound() {
    let (bench, camera) = bench_with_camera();
    std::fs::remove_file(&camera).unwrap();
    let daemon = bench.start();
    let mut watch = bench.watch();
    let status = bench.ctl(&["status"]).good();
    if status["alarms"].as_array().unwrap().is_empty() {
        alarm(&mut watch, "alarm_raised", "camera");
    }
    let refused = bench.ctl_text(&["start"]);
    assert!(refused.code != 0 && refused.error.contains("camera.mp4"), "{refused:?}");
    bench.ctl(&["start", "--media", "audio"]).good();
    watch.until_chunk(2);
    bench.ctl(&["stop"]).good();
    assert_eq!(daemon.stop(), 0);
    assert_eq!(bench.verify_all().short(), INTACT);
}

#[test]
fn a_card_that_is_pulled_out_and_put_in_again_is_one_interruption_of_the_sound() {
    let bench = Bench::new(live()).with(&["audio.source=alsa:paced", "recording.prerecord_s=1"]);
    let card = sound_card(&bench.path("plugged"));
    let bench = bench.with_environment(card);
    let daemon = bench.start();
    let mut watch = bench.watch();
    until_buffered(&bench, SECOND_NS / 2);
    bench.ctl(&["start"]).good();
    watch.until_chunk(3);
    std::fs::remove_file(bench.path("plugged")).unwrap();
    alarm(&mut watch, "alarm_raised", "microphone");
    std::fs::write(bench.path("plugged"), "").unwrap();
    alarm(&mut watch, "alarm_quiet", "microphone");
    let announced = watch.chunks().last().unwrap().number;
    watch.until_chunk(announced + 3);
    let session = bench.ctl(&["stop"]).good();
    assert_eq!(interruption(&bench, "microphone")["media"], serde_json::json!(["audio"]));
    let id = interruption(&bench, "microphone")["id"].as_str().unwrap().to_owned();
    bench.ctl(&["explain", &id, "--cause", "damage", "--officer", "110233", "--text", "the cable was torn out"]).good();
    let told = interruption(&bench, "microphone");
    assert_eq!((&told["account"], &told["told"]["officer"]), (&"given".into(), &"110233".into()));
    assert_eq!(daemon.stop(), 0);
    assert_no_hole(&bench.segments(&session), Medium::Video);
    assert_eq!(bench.verify_all().short(), WITH_GAPS);
    bench.assert_invariants();
}

#[test]
fn a_killed_recorder_records_again_and_the_hole_is_on_record() {
    let bench = Bench::new(live()).with(&["recording.prerecord_s=2", "recording.resume_within_s=600"]);
    let mut daemon = bench.start();
    for crash in 1..=20 {
        let mut watch = bench.watch();
        if crash == 1 {
            bench.ctl(&["start", "--officer", "110233"]).good();
        }
        watch.until_chunk(crash % 3);
        // At any moment of a chunk, from the first to the last.
        std::thread::sleep(Duration::from_millis(crash * 173 % 500));
        daemon.signal(Signal::KILL);
        let killed_utc_ns = utc_now_ns();
        assert_eq!(daemon.exit(), 128 + 9);
        watch.until_gone();
        let announced = watch.chunks().last().map_or(0, |chunk| chunk.number + 1);
        daemon = bench.start();
        let sessions = bench.ctl(&["sessions"]).good()["sessions"].as_array().unwrap().clone();
        let cut_off = sessions.iter().rfind(|one| one["cause"] == "recovered").unwrap();
        assert!(cut_off["chunks"].as_u64().unwrap() >= announced, "{announced} were announced: {cut_off}");
        let zero_utc_ns = bench.ctl(&["timeline", cut_off["id"].as_str().unwrap()]).good()["zero_utc_ns"].clone();
        let lost_ns = killed_utc_ns - zero_utc_ns.as_u64().unwrap() - cut_off["duration_ns"].as_u64().unwrap();
        assert!(lost_ns <= SECOND_NS, "{lost_ns} ns are lost: {cut_off}");
        assert_eq!(interruption(&bench, "recorder")["media"], serde_json::json!(["video", "audio"]));
    }
    let mut watch = bench.watch();
    watch.until_chunk(1);
    let last = bench.ctl(&["stop"]).good();
    assert_eq!((&last["officer"], last["continues"].as_str().map(str::len)), (&"110233".into(), Some(32)));
    assert_eq!(daemon.stop(), 0);
    let verdict = bench.verify_all();
    assert_eq!(verdict.short(), WITH_GAPS, "{}", verdict.report);
    bench.assert_invariants();
}

#[test]
fn a_killed_recorder_goes_on_with_what_there_is_and_takes_the_camera_in_when_it_comes() {
    let (bench, camera) = bench_with_camera();
    let bench = bench.with(&["recording.resume_within_s=600"]);
    let mut daemon = bench.start();
    let mut watch = bench.watch();
    until_buffered(&bench, SECOND_NS / 2);
    bench.ctl(&["start"]).good();
    watch.until_chunk(2);
    daemon.signal(Signal::KILL);
    assert_eq!(daemon.exit(), 128 + 9);
    std::fs::remove_file(&camera).unwrap();
    let daemon = bench.start();
    let mut watch = bench.watch();
    watch.until_chunk(3);
    let status = bench.ctl(&["status"]).good();
    assert_eq!((&status["state"], &status["alarms"][0]["kind"]), (&"degraded".into(), &"camera".into()), "{status}");
    let session = record_again_with(&bench, &mut watch, &camera);
    let gone = interruption(&bench, "camera");
    assert_eq!(daemon.stop(), 0);
    assert_eq!((&gone["session"], &gone["media"]), (&session["id"], &serde_json::json!(["video"])));
    let segments = bench.segments(&session);
    let [without, with] = segments.as_slice() else { panic!("{segments:?}") };
    let alone_ns: u64 = runs_of(without, Medium::Audio).iter().map(Run::duration_ns).sum();
    let gone_ns = gone["duration_ns"].as_u64().unwrap();
    assert!(alone_ns.abs_diff(gone_ns) < SECOND_NS, "{alone_ns} ns of sound alone: {gone}");
    assert!(runs_of(without, Medium::Video).is_empty() && !runs_of(with, Medium::Video).is_empty());
    segments.iter().for_each(|file| probe::assert_decodes(file));
    let verdict = bench.verify_all();
    assert_eq!(verdict.short(), WITH_GAPS, "{}", verdict.report);
    bench.assert_invariants();
}

#[test]
fn a_resumed_recording_of_one_medium_leaves_the_other_in_standby_alone() {
    let bench = Bench::new(live()).with(&["recording.prerecord_s=2", "recording.resume_within_s=600"]);
    let mut daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start", "--media", "audio"]).good();
    watch.until_chunk(1);
    daemon.signal(Signal::KILL);
    assert_eq!(daemon.exit(), 128 + 9);
    let daemon = bench.start();
    let mut watch = bench.watch();
    watch.until_chunk(4);
    let status = bench.ctl(&["status"]).good();
    assert_eq!((&status["alarms"], &status["state"]), (&serde_json::json!([]), &"recording".into()), "{status}");
    let session = bench.ctl(&["stop"]).good();
    assert_eq!((session["video_frames"].as_u64(), session["interruptions"].as_u64()), (Some(0), Some(0)));
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn a_storage_that_stands_still_for_ten_seconds_loses_nothing() {
    let bench = Bench::new(live());
    let gate = bench.path("stall");
    let bench = bench.with_environment(stalling(&gate));
    let daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    watch.until_chunk(3);
    std::fs::write(&gate, "").unwrap();
    let stalled = Instant::now();
    alarm(&mut watch, "alarm_raised", "storage-stalled");
    assert!(stalled.elapsed() < Duration::from_secs(5), "the alarm came after {:?}", stalled.elapsed());
    std::thread::sleep(Duration::from_secs(10).saturating_sub(stalled.elapsed()));
    let announced = watch.chunks().last().unwrap().number;
    std::fs::remove_file(&gate).unwrap();
    alarm(&mut watch, "alarm_quiet", "storage-stalled");
    watch.until_chunk(announced + 22);
    let session = bench.ctl(&["stop"]).good();
    assert_eq!((&session["video_lost"], daemon.stop()), (&Value::Null, 0));
    assert!(session["duration_ns"].as_u64().unwrap() > 11 * SECOND_NS, "{session}");
    let verdict = bench.verify_all();
    assert_eq!(verdict.short(), INTACT, "{}", verdict.report);
    bench.assert_invariants();
}

/// The card goes on without its reader: what it had to give meanwhile is gone.
#[test]
fn a_recorder_that_was_stopped_for_a_while_has_the_hole_on_record() {
    let bench = Bench::new(live()).with(&["audio.source=alsa:paced"]);
    let card = sound_card(&bench.path("plugged"));
    let bench = bench.with_environment(card);
    let mut daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    watch.until_chunk(3);
    daemon.signal(Signal::STOP);
    std::thread::sleep(Duration::from_secs(10));
    daemon.signal(Signal::CONT);
    watch.until("interruption_ended", |_| true);
    let announced = watch.chunks().last().unwrap().number;
    watch.until_chunk(announced + 6);
    let session = bench.ctl(&["stop"]).good();
    let missed = interruption(&bench, "recorder");
    assert_eq!(daemon.stop(), 0);
    assert!(missed["media"].as_array().unwrap().contains(&"audio".into()), "{missed}");
    let missed_ns = missed["duration_ns"].as_u64().unwrap();
    assert!((9 * SECOND_NS..12 * SECOND_NS).contains(&missed_ns), "{missed}");
    let sound: u64 = runs(&bench.segments(&session), Medium::Audio).iter().map(Run::duration_ns).sum();
    let whole_ns = session["duration_ns"].as_u64().unwrap();
    assert!(
        sound + missed_ns <= whole_ns + SECOND_NS,
        "no sound is invented: {sound} and {missed_ns} of {whole_ns} ns"
    );
    let verdict = bench.verify_all();
    assert_eq!(verdict.short(), WITH_GAPS, "{}", verdict.report);
    bench.assert_invariants();
}
