// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the router's lock protects: the sources, the ring, and the recording that runs.
//!
//! Must not wait for anything.

use crate::error::MediaError;
use crate::event::Medium;
use crate::frame::NS_PER_SECOND;
use crate::header::HeaderTrack;
use crate::inlet::Ticket;
use crate::ring::{Ring, RingLimits};
use crate::router::Turn;
use crate::router::track::{AskKey, Standing, Track, Wish};
use crate::routing::{End, Part, Routing};

/// Frames wait this much longer than a chunk for the next one.
const IDLE_NS: i64 = NS_PER_SECOND / 4;

pub(super) struct State {
    /// Of each medium the source that was opened last.
    tracks: Vec<Track>,
    openings: u64,
    pub(super) ring: Ring,
    /// The recording that is about to begin, runs, or is not yet delivered to its end.
    pub(super) routing: Option<Routing>,
    /// It may yet be given back: what it takes stays in the ring, which goes on as if it had not begun.
    pub(super) is_provisional: bool,
    pub(super) turn: Turn,
}

impl State {
    pub(super) fn new(ring: RingLimits) -> Self {
        Self {
            tracks: Vec::new(),
            openings: 0,
            ring: Ring::new(ring),
            routing: None,
            is_provisional: false,
            turn: Turn::default(),
        }
    }

    /// The number of a source that is being opened. What was open of its medium has no say any more.
    pub(super) fn admit(&mut self, wish: Wish) -> u64 {
        self.openings += 1;
        self.tracks.retain(|track| track.medium() != wish.medium);
        self.tracks.push(Track::new(wish, self.openings));
        self.openings
    }

    /// This source, unless it is over.
    pub(super) fn track_mut(&mut self, ticket: Ticket) -> Option<&mut Track> {
        self.tracks.iter_mut().find(|track| track.number == ticket.number && !track.is_over())
    }

    /// The source of this medium that gives frames.
    pub(super) fn up(&self, medium: Medium) -> Option<&Track> {
        self.tracks.iter().find(|track| track.medium() == medium && track.is_up())
    }

    /// The first of these whose first frame is still to come.
    pub(super) fn opening(&self, tickets: &[Ticket]) -> Option<&Track> {
        self.tracks.iter().find(|track| track.standing == Standing::Opening && is_of(track, tickets))
    }

    pub(super) fn open_failure(&self, tickets: &[Ticket]) -> Option<MediaError> {
        self.tracks.iter().filter(|track| is_of(track, tickets)).find_map(|track| track.failure.clone())
    }

    /// The tracks of each header that a recording may need now: each source alone, and all.
    pub(super) fn header_sets(&self) -> Vec<Vec<HeaderTrack>> {
        let ups = Medium::BOTH.into_iter().filter_map(|medium| self.up(medium)?.header_track());
        let all: Vec<HeaderTrack> = ups.collect();
        let alone = all.iter().map(|track| vec![track.clone()]);
        alone.chain((all.len() > 1).then(|| all.clone())).collect()
    }

    /// The tracks of a recording of these media, video first; an error if a source is not up.
    pub(super) fn parts_of(&self, media: &[Medium], absent: &[Medium]) -> Result<Vec<Part>, MediaError> {
        let wanted = Medium::BOTH.into_iter().filter(|medium| media.contains(medium) || absent.contains(medium));
        let part = |medium| match self.up(medium).and_then(Track::info) {
            Some(info) => Ok(Part::new(info)),
            None if absent.contains(&medium) => Ok(Part::absent(medium)),
            None => Err(MediaError::NotOpen { medium }),
        };
        wanted.map(part).collect()
    }

    /// Whether the recording that runs takes what these media give, and does not wait for another.
    pub(super) fn is_turn_of(&self, media: &[Medium]) -> bool {
        self.routing
            .as_ref()
            .is_some_and(|routing| media.iter().any(|medium| routing.wants(*medium)) && !routing.can_wait(media))
    }

    /// The recording that takes what this medium gives.
    pub(super) fn recorder_of(&mut self, medium: Medium) -> Option<&mut Routing> {
        self.routing.as_mut().filter(|routing| routing.wants(medium))
    }

    /// Whether what this medium gives goes into the ring.
    pub(super) fn fills_ring(&self, medium: Medium) -> bool {
        self.is_provisional || !self.routing.as_ref().is_some_and(|routing| routing.wants(medium))
    }

    /// A source is over.
    pub(super) fn note_gone(&mut self, medium: Medium, end: End) {
        if self.fills_ring(medium) {
            match &end {
                End::Stopped => self.ring.forget(medium),
                end => self.ring.note_gone(medium, end.clone()),
            }
        }
        let Some(routing) = self.recorder_of(medium) else { return };
        if !routing.has_begun() && routing.lacks(medium) {
            routing.fail(match &end {
                End::Failed(reason) => MediaError::Failed { reason: reason.clone() },
                End::Ended | End::Stopped => MediaError::NotOpen { medium },
            });
        }
        routing.gone(medium, end);
    }

    pub(super) fn note_lost(&mut self, medium: Medium, count: u64, reason: &str) {
        if self.fills_ring(medium) {
            self.ring.note_lost(medium, count, reason);
        }
        if let Some(routing) = self.recorder_of(medium) {
            routing.lost(medium, count, reason);
        }
    }

    /// How to ask for the key frame for which sound has begun to wait.
    pub(super) fn take_key_wish(&mut self) -> Option<AskKey> {
        let wishes = self.routing.as_mut().is_some_and(Routing::take_key_wish);
        self.up(Medium::Video).filter(|_| wishes).and_then(|track| track.ask_key.clone())
    }

    /// What was captured does not wait in memory when nothing follows it.
    pub(super) fn flush_if_idle(&mut self) {
        let Some(routing) = &mut self.routing else { return };
        let limit_ns = routing.chunk_ns() + IDLE_NS;
        let mut recorded = self.tracks.iter().filter(|track| track.is_up() && routing.wants(track.medium()));
        if recorded.all(|track| track.is_idle(limit_ns)) {
            routing.flush_idle();
        }
    }
}

fn is_of(track: &Track, tickets: &[Ticket]) -> bool {
    tickets.iter().any(|ticket| ticket.number == track.number)
}
