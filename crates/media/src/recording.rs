// SPDX-License-Identifier: MIT OR Apache-2.0
//! A recording, for its owner.
//!
//! Must not know sources.

use std::sync::{Arc, Mutex};

use crate::error::MediaError;
use crate::event::{Counters, Medium, TrackInfo};
use crate::outbox::EventSink;
use crate::router::Router;
use crate::router::recording::{Account, Delivery};
use crate::settings::Settings;
use crate::sync::lock;

/// A recording that runs. Dropping it ends it. Its sources stay open. Until it is confirmed or ends, what it takes stays in
/// the ring too, within the ring's bounds, so that it can be given back.
pub struct Recording {
    router: Arc<Router>,
    delivery: Delivery,
    /// How it stood when it was delivered.
    ended: Mutex<Option<Account>>,
}

impl Recording {
    pub(crate) fn begin(
        router: &Arc<Router>,
        media: &[Medium],
        absent: &[Medium],
        settings: &Settings,
        events: EventSink,
    ) -> Result<Self, MediaError> {
        let delivery = router.record(media, absent, settings, events)?;
        Ok(Self { router: Arc::clone(router), delivery, ended: Mutex::default() })
    }

    /// What is being recorded; a source that was not there from the beginning is here once it has given. A source that was opened again may give something else.
    pub fn tracks(&self) -> Vec<TrackInfo> {
        self.account().tracks
    }

    /// `CLOCK_BOOTTIME` in ns at media time 0: the first frame, which the ring may have held.
    pub fn zero_ns(&self) -> u64 {
        self.account().zero_boot_ns
    }

    /// Frames so far.
    pub fn counters(&self) -> Counters {
        self.account().counters
    }

    /// It has a place to be stored in: what it took leaves the ring, and it cannot be given back any more.
    pub fn confirm(&self) {
        self.router.confirm(&self.delivery);
    }

    /// It has never been: nothing of it was stored and nothing will be. All that it took, of what was handed to the receiver
    /// too, is in the ring as if it had not begun, as far as the ring reaches back; what a file gave that waits to be recorded
    /// is not. Nothing more is delivered, no [`Event::Finished`](crate::Event::Finished) either, but an event that is being
    /// handed over may still arrive. One that was confirmed ends as by [`end`](Self::end).
    pub fn give_back(self) {
        self.router.give_back(&self.delivery);
    }

    /// Delivers everything that came, then [`Event::Finished`](crate::Event::Finished), then returns. The sources stay
    /// open, and the ring fills again. A second call only waits for the same.
    pub fn end(&self) {
        self.router.deliver(&self.delivery);
        lock(&self.ended).get_or_insert_with(|| self.router.close_recording(&self.delivery));
    }

    fn account(&self) -> Account {
        lock(&self.ended).clone().unwrap_or_else(|| self.router.account())
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.end();
    }
}
