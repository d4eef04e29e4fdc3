// SPDX-License-Identifier: MIT OR Apache-2.0
//! The caller's side: requests as functions, answers as plain data, errors with their kind.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::time::sleep;
use zbus::fdo::{ObjectManagerProxy, PropertiesProxy};
use zbus::names::InterfaceName;
use zbus::{Connection, OwnedObjectPath, fdo};

use crate::dict::{BadField, Dict, optional_text, take, take_list, take_parsed, take_session};
use crate::error::{EXIT_ACCESS_DENIED, EXIT_NO_RECORDER};
use crate::service::is_denied;
use crate::session_object::SegmentTuple;
use crate::watch::Watch;
use crate::{
    AlarmInfo, BUS_NAME, BusAddress, BusError, Counters, DeviceInfo, ErrorKind, ExplainOptions, InterruptionId,
    InterruptionInfo, PhotoInfo, RECORDER_INTERFACE, RECORDER_PATH, Recorder1Proxy, RecorderStatus, SESSION_INTERFACE,
    SegmentInfo, SessionId, SessionInfo, StartOptions, Timeline, options,
};

/// How long a recorder that has its name may take until it lists its sessions, and how often to ask.
const LIST_LIMIT: Duration = Duration::from_secs(10);
const LIST_POLL: Duration = Duration::from_millis(50);

/// Why a request was not granted.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The recorder refused, or failed.
    #[error(transparent)]
    Recorder(#[from] BusError),
    /// The bus cannot be reached.
    #[error("the {address} bus cannot be reached: {reason}")]
    NoBus {
        /// The bus.
        address: BusAddress,
        /// Why.
        reason: String,
    },
    /// No recorder is on the bus.
    #[error("no recorder is on the {address} bus")]
    NoRecorder {
        /// The bus.
        address: BusAddress,
    },
    /// The policy of the bus does not let the caller ask.
    #[error("the policy of the {address} bus does not allow it: {source}")]
    AccessDenied {
        /// The bus.
        address: BusAddress,
        /// What the bus says.
        source: zbus::Error,
    },
    /// The recorder does not know the session.
    #[error("no session {0} is known")]
    UnknownSession(SessionId),
    /// The recorder's answer is not what the contract says.
    #[error("the recorder's answer is not understood: {0}")]
    Answer(String),
    /// The bus does something unexpected.
    #[error("the {address} bus: {source}")]
    Bus {
        /// The bus.
        address: BusAddress,
        /// What.
        source: zbus::Error,
    },
}

impl ClientError {
    /// The exit code of a process that ends with this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Recorder(error) => error.kind().exit_code(),
            Self::NoBus { .. } | Self::NoRecorder { .. } => EXIT_NO_RECORDER,
            Self::AccessDenied { .. } => EXIT_ACCESS_DENIED,
            Self::UnknownSession(_) | Self::Answer(_) | Self::Bus { .. } => 1,
        }
    }

    fn of(address: &BusAddress, source: zbus::Error) -> Self {
        let address = address.clone();
        match source {
            zbus::Error::MethodError(name, message, call) => match ErrorKind::from_dbus_name(name.as_str()) {
                Some(kind) => Self::Recorder(BusError::new(kind, message.unwrap_or_default())),
                None => Self::Bus { address, source: zbus::Error::MethodError(name, message, call) },
            },
            source if is_denied(&source) => Self::AccessDenied { address, source },
            source if is_absent(&source) => Self::NoRecorder { address },
            source => Self::Bus { address, source },
        }
    }
}

impl From<BadField> for ClientError {
    fn from(error: BadField) -> Self {
        Self::Answer(error.to_string())
    }
}

/// A connection to a recorder.
#[derive(Debug, Clone)]
pub struct Client {
    address: BusAddress,
    connection: Connection,
    recorder: Recorder1Proxy<'static>,
}

impl Client {
    /// Connects to a bus. Whether a recorder is on it shows with the first request.
    pub async fn connect(address: &BusAddress) -> Result<Self, ClientError> {
        let connection = connect(address).await?;
        let recorder = Recorder1Proxy::builder(&connection)
            .cache_properties(zbus::proxy::CacheProperties::No)
            .build()
            .await
            .map_err(|source| ClientError::of(address, source))?;
        Ok(Self { address: address.clone(), connection, recorder })
    }

    /// Starts a recording.
    pub async fn start(&self, options: &StartOptions) -> Result<SessionId, ClientError> {
        session_of(self.checked(self.recorder.start(options::write_start(options)).await)?)
    }

    /// Stops the recording; returns when it is closed, durable and in the ledger.
    pub async fn stop(&self) -> Result<SessionId, ClientError> {
        session_of(self.checked(self.recorder.stop().await)?)
    }

    /// Takes a photo. Its session is not part of the answer.
    pub async fn take_photo(&self) -> Result<PhotoInfo, ClientError> {
        let (file, sha256) = self.checked(self.recorder.take_photo(HashMap::new()).await)?;
        let sha256 = sha256.try_into().map_err(|_| BadField("sha256"))?;
        Ok(PhotoInfo { file, sha256, session: None })
    }

    /// The cameras and microphones.
    pub async fn devices(&self) -> Result<Vec<DeviceInfo>, ClientError> {
        let devices = self.checked(self.recorder.list_devices().await)?;
        devices.into_iter().map(|device| DeviceInfo::from_dict(device).map_err(Into::into)).collect()
    }

    /// The interruptions of a session, or of all, in the order of the ledger.
    pub async fn interruptions(&self, session: Option<SessionId>) -> Result<Vec<InterruptionInfo>, ClientError> {
        let options = options::write_list_interruptions(session);
        let interruptions = self.recorder.list_interruptions(options).await;
        let interruptions = self.checked(interruptions).map_err(|error| of_session(error, session))?;
        interruptions.into_iter().map(|one| InterruptionInfo::from_dict(one).map_err(Into::into)).collect()
    }

    /// Enters what an officer says of an interruption; returns when it is in the ledger.
    pub async fn explain(&self, id: InterruptionId, options: &ExplainOptions) -> Result<(), ClientError> {
        let options = options::write_explain(options);
        self.checked(self.recorder.explain(&id.to_string(), options).await)
    }

    /// What of a session was recorded when.
    pub async fn timeline(&self, session: SessionId) -> Result<Timeline, ClientError> {
        let timeline = self.recorder.timeline(session.object_path().into()).await;
        let timeline = self.checked(timeline).map_err(|error| of_session(error, Some(session)))?;
        Ok(Timeline::from_dict(timeline)?)
    }

    /// The recorder now.
    pub async fn status(&self) -> Result<RecorderStatus, ClientError> {
        let properties = self.properties(RECORDER_PATH).await?;
        let answer = properties.get_all(interface_name(RECORDER_INTERFACE)).await;
        read_status(self.checked(answer)?)
    }

    /// All sessions that the recorder knows, the oldest first.
    pub async fn sessions(&self) -> Result<Vec<SessionInfo>, ClientError> {
        let manager = ObjectManagerProxy::new(&self.connection, BUS_NAME, RECORDER_PATH).await;
        let manager = self.checked(manager)?;
        let deadline = Instant::now() + LIST_LIMIT;
        let objects = loop {
            match manager.get_managed_objects().await {
                // The name is taken before there is a list: the recorder is being opened.
                Err(fdo::Error::UnknownInterface(_)) if Instant::now() < deadline => sleep(LIST_POLL).await,
                Err(fdo::Error::UnknownInterface(_)) => {
                    return Err(ClientError::NoRecorder { address: self.address.clone() });
                }
                answer => break self.checked(answer)?,
            }
        };
        let interfaces = objects.into_values().flatten();
        let sessions = interfaces.filter(|(name, _)| name.as_str() == SESSION_INTERFACE);
        let mut sessions = sessions.map(|(_, dict)| read_session(dict)).collect::<Result<Vec<_>, _>>()?;
        sessions.sort_by_key(|session| (session.started_utc_ns, session.id));
        Ok(sessions)
    }

    /// One session now.
    pub async fn session(&self, id: SessionId) -> Result<SessionInfo, ClientError> {
        let properties = self.properties(id.object_path()).await?;
        match properties.get_all(interface_name(SESSION_INTERFACE)).await {
            Err(fdo::Error::UnknownInterface(_) | fdo::Error::UnknownObject(_)) => Err(ClientError::UnknownSession(id)),
            answer => read_session(self.checked(answer)?),
        }
    }

    /// Follows what the recorder announces.
    pub async fn watch(&self) -> Result<Watch, ClientError> {
        let connection = connect(&self.address).await?;
        self.checked(Watch::new(connection).await)
    }

    async fn properties<'p, P>(&self, path: P) -> Result<PropertiesProxy<'p>, ClientError>
    where
        P: TryInto<zbus::ObjectPath<'p>>,
        P::Error: Into<zbus::Error>,
    {
        self.checked(PropertiesProxy::new(&self.connection, BUS_NAME, path).await)
    }

    fn checked<T, E: Into<zbus::Error>>(&self, answer: Result<T, E>) -> Result<T, ClientError> {
        answer.map_err(|error| ClientError::of(&self.address, flatten(error.into())))
    }
}

async fn connect(address: &BusAddress) -> Result<Connection, ClientError> {
    let no_bus = |reason| ClientError::NoBus { address: address.clone(), reason };
    address.connect().await.map_err(no_bus)
}

/// The error that says which session is not known.
fn of_session(error: ClientError, session: Option<SessionId>) -> ClientError {
    match (error, session) {
        (ClientError::Recorder(error), Some(session)) if error.kind() == ErrorKind::UnknownSession => {
            ClientError::UnknownSession(session)
        }
        (error, _) => error,
    }
}

/// Undoes the wrapping of one library error in the other.
fn flatten(error: zbus::Error) -> zbus::Error {
    match error {
        zbus::Error::FDO(inner) => match *inner {
            fdo::Error::ZBus(error) => flatten(error),
            other => zbus::Error::FDO(Box::new(other)),
        },
        other => other,
    }
}

/// Whether nobody answers to the name: it is not there, cannot be started, or went away during the request.
fn is_absent(error: &zbus::Error) -> bool {
    use fdo::Error::{NameHasNoOwner, NoReply, ServiceUnknown};
    match error {
        zbus::Error::FDO(error) => {
            matches!(**error, ServiceUnknown(_) | NameHasNoOwner(_) | NoReply(_))
                || error.to_string().contains(".Spawn.")
        }
        _ => false,
    }
}

fn interface_name(name: &'static str) -> InterfaceName<'static> {
    InterfaceName::from_static_str_unchecked(name)
}

fn session_of(path: OwnedObjectPath) -> Result<SessionId, ClientError> {
    SessionId::from_object_path(path.as_str()).map_err(|error| ClientError::Answer(error.to_string()))
}

fn read_status(mut dict: Dict) -> Result<RecorderStatus, ClientError> {
    Ok(RecorderStatus {
        state: take_parsed(&mut dict, "State")?,
        fault: optional_text(take(&mut dict, "Fault")?),
        current_session: take_session(&mut dict, "CurrentSession")?,
        counters: Counters::from_dict(take(&mut dict, "Counters")?)?,
        recorded_up_to_ns: take(&mut dict, "RecordedUpTo")?,
        alarms: take_list(&mut dict, "Alarms", AlarmInfo::from_dict)?,
        storage_minutes: known_minutes(take(&mut dict, "StorageMinutes")?),
        prerecord_ns: take(&mut dict, "PreRecordNs")?,
        device_id: take(&mut dict, "DeviceId")?,
        version: take(&mut dict, "Version")?,
        evidence_folder: take(&mut dict, "EvidenceFolder")?,
    })
}

fn read_session(mut dict: Dict) -> Result<SessionInfo, ClientError> {
    let segments: Vec<SegmentTuple> = take(&mut dict, "Segments")?;
    let ended_utc_ns: i64 = take(&mut dict, "EndedUtcNs")?;
    Ok(SessionInfo {
        id: take_parsed(&mut dict, "Id")?,
        officer: take(&mut dict, "Officer")?,
        folder: take(&mut dict, "Folder")?,
        started_utc_ns: take(&mut dict, "StartedUtcNs")?,
        ended_utc_ns: Some(ended_utc_ns).filter(|utc_ns| *utc_ns != 0),
        cause: optional_text(take(&mut dict, "Cause")?),
        duration_ns: take(&mut dict, "DurationNs")?,
        chunks: take(&mut dict, "Chunks")?,
        video_frames: take(&mut dict, "VideoFrames")?,
        audio_packets: take(&mut dict, "AudioPackets")?,
        bytes: take(&mut dict, "Bytes")?,
        signed_bytes: take(&mut dict, "SignedBytes")?,
        segments: segments.into_iter().map(segment_info).collect(),
        photos: take(&mut dict, "Photos")?,
        continues: take_session(&mut dict, "Continues")?,
        interruptions: take(&mut dict, "Interruptions")?,
    })
}

/// The minutes left; the largest number stands for "unknown".
pub(crate) fn known_minutes(minutes: u64) -> Option<u64> {
    Some(minutes).filter(|minutes| *minutes != u64::MAX)
}

fn segment_info((number, file, chunks, bytes): SegmentTuple) -> SegmentInfo {
    SegmentInfo { number, file, chunks, bytes }
}
