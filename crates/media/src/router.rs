// SPDX-License-Identifier: MIT OR Apache-2.0
//! Brings the tracks together: begins when each has its first frame, goes on with the tracks that
//! live, and says when everything is over.
//!
//! Must not know how a source works. Invariants: a frame taken is in exactly one fragment or
//! counted as lost; `Finished` is the last event and comes once.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use gstreamer as gst;

use crate::chunker::{ChunkTrack, Chunker};
use crate::error::MediaError;
use crate::event::{Counters, Event, Medium, MediumCount, TrackInfo};
use crate::frame::{Frame, NS_PER_SECOND, timescale_hz};
use crate::header::{HeaderTrack, init_header};
use crate::outbox::{EventSink, Outbox};
use crate::photo::{self, GopMemory};
use crate::router_track::{Track, Wish};
use crate::sync::{lock, wait_while};

/// Frames that may wait for the other track's first frame.
const START_FRAMES_MAX: usize = 4096;
/// A living track goes this far past a dead one's end before a generation without it begins.
const OUTLIVE_NS: i64 = NS_PER_SECOND / 2;
/// Frames wait this much longer than a chunk for the next one.
const IDLE_NS: i64 = NS_PER_SECOND / 4;
/// A photo's picture may be no older, unless frames are that far apart.
const PHOTO_AGE_MAX_NS: i64 = NS_PER_SECOND;
const OVERFLOW: &str = "the recorder did not keep up; encoded frames were dropped";

/// Why a track is over.
#[derive(Debug, Clone)]
pub(crate) enum End {
    /// The file came to its end.
    Ended,
    /// The device gave up.
    Failed(String),
    /// The caller wanted it.
    Stopped,
}

pub(crate) struct Router {
    state: Mutex<State>,
    changed: Condvar,
    outbox: Arc<Outbox>,
    chunk_ns: i64,
    picture: Mutex<GopMemory>,
}

enum Phase {
    Starting,
    Running(Chunker),
    Over,
}

struct State {
    phase: Phase,
    /// Video first: the header numbers tracks in this order.
    tracks: Vec<Track>,
    zero_ns: i64,
    generation: u32,
    sequence: u32,
    failure: Option<MediaError>,
}

impl Router {
    pub(crate) fn new(wishes: Vec<Wish>, chunk_ms: u32, events: EventSink) -> Arc<Self> {
        let state = State {
            phase: Phase::Starting,
            tracks: wishes.into_iter().map(Track::new).collect(),
            zero_ns: 0,
            generation: 0,
            sequence: 1,
            failure: None,
        };
        Arc::new(Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            outbox: Outbox::start(events),
            chunk_ns: i64::from(chunk_ms) * 1_000_000,
            picture: Mutex::new(GopMemory::default()),
        })
    }

    /// Takes one frame. An error means: this track is over, send no more.
    pub(crate) fn push(&self, medium: Medium, caps: &gst::CapsRef, frame: Frame) -> Result<(), gst::FlowError> {
        let mut state = lock(&self.state);
        let track = state.track_mut(medium).filter(|track| track.alive);
        let track = track.ok_or(gst::FlowError::Eos)?;
        if !track.accepts_caps(caps) {
            drop(state);
            self.end(medium, End::Failed("its format changed; stop and start anew".to_owned()));
            return Err(gst::FlowError::Eos);
        }
        let frame = track.arrive(frame);
        if medium == Medium::Video {
            lock(&self.picture).add(&frame.buffer, frame.key);
        }
        let taken = match state.phase {
            Phase::Starting => self.keep(&mut state, medium, frame),
            Phase::Running(_) => self.take(&mut state, medium, frame),
            Phase::Over => Err(gst::FlowError::Eos),
        };
        drop(state);
        self.changed.notify_all();
        taken
    }

    /// Blocks until the caller has taken enough for this source, which can wait, to go on.
    pub(crate) fn wait_room(&self, stopped: impl Fn() -> bool) {
        self.outbox.wait_room(stopped);
    }

    /// Before all tracks have begun, frames wait.
    fn keep(&self, state: &mut State, medium: Medium, frame: Frame) -> Result<(), gst::FlowError> {
        let track = state.track_mut(medium).ok_or(gst::FlowError::Eos)?;
        if medium == Medium::Video && track.waiting.is_empty() && !frame.key {
            return Ok(());
        }
        track.waiting.push_back(frame);
        if track.waiting.len() > START_FRAMES_MAX {
            let reason = format!("{START_FRAMES_MAX} {medium} frames before the other track's first");
            state.fail(MediaError::pipeline("starting", reason));
            return Err(gst::FlowError::Error);
        }
        if state.tracks.iter().any(|track| track.waiting.is_empty()) {
            return Ok(());
        }
        self.begin(state).map_err(|error| {
            state.fail(error);
            gst::FlowError::Error
        })
    }

    /// Session time 0 is the first frame of all; nothing that came in is left out.
    fn begin(&self, state: &mut State) -> Result<(), MediaError> {
        let firsts = state.tracks.iter().flat_map(|track| &track.waiting);
        state.zero_ns = firsts.map(|frame| frame.pts_ns).min().unwrap_or(0);
        let heads = state.tracks.iter().filter_map(|track| track.waiting.front().cloned());
        let heads: Vec<Frame> = heads.collect();
        state.phase = Phase::Running(state.new_chunker(heads, self.chunk_ns)?);
        for (medium, frame) in in_time_order(&mut state.tracks) {
            self.chunk(state, medium, frame);
        }
        Ok(())
    }

    fn take(&self, state: &mut State, medium: Medium, frame: Frame) -> Result<(), gst::FlowError> {
        if state.outlives(medium, &frame) {
            self.next_generation(state, &frame)?;
        }
        let has_room = self.outbox.has_room();
        let Some(track) = state.track_mut(medium) else { return Err(gst::FlowError::Eos) };
        if track.wish.live && track.must_lose(has_room, frame.key) {
            return Ok(());
        }
        if let Some(count) = track.take_open_loss() {
            self.outbox.send(Event::Lost { medium, count, reason: OVERFLOW.to_owned() });
        }
        self.chunk(state, medium, frame);
        Ok(())
    }

    fn chunk(&self, state: &mut State, medium: Medium, frame: Frame) {
        if let Some(track) = state.track_mut(medium) {
            track.note(&frame);
        }
        let State { phase, sequence, .. } = state;
        if let Phase::Running(chunker) = phase
            && let Some(fragment) = chunker.push(medium, frame, sequence)
        {
            self.outbox.send(Event::Fragment(fragment));
        }
    }

    /// Goes on with the tracks that live, which is the one that `frame` is of. Times go on too.
    fn next_generation(&self, state: &mut State, frame: &Frame) -> Result<(), gst::FlowError> {
        self.flush(state);
        state.generation += 1;
        match state.new_chunker(vec![frame.clone()], self.chunk_ns) {
            Ok(chunker) => {
                state.phase = Phase::Running(chunker);
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "capture cannot go on with the tracks that live");
                Err(gst::FlowError::Error)
            }
        }
    }

    /// Frames do not wait in memory for a next one that may never come.
    pub(crate) fn flush_if_idle(&self) {
        let mut state = lock(&self.state);
        let limit_ns = self.chunk_ns + IDLE_NS;
        if state.tracks.iter().filter(|track| track.alive).all(|track| track.is_idle(limit_ns)) {
            self.flush(&mut state);
        }
    }

    /// How long this track has given nothing, if that is so long that its source must have failed.
    pub(crate) fn silence(&self, medium: Medium) -> Option<Duration> {
        let mut state = lock(&self.state);
        state.track_mut(medium).filter(|track| track.is_silent())?.idle()
    }

    pub(crate) fn is_alive(&self, medium: Medium) -> bool {
        lock(&self.state).track_mut(medium).is_some_and(|track| track.alive)
    }

    fn flush(&self, state: &mut State) {
        let State { phase, sequence, .. } = state;
        if let Phase::Running(chunker) = phase
            && let Some(fragment) = chunker.flush(sequence)
        {
            self.outbox.send(Event::Fragment(fragment));
        }
    }

    /// This track is over. May be said more than once; the first counts.
    pub(crate) fn end(&self, medium: Medium, end: End) {
        let mut state = lock(&self.state);
        let Some(track) = state.track_mut(medium).filter(|track| track.alive) else { return };
        track.alive = false;
        if medium == Medium::Video {
            // What it showed last is soon the picture of long ago.
            lock(&self.picture).clear();
        }
        let (open_loss, empty) = (track.take_open_loss(), track.waiting.is_empty());
        let failure = track.no_first_frame(&end);
        if let (Phase::Starting, true) = (&state.phase, empty) {
            // Start itself reports this; there will be no events.
            state.fail(failure);
        } else {
            self.tell(medium, open_loss, end);
        }
        if state.tracks.iter().all(|track| !track.alive) {
            self.finish(&mut state);
        }
        drop(state);
        self.changed.notify_all();
    }

    fn tell(&self, medium: Medium, open_loss: Option<u64>, end: End) {
        if let Some(count) = open_loss {
            self.outbox.send(Event::Lost { medium, count, reason: OVERFLOW.to_owned() });
        }
        match end {
            End::Ended => self.outbox.send(Event::Ended { medium }),
            End::Failed(reason) => self.outbox.send(Event::Failed { medium, reason }),
            End::Stopped => {}
        }
    }

    fn finish(&self, state: &mut State) {
        self.flush(state);
        match std::mem::replace(&mut state.phase, Phase::Over) {
            Phase::Starting => self.outbox.abandon(),
            Phase::Running(_) => self.outbox.send(Event::Finished),
            Phase::Over => {}
        }
    }

    /// Frames the driver says it lost.
    pub(crate) fn lost(&self, medium: Medium, count: u64, reason: &str) {
        if let Some(track) = lock(&self.state).track_mut(medium) {
            track.count.lost += count;
        }
        self.outbox.send(Event::Lost { medium, count, reason: reason.to_owned() });
    }

    /// The driver says for how long it lost frames.
    pub(crate) fn lost_for(&self, medium: Medium, lost_ns: i64, reason: &str) {
        let frame_ns = lock(&self.state).track_mut(medium).and_then(|track| track.frame_ns());
        let frames = frame_ns.map_or(1, |frame_ns| (lost_ns + frame_ns / 2) / frame_ns);
        self.lost(medium, frames.max(1).unsigned_abs(), reason);
    }

    /// Start has failed; whoever waits for it is told why. The first reason counts.
    pub(crate) fn fail_start(&self, error: MediaError) {
        lock(&self.state).fail(error);
        self.changed.notify_all();
    }

    /// What went wrong first: a device's own words over the pipeline's.
    pub(crate) fn first_failure(&self, fallback: MediaError) -> MediaError {
        lock(&self.state).failure.clone().unwrap_or(fallback)
    }

    pub(crate) fn is_starting(&self) -> bool {
        matches!(lock(&self.state).phase, Phase::Starting)
    }

    /// Waits until frames flow or start has failed.
    pub(crate) fn wait_started(&self, timeout_ms: u32) -> Result<(), MediaError> {
        let limit = Duration::from_millis(u64::from(timeout_ms));
        let busy = |state: &mut State| matches!(state.phase, Phase::Starting) && state.failure.is_none();
        let state = wait_while(lock(&self.state), &self.changed, limit, busy);
        match (&state.phase, &state.failure) {
            (_, Some(failure)) => Err(failure.clone()),
            (Phase::Starting, None) => Err(state.no_frame(timeout_ms)),
            _ => Ok(()),
        }
    }

    /// Waits until this track is over.
    pub(crate) fn wait_ended(&self, medium: Medium, limit: Duration) {
        let alive = |state: &mut State| state.track_mut(medium).is_some_and(|track| track.alive);
        drop(wait_while(lock(&self.state), &self.changed, limit, alive));
    }

    /// Ends what still lives and waits until everything is delivered. `false` if it took too long.
    pub(crate) fn stop(&self, limit: Duration) -> bool {
        Medium::BOTH.into_iter().for_each(|medium| self.end(medium, End::Stopped));
        self.outbox.wait_finished(limit)
    }

    pub(crate) fn zero_ns(&self) -> i64 {
        lock(&self.state).zero_ns
    }

    pub(crate) fn tracks(&self) -> Vec<TrackInfo> {
        lock(&self.state).tracks.iter().filter_map(Track::info).collect()
    }

    pub(crate) fn counters(&self) -> Counters {
        let mut state = lock(&self.state);
        let mut count = |medium| state.track_mut(medium).map_or_else(MediumCount::default, |track| track.count);
        Counters { video: count(Medium::Video), audio: count(Medium::Audio) }
    }

    /// The current picture, never one of long ago.
    pub(crate) fn photo(&self) -> Result<Vec<u8>, MediaError> {
        let caps = lock(&self.state).picture_caps()?;
        let memory = lock(&self.picture).clone();
        photo::jpeg(&memory, &caps)
    }
}

impl State {
    fn track_mut(&mut self, medium: Medium) -> Option<&mut Track> {
        self.tracks.iter_mut().find(|track| track.medium() == medium)
    }

    /// The format of the pictures that are coming in.
    fn picture_caps(&mut self) -> Result<gst::Caps, MediaError> {
        let none = |reason: String| MediaError::NoPicture { reason };
        let track = self.track_mut(Medium::Video).filter(|track| track.alive);
        let track = track.ok_or_else(|| none("no picture is being captured".to_owned()))?;
        let idle = track.idle().ok_or_else(|| none("no picture yet; try again in a second".to_owned()))?;
        if track.is_idle(PHOTO_AGE_MAX_NS) {
            return Err(none(format!("no picture has come for {:.1} s", idle.as_secs_f64())));
        }
        track.caps.clone().ok_or_else(|| none("no picture yet; try again in a second".to_owned()))
    }

    fn fail(&mut self, error: MediaError) {
        self.failure.get_or_insert(error);
    }

    /// A chunker for one track per frame in `heads`: all tracks at the start, later those alive.
    fn new_chunker(&mut self, heads: Vec<Frame>, chunk_ns: i64) -> Result<Chunker, MediaError> {
        let generation = self.generation;
        let is_first = generation == 0;
        let (mut parts, mut headers) = (Vec::new(), Vec::new());
        let tracks = self.tracks.iter_mut().filter(|track| is_first || track.alive);
        for (track, frame) in tracks.zip(heads) {
            let Some(caps) = track.join(generation) else { continue };
            let timescale_hz = timescale_hz(track.medium(), &caps);
            parts.push(ChunkTrack::new(track.medium(), timescale_hz));
            headers.push(HeaderTrack { caps, timescale_hz, frame });
        }
        let init = init_header(headers)?;
        Ok(Chunker::new(generation, init, self.zero_ns, chunk_ns, parts))
    }

    /// Whether the frame lies so far past a dead track's end that capture should go on without
    /// it, and can: pictures can only begin with a key frame.
    fn outlives(&self, medium: Medium, frame: &Frame) -> bool {
        let gone = |track: &Track| {
            !track.alive && track.generation == Some(self.generation) && frame.pts_ns > track.end_ns + OUTLIVE_NS
        };
        (medium == Medium::Audio || frame.key) && self.tracks.iter().any(gone)
    }

    fn no_frame(&self, timeout_ms: u32) -> MediaError {
        let track = self.tracks.iter().find(|track| track.waiting.is_empty());
        track.or(self.tracks.first()).map_or_else(
            || MediaError::pipeline("starting", "no track is wanted"),
            |track| MediaError::NoFrame { origin: track.wish.origin.clone(), medium: track.medium(), timeout_ms },
        )
    }
}

/// All waiting frames, in the order in which they would have come.
fn in_time_order(tracks: &mut [Track]) -> Vec<(Medium, Frame)> {
    let mut frames: Vec<(Medium, Frame)> = Vec::new();
    for track in tracks {
        let medium = track.medium();
        frames.extend(track.waiting.drain(..).map(|frame| (medium, frame)));
    }
    frames.sort_by_key(|(_, frame)| frame.dts_ns.unwrap_or(frame.pts_ns));
    frames
}
