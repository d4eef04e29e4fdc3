// SPDX-License-Identifier: MIT OR Apache-2.0
//! Answers the bus: requests go to the engine, questions are answered from the live snapshot and the index.

use crate::devices;
use crate::engine::{Answer, Inbox, Message};
use crate::errors::from_store;
use crate::live::Live;
use bus::{
    BusError, Control, ControlFuture, DeviceInfo, ErrorKind, ExplainOptions, InterruptionId, InterruptionInfo,
    PhotoInfo, RecorderStatus, SessionId, SessionInfo, StartOptions, Timeline,
};
use std::sync::{Arc, Mutex, PoisonError};
use store::StoreError;
use tokio::sync::oneshot;

/// The recorder as the bus sees it.
pub(crate) struct Desk {
    pub(crate) inbox: Inbox,
    pub(crate) live: Arc<Live>,
    /// The configured sources.
    pub(crate) sources: Vec<String>,
    /// Held by whoever opens a source.
    pub(crate) opening: Arc<Mutex<()>>,
}

impl Desk {
    fn ask<T: Send + 'static>(&self, message: impl FnOnce(Answer<T>) -> Message) -> ControlFuture<'_, T> {
        let (answer, answered) = oneshot::channel();
        let (inbox, message) = (self.inbox.clone(), message(answer));
        Box::pin(async move {
            away(move || inbox.tell(message)).await?;
            answered.await.map_err(|_| BusError::new(ErrorKind::ShuttingDown, "the recorder is shutting down"))?
        })
    }

    /// Looks something up in the index.
    fn look_up<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Live) -> Result<T, StoreError> + Send + 'static,
    ) -> ControlFuture<'_, T> {
        let live = Arc::clone(&self.live);
        Box::pin(async move { away(move || query(&live)).await?.map_err(|error| from_store(&error)) })
    }
}

/// Does what may wait (for a disk, a device, room in a queue) away from the one thread that answers everyone.
async fn away<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, BusError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| BusError::internal(format!("the request broke down: {error}")))
}

impl Control for Desk {
    fn start(&self, options: StartOptions) -> ControlFuture<'_, SessionId> {
        self.ask(|answer| Message::Start(options, answer))
    }

    fn stop(&self) -> ControlFuture<'_, SessionId> {
        self.ask(Message::Stop)
    }

    fn take_photo(&self) -> ControlFuture<'_, PhotoInfo> {
        self.ask(Message::Photo)
    }

    fn devices(&self) -> ControlFuture<'_, Vec<DeviceInfo>> {
        let recording = self.live.status().current_session.is_some();
        let in_use = if recording { self.sources.clone() } else { Vec::new() };
        let opening = Arc::clone(&self.opening);
        Box::pin(away(move || {
            // To be asked, a sound card is opened for a moment: a start in that moment must not find it busy.
            let _sources = opening.lock().unwrap_or_else(PoisonError::into_inner);
            devices::list(&in_use)
        }))
    }

    fn status(&self) -> ControlFuture<'_, RecorderStatus> {
        Box::pin(async { Ok(self.live.status()) })
    }

    fn sessions(&self) -> ControlFuture<'_, Vec<SessionInfo>> {
        self.look_up(Live::sessions)
    }

    fn session(&self, id: SessionId) -> ControlFuture<'_, SessionInfo> {
        let found = self.look_up(move |live| live.session(id));
        Box::pin(
            async move { found.await?.ok_or_else(|| BusError::internal(format!("session {id} is not in the index"))) },
        )
    }

    fn interruptions(&self, session: Option<SessionId>) -> ControlFuture<'_, Vec<InterruptionInfo>> {
        let found = self.look_up(move |live| live.interruptions(session));
        Box::pin(async move { found.await?.ok_or_else(unknown_session) })
    }

    fn explain(&self, interruption: InterruptionId, _options: ExplainOptions) -> ControlFuture<'_, ()> {
        let message = format!("interruption {interruption} is not in the index");
        Box::pin(async { Err(BusError::new(ErrorKind::UnknownInterruption, message)) })
    }

    fn timeline(&self, session: SessionId) -> ControlFuture<'_, Timeline> {
        let found = self.look_up(move |live| live.timeline(session));
        Box::pin(async move { found.await?.ok_or_else(unknown_session) })
    }
}

fn unknown_session() -> BusError {
    BusError::new(ErrorKind::UnknownSession, "the session is not in the index")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::tests::evidence;
    use std::sync::mpsc::{Receiver, sync_channel};
    use std::time::Duration;

    /// A desk over an empty evidence folder, whose engine never takes a message.
    fn desk(folder: &std::path::Path) -> (Arc<Desk>, Receiver<Message>) {
        let (sender, messages) = sync_channel(1);
        let live = Arc::new(Live::new(evidence(folder).folder(), "SC0001"));
        (Arc::new(Desk { inbox: Inbox(sender), live, sources: Vec::new(), opening: Arc::default() }), messages)
    }

    /// Whether the status is still answered, by a single thread, after these requests were made.
    fn answers(request: impl FnOnce(Arc<Desk>) -> Vec<tokio::task::JoinHandle<()>> + Send + 'static) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let (desk, messages) = desk(folder.path());
        let (done, is_done) = sync_channel(1);
        std::thread::spawn(move || {
            let _messages = messages;
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let requests = request(Arc::clone(&desk));
                tokio::task::yield_now().await;
                assert!(desk.status().await.is_ok());
                assert!(requests.iter().all(|request| !request.is_finished()));
                done.send(()).unwrap();
            });
            runtime.shutdown_background();
        });
        is_done.recv_timeout(Duration::from_secs(10)).is_ok()
    }

    #[test]
    fn an_engine_that_takes_no_messages_holds_up_nobody_else() {
        let stop = |desk: &Arc<Desk>| {
            let desk = Arc::clone(desk);
            tokio::spawn(async move { drop(desk.stop().await) })
        };
        assert!(answers(move |desk| (0..3).map(|_| stop(&desk)).collect()));
    }

    #[test]
    fn an_index_that_is_busy_holds_up_nobody_else() {
        assert!(answers(|desk| {
            let busy = Arc::clone(&desk);
            let (held, is_held) = sync_channel(1);
            std::thread::spawn(move || {
                busy.live.while_index_is_held(|| {
                    held.send(()).unwrap();
                    std::thread::park_timeout(Duration::from_secs(20));
                });
            });
            is_held.recv().unwrap();
            vec![tokio::spawn(async move { drop(desk.sessions().await) })]
        }));
    }
}
