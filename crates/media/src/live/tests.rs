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
    assert!((Duration::from_secs(2)..Duration::from_secs(4)).contains(&took), "{took:?}");
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
    while pictures(&seen) < bench.router.counters().video.muxed {
        seen.extend(bench.until(is_fragment));
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
    while bench.router.photo().is_ok() {
        assert!(closed.elapsed() < PATIENCE, "the picture stays for ever");
    }
    let text = bench.router.photo().unwrap_err().to_string();
    assert!(text.starts_with("no photo: no picture has come for 1."), "{text}");
    bench.until(|event| failure(event).is_some());
    let text = bench.router.photo().unwrap_err().to_string();
    assert!(text.contains("no picture is being captured"), "{text}");
}
