// SPDX-License-Identifier: MIT OR Apache-2.0
//! One recording: brings its tracks together, goes on with those that live, and takes in those that return.
//!
//! Frames in, events out: must not know sources, threads or the ring. Invariants: a frame taken is in exactly one
//! fragment or counted as lost; a generation with a picture begins with a key frame; `Finished` is the last event and
//! comes once.

use std::sync::Arc;

use gstreamer as gst;

use crate::chunker::{ChunkTrack, Chunker};
use crate::error::MediaError;
use crate::event::{Counters, Event, Fragment, Medium, MediumCount, TrackInfo};
use crate::frame::{Frame, NS_PER_SECOND};
use crate::header::Headers;
use crate::notice::Notices;
use crate::outbox::Outbox;
use crate::ring::Item;
use crate::routing_part::Part;

/// Frames of a track that may wait for the other one: for its first, or for the key frame with which both can go on.
const WAITING_FRAMES_MAX: usize = 4096;
/// A living track goes this far past a dead one's end before a generation without it begins.
const OUTLIVE_NS: i64 = NS_PER_SECOND / 2;
/// Where nothing runs, a track that returns waits this long for the other, which may return with it.
const GRACE_NS: i64 = NS_PER_SECOND / 2;
const OVERFLOW: &str = "the recorder did not keep up; encoded frames were dropped";
const WAITED: &str = "it went again before it could be taken in";

/// Why a track is over.
#[derive(Debug, Clone)]
pub(crate) enum End {
    /// The file came to its end.
    Ended,
    /// The source failed.
    Failed(String),
    /// The caller wanted it.
    Stopped,
}

pub(crate) struct Routing {
    /// Video first: the header numbers tracks in this order.
    parts: Vec<Part>,
    phase: Phase,
    /// Media time 0 on the time line, from the first frame on.
    zero_ns: Option<i64>,
    sequence: u32,
    chunk_ns: i64,
    waiting_max: usize,
    /// Why it cannot begin.
    failure: Option<MediaError>,
    headers: Arc<Headers>,
    notices: Arc<Notices>,
    outbox: Arc<Outbox>,
    /// The generation that comes next.
    generation: u32,
    /// Sound has begun to wait for a key frame of the picture.
    wishes_key: bool,
}

enum Phase {
    /// No track runs. Frames wait until all have come, or for a moment where that was so before.
    Waiting,
    Running(Chunker),
}

impl Routing {
    pub(crate) fn new(
        tracks: Vec<TrackInfo>,
        chunk_ms: u32,
        headers: Arc<Headers>,
        notices: Arc<Notices>,
        outbox: Arc<Outbox>,
    ) -> Self {
        Self {
            parts: tracks.into_iter().map(Part::new).collect(),
            phase: Phase::Waiting,
            zero_ns: None,
            sequence: 1,
            chunk_ns: i64::from(chunk_ms) * 1_000_000,
            waiting_max: WAITING_FRAMES_MAX,
            failure: None,
            headers,
            notices,
            outbox,
            generation: 0,
            wishes_key: false,
        }
    }

    pub(crate) fn wants(&self, medium: Medium) -> bool {
        self.parts.iter().any(|part| part.medium() == medium)
    }

    pub(crate) fn chunk_ns(&self) -> i64 {
        self.chunk_ns
    }

    /// Takes what was kept before the recording began. None of it is lost for want of room.
    pub(crate) fn take_ring(&mut self, items: Vec<Item>) {
        self.waiting_max += items.len();
        for item in items {
            match item {
                Item::Frame { medium, caps, frame } => self.frame(medium, &caps, frame, false),
                Item::Lost { medium, count, reason } => self.lost(medium, count, &reason),
                Item::Gone { medium, end } => self.gone(medium, end),
            }
        }
        self.outbox.note_ring();
    }

    /// Takes a frame. One that `can_be_lost` is, where there is no room.
    pub(crate) fn frame(&mut self, medium: Medium, caps: &gst::Caps, frame: Frame, can_be_lost: bool) {
        let Some(part) = self.part_mut(medium) else { return };
        if part.runs() {
            self.take(medium, frame, can_be_lost);
        } else {
            self.wait(medium, caps, frame);
        }
    }

    /// A track that does not run yet, or any more, waits until a generation can begin with it.
    fn wait(&mut self, medium: Medium, caps: &gst::Caps, frame: Frame) {
        let waiting_max = self.waiting_max;
        let Some(part) = self.part_mut(medium) else { return };
        part.come(caps, frame);
        let count = part.waiting.len();
        if self.may_take_in(medium) {
            self.next_generation(None);
        } else if count > waiting_max {
            self.lose_waiting(medium);
        } else {
            self.wishes_key |= count == 1 && matches!(self.phase, Phase::Running(_));
        }
    }

    /// Whether an early key frame of the picture would help. Said once each time.
    pub(crate) fn take_key_wish(&mut self) -> bool {
        std::mem::take(&mut self.wishes_key)
    }

    fn may_take_in(&self, medium: Medium) -> bool {
        match self.phase {
            Phase::Waiting => {
                self.parts.iter().all(Part::waits) || (self.zero_ns.is_some() && self.waiting_ns() >= GRACE_NS)
            }
            // Sound waits for the next key frame of the picture.
            Phase::Running(_) => medium == Medium::Video || !self.parts.iter().any(Part::is_running_picture),
        }
    }

    /// From the first to the last of the frames that wait.
    fn waiting_ns(&self) -> i64 {
        let times = || self.parts.iter().flat_map(|part| &part.waiting).map(|frame| frame.pts_ns);
        times().max().zip(times().min()).map_or(0, |(last_ns, first_ns)| last_ns - first_ns)
    }

    fn lose_waiting(&mut self, medium: Medium) {
        let (has_begun, waiting_max) = (self.zero_ns.is_some(), self.waiting_max);
        let Some(part) = self.part_mut(medium) else { return };
        if has_begun {
            part.lose_oldest();
            self.notices.dropped("waiting", 1);
        } else {
            let reason = format!("{waiting_max} {medium} frames before the other track's first");
            self.fail(MediaError::pipeline("starting", reason));
        }
    }

    /// Takes a frame of a track that runs.
    fn take(&mut self, medium: Medium, frame: Frame, can_be_lost: bool) {
        let has_room = !can_be_lost || self.outbox.has_room();
        let Some(part) = self.part_mut(medium) else { return };
        if can_be_lost && part.must_lose(has_room, frame.key) {
            return self.notices.dropped("outbox", 1);
        }
        if let Some(count) = part.take_open_loss() {
            self.outbox.send(Event::Lost { medium, count, reason: OVERFLOW.to_owned() });
        }
        if (medium == Medium::Audio || frame.key) && (self.outlives(&frame) || self.parts.iter().any(Part::waits)) {
            self.next_generation(Some((medium, &frame)));
        }
        self.chunk(medium, frame);
    }

    /// Whether the frame lies so far past a dead track's end that it should go on without it.
    fn outlives(&self, frame: &Frame) -> bool {
        self.parts.iter().any(|part| part.is_dead_in_generation() && frame.pts_ns > part.end_ns + OUTLIVE_NS)
    }

    /// Goes on with the tracks that run and those that wait, from the frame `at` if a running track leads. Times go on
    /// too; media time 0 is the first frame of all, and nothing that came in is left out.
    fn next_generation(&mut self, at: Option<(Medium, &Frame)>) {
        let members: Vec<usize> = (0..self.parts.len()).filter(|n| self.parts[*n].is_of_next()).collect();
        let tracks = members.iter().filter_map(|n| self.parts[*n].header_track()).collect();
        let init = match self.headers.header(tracks) {
            Ok(init) => init,
            Err(error) => return self.cannot_take_in(error),
        };
        // Each generation's own, though another's may have the same bytes.
        let init = Arc::from(&*init);
        let tracks = members.iter().filter_map(|n| self.parts[*n].chunk_track()).collect();
        let chunker = self.follow(init, tracks, at);
        self.phase = Phase::Running(chunker);
        self.tell_joined();
        self.generation += 1;
        for part in &mut self.parts {
            part.is_in = part.is_of_next();
        }
        for (medium, frame) in self.take_waiting() {
            self.chunk(medium, frame);
        }
    }

    fn follow(&mut self, init: Arc<[u8]>, tracks: Vec<(ChunkTrack, bool)>, at: Option<(Medium, &Frame)>) -> Chunker {
        match std::mem::replace(&mut self.phase, Phase::Waiting) {
            Phase::Running(mut before) => {
                let rest = match at {
                    Some((medium, frame)) => before.flush_before(medium, frame, &mut self.sequence),
                    None => before.flush(&mut self.sequence),
                };
                self.deliver(rest);
                before.next(init, tracks)
            }
            Phase::Waiting => {
                let firsts = self.parts.iter().flat_map(|part| &part.waiting).map(|frame| frame.pts_ns);
                let first_ns = firsts.min().unwrap_or(0);
                let zero_ns = *self.zero_ns.get_or_insert(first_ns);
                let tracks = tracks.into_iter().map(|(track, _)| track).collect();
                Chunker::new(self.generation, init, zero_ns, self.chunk_ns, tracks)
            }
        }
    }

    /// All tracks begin together; whichever is taken in later is told.
    fn tell_joined(&mut self) {
        if self.generation > 0 {
            let joined = self.parts.iter().filter(|part| part.waits()).map(Part::medium);
            joined.for_each(|medium| self.outbox.send(Event::Joined { medium }));
        }
    }

    /// All waiting frames, in the order in which they would have come.
    fn take_waiting(&mut self) -> Vec<(Medium, Frame)> {
        let mut frames: Vec<(Medium, Frame)> = Vec::new();
        for part in &mut self.parts {
            let medium = part.medium();
            frames.extend(part.waiting.drain(..).map(|frame| (medium, frame)));
        }
        frames.sort_by_key(|(_, frame)| frame.decoded_ns());
        frames
    }

    /// Headers are made when a source is opened, so this one failed before.
    fn cannot_take_in(&mut self, error: MediaError) {
        tracing::error!(%error, "a recording cannot take its tracks in");
        let reason = error.to_string();
        if self.zero_ns.is_none() {
            return self.fail(error);
        }
        for medium in Medium::BOTH {
            self.give_up_waiting(medium, &reason);
        }
    }

    fn give_up_waiting(&mut self, medium: Medium, reason: &str) {
        let count = self.part_mut(medium).map_or(0, |part| std::mem::take(&mut part.waiting).len());
        if count > 0 {
            self.lost(medium, count as u64, reason);
        }
    }

    fn chunk(&mut self, medium: Medium, frame: Frame) {
        if let Some(part) = self.part_mut(medium) {
            part.note(&frame);
        }
        let Self { phase, sequence, .. } = self;
        if let Phase::Running(chunker) = phase {
            let complete = chunker.push(medium, frame, sequence);
            self.deliver(complete);
        }
    }

    fn deliver(&self, fragment: Option<Fragment>) {
        if let Some(fragment) = fragment {
            self.outbox.send(Event::Fragment(fragment));
        }
    }

    fn flush(&mut self) {
        let Self { phase, sequence, .. } = self;
        if let Phase::Running(chunker) = phase {
            let rest = chunker.flush(sequence);
            self.deliver(rest);
        }
    }

    /// Frames do not wait in memory for a next one that may never come.
    pub(crate) fn flush_idle(&mut self) {
        let waits = self.zero_ns.is_some() && self.parts.iter().any(Part::waits);
        match self.phase {
            Phase::Waiting if waits => self.next_generation(None),
            _ => self.flush(),
        }
    }

    /// Frames that did not come through.
    pub(crate) fn lost(&mut self, medium: Medium, count: u64, reason: &str) {
        if let Some(part) = self.part_mut(medium) {
            part.count.lost += count;
            self.outbox.send(Event::Lost { medium, count, reason: reason.to_owned() });
        }
    }

    /// This track's source is gone. What it gave is delivered first, and the others go on.
    pub(crate) fn gone(&mut self, medium: Medium, end: End) {
        let Some(part) = self.part_mut(medium).filter(|part| part.is_alive) else { return };
        let waits = part.waits();
        if let (Phase::Waiting, true) = (&self.phase, waits) {
            self.next_generation(None);
        }
        self.give_up_waiting(medium, WAITED);
        self.tell_open_loss(medium);
        if let Some(part) = self.part_mut(medium) {
            part.is_alive = false;
        }
        let is_last = !self.parts.iter().any(|part| part.is_alive);
        if is_last || matches!(end, End::Failed(_)) {
            self.flush();
        }
        if is_last {
            self.pause();
        }
        match end {
            End::Ended => self.outbox.send(Event::Ended { medium }),
            End::Failed(reason) => self.outbox.send(Event::Failed { medium, reason }),
            End::Stopped => {}
        }
    }

    fn tell_open_loss(&mut self, medium: Medium) {
        if let Some(count) = self.part_mut(medium).and_then(Part::take_open_loss) {
            self.outbox.send(Event::Lost { medium, count, reason: OVERFLOW.to_owned() });
        }
    }

    /// Nothing runs any more.
    fn pause(&mut self) {
        self.phase = Phase::Waiting;
        self.parts.iter_mut().for_each(|part| part.is_in = false);
    }

    /// Delivers everything. Nothing follows.
    pub(crate) fn end(&mut self) {
        self.flush();
        if self.parts.iter().any(Part::waits) {
            // What waits for a key frame gets none any more.
            self.pause();
            self.next_generation(None);
            self.flush();
        }
        Medium::BOTH.into_iter().for_each(|medium| self.tell_open_loss(medium));
        self.outbox.send(Event::Finished);
    }

    /// It cannot begin. The first reason counts.
    pub(crate) fn fail(&mut self, error: MediaError) {
        self.failure.get_or_insert(error);
    }

    /// Whether it waits for the first frame of a track.
    pub(crate) fn is_beginning(&self) -> bool {
        !self.has_begun() && self.failure.is_none()
    }

    pub(crate) fn failure(&self) -> Option<&MediaError> {
        self.failure.as_ref()
    }

    /// What it waits for to begin.
    pub(crate) fn lacks_first(&self) -> Option<Medium> {
        self.parts.iter().find(|part| !part.waits() && !self.has_begun()).map(Part::medium)
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.zero_ns.is_some()
    }

    /// Whether frames of all these tracks wait for another's: their source may wait with the rest.
    pub(crate) fn can_wait(&self, media: &[Medium]) -> bool {
        let waits = |medium: &Medium| self.parts.iter().find(|part| part.medium() == *medium).is_none_or(Part::waits);
        matches!(self.phase, Phase::Waiting) && media.iter().all(waits)
    }

    /// Whether the first frame of this track is still to come.
    pub(crate) fn lacks(&self, medium: Medium) -> bool {
        self.parts.iter().any(|part| part.medium() == medium && !part.is_alive)
    }

    pub(crate) fn zero_ns(&self) -> i64 {
        self.zero_ns.unwrap_or(0)
    }

    pub(crate) fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    /// The source of this track was opened again.
    pub(crate) fn introduce(&mut self, track: TrackInfo) {
        if let Some(part) = self.part_mut(track.medium) {
            part.info = track;
        }
    }

    pub(crate) fn tracks(&self) -> Vec<TrackInfo> {
        self.parts.iter().map(|part| part.info.clone()).collect()
    }

    pub(crate) fn counters(&self) -> Counters {
        let count = |medium| {
            let found = self.parts.iter().find(|part| part.medium() == medium);
            found.map_or_else(MediumCount::default, |part| part.count)
        };
        Counters { video: count(Medium::Video), audio: count(Medium::Audio) }
    }

    fn part_mut(&mut self, medium: Medium) -> Option<&mut Part> {
        self.parts.iter_mut().find(|part| part.medium() == medium)
    }
}
