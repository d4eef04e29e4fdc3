// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where all frames come together: into the recording that runs, else into the ring; and what is known of each source.
//!
//! Sources come in here; `recording` is the other side. Must not know how a source works. Invariant: a frame that came goes to exactly one place, the recording or the ring
//! (to both while the recording may be given back, and then it leaves one of them), and what goes into a recording that begins follows on what the ring held.

pub(crate) mod recording;
mod state;
pub(crate) mod track;

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use gstreamer as gst;

use crate::error::MediaError;
use crate::event::Medium;
use crate::frame::Frame;
use crate::header::Headers;
use crate::inlet::{Failure, Ticket};
use crate::notice::{FailureKind, Notice, Notices};
use crate::photo::GopMemory;
use crate::ring::RingLimits;
use crate::router::state::State;
use crate::router::track::{AskKey, Standing, Track, Wish};
use crate::routing::End;
use crate::stamps::BadStamps;
use crate::sync::{lock, wait_while};
use crate::timeline::TimeLine;

/// A source that waits for its turn is woken; looking now and then does no harm.
const TURN_CHECK: Duration = Duration::from_secs(1);

pub(crate) struct Router {
    state: Mutex<State>,
    changed: Condvar,
    picture: Mutex<GopMemory>,
    headers: Arc<Headers>,
    notices: Arc<Notices>,
    time: TimeLine,
}

/// A recording, for a source that waits for one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Turn {
    /// Counts recordings.
    pub(crate) number: u64,
    /// When it began.
    pub(crate) from_ns: i64,
}

/// How a source is silent.
pub(crate) struct Silence {
    pub(crate) idle: Duration,
    /// How many frames it gave whose times do not go on, if it did.
    pub(crate) stuck: Option<u64>,
}

/// What became of a frame whose source can wait.
pub(crate) enum Offer {
    Taken,
    /// No recording takes it now; offer it again.
    NotNow,
    /// The source is over.
    Over,
}

impl Router {
    pub(crate) fn new(ring: RingLimits, notices: Notices) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State::new(ring)),
            changed: Condvar::new(),
            picture: Mutex::default(),
            headers: Arc::default(),
            notices: Arc::new(notices),
            time: TimeLine::new(),
        })
    }

    pub(crate) fn time(&self) -> &TimeLine {
        &self.time
    }

    /// A source is being opened. What was open of its medium has no say any more.
    pub(crate) fn admit(&self, wish: Wish) -> Ticket {
        let (medium, slept_ns) = (wish.medium, self.time.slept_ns());
        Ticket { medium, number: lock(&self.state).admit(wish), slept_ns }
    }

    /// Takes one frame. An error means: this source is over, send no more.
    pub(crate) fn push(&self, ticket: Ticket, caps: &gst::CapsRef, frame: Frame) -> Result<(), gst::FlowError> {
        let mut state = lock(&self.state);
        let taken = self.take(&mut state, ticket, caps, frame);
        let ask_key = state.take_key_wish();
        drop(state);
        self.changed.notify_all();
        ask_key.iter().for_each(|ask| ask());
        taken
    }

    /// Takes one frame of a source that can wait, if it is still this recording's turn.
    pub(crate) fn offer(&self, ticket: Ticket, turn: Turn, caps: &gst::CapsRef, frame: Frame) -> Offer {
        let mut state = lock(&self.state);
        if state.routing.is_none() || state.turn.number != turn.number {
            return Offer::NotNow;
        }
        let taken = self.take(&mut state, ticket, caps, frame);
        let ask_key = state.take_key_wish();
        drop(state);
        self.changed.notify_all();
        ask_key.iter().for_each(|ask| ask());
        if taken.is_ok() { Offer::Taken } else { Offer::Over }
    }

    fn take(&self, state: &mut State, ticket: Ticket, caps: &gst::CapsRef, frame: Frame) -> Result<(), gst::FlowError> {
        let track = state.track_mut(ticket).ok_or(gst::FlowError::Eos)?;
        let frames = match self.checked(track, ticket, caps, frame) {
            Ok(frames) => frames,
            Err((kind, bad)) => {
                let reason = format!("{}: {}", track.wish.origin, bad.reason);
                if track.is_up() {
                    state.note_lost(ticket.medium, bad.frames, &bad.reason);
                }
                self.fail_in(state, ticket, Failure { kind, reason, error: None });
                return Err(gst::FlowError::Eos);
            }
        };
        for frame in frames {
            self.route(state, ticket, frame);
        }
        Ok(())
    }

    /// The frames that go on with this one, or what is wrong with it.
    fn checked(
        &self,
        track: &mut Track,
        ticket: Ticket,
        caps: &gst::CapsRef,
        frame: Frame,
    ) -> Result<Vec<Frame>, (FailureKind, BadStamps)> {
        let bad = |kind, reason: &str| Err((kind, BadStamps { reason: reason.to_owned(), frames: 1 }));
        if self.time.slept_ns() != ticket.slept_ns {
            return bad(FailureKind::Slept, "the machine slept");
        }
        if !track.accepts_caps(caps) {
            return bad(FailureKind::Format, "its format changed; close and open it again");
        }
        if !track.begins_with(&frame) {
            return Ok(Vec::new());
        }
        track.believe(frame, self.time.now_ns()).map_err(|bad| (FailureKind::BadTimestamps, bad))
    }

    /// One frame to where it belongs.
    fn route(&self, state: &mut State, ticket: Ticket, frame: Frame) {
        let medium = ticket.medium;
        self.note_up(state, ticket);
        let Some(track) = state.track_mut(ticket) else { return };
        let missed = track.missed_before(&frame);
        let frame = track.arrive(frame);
        if let Some((from_ns, to_ns)) = missed {
            let (from_boot_ns, to_boot_ns) = (self.time.boot_ns(from_ns), self.time.boot_ns(to_ns));
            self.notices.tell(Notice::Missed { medium, from_boot_ns, to_boot_ns });
        }
        if let Some(change) = track.watch_rate(&frame) {
            self.notices.tell(Notice::FrameRate { is_low: change.is_low, detail: change.detail });
        }
        let (live, caps) = (track.wish.live, track.caps.clone());
        let Some(caps) = caps else { return };
        if medium == Medium::Video {
            self.note_dropped("picture", lock(&self.picture).add(&frame.buffer, frame.key));
        }
        // What can wait is not recorded now because nobody wants it, not because it comes too early.
        let dropped = if live && state.fills_ring(medium) { state.ring.keep(medium, &caps, frame.clone()) } else { 0 };
        match state.recorder_of(medium) {
            Some(routing) => routing.frame(medium, &caps, frame, live),
            None => self.note_dropped("ring", dropped),
        }
    }

    fn note_dropped(&self, queue: &'static str, count: u64) {
        if count > 0 {
            self.notices.dropped(queue, count);
        }
    }

    /// The first frame of a source that can wait is there, and waits with it.
    pub(crate) fn show(&self, ticket: Ticket, caps: &gst::CapsRef) {
        let mut state = lock(&self.state);
        if let Some(track) = state.track_mut(ticket) {
            track.accepts_caps(caps);
        }
        self.note_up(&mut state, ticket);
        drop(state);
        self.changed.notify_all();
    }

    fn note_up(&self, state: &mut State, ticket: Ticket) {
        let Some(track) = state.track_mut(ticket).filter(|track| !track.is_up()) else { return };
        track.standing = Standing::Up;
        let info = track.info();
        if let Some((routing, info)) = state.routing.as_mut().zip(info) {
            routing.introduce(info);
        }
    }

    /// Waits until a recording takes what these media give, and has room for it. `None` if `stopped` says so.
    pub(crate) fn wait_turn(&self, media: &[Medium], stopped: impl Fn() -> bool) -> Option<Turn> {
        let is_early = |state: &mut State| !stopped() && !state.is_turn_of(media);
        let mut state = lock(&self.state);
        while is_early(&mut state) {
            state = wait_while(state, &self.changed, TURN_CHECK, is_early);
        }
        let (turn, outbox) = (state.turn, state.routing.as_ref().map(|routing| Arc::clone(routing.outbox())));
        drop(state);
        outbox.iter().for_each(|outbox| outbox.wait_room(&stopped));
        (!stopped()).then_some(turn)
    }

    /// Whoever waits looks again.
    pub(crate) fn wake(&self) {
        // Not between another's look and its sleep.
        drop(lock(&self.state));
        self.changed.notify_all();
    }

    /// This source has failed. May be said more than once; the first counts.
    pub(crate) fn fail(&self, ticket: Ticket, failure: Failure) {
        self.fail_in(&mut lock(&self.state), ticket, failure);
        self.changed.notify_all();
    }

    fn fail_in(&self, state: &mut State, ticket: Ticket, failure: Failure) {
        let Some(track) = state.track_mut(ticket) else { return };
        let (kind, medium) = (failure.kind, ticket.medium);
        let last_boot_ns = track.end_ns().map(|end_ns| self.time.boot_ns(end_ns));
        if track.is_up() {
            self.note_over(state, ticket, End::Failed(failure.reason.clone()));
            self.notices.tell(Notice::Failed { medium, kind, reason: failure.reason, last_boot_ns });
        } else {
            // Who opens it is told; there is no notice.
            track.failure = Some(failure.into_error());
            track.standing = Standing::Over;
        }
    }

    /// This source came to its end.
    pub(crate) fn end(&self, ticket: Ticket) {
        let mut state = lock(&self.state);
        let Some(track) = state.track_mut(ticket) else { return };
        if track.is_up() {
            self.note_over(&mut state, ticket, End::Ended);
            self.notices.tell(Notice::Ended { medium: ticket.medium });
        } else {
            let reason = format!("holds no {} frame", ticket.medium);
            track.failure = Some(MediaError::pipeline(track.wish.origin.clone(), reason));
            track.standing = Standing::Over;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// This source is closed because its owner wants it.
    pub(crate) fn close(&self, ticket: Ticket) {
        let mut state = lock(&self.state);
        if state.track_mut(ticket).is_some() {
            self.note_over(&mut state, ticket, End::Stopped);
        }
        drop(state);
        self.changed.notify_all();
    }

    fn note_over(&self, state: &mut State, ticket: Ticket, end: End) {
        let Some(track) = state.track_mut(ticket) else { return };
        track.standing = Standing::Over;
        if track.has_low_rate() {
            self.notices.tell(Notice::FrameRate { is_low: false, detail: "the camera is closed".to_owned() });
        }
        if ticket.medium == Medium::Video {
            // What it showed last is soon the picture of long ago.
            lock(&self.picture).clear();
        }
        state.note_gone(ticket.medium, end);
    }

    /// Frames the driver says it lost.
    pub(crate) fn lost(&self, ticket: Ticket, queue: &'static str, count: u64, reason: &str) {
        let mut state = lock(&self.state);
        if state.track_mut(ticket).is_some() {
            self.notices.dropped(queue, count);
            state.note_lost(ticket.medium, count, reason);
        }
    }

    /// How many frames there are in this time, one at least.
    pub(crate) fn frames_in(&self, ticket: Ticket, time_ns: i64) -> u64 {
        let frame_ns = lock(&self.state).track_mut(ticket).and_then(|track| track.frame_ns());
        frame_ns.map_or(1, |frame_ns| (time_ns + frame_ns / 2) / frame_ns).max(1).unsigned_abs()
    }

    /// Waits until all these sources have given their first frame, or one has failed.
    pub(crate) fn wait_up(&self, tickets: &[Ticket], timeout_ms: u32) -> Result<(), MediaError> {
        let limit = Duration::from_millis(u64::from(timeout_ms));
        let opens = |state: &mut State| state.open_failure(tickets).is_none() && state.opening(tickets).is_some();
        let state = wait_while(lock(&self.state), &self.changed, limit, opens);
        let no_frame = |track: &Track| {
            let (origin, medium) = (track.wish.origin.clone(), track.medium());
            MediaError::NoFrame { origin, medium, timeout_ms }
        };
        let failure = state.open_failure(tickets).or_else(|| state.opening(tickets).map(no_frame));
        let headers = state.header_sets();
        drop(state);
        match failure {
            Some(failure) => Err(failure),
            None => headers.into_iter().try_for_each(|tracks| self.headers.header(tracks).map(drop)),
        }
    }

    /// The first reason for which one of these could not be opened, if there is one.
    pub(crate) fn open_failure(&self, tickets: &[Ticket]) -> Option<MediaError> {
        lock(&self.state).open_failure(tickets)
    }

    /// Waits until this source is over.
    pub(crate) fn wait_over(&self, ticket: Ticket, limit: Duration) {
        let runs = |state: &mut State| state.track_mut(ticket).is_some();
        drop(wait_while(lock(&self.state), &self.changed, limit, runs));
    }

    /// Waits until this medium has given so much, at most `limit`.
    pub(crate) fn wait_length(&self, medium: Medium, length_ns: i64, limit: Duration) {
        let is_short = |state: &mut State| state.up(medium).is_some_and(|track| track.length_ns() < length_ns);
        drop(wait_while(lock(&self.state), &self.changed, limit, is_short));
    }

    /// This source can be asked for a key frame.
    pub(crate) fn note_ask_key(&self, ticket: Ticket, ask_key: AskKey) {
        if let Some(track) = lock(&self.state).track_mut(ticket) {
            track.ask_key = Some(ask_key);
        }
    }

    /// The whole recorder stood still until now, so that nobody saw what this source gave.
    pub(crate) fn excuse(&self, ticket: Ticket) {
        lock(&self.state).track_mut(ticket).into_iter().for_each(Track::excuse);
    }

    pub(crate) fn is_open(&self, ticket: Ticket) -> bool {
        lock(&self.state).track_mut(ticket).is_some()
    }

    /// How much of what came last the ring holds.
    pub(crate) fn held_ns(&self) -> u64 {
        lock(&self.state).ring.held_ns()
    }

    pub(crate) fn is_up(&self, medium: Medium) -> bool {
        lock(&self.state).up(medium).is_some()
    }

    pub(crate) fn is_recorded(&self, medium: Medium) -> bool {
        lock(&self.state).routing.as_ref().is_some_and(|routing| routing.wants(medium))
    }

    /// What is done from time to time, by whatever source runs.
    pub(crate) fn look(&self) {
        lock(&self.state).flush_if_idle();
        self.notices.tell_dropped();
    }

    /// How this source has failed if it has given nothing for too long.
    pub(crate) fn silence(&self, ticket: Ticket) -> Option<Silence> {
        let mut state = lock(&self.state);
        let track = state.track_mut(ticket)?;
        let idle = track.idle().filter(|_| track.is_silent())?;
        Some(Silence { idle, stuck: track.stuck() })
    }
}
