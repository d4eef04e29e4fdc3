// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opens what is wanted, runs it, ends it in order.
//!
//! The face of this crate. Must not know sessions or files of evidence.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use rustix::time::{ClockId, clock_gettime};

use crate::error::MediaError;
use crate::event::{Counters, Event, Medium, TrackInfo};
use crate::frame::NS_PER_SECOND;
use crate::live::{Live, LivePlan, camera, microphone};
use crate::replay::{Replay, ReplayPlan, TimeBase};
use crate::router::Router;
use crate::router_track::Wish;
use crate::settings::{AudioSettings, Pace, ReplaySettings, Settings, VideoSettings};
use crate::source::Source;
use crate::sync::lock;

/// How long the last fragments may take to be delivered at the end.
const FINISH_LIMIT: Duration = Duration::from_secs(30);
/// Pictures a camera gets to settle its exposure before a still.
const SETTLE_FRAGMENTS: u32 = 2;

/// A capture that runs. Dropping it stops it.
pub struct Capture {
    router: Arc<Router>,
    sources: Mutex<Vec<Running>>,
    time: TimeBase,
    /// `CLOCK_BOOTTIME` where the sources' common time is 0.
    base_boot_ns: i64,
}

/// A source that is checked but not opened.
enum Planned {
    Live(LivePlan),
    Replay { path: PathBuf, media: Vec<Medium> },
}

/// A source that runs.
enum Running {
    Live(Live),
    Replay(Replay),
}

impl Capture {
    /// Opens the sources and waits until each wanted track has delivered its first frame (for the
    /// picture: a key frame).
    ///
    /// `events` is called from media threads, one fragment after the other. It may block; that is
    /// the back-pressure. It must not call [`Capture::stop`].
    pub fn start(settings: &Settings, events: Arc<dyn Fn(Event) + Send + Sync>) -> Result<Self, MediaError> {
        crate::init()?;
        let planned = plan(settings)?;
        let wishes = planned.iter().flat_map(Planned::wishes).collect();
        let capture = Self::new(Router::new(wishes, settings.chunk_ms, events));
        // An early return drops the capture, which closes what is open by then.
        for source in planned {
            let running = source.start(settings.replay, &capture.time, &capture.router);
            let running = running.map_err(|error| capture.router.first_failure(error))?;
            lock(&capture.sources).push(running);
        }
        capture.router.wait_started(settings.start_timeout_ms)?;
        Ok(capture)
    }

    fn new(router: Arc<Router>) -> Self {
        let clock = gst::SystemClock::obtain();
        let (base, base_boot_ns) = (clock.time(), boot_time_ns());
        let time = TimeBase { clock, base, replay_origin: Arc::new(OnceLock::new()) };
        Self { router, sources: Mutex::new(Vec::new()), time, base_boot_ns }
    }

    /// What is being captured.
    pub fn tracks(&self) -> Vec<TrackInfo> {
        self.router.tracks()
    }

    /// `CLOCK_BOOTTIME` in ns at media time 0.
    pub fn zero_ns(&self) -> u64 {
        u64::try_from(self.base_boot_ns + self.router.zero_ns()).unwrap_or(0)
    }

    /// Frames so far.
    pub fn counters(&self) -> Counters {
        self.router.counters()
    }

    /// Stops the sources, delivers everything that is in flight, then [`Event::Finished`], then
    /// returns. A second call does nothing.
    pub fn stop(&self) {
        let sources = std::mem::take(&mut *lock(&self.sources));
        sources.iter().for_each(Running::stop);
        if !self.router.stop(FINISH_LIMIT) {
            tracing::error!("the last fragments were not taken in time; they are left to the receiver");
        }
    }

    /// The current picture as JPEG, decoded from the frames since the last key frame.
    pub fn photo(&self) -> Result<Vec<u8>, MediaError> {
        self.router.photo()
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Planned {
    fn wishes(&self) -> Vec<Wish> {
        match self {
            Self::Live(plan) => vec![Wish {
                medium: plan.medium,
                origin: plan.source.device(),
                encoder: plan.encoder.clone(),
                live: true,
            }],
            Self::Replay { path, media } => media
                .iter()
                .map(|medium| Wish {
                    medium: *medium,
                    origin: path.display().to_string(),
                    encoder: "passthrough".to_owned(),
                    live: false,
                })
                .collect(),
        }
    }

    fn start(self, settings: ReplaySettings, time: &TimeBase, router: &Arc<Router>) -> Result<Running, MediaError> {
        match self {
            Self::Live(plan) => Live::start(&plan, time, router).map(Running::Live),
            Self::Replay { path, media } => {
                let plan = ReplayPlan { path, media, settings, time: time.clone() };
                Replay::start(plan, router).map(Running::Replay)
            }
        }
    }
}

impl Running {
    fn stop(&self) {
        match self {
            Self::Live(live) => live.stop(),
            Self::Replay(replay) => replay.stop(),
        }
    }
}

/// Video first: the mux numbers tracks in this order.
fn plan(settings: &Settings) -> Result<Vec<Planned>, MediaError> {
    if let (Some(video), Some(audio)) = (&settings.video, &settings.audio)
        && let (Source::Replay(path), true) = (&video.source, video.source == audio.source)
    {
        return Ok(vec![Planned::Replay { path: path.clone(), media: Medium::BOTH.to_vec() }]);
    }
    let video = settings.video.as_ref().map(plan_video).transpose()?;
    let audio = settings.audio.as_ref().map(plan_audio).transpose()?;
    let planned: Vec<Planned> = video.into_iter().chain(audio).collect();
    if planned.is_empty() {
        return Err(MediaError::pipeline("starting", "neither video nor audio is wanted"));
    }
    Ok(planned)
}

fn plan_video(video: &VideoSettings) -> Result<Planned, MediaError> {
    match &video.source {
        Source::V4l2(path) => camera::camera_plan(video, path).map(Planned::Live),
        Source::Test(pattern) => camera::test_plan(video, pattern).map(Planned::Live),
        Source::Replay(path) => Ok(Planned::Replay { path: path.clone(), media: vec![Medium::Video] }),
        Source::Alsa(device) => Err(wrong_medium(device, "a microphone gives no picture")),
    }
}

fn plan_audio(audio: &AudioSettings) -> Result<Planned, MediaError> {
    match &audio.source {
        Source::Alsa(device) => microphone::alsa_plan(audio, device).map(Planned::Live),
        Source::Test(wave) => microphone::test_plan(audio, wave).map(Planned::Live),
        Source::Replay(path) => Ok(Planned::Replay { path: path.clone(), media: vec![Medium::Audio] }),
        Source::V4l2(path) => {
            let device = path.display().to_string();
            Err(wrong_medium(&device, "a camera gives no sound; name an alsa: source"))
        }
    }
}

fn wrong_medium(device: &str, reason: &str) -> MediaError {
    MediaError::Unsupported { origin: device.to_owned(), reason: reason.to_owned() }
}

fn boot_time_ns() -> i64 {
    let now = clock_gettime(ClockId::Boottime);
    now.tv_sec * NS_PER_SECOND + now.tv_nsec
}

/// A still outside a recording: opens the picture's source alone, lets a camera settle, takes
/// one picture, closes.
pub fn take_photo(settings: &Settings) -> Result<Vec<u8>, MediaError> {
    let settings = still_settings(settings);
    let settled = Arc::new((Mutex::new(0_u32), Condvar::new()));
    let counting = Arc::clone(&settled);
    let count = move |event| {
        if matches!(event, Event::Fragment(_) | Event::Finished) {
            *lock(&counting.0) += 1;
            counting.1.notify_all();
        }
    };
    let capture = Capture::start(&settings, Arc::new(count))?;
    let is_live = !matches!(settings.video.as_ref().map(|v| &v.source), Some(Source::Replay(_)));
    if is_live {
        let limit = Duration::from_millis(u64::from(settings.start_timeout_ms));
        let early = |count: &mut u32| *count < SETTLE_FRAGMENTS;
        let waited = settled.1.wait_timeout_while(lock(&settled.0), limit, early);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
    capture.photo()
}

fn still_settings(settings: &Settings) -> Settings {
    let replay = ReplaySettings { pace: Pace::Real, repeat: false };
    Settings { audio: None, replay, ..settings.clone() }
}
