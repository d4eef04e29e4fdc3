// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: times that stand still or go back are recorded as if they were right, a camera that gives half its
//! pictures looks well, a sleep of the machine moves what was captured, a recorder that stood still says nothing of it.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Instant;

use gstreamer as gst;
use gstreamer::prelude::*;

use crate::event::Counters;
use crate::notice::FailureKind;
use crate::studio::bench::*;
use crate::studio::*;

const VIDEO: Medium = Medium::Video;

/// From now on every buffer that leaves the queue before the encoder, or comes to the end behind it, gets these times.
fn retime(
    bench: &Bench,
    medium: Medium,
    element: &str,
    time: impl Fn(gst::ClockTime) -> gst::ClockTime + Send + Sync + 'static,
) {
    let pad = bench.element(medium, element).static_pad(if element == "out" { "sink" } else { "src" }).unwrap();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let buffer = info.buffer_mut().unwrap().make_mut();
        let (pts, dts) = (buffer.pts().map(&time), buffer.dts().map(&time));
        buffer.set_pts(pts);
        buffer.set_dts(dts);
        gst::PadProbeReturn::Ok
    });
}

fn frozen() -> impl Fn(gst::ClockTime) -> gst::ClockTime + Send + Sync {
    let first = AtomicU64::new(0);
    move |time| {
        let _ = first.compare_exchange(0, time.nseconds(), Ordering::Relaxed, Ordering::Relaxed);
        gst::ClockTime::from_nseconds(first.load(Ordering::Relaxed))
    }
}

/// Frames are as far apart as the camera says, and what is short is said to be lost.
fn check(events: &[Event], counters: Counters) {
    let pictures = runs(events, 0, 1);
    for run in &pictures {
        let length = run.end - run.begin;
        assert!(length.abs_diff(u64::from(run.samples) * 6000) < 6000, "{run:?}");
    }
    assert_eq!(samples(events), counters.video.muxed);
    let lost = events.iter().map(|event| if let Event::Lost { count, .. } = event { *count } else { 0 });
    assert_eq!(lost.sum::<u64>(), counters.video.lost);
}

#[test]
fn times_that_stand_still_are_a_failure() {
    for element in ["raw", "out"] {
        let bench = Bench::up(NO_RING, &[video_plan()]);
        let bound = bench.record(&[VIDEO]);
        let mut seen = bound.until(is_fragment);
        let began = Instant::now();
        retime(&bench, VIDEO, element, frozen());
        let (_, kind, reason) = bench.failure();
        assert_eq!(kind, FailureKind::BadTimestamps, "{element}: {reason}");
        assert!(reason.contains("stand still"), "{reason}");
        assert!(began.elapsed() < Duration::from_millis(2500), "{:?}", began.elapsed());
        let (rest, counters) = bound.end();
        seen.extend(rest);
        check(&seen, counters);
        assert_eq!(counters.video.lost, 5, "{element}");
    }
}

#[test]
fn times_that_go_back_are_a_failure_at_once() {
    for element in ["raw", "out"] {
        let bench = Bench::up(NO_RING, &[video_plan()]);
        let bound = bench.record(&[VIDEO]);
        let mut seen = bound.until(is_fragment);
        let began = Instant::now();
        let back = gst::ClockTime::from_mseconds(400);
        retime(&bench, VIDEO, element, move |time| time.saturating_sub(back));
        let (_, kind, reason) = bench.failure();
        assert_eq!(kind, FailureKind::BadTimestamps, "{element}: {reason}");
        assert!(reason.contains("went back by"), "{element}: {reason}");
        assert!(began.elapsed() < Duration::from_millis(1000), "{element}: {:?}", began.elapsed());
        let (rest, counters) = bound.end();
        seen.extend(rest);
        check(&seen, counters);
        assert_eq!(counters.video.lost, 1, "{element}");
    }
}

#[test]
fn sound_whose_times_stand_still_is_a_failure_too() {
    let bench = Bench::up(NO_RING, &[audio_plan()]);
    retime(&bench, Medium::Audio, "out", frozen());
    assert_eq!(bench.failure().1, FailureKind::BadTimestamps);
}

#[test]
fn a_camera_that_freezes_for_good_after_one_frame_is_no_silent_one() {
    let bench = Bench::up(NO_RING, &[video_plan()]);
    let (valve, left, time) = (bench.element(VIDEO, "valve"), AtomicI64::new(3), frozen());
    retime(&bench, VIDEO, "out", move |now| {
        if left.fetch_sub(1, Ordering::Relaxed) == 0 {
            valve.set_property("drop", true);
        }
        time(now)
    });
    let (_, kind, reason) = bench.failure();
    assert_eq!(kind, FailureKind::BadTimestamps, "{reason}");
}

#[test]
fn half_the_pictures_are_noticed_and_so_is_that_they_are_back() {
    let bench = Bench::up(NO_RING, &[video_plan()]);
    let (halved, count) = (Arc::new(AtomicBool::new(true)), AtomicU64::new(0));
    let pad = bench.element(VIDEO, "raw").static_pad("src").unwrap();
    let halves = Arc::clone(&halved);
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        let drops = halves.load(Ordering::Relaxed) && count.fetch_add(1, Ordering::Relaxed) % 2 == 1;
        if drops { gst::PadProbeReturn::Drop } else { gst::PadProbeReturn::Ok }
    });
    let began = Instant::now();
    let Ok(Notice::FrameRate { is_low: true, detail }) = bench.notices.recv_timeout(PATIENCE) else { panic!() };
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert!(detail.ends_with("of 15.0 frames/s"), "{detail}");
    halved.store(false, Ordering::Relaxed);
    let Ok(Notice::FrameRate { is_low: false, .. }) = bench.notices.recv_timeout(PATIENCE) else { panic!() };
}

#[test]
fn a_low_rate_is_over_when_the_camera_is_closed() {
    let mut slow = video_plan();
    slow.description = slow.description.replace("valve name=stuck", "identity drop-probability=0.6");
    let bench = Bench::up(NO_RING, &[slow]);
    let Ok(Notice::FrameRate { is_low: true, .. }) = bench.notices.recv_timeout(PATIENCE) else { panic!() };
    bench.studio.close(VIDEO);
    let rest: Vec<_> = std::iter::from_fn(|| bench.notices.recv_timeout(Duration::from_millis(300)).ok()).collect();
    assert!(matches!(rest.last(), Some(Notice::FrameRate { is_low: false, .. })), "{rest:?}");
}

#[test]
fn what_was_open_when_the_machine_slept_is_opened_again_and_the_gap_is_as_long_as_the_sleep() {
    const HOUR_NS: i64 = 3600 * NS_PER_SECOND;
    let bench = Bench::up(NO_RING, &[video_plan()]);
    let bound = bench.record(&[VIDEO]);
    let mut seen = bound.until(is_fragment);
    bench.pretend_sleep(HOUR_NS);
    let (_, kind, reason) = bench.failure();
    assert_eq!((kind, reason.as_str()), (FailureKind::Slept, "test:: the machine slept"));
    bench.open(&video_plan(), 10_000).unwrap();
    seen.extend(bound.until_generation(1));
    let zero_ns = bound.recording.zero_ns();
    let (rest, counters) = bound.end();
    seen.extend(rest);
    let (before, after) = (runs(&seen, 0, 1), runs(&seen, 1, 1));
    let gap_ms = (after[0].begin - before.last().unwrap().end) / 90;
    assert!((3_600_000..3_602_000).contains(&gap_ms), "{gap_ms}");
    assert_eq!(samples(&seen), counters.video.muxed);
    let captured_ns = zero_ns + after[0].begin * 1_000_000 / 90;
    let now_ns = bench.boot_now_ns() + HOUR_NS.unsigned_abs();
    assert!((now_ns - 5_000_000_000..=now_ns).contains(&captured_ns), "media time is boot time less zero");
}

#[test]
fn a_failure_says_when_the_last_frame_was() {
    let bench = Bench::up(NO_RING, &[video_plan()]);
    std::thread::sleep(Duration::from_millis(1500));
    bench.shut(VIDEO, "valve", true);
    let before_ns = bench.boot_now_ns();
    let Ok(Notice::Failed { last_boot_ns: Some(last_ns), .. }) = bench.notices.recv_timeout(PATIENCE) else { panic!() };
    assert!(last_ns.abs_diff(before_ns) < 500_000_000, "{last_ns} {before_ns}");
}

/// The holes that are told until this source has given for so long.
fn missed(bench: &Bench, time_ms: u64) -> Vec<(Medium, u64, u64)> {
    std::thread::sleep(Duration::from_millis(time_ms));
    let missed = |notice| match notice {
        Notice::Missed { medium, from_boot_ns, to_boot_ns } => Some((medium, from_boot_ns, to_boot_ns)),
        _ => None,
    };
    bench.notices.try_iter().filter_map(missed).collect()
}

#[test]
fn what_was_missed_while_the_recorder_stood_still_is_told_once() {
    for plan in [video_plan(), audio_plan()] {
        let medium = plan.medium;
        let bench = Bench::up(NO_RING, &[plan]);
        std::thread::sleep(Duration::from_millis(500));
        let from_ns = bench.boot_now_ns();
        bench.stand_still(medium, Duration::from_millis(2500));
        let to_ns = bench.boot_now_ns();
        let told = missed(&bench, 1000);
        let [(of, told_from_ns, told_to_ns)] = told[..] else { panic!("{told:?}") };
        assert_eq!(of, medium);
        let apart_ms = [told_from_ns.abs_diff(from_ns), told_to_ns.abs_diff(to_ns)].map(|ns| ns / 1_000_000);
        assert!(apart_ms.iter().all(|ms| *ms < 400), "{medium}: {apart_ms:?}");
        assert!(bench.studio.is_up(medium));
    }
}

#[test]
fn a_pause_is_not_told_as_missed() {
    let bench = Bench::up(NO_RING, &[video_plan()]);
    std::thread::sleep(Duration::from_millis(500));
    bench.stand_still(VIDEO, Duration::from_millis(1200));
    assert_eq!(missed(&bench, 1000), []);
}

#[test]
fn a_source_that_failed_and_was_opened_again_missed_nothing() {
    let bench = Bench::up(NO_RING, &[video_plan()]);
    std::thread::sleep(Duration::from_millis(500));
    bench.shut(VIDEO, "valve", true);
    assert_eq!(bench.failure().1, FailureKind::Silent);
    std::thread::sleep(Duration::from_millis(500));
    bench.open(&video_plan(), 10_000).unwrap();
    assert_eq!(missed(&bench, 1000), []);
}
