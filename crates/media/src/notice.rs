// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a studio tells its owner about its sources, whether a recording runs or not.
//!
//! Notices are handed over one after the other by a thread of their own, so that no source ever waits for who hears
//! them. Must not know sources.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::event::Medium;
use crate::sync::lock;

/// Notices that wait for one who does not take them. There are a few a second at the very most.
const NOTICES_MAX: usize = 256;
/// What a queue dropped is told at once, and then no more often than this.
const DROPPED_EVERY: Duration = Duration::from_secs(1);

/// Something about a source or a queue that someone should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A source that was up has failed. It stays so until it is opened again.
    Failed {
        /// What it gave.
        medium: Medium,
        /// What kind of failure.
        kind: FailureKind,
        /// What happened, in words.
        reason: String,
        /// `CLOCK_BOOTTIME` in ns at the end of the last frame it gave.
        last_boot_ns: Option<u64>,
    },
    /// A live source that went on by itself gave nothing for 2 s or more: the whole recorder stood still, or the source was
    /// about to be given up. Told once, by the first frame behind the hole; a source that was opened again leaves none.
    Missed {
        /// What it gave.
        medium: Medium,
        /// `CLOCK_BOOTTIME` in ns at the end of the last frame before the hole.
        from_boot_ns: u64,
        /// The same at the begin of the first frame behind it.
        to_boot_ns: u64,
    },
    /// A replayed file came to its end.
    Ended {
        /// What it gave.
        medium: Medium,
    },
    /// The camera gives less than 3/4 of the frames that it states, or gives them again.
    FrameRate {
        /// Whether there are too few.
        is_low: bool,
        /// How many there are and how many there should be.
        detail: String,
    },
    /// A queue reached its bound.
    Dropped {
        /// Which queue; see `docs/design/continuity.md`.
        queue: &'static str,
        /// How many frames were dropped since it was told last.
        count: u64,
    },
}

/// How a source failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The device or file is not there any more, or gave up with an error.
    Gone,
    /// It is there and gives nothing.
    Silent,
    /// Its times stand still, go back, or lie in the future.
    BadTimestamps,
    /// The device works, and its encoder does not.
    Encoder,
    /// Its format changed.
    Format,
    /// The machine slept, and what was open is not any more what it was.
    Slept,
}

/// Who is told.
pub(crate) type NoticeSink = Arc<dyn Fn(Notice) + Send + Sync>;

/// Hands notices over.
pub(crate) struct Notices {
    sender: SyncSender<Notice>,
    tallies: Mutex<Vec<Tally>>,
}

/// What one queue dropped.
struct Tally {
    queue: &'static str,
    count: u64,
    told: Instant,
}

impl Notices {
    pub(crate) fn new(sink: NoticeSink) -> std::io::Result<Self> {
        let (sender, receiver): (_, Receiver<Notice>) = sync_channel(NOTICES_MAX);
        let hand_over = move || receiver.into_iter().for_each(|notice| sink(notice));
        std::thread::Builder::new().name("notices".to_owned()).spawn(hand_over)?;
        Ok(Self { sender, tallies: Mutex::default() })
    }

    /// Never waits.
    pub(crate) fn tell(&self, notice: Notice) {
        match self.sender.try_send(notice) {
            Ok(()) => {}
            Err(TrySendError::Full(notice)) => tracing::error!(?notice, "nobody takes notices; this one is lost"),
            Err(TrySendError::Disconnected(notice)) => tracing::error!(?notice, "nobody hears notices any more"),
        }
    }

    /// A queue dropped so many frames.
    pub(crate) fn dropped(&self, queue: &'static str, count: u64) {
        let mut tallies = lock(&self.tallies);
        match tallies.iter_mut().find(|tally| tally.queue == queue) {
            Some(tally) => tally.count += count,
            None => {
                tallies.push(Tally { queue, count: 0, told: Instant::now() });
                self.tell(Notice::Dropped { queue, count });
            }
        }
    }

    /// Tells what was dropped and not yet told, where that is due. Forgets queues that drop nothing any more.
    pub(crate) fn tell_dropped(&self) {
        lock(&self.tallies).retain_mut(|tally| {
            if tally.told.elapsed() < DROPPED_EVERY {
                return true;
            }
            let count = std::mem::take(&mut tally.count);
            tally.told = Instant::now();
            if count > 0 {
                self.tell(Notice::Dropped { queue: tally.queue, count });
            }
            count > 0
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn drops_are_told_at_once_and_then_once_a_second_and_none_is_forgotten() {
        let (sender, told) = channel();
        let sender = Mutex::new(sender);
        let notices = Notices::new(Arc::new(move |notice| lock(&sender).send(notice).unwrap())).unwrap();
        let dropped = |count| Notice::Dropped { queue: "ring", count };
        for _ in 0..5 {
            notices.dropped("ring", 2);
            notices.tell_dropped();
        }
        let limit = Duration::from_secs(20);
        assert_eq!(told.recv_timeout(limit).unwrap(), dropped(2));
        let rest = std::iter::from_fn(|| {
            notices.tell_dropped();
            told.recv_timeout(Duration::from_millis(100)).ok().or(Some(dropped(0)))
        });
        assert_eq!(rest.take(200).find(|notice| *notice != dropped(0)), Some(dropped(8)));
        std::thread::sleep(DROPPED_EVERY);
        notices.tell_dropped();
        notices.dropped("ring", 1);
        assert_eq!(told.recv_timeout(limit).unwrap(), dropped(1));
    }

    #[test]
    fn one_who_does_not_hear_holds_nobody() {
        let gate = Arc::new(Mutex::new(()));
        let closed = lock(&gate);
        let door = Arc::clone(&gate);
        let notices = Notices::new(Arc::new(move |_| drop(lock(&door)))).unwrap();
        for _ in 0..2 * NOTICES_MAX {
            notices.tell(Notice::Ended { medium: Medium::Video });
        }
        drop(closed);
    }
}
