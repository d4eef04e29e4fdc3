// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: at the join of what was kept before a recording and what came after, a frame is missing or doubled
//! or at another time; the ring keeps more than it may, or sound that nobody wanted.
//!
//! Each picture of the footage is another, so their hashes number them.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use media::{Medium, Notice, Pace, RingLimits, Settings};
use support::{
    Take, boot_ns, ffmpeg, notice_of, open_all, packets, pictures, record, replay, ring_of, samples, settings, studio,
    wait_for,
};

/// Footage that stands for a camera and a microphone.
fn footage(dir: &Path) -> (PathBuf, Settings) {
    let file = dir.join("in.mp4");
    ffmpeg(
        "-f lavfi -i testsrc2=s=160x120:r=25 -f lavfi -i sine=r=48000 -t 20 -c:v libx264 -preset ultrafast -g 25 -c:a aac",
        &file,
    );
    let source = replay(&file);
    (file, settings(Some(&source), Some(&source), Pace::Real, true))
}

fn standby(time_ms: u64) {
    std::thread::sleep(Duration::from_millis(time_ms));
}

/// How long before the button the recording begins, in ms.
fn early_ms(recording: &media::Recording, pressed_ns: u64) -> i64 {
    (pressed_ns.cast_signed() - recording.zero_ns().cast_signed()) / 1_000_000
}

#[test]
fn numbered_frames_are_without_a_seam() {
    let dir = tempfile::tempdir().unwrap();
    let ((file, wanted), out) = (footage(dir.path()), dir.path().join("out.mp4"));
    let (studio, notices) = studio(ring_of(60));
    open_all(&studio, &wanted).unwrap();
    standby(3300);
    let pressed_ns = boot_ns();
    let (recording, events) = record(&studio, &wanted);
    assert!((3200..4500).contains(&early_ms(&recording, pressed_ns)), "{}", early_ms(&recording, pressed_ns));
    let take = Take::follow(recording, &events, 2, |fragments| fragments.len() >= 13);
    take.write(0, &out);
    let (all, found) = (pictures(&file), pictures(&out));
    assert!(found.len() > 140, "{}", found.len());
    assert_eq!(found, all[..found.len()]);
    assert_eq!(packets(&out), [take.counters.video.muxed, take.counters.audio.muxed].map(|count| count as usize));
    for track in [1, 2] {
        let runs = take.runs(0, track);
        assert!(runs.windows(2).all(|pair| pair[0].end() == pair[1].start), "track {track}: {runs:?}");
    }
    assert_eq!((take.counters.video.lost, take.counters.audio.lost), (0, 0));
    assert_eq!(notices.try_iter().collect::<Vec<_>>(), []);
}

#[test]
fn recordings_one_after_the_other_have_no_frame_in_common() {
    let dir = tempfile::tempdir().unwrap();
    let ((file, wanted), out) = (footage(dir.path()), dir.path().join("out.mp4"));
    let (studio, _notices) = studio(ring_of(60));
    open_all(&studio, &wanted).unwrap();
    let all = pictures(&file);
    let mut from = 0;
    for _ in 0..3 {
        standby(1500);
        let (recording, events) = record(&studio, &wanted);
        let take = Take::follow(recording, &events, 2, |fragments| fragments.len() >= 5);
        take.write(0, &out);
        let found = pictures(&out);
        let at = all.iter().position(|picture| *picture == found[0]).unwrap();
        assert!(at >= from && at % 25 == 0, "{at} {from}: it begins with the first key frame behind the one before");
        assert!(at < from + 25, "{at} {from}");
        assert_eq!(found, all[at..at + found.len()]);
        from = at + found.len();
    }
}

#[test]
fn it_keeps_its_time_and_no_more_than_a_group_of_pictures_besides() {
    let dir = tempfile::tempdir().unwrap();
    let (_, wanted) = footage(dir.path());
    let (studio, notices) = studio(ring_of(1));
    open_all(&studio, &wanted).unwrap();
    standby(3500);
    let pressed_ns = boot_ns();
    let (recording, events) = record(&studio, &wanted);
    let early_ms = early_ms(&recording, pressed_ns);
    assert!((1000..2300).contains(&early_ms), "{early_ms}");
    let take = Take::follow(recording, &events, 2, |fragments| fragments.len() >= 6);
    assert!(take.runs(0, 1)[0].starts_with_key);
    assert_eq!(notices.try_iter().collect::<Vec<_>>(), [], "what is too old was never wanted");
}

#[test]
fn it_keeps_no_sound_where_that_is_not_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let (_, wanted) = footage(dir.path());
    let (studio, _notices) = studio(RingLimits { sound: false, ..ring_of(60) });
    open_all(&studio, &wanted).unwrap();
    standby(2000);
    let pressed_ns = boot_ns();
    let (recording, events) = record(&studio, &wanted);
    let early_ms = early_ms(&recording, pressed_ns);
    assert!(early_ms > 1900, "{early_ms}");
    let take = Take::follow(recording, &events, 2, |fragments| fragments.len() >= 8);
    let sound = take.runs(0, 2);
    let begin_ms = (sound[0].start / 48).cast_signed();
    assert!((-50..200).contains(&(begin_ms - early_ms)), "sound begins with the button: {begin_ms} {early_ms}");
    assert!(sound.windows(2).all(|pair| pair[0].end() == pair[1].start));
    assert!(take.fragments.iter().all(|fragment| fragment.generation == 0));
    let out = dir.path().join("out.mp4");
    take.write(0, &out);
    assert_eq!(packets(&out)[1], samples(&sound));
}

#[test]
fn it_takes_no_more_memory_than_it_may_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let (_, wanted) = footage(dir.path());
    let (studio, notices) = studio(RingLimits { bytes: 200_000, ..ring_of(60) });
    open_all(&studio, &wanted).unwrap();
    let dropped = notice_of(&notices, |notice| match notice {
        Notice::Dropped { queue: "ring", count } => Some(*count),
        _ => None,
    });
    assert!(dropped > 10, "{dropped}");
    standby(2000);
    let pressed_ns = boot_ns();
    let (recording, _events) = record(&studio, &wanted);
    let early_ms = early_ms(&recording, pressed_ns);
    assert!((0..4000).contains(&early_ms), "{early_ms}");
}

#[test]
fn one_medium_alone_is_recorded_from_the_ring_and_the_other_stays_open() {
    let dir = tempfile::tempdir().unwrap();
    let (_, both) = footage(dir.path());
    let (studio, _notices) = studio(ring_of(60));
    open_all(&studio, &both).unwrap();
    standby(2000);
    let sound_alone = Settings { video: None, ..both.clone() };
    let (recording, events) = record(&studio, &sound_alone);
    let take = Take::follow(recording, &events, 1, |fragments| fragments.len() >= 7);
    assert!(take.runs(0, 2).is_empty());
    assert!(take.runs(0, 1).windows(2).all(|pair| pair[0].end() == pair[1].start));
    assert_eq!(take.counters.video.muxed, 0);
    assert!(studio.is_up(Medium::Video));
    wait_for(|| studio.photo().is_ok(), || "no photo".to_owned());
}
