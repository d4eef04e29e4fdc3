// SPDX-License-Identifier: MIT OR Apache-2.0
//! The queue of a writer. What the media side gives has to find room in it; what the engine orders never waits, for there is
//! little of it, and the engine must answer however long a disk takes.

use media::Event;
use recorder::{Cause, Fault, Media};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use store::{StoreError, StoredPhoto};
use tokio::sync::oneshot;

/// How many things of the media side may wait to be stored, mostly chunks of half a second. When it is full the media side
/// waits, and its own queue fills next.
pub(crate) const QUEUE_CAPACITY_CHUNKS: usize = 16;

/// How many things that the engine ordered may wait. More come only where a write does not return for minutes.
const ENGINE_ORDERS_MAX: usize = 1024;

/// What the writer is told.
pub(crate) enum Order {
    /// Something the media side gave.
    Media(Event),
    /// A still to store with the session.
    Photo(Vec<u8>, oneshot::Sender<Result<StoredPhoto, StoreError>>),
    /// Something is not captured any more.
    BeginInterruption { number: u64, fault: Fault, media: Media, from_ns: u64, reason: String },
    /// It is again.
    EndInterruption { number: u64, to_ns: u64 },
    /// Something happened that the next record is to say.
    Note(evidence::record::Event),
    /// Close the session, and when that was asked for. Nothing follows.
    Close(Cause, Option<u64>),
}

/// Sends orders to a writer.
#[derive(Clone)]
pub(crate) struct Orders {
    queue: Sender<Order>,
    room: Arc<Room>,
}

/// The writer's end.
pub(crate) struct Queue {
    orders: Receiver<Order>,
    room: Arc<Room>,
}

/// The writer is gone.
#[derive(Debug)]
pub(crate) struct Gone;

#[derive(Default)]
struct Room {
    taken: Mutex<Taken>,
    changed: Condvar,
}

#[derive(Default)]
struct Taken {
    count: usize,
    ordered: usize,
    is_over: bool,
}

/// A queue: its two ends.
pub(crate) fn queue() -> (Orders, Queue) {
    let (queue, orders) = channel();
    let room = Arc::new(Room::default());
    (Orders { queue, room: Arc::clone(&room) }, Queue { orders, room })
}

impl Orders {
    /// Gives something of the media side, waiting for room.
    pub(crate) fn give(&self, event: Event) -> Result<(), Gone> {
        let is_full = |taken: &mut Taken| taken.count >= QUEUE_CAPACITY_CHUNKS && !taken.is_over;
        let waited = self.room.changed.wait_while(self.room.lock(), is_full);
        let mut taken = waited.unwrap_or_else(PoisonError::into_inner);
        taken.count += 1;
        drop(taken);
        self.queue.send(Order::Media(event)).map_err(|_| Gone)
    }

    /// Orders something. Never waits.
    pub(crate) fn tell(&self, order: Order) -> Result<(), Gone> {
        self.room.lock().ordered += 1;
        self.queue.send(order).map_err(|_| Gone)
    }

    /// Whether more waits of what was ordered than ever should.
    pub(crate) fn are_too_many(&self) -> bool {
        self.room.lock().ordered > ENGINE_ORDERS_MAX
    }
}

impl Queue {
    /// The next order; none when nobody can order any more.
    pub(crate) fn next(&self) -> Option<Order> {
        let order = self.orders.recv().ok()?;
        match order {
            Order::Media(_) => self.room.lock().count -= 1,
            _ => self.room.lock().ordered -= 1,
        }
        self.room.changed.notify_all();
        Some(order)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.room.lock().is_over = true;
        self.room.changed.notify_all();
    }
}

impl Room {
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn ended() -> Event {
        Event::Ended { medium: media::Medium::Video }
    }

    #[test]
    fn the_media_side_waits_for_room_and_the_engine_never() {
        let (orders, queue) = queue();
        (0..QUEUE_CAPACITY_CHUNKS).for_each(|_| orders.give(ended()).unwrap());
        let (given, is_given) = mpsc::channel();
        let media = orders.clone();
        std::thread::spawn(move || given.send(media.give(ended()).is_ok()));
        orders.tell(Order::Close(Cause::Stop, None)).unwrap();
        assert!(is_given.recv_timeout(Duration::from_millis(100)).is_err());
        assert!(queue.next().is_some());
        assert_eq!(is_given.recv_timeout(PATIENCE), Ok(true));
    }

    #[test]
    fn too_many_orders_are_noticed() {
        let (orders, queue) = queue();
        let note = || Order::Note(evidence::record::Event { event: "x".into(), medium: None, detail: String::new() });
        (0..ENGINE_ORDERS_MAX).for_each(|_| orders.tell(note()).unwrap());
        assert!(!orders.are_too_many());
        orders.tell(note()).unwrap();
        assert!(orders.are_too_many());
        assert!(queue.next().is_some());
        assert!(!orders.are_too_many());
    }

    #[test]
    fn nobody_waits_for_a_writer_that_is_gone() {
        let (orders, queue) = queue();
        (0..QUEUE_CAPACITY_CHUNKS).for_each(|_| orders.give(ended()).unwrap());
        let (given, is_given) = mpsc::channel();
        std::thread::spawn(move || given.send(orders.give(ended()).is_ok()));
        drop(queue);
        assert_eq!(is_given.recv_timeout(PATIENCE), Ok(false));
    }
}
