// SPDX-License-Identifier: MIT OR Apache-2.0
//! The thread that stores a session: takes what the media side gives, in order, and tells what became durable.

use crate::engine::{Inbox, Message};
use crate::errors::storage;
use crate::live::Live;
use bus::{Notifier, PhotoInfo, SessionId};
use evidence::record::{Event, Medium};
use media::Fragment;
use recorder::{Cause, Input};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use store::{SessionWriter, StoreError, StoredPhoto};
use tokio::sync::oneshot;

/// How many things may wait to be stored, mostly chunks of half a second. When it is full the mux waits, and its own
/// queues fill next.
pub(crate) const QUEUE_CAPACITY_CHUNKS: usize = 16;

/// What the writer is told.
pub(crate) enum Order {
    /// Something the media side gave.
    Media(media::Event),
    /// A still to store with the session.
    Photo(Vec<u8>, oneshot::Sender<Result<PhotoInfo, StoreError>>),
    /// Close the session. Nothing follows.
    Close(Cause),
}

/// What is told when the writer panicked.
const BROKEN: &str = "the writer broke down; the log says where, and the next start closes the session";

/// Sends orders to a writer.
pub(crate) type Orders = SyncSender<Order>;

/// What writes one session.
pub(crate) struct Writer {
    session: SessionWriter,
    inbox: Inbox,
    live: Arc<Live>,
    notifier: Notifier,
    failed: bool,
}

impl Writer {
    pub(crate) fn new(session: SessionWriter, inbox: Inbox, live: Arc<Live>, notifier: Notifier) -> Writer {
        Writer { session, inbox, live, notifier, failed: false }
    }

    /// Stores until the session is closed.
    pub(crate) fn run(self, orders: &Receiver<Order>) {
        let inbox = self.inbox.clone();
        let mut writer = Some(self);
        follow(orders, &inbox, |order| match (order, &mut writer) {
            (Order::Close(cause), writer) => writer.take().into_iter().for_each(|writer| writer.close(cause)),
            (Order::Media(event), Some(writer)) => writer.take(event),
            // The one who asked may be gone; the photo is stored all the same.
            (Order::Photo(jpeg, answer), Some(writer)) => drop(answer.send(writer.photo(&jpeg))),
            // Nothing follows a close.
            (_, None) => {}
        });
    }

    fn photo(&mut self, jpeg: &[u8]) -> Result<PhotoInfo, StoreError> {
        let photo = self.session.add_photo(jpeg)?;
        Ok(photo_info(&photo, Some(self.id()), &self.live))
    }

    fn id(&self) -> SessionId {
        SessionId::from_bytes(self.session.id().0)
    }

    fn take(&mut self, event: media::Event) {
        match event {
            media::Event::Fragment(fragment) => self.store(fragment),
            media::Event::Ended { medium } => self.note("source-ended", medium, "the footage came to its end".into()),
            media::Event::Failed { medium, reason } => {
                tracing::error!(%medium, reason, "a source failed");
                self.note("source-failed", medium, reason);
                self.inbox.tell(Message::Input(Input::SourceFailed));
            }
            media::Event::Lost { medium, count, reason } => {
                tracing::warn!(%medium, count, reason, "frames were lost");
                self.session.note_lost(of(medium), count, &reason);
            }
            media::Event::Finished => self.inbox.tell(Message::Input(Input::Drained)),
        }
    }

    fn note(&mut self, event: &str, medium: media::Medium, detail: String) {
        self.session.note(Event { event: event.into(), medium: Some(of(medium)), detail });
    }

    /// Stores a chunk. After a failure nothing more is stored, and so nothing more is announced.
    fn store(&mut self, fragment: Fragment) {
        if self.failed {
            return;
        }
        match self.session.append(&fragment.init, fragment.data) {
            Ok(chunk) => {
                let durable_boot_ns = store::clock::boot_now().0;
                let last_frame_boot_ns = chunk.last_frame_boot_ns;
                tracing::debug!(target: "sealcam::latency", chunk = chunk.record.chunk, last_frame_boot_ns, durable_boot_ns, "durable");
                self.notifier.chunk_recorded(self.live.count(self.id(), &chunk));
            }
            Err(error) => {
                tracing::error!(%error, "a chunk could not be stored");
                self.failed = true;
                self.inbox.tell(Message::Input(Input::StorageFailed(storage(&error))));
            }
        }
    }

    fn close(self, cause: Cause) {
        let input = match self.session.finish(cause.as_str(), None) {
            Ok(end) => {
                tracing::info!(session = %end.session, chunks = end.chunks, segments = end.segments, cause = end.cause, "session closed");
                Input::Closed
            }
            Err(error) => {
                tracing::error!(%error, "the session could not be closed; the next start closes it");
                Input::CloseFailed(storage(&error))
            }
        };
        self.inbox.tell(Message::Input(input));
    }
}

/// Gives orders to `does`, up to the last one. One that panics must not leave the recording running unnoticed: the storage
/// has failed then, and nothing more is given to `does`.
fn follow(orders: &Receiver<Order>, inbox: &Inbox, mut does: impl FnMut(Order)) {
    let tell = |input| inbox.tell(Message::Input(input));
    let mut broken = false;
    while let Ok(order) = orders.recv() {
        let is_last = matches!(order, Order::Close(_));
        let afterwards = answer_for_broken(&order);
        if !broken {
            broken = catch_unwind(AssertUnwindSafe(|| does(order))).is_err();
            if broken && !is_last {
                tell(Input::StorageFailed(BROKEN.into()));
            }
        }
        if broken {
            afterwards.into_iter().for_each(tell);
        }
        if is_last {
            return;
        }
    }
}

/// What the engine must hear all the same, so that the recording comes to its end.
fn answer_for_broken(order: &Order) -> Option<Input> {
    match order {
        Order::Media(media::Event::Finished) => Some(Input::Drained),
        Order::Close(_) => Some(Input::CloseFailed(BROKEN.into())),
        Order::Media(_) | Order::Photo(..) => None,
    }
}

/// A stored photo as the bus tells it.
pub(crate) fn photo_info(photo: &StoredPhoto, session: Option<SessionId>, live: &Live) -> PhotoInfo {
    let folder = live.status().evidence_folder;
    let file = photo.path.strip_prefix(folder).unwrap_or(&photo.path);
    PhotoInfo { file: file.to_string_lossy().into_owned(), sha256: photo.hash.0, session }
}

fn of(medium: media::Medium) -> Medium {
    match medium {
        media::Medium::Video => Medium::Video,
        media::Medium::Audio => Medium::Audio,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    /// What the engine hears of these orders when carrying out number `breaks` panics.
    fn heard(orders: Vec<Order>, breaks: usize) -> Vec<Input> {
        let (tell, told) = sync_channel(8);
        let (give, given) = sync_channel(8);
        orders.into_iter().for_each(|order| give.send(order).unwrap());
        let mut number = 0;
        follow(&given, &Inbox(tell), |_| {
            number += 1;
            assert!(number != breaks + 1, "as the test wants it");
        });
        told.into_iter().map(|message| if let Message::Input(input) = message { input } else { panic!() }).collect()
    }

    #[test]
    fn a_writer_that_panics_is_noticed_and_the_recording_comes_to_its_end() {
        let lost = || Order::Media(media::Event::Ended { medium: media::Medium::Video });
        let orders = || vec![lost(), lost(), Order::Media(media::Event::Finished), Order::Close(Cause::Stop)];
        let (storage, close) = (Input::StorageFailed(BROKEN.into()), Input::CloseFailed(BROKEN.into()));
        assert_eq!(heard(orders(), 0), [storage.clone(), Input::Drained, close.clone()]);
        assert_eq!(heard(orders(), 2), [storage, Input::Drained, close.clone()]);
        assert_eq!(heard(orders(), 3), [close]);
        assert_eq!(heard(orders(), 4), []);
    }
}
