// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the recorder tells the bus. Telling never waits and never fails: recording must not depend on a bus.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{mpsc, oneshot};

use crate::{AlarmInfo, AlarmKind, ChunkInfo, InterruptionId, PhotoInfo, SessionId};

/// The most events that wait to be published. At two chunks a second this is more than eight minutes of a bus that stands still.
pub const QUEUE_CAPACITY_EVENTS: usize = 1024;

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// Properties of the recorder may have changed.
    StateChanged,
    /// A session is open.
    SessionStarted(SessionId),
    /// A session is closed, and why.
    SessionEnded(SessionId, String),
    /// A session is no longer known.
    SessionRemoved(SessionId),
    /// A chunk is durable, signed and indexed.
    ChunkRecorded(ChunkInfo),
    /// A photo is durable and signed.
    PhotoTaken(PhotoInfo),
    /// An alarm is raised.
    AlarmRaised(AlarmInfo),
    /// An alarm is over.
    AlarmQuiet(AlarmKind),
    /// An interruption of a session began, and why.
    InterruptionBegan(InterruptionId, SessionId, String),
    /// An interruption of a session is over.
    InterruptionEnded(InterruptionId, SessionId),
    /// Not published: answered when all before it is published and the session, if any, has its object.
    Settle(Option<SessionId>, oneshot::Sender<()>),
}

/// The recorder's end of the queue of events. Cheap to clone; may be used from any thread.
#[derive(Debug, Clone)]
pub struct Notifier {
    queue: mpsc::Sender<Event>,
    dropped: Arc<AtomicU64>,
}

/// The service's end of the queue of events: goes into [`serve`](crate::serve).
#[derive(Debug)]
pub struct Events {
    pub(crate) queue: mpsc::Receiver<Event>,
    pub(crate) dropped: Arc<AtomicU64>,
    pub(crate) notifier: Notifier,
}

impl Notifier {
    /// A queue of events: its two ends. Events may be told before there is a service; they wait.
    pub fn channel() -> (Self, Events) {
        let (sender, receiver) = mpsc::channel(QUEUE_CAPACITY_EVENTS);
        let notifier = Self { queue: sender, dropped: Arc::default() };
        let events = Events { queue: receiver, dropped: Arc::clone(&notifier.dropped), notifier: notifier.clone() };
        (notifier, events)
    }

    /// State, fault, current session, alarms or the minutes left may have changed: they are asked for, and what differs is
    /// announced.
    pub fn state_changed(&self) {
        self.tell(Event::StateChanged);
    }

    /// A session is open; `Control::session` knows it.
    pub fn session_started(&self, session: SessionId) {
        self.tell(Event::SessionStarted(session));
    }

    /// A session is closed, durable and in the ledger; `Control::session` knows its end.
    pub fn session_ended(&self, session: SessionId, cause: impl Into<String>) {
        self.tell(Event::SessionEnded(session, cause.into()));
    }

    /// A session is no longer known: its object goes.
    pub fn session_removed(&self, session: SessionId) {
        self.tell(Event::SessionRemoved(session));
    }

    /// A chunk is durable, signed and indexed.
    pub fn chunk_recorded(&self, chunk: ChunkInfo) {
        self.tell(Event::ChunkRecorded(chunk));
    }

    /// A photo is durable and signed.
    pub fn photo_taken(&self, photo: PhotoInfo) {
        self.tell(Event::PhotoTaken(photo));
    }

    /// An alarm is raised; `Control::status` knows it.
    pub fn alarm_raised(&self, alarm: AlarmInfo) {
        self.tell(Event::AlarmRaised(alarm));
    }

    /// An alarm is over; `Control::status` has it no more.
    pub fn alarm_quiet(&self, kind: AlarmKind) {
        self.tell(Event::AlarmQuiet(kind));
    }

    /// An interruption began and is in the ledger; `Control::interruptions` and the count of `Control::session` know it.
    pub fn interruption_began(&self, interruption: InterruptionId, session: SessionId, cause: impl Into<String>) {
        self.tell(Event::InterruptionBegan(interruption, session, cause.into()));
    }

    /// An interruption is over, and its end in the ledger.
    pub fn interruption_ended(&self, interruption: InterruptionId, session: SessionId) {
        self.tell(Event::InterruptionEnded(interruption, session));
    }

    /// How many events were dropped since the start, because the bus stood still while the queue was full. The service
    /// makes good for objects and properties; the signals themselves are lost.
    pub fn dropped_events(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until everything told so far is published, and the session has its object.
    pub(crate) async fn settle(&self, session: Option<SessionId>) {
        let (done, is_done) = oneshot::channel();
        if self.queue.send(Event::Settle(session, done)).await.is_ok() {
            // An error means that the service is gone, and with it anyone to wait for.
            let _ = is_done.await;
        }
    }

    fn tell(&self, event: Event) {
        if let Err(mpsc::error::TrySendError::Full(event)) = self.queue.try_send(event) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(?event, "the bus stands still: an event is dropped");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_drops_and_counts_and_never_waits() {
        let (notifier, _events) = Notifier::channel();
        for _ in 0..QUEUE_CAPACITY_EVENTS + 3 {
            notifier.state_changed();
        }
        assert_eq!(notifier.dropped_events(), 3);
    }
}
