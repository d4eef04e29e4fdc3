// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: live picture and sound that drift apart or lose frames, a slow receiver that
//! makes losses nobody reports, an end that hangs.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::sync::mpsc::{channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use media::{Event, Fragment, Medium, Notice, Pace, Settings};
use support::{
    NO_RING, TEST_LIMIT, Take, ffmpeg, fixture, notice_of, open_all, packets, pictures, record, replay, samples,
    settings, studio, wait_until,
};

fn seconds(count: usize) -> impl Fn(&[Fragment]) -> bool {
    move |fragments| fragments.len() >= count * 2
}

#[test]
fn test_picture_and_tone() {
    let dir = tempfile::tempdir().unwrap();
    let wanted = settings(Some("test:ball"), Some("test:sine"), Pace::Real, false);
    let take = Take::until(&wanted, seconds(4));
    let out = dir.path().join("out.mp4");
    take.write(0, &out);
    let counters = take.counters;
    assert_eq!((counters.video.lost, counters.audio.lost), (0, 0));
    let muxed = [counters.video.muxed, counters.audio.muxed];
    assert_eq!(packets(&out), muxed.map(|count| usize::try_from(count).unwrap()));
    assert_eq!(pictures(&out).len(), samples(&take.runs(0, 1)));
    let video_ms = take.runs(0, 1).last().unwrap().end() / 90;
    let audio_ms = take.runs(0, 2).last().unwrap().end() / 48;
    assert!(video_ms.abs_diff(audio_ms) < 300, "{video_ms} {audio_ms}");
}

#[test]
fn tone_alone() {
    let take = Take::until(&settings(None, Some("test:"), Pace::Real, false), seconds(2));
    assert!(take.runs(0, 1).windows(2).all(|pair| pair[0].end().abs_diff(pair[1].start) <= 1));
}

#[test]
fn a_replayed_picture_with_live_sound() {
    let source = replay(&fixture());
    let wanted = settings(Some(&source), Some("test:"), Pace::Real, true);
    let take = Take::until(&wanted, seconds(3));
    let video_ms = take.runs(0, 1).last().unwrap().end() / 90;
    let audio_ms = take.runs(0, 2).last().unwrap().end() / 48;
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
    let (studio, _notices) = studio(NO_RING);
    open_all(&studio, &wanted).unwrap();
    let recording = studio.record(&Medium::BOTH, &[], &wanted, Arc::new(slow)).unwrap();
    // One fragment of about 5 pictures is being taken, 3 wait, one is open; then the replay waits.
    wait_until(&recording, |count| count.video.muxed >= 20);
    allow.send(()).unwrap();
    let (mut fragments, mut ended) = (0, 0);
    while ended < 2 {
        match events.recv_timeout(TEST_LIMIT).unwrap() {
            Event::Fragment(_) => fragments += 1,
            Event::Ended { .. } => ended += 1,
            other => panic!("{other:?}"),
        }
        assert!(recording.counters().video.muxed <= 40 + fragments * 6, "{fragments}");
        // Behind the last one nobody asks any more.
        let _ = allow.send(());
    }
    recording.end();
    let counters = recording.counters();
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
    // Small chunks fill the queue of 32 within 4 s.
    let wanted = Settings { chunk_ms: 100, ..settings(Some("test:"), None, Pace::Real, false) };
    let (studio, notices) = studio(NO_RING);
    open_all(&studio, &wanted).unwrap();
    let recording = studio.record(&[Medium::Video], &[], &wanted, Arc::new(stuck)).unwrap();
    wait_until(&recording, |count| count.video.lost > 0);
    let first = notice_of(&notices, |notice| dropped(notice, "outbox"));
    assert!(first > 0, "told while it lasts");
    drop(closed);
    let muxed = recording.counters().video.muxed;
    wait_until(&recording, |count| count.video.muxed > muxed);
    recording.end();
    let lost = |event| if let Event::Lost { count, .. } = event { count } else { 0 };
    let lost: u64 = events.try_iter().map(lost).sum();
    assert_eq!(lost, recording.counters().video.lost);
    let mut told = first;
    while told < lost {
        told += notice_of(&notices, |notice| dropped(notice, "outbox"));
    }
    assert_eq!(told, lost);
}

#[test]
fn a_receiver_that_stalls_for_ten_seconds_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("in.mp4");
    // Noise at 4 Mb/s, with key frames that make short chunks.
    ffmpeg(
        "-f lavfi -i nullsrc=s=320x240:r=30,geq=random(1)*255:128:128 -f lavfi -i sine=r=48000 -t 5 -c:v libx264 -preset ultrafast -g 40 -b:v 4M -maxrate 4M -bufsize 1M -c:a aac",
        &file,
    );
    assert!(std::fs::metadata(&file).unwrap().len() > 2_200_000);
    let stalled = Mutex::new(false);
    let (sender, events) = channel();
    let sender = Mutex::new(sender);
    let stall = move |event| {
        if !std::mem::replace(&mut *stalled.lock().unwrap(), true) {
            std::thread::sleep(Duration::from_secs(10));
        }
        sender.lock().unwrap().send(event).unwrap_or_default();
    };
    let source = replay(&file);
    // So repeated it stands for a camera, which does not wait.
    let wanted = settings(Some(&source), Some(&source), Pace::Real, true);
    let (studio, notices) = studio(NO_RING);
    open_all(&studio, &wanted).unwrap();
    let recording = studio.record(&Medium::BOTH, &[], &wanted, Arc::new(stall)).unwrap();
    let take = Take::follow(recording, &events, 2, |fragments| fragments.len() >= 26);
    assert_eq!((take.counters.video.lost, take.counters.audio.lost), (0, 0));
    assert_eq!(notices.try_iter().collect::<Vec<_>>(), []);
    let pictures = take.runs(0, 1);
    assert!(pictures.windows(2).all(|pair| pair[0].end() == pair[1].start));
    assert!(samples(&pictures) >= 300);
}

fn dropped(notice: &Notice, of: &str) -> Option<u64> {
    match notice {
        Notice::Dropped { queue, count } if *queue == of => Some(*count),
        _ => None,
    }
}

#[test]
fn ending_and_closing_twice_and_dropping_are_quick() {
    let wanted = settings(Some("test:"), Some("test:"), Pace::Real, false);
    let (studio, _notices) = studio(NO_RING);
    open_all(&studio, &wanted).unwrap();
    let (recording, _events) = record(&studio, &wanted);
    let began = Instant::now();
    for _ in 0..2 {
        recording.end();
        studio.close(Medium::Video);
        assert!(!studio.is_up(Medium::Video) && studio.is_up(Medium::Audio));
    }
    drop(studio);
    drop(recording);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}
