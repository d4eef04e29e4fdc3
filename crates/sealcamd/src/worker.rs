// SPDX-License-Identifier: MIT OR Apache-2.0
//! A thread for what may take long, with a queue that has a bound. It is started once, so that no request fails for want
//! of a thread, and outlives work that panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

/// A thread and the queue of its work.
pub(crate) struct Worker<Work> {
    queue: SyncSender<Work>,
    thread: JoinHandle<()>,
    ended: Arc<AtomicBool>,
}

impl<Work: Send + 'static> Worker<Work> {
    /// Starts a thread that calls `does` for each piece of work; `capacity` is how many may wait behind the one in hand.
    pub(crate) fn start(
        name: &str,
        capacity: usize,
        does: impl Fn(Work) + Send + 'static,
    ) -> std::io::Result<Worker<Work>> {
        let (queue, waiting) = sync_channel(capacity);
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        let thread = std::thread::Builder::new().name(name.into()).spawn(move || work(&waiting, &end, &does))?;
        Ok(Worker { queue, thread, ended })
    }

    /// Puts work in the queue, or gives it back if there is no room. Never waits.
    pub(crate) fn give(&self, work: Work) -> Result<(), Work> {
        self.queue.try_send(work).map_err(|error| match error {
            TrySendError::Full(work) | TrySendError::Disconnected(work) => work,
        })
    }

    /// Waits for the work in hand; what was only waiting is dropped.
    pub(crate) fn end(self) {
        self.ended.store(true, Ordering::Relaxed);
        drop(self.queue);
        let _ = self.thread.join();
    }
}

fn work<Work>(waiting: &Receiver<Work>, ended: &AtomicBool, does: &impl Fn(Work)) {
    for work in waiting {
        if !ended.load(Ordering::Relaxed) {
            // Whoever waits for what panicked learns it from the answer that is dropped; the log has the panic.
            let _ = catch_unwind(AssertUnwindSafe(|| does(work)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Sender, channel};
    use std::time::Duration;

    /// Work that says that it is in hand, then waits to be let go.
    struct Held(Sender<()>, Receiver<()>);

    fn held() -> (Held, Receiver<()>, Sender<()>) {
        let ((begun, has_begun), (release, released)) = (channel(), channel());
        (Held(begun, released), has_begun, release)
    }

    fn hold(Held(begun, released): Held) {
        let _ = begun.send(());
        let _ = released.recv();
    }

    fn wait(signal: &Receiver<()>) -> bool {
        signal.recv_timeout(Duration::from_secs(10)).is_ok()
    }

    #[test]
    fn what_finds_no_room_is_given_back_at_once() {
        let worker = Worker::start("test", 1, hold).unwrap();
        let ((first, in_hand, _release), (second, ..), (third, ..)) = (held(), held(), held());
        assert!(worker.give(first).is_ok() && wait(&in_hand));
        assert!(worker.give(second).is_ok());
        assert!(worker.give(third).is_err());
    }

    #[test]
    fn a_panic_ends_the_work_and_not_the_worker() {
        let (done, is_done) = channel();
        let does = move |panics| if panics { panic!("as the test wants it") } else { done.send(()).unwrap() };
        let worker = Worker::start("test", 2, does).unwrap();
        assert!(worker.give(true).is_ok() && worker.give(false).is_ok() && wait(&is_done));
    }

    #[test]
    fn the_end_waits_for_the_work_in_hand_and_drops_what_waits() {
        let worker = Worker::start("test", 2, hold).unwrap();
        let ((first, in_hand, release), (second, never, _still_held)) = (held(), held());
        assert!(worker.give(first).is_ok() && wait(&in_hand) && worker.give(second).is_ok());
        let asked = Arc::clone(&worker.ended);
        let end = std::thread::spawn(move || worker.end());
        while !asked.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        assert!(!end.is_finished());
        release.send(()).unwrap();
        end.join().unwrap();
        // The second is dropped unseen, and with it its end of the channel.
        assert!(never.recv().is_err());
    }
}
