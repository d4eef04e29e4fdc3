// SPDX-License-Identifier: MIT OR Apache-2.0
//! The thread that stores a session: takes what the media side gives, in order, and tells what became durable.

use crate::engine::{Inbox, Message};
use crate::live::Live;
use bus::{Notifier, PhotoInfo, SessionId};
use evidence::record::{Event, Medium};
use media::Fragment;
use recorder::{Cause, Input};
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

/// Sends orders to a writer.
pub(crate) type Orders = SyncSender<Order>;

/// The writer's thread, as data.
pub(crate) struct Writer {
    pub(crate) session: SessionWriter,
    pub(crate) orders: Receiver<Order>,
    pub(crate) inbox: Inbox,
    pub(crate) live: Arc<Live>,
    pub(crate) notifier: Notifier,
    pub(crate) failed: bool,
}

impl Writer {
    /// Stores until the session is closed.
    pub(crate) fn run(mut self) {
        while let Ok(order) = self.orders.recv() {
            match order {
                Order::Media(event) => self.take(event),
                Order::Photo(jpeg, answer) => {
                    let result = self.session.add_photo(&jpeg);
                    let session = self.id();
                    // The one who asked may be gone; the photo is stored all the same.
                    let _ = answer.send(result.map(|photo| photo_info(&photo, Some(session), &self.live)));
                }
                Order::Close(cause) => return self.close(cause),
            }
        }
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
                self.inbox.tell(Message::Input(Input::StorageFailed(error.to_string())));
            }
        }
    }

    fn close(self, cause: Cause) {
        let input = match self.session.finish(cause.as_str()) {
            Ok(end) => {
                tracing::info!(session = %end.session, chunks = end.chunks, segments = end.segments, cause = end.cause, "session closed");
                Input::Closed
            }
            Err(error) => {
                tracing::error!(%error, "the session could not be closed; the next start closes it");
                Input::CloseFailed(error.to_string())
            }
        };
        self.inbox.tell(Message::Input(input));
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
