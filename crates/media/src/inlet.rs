// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where one opened source puts what it has.
//!
//! A source gets a new inlet each time it is opened, and one that was given up cannot speak for the next. Must not know
//! what becomes of frames.

use std::sync::Arc;
use std::time::Duration;

use gstreamer as gst;

use crate::error::MediaError;
use crate::event::Medium;
use crate::frame::Frame;
use crate::notice::FailureKind;
use crate::router::track::{AskKey, Wish};
use crate::router::{Offer, Router, Silence, Turn};
use crate::timeline::TimeLine;

/// One opening of a source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    pub(crate) medium: Medium,
    pub(crate) number: u64,
    /// How long the machine had slept by then.
    pub(crate) slept_ns: i64,
}

/// How and why a source failed.
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    /// In words, with the source's name.
    pub(crate) reason: String,
    /// What one who opens it is told, if something better is known.
    pub(crate) error: Option<MediaError>,
}

#[derive(Clone)]
pub(crate) struct Inlet {
    router: Arc<Router>,
    ticket: Ticket,
}

impl Failure {
    pub(crate) fn into_error(self) -> MediaError {
        self.error.unwrap_or(MediaError::Failed { reason: self.reason })
    }
}

impl Inlet {
    pub(crate) fn open(router: &Arc<Router>, wish: Wish) -> Self {
        Self { router: Arc::clone(router), ticket: router.admit(wish) }
    }

    pub(crate) fn medium(&self) -> Medium {
        self.ticket.medium
    }

    pub(crate) fn ticket(&self) -> Ticket {
        self.ticket
    }

    pub(crate) fn time(&self) -> &TimeLine {
        self.router.time()
    }

    /// Takes one frame. An error means: this source is over, send no more.
    pub(crate) fn push(&self, caps: &gst::CapsRef, frame: Frame) -> Result<(), gst::FlowError> {
        self.router.push(self.ticket, caps, frame)
    }

    /// Takes one frame of a source that can wait.
    pub(crate) fn offer(&self, turn: Turn, caps: &gst::CapsRef, frame: Frame) -> Offer {
        self.router.offer(self.ticket, turn, caps, frame)
    }

    /// The first frame is there, and waits with its source.
    pub(crate) fn show(&self, caps: &gst::CapsRef) {
        self.router.show(self.ticket, caps);
    }

    /// A queue of the system in front of this source lost frames.
    pub(crate) fn lost(&self, queue: &'static str, count: u64, reason: &str) {
        self.router.lost(self.ticket, queue, count, reason);
    }

    /// The same where it is only known for how long.
    pub(crate) fn lost_for(&self, queue: &'static str, lost_ns: i64, reason: &str) {
        self.lost(queue, self.router.frames_in(self.ticket, lost_ns), reason);
    }

    /// The source has failed. May be said more than once; the first counts.
    pub(crate) fn fail(&self, failure: Failure) {
        self.router.fail(self.ticket, failure);
    }

    /// The source came to its end.
    pub(crate) fn end(&self) {
        self.router.end(self.ticket);
    }

    /// Nobody wants the source any more.
    pub(crate) fn close(&self) {
        self.router.close(self.ticket);
    }

    pub(crate) fn is_open(&self) -> bool {
        self.router.is_open(self.ticket)
    }

    /// Waits until the source is over.
    pub(crate) fn wait_over(&self, limit: Duration) {
        self.router.wait_over(self.ticket, limit);
    }

    /// How the source has failed if it has given nothing for too long.
    pub(crate) fn silence(&self) -> Option<Silence> {
        self.router.silence(self.ticket)
    }

    /// The source can be asked for a key frame.
    pub(crate) fn note_ask_key(&self, ask_key: AskKey) {
        self.router.note_ask_key(self.ticket, ask_key);
    }

    /// The whole recorder stood still until now.
    pub(crate) fn excuse(&self) {
        self.router.excuse(self.ticket);
    }

    /// What is done from time to time.
    pub(crate) fn look(&self) {
        self.router.look();
    }

    /// Whether the machine slept since the source was opened.
    pub(crate) fn slept(&self) -> bool {
        self.time().slept_ns() != self.ticket.slept_ns
    }
}
