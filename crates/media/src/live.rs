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
use crate::inlet::{Failure, Inlet};
use crate::notice::FailureKind;
use crate::pipeline::{self, Changes};
use crate::router::track::{AskKey, Wish};
use crate::source::Source;
use crate::sync::{Latch, lock};

/// How long an encoder may take to give out its last frames.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);
/// How often a source is looked at for frames that do not come.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Who looks so late was stopped, and the sources may be fine.
const LOOK_LATE: Duration = Duration::from_secs(1);
/// A device that gave something within this time works.
const DEVICE_IDLE_MAX: Duration = Duration::from_secs(1);
/// So many overruns …
const STORM_COUNT: u32 = 10;
/// … within this time mean the device is gone, though it does not say so.
const STORM_TIME: Duration = Duration::from_secs(2);

/// A live source, described but not opened.
pub(crate) struct LivePlan {
    pub(crate) source: Source,
    pub(crate) medium: Medium,
    pub(crate) encoder: String,
    /// Pipeline description: the device is `src`, the queue before the encoder `raw`, the appsink `out`.
    pub(crate) description: String,
    /// Properties of `src` whose value may hold anything.
    pub(crate) device: Option<String>,
}

/// A live source that runs.
pub(crate) struct Live {
    pipeline: gst::Pipeline,
    inlet: Inlet,
    changes: Changes,
    /// It is being stopped: silence is no failure any more.
    over: Arc<Latch>,
}

impl LivePlan {
    pub(crate) fn wish(&self) -> Wish {
        let (origin, encoder) = (self.source.device(), self.encoder.clone());
        Wish { medium: self.medium, origin, encoder, live: true }
    }
}

impl Live {
    pub(crate) fn start(plan: &LivePlan, inlet: Inlet, changes: &Changes) -> Result<Self, MediaError> {
        let pipeline = pipeline::build(&plan.description)?;
        if let Some(device) = &plan.device {
            pipeline::element(&pipeline, "src")?.set_property("device", device);
        }
        // Its running time begins now: some sources count from 0 whenever they are started.
        let moment = inlet.time().moment();
        pipeline.use_clock(Some(inlet.time().clock()));
        pipeline.set_start_time(gst::ClockTime::NONE);
        pipeline.set_base_time(moment.base);
        let over = Arc::new(Latch::default());
        let watcher = Arc::new(Watcher::new(&pipeline, plan, &inlet, changes));
        take_frames(&pipeline, &watcher, moment.offset_ns, &over)?;
        inlet.note_ask_key(ask_key(&pipeline)?);
        let live = Self { pipeline, inlet, changes: changes.clone(), over };
        watch_device(&live.pipeline, &watcher);
        watch_messages(&live.pipeline, &watcher);
        watch_arrival(watcher, Arc::clone(&live.over));
        pipeline::play_device(&live.pipeline, changes)?;
        Ok(live)
    }

    /// As if the recorder had stood still until now.
    #[cfg(test)]
    pub(crate) fn excuse(&self) {
        self.inlet.excuse();
    }

    #[cfg(test)]
    pub(crate) fn element(&self, name: &str) -> gst::Element {
        pipeline::element(&self.pipeline, name).unwrap()
    }

    /// Closes the device. If it is to be drained, the encoder first gives out what it holds.
    pub(crate) fn stop(&self, drains: bool) {
        self.over.set();
        if drains && self.inlet.is_open() && self.pipeline.send_event(gst::event::Eos::new()) {
            self.inlet.wait_over(DRAIN_LIMIT);
        }
        self.inlet.close();
        pipeline::shut_device(&self.pipeline, &self.changes);
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if !self.over.is_set() {
            self.stop(false);
        }
    }
}

fn take_frames(
    pipeline: &gst::Pipeline,
    watcher: &Arc<Watcher>,
    offset_ns: i64,
    over: &Arc<Latch>,
) -> Result<(), MediaError> {
    let (inlet, watcher, over) = (watcher.inlet.clone(), Arc::clone(watcher), Arc::clone(over));
    let callbacks = gst_app::AppSinkCallbacks::builder()
        .new_sample(move |sink| {
            let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            take(&inlet, offset_ns, sample)
        })
        .eos(move |_| {
            // Live sources end only when told to.
            if over.is_set() {
                watcher.inlet.close();
            } else {
                watcher.give_up(FailureKind::Gone, "ended by itself");
            }
        })
        .build();
    pipeline::appsink(pipeline, "out")?.set_callbacks(callbacks);
    Ok(())
}

fn take(inlet: &Inlet, offset_ns: i64, sample: gst::Sample) -> Result<gst::FlowSuccess, gst::FlowError> {
    let caps = sample.caps_owned().ok_or(gst::FlowError::NotNegotiated)?;
    let segment = sample.segment().and_then(|segment| segment.downcast_ref()).cloned();
    let segment: gst::FormattedSegment<gst::ClockTime> = segment.ok_or(gst::FlowError::Error)?;
    let buffer = sample.buffer_owned().ok_or(gst::FlowError::Error)?;
    drop(sample);
    // Encoders stamp as they like; running time is what all pipelines have.
    let to_running = |time| segment.to_running_time_full(time).map(signed_ns);
    let frame = Frame::read(buffer, default_duration_ns(inlet.medium(), &caps), to_running);
    let mut frame = frame.ok_or(gst::FlowError::Error)?.later_by(offset_ns);
    if inlet.medium() == Medium::Audio {
        (frame.key, frame.dts_ns) = (true, None);
    }
    inlet.push(&caps, frame).map(|()| gst::FlowSuccess::Ok)
}

fn signed_ns(time: gst::Signed<gst::ClockTime>) -> i64 {
    match time {
        gst::Signed::Positive(time) => clock_ns(time),
        gst::Signed::Negative(time) => -clock_ns(time),
    }
}

/// Asks the encoder for a key frame. One that cannot goes on as it likes.
fn ask_key(pipeline: &gst::Pipeline) -> Result<AskKey, MediaError> {
    let out = pipeline::appsink(pipeline, "out")?.downgrade();
    Ok(Arc::new(move || {
        let wish = gst::Structure::builder("GstForceKeyUnit").field("all-headers", true).field("count", 0_u32).build();
        if let Some(pad) = out.upgrade().and_then(|out| out.static_pad("sink")) {
            pad.push_event(gst::event::CustomUpstream::new(wish));
        }
    }))
}

/// Notes when the device gave something, whatever the encoder makes of it.
fn watch_device(pipeline: &gst::Pipeline, watcher: &Arc<Watcher>) {
    let queue = pipeline.by_name("raw").and_then(|queue| queue.static_pad("src"));
    let Some(queue) = queue else { return };
    let watcher = Arc::clone(watcher);
    queue.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        *lock(&watcher.device_gave) = Some(Instant::now());
        gst::PadProbeReturn::Ok
    });
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
        let mut looked = Instant::now();
        while !over.wait(LOOK_EVERY) && watcher.inlet.is_open() {
            if looked.elapsed() > LOOK_LATE {
                watcher.inlet.excuse();
            }
            looked = Instant::now();
            watcher.look();
        }
    });
}

/// Watches over a live source: reads its pipeline's messages, in the thread that sends them, and
/// looks whether its frames come.
struct Watcher {
    pipeline: gst::glib::WeakRef<gst::Pipeline>,
    source: Source,
    inlet: Inlet,
    changes: Changes,
    /// When overruns began to count, and how many there were.
    storm: Mutex<(Instant, u32)>,
    device_gave: Mutex<Option<Instant>>,
}

impl Watcher {
    fn new(pipeline: &gst::Pipeline, plan: &LivePlan, inlet: &Inlet, changes: &Changes) -> Self {
        Self {
            pipeline: pipeline.downgrade(),
            source: plan.source.clone(),
            inlet: inlet.clone(),
            changes: changes.clone(),
            storm: Mutex::new((Instant::now(), 0)),
            device_gave: Mutex::default(),
        }
    }

    fn look(&self) {
        self.inlet.look();
        if self.inlet.slept() {
            return self.give_up(FailureKind::Slept, "the machine slept");
        }
        let Some(silence) = self.inlet.silence() else { return };
        let (unit, seconds) = (self.unit(), silence.idle.as_secs());
        match silence.stuck {
            Some(stuck) => {
                self.give_up(FailureKind::BadTimestamps, &format!("its times stand still: {stuck} {unit}s in a row"));
            }
            None if self.device_works() => {
                self.give_up(FailureKind::Encoder, &format!("the encoder gave no {unit} for {seconds} s"));
            }
            None => self.give_up(FailureKind::Silent, &format!("no {unit} for {seconds} s")),
        }
    }

    fn unit(&self) -> &'static str {
        match self.inlet.medium() {
            Medium::Video => "frame",
            Medium::Audio => "packet",
        }
    }

    fn device_works(&self) -> bool {
        lock(&self.device_gave).is_some_and(|gave| gave.elapsed() < DEVICE_IDLE_MAX)
    }

    fn see(&self, message: &gst::MessageRef) {
        let from_device = message.src().is_some_and(|element| element.name() == "src");
        match message.view() {
            gst::MessageView::Error(error) => self.failed(error, from_device),
            gst::MessageView::Warning(warning) if from_device => self.warned(&warning.error()),
            gst::MessageView::Qos(qos) if from_device => self.driver_lost(qos),
            _ => {}
        }
    }

    fn failed(&self, error: &gst::message::Error, from_device: bool) {
        let kind = if from_device { FailureKind::Gone } else { FailureKind::Encoder };
        let known = self.classify(&error.error(), &error.debug().unwrap_or_default());
        self.fail(kind, &pipeline::reason_of(error), Some(known));
    }

    fn give_up(&self, kind: FailureKind, reason: &str) {
        self.fail(kind, reason, None);
    }

    fn fail(&self, kind: FailureKind, reason: &str, error: Option<MediaError>) {
        let reason = format!("{}: {reason}", self.source.device());
        self.inlet.fail(Failure { kind, reason, error });
        if let Some(pipeline) = self.pipeline.upgrade() {
            pipeline::shut_device_later(&pipeline, &self.changes);
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
        if self.inlet.medium() != Medium::Audio || warning.kind::<gst::CoreError>() != Some(gst::CoreError::Clock) {
            tracing::warn!(source = %self.source, %warning, "device warning");
            return;
        }
        if self.is_storm() {
            self.give_up(FailureKind::Gone, "gives no more sound; it may have been unplugged");
        } else {
            self.inlet.lost("microphone", 1, "the microphone was not read in time");
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
        self.inlet.lost_for("camera", lost_ns, "the camera driver lost frames");
    }
}

#[cfg(test)]
mod tests;
