// SPDX-License-Identifier: MIT OR Apache-2.0
//! A studio of real live pipelines that can be made to fail: for tests.

use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use gstreamer as gst;
use gstreamer::prelude::*;

use super::*;
use crate::event::Counters;
use crate::fragment::reading::{Track, tracks};
use crate::notice::FailureKind;
use crate::settings::VideoSettings;

/// Nothing that a test waits for takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
pub(crate) const NO_RING: RingLimits = RingLimits { ns: 0, bytes: 16 << 20, sound: true };
const SINK: &str = "appsink name=out sync=false async=false max-buffers=1";

/// Pictures at 15 a second with a key frame each second. The valve stands for the device, the one behind `raw` for the
/// encoder.
pub(crate) fn video_plan() -> LivePlan {
    let picture = "video/x-raw,format=I420,width=160,height=120,framerate=15/1";
    plan_of(
        Medium::Video,
        &format!(
            "videotestsrc name=src is-live=true ! {picture} ! valve name=valve ! queue name=raw max-size-buffers=4 ! valve name=stuck ! x264enc tune=zerolatency key-int-max=15 ! {} ! {SINK}",
            crate::encoder::VIDEO_OUT
        ),
    )
}

pub(crate) fn audio_plan() -> LivePlan {
    let sound = "audio/x-raw,rate=48000,channels=1";
    plan_of(
        Medium::Audio,
        &format!(
            "audiotestsrc name=src is-live=true samplesperbuffer=480 ! {sound} ! valve name=valve ! queue name=raw ! avenc_aac ! aacparse ! audio/mpeg,mpegversion=4,stream-format=raw ! {SINK}"
        ),
    )
}

pub(crate) fn plan_of(medium: Medium, description: &str) -> LivePlan {
    let source = Source::Test(String::new());
    LivePlan { source, medium, encoder: String::new(), description: description.to_owned(), device: None }
}

/// What a recording is made with.
pub(crate) fn settings() -> Settings {
    let video = VideoSettings {
        source: Source::Test(String::new()),
        width: 160,
        height: 120,
        frame_rate: 15,
        bitrate_bps: 300_000,
        key_interval_ms: 1000,
        encoders: vec!["x264enc".to_owned()],
    };
    let replay = ReplaySettings { pace: Pace::Real, repeat: true };
    Settings { video: Some(video), audio: None, replay, chunk_ms: 500, start_timeout_ms: 10_000 }
}

pub(crate) struct Bench {
    pub(crate) studio: Studio,
    pub(crate) notices: Receiver<Notice>,
}

impl Studio {
    pub(crate) fn open_plan(&self, plan: &LivePlan, timeout_ms: u32) -> Result<(), MediaError> {
        let mut held = self.hold(plan.medium, false);
        held.empty(plan.medium);
        let tickets = self.open_live(&mut held, plan)?;
        self.wait_up(&mut held, &tickets, timeout_ms)
    }
}

/// A recording and what came of it.
pub(crate) struct Bound {
    pub(crate) recording: Recording,
    pub(crate) events: Receiver<Event>,
}

impl Bench {
    pub(crate) fn new(ring: RingLimits) -> Self {
        let (sender, notices) = channel();
        let sender = Mutex::new(sender);
        // The receiver may be gone at the end.
        let studio = Studio::new(ring, Arc::new(move |notice| lock(&sender).send(notice).unwrap_or_default()));
        Self { studio: studio.unwrap(), notices }
    }

    pub(crate) fn up(ring: RingLimits, plans: &[LivePlan]) -> Self {
        let bench = Self::new(ring);
        plans.iter().for_each(|plan| bench.open(plan, 10_000).unwrap());
        bench
    }

    pub(crate) fn open(&self, plan: &LivePlan, timeout_ms: u32) -> Result<(), MediaError> {
        self.studio.open_plan(plan, timeout_ms)
    }

    pub(crate) fn record(&self, media: &[Medium]) -> Bound {
        self.record_without(media, &[])
    }

    /// What is absent may join.
    pub(crate) fn record_without(&self, media: &[Medium], absent: &[Medium]) -> Bound {
        let (sender, events) = channel();
        let sender = Mutex::new(sender);
        let send = move |event| lock(&sender).send(event).unwrap_or_default();
        Bound { recording: self.studio.record(media, absent, &settings(), Arc::new(send)).unwrap(), events }
    }

    pub(crate) fn element(&self, medium: Medium, name: &str) -> gst::Element {
        self.live(medium, |live| live.element(name))
    }

    fn live<T>(&self, medium: Medium, use_it: impl FnOnce(&Live) -> T) -> T {
        let mut held = self.studio.hold(medium, false);
        let Some(Running::Live(live)) = held.running(medium) else { panic!("no live {medium}") };
        use_it(live)
    }

    /// Nothing passes the valve for this time, and it is excused: as if the recorder had stood still.
    pub(crate) fn stand_still(&self, medium: Medium, time: Duration) {
        let began = Instant::now();
        self.shut(medium, "valve", true);
        while began.elapsed() < time {
            std::thread::sleep(Duration::from_millis(100));
            self.live(medium, Live::excuse);
        }
        self.shut(medium, "valve", false);
    }

    /// From now on nothing passes here, or passes again.
    pub(crate) fn shut(&self, medium: Medium, valve: &str, shut: bool) {
        self.element(medium, valve).set_property("drop", shut);
    }

    pub(crate) fn now_ns(&self) -> i64 {
        self.studio.router.time().now_ns()
    }

    pub(crate) fn boot_now_ns(&self) -> u64 {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        (time.tv_sec * NS_PER_SECOND + time.tv_nsec).unsigned_abs()
    }

    /// Media time 0 on the studio's own time line.
    pub(crate) fn zero_ns(&self, bound: &Bound) -> i64 {
        let base_ns = self.studio.router.time().boot_ns(0);
        i64::try_from(bound.recording.zero_ns()).unwrap() - i64::try_from(base_ns).unwrap()
    }

    pub(crate) fn pretend_sleep(&self, slept_ns: i64) {
        self.studio.router.time().pretend_sleep(slept_ns);
    }

    /// Waits for a failure that is told.
    pub(crate) fn failure(&self) -> (Medium, FailureKind, String) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.notices.recv_timeout(left).expect("no failure is told") {
                Notice::Failed { medium, kind, reason, .. } => return (medium, kind, reason),
                _ => continue,
            }
        }
    }
}

impl Bound {
    /// Waits for an event that fits; gives all up to it.
    pub(crate) fn until(&self, fits: impl Fn(&Event) -> bool) -> Vec<Event> {
        let (mut seen, deadline) = (Vec::new(), Instant::now() + PATIENCE);
        while !seen.last().is_some_and(&fits) {
            let left = deadline.saturating_duration_since(Instant::now());
            seen.push(self.events.recv_timeout(left).expect("no such event came"));
        }
        seen
    }

    /// Waits until there is a fragment of this generation.
    pub(crate) fn until_generation(&self, wanted: u32) -> Vec<Event> {
        self.until(|event| matches!(event, Event::Fragment(fragment) if fragment.generation == wanted))
    }

    /// Ends it; gives what was left to come.
    pub(crate) fn end(self) -> (Vec<Event>, Counters) {
        self.recording.end();
        let counters = self.recording.counters();
        (self.events.try_iter().collect(), counters)
    }
}

pub(crate) fn is_fragment(event: &Event) -> bool {
    matches!(event, Event::Fragment(_))
}

pub(crate) fn fragment(event: &Event) -> Option<&[u8]> {
    match event {
        Event::Fragment(fragment) => Some(&fragment.data),
        _ => None,
    }
}

/// All runs of the track with this number in one generation.
pub(crate) fn runs(events: &[Event], generation: u32, number: u32) -> Vec<Track> {
    let of_generation = |event: &Event| match event {
        Event::Fragment(fragment) if fragment.generation == generation => Some(tracks(&fragment.data)),
        _ => None,
    };
    events.iter().filter_map(of_generation).flatten().filter(|track| track.number == number).collect()
}

/// How many frames of any track were delivered.
pub(crate) fn samples(events: &[Event]) -> u64 {
    let all = events.iter().filter_map(fragment).flat_map(tracks);
    all.map(|track| u64::from(track.samples)).sum()
}

pub(crate) fn failed(event: &Event) -> Option<(Medium, &str)> {
    match event {
        Event::Failed { medium, reason } => Some((*medium, reason)),
        _ => None,
    }
}
