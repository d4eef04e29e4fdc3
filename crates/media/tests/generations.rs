// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: when one track ends before the other, the other stalls, loses frames, starts
//! anew at 0, or goes on in a file that announces a track which never comes.

#![allow(clippy::unwrap_used)]

mod support;

use media::{Medium, Pace};
use support::{Take, ffmpeg, packets, pictures, replay, samples, settings, starts_with_key};

fn footage(video_s: u32, audio_s: u32) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("in.mp4");
    let coding = format!(
        "-f lavfi -t {video_s} -i testsrc2=s=160x120:r=25 -f lavfi -t {audio_s} -i sine=r=48000 -c:v libx264 -preset ultrafast -g 25 -c:a aac"
    );
    ffmpeg(&coding, &file);
    (dir, file)
}

#[test]
fn sound_outlives_the_picture() {
    let (dir, file) = footage(3, 20);
    let source = replay(&file);
    let take = Take::whole(&settings(Some(&source), Some(&source), Pace::Fast, false));
    let all = packets(&file);
    assert_eq!(take.ended(), [Medium::Video, Medium::Audio]);
    let (with, alone) = (take.runs(0, 2), take.runs(1, 1));
    assert_eq!(samples(&take.runs(0, 1)), all[0]);
    assert_eq!(samples(&with) + samples(&alone), all[1]);
    assert_eq!(with.last().unwrap().end(), alone[0].start, "the time line goes on");
    check_playable(&take, &dir, all[1] - samples(&with), None);
}

#[test]
fn the_picture_outlives_sound() {
    let (dir, file) = footage(20, 3);
    let source = replay(&file);
    let take = Take::whole(&settings(Some(&source), Some(&source), Pace::Fast, false));
    let all = packets(&file);
    assert_eq!(take.ended(), [Medium::Audio, Medium::Video]);
    let (with, alone) = (take.runs(0, 1), take.runs(1, 1));
    assert_eq!(samples(&take.runs(0, 2)), all[1]);
    assert_eq!(samples(&with) + samples(&alone), all[0]);
    assert_eq!(with.last().unwrap().end(), alone[0].start, "the time line goes on");
    let first = take.fragments.iter().find(|fragment| fragment.generation == 1);
    assert!(starts_with_key(first.unwrap()));
    check_playable(&take, &dir, samples(&alone), Some(samples(&alone)));
}

fn check_playable(take: &Take, dir: &tempfile::TempDir, expected: usize, decoded: Option<usize>) {
    let out = dir.path().join("alone.mp4");
    take.write(1, &out);
    assert_eq!(packets(&out), [expected]);
    if let Some(decoded) = decoded {
        assert_eq!(pictures(&out).len(), decoded);
    }
    assert_eq!(take.fragments.last().unwrap().generation, 1, "no third generation");
}

#[test]
fn ends_that_lie_close_make_no_new_generation() {
    let (_dir, file) = footage(3, 3);
    let source = replay(&file);
    let take = Take::whole(&settings(Some(&source), Some(&source), Pace::Fast, false));
    assert!(take.fragments.iter().all(|fragment| fragment.generation == 0));
}
