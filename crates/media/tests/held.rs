// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a file that is played for a recording loses what it gave before the recording began or between two
//! recordings.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::{Duration, Instant};

use media::{Medium, Pace};
use support::{NO_RING, Take, boot_ns, ffmpeg, fixture, open_all, packets, pictures, record, replay, settings, studio};

#[test]
fn a_file_waits_until_it_is_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let source = replay(&fixture());
    for pace in [Pace::Fast, Pace::Real] {
        let wanted = settings(Some(&source), Some(&source), pace, false);
        let (studio, _notices) = studio(NO_RING);
        open_all(&studio, &wanted).unwrap();
        std::thread::sleep(Duration::from_millis(700));
        let pressed_ns = boot_ns();
        let (recording, events) = record(&studio, &wanted);
        let zero_ns = recording.zero_ns();
        // Sound begins with the encoder's priming, a little before 0.
        assert!(zero_ns.abs_diff(pressed_ns) < 200_000_000, "it begins with the recording");
        let take = Take::follow(recording, &events, 2, |fragments| pace == Pace::Real && fragments.len() >= 4);
        let out = dir.path().join("out.mp4");
        take.write(0, &out);
        let (all, found) = (pictures(&fixture()), pictures(&out));
        assert_eq!(found, all[..found.len()]);
        if pace == Pace::Fast {
            assert_eq!(packets(&out), [340, 1595]);
        }
    }
}

#[test]
fn a_file_waits_between_two_recordings_too() {
    let dir = tempfile::tempdir().unwrap();
    let source = replay(&fixture());
    let wanted = settings(Some(&source), Some(&source), Pace::Fast, false);
    let (studio, _notices) = studio(NO_RING);
    open_all(&studio, &wanted).unwrap();
    let (recording, events) = record(&studio, &wanted);
    let first = Take::follow(recording, &events, 2, |fragments| fragments.len() >= 10);
    std::thread::sleep(Duration::from_millis(500));
    let pressed_ns = boot_ns();
    let (recording, events) = record(&studio, &wanted);
    assert!(recording.zero_ns().abs_diff(pressed_ns) < 200_000_000, "it goes on with the recording");
    let second = Take::follow(recording, &events, 2, |_| false);
    assert_eq!(first.counters.audio.muxed + second.counters.audio.muxed, 1595);
    let (one, two) = (dir.path().join("one.mp4"), dir.path().join("two.mp4"));
    first.write(0, &one);
    second.write(0, &two);
    let (all, one, two) = (pictures(&fixture()), pictures(&one), pictures(&two));
    assert_eq!(one, all[..one.len()]);
    assert_eq!(two, all[all.len() - two.len()..]);
    let between = all.len() - two.len() - one.len();
    assert!(between < 10, "{between}: pictures of which the second recording has no key frame");
}

#[test]
fn two_files_begin_together() {
    let dir = tempfile::tempdir().unwrap();
    let (video, audio) = (dir.path().join("v.mp4"), dir.path().join("a.mp4"));
    ffmpeg("-f lavfi -i testsrc2=s=160x120:r=25 -t 3 -c:v libx264 -g 25", &video);
    ffmpeg("-f lavfi -i sine=r=48000 -t 3 -c:a aac", &audio);
    let wanted = settings(Some(&replay(&video)), Some(&replay(&audio)), Pace::Real, false);
    let (studio, _notices) = studio(NO_RING);
    studio.open(Medium::Video, &wanted).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    studio.open(Medium::Audio, &wanted).unwrap();
    let (recording, events) = record(&studio, &wanted);
    let take = Take::follow(recording, &events, 2, |_| false);
    let (picture, sound) = (take.runs(0, 1)[0].start / 90, take.runs(0, 2)[0].start / 48);
    assert!(picture.abs_diff(sound) < 50, "{picture} {sound}");
    assert_eq!(
        [take.counters.video.muxed, take.counters.audio.muxed].map(|count| count as usize),
        [packets(&video)[0], packets(&audio)[0]]
    );
}

#[test]
fn a_file_that_waits_is_closed_at_once() {
    let source = replay(&fixture());
    let wanted = settings(Some(&source), Some(&source), Pace::Fast, false);
    let (studio, _notices) = studio(NO_RING);
    open_all(&studio, &wanted).unwrap();
    let began = Instant::now();
    Medium::BOTH.into_iter().for_each(|medium| studio.close(medium));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    // It begins anew.
    open_all(&studio, &wanted).unwrap();
    let (recording, events) = record(&studio, &wanted);
    let take = Take::follow(recording, &events, 2, |_| false);
    assert_eq!((take.counters.video.muxed, take.counters.audio.muxed), (340, 1595));
}

#[test]
fn of_a_file_with_both_one_medium_alone_can_be_recorded() {
    let source = replay(&fixture());
    let wanted = settings(Some(&source), Some(&source), Pace::Fast, false);
    let (studio, _notices) = studio(NO_RING);
    open_all(&studio, &wanted).unwrap();
    let alone = settings(None, Some(&source), Pace::Fast, false);
    let (recording, events) = record(&studio, &alone);
    let take = Take::follow(recording, &events, 1, |_| false);
    assert_eq!((take.counters.video.muxed, take.counters.audio.muxed), (0, 1595));
}
