// SPDX-License-Identifier: MIT OR Apache-2.0
//! Time adds up, for long.
//!
//! What could break: a roll or a repeat that adds or loses a little time each (the tracks' times have holes or overlap,
//! the sum of all durations is not frames by rate), a recording that slowly falls behind the clock (each chunk is
//! announced later after its last frame than the one before).
//!
//! SOAK_S=600 lets the runs against the clock last for 600 s instead of half a minute.

use crate::support::bench::{Bench, INTACT};
use crate::support::footage::{FIXTURE_FRAME_NS, FIXTURE_FRAMES, fixture, footage, live, replay};
use crate::support::mp4::{Medium, runs, runs_of};
use crate::support::watch::Chunk;
use std::path::PathBuf;

/// One frame at 30 frames a second.
const FRAME_NS: u64 = 33_333_333;
/// Frames of the footage `steady30.mp4`.
const STEADY_FRAMES: u64 = 300;

/// How late a chunk was announced after its last frame was due, counted from `first`'s announcement.
fn lateness_ns(first: &Chunk, chunk: &Chunk) -> i128 {
    let elapsed = chunk.at.duration_since(first.at).as_nanos();
    i128::try_from(elapsed).unwrap() - i128::from(chunk.up_to_ns) + i128::from(first.up_to_ns)
}

/// How far the recording moved against the clock between its first and its last third. The earliest of each third
/// counts: a machine that is busy makes single chunks late, but never early.
fn drift_ns(chunks: &[Chunk]) -> i128 {
    let third = chunks.len() / 3;
    let least = |some: &[Chunk]| some.iter().map(|chunk| lateness_ns(&chunks[0], chunk)).min().unwrap();
    least(&chunks[chunks.len() - third..]) - least(&chunks[..third])
}

/// All frames of the segments, and how long they last by their own times, in nanoseconds.
fn frames_and_length(segments: &[PathBuf]) -> (u64, u64) {
    let runs: Vec<_> = segments.iter().flat_map(|file| runs_of(file, Medium::Video)).collect();
    let ticks: u64 = runs.iter().map(|run| run.duration).sum();
    (runs.iter().map(|run| run.samples).sum(), ticks * 1_000_000_000 / runs[0].scale)
}

/// Within each file every fragment begins where the one before ended, but for so many ticks, and the file begins at about 0.
fn assert_gapless(segments: &[PathBuf], tolerance: u64) {
    for file in segments {
        for medium in [Medium::Video, Medium::Audio] {
            let mut at = None;
            for run in runs(file).iter().filter(|run| run.medium == medium) {
                let expected = at.unwrap_or(run.start);
                assert!(run.start.abs_diff(expected) <= tolerance, "{medium:?} of {}: {run:?}", file.display());
                assert!(at.is_some() || run.start * 10 < run.scale, "{medium:?} of {} begins late", file.display());
                at = Some(run.start + run.duration);
            }
        }
    }
}

/// How long the runs against the clock last.
fn soak_s() -> u64 {
    std::env::var("SOAK_S").map_or(25, |text| text.parse().expect("SOAK_S is a number of seconds"))
}

/// Records 30 frames a second for SOAK_S, with a new segment each second: as long as the clock says, to the frame, over
/// all rolls. Gives how many frames there were and how long they last.
fn assert_keeps_up(bench: &Bench, tolerance: u64) -> (u64, u64) {
    let daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    let until_ns = soak_s() * 1_000_000_000;
    watch.until("chunk_recorded", |event| event["recorded_up_to_ns"].as_u64().unwrap() >= until_ns);
    let session = bench.ctl(&["stop"]).good();
    assert_eq!(daemon.stop(), 0);

    let drift_ns = drift_ns(&watch.chunks());
    assert!(drift_ns.unsigned_abs() <= u128::from(FRAME_NS), "drifted by {drift_ns} ns");
    let segments = bench.segments(&session);
    let rolls = segments.len() as u64 - 1;
    assert!(rolls >= (soak_s() - 1).min(20), "{rolls} rolls");
    assert_gapless(&segments, tolerance);
    let (frames, length_ns) = frames_and_length(&segments);
    assert_eq!(session["video_frames"], frames);
    let up_to_ns = watch.chunks().last().unwrap().up_to_ns;
    assert!(length_ns + FRAME_NS >= up_to_ns, "{length_ns} ns of pictures, recorded up to {up_to_ns}");
    assert_eq!(bench.verify_all().short(), INTACT);
    (frames, length_ns)
}

#[test]
fn a_recording_keeps_up_with_the_clock_to_the_frame() {
    let settings = ["replay.pace=real", "replay.repeat=true", "evidence.segment_s=1"];
    let bench = Bench::new(replay(&footage("steady30.mp4"))).with(&settings);
    let (frames, length_ns) = assert_keeps_up(&bench, 0);
    // At each repeat the last picture stays until the sound has ended, which takes a packet or two longer.
    let (repeats, longer_ns) = (frames / STEADY_FRAMES, 50_000_000);
    let expected_ns = frames * 1_000_000_000 / 30;
    let allowed_ns = expected_ns..=expected_ns + repeats * longer_ns + FRAME_NS;
    assert!(allowed_ns.contains(&(length_ns + 1000)), "{frames} frames last {length_ns} ns");
}

#[test]
fn a_live_recording_keeps_up_with_the_clock_to_the_frame() {
    let bench = Bench::new(live()).with(&["video.frame_rate=30", "evidence.segment_s=1"]);
    let (frames, length_ns) = assert_keeps_up(&bench, 1);
    let expected_ns = frames * 1_000_000_000 / 30;
    assert!(length_ns.abs_diff(expected_ns) <= FRAME_NS, "{frames} frames last {length_ns} ns");
}

#[test]
fn repeated_footage_goes_on_without_a_hole_over_many_rolls() {
    let settings = ["replay.pace=fast", "replay.repeat=true", "evidence.segment_s=10"];
    let bench = Bench::new(replay(&fixture())).with(&settings);
    let daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    watch.until("chunk_recorded", |event| event["recorded_up_to_ns"].as_u64().unwrap() >= 300_000_000_000);
    let session = bench.ctl(&["stop"]).good();
    assert_eq!(daemon.stop(), 0);
    let segments = bench.segments(&session);
    assert!(segments.len() > 20, "{} segments", segments.len());
    assert_gapless(&segments, 0);
    let (frames, length_ns) = frames_and_length(&segments);
    assert!(frames >= 3000 && session["video_frames"] == frames, "{frames}");
    // The sound of the footage begins 21.3 ms (one packet) before its pictures, and both end together: the last picture of
    // each pass stays for that long.
    let (passes, longer_ns) = (frames.div_ceil(FIXTURE_FRAMES), 21_333_333);
    let expected_ns = frames * FIXTURE_FRAME_NS + (passes - 1) * longer_ns;
    assert!(length_ns.abs_diff(expected_ns) <= passes * 100_000, "{length_ns}, not {expected_ns}");
    let verdict = bench.verify_all();
    assert_eq!(verdict.short(), INTACT, "{}", verdict.report["gaps"]);
    bench.assert_invariants();
}

#[test]
fn repeated_pictures_last_as_long_as_their_frames() {
    let settings = ["replay.pace=fast", "replay.repeat=true", "evidence.segment_s=2", "recording.media=video"];
    let bench = Bench::new(replay(&footage("silent.mp4"))).with(&settings);
    let daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    watch.until("chunk_recorded", |event| event["recorded_up_to_ns"].as_u64().unwrap() >= 60_000_000_000);
    let session = bench.ctl(&["stop"]).good();
    assert_eq!(daemon.stop(), 0);
    let segments = bench.segments(&session);
    assert!(segments.len() > 20, "{} segments", segments.len());
    let (frames, length_ns) = frames_and_length(&segments);
    assert!(length_ns.abs_diff(frames * 1_000_000_000 / 30) <= 1000, "{frames} frames last {length_ns} ns");
    assert_eq!(bench.verify_all().short(), INTACT);
}
