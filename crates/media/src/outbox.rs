// SPDX-License-Identifier: MIT OR Apache-2.0
//! Hands events to the caller, one after the other, from a thread of its own.
//!
//! The caller may block: then events wait here, within limits, while cameras go on. Must not know
//! what the events mean, but for which is the last.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::event::Event;
use crate::sync::{lock, wait_while};

/// Fragments that wait before a source that can wait has to.
const PATIENT_FRAGMENTS_MAX: usize = 3;
/// Fragments that wait before a live source loses frames: more than ten seconds of half-second chunks, some of which are
/// shorter. Also bounded in bytes.
const LIVE_FRAGMENTS_MAX: usize = 32;
pub(crate) const LIVE_BYTES_MAX: usize = 16 << 20;
/// How often a source that waits for room looks whether it should stop.
const ROOM_CHECK: Duration = Duration::from_millis(100);

pub(crate) type EventSink = Arc<dyn Fn(Event) + Send + Sync>;

#[derive(Default)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    events: VecDeque<Event>,
    fragments: usize,
    bytes: usize,
    finished: bool,
}

impl Outbox {
    /// Starts to deliver, until `Finished` has been delivered or nobody can send any more. `refill` is called when there
    /// may be room for something that waits elsewhere.
    pub(crate) fn start(events: EventSink, refill: impl Fn() + Send + 'static) -> Arc<Self> {
        let outbox = Arc::new(Self::default());
        let sender = Arc::downgrade(&outbox);
        std::thread::spawn(move || {
            while let Some(outbox) = sender.upgrade() {
                refill();
                let Some(event) = outbox.next() else {
                    if outbox.wait_finished(Duration::ZERO) {
                        return;
                    }
                    continue;
                };
                let last = matches!(event, Event::Finished);
                events(event);
                if last {
                    return outbox.finish();
                }
            }
        });
        outbox
    }

    pub(crate) fn send(&self, event: Event) {
        let mut queue = lock(&self.queue);
        queue.note(&event, |count, by| count + by);
        queue.events.push_back(event);
        self.changed.notify_all();
    }

    /// Nothing more is delivered: the recording never began.
    pub(crate) fn abandon(&self) {
        let mut queue = lock(&self.queue);
        queue.events.clear();
        queue.finished = true;
        self.changed.notify_all();
    }

    /// Whether a live source's frame finds room.
    pub(crate) fn has_room(&self) -> bool {
        let queue = lock(&self.queue);
        queue.fragments < LIVE_FRAGMENTS_MAX && queue.bytes < LIVE_BYTES_MAX
    }

    /// Whether a frame that can wait finds room.
    pub(crate) fn has_room_to_spare(&self) -> bool {
        lock(&self.queue).fragments < PATIENT_FRAGMENTS_MAX
    }

    /// Waits for room; gives up when `stopped` says so.
    pub(crate) fn wait_room(&self, stopped: impl Fn() -> bool) {
        let full = |queue: &mut Queue| queue.fragments >= PATIENT_FRAGMENTS_MAX;
        let mut queue = lock(&self.queue);
        while full(&mut queue) && !stopped() {
            queue = wait_while(queue, &self.changed, ROOM_CHECK, full);
        }
    }

    /// Whether `Finished` has been delivered, waiting for it at most `limit`.
    pub(crate) fn wait_finished(&self, limit: Duration) -> bool {
        wait_while(lock(&self.queue), &self.changed, limit, |queue| !queue.finished).finished
    }

    fn next(&self) -> Option<Event> {
        let empty = |queue: &mut Queue| queue.events.is_empty();
        let mut queue = wait_while(lock(&self.queue), &self.changed, ROOM_CHECK, empty);
        let event = queue.events.pop_front()?;
        queue.note(&event, |count, by| count - by);
        self.changed.notify_all();
        Some(event)
    }

    fn finish(&self) {
        lock(&self.queue).finished = true;
        self.changed.notify_all();
    }
}

impl Queue {
    fn note(&mut self, event: &Event, change: impl Fn(usize, usize) -> usize) {
        if let Event::Fragment(fragment) = event {
            self.fragments = change(self.fragments, 1);
            self.bytes = change(self.bytes, fragment.data.len());
        }
    }
}
