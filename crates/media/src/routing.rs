// SPDX-License-Identifier: MIT OR Apache-2.0
//! One recording: brings its tracks together, goes on with those that live, and takes in those that return.
//!
//! What arrives here waits, if there is no room for what comes of it; `generations` makes fragments of it. Frames in,
//! events out: must not know sources or threads. Invariants: a frame taken is in exactly one fragment or counted as lost;
//! events come in the order of what they tell; a generation with a picture begins with a key frame; `Finished` is the
//! last event and comes once.

mod generations;
mod part;

use std::collections::VecDeque;
use std::sync::Arc;

use gstreamer as gst;

use crate::chunker::Chunker;
use crate::error::MediaError;
use crate::event::{Counters, Event, Medium, MediumCount, TrackInfo};
use crate::frame::Frame;
use crate::header::Headers;
use crate::notice::Notices;
use crate::outbox::{LIVE_BYTES_MAX, Outbox};
use crate::ring::Item;
pub(crate) use crate::routing::part::Part;

/// Frames of a track that may wait for the other one: for its first, or for the key frame with which both can go on.
const WAITING_FRAMES_MAX: usize = 4096;
const OVERFLOW: &str = "the recorder did not keep up; encoded frames were dropped";

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
    /// What the ring held, and what came since, until there is room for it.
    backlog: VecDeque<Step>,
    backlog_bytes: usize,
    backlog_bytes_max: usize,
    /// Nothing more is taken; what is here is to be delivered.
    is_ending: bool,
    is_finished: bool,
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

/// Something to be done when its turn comes.
enum Step {
    Take(Item),
    Tell(Event),
}

impl Step {
    fn bytes(&self) -> usize {
        match self {
            Self::Take(item) => item.bytes(),
            Self::Tell(_) => 0,
        }
    }
}

enum Phase {
    /// No track runs. Frames wait until all have come, or for a moment where that was so before.
    Waiting,
    Running(Chunker),
}

impl Routing {
    pub(crate) fn new(
        parts: Vec<Part>,
        chunk_ms: u32,
        headers: Arc<Headers>,
        notices: Arc<Notices>,
        outbox: Arc<Outbox>,
    ) -> Self {
        Self {
            parts,
            phase: Phase::Waiting,
            zero_ns: None,
            sequence: 1,
            chunk_ns: i64::from(chunk_ms) * 1_000_000,
            waiting_max: WAITING_FRAMES_MAX,
            backlog: VecDeque::new(),
            backlog_bytes: 0,
            backlog_bytes_max: LIVE_BYTES_MAX,
            is_ending: false,
            is_finished: false,
            failure: None,
            headers,
            notices,
            outbox,
            generation: 0,
            wishes_key: false,
        }
    }

    pub(crate) fn wants(&self, medium: Medium) -> bool {
        !self.is_ending && self.parts.iter().any(|part| part.medium() == medium)
    }

    pub(crate) fn chunk_ns(&self) -> i64 {
        self.chunk_ns
    }

    /// Takes what was kept before the recording began. None of it is lost for want of room: it waits, and what comes
    /// meanwhile waits behind it.
    pub(crate) fn take_ring(&mut self, items: Vec<Item>) {
        self.waiting_max += items.len();
        self.backlog_bytes_max += items.iter().map(Item::bytes).sum::<usize>();
        items.into_iter().for_each(|item| self.submit(Step::Take(item)));
        self.feed();
    }

    /// Takes a frame. One that `can_be_lost` is, where there is no room.
    pub(crate) fn frame(&mut self, medium: Medium, caps: &gst::Caps, frame: Frame, can_be_lost: bool) {
        let has_room = !can_be_lost || self.has_room();
        let Some(part) = self.part_mut(medium) else { return };
        if part.must_lose(has_room, frame.key) {
            return self.notices.dropped("outbox", 1);
        }
        self.tell_open_loss(medium);
        self.submit(Step::Take(Item::Frame { medium, caps: caps.clone(), frame }));
        self.feed();
    }

    fn has_room(&self) -> bool {
        if self.backlog.is_empty() { self.outbox.has_room() } else { self.backlog_bytes < self.backlog_bytes_max }
    }

    /// Frames that did not come through.
    pub(crate) fn lost(&mut self, medium: Medium, count: u64, reason: &str) {
        self.submit(Step::Take(Item::Lost { medium, count, reason: reason.to_owned() }));
    }

    /// This track's source is gone. What it gave is delivered first, and the others go on.
    pub(crate) fn gone(&mut self, medium: Medium, end: End) {
        self.tell_open_loss(medium);
        self.submit(Step::Take(Item::Gone { medium, end }));
    }

    fn tell_open_loss(&mut self, medium: Medium) {
        if let Some(count) = self.part_mut(medium).and_then(Part::take_open_loss) {
            self.submit(Step::Tell(Event::Lost { medium, count, reason: OVERFLOW.to_owned() }));
        }
    }

    /// Does this now, or when everything before it is done.
    fn submit(&mut self, step: Step) {
        if self.backlog.is_empty() {
            return self.carry_out(step);
        }
        self.backlog_bytes += step.bytes();
        self.backlog.push_back(step);
    }

    pub(crate) fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Does what waits, as far as there is room for what comes of it.
    pub(crate) fn feed(&mut self) {
        while self.has_backlog() && self.outbox.has_room_to_spare() {
            self.feed_one();
        }
        if self.is_ending && !self.has_backlog() {
            self.finish();
        }
    }

    fn feed_one(&mut self) {
        if let Some(step) = self.backlog.pop_front() {
            self.backlog_bytes -= step.bytes();
            self.carry_out(step);
        }
    }

    fn carry_out(&mut self, step: Step) {
        match step {
            Step::Take(Item::Frame { medium, caps, frame }) => {
                let runs = self.part_mut(medium).is_some_and(|part| part.runs());
                if runs { self.take(medium, frame) } else { self.wait(medium, &caps, frame) }
            }
            Step::Take(Item::Lost { medium, count, reason }) => self.count_lost(medium, count, &reason),
            Step::Take(Item::Gone { medium, end }) => self.part_from(medium, end),
            Step::Tell(event) => self.outbox.send(event),
        }
    }

    /// Whether an early key frame of the picture would help. Said once each time.
    pub(crate) fn take_key_wish(&mut self) -> bool {
        std::mem::take(&mut self.wishes_key)
    }

    /// Frames do not wait in memory for a next one that may never come.
    pub(crate) fn flush_idle(&mut self) {
        if self.has_backlog() {
            return;
        }
        let waits = self.zero_ns.is_some() && self.parts.iter().any(Part::waits);
        match self.phase {
            Phase::Waiting if waits => self.next_generation(None),
            _ => self.flush(),
        }
    }

    /// Takes nothing more, and delivers everything. Nothing follows.
    pub(crate) fn end(&mut self) {
        if !self.is_ending {
            self.is_ending = true;
            Medium::BOTH.into_iter().for_each(|medium| self.tell_open_loss(medium));
            self.feed();
        }
    }

    /// The same at once, whether there is room or not: the receiver has had its time.
    pub(crate) fn end_at_once(&mut self) {
        self.is_ending = true;
        while self.has_backlog() {
            self.feed_one();
        }
        self.finish();
    }

    fn finish(&mut self) {
        if self.is_finished {
            return;
        }
        self.flush();
        if self.parts.iter().any(Part::waits) {
            // What waits for a key frame gets none any more.
            self.pause();
            self.next_generation(None);
            self.flush();
        }
        self.is_finished = true;
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
        self.parts.iter().find(|part| part.is_awaited() && !self.has_begun()).map(Part::medium)
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.zero_ns.is_some()
    }

    /// Whether what these media give cannot go on now: frames of all of them wait for another's, or for room.
    pub(crate) fn can_wait(&self, media: &[Medium]) -> bool {
        if self.has_backlog() {
            return true;
        }
        let waits = |medium: &Medium| self.parts.iter().find(|part| part.medium() == *medium).is_none_or(Part::waits);
        matches!(self.phase, Phase::Waiting) && media.iter().all(waits)
    }

    /// Whether the first frame of this track is waited for.
    pub(crate) fn lacks(&self, medium: Medium) -> bool {
        self.parts.iter().any(|part| part.medium() == medium && !part.is_alive && part.is_awaited())
    }

    pub(crate) fn zero_ns(&self) -> i64 {
        self.zero_ns.unwrap_or(0)
    }

    pub(crate) fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    /// The source of this track gives, for the first time or again.
    pub(crate) fn introduce(&mut self, track: TrackInfo) {
        if let Some(part) = self.part_mut(track.medium) {
            part.info = Some(track);
        }
    }

    pub(crate) fn tracks(&self) -> Vec<TrackInfo> {
        self.parts.iter().filter_map(|part| part.info.clone()).collect()
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
