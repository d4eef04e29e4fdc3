// SPDX-License-Identifier: MIT OR Apache-2.0
//! Publishes what the recorder tells: one task, one event after the other, so that signals, objects and properties come in
//! the order in which things happened. It must not hold anything that the recorder waits for.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use zbus::fdo::Properties;
use zbus::names::InterfaceName;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, Variant};

use crate::control::Control;
use crate::dict::{Reply, session_path};
use crate::notify::{Event, Events};
use crate::recorder_object::{RecorderObject, storage_minutes};
use crate::session_object::SessionObject;
use crate::{
    AlarmInfo, AlarmKind, BusError, ChunkInfo, InterruptionId, PhotoInfo, RECORDER_INTERFACE, RECORDER_PATH,
    RecorderState, RecorderStatus, SESSION_INTERFACE, SessionId,
};

/// What stands in the way of publishing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    #[error("the recorder does not answer: {0}")]
    Control(#[from] BusError),
    #[error("the bus does not take it: {0}")]
    Bus(#[from] zbus::Error),
}

/// The properties of the recorder whose changes are announced.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Announced {
    state: RecorderState,
    fault: Option<String>,
    current_session: Option<SessionId>,
    alarms: Vec<AlarmInfo>,
    storage_minutes: Option<u64>,
}

impl From<RecorderStatus> for Announced {
    fn from(status: RecorderStatus) -> Self {
        let RecorderStatus { state, fault, current_session, alarms, storage_minutes, .. } = status;
        Self { state, fault, current_session, alarms, storage_minutes }
    }
}

pub(crate) struct Publisher {
    connection: Connection,
    control: Arc<dyn Control>,
    announced: Option<Announced>,
    dropped_known: u64,
}

impl Publisher {
    pub(crate) fn new(connection: Connection, control: Arc<dyn Control>) -> Self {
        Self { connection, control, announced: None, dropped_known: 0 }
    }

    /// Publishes until the queue is closed.
    pub(crate) async fn run(mut self, mut events: Events) {
        while let Some(event) = events.queue.recv().await {
            if let Err(error) = self.publish(event).await {
                tracing::warn!(%error, "an event could not be published on the bus");
            }
            self.make_good(events.dropped.load(Ordering::Relaxed)).await;
        }
    }

    /// Makes objects and properties what they should be, whatever was announced so far.
    pub(crate) async fn resync(&mut self) -> Result<(), PublishError> {
        for session in self.control.sessions().await? {
            self.add(session.id).await?;
        }
        self.refresh_state().await
    }

    async fn make_good(&mut self, dropped: u64) {
        if dropped == self.dropped_known {
            return;
        }
        match self.resync().await {
            Ok(()) => self.dropped_known = dropped,
            Err(error) => tracing::warn!(%error, "the bus could not be brought up to date"),
        }
    }

    async fn publish(&mut self, event: Event) -> Result<(), PublishError> {
        match event {
            Event::StateChanged => self.refresh_state().await,
            Event::SessionStarted(session) => self.session_started(session).await,
            Event::SessionEnded(session, cause) => self.session_ended(session, &cause).await,
            Event::SessionRemoved(session) => self.session_removed(session).await,
            Event::ChunkRecorded(chunk) => self.chunk_recorded(&chunk).await,
            Event::PhotoTaken(photo) => self.photo_taken(&photo).await,
            Event::AlarmRaised(alarm) => self.alarm_raised(&alarm).await,
            Event::AlarmQuiet(kind) => self.alarm_quiet(kind).await,
            Event::InterruptionBegan(id, session, cause) => self.interruption_began(id, session, &cause).await,
            Event::InterruptionEnded(id, session) => self.interruption_ended(id, session).await,
            Event::Settle(session, done) => self.settle(session, done).await,
        }
    }

    async fn session_started(&mut self, session: SessionId) -> Result<(), PublishError> {
        self.add(session).await?;
        RecorderObject::session_started(&self.recorder()?, session.object_path().into()).await?;
        self.refresh_state().await
    }

    /// The signal goes out even where the session's properties cannot be read.
    async fn session_ended(&mut self, session: SessionId, cause: &str) -> Result<(), PublishError> {
        let told = self.session_end_changed(session).await;
        RecorderObject::session_ended(&self.recorder()?, session.object_path().into(), cause).await?;
        self.refresh_state().await?;
        told
    }

    async fn session_end_changed(&self, session: SessionId) -> Result<(), PublishError> {
        self.add(session).await?;
        let info = self.control.session(session).await?;
        let changed = HashMap::from([
            ("EndedUtcNs", info.ended_utc_ns.unwrap_or_default().into()),
            ("Cause", info.cause.unwrap_or_default().into()),
        ]);
        self.session_changed(session, changed).await
    }

    async fn session_removed(&self, session: SessionId) -> Result<(), PublishError> {
        let server = self.connection.object_server();
        match server.remove::<SessionObject, _>(session.object_path()).await {
            Ok(_) | Err(zbus::Error::InterfaceNotFound) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn chunk_recorded(&self, chunk: &ChunkInfo) -> Result<(), PublishError> {
        let session = chunk.session.object_path().into();
        let ChunkInfo { segment, chunk, recorded_up_to_ns, utc_ns, .. } = *chunk;
        RecorderObject::chunk_recorded(&self.recorder()?, session, segment, chunk, recorded_up_to_ns, utc_ns).await?;
        Ok(())
    }

    async fn photo_taken(&self, photo: &PhotoInfo) -> Result<(), PublishError> {
        if let Some(session) = photo.session {
            self.add(session).await?;
            let photos = self.control.session(session).await?.photos;
            self.session_changed(session, HashMap::from([("Photos", photos.into())])).await?;
        }
        RecorderObject::photo_taken(&self.recorder()?, &photo.file).await?;
        Ok(())
    }

    async fn alarm_raised(&mut self, alarm: &AlarmInfo) -> Result<(), PublishError> {
        RecorderObject::alarm_raised(&self.recorder()?, alarm.kind.as_str(), &alarm.detail).await?;
        self.refresh_state().await
    }

    async fn alarm_quiet(&mut self, kind: AlarmKind) -> Result<(), PublishError> {
        RecorderObject::alarm_quiet(&self.recorder()?, kind.as_str()).await?;
        self.refresh_state().await
    }

    /// The signal goes out even where the session's properties cannot be read.
    async fn interruption_began(
        &self,
        id: InterruptionId,
        session: SessionId,
        cause: &str,
    ) -> Result<(), PublishError> {
        let told = self.interruptions_changed(session).await;
        let (id, session) = (id.to_string(), session.object_path().into());
        RecorderObject::interruption_began(&self.recorder()?, &id, session, cause).await?;
        told
    }

    async fn interruptions_changed(&self, session: SessionId) -> Result<(), PublishError> {
        self.add(session).await?;
        let count = self.control.session(session).await?.interruptions;
        self.session_changed(session, HashMap::from([("Interruptions", count.into())])).await
    }

    async fn interruption_ended(&self, id: InterruptionId, session: SessionId) -> Result<(), PublishError> {
        RecorderObject::interruption_ended(&self.recorder()?, &id.to_string(), session.object_path().into()).await?;
        Ok(())
    }

    async fn settle(
        &mut self,
        session: Option<SessionId>,
        done: tokio::sync::oneshot::Sender<()>,
    ) -> Result<(), PublishError> {
        if let Some(session) = session {
            self.add(session).await?;
        }
        // Whoever asked may have gone meanwhile.
        let _ = done.send(());
        Ok(())
    }

    /// Gives a session its object, which the object manager announces. It may have it already.
    async fn add(&self, id: SessionId) -> Result<(), PublishError> {
        let object = SessionObject { id, control: Arc::clone(&self.control) };
        self.connection.object_server().at(id.object_path(), object).await?;
        Ok(())
    }

    async fn session_changed(
        &self,
        session: SessionId,
        changed: HashMap<&str, Variant<'_>>,
    ) -> Result<(), PublishError> {
        let emitter = SignalEmitter::new(&self.connection, session.object_path())?;
        Ok(properties_changed(&emitter, SESSION_INTERFACE, changed).await?)
    }

    /// Announces what differs from what was announced before.
    async fn refresh_state(&mut self) -> Result<(), PublishError> {
        let now = Announced::from(self.control.status().await?);
        let changed = differences(self.announced.as_ref(), &now);
        if !changed.is_empty() {
            properties_changed(&self.recorder()?, RECORDER_INTERFACE, changed).await?;
            self.announced = Some(now);
        }
        Ok(())
    }

    fn recorder(&self) -> zbus::Result<SignalEmitter<'static>> {
        SignalEmitter::new(&self.connection, RECORDER_PATH)
    }
}

fn differences(before: Option<&Announced>, now: &Announced) -> HashMap<&'static str, Variant<'static>> {
    let mut changed = HashMap::new();
    if before.map(|before| before.state) != Some(now.state) {
        changed.insert("State", now.state.as_str().into());
    }
    if before.map(|before| &before.fault) != Some(&now.fault) {
        changed.insert("Fault", now.fault.clone().unwrap_or_default().into());
    }
    if before.map(|before| before.current_session) != Some(now.current_session) {
        changed.insert("CurrentSession", session_path(now.current_session).into());
    }
    if before.map(|before| &before.alarms) != Some(&now.alarms) {
        changed.insert("Alarms", now.alarms.iter().map(AlarmInfo::to_reply).collect::<Vec<Reply>>().into());
    }
    if before.map(|before| before.storage_minutes) != Some(now.storage_minutes) {
        changed.insert("StorageMinutes", storage_minutes(now.storage_minutes).into());
    }
    changed
}

async fn properties_changed(
    emitter: &SignalEmitter<'_>,
    interface: &'static str,
    changed: HashMap<&str, Variant<'_>>,
) -> zbus::Result<()> {
    let interface = InterfaceName::from_static_str_unchecked(interface);
    Properties::properties_changed(emitter, interface, changed, Cow::Borrowed(&[])).await
}
