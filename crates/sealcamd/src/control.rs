// SPDX-License-Identifier: MIT OR Apache-2.0
//! Answers the bus: requests go to the engine, questions are answered from the live snapshot and the index.

use crate::devices;
use crate::engine::{Answer, Inbox, Message};
use crate::errors::from_store;
use crate::live::Live;
use bus::{
    BusError, Control, ControlFuture, DeviceInfo, ErrorKind, PhotoInfo, RecorderStatus, SessionId, SessionInfo,
    StartOptions,
};
use std::sync::Arc;
use tokio::sync::oneshot;

/// The recorder as the bus sees it.
pub(crate) struct Desk {
    pub(crate) inbox: Inbox,
    pub(crate) live: Arc<Live>,
    /// The configured sources.
    pub(crate) sources: Vec<String>,
}

impl Desk {
    fn ask<T: Send + 'static>(&self, message: impl FnOnce(Answer<T>) -> Message) -> ControlFuture<'_, T> {
        let (answer, answered) = oneshot::channel();
        self.inbox.tell(message(answer));
        Box::pin(async move {
            answered.await.map_err(|_| BusError::new(ErrorKind::ShuttingDown, "the recorder is shutting down"))?
        })
    }
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
        Box::pin(async move {
            let listed = tokio::task::spawn_blocking(move || devices::list(&in_use)).await;
            listed.map_err(|error| BusError::internal(format!("the devices could not be listed: {error}")))
        })
    }

    fn status(&self) -> ControlFuture<'_, RecorderStatus> {
        Box::pin(async { Ok(self.live.status()) })
    }

    fn sessions(&self) -> ControlFuture<'_, Vec<SessionInfo>> {
        Box::pin(async { self.live.sessions().map_err(|error| from_store(&error)) })
    }

    fn session(&self, id: SessionId) -> ControlFuture<'_, SessionInfo> {
        Box::pin(async move {
            let found = self.live.session(id).map_err(|error| from_store(&error))?;
            found.ok_or_else(|| BusError::internal(format!("session {id} is not in the index")))
        })
    }
}
