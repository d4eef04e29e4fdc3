// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a chunk longer than a second where key frames are far apart or missing, a
//! chunk that says it begins with a key frame and does not, a track left out of its chunk.

#![allow(clippy::unwrap_used)]

mod support;

use media::Pace;
use support::{Take, ffmpeg, packets, replay, samples, settings, starts_with_key};

fn footage(key_interval_frames: u32, name: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(name);
    let coding = format!(
        "-f lavfi -i testsrc2=s=160x120:r=30 -f lavfi -i sine=r=48000 -t 22 -c:v libx264 -preset ultrafast -g {key_interval_frames} -keyint_min {key_interval_frames} -sc_threshold 0 -c:a aac"
    );
    ffmpeg(&coding, &file);
    (dir, file)
}

fn check(key_interval_frames: u32, keys_expected: usize) {
    let (dir, file) = footage(key_interval_frames, "in.mp4");
    let source = replay(&file);
    let take = Take::whole(&settings(Some(&source), Some(&source), Pace::Fast, false));
    for run in take.runs(0, 1) {
        assert!(run.length_ms(90_000) <= 600, "{run:?}");
    }
    for run in take.runs(0, 2) {
        assert!(run.length_ms(48_000) <= 1000, "{run:?}");
    }
    let keys = take.fragments.iter().filter(|fragment| starts_with_key(fragment)).count();
    assert_eq!(keys, keys_expected);
    let out = dir.path().join("out.mp4");
    take.write(0, &out);
    assert_eq!(packets(&out), packets(&file));
}

#[test]
fn key_frames_each_second() {
    check(30, 22);
}

#[test]
fn key_frames_ten_seconds_apart() {
    check(300, 3);
}

#[test]
fn key_frames_that_fit_no_chunk() {
    check(41, 17);
}

#[test]
fn a_file_cut_at_any_key_chunk_plays_alone() {
    let (dir, file) = footage(30, "in.mp4");
    let take = Take::whole(&settings(Some(&replay(&file)), None, Pace::Fast, false));
    let from = take.fragments.iter().rposition(starts_with_key).unwrap();
    let rest = &take.fragments[from..];
    let mut bytes = rest[0].init.to_vec();
    rest.iter().for_each(|fragment| bytes.extend_from_slice(&fragment.data));
    let out = dir.path().join("rest.mp4");
    std::fs::write(&out, bytes).unwrap();
    assert_eq!(support::pictures(&out).len(), 30);
}

#[test]
fn picture_alone_and_sound_alone() {
    let (dir, file) = footage(30, "in.mp4");
    let (source, out) = (replay(&file), dir.path().join("out.mp4"));
    let all = packets(&file);
    let picture = Take::whole(&settings(Some(&source), None, Pace::Fast, false));
    picture.write(0, &out);
    assert_eq!(packets(&out), all[..1]);
    let sound = Take::whole(&settings(None, Some(&source), Pace::Fast, false));
    sound.write(0, &out);
    assert_eq!(packets(&out), all[1..]);
    assert!(sound.fragments.iter().all(starts_with_key));
    assert!(sound.runs(0, 1).iter().all(|run| run.length_ms(48_000) <= 600));
    assert_eq!(samples(&sound.runs(0, 1)), all[1]);
}
