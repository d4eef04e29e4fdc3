// SPDX-License-Identifier: MIT OR Apache-2.0
//! Real live pipelines whose source falls silent without a word: a valve in front of the encoder.
//!
//! What could break: the silence goes unnoticed (the recording seems to go on and nothing is
//! recorded), it takes the other track with it, what was captured waits in memory, or a photo shows
//! a picture of long ago.

use std::sync::mpsc::{Receiver, channel};

use super::*;
use crate::event::Event;
use crate::fragment::reading::tracks;
use crate::router_track::Wish;

const PATIENCE: Duration = Duration::from_secs(20);
const SINK: &str = "appsink name=out sync=false async=false max-buffers=1";

fn video_plan() -> LivePlan {
    let picture = "video/x-raw,format=I420,width=160,height=120,framerate=15/1";
    plan(
        Medium::Video,
        &format!(
            "videotestsrc name=src is-live=true ! {picture} ! valve name=valve ! x264enc tune=zerolatency key-int-max=15 ! {} ! {SINK}",
            crate::encoder::VIDEO_OUT
        ),
    )
}

fn audio_plan() -> LivePlan {
    let sound = "audio/x-raw,rate=48000,channels=1";
    plan(
        Medium::Audio,
        &format!(
            "audiotestsrc name=src is-live=true samplesperbuffer=480 ! {sound} ! valve name=valve ! avenc_aac ! aacparse ! audio/mpeg,mpegversion=4,stream-format=raw ! {SINK}"
        ),
    )
}

fn plan(medium: Medium, description: &str) -> LivePlan {
    let source = Source::Test(String::new());
    LivePlan { source, medium, encoder: String::new(), description: description.to_owned(), device: None }
}

/// Sources that run, and what came of them.
struct Bench {
    router: Arc<Router>,
    sources: Vec<Live>,
    events: Receiver<Event>,
}

impl Bench {
    fn opened(plans: &[LivePlan]) -> Self {
        crate::init().unwrap();
        let (sender, events) = channel();
        let sender = Mutex::new(sender);
        let wish = |plan: &LivePlan| Wish {
            medium: plan.medium,
            origin: "test:".to_owned(),
            encoder: String::new(),
            live: true,
        };
        let wishes = plans.iter().map(wish).collect();
        // The receiver may be gone at the end.
        let router = Router::new(wishes, 500, Arc::new(move |event| lock(&sender).send(event).unwrap_or_default()));
        let clock = gst::SystemClock::obtain();
        let time = TimeBase { base: clock.time(), clock, replay_origin: Arc::default() };
        let sources = plans.iter().map(|plan| Live::start(plan, &time, &router).unwrap()).collect();
        Self { router, sources, events }
    }

    fn started(plans: &[LivePlan]) -> Self {
        let bench = Self::opened(plans);
        bench.router.wait_started(10_000).unwrap();
        bench
    }

    /// From now on this source gives nothing, or gives again.
    fn close(&self, medium: Medium, closed: bool) {
        let source = self.sources.iter().find(|source| source.medium == medium).unwrap();
        pipeline::element(&source.pipeline, "valve").unwrap().set_property("drop", closed);
    }

    /// Waits for an event that fits; gives all up to it.
    fn until(&self, fits: impl Fn(&Event) -> bool) -> Vec<Event> {
        let (mut seen, deadline) = (Vec::new(), Instant::now() + PATIENCE);
        while !seen.last().is_some_and(&fits) {
            let left = deadline.saturating_duration_since(Instant::now());
            seen.push(self.events.recv_timeout(left).expect("no such event came"));
        }
        seen
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.sources.iter().for_each(Live::stop);
        self.router.stop(PATIENCE);
    }
}

fn is_fragment(event: &Event) -> bool {
    matches!(event, Event::Fragment(_))
}

fn fragment(event: &Event) -> Option<&[u8]> {
    match event {
        Event::Fragment(fragment) => Some(&fragment.data),
        _ => None,
    }
}

/// How many pictures were delivered.
fn pictures(events: &[Event]) -> u64 {
    events.iter().filter_map(fragment).map(|data| u64::from(tracks(data)[0].samples)).sum()
}

fn failure(event: &Event) -> Option<(Medium, &str)> {
    match event {
        Event::Failed { medium, reason } => Some((*medium, reason)),
        _ => None,
    }
}

#[test]
fn a_silent_camera_fails_and_the_sound_goes_on() {
    let bench = Bench::started(&[video_plan(), audio_plan()]);
    bench.until(is_fragment);
    let closed = Instant::now();
    bench.close(Medium::Video, true);
    let seen = bench.until(|event| failure(event).is_some());
    let took = closed.elapsed();
    assert_eq!(failure(seen.last().unwrap()), Some((Medium::Video, "test:: no frame for 2 s")));
    assert!((Duration::from_millis(1900)..Duration::from_secs(6)).contains(&took), "{took:?}");
    let next = bench.until(|event| matches!(event, Event::Fragment(fragment) if fragment.generation == 1));
    assert!(next.iter().all(is_fragment), "{next:?}");
}

#[test]
fn a_silent_microphone_fails_and_the_picture_goes_on() {
    let bench = Bench::started(&[video_plan(), audio_plan()]);
    bench.until(is_fragment);
    bench.close(Medium::Audio, true);
    let seen = bench.until(|event| failure(event).is_some());
    assert_eq!(failure(seen.last().unwrap()), Some((Medium::Audio, "test:: no packet for 2 s")));
    bench.until(|event| matches!(event, Event::Fragment(fragment) if fragment.generation == 1));
}

#[test]
fn what_was_captured_does_not_wait_for_a_next_frame() {
    let bench = Bench::started(&[video_plan()]);
    let mut seen = bench.until(is_fragment);
    bench.close(Medium::Video, true);
    seen.extend(bench.until(|event| failure(event).is_some()));
    assert_eq!(pictures(&seen), bench.router.counters().video.muxed);
}

#[test]
fn a_camera_that_pauses_and_goes_on_leaves_a_hole() {
    let bench = Bench::started(&[video_plan()]);
    let mut seen = bench.until(is_fragment);
    bench.close(Medium::Video, true);
    // On a busy machine all may have been delivered at that moment: the pause still has to come.
    let closed = Instant::now();
    while closed.elapsed() < Duration::from_millis(500) || pictures(&seen) < bench.router.counters().video.muxed {
        assert!(closed.elapsed() < PATIENCE, "frames wait for a next one");
        seen.extend(bench.events.recv_timeout(LOOK_EVERY));
    }
    bench.close(Medium::Video, false);
    seen.extend(bench.until(is_fragment));
    let chunks: Vec<_> = seen.iter().filter_map(fragment).map(|data| tracks(data)[0]).collect();
    assert!(chunks.iter().all(|chunk| chunk.end - chunk.begin <= 90_000), "{chunks:?}");
    let (before, after) = (chunks[chunks.len() - 2], chunks[chunks.len() - 1]);
    assert!(after.begin - before.end > 90_000 / 4, "{chunks:?}");
}

#[test]
fn a_source_without_a_first_frame_does_not_start() {
    let mut closed = video_plan();
    closed.description = closed.description.replace("name=valve", "name=valve drop=true");
    let bench = Bench::opened(&[closed]);
    let error = bench.router.wait_started(300).unwrap_err();
    assert!(matches!(error, MediaError::NoFrame { medium: Medium::Video, .. }), "{error}");
}

#[test]
fn a_photo_is_of_now_or_refused() {
    let bench = Bench::started(&[video_plan(), audio_plan()]);
    bench.until(is_fragment);
    bench.router.photo().unwrap();
    bench.close(Medium::Video, true);
    let closed = Instant::now();
    let refusal = loop {
        match bench.router.photo() {
            Ok(_) => assert!(closed.elapsed() < PATIENCE, "the picture stays for ever"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(refusal.starts_with("no photo: no picture has come for "), "{refusal}");
    assert!(closed.elapsed() > Duration::from_millis(900), "{:?}", closed.elapsed());
    bench.until(|event| failure(event).is_some());
    let text = bench.router.photo().unwrap_err().to_string();
    assert!(text.contains("no picture is being captured"), "{text}");
}

/// What the watcher of a source makes of an error that GStreamer posts.
fn classified(error: &gst::glib::Error, debug: &str) -> MediaError {
    crate::init().unwrap();
    let source: Source = "v4l2:/dev/video3".parse().unwrap();
    let plan = LivePlan { source, ..video_plan() };
    let router = Router::new(Vec::new(), 500, Arc::new(|_| ()));
    Watcher::new(&gst::Pipeline::new(), &plan, &router).classify(error, debug)
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
fn a_busy_camera_is_said_to_be_busy_by_whoever_waits_for_the_start() {
    let bench = Bench::opened(&[video_plan()]);
    let live = &bench.sources[0];
    let device = pipeline::element(&live.pipeline, "src").unwrap();
    gst::element_error!(device, gst::ResourceError::Busy, ["Device '/dev/video0' is busy"]);
    // It may have started by then: then the track fails, with the same reason.
    match bench.router.wait_started(10_000) {
        Err(error) => assert!(matches!(error, MediaError::Busy { .. }), "{error}"),
        Ok(()) => drop(bench.until(|event| failure(event).is_some_and(|(_, reason)| reason.contains("is busy")))),
    }
}

#[test]
fn frames_that_the_driver_lost_are_counted_with_the_cameras_own_rate() {
    let bench = Bench::started(&[video_plan()]);
    let device = pipeline::element(&bench.sources[0].pipeline, "src").unwrap();
    let none = gst::ClockTime::NONE;
    let lost = gst::message::Qos::builder(true).src(&device).duration(gst::ClockTime::from_seconds(2));
    device.post_message(lost.timestamp(none).build()).unwrap();
    let seen = bench.until(|event| matches!(event, Event::Lost { .. }));
    let Some(Event::Lost { count, .. }) = seen.last() else { unreachable!() };
    assert_eq!(*count, 30, "2 s of 15 frames a second");
}
