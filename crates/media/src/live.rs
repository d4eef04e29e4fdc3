// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs a live source: starts it on the common clock, hands its frames on, watches its health.
//!
//! Must not know what kind of device it is; `camera` and `microphone` describe that.

pub(crate) mod camera;
pub(crate) mod microphone;
mod test_source;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use crate::error::MediaError;
use crate::event::Medium;
use crate::frame::{Frame, clock_ns, default_duration_ns};
use crate::pipeline;
use crate::replay::TimeBase;
use crate::router::{End, Router};
use crate::source::Source;
use crate::sync::{Latch, lock};

/// How long an encoder may take to give out its last frames.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);
/// How often a source is looked at for frames that do not come.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// So many overruns …
const STORM_COUNT: u32 = 10;
/// … within this time mean the device is gone, though it does not say so.
const STORM_TIME: Duration = Duration::from_secs(2);

/// A live source, described but not opened.
pub(crate) struct LivePlan {
    pub(crate) source: Source,
    pub(crate) medium: Medium,
    pub(crate) encoder: String,
    /// Pipeline description: the device is `src`, the appsink `out`.
    pub(crate) description: String,
    /// Properties of `src` whose value may hold anything.
    pub(crate) device: Option<String>,
}

/// A live source that runs.
pub(crate) struct Live {
    pipeline: gst::Pipeline,
    medium: Medium,
    router: Arc<Router>,
    /// It is being stopped: silence is no failure any more.
    over: Arc<Latch>,
}

impl Live {
    pub(crate) fn start(plan: &LivePlan, time: &TimeBase, router: &Arc<Router>) -> Result<Self, MediaError> {
        let pipeline = pipeline::build(&plan.description)?;
        if let Some(device) = &plan.device {
            pipeline::element(&pipeline, "src")?.set_property("device", device);
        }
        pipeline.use_clock(Some(&time.clock));
        pipeline.set_start_time(gst::ClockTime::NONE);
        pipeline.set_base_time(time.base);
        take_frames(&pipeline, plan.medium, router)?;
        let over = Arc::new(Latch::default());
        let watcher = Arc::new(Watcher::new(&pipeline, plan, router));
        let live = Self { pipeline, medium: plan.medium, router: Arc::clone(router), over: Arc::clone(&over) };
        watch_messages(&live.pipeline, &watcher);
        watch_arrival(watcher, over);
        pipeline::play(&live.pipeline)?;
        Ok(live)
    }

    /// Lets the encoder give out what it holds, then closes the device.
    pub(crate) fn stop(&self) {
        self.over.set();
        if self.router.is_alive(self.medium) && self.pipeline.send_event(gst::event::Eos::new()) {
            self.router.wait_ended(self.medium, DRAIN_LIMIT);
        }
        pipeline::shut(&self.pipeline);
        self.router.end(self.medium, End::Stopped);
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if !self.over.is_set() {
            self.over.set();
            pipeline::shut(&self.pipeline);
        }
    }
}

fn take_frames(pipeline: &gst::Pipeline, medium: Medium, router: &Arc<Router>) -> Result<(), MediaError> {
    let (frames, end) = (Arc::clone(router), Arc::clone(router));
    let callbacks = gst_app::AppSinkCallbacks::builder()
        .new_sample(move |sink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            take(&frames, medium, sample)
        })
        // Live sources end only when told to.
        .eos(move |_| end.end(medium, End::Stopped))
        .build();
    pipeline::appsink(pipeline, "out")?.set_callbacks(callbacks);
    Ok(())
}

fn take(router: &Router, medium: Medium, sample: gst::Sample) -> Result<gst::FlowSuccess, gst::FlowError> {
    let caps = sample.caps_owned().ok_or(gst::FlowError::NotNegotiated)?;
    let segment = sample.segment().and_then(|segment| segment.downcast_ref()).cloned();
    let segment: gst::FormattedSegment<gst::ClockTime> = segment.ok_or(gst::FlowError::Error)?;
    let buffer = sample.buffer_owned().ok_or(gst::FlowError::Error)?;
    drop(sample);
    // Encoders stamp as they like; running time is what all pipelines share.
    let to_axis = |time| segment.to_running_time_full(time).map(signed_ns);
    let frame = Frame::read(buffer, default_duration_ns(medium, &caps), to_axis);
    let mut frame = frame.ok_or(gst::FlowError::Error)?;
    if medium == Medium::Audio {
        (frame.key, frame.dts_ns) = (true, None);
    }
    router.push(medium, &caps, frame).map(|()| gst::FlowSuccess::Ok)
}

fn signed_ns(time: gst::Signed<gst::ClockTime>) -> i64 {
    match time {
        gst::Signed::Positive(time) => clock_ns(time),
        gst::Signed::Negative(time) => -clock_ns(time),
    }
}

fn watch_messages(pipeline: &gst::Pipeline, watcher: &Arc<Watcher>) {
    let Some(bus) = pipeline.bus() else { return };
    let watcher = Arc::clone(watcher);
    bus.set_sync_handler(move |_, message| {
        watcher.see(message);
        gst::BusSyncReply::Drop
    });
}

/// A device can fall silent without a word: what counts is that frames come.
fn watch_arrival(watcher: Arc<Watcher>, over: Arc<Latch>) {
    std::thread::spawn(move || {
        while !over.wait(LOOK_EVERY) && watcher.router.is_alive(watcher.medium) {
            watcher.look();
        }
    });
}

/// Watches over a live source: reads its pipeline's messages, in the thread that sends them, and
/// looks whether its frames come.
struct Watcher {
    pipeline: gst::glib::WeakRef<gst::Pipeline>,
    source: Source,
    medium: Medium,
    router: Arc<Router>,
    /// When overruns began to count, and how many there were.
    storm: Mutex<(Instant, u32)>,
}

impl Watcher {
    fn new(pipeline: &gst::Pipeline, plan: &LivePlan, router: &Arc<Router>) -> Self {
        Self {
            pipeline: pipeline.downgrade(),
            source: plan.source.clone(),
            medium: plan.medium,
            router: Arc::clone(router),
            storm: Mutex::new((Instant::now(), 0)),
        }
    }

    fn look(&self) {
        self.router.flush_if_idle();
        if let Some(silence) = self.router.silence(self.medium) {
            let unit = match self.medium {
                Medium::Video => "frame",
                Medium::Audio => "packet",
            };
            self.give_up(format!("no {unit} for {} s", silence.as_secs()));
        }
    }

    fn see(&self, message: &gst::MessageRef) {
        let from_device = message.src().is_some_and(|element| element.name() == "src");
        match message.view() {
            gst::MessageView::Error(error) => self.failed(error),
            gst::MessageView::Warning(warning) if from_device => self.warned(&warning.error()),
            gst::MessageView::Qos(qos) if from_device => self.driver_lost(qos),
            _ => {}
        }
    }

    fn failed(&self, error: &gst::message::Error) {
        let reason = pipeline::reason_of(error);
        if self.router.is_starting() {
            self.router.fail_start(self.classify(&error.error(), &error.debug().unwrap_or_default()));
        }
        self.give_up(reason);
    }

    fn give_up(&self, reason: String) {
        self.router.end(self.medium, End::Failed(format!("{}: {reason}", self.source.device())));
        if let Some(pipeline) = self.pipeline.upgrade() {
            pipeline::shut_later(&pipeline);
        }
    }

    /// Some elements say what is wrong by the code, others only in the system's words.
    fn classify(&self, error: &gst::glib::Error, debug: &str) -> MediaError {
        let device = self.source.device();
        let says = |words: &[&str]| words.iter().any(|words| debug.contains(words));
        match error.kind::<gst::ResourceError>() {
            Some(gst::ResourceError::Busy) => MediaError::Busy { device },
            Some(gst::ResourceError::NotFound) => MediaError::Missing { device },
            Some(gst::ResourceError::NotAuthorized) => MediaError::Refused { device },
            Some(_) if says(&["Device or resource busy"]) => MediaError::Busy { device },
            Some(_) if says(&["Permission denied", "Operation not permitted"]) => MediaError::Refused { device },
            Some(_) if says(&["No such file or directory", "No such device"]) => MediaError::Missing { device },
            _ => MediaError::pipeline(device, pipeline::reason(error, debug)),
        }
    }

    /// A microphone that is gone may only warn, again and again.
    fn warned(&self, warning: &gst::glib::Error) {
        if self.medium != Medium::Audio || warning.kind::<gst::CoreError>() != Some(gst::CoreError::Clock) {
            tracing::warn!(source = %self.source, %warning, "device warning");
            return;
        }
        if self.is_storm() {
            self.give_up("gives no more sound; it may have been unplugged".to_owned());
        } else {
            self.router.lost(self.medium, 1, "the microphone was not read in time");
        }
    }

    fn is_storm(&self) -> bool {
        let mut storm = lock(&self.storm);
        if storm.0.elapsed() > STORM_TIME {
            *storm = (Instant::now(), 0);
        }
        storm.1 += 1;
        storm.1 >= STORM_COUNT
    }

    /// The driver's frame numbers jumped; the message holds the time they stand for.
    fn driver_lost(&self, qos: &gst::message::Qos) {
        let lost_ns = qos.get().4.map_or(0, clock_ns);
        self.router.lost_for(self.medium, lost_ns, "the camera driver lost frames");
    }
}

#[cfg(test)]
mod tests;
