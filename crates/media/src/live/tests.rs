// SPDX-License-Identifier: MIT OR Apache-2.0
//! Real live pipelines whose source falls silent without a word: a valve in front of the encoder.
//!
//! What could break: the silence goes unnoticed (the recording seems to go on and nothing is
//! recorded), it takes the other track with it, what was captured waits in memory, or a photo shows
//! a picture of long ago.

use super::*;
use crate::event::Event;
use crate::fragment::reading::tracks;
use crate::notice::{Notice, Notices};
use crate::router::Router;
use crate::studio::bench::{Bench, NO_RING, PATIENCE, audio_plan, failed, fragment, is_fragment, samples, video_plan};

const BOTH: [Medium; 2] = Medium::BOTH;

#[test]
fn a_silent_camera_fails_and_the_sound_goes_on() {
    let bench = Bench::up(NO_RING, &[video_plan(), audio_plan()]);
    let bound = bench.record(&BOTH);
    bound.until(is_fragment);
    let closed = Instant::now();
    bench.shut(Medium::Video, "valve", true);
    let seen = bound.until(|event| failed(event).is_some());
    let took = closed.elapsed();
    assert_eq!(failed(seen.last().unwrap()), Some((Medium::Video, "test:: no frame for 2 s")));
    assert!((Duration::from_millis(1900)..Duration::from_secs(6)).contains(&took), "{took:?}");
    let reason = "test:: no frame for 2 s".to_owned();
    assert_eq!(bench.failure(), (Medium::Video, FailureKind::Silent, reason));
    let next = bound.until_generation(1);
    assert!(next.iter().all(is_fragment), "{next:?}");
}

#[test]
fn a_camera_of_any_rate_is_told_as_silent_in_time_and_not_before_it_is() {
    let told_after = |rate: u32| {
        let mut plan = video_plan();
        plan.description = plan.description.replace("framerate=15/1", &format!("framerate={rate}/1"));
        let bench = Bench::up(NO_RING, &[plan]);
        let early = bench.notices.recv_timeout(Duration::from_secs(5));
        assert!(early.is_err(), "{rate} frames/s: {early:?}");
        bench.shut(Medium::Video, "valve", true);
        let shut = Instant::now();
        assert_eq!(bench.failure().1, FailureKind::Silent);
        shut.elapsed()
    };
    let rates = [1, 2, 3, 10, 30];
    let told = std::thread::scope(|scope| {
        let all = rates.map(|rate| scope.spawn(move || told_after(rate)));
        all.map(|one| one.join().unwrap())
    });
    assert!(told.iter().all(|took| *took < Duration::from_secs(3)), "{told:?} at {rates:?} frames/s");
}

#[test]
fn a_silent_microphone_fails_and_the_picture_goes_on() {
    let bench = Bench::up(NO_RING, &[video_plan(), audio_plan()]);
    let bound = bench.record(&BOTH);
    bound.until(is_fragment);
    bench.shut(Medium::Audio, "valve", true);
    let seen = bound.until(|event| failed(event).is_some());
    assert_eq!(failed(seen.last().unwrap()), Some((Medium::Audio, "test:: no packet for 2 s")));
    bound.until_generation(1);
}

#[test]
fn an_encoder_that_gives_nothing_is_told_from_its_camera() {
    let bench = Bench::up(NO_RING, &[video_plan()]);
    bench.shut(Medium::Video, "stuck", true);
    let reason = "test:: the encoder gave no frame for 2 s".to_owned();
    assert_eq!(bench.failure(), (Medium::Video, FailureKind::Encoder, reason));
    assert!(!bench.studio.is_up(Medium::Video));
}

#[test]
fn what_was_captured_does_not_wait_for_a_next_frame() {
    let bench = Bench::up(NO_RING, &[video_plan()]);
    let bound = bench.record(&[Medium::Video]);
    let mut seen = bound.until(is_fragment);
    bench.shut(Medium::Video, "valve", true);
    seen.extend(bound.until(|event| failed(event).is_some()));
    assert_eq!(samples(&seen), bound.recording.counters().video.muxed);
}

#[test]
fn a_camera_that_pauses_and_goes_on_leaves_a_hole() {
    let bench = Bench::up(NO_RING, &[video_plan()]);
    let bound = bench.record(&[Medium::Video]);
    let mut seen = bound.until(is_fragment);
    bench.shut(Medium::Video, "valve", true);
    // On a busy machine all may have been delivered at that moment: the pause still has to come.
    let closed = Instant::now();
    while closed.elapsed() < Duration::from_millis(500) || samples(&seen) < bound.recording.counters().video.muxed {
        assert!(closed.elapsed() < PATIENCE, "frames wait for a next one");
        seen.extend(bound.events.recv_timeout(LOOK_EVERY));
    }
    bench.shut(Medium::Video, "valve", false);
    seen.extend(bound.until(is_fragment));
    let chunks: Vec<_> = seen.iter().filter_map(fragment).map(|data| tracks(data)[0]).collect();
    assert!(chunks.iter().all(|chunk| chunk.end - chunk.begin <= 90_000), "{chunks:?}");
    let (before, after) = (chunks[chunks.len() - 2], chunks[chunks.len() - 1]);
    assert!(after.begin - before.end > 90_000 / 4, "{chunks:?}");
}

#[test]
fn a_source_without_a_first_frame_does_not_open_and_disturbs_nothing() {
    let bench = Bench::up(NO_RING, &[audio_plan()]);
    let bound = bench.record(&[Medium::Audio]);
    let mut seen = bound.until(is_fragment);
    let mut closed = video_plan();
    closed.description = closed.description.replace("name=valve", "name=valve drop=true");
    let error = bench.open(&closed, 300).unwrap_err();
    assert!(matches!(error, MediaError::NoFrame { medium: Medium::Video, .. }), "{error}");
    assert!(!bench.studio.is_up(Medium::Video) && bench.studio.is_up(Medium::Audio));
    seen.extend(bound.until(is_fragment));
    let (rest, counters) = bound.end();
    seen.extend(rest);
    assert!(matches!(seen.pop(), Some(Event::Finished)));
    assert!(seen.iter().all(is_fragment), "{seen:?}");
    assert_eq!(samples(&seen), counters.audio.muxed);
    assert_eq!(bench.notices.try_iter().collect::<Vec<_>>(), [], "whoever opens is told, and nobody else");
}

#[test]
fn a_photo_is_of_now_or_refused() {
    let bench = Bench::up(NO_RING, &[video_plan(), audio_plan()]);
    bench.studio.photo().unwrap();
    bench.shut(Medium::Video, "valve", true);
    let closed = Instant::now();
    let refusal = loop {
        match bench.studio.photo() {
            Ok(_) => assert!(closed.elapsed() < PATIENCE, "the picture stays for ever"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(refusal.starts_with("no photo: no picture has come for "), "{refusal}");
    assert!(closed.elapsed() > Duration::from_millis(900), "{:?}", closed.elapsed());
    bench.failure();
    let text = bench.studio.photo().unwrap_err().to_string();
    assert!(text.contains("no picture is being captured"), "{text}");
}

/// What the watcher of a source makes of an error that GStreamer posts.
fn classified(error: &gst::glib::Error, debug: &str) -> MediaError {
    crate::init().unwrap();
    let source: Source = "v4l2:/dev/video3".parse().unwrap();
    let plan = LivePlan { source, ..video_plan() };
    let notices = Notices::new(Arc::new(|_| ())).unwrap();
    let inlet = Inlet::open(&Router::new(NO_RING, notices), plan.wish());
    Watcher::new(&gst::Pipeline::new(), &plan, &inlet, &Changes::default()).classify(error, debug)
}

#[test]
fn gstreamers_errors_become_errors_that_name_the_device_and_the_remedy() {
    use gst::{ResourceError as Resource, StreamError};
    // As v4l2src and alsasrc of GStreamer 1.22 post them.
    let system = |text: &str| format!("gstv4l2.c(603): gst_v4l2_open (): /src:\nsystem error: {text}");
    let cases = [
        (Resource::Busy, "Device '/dev/video3' is busy", String::new(), "busy; stop the program"),
        (Resource::Busy, "Could not open audio device for recording.", String::new(), "busy; stop the program"),
        (Resource::OpenReadWrite, "Could not open device", system("Device or resource busy"), "busy; stop the program"),
        (
            Resource::Settings,
            "Failed to allocate a buffer",
            system("Device or resource busy"),
            "busy; stop the program",
        ),
        (Resource::NotAuthorized, "No access", String::new(), "permission denied; add the recorder's user"),
        (Resource::OpenReadWrite, "Could not open device", system("Permission denied"), "permission denied; add"),
        (Resource::OpenRead, "Recording open error", system("Operation not permitted"), "permission denied; add"),
        (Resource::NotFound, "Cannot identify device '/dev/video3'.", String::new(), "no such device; plug it in"),
        (Resource::OpenReadWrite, "Could not open device", system("No such file or directory"), "no such device; plug"),
        (Resource::OpenRead, "Recording open error", system("No such device"), "no such device; plug it in"),
        (Resource::Read, "Failed to read", system("Input/output error"), "Failed to read"),
    ];
    for (code, text, debug, words) in cases {
        let error = classified(&gst::glib::Error::new(code, text), &debug);
        let line = error.to_string();
        assert!(line.starts_with("/dev/video3: ") && line.contains(words) && !line.contains('\n'), "{line}");
    }
    let other = classified(&gst::glib::Error::new(StreamError::Failed, "Internal data stream error."), "");
    assert!(matches!(other, MediaError::Pipeline { .. }), "{other:?}");
}

#[test]
fn a_busy_camera_is_said_to_be_busy_by_whoever_waits_for_its_first_frame() {
    crate::init().unwrap();
    let router = Router::new(NO_RING, Notices::new(Arc::new(|_| ())).unwrap());
    let mut shut = video_plan();
    shut.description = shut.description.replace("name=valve", "name=valve drop=true");
    let inlet = Inlet::open(&router, shut.wish());
    let tickets = [inlet.ticket()];
    let live = Live::start(&shut, inlet, &Changes::default()).unwrap();
    gst::element_error!(live.element("src"), gst::ResourceError::Busy, ["Device '/dev/video0' is busy"]);
    let error = router.wait_up(&tickets, 10_000).unwrap_err();
    assert!(matches!(error, MediaError::Busy { .. }), "{error}");
}

#[test]
fn a_source_that_ends_by_itself_has_failed() {
    let mut short = video_plan();
    short.description = short.description.replace("is-live=true", "is-live=true num-buffers=30");
    let bench = Bench::up(NO_RING, &[short]);
    let reason = "test:: ended by itself".to_owned();
    assert_eq!(bench.failure(), (Medium::Video, FailureKind::Gone, reason));
}

#[test]
fn an_error_of_the_device_is_told_at_once_and_one_of_the_encoder_as_such() {
    for (element, kind) in [("src", FailureKind::Gone), ("stuck", FailureKind::Encoder)] {
        let bench = Bench::up(NO_RING, &[video_plan()]);
        let device = bench.element(Medium::Video, element);
        let began = Instant::now();
        gst::element_error!(device, gst::ResourceError::Read, ["poll error"]);
        let (medium, found, reason) = bench.failure();
        assert_eq!((medium, found), (Medium::Video, kind));
        assert!(reason.contains("poll error"), "{reason}");
        assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    }
}

#[test]
fn frames_that_the_driver_lost_are_counted_with_the_cameras_own_rate() {
    let bench = Bench::up(NO_RING, &[video_plan()]);
    let bound = bench.record(&[Medium::Video]);
    let device = bench.element(Medium::Video, "src");
    let none = gst::ClockTime::NONE;
    let lost = gst::message::Qos::builder(true).src(&device).duration(gst::ClockTime::from_seconds(2));
    device.post_message(lost.timestamp(none).build()).unwrap();
    let seen = bound.until(|event| matches!(event, Event::Lost { .. }));
    let Some(Event::Lost { count, .. }) = seen.last() else { unreachable!() };
    assert_eq!(*count, 30, "2 s of 15 frames a second");
    assert_eq!(bench.notices.recv_timeout(PATIENCE).unwrap(), Notice::Dropped { queue: "camera", count: 30 });
}

#[test]
fn a_device_that_hangs_is_left_behind_once() {
    let bench = Bench::up(NO_RING, &[video_plan()]);
    let (free, held) = (Arc::new(Latch::default()), Arc::new(Latch::default()));
    let (waits, holds) = (Arc::clone(&free), Arc::clone(&held));
    let pad = bench.element(Medium::Video, "src").static_pad("src").unwrap();
    pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        holds.set();
        waits.wait(PATIENCE);
        gst::PadProbeReturn::Ok
    });
    assert!(held.wait(PATIENCE));
    let closed = Instant::now();
    bench.studio.close(Medium::Video);
    assert!(closed.elapsed() < Duration::from_secs(6), "{:?}", closed.elapsed());
    let error = bench.open(&video_plan(), 10_000).unwrap_err();
    assert_eq!(error.to_string(), "test:: its driver hangs; it cannot be opened again");
    free.set();
    bench.open(&video_plan(), 10_000).unwrap();
}
