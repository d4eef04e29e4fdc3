// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: what was kept before a recording is not in it, does not join, hides what was lost or gone, or is
//! there though it was not wanted; a start that fails takes it away.

use crate::studio::bench::*;
use crate::studio::*;

use gstreamer as gst;
use gstreamer::prelude::*;

const VIDEO: Medium = Medium::Video;
const AUDIO: Medium = Medium::Audio;

fn ring(seconds: u64) -> RingLimits {
    RingLimits { ns: seconds * 1_000_000_000, bytes: usize::MAX, sound: true }
}

fn standby(time_ms: u64) {
    std::thread::sleep(Duration::from_millis(time_ms));
}

/// Each frame of this track, of this length, is there once, and none is missing.
fn check_once(seen: &[Event], number: u32, length: u64, count: u64) {
    let runs = runs(seen, 0, number);
    assert!(runs.windows(2).all(|pair| pair[0].end == pair[1].begin), "{runs:?}");
    assert_eq!((runs.last().unwrap().end - runs[0].begin + length / 2) / length, count);
    assert_eq!(runs.iter().map(|run| u64::from(run.samples)).sum::<u64>(), count);
}

#[test]
fn every_frame_from_before_and_after_the_button_is_there_once() {
    let bench = Bench::up(ring(60), &[video_plan(), audio_plan()]);
    standby(2500);
    let pressed_ns = bench.now_ns();
    let bound = bench.record(&Medium::BOTH);
    let zero_ns = bench.zero_ns(&bound);
    assert!(pressed_ns - zero_ns > 2_400_000_000, "{} ns", pressed_ns - zero_ns);
    let mut seen: Vec<Event> = (0..9).flat_map(|_| bound.until(is_fragment)).collect();
    let (rest, counters) = bound.end();
    seen.extend(rest);
    check_once(&seen, 1, 6000, counters.video.muxed);
    check_once(&seen, 2, 1024, counters.audio.muxed);
    let pictures = runs(&seen, 0, 1);
    assert!(pictures[0].starts_with_key);
    let button = u64::try_from((pressed_ns - zero_ns) / 1_000_000 * 90).unwrap();
    assert!(pictures.iter().any(|run| run.begin < button && run.end >= button), "the button lies within");
}

#[test]
fn a_receiver_that_is_slow_at_first_gets_all_of_the_ring_and_what_came_meanwhile() {
    let bench = Bench::up(ring(60), &[video_plan(), audio_plan()]);
    standby(5000);
    let (sender, events) = std::sync::mpsc::channel();
    let (sender, first) = (Mutex::new(sender), Mutex::new(true));
    let slow = move |event| {
        if std::mem::take(&mut *lock(&first)) {
            standby(2000);
        }
        lock(&sender).send(event).unwrap_or_default();
    };
    let began_ns = bench.now_ns();
    let recording = bench.studio.record(&Medium::BOTH, &[], &settings(), Arc::new(slow)).unwrap();
    assert!(bench.now_ns() - began_ns < 200_000_000, "who records does not wait for who receives");
    standby(1000);
    // One is being taken and three wait; the rest of the ring was not copied yet.
    let muxed = recording.counters().video.muxed;
    assert!((20..=45).contains(&muxed), "{muxed}");
    assert!(events.try_recv().is_err());
    gst::element_error!(bench.element(VIDEO, "src"), gst::ResourceError::Read, ["unplugged"]);
    standby(600);
    let bound = Bound { recording, events };
    let (seen, counters) = bound.end();
    assert!(matches!(seen.last(), Some(Event::Finished)));
    let failed_at = seen.iter().position(|event| failed(event).is_some()).unwrap();
    assert!(runs(&seen[failed_at..], 0, 1).is_empty(), "it failed behind what it gave");
    assert!(counters.video.muxed > 15 * 5, "{counters:?}");
    assert_eq!(samples(&seen), counters.video.muxed + counters.audio.muxed);
    assert_eq!((counters.video.lost, counters.audio.lost), (0, 0));
    let sound = [runs(&seen, 0, 2), runs(&seen, 1, 1)].concat();
    assert!(sound.windows(2).all(|pair| pair[0].end == pair[1].begin), "{sound:?}");
}

#[test]
fn a_camera_that_goes_before_sound_has_come_is_recorded_all_the_same() {
    let bench = Bench::up(ring(60), &[video_plan()]);
    standby(1200);
    gst::element_error!(bench.element(VIDEO, "src"), gst::ResourceError::Read, ["unplugged"]);
    bench.open(&video_plan(), 10_000).unwrap();
    bench.open(&audio_plan(), 10_000).unwrap();
    let bound = bench.record(&Medium::BOTH);
    let mut seen = bound.until_generation(1);
    let (rest, counters) = bound.end();
    seen.extend(rest);
    let told: Vec<&Event> = seen.iter().filter(|event| !is_fragment(event)).collect();
    assert!(matches!(told[..2], [Event::Failed { medium: VIDEO, .. }, Event::Joined { medium: VIDEO }]), "{told:?}");
    assert!(samples(&seen) == counters.video.muxed + counters.audio.muxed && counters.audio.muxed > 0);
    let before = runs(&seen, 0, 1);
    assert!(before[0].begin == 0 && before.last().unwrap().end > 90_000, "{before:?}");
}

#[test]
fn without_a_ring_the_group_in_hand_begins_the_recording_and_nothing_older() {
    let bench = Bench::up(NO_RING, &[video_plan(), audio_plan()]);
    standby(2500);
    let pressed_ns = bench.now_ns();
    let bound = bench.record(&Medium::BOTH);
    let early_ns = pressed_ns - bench.zero_ns(&bound);
    assert!((0..1_500_000_000).contains(&early_ns), "{early_ns}");
    assert!(bench.now_ns() - pressed_ns < 700_000_000, "it does not wait for the next key frame");
}

#[test]
fn what_a_recording_has_taken_is_in_no_other_and_the_ring_fills_again() {
    let bench = Bench::up(ring(60), &[video_plan(), audio_plan()]);
    standby(1500);
    let first = bench.record(&Medium::BOTH);
    first.until(is_fragment);
    first.end();
    let ended_ns = bench.now_ns();
    standby(2500);
    let pressed_ns = bench.now_ns();
    let second = bench.record(&Medium::BOTH);
    let zero_ns = bench.zero_ns(&second);
    // Sound may have been on its way at the end.
    assert!(zero_ns > ended_ns - 100_000_000, "{}", ended_ns - zero_ns);
    assert!(pressed_ns - zero_ns > 2_000_000_000);
}

#[test]
fn frames_that_the_driver_lost_before_the_button_are_told() {
    let bench = Bench::up(ring(60), &[video_plan()]);
    let device = bench.element(VIDEO, "src");
    let lost = gst::message::Qos::builder(true).src(&device).duration(gst::ClockTime::from_seconds(2));
    device.post_message(lost.timestamp(gst::ClockTime::NONE).build()).unwrap();
    standby(500);
    let bound = bench.record(&[VIDEO]);
    let (seen, counters) = bound.end();
    assert!(seen.iter().any(|event| matches!(event, Event::Lost { count: 30, .. })), "{seen:?}");
    assert_eq!(counters.video.lost, 30);
}

#[test]
fn a_camera_that_was_away_in_standby_leaves_the_same_hole_as_in_a_recording() {
    let bench = Bench::up(ring(60), &[video_plan(), audio_plan()]);
    standby(1200);
    gst::element_error!(bench.element(VIDEO, "src"), gst::ResourceError::Read, ["unplugged"]);
    standby(1200);
    bench.open(&video_plan(), 10_000).unwrap();
    standby(600);
    let bound = bench.record(&Medium::BOTH);
    let (mut seen, counters) = bound.end();
    seen.retain(|event| !is_fragment(event));
    assert!(matches!(
        seen[..],
        [Event::Failed { medium: VIDEO, .. }, Event::Joined { medium: VIDEO }, Event::Finished]
    ));
    assert!(counters.audio.muxed > 47 * 2, "{counters:?}");
}

#[test]
fn what_was_closed_is_forgotten() {
    let bench = Bench::up(ring(60), &[video_plan(), audio_plan()]);
    standby(1200);
    bench.studio.close(AUDIO);
    let closed_ns = bench.now_ns();
    bench.open(&audio_plan(), 10_000).unwrap();
    let bound = bench.record(&Medium::BOTH);
    let zero_ns = bench.zero_ns(&bound);
    let (seen, _) = bound.end();
    let begin_ns = i64::try_from(runs(&seen, 0, 2)[0].begin).unwrap() * 1_000_000 / 48 + zero_ns;
    assert!(begin_ns > closed_ns - 100_000_000);
    assert_eq!(runs(&seen, 0, 1)[0].begin, 0, "pictures are there from the beginning");
}

#[test]
fn a_start_that_fails_takes_nothing_from_the_ring() {
    let bench = Bench::up(RingLimits { sound: false, ..ring(60) }, &[video_plan(), audio_plan()]);
    standby(1500);
    let pressed_ns = bench.now_ns();
    bench.shut(AUDIO, "valve", true);
    standby(200);
    let hasty = Settings { start_timeout_ms: 300, ..settings() };
    for _ in 0..2 {
        let failure = bench.studio.record(&Medium::BOTH, &[], &hasty, Arc::new(|_| ())).err();
        assert!(matches!(failure, Some(MediaError::NoFrame { medium: AUDIO, .. })), "{failure:?}");
    }
    bench.shut(AUDIO, "valve", false);
    let bound = bench.record(&Medium::BOTH);
    let zero_ns = bench.zero_ns(&bound);
    assert!(pressed_ns - zero_ns > 1_400_000_000, "{}", pressed_ns - zero_ns);
    let mut seen: Vec<Event> = (0..6).flat_map(|_| bound.until(is_fragment)).collect();
    let (rest, counters) = bound.end();
    seen.extend(rest);
    assert!(runs(&seen, 0, 1)[0].starts_with_key);
    check_once(&seen, 1, 6000, counters.video.muxed);
    assert!(counters.video.muxed > 15 * 2, "{counters:?}");
}

#[test]
fn a_recording_that_is_given_back_has_never_been() {
    let bench = Bench::up(ring(60), &[video_plan(), audio_plan()]);
    standby(1500);
    let first = bench.record(&Medium::BOTH);
    let zero_ns = first.recording.zero_ns();
    let handed: Vec<Event> = (0..4).flat_map(|_| first.until(is_fragment)).collect();
    first.recording.give_back();
    assert!(!handed.iter().chain(&first.events.try_iter().collect::<Vec<_>>()).any(|event| !is_fragment(event)));
    standby(500);
    let second = bench.record(&Medium::BOTH);
    assert_eq!(second.recording.zero_ns(), zero_ns);
    let mut seen: Vec<Event> = (0..6).flat_map(|_| second.until(is_fragment)).collect();
    let (rest, counters) = second.end();
    seen.extend(rest);
    check_once(&seen, 1, 6000, counters.video.muxed);
    check_once(&seen, 2, 1024, counters.audio.muxed);
    assert_eq!((counters.video.lost, counters.audio.lost), (0, 0));
    let third = bench.record(&Medium::BOTH);
    assert!(third.recording.zero_ns() > zero_ns + 2_000_000_000, "what was recorded is in no other");
}

#[test]
fn what_is_given_back_is_no_more_than_the_ring_may_hold() {
    let bench = Bench::up(ring(1), &[video_plan(), audio_plan()]);
    let first = bench.record(&Medium::BOTH);
    standby(3000);
    first.recording.give_back();
    let pressed_ns = bench.now_ns();
    let second = bench.record(&Medium::BOTH);
    let early_ns = pressed_ns - bench.zero_ns(&second);
    assert!((900_000_000..2_300_000_000).contains(&early_ns), "{early_ns}");
    let (seen, _) = second.end();
    assert!(runs(&seen, 0, 1)[0].starts_with_key);
}

#[test]
fn a_camera_that_was_away_in_a_recording_that_is_given_back_leaves_its_hole() {
    let bench = Bench::up(ring(60), &[video_plan(), audio_plan()]);
    let first = bench.record(&Medium::BOTH);
    first.until(is_fragment);
    gst::element_error!(bench.element(VIDEO, "src"), gst::ResourceError::Read, ["unplugged"]);
    bench.open(&video_plan(), 10_000).unwrap();
    standby(1200);
    first.recording.give_back();
    let (mut seen, _) = bench.record(&Medium::BOTH).end();
    seen.retain(|event| !is_fragment(event));
    assert!(matches!(
        seen[..],
        [Event::Failed { medium: VIDEO, .. }, Event::Joined { medium: VIDEO }, Event::Finished]
    ));
}

#[test]
fn a_recording_that_is_confirmed_leaves_nothing_in_the_ring_and_cannot_be_given_back() {
    let bench = Bench::up(ring(60), &[video_plan(), audio_plan()]);
    standby(1200);
    let bound = bench.record(&Medium::BOTH);
    assert!(bench.studio.held_ns() > 1_000_000_000);
    bound.recording.confirm();
    assert_eq!(bench.studio.held_ns(), 0);
    standby(600);
    bound.recording.give_back();
    let seen: Vec<Event> = bound.events.try_iter().collect();
    assert!(matches!(seen.last(), Some(Event::Finished)), "{}", seen.len());
    let begin = runs(&seen, 0, 1).first().map(|run| run.begin);
    assert_eq!(begin, Some(0));
}
