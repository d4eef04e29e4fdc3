// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a replay that loses, repeats or changes frames of its file (priming, tails
//! behind the edit list, reordered pictures), or drifts from the clock. It shows as wrong counts
//! in ffprobe, other picture hashes, or holes between runs.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::{Duration, Instant};

use media::{Medium, Pace};
use support::{Take, ffmpeg, fixture, packets, pictures, replay, samples, settings};

#[test]
fn the_fixture_comes_out_whole() {
    let dir = tempfile::tempdir().unwrap();
    let source = replay(&fixture());
    let take = Take::whole(&settings(Some(&source), Some(&source), Pace::Fast, false));
    let out = dir.path().join("out.mp4");
    take.write(0, &out);
    assert_eq!(packets(&out), [340, 1595]);
    assert_eq!(pictures(&out), pictures(&fixture()));
    let mut ended = take.ended();
    ended.sort();
    assert_eq!(ended, [Medium::Video, Medium::Audio]);
    let counters = take.counters;
    assert_eq!((counters.video.muxed, counters.audio.muxed), (340, 1595));
}

#[test]
fn runs_follow_each_other_without_hole() {
    let source = replay(&fixture());
    let take = Take::whole(&settings(Some(&source), Some(&source), Pace::Fast, false));
    for track in [1, 2] {
        for pair in take.runs(0, track).windows(2) {
            assert_eq!(pair[0].end(), pair[1].start, "track {track}");
        }
    }
}

#[test]
fn reordered_pictures_and_long_priming_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (input, out) = (dir.path().join("in.mp4"), dir.path().join("out.mp4"));
    ffmpeg(
        "-f lavfi -i testsrc2=s=160x120:r=25 -f lavfi -i sine=r=44100 -t 3 -c:v libx264 -g 25 -bf 3 -c:a aac",
        &input,
    );
    // The edit list now cuts off two packets at the start and some at the end.
    let mut bytes = std::fs::read(&input).unwrap();
    let at = bytes.windows(4).rposition(|kind| kind == b"elst").unwrap();
    bytes[at + 12..at + 16].copy_from_slice(&2900_u32.to_be_bytes());
    bytes[at + 16..at + 20].copy_from_slice(&3112_u32.to_be_bytes());
    let cut = dir.path().join("cut.mp4");
    std::fs::write(&cut, bytes).unwrap();
    for file in [&input, &cut] {
        let source = replay(file);
        let take = Take::whole(&settings(Some(&source), Some(&source), Pace::Fast, false));
        take.write(0, &out);
        assert_eq!(packets(&out), packets(&input));
        assert_eq!(pictures(&out), pictures(&input));
    }
}

#[test]
fn real_pace_keeps_to_the_clock() {
    let source = replay(&fixture());
    let began = Instant::now();
    let take =
        Take::until(&settings(Some(&source), Some(&source), Pace::Real, false), |fragments| fragments.len() >= 8);
    let took = began.elapsed();
    assert!((Duration::from_secs(4)..Duration::from_secs(6)).contains(&took), "{took:?}");
    let frames = samples(&take.runs(0, 1));
    assert!((40..=55).contains(&frames), "{frames}");
}

#[test]
fn repeats_go_on_without_hole_or_doublet() {
    let dir = tempfile::tempdir().unwrap();
    let (input, out) = (dir.path().join("in.mp4"), dir.path().join("out.mp4"));
    ffmpeg(
        "-f lavfi -i testsrc2=s=160x120:r=25 -f lavfi -i sine=r=48000 -t 2 -c:v libx264 -g 25 -bf 2 -c:a aac",
        &input,
    );
    let source = replay(&input);
    let take = Take::until(&settings(Some(&source), Some(&source), Pace::Fast, true), |fragments| {
        samples_of_video(fragments) >= 4 * 50
    });
    take.write(0, &out);
    let (once, all) = (pictures(&input), pictures(&out));
    assert!(all.len() >= 4 * once.len());
    // Where it was stopped, reordered pictures may lack those they refer to.
    for (n, picture) in all.iter().enumerate().take(4 * once.len()) {
        assert_eq!(picture, &once[n % once.len()], "picture {n}");
    }
    check_monotonic(&take, 1, 90_000);
    check_monotonic(&take, 2, 48_000);
}

#[test]
fn a_hole_in_a_files_times_stays_a_hole() {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("hole.mp4");
    ffmpeg(
        "-f lavfi -i testsrc2=s=160x120:r=30 -frames:v 120 -vf setpts=PTS+gte(N\\,60)*5/TB -fps_mode passthrough -c:v libx264 -preset ultrafast -g 30",
        &input,
    );
    let source = replay(&input);
    let take = Take::whole(&settings(Some(&source), None, Pace::Fast, false));
    let runs = take.runs(0, 1);
    assert_eq!(samples(&runs), 120);
    assert!(runs.iter().all(|run| run.length_ms(90_000) <= 1000), "{runs:?}");
    let holes: Vec<_> = runs.windows(2).map(|pair| (pair[0].end(), pair[1].start)).filter(|(a, b)| a != b).collect();
    assert_eq!(holes, [(2 * 90_000, 7 * 90_000)]);
}

fn samples_of_video(fragments: &[media::Fragment]) -> usize {
    // About twelve pictures in each.
    fragments.len().saturating_sub(1) * 12
}

/// Within a pass runs join; between passes the shorter track may leave a gap, never an overlap.
fn check_monotonic(take: &Take, track: u32, timescale_hz: u64) {
    let runs = take.runs(0, track);
    let mut gaps = 0;
    for pair in runs.windows(2) {
        assert!(pair[1].start >= pair[0].end(), "track {track} goes back");
        let gap_ms = (pair[1].start - pair[0].end()) * 1000 / timescale_hz;
        assert!(gap_ms < 60, "track {track}: {gap_ms} ms");
        gaps += usize::from(gap_ms > 1);
    }
    assert!(gaps <= 6, "{gaps} gaps");
}
