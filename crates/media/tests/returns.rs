// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a file that stands for a camera does not die when it is taken away or damaged, or does not return;
//! what was recorded around the hole is not playable, or at the wrong time.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use media::{Event, FailureKind, Medium, Notice, Pace, Settings, can_stand_by};
use support::{NO_RING, Take, ffmpeg, notice_of, open_all, packets, pictures, record, replay, settings, studio};

/// A file of two seconds that stands for camera and microphone.
fn camera(dir: &Path) -> (PathBuf, Settings) {
    let file = dir.join("camera.mp4");
    ffmpeg(
        "-f lavfi -i testsrc2=s=160x120:r=25 -f lavfi -i sine=r=48000 -t 2 -c:v libx264 -preset ultrafast -g 25 -c:a aac",
        &file,
    );
    let source = replay(&file);
    (file, settings(Some(&source), Some(&source), Pace::Real, true))
}

fn failed(notice: &Notice) -> Option<(Medium, FailureKind, String)> {
    match notice {
        Notice::Failed { medium, kind, reason, .. } => Some((*medium, *kind, reason.clone())),
        _ => None,
    }
}

#[test]
fn a_file_that_is_taken_away_fails_and_one_that_is_back_is_taken_in_again() {
    let dir = tempfile::tempdir().unwrap();
    let ((file, wanted), away) = (camera(dir.path()), dir.path().join("away.mp4"));
    let (studio, notices) = studio(NO_RING);
    open_all(&studio, &wanted).unwrap();
    let (recording, events) = record(&studio, &wanted);
    std::fs::rename(&file, &away).unwrap();
    for medium in Medium::BOTH {
        let (found, kind, reason) = notice_of(&notices, failed);
        assert_eq!((found, kind), (medium, FailureKind::Gone));
        assert!(reason.contains("camera.mp4") && reason.contains("No such file"), "{reason}");
        assert!(!studio.is_up(medium));
    }
    assert!(studio.open(Medium::Video, &wanted).unwrap_err().to_string().contains("No such file"));
    std::thread::sleep(Duration::from_millis(1500));
    std::fs::rename(&away, &file).unwrap();
    let opened = Instant::now();
    studio.open(Medium::Video, &wanted).unwrap();
    assert!(studio.is_up(Medium::Audio), "one file is one source");
    studio.open(Medium::Audio, &wanted).unwrap();
    assert!(opened.elapsed() < Duration::from_secs(2), "{:?}", opened.elapsed());
    let take = Take::follow(recording, &events, 2, |fragments| {
        fragments.iter().filter(|fragment| fragment.generation == 1).count() >= 3
    });
    let joined: Vec<_> = take.events.iter().filter(|event| matches!(event, Event::Joined { .. })).collect();
    assert_eq!(joined.len(), 2, "{joined:?}");
    let mut counts = [0, 0];
    for generation in [0, 1] {
        let out = dir.path().join("out.mp4");
        take.write(generation, &out);
        let found = packets(&out);
        counts = [counts[0] + found[0], counts[1] + found[1]];
        let (all, shown) = (pictures(&file), pictures(&out));
        assert!(shown.iter().zip(all.iter().cycle()).all(|(a, b)| a == b), "generation {generation}");
    }
    assert_eq!(counts, [take.counters.video.muxed, take.counters.audio.muxed].map(|count| count as usize));
    let gap_ms = (take.runs(1, 1)[0].start - take.runs(0, 1).last().unwrap().end()) / 90;
    assert!((1400..4000).contains(&gap_ms), "{gap_ms}");
    assert!(take.fragments.iter().all(|fragment| fragment.generation < 2));
}

#[test]
fn a_file_that_is_damaged_fails_too() {
    let dir = tempfile::tempdir().unwrap();
    let (file, wanted) = camera(dir.path());
    let (studio, notices) = studio(NO_RING);
    open_all(&studio, &wanted).unwrap();
    std::fs::write(&file, "This is no film any more.\n".repeat(999)).unwrap();
    let (_, kind, reason) = notice_of(&notices, failed);
    assert_eq!(kind, FailureKind::Gone);
    assert!(reason.contains("camera.mp4"), "{reason}");
}

#[test]
fn a_file_that_became_another_has_another_format() {
    let dir = tempfile::tempdir().unwrap();
    let (file, wanted) = camera(dir.path());
    let (studio, notices) = studio(NO_RING);
    open_all(&studio, &wanted).unwrap();
    let other = dir.path().join("other.mp4");
    ffmpeg("-f lavfi -i testsrc2=s=320x240:r=25 -f lavfi -i sine=r=48000 -t 2 -c:v libx264 -g 25 -c:a aac", &other);
    std::fs::rename(&other, &file).unwrap();
    let (medium, kind, _) = notice_of(&notices, failed);
    assert_eq!((medium, kind), (Medium::Video, FailureKind::Format));
    assert!(studio.is_up(Medium::Audio), "the other goes on");
    studio.open(Medium::Video, &wanted).unwrap();
    studio.photo().unwrap();
}

#[test]
fn one_track_of_a_file_can_be_closed_and_opened_again_while_the_other_plays() {
    let dir = tempfile::tempdir().unwrap();
    let (file, wanted) = camera(dir.path());
    let (studio, notices) = studio(NO_RING);
    open_all(&studio, &wanted).unwrap();
    let (recording, events) = record(&studio, &wanted);
    studio.close(Medium::Audio);
    assert!(studio.is_up(Medium::Video) && !studio.is_up(Medium::Audio));
    // A generation without it begins with the next key frame but one at the latest.
    std::thread::sleep(Duration::from_millis(2600));
    studio.open(Medium::Audio, &wanted).unwrap();
    let last = |fragments: &[media::Fragment]| fragments.last().map_or(0, |fragment| fragment.generation);
    let take = Take::follow(recording, &events, 2, |fragments| last(fragments) == 2);
    let pictures = [take.runs(0, 1), take.runs(1, 1), take.runs(2, 1)].concat();
    assert!(pictures.windows(2).all(|pair| pair[0].end() == pair[1].start), "{pictures:?}");
    assert!(!take.runs(2, 2).is_empty());
    // It is still one source: both die at the same moment.
    std::fs::remove_file(&file).unwrap();
    notice_of(&notices, failed);
    let began = Instant::now();
    notice_of(&notices, failed);
    assert!(began.elapsed() < Duration::from_millis(200), "{:?}", began.elapsed());
}

#[test]
fn both_media_of_a_file_may_be_opened_at_the_same_time() {
    let dir = tempfile::tempdir().unwrap();
    let (_, wanted) = camera(dir.path());
    let (studio, _notices) = studio(NO_RING);
    for _ in 0..5 {
        std::thread::scope(|scope| {
            for medium in Medium::BOTH {
                let (studio, wanted) = (&studio, &wanted);
                scope.spawn(move || studio.open(medium, wanted).unwrap());
            }
        });
        assert!(studio.is_up(Medium::Video) && studio.is_up(Medium::Audio));
        Medium::BOTH.into_iter().for_each(|medium| studio.close(medium));
        assert!(!studio.is_up(Medium::Video) && !studio.is_up(Medium::Audio));
    }
}

#[test]
fn what_can_stand_by() {
    let cases = [
        ("test:", "alsa:hw:0", Pace::Fast, false, true),
        ("v4l2:/dev/video9", "test:", Pace::Real, false, true),
        ("replay:a.mp4", "replay:a.mp4", Pace::Real, true, true),
        ("replay:a.mp4", "replay:a.mp4", Pace::Real, false, false),
        ("replay:a.mp4", "replay:a.mp4", Pace::Fast, true, false),
    ];
    for (video, audio, pace, repeat, can) in cases {
        let both = settings(Some(video), Some(audio), pace, repeat);
        for medium in Medium::BOTH {
            assert_eq!(can_stand_by(&both, medium), can, "{video} {audio} {pace:?} {repeat}");
        }
    }
    let nothing = settings(None, None, Pace::Real, true);
    assert!(!can_stand_by(&nothing, Medium::Video));
}
