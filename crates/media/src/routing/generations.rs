// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where one generation of a recording ends and the next begins: with which tracks, at which frame.
//!
//! Must not know what waits for room.

use std::sync::Arc;

use gstreamer as gst;

use crate::chunker::{ChunkTrack, Chunker};
use crate::error::MediaError;
use crate::event::{Event, Fragment, Medium};
use crate::frame::{Frame, NS_PER_SECOND};
use crate::ring::Item;
use crate::routing::part::Part;
use crate::routing::{End, Phase, Routing, Step};

/// A living track goes this far past a dead one's end before a generation without it begins.
const OUTLIVE_NS: i64 = NS_PER_SECOND / 2;
/// Where nothing runs, a track that returns waits this long for the other, which may return with it.
const GRACE_NS: i64 = NS_PER_SECOND / 2;
const WAITED: &str = "it went again before it could be taken in";

impl Routing {
    /// A track that does not run yet, or any more, waits until a generation can begin with it.
    pub(super) fn wait(&mut self, medium: Medium, caps: &gst::Caps, frame: Frame) {
        let waiting_max = self.waiting_max;
        let Some(part) = self.part_mut(medium) else { return };
        part.come(caps, frame);
        let count = part.waiting.len();
        if self.may_take_in() {
            self.next_generation(None);
        } else if count > waiting_max {
            self.lose_waiting(medium);
        } else {
            self.wishes_key |= count == 1 && matches!(self.phase, Phase::Running(_));
        }
    }

    /// Whether a generation can begin with what waits.
    fn may_take_in(&self) -> bool {
        match self.phase {
            Phase::Waiting => {
                !self.parts.iter().any(Part::is_awaited) || (self.zero_ns.is_some() && self.waiting_ns() >= GRACE_NS)
            }
            // Sound waits for the next key frame of the picture; a picture comes with one.
            Phase::Running(_) => !self.parts.iter().any(Part::is_running_picture),
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
    pub(super) fn take(&mut self, medium: Medium, frame: Frame) {
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
    pub(super) fn next_generation(&mut self, at: Option<(Medium, &Frame)>) {
        let members: Vec<usize> = (0..self.parts.len()).filter(|n| self.parts[*n].is_of_next()).collect();
        let tracks = members.iter().filter_map(|n| self.parts[*n].header_track()).collect();
        let init = match self.headers.header(tracks) {
            Ok(init) => init,
            Err(error) => return self.cannot_take_in(error),
        };
        let is_first = self.zero_ns.is_none();
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
        let waiting = self.take_waiting();
        if is_first {
            self.put_back(waiting);
        } else {
            waiting.into_iter().for_each(|(medium, frame)| self.chunk(medium, frame));
        }
    }

    /// What waited for the beginning, all of the ring perhaps, is done first.
    fn put_back(&mut self, frames: Vec<(Medium, Frame)>) {
        for (medium, frame) in frames.into_iter().rev() {
            let Some(caps) = self.part_mut(medium).and_then(|part| part.caps.clone()) else { continue };
            let step = Step::Take(Item::Frame { medium, caps, frame });
            self.backlog_bytes += step.bytes();
            self.backlog.push_front(step);
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
            self.count_lost(medium, count as u64, reason);
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

    pub(super) fn flush(&mut self) {
        let Self { phase, sequence, .. } = self;
        if let Phase::Running(chunker) = phase {
            let rest = chunker.flush(sequence);
            self.deliver(rest);
        }
    }

    pub(super) fn count_lost(&mut self, medium: Medium, count: u64, reason: &str) {
        if let Some(part) = self.part_mut(medium) {
            part.count.lost += count;
            self.outbox.send(Event::Lost { medium, count, reason: reason.to_owned() });
        }
    }

    pub(super) fn part_from(&mut self, medium: Medium, end: End) {
        let Some(part) = self.part_mut(medium).filter(|part| part.is_alive) else { return };
        let waits = part.waits();
        if matches!(self.phase, Phase::Waiting) && waits {
            let is_first = self.zero_ns.is_none();
            self.next_generation(None);
            if is_first {
                // What it gave is done before its going.
                return self.submit(Step::Take(Item::Gone { medium, end }));
            }
        }
        self.give_up_waiting(medium, WAITED);
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

    /// Nothing runs any more.
    pub(super) fn pause(&mut self) {
        self.phase = Phase::Waiting;
        self.parts.iter_mut().for_each(|part| part.is_in = false);
    }
}
