// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: live picture and sound that drift apart or lose frames, a slow receiver that
//! makes losses nobody reports, an end that hangs.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::mpsc::{channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use media::{Capture, Event, Fragment, Pace, Settings};
use support::{Recording, TEST_LIMIT, fixture, packets, pictures, replay, samples, settings, wait_until};

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
fn a_slow_receiver_gets_everything_from_a_replay_which_waits_for_it() {
    let (allow, allowed) = sync_channel::<()>(100);
    let allowed = Mutex::new(allowed);
    let (sender, events) = channel();
    let sender = Mutex::new(sender);
    let slow = move |event: Event| {
        if matches!(event, Event::Fragment(_)) {
            // Nobody allows any more once the test is over.
            let _ = allowed.lock().unwrap().recv();
        }
        sender.lock().unwrap().send(event).unwrap_or_default();
    };
    let source = replay(&fixture());
    let wanted = settings(Some(&source), Some(&source), Pace::Fast, false);
    let capture = Capture::start(&wanted, Arc::new(slow)).unwrap();
    // One fragment of about 5 pictures is being taken, 3 wait, one is open; then the replay waits.
    wait_until(&capture, |count| count.video.muxed >= 20);
    allow.send(()).unwrap();
    let mut fragments = 0;
    loop {
        match events.recv_timeout(TEST_LIMIT).unwrap() {
            Event::Fragment(_) => fragments += 1,
            Event::Finished => break,
            _ => continue,
        }
        assert!(capture.counters().video.muxed <= 40 + fragments * 6, "{fragments}");
        // Behind the last one nobody asks any more.
        let _ = allow.send(());
    }
    let counters = capture.counters();
    assert_eq!((counters.video.muxed, counters.audio.muxed), (340, 1595));
    assert_eq!((counters.video.lost, counters.audio.lost), (0, 0));
}

#[test]
fn a_stuck_receiver_makes_losses_that_are_reported() {
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock().unwrap();
    let (sender, events) = channel();
    let (door, sender) = (Arc::clone(&gate), Mutex::new(sender));
    let stuck = move |event| {
        drop(door.lock().unwrap());
        sender.lock().unwrap().send(event).unwrap_or_default();
    };
    // Small chunks fill the queue of 20 within 2 s.
    let wanted = Settings { chunk_ms: 100, ..settings(Some("test:"), None, Pace::Real, false) };
    let capture = Capture::start(&wanted, Arc::new(stuck)).unwrap();
    wait_until(&capture, |count| count.video.lost > 0);
    drop(closed);
    let muxed = capture.counters().video.muxed;
    wait_until(&capture, |count| count.video.muxed > muxed);
    capture.stop();
    let lost = |event| if let Event::Lost { count, .. } = event { count } else { 0 };
    assert_eq!(events.try_iter().map(lost).sum::<u64>(), capture.counters().video.lost);
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
