// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: live picture and sound that drift apart or lose frames, a slow receiver that
//! makes losses nobody reports, an end that hangs.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use media::{Capture, Event, Fragment, Pace};
use support::{Recording, fixture, packets, pictures, replay, samples, settings};

fn seconds(count: usize) -> impl Fn(&[Fragment]) -> bool {
    move |fragments| fragments.len() >= count * 2
}

#[test]
fn test_picture_and_tone() {
    let dir = tempfile::tempdir().unwrap();
    let wanted = settings(Some("test:ball"), Some("test:sine"), Pace::Real, false);
    let recording = Recording::until(&wanted, seconds(4));
    let out = dir.path().join("out.mp4");
    recording.write(0, &out);
    let counters = recording.capture.counters();
    assert_eq!((counters.video.lost, counters.audio.lost), (0, 0));
    let muxed = [counters.video.muxed, counters.audio.muxed];
    assert_eq!(packets(&out), muxed.map(|count| usize::try_from(count).unwrap()));
    assert_eq!(pictures(&out).len(), samples(&recording.runs(0, 1)));
    let video_ms = recording.runs(0, 1).last().unwrap().end() / 90;
    let audio_ms = recording.runs(0, 2).last().unwrap().end() / 48;
    assert!(video_ms.abs_diff(audio_ms) < 300, "{video_ms} {audio_ms}");
}

#[test]
fn tone_alone() {
    let recording = Recording::until(&settings(None, Some("test:"), Pace::Real, false), seconds(2));
    assert!(recording.runs(0, 1).windows(2).all(|pair| pair[0].end().abs_diff(pair[1].start) <= 1));
}

#[test]
fn a_replayed_picture_with_live_sound() {
    let source = replay(&fixture());
    let wanted = settings(Some(&source), Some("test:"), Pace::Real, true);
    let recording = Recording::until(&wanted, seconds(3));
    let video_ms = recording.runs(0, 1).last().unwrap().end() / 90;
    let audio_ms = recording.runs(0, 2).last().unwrap().end() / 48;
    assert!(video_ms.abs_diff(audio_ms) < 400, "{video_ms} {audio_ms}");
}

#[test]
fn a_slow_receiver_gets_everything_from_a_replay() {
    let count = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&count);
    let slow = move |event: Event| {
        if matches!(event, Event::Fragment(_)) {
            std::thread::sleep(Duration::from_millis(30));
            seen.fetch_add(1, Ordering::Relaxed);
        }
    };
    let source = replay(&fixture());
    let wanted = settings(Some(&source), Some(&source), Pace::Fast, false);
    let capture = Capture::start(&wanted, Arc::new(slow)).unwrap();
    let began = Instant::now();
    while count.load(Ordering::Relaxed) < 68 && began.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let counters = capture.counters();
    assert_eq!((counters.video.muxed, counters.audio.muxed), (340, 1595));
    assert_eq!((counters.video.lost, counters.audio.lost), (0, 0));
}

#[test]
fn a_stuck_receiver_makes_losses_that_are_reported() {
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock().unwrap();
    let lost = Arc::new(AtomicU64::new(0));
    let (door, tally) = (Arc::clone(&gate), Arc::clone(&lost));
    let stuck = move |event: Event| {
        drop(door.lock().unwrap());
        if let Event::Lost { count, .. } = event {
            tally.fetch_add(count, Ordering::Relaxed);
        }
    };
    let wanted = settings(Some("test:"), None, Pace::Real, false);
    let capture = Capture::start(&wanted, Arc::new(stuck)).unwrap();
    std::thread::sleep(Duration::from_secs(13));
    assert!(capture.counters().video.lost > 0);
    drop(closed);
    std::thread::sleep(Duration::from_secs(2));
    capture.stop();
    assert_eq!(lost.load(Ordering::Relaxed), capture.counters().video.lost);
}

#[test]
fn stopping_twice_and_dropping_are_quick() {
    let wanted = settings(Some("test:"), Some("test:"), Pace::Real, false);
    let capture = Capture::start(&wanted, Arc::new(|_| {})).unwrap();
    let began = Instant::now();
    capture.stop();
    capture.stop();
    drop(capture);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}
