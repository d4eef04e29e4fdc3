// SPDX-License-Identifier: MIT OR Apache-2.0
//! The object with the interface `org.sealcam.Recorder1`. Its members are documented in `interfaces/org.sealcam.Recorder1.xml`.

use std::sync::Arc;

use tokio::sync::watch;
use zbus::object_server::SignalEmitter;
use zbus::{ObjectPath, OwnedObjectPath, interface};

use crate::control::Control;
use crate::dict::{Dict, Reply, session_path};
use crate::notify::Notifier;
use crate::{
    AlarmInfo, BusError, DeviceInfo, ErrorKind, InterruptionId, InterruptionInfo, RecorderStatus, SessionId, options,
};

/// Who answers.
#[derive(Clone)]
pub(crate) struct Recorder {
    pub(crate) control: Arc<dyn Control>,
    pub(crate) notifier: Notifier,
}

pub(crate) struct RecorderObject {
    /// None as long as the recorder is being opened.
    recorder: watch::Receiver<Option<Recorder>>,
}

/// The minutes left as a property value: the largest number where nobody knows.
pub(crate) fn storage_minutes(minutes: Option<u64>) -> u64 {
    minutes.unwrap_or(u64::MAX)
}

impl RecorderObject {
    pub(crate) fn new(recorder: watch::Receiver<Option<Recorder>>) -> Self {
        Self { recorder }
    }

    /// The recorder, as soon as it is open.
    async fn recorder(&self) -> Result<Recorder, BusError> {
        let mut waiting = self.recorder.clone();
        let opened = waiting.wait_for(Option::is_some).await.ok().and_then(|recorder| recorder.clone());
        opened.ok_or_else(|| BusError::new(ErrorKind::ShuttingDown, "the recorder could not be opened"))
    }

    async fn status(&self) -> Result<RecorderStatus, BusError> {
        self.recorder().await?.control.status().await
    }
}

#[interface(name = "org.sealcam.Recorder1", introspection_docs = false)]
impl RecorderObject {
    #[zbus(out_args("session"))]
    async fn start(&self, options: Dict) -> Result<OwnedObjectPath, BusError> {
        let options = options::start(&options)?;
        let recorder = self.recorder().await?;
        let session = recorder.control.start(options).await?;
        recorder.notifier.settle(Some(session)).await;
        Ok(session.object_path())
    }

    #[zbus(out_args("session"))]
    async fn stop(&self) -> Result<OwnedObjectPath, BusError> {
        let recorder = self.recorder().await?;
        let session = recorder.control.stop().await?;
        recorder.notifier.settle(Some(session)).await;
        Ok(session.object_path())
    }

    #[zbus(out_args("file", "sha256"))]
    async fn take_photo(&self, options: Dict) -> Result<(String, Vec<u8>), BusError> {
        options::take_photo(&options)?;
        let recorder = self.recorder().await?;
        let photo = recorder.control.take_photo().await?;
        recorder.notifier.settle(photo.session).await;
        Ok((photo.file, photo.sha256.to_vec()))
    }

    #[zbus(out_args("devices"))]
    async fn list_devices(&self) -> Result<Vec<Reply>, BusError> {
        let devices = self.recorder().await?.control.devices().await?;
        Ok(devices.iter().map(DeviceInfo::to_reply).collect())
    }

    #[zbus(out_args("interruptions"))]
    async fn list_interruptions(&self, options: Dict) -> Result<Vec<Reply>, BusError> {
        let session = options::list_interruptions(&options)?;
        let interruptions = self.recorder().await?.control.interruptions(session).await?;
        Ok(interruptions.iter().map(InterruptionInfo::to_reply).collect())
    }

    async fn explain(&self, interruption: String, options: Dict) -> Result<(), BusError> {
        let options = options::explain(&options)?;
        let id = interruption.parse::<InterruptionId>();
        let id = id.map_err(|error| BusError::new(ErrorKind::UnknownInterruption, error))?;
        self.recorder().await?.control.explain(id, options).await
    }

    #[zbus(out_args("timeline"))]
    async fn timeline(&self, session: ObjectPath<'_>) -> Result<Reply, BusError> {
        let session = SessionId::from_object_path(session.as_str());
        let session = session.map_err(|error| BusError::new(ErrorKind::UnknownSession, error))?;
        Ok(self.recorder().await?.control.timeline(session).await?.to_reply())
    }

    #[zbus(property)]
    async fn state(&self) -> Result<String, BusError> {
        Ok(self.status().await?.state.to_string())
    }

    #[zbus(property)]
    async fn fault(&self) -> Result<String, BusError> {
        Ok(self.status().await?.fault.unwrap_or_default())
    }

    #[zbus(property)]
    async fn current_session(&self) -> Result<OwnedObjectPath, BusError> {
        Ok(session_path(self.status().await?.current_session))
    }

    #[zbus(property(emits_changed_signal = "false"))]
    async fn counters(&self) -> Result<Reply, BusError> {
        Ok(self.status().await?.counters.to_reply())
    }

    #[zbus(property(emits_changed_signal = "false"))]
    async fn recorded_up_to(&self) -> Result<u64, BusError> {
        Ok(self.status().await?.recorded_up_to_ns)
    }

    #[zbus(property)]
    async fn alarms(&self) -> Result<Vec<Reply>, BusError> {
        Ok(self.status().await?.alarms.iter().map(AlarmInfo::to_reply).collect())
    }

    #[zbus(property)]
    async fn storage_minutes(&self) -> Result<u64, BusError> {
        Ok(storage_minutes(self.status().await?.storage_minutes))
    }

    #[zbus(property(emits_changed_signal = "false"))]
    async fn pre_record_ns(&self) -> Result<u64, BusError> {
        Ok(self.status().await?.prerecord_ns)
    }

    #[zbus(property(emits_changed_signal = "const"))]
    async fn device_id(&self) -> Result<String, BusError> {
        Ok(self.status().await?.device_id)
    }

    #[zbus(property(emits_changed_signal = "const"))]
    async fn version(&self) -> Result<String, BusError> {
        Ok(self.status().await?.version)
    }

    #[zbus(property(emits_changed_signal = "const"))]
    async fn evidence_folder(&self) -> Result<String, BusError> {
        Ok(self.status().await?.evidence_folder)
    }

    #[zbus(signal)]
    pub(crate) async fn chunk_recorded(
        emitter: &SignalEmitter<'_>,
        session: ObjectPath<'_>,
        segment: u32,
        chunk: u64,
        recorded_up_to_ns: u64,
        utc_ns: i64,
    ) -> zbus::Result<()>;

    #[zbus(signal)]
    pub(crate) async fn session_started(emitter: &SignalEmitter<'_>, session: ObjectPath<'_>) -> zbus::Result<()>;

    #[zbus(signal)]
    pub(crate) async fn session_ended(
        emitter: &SignalEmitter<'_>,
        session: ObjectPath<'_>,
        cause: &str,
    ) -> zbus::Result<()>;

    #[zbus(signal)]
    pub(crate) async fn photo_taken(emitter: &SignalEmitter<'_>, file: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    pub(crate) async fn alarm_raised(emitter: &SignalEmitter<'_>, kind: &str, detail: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    pub(crate) async fn alarm_quiet(emitter: &SignalEmitter<'_>, kind: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    pub(crate) async fn interruption_began(
        emitter: &SignalEmitter<'_>,
        interruption: &str,
        session: ObjectPath<'_>,
        cause: &str,
    ) -> zbus::Result<()>;

    #[zbus(signal)]
    pub(crate) async fn interruption_ended(
        emitter: &SignalEmitter<'_>,
        interruption: &str,
        session: ObjectPath<'_>,
    ) -> zbus::Result<()>;
}
