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
use store::{Evidence, StoreError};
use tokio::sync::oneshot;

/// The recorder as the bus sees it.
pub(crate) struct Desk {
    pub(crate) inbox: Inbox,
    pub(crate) live: Arc<Live>,
    pub(crate) evidence: Vec<Arc<Evidence>>,
    /// Tells which of the configured sources are open.
    pub(crate) in_use: Box<dyn Fn() -> Vec<String> + Send + Sync>,
    /// Held by whoever opens a sound card.
    pub(crate) cards: Arc<Mutex<()>>,
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
        let (in_use, cards) = ((self.in_use)(), Arc::clone(&self.cards));
        Box::pin(away(move || {
            // To be asked, a sound card is opened for a moment: a start in that moment must not find it busy.
            let _cards = cards.lock().unwrap_or_else(PoisonError::into_inner);
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
        Box::pin(async move { found.await?.ok_or_else(|| unknown_session(id)) })
    }

    fn interruptions(&self, session: Option<SessionId>) -> ControlFuture<'_, Vec<InterruptionInfo>> {
        let found = self.look_up(move |live| live.interruptions(session));
        // Only a session that is named can be unknown.
        Box::pin(async move { found.await?.ok_or_else(|| session.map_or_else(no_index, unknown_session)) })
    }

    fn explain(&self, interruption: InterruptionId, options: ExplainOptions) -> ControlFuture<'_, ()> {
        let evidence = self.evidence.clone();
        Box::pin(async move { away(move || explain(&evidence, interruption, &options)).await? })
    }

    fn timeline(&self, session: SessionId) -> ControlFuture<'_, Timeline> {
        let found = self.look_up(move |live| live.timeline(session));
        Box::pin(async move { found.await?.ok_or_else(|| unknown_session(session)) })
    }
}

fn unknown_session(id: SessionId) -> BusError {
    BusError::new(ErrorKind::UnknownSession, format!("session {id} is not in the index"))
}

fn no_index() -> BusError {
    BusError::internal("the index cannot be read")
}

/// Enters the account where the interruption is.
fn explain(evidence: &[Arc<Evidence>], id: InterruptionId, options: &ExplainOptions) -> Result<(), BusError> {
    let interruption = evidence::InterruptionId(id.to_bytes());
    let officer = options.officer.as_deref().unwrap_or_default();
    for place in evidence {
        match place.explain(interruption, options.cause.as_str(), officer, &options.text) {
            Err(StoreError::NoInterruption(_)) => {}
            done => return done.map_err(|error| from_store(&error)),
        }
    }
    Err(BusError::new(ErrorKind::UnknownInterruption, format!("there is no interruption {id}")))
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
        let evidence = Arc::new(evidence(folder));
        let live = Arc::new(Live::new(&[evidence.folder()], "SC0001"));
        let (inbox, in_use, cards) = (Inbox(sender), Box::new(Vec::new), Arc::default());
        (Arc::new(Desk { inbox, live, evidence: vec![evidence], in_use, cards }), messages)
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
