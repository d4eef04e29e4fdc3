// SPDX-License-Identifier: MIT OR Apache-2.0
//! Plays an MP4 recorded earlier: every packet of it, untouched, at its pace or as fast as it goes.
//!
//! A file that is played again and again at its own pace stands for a camera: it runs whether it is recorded or not, does
//! not wait, is opened anew for each round, and fails when it is not there any more. Any other is played for a recording:
//! it waits until one takes it, and nothing of it is left out. One file is one demultiplexer, whatever tracks are wanted
//! from it; its single thread hands frames on in the order of their times. Must not know chunks.

mod pace;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use crate::edits::{Shifts, take_edits};
use crate::error::MediaError;
use crate::event::Medium;
use crate::frame::{Frame, clock_ns, default_duration_ns};
use crate::inlet::{Failure, Inlet};
use crate::notice::FailureKind;
use crate::pipeline;
use crate::replay::pace::Held;
use crate::router::Router;
use crate::router::track::Wish;
use crate::settings::{Pace, ReplaySettings};
use crate::sync::{Latch, lock};

/// How often a running pass looks whether it should stop.
const STOP_CHECK: gst::ClockTime = gst::ClockTime::from_mseconds(100);
/// How long the player's thread may take to end.
const JOIN_LIMIT: Duration = Duration::from_secs(5);

/// What to play.
#[derive(Debug, Clone)]
pub(crate) struct ReplayPlan {
    pub(crate) path: PathBuf,
    pub(crate) media: Vec<Medium>,
    pub(crate) settings: ReplaySettings,
}

/// A file being played.
pub(crate) struct Replay {
    player: Arc<Player>,
    thread: Mutex<Option<JoinHandle<()>>>,
    over: Arc<Latch>,
}

struct Player {
    plan: ReplayPlan,
    router: Arc<Router>,
    /// Where frames go, of each medium that is wanted now.
    inlets: Mutex<Vec<Inlet>>,
    stop: Latch,
    /// Tracks of this pass that have not come to their end.
    tracks_open: AtomicUsize,
    shifts: Mutex<Shifts>,
    /// Where this pass begins on the replay's own time line.
    pass_start_ns: AtomicI64,
    /// Where the file's first frame begins (0 at most) and its last ends, on its own time line.
    first_ns: AtomicI64,
    end_ns: AtomicI64,
    held: Mutex<Held>,
}

impl ReplaySettings {
    /// Whether what is played so stands for a camera or microphone.
    pub(crate) fn is_live(self) -> bool {
        self.pace == Pace::Real && self.repeat
    }
}

impl ReplayPlan {
    fn wish(&self, medium: Medium) -> Wish {
        let origin = self.path.display().to_string();
        Wish { medium, origin, encoder: "passthrough".to_owned(), live: self.settings.is_live() }
    }

    fn unreadable(&self, reason: impl Into<String>) -> MediaError {
        MediaError::Unreadable { path: self.path.clone(), reason: reason.into() }
    }

    fn unsupported(&self, reason: impl Into<String>) -> MediaError {
        MediaError::Unsupported { origin: self.path.display().to_string(), reason: reason.into() }
    }

    fn check_readable(&self) -> Result<(), MediaError> {
        let file = std::fs::File::open(&self.path).map_err(|error| self.unreadable(error.to_string()))?;
        let meta = file.metadata().map_err(|error| self.unreadable(error.to_string()))?;
        if meta.is_file() { Ok(()) } else { Err(self.unreadable("is not a file")) }
    }
}

impl Replay {
    /// Checks the file and starts to play it.
    pub(crate) fn start(plan: ReplayPlan, router: &Arc<Router>) -> Result<Self, MediaError> {
        plan.check_readable()?;
        let inlets = plan.media.iter().map(|medium| Inlet::open(router, plan.wish(*medium))).collect();
        let player = Arc::new(Player {
            plan,
            router: Arc::clone(router),
            inlets: Mutex::new(inlets),
            stop: Latch::default(),
            tracks_open: AtomicUsize::new(0),
            shifts: Mutex::default(),
            pass_start_ns: AtomicI64::new(0),
            first_ns: AtomicI64::new(0),
            end_ns: AtomicI64::new(0),
            held: Mutex::default(),
        });
        let over = Arc::new(Latch::default());
        let (runner, ended) = (Arc::clone(&player), Arc::clone(&over));
        let thread = std::thread::spawn(move || {
            runner.run();
            ended.set();
        });
        Ok(Self { player, thread: Mutex::new(Some(thread)), over })
    }

    /// Whether this file is being played with this medium.
    pub(crate) fn plays(&self, path: &Path, medium: Medium) -> bool {
        !self.over.is_set() && self.player.plan.path == path && self.player.plan.media.contains(&medium)
    }

    /// Goes on with a medium that was given up while the other was not.
    pub(crate) fn attach(&self, medium: Medium) -> Inlet {
        let inlet = Inlet::open(&self.player.router, self.player.plan.wish(medium));
        let mut inlets = lock(&self.player.inlets);
        inlets.retain(|known| known.medium() != medium);
        inlets.push(inlet.clone());
        inlet
    }

    pub(crate) fn inlets(&self) -> Vec<Inlet> {
        lock(&self.player.inlets).clone()
    }

    /// This medium is not wanted any more. Without any the file is closed.
    pub(crate) fn detach(&self, medium: Medium) {
        let mut inlets = lock(&self.player.inlets);
        inlets.iter().filter(|inlet| inlet.medium() == medium).for_each(Inlet::close);
        inlets.retain(|inlet| inlet.medium() != medium);
        let is_last = inlets.is_empty();
        drop(inlets);
        if is_last {
            self.stop();
        }
    }

    fn stop(&self) {
        self.player.stop.set();
        self.player.router.wake();
        if !self.over.wait(JOIN_LIMIT) {
            tracing::error!(file = %self.player.plan.path.display(), "replay does not stop");
            return;
        }
        if let Some(thread) = lock(&self.thread).take() {
            // A panic in the player was reported when it happened.
            let _ = thread.join();
        }
    }
}

impl Player {
    fn run(self: &Arc<Self>) {
        let outcome = self.play_all();
        for inlet in lock(&self.inlets).iter() {
            match &outcome {
                _ if self.stop.is_set() => inlet.close(),
                // The other track never began, and that is what is wrong.
                Ok(()) if self.is_held(inlet.medium()) => inlet.close(),
                Ok(()) => inlet.end(),
                Err(error) => {
                    let (reason, error) = (error.to_string(), Some(error.clone()));
                    inlet.fail(Failure { kind: FailureKind::Gone, reason, error });
                }
            }
        }
    }

    fn play_all(self: &Arc<Self>) -> Result<(), MediaError> {
        loop {
            self.play_once()?;
            if self.stop.is_set() || !self.plan.settings.repeat {
                return Ok(());
            }
            let length_ns = self.length_ns();
            if length_ns <= 0 {
                return Err(self.plan.unsupported("holds no frame"));
            }
            self.pass_start_ns.fetch_add(length_ns, Ordering::Relaxed);
        }
    }

    /// From the first frame to the end of the longest track. Frames before 0 (an encoder's
    /// priming) count, or the next pass would begin before this one's end.
    fn length_ns(&self) -> i64 {
        self.end_ns.load(Ordering::Relaxed) - self.first_ns.load(Ordering::Relaxed)
    }

    fn play_once(self: &Arc<Self>) -> Result<(), MediaError> {
        self.plan.check_readable()?;
        self.tracks_open.store(self.plan.media.len(), Ordering::Relaxed);
        let pipeline = self.build()?;
        let outcome = pipeline::play(&pipeline).and_then(|()| self.wait_end(&pipeline));
        pipeline::shut(&pipeline);
        outcome
    }

    fn wait_end(&self, pipeline: &gst::Pipeline) -> Result<(), MediaError> {
        let bus = pipeline.bus().ok_or_else(|| self.plan.unreadable("no bus"))?;
        let wanted = [gst::MessageType::Error, gst::MessageType::Application];
        while !self.stop.is_set() {
            let message = bus.timed_pop_filtered(STOP_CHECK, &wanted);
            match message.as_ref().map(|message| message.view()) {
                Some(gst::MessageView::Error(error)) => {
                    return Err(self.failed(error));
                }
                Some(gst::MessageView::Application(word)) => return self.read_word(word),
                _ => self.router.look(),
            }
        }
        Ok(())
    }

    /// Whether the file could not be read, or is not what it should be.
    fn failed(&self, error: &gst::message::Error) -> MediaError {
        let (path, reason) = (self.plan.path.clone(), pipeline::reason_of(error));
        match error.error().is::<gst::StreamError>() {
            true => MediaError::NotMp4 { path, reason },
            false => MediaError::Unreadable { path, reason },
        }
    }

    /// What this module's own callbacks put on the bus: the reason for a refusal, or none at the
    /// end of all tracks.
    fn read_word(&self, word: &gst::message::Application) -> Result<(), MediaError> {
        let reason = word.structure().and_then(|fields| fields.get::<String>("reason").ok());
        reason.map_or(Ok(()), |reason| Err(self.plan.unsupported(reason)))
    }

    fn build(self: &Arc<Self>) -> Result<gst::Pipeline, MediaError> {
        let pipeline = pipeline::build("filesrc name=src ! qtdemux name=demux")?;
        pipeline::element(&pipeline, "src")?.set_property("location", &self.plan.path);
        let demux = pipeline::element(&pipeline, "demux")?;
        self.blank_edits(&demux)?;
        for medium in &self.plan.media {
            let sink = self.sink(*medium);
            let fail = |error| MediaError::pipeline("adding a sink", error);
            pipeline.add(&sink).map_err(fail)?;
        }
        self.link_when_known(&demux);
        Ok(pipeline)
    }

    /// Edit lists would make the demuxer drop packets; see `edits`.
    fn blank_edits(self: &Arc<Self>, demux: &gst::Element) -> Result<(), MediaError> {
        let pad = demux.static_pad("sink").ok_or_else(|| self.plan.unreadable("no demuxer input"))?;
        let player = Arc::clone(self);
        let header = gst::PadProbeType::PULL | gst::PadProbeType::BUFFER;
        pad.add_probe(header, move |_, info| {
            let taken = info.buffer_mut().is_some_and(|buffer| player.take_header(buffer));
            if taken { gst::PadProbeReturn::Remove } else { gst::PadProbeReturn::Ok }
        });
        Ok(())
    }

    /// Whether this was the header.
    fn take_header(&self, buffer: &mut gst::Buffer) -> bool {
        let is_moov = buffer.map_readable().is_ok_and(|bytes| bytes.get(4..8) == Some(b"moov") && bytes.len() > 16);
        if !is_moov {
            return false;
        }
        let shifts = match buffer.make_mut().map_writable() {
            Ok(mut bytes) => take_edits(&mut bytes),
            Err(_) => None,
        };
        if let Some(shifts) = shifts {
            *lock(&self.shifts) = shifts;
        }
        shifts.is_some()
    }

    fn link_when_known(self: &Arc<Self>, demux: &gst::Element) {
        let player = Arc::clone(self);
        demux.connect_pad_added(move |demux, pad| {
            if let Err(reason) = player.link(demux, pad) {
                refuse(demux, &reason);
            }
        });
        let media = self.plan.media.clone();
        demux.connect_no_more_pads(move |demux| {
            let missing = media.iter().find(|medium| demux.static_pad(pad_name(**medium)).is_none());
            if let Some(medium) = missing {
                refuse(demux, &format!("has no {medium} track; record without {medium}"));
            }
        });
    }

    fn link(&self, demux: &gst::Element, pad: &gst::Pad) -> Result<(), String> {
        let Some(medium) = self.plan.media.iter().find(|medium| pad.name() == pad_name(**medium)) else {
            return Ok(());
        };
        check_codec(*medium, &pad.current_caps())?;
        let parent = demux.parent().and_downcast::<gst::Pipeline>();
        let sink = parent.and_then(|pipeline| pipeline.by_name(sink_name(*medium)));
        let input = sink.and_then(|sink| sink.static_pad("sink")).ok_or("the sink is missing")?;
        pad.link(&input).map(|_| ()).map_err(|error| error.to_string())
    }

    fn sink(self: &Arc<Self>, medium: Medium) -> gst_app::AppSink {
        let (player, at_end) = (Arc::clone(self), Arc::clone(self));
        let callbacks = gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| player.take(medium, sink))
            .eos(move |sink| at_end.track_end(medium, sink))
            .build();
        gst_app::AppSink::builder()
            .name(sink_name(medium))
            .sync(false)
            .async_(false)
            .max_buffers(1)
            .enable_last_sample(false)
            .callbacks(callbacks)
            .build()
    }

    /// A track that is shorter than the other ends by itself.
    fn track_end(&self, medium: Medium, sink: &gst_app::AppSink) {
        if !self.plan.settings.repeat && !self.stop.is_set() {
            self.end_track(medium);
        }
        if self.tracks_open.fetch_sub(1, Ordering::Relaxed) == 1 {
            say(sink.upcast_ref(), gst::Structure::new_empty("ended"));
        }
    }

    fn take(&self, medium: Medium, sink: &gst_app::AppSink) -> Result<gst::FlowSuccess, gst::FlowError> {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let caps = sample.caps().ok_or(gst::FlowError::NotNegotiated)?;
        let duration_ns = default_duration_ns(medium, caps);
        let shift_ns = lock(&self.shifts).of(medium);
        let to_file = |time| Some(clock_ns(time) + shift_ns);
        let buffer = sample.buffer_owned().ok_or(gst::FlowError::Error)?;
        // The sample's own reference would make every later write a copy.
        let caps = caps.to_owned();
        drop(sample);
        let mut frame = Frame::read(buffer, duration_ns, to_file).ok_or(gst::FlowError::Error)?;
        if medium == Medium::Audio {
            (frame.key, frame.dts_ns) = (true, None);
        }
        self.first_ns.fetch_min(frame.pts_ns, Ordering::Relaxed);
        self.end_ns.fetch_max(frame.end_ns(), Ordering::Relaxed);
        let frame = frame.later_by(self.pass_start_ns.load(Ordering::Relaxed));
        self.deliver(medium, &caps, frame).map(|()| gst::FlowSuccess::Ok)
    }
}

/// Tells the player's thread that this file cannot be played.
fn refuse(demux: &gst::Element, reason: &str) {
    say(demux, gst::Structure::builder("refused").field("reason", reason).build());
}

fn say(element: &gst::Element, word: gst::Structure) {
    let message = gst::message::Application::builder(word).src(element).build();
    if element.post_message(message).is_err() {
        tracing::warn!(element = %element.name(), "nobody listens to this replay any more");
    }
}

fn pad_name(medium: Medium) -> &'static str {
    match medium {
        Medium::Video => "video_0",
        Medium::Audio => "audio_0",
    }
}

fn sink_name(medium: Medium) -> &'static str {
    match medium {
        Medium::Video => "video",
        Medium::Audio => "audio",
    }
}

fn check_codec(medium: Medium, caps: &Option<gst::Caps>) -> Result<(), String> {
    let fields = caps.as_ref().and_then(|caps| caps.structure(0)).ok_or("has no format")?;
    let text = |field: &str| fields.get::<String>(field).unwrap_or_default();
    let fits = match medium {
        Medium::Video => fields.name() == "video/x-h264" && text("stream-format").starts_with("avc"),
        Medium::Audio => fields.name() == "audio/mpeg" && fields.get::<i32>("mpegversion") == Ok(4),
    };
    let codec = fields.name();
    if fits {
        return Ok(());
    }
    Err(format!("its {medium} is {codec}; only H.264 and AAC are passed through, convert the file"))
}
