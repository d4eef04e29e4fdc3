// SPDX-License-Identifier: MIT OR Apache-2.0
//! The recording's side of the router: begins with the ring, ends in order, tells how it stands; and takes photos.

use std::sync::Arc;
use std::time::Duration;

use crate::error::MediaError;
use crate::event::{Counters, Medium, TrackInfo};
use crate::frame::NS_PER_SECOND;
use crate::outbox::{EventSink, Outbox};
use crate::photo;
use crate::router::state::State;
use crate::router::{Router, Turn};
use crate::routing::Routing;
use crate::settings::Settings;
use crate::sync::{lock, wait_while};

/// How long the last fragments may take to be delivered at the end.
const FINISH_LIMIT: Duration = Duration::from_secs(30);
/// A photo's picture may be no older, unless frames are that far apart.
const PHOTO_AGE_MAX_NS: i64 = NS_PER_SECOND;

/// How a recording stands, or stood when it ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct Account {
    pub(crate) tracks: Vec<TrackInfo>,
    pub(crate) zero_boot_ns: u64,
    pub(crate) counters: Counters,
}

/// The way of a recording to its receiver.
pub(crate) struct Delivery {
    number: u64,
    outbox: Arc<Outbox>,
}

impl Router {
    /// Begins a recording with what the ring holds, and waits until each of `media` has come. What of `absent` comes joins it.
    pub(crate) fn record(
        self: &Arc<Self>,
        media: &[Medium],
        absent: &[Medium],
        settings: &Settings,
        events: EventSink,
    ) -> Result<Delivery, MediaError> {
        let mut state = lock(&self.state);
        if state.routing.is_some() {
            return Err(MediaError::pipeline("recording", "another recording has not ended"));
        }
        let parts = state.parts_of(media, absent)?;
        if media.is_empty() {
            return Err(MediaError::pipeline("recording", "neither video nor audio is wanted"));
        }
        let (headers, notices) = (Arc::clone(&self.headers), Arc::clone(&self.notices));
        let feeder = Arc::downgrade(self);
        let outbox = Outbox::start(events, move || feeder.upgrade().iter().for_each(|router| router.feed()));
        let mut routing = Routing::new(parts, settings.chunk_ms, headers, notices, Arc::clone(&outbox));
        let now_ns = self.time.now_ns();
        routing.take_ring(state.ring.copy(&[media, absent].concat(), now_ns));
        let number = state.begin(routing, now_ns);
        self.changed.notify_all();
        let limit = Duration::from_millis(u64::from(settings.start_timeout_ms));
        let mut state = wait_while(state, &self.changed, limit, |state| state.is_beginning());
        let Some(failure) = state.why_not_begun(settings.start_timeout_ms) else {
            return Ok(Delivery { number, outbox });
        };
        state.give_back();
        Err(failure)
    }

    /// The recording stays: what it took leaves the ring.
    pub(crate) fn confirm(&self, delivery: &Delivery) {
        lock(&self.state).confirm(delivery.number);
    }

    /// It has never been: what it took is in the ring. Not if it is confirmed.
    pub(crate) fn give_back(&self, delivery: &Delivery) {
        let mut state = lock(&self.state);
        if state.is_provisional && state.routing_of(delivery.number).is_some() {
            state.give_back();
        }
        drop(state);
        self.changed.notify_all();
    }

    /// What waits for room may find it now.
    fn feed(&self) {
        let mut state = lock(&self.state);
        if let Some(routing) = state.routing.as_mut().filter(|routing| routing.has_backlog()) {
            routing.feed();
            drop(state);
            self.changed.notify_all();
        }
    }

    /// Takes nothing more, and waits until everything is delivered. What comes from now on goes into the ring.
    pub(crate) fn deliver(&self, delivery: &Delivery) {
        let mut state = lock(&self.state);
        state.confirm(delivery.number);
        state.routing_of(delivery.number).into_iter().for_each(Routing::end);
        drop(state);
        if !delivery.outbox.wait_finished(FINISH_LIMIT) {
            tracing::error!("the last fragments were not taken in time; they are left to the receiver");
        }
    }

    /// Another recording may begin. How this one stood.
    pub(crate) fn close_recording(&self, delivery: &Delivery) -> Account {
        let mut state = lock(&self.state);
        let Some(routing) = state.routing_of(delivery.number) else { return Account::default() };
        routing.end_at_once();
        let account = self.account_of(routing);
        state.routing = None;
        account
    }

    /// How the recording that runs stands.
    pub(crate) fn account(&self) -> Account {
        let state = lock(&self.state);
        state.routing.as_ref().map_or_else(Account::default, |routing| self.account_of(routing))
    }

    fn account_of(&self, routing: &Routing) -> Account {
        Account {
            tracks: routing.tracks(),
            zero_boot_ns: self.time.boot_ns(routing.zero_ns()),
            counters: routing.counters(),
        }
    }

    /// The current picture, never one of long ago.
    pub(crate) fn photo(&self) -> Result<Vec<u8>, MediaError> {
        let caps = lock(&self.state).picture_caps()?;
        let memory = lock(&self.picture).clone();
        photo::jpeg(&memory, &caps)
    }
}

impl State {
    fn begin(&mut self, routing: Routing, now_ns: i64) -> u64 {
        self.turn = Turn { number: self.turn.number + 1, from_ns: now_ns };
        self.routing = Some(routing);
        self.is_provisional = true;
        self.turn.number
    }

    fn confirm(&mut self, number: u64) {
        if !self.is_provisional || self.routing_of(number).is_none() {
            return;
        }
        for medium in Medium::BOTH {
            if self.recorder_of(medium).is_some() {
                self.ring.forget(medium);
            }
        }
        self.is_provisional = false;
    }

    fn give_back(&mut self) {
        if let Some(routing) = self.routing.take() {
            routing.outbox().abandon();
        }
        self.is_provisional = false;
    }

    fn routing_of(&mut self, number: u64) -> Option<&mut Routing> {
        self.routing.as_mut().filter(|_| self.turn.number == number)
    }

    fn is_beginning(&self) -> bool {
        self.routing.as_ref().is_some_and(Routing::is_beginning)
    }

    /// Why the recording has not begun within this time, if it has not.
    fn why_not_begun(&self, timeout_ms: u32) -> Option<MediaError> {
        let routing = self.routing.as_ref()?;
        let no_frame = |medium| {
            let origin = self.up(medium).map_or_else(|| medium.to_string(), |track| track.wish.origin.clone());
            MediaError::NoFrame { origin, medium, timeout_ms }
        };
        routing.failure().cloned().or_else(|| routing.lacks_first().map(no_frame))
    }

    /// The format of the pictures that are coming in.
    fn picture_caps(&self) -> Result<gstreamer::Caps, MediaError> {
        let none = |reason: String| MediaError::NoPicture { reason };
        let track = self.up(Medium::Video).ok_or_else(|| none("no picture is being captured".to_owned()))?;
        let idle = track.idle().ok_or_else(|| none("no picture yet; try again in a second".to_owned()))?;
        if track.is_idle(PHOTO_AGE_MAX_NS) {
            return Err(none(format!("no picture has come for {:.1} s", idle.as_secs_f64())));
        }
        track.caps.clone().ok_or_else(|| none("no picture yet; try again in a second".to_owned()))
    }
}
