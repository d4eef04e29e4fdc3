// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the recorder announces, as one ordered stream.

use std::collections::HashMap;

use futures_util::stream::StreamExt;
use serde::{Deserialize, Serialize};
use zbus::fdo::{self, DBusProxy, PropertiesChanged};
use zbus::message::{Message, Type};
use zbus::names::OwnedUniqueName;
use zbus::{Connection, MatchRule, MessageStream, OwnedObjectPath, OwnedVariant, Variant};

use crate::client::known_minutes;
use crate::dict::{Dict, optional_session, optional_text};
use crate::{
    AlarmInfo, AlarmKind, BUS_NAME, ChunkInfo, InterruptionId, RECORDER_INTERFACE, RECORDER_PATH, RecorderState,
    SessionId,
};

const DBUS_NAME: &str = "org.freedesktop.DBus";
const OWNER_CHANGED: &str = "NameOwnerChanged";

/// Something that the recorder announced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum WatchEvent {
    /// Properties of the recorder changed; what did not change is absent.
    Changed {
        /// What it is doing.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        state: Option<RecorderState>,
        /// What is wrong; `Some(None)`: nothing any more.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        fault: Option<Option<String>>,
        /// The open session; `Some(None)`: none any more.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        current_session: Option<Option<SessionId>>,
        /// The alarms that stand now.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        alarms: Option<Vec<AlarmInfo>>,
        /// The whole minutes that can still be recorded; `Some(None)`: unknown.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        storage_minutes: Option<Option<u64>>,
    },
    /// A chunk is durable, signed and indexed.
    ChunkRecorded(ChunkInfo),
    /// A session is open.
    SessionStarted {
        /// The session.
        session: SessionId,
    },
    /// A session is closed.
    SessionEnded {
        /// The session.
        session: SessionId,
        /// Why.
        cause: String,
    },
    /// A photo is durable and signed.
    PhotoTaken {
        /// Its path below the evidence folder.
        file: String,
    },
    /// An alarm is raised.
    AlarmRaised {
        /// What it is about.
        kind: AlarmKind,
        /// What happened.
        detail: String,
    },
    /// An alarm is over.
    AlarmQuiet {
        /// What it was about.
        kind: AlarmKind,
    },
    /// An interruption of a session began.
    InterruptionBegan {
        /// The interruption.
        interruption: InterruptionId,
        /// The session.
        session: SessionId,
        /// Why.
        cause: String,
    },
    /// An interruption of a session is over.
    InterruptionEnded {
        /// The interruption.
        interruption: InterruptionId,
        /// The session.
        session: SessionId,
    },
    /// The recorder came to the bus.
    RecorderAppeared,
    /// The recorder left the bus.
    RecorderGone,
}

/// The [`WatchEvent`]s in the order in which the bus gave them.
///
/// It has a connection of its own, so that whoever reads it slowly holds up no other request.
#[derive(Debug)]
pub struct Watch {
    messages: MessageStream,
    owner: Option<OwnedUniqueName>,
}

impl Watch {
    pub(crate) async fn new(connection: Connection) -> zbus::Result<Self> {
        let messages = MessageStream::from(&connection);
        let dbus = DBusProxy::new(&connection).await?;
        dbus.add_match_rule(MatchRule::builder().msg_type(Type::Signal).sender(BUS_NAME).path(RECORDER_PATH).build()?)
            .await?;
        let owners = MatchRule::builder().msg_type(Type::Signal).sender(DBUS_NAME).member(OWNER_CHANGED);
        dbus.add_match_rule(owners.arg(0, BUS_NAME).build()?).await?;
        let owner = match dbus.get_name_owner(BUS_NAME.try_into()?).await {
            Ok(owner) => Some(owner),
            Err(fdo::Error::NameHasNoOwner(_)) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Self { messages, owner })
    }

    /// The next event; none when the bus is gone.
    pub async fn next(&mut self) -> Option<WatchEvent> {
        loop {
            let message = self.messages.next().await?.ok()?;
            if let Some(event) = self.event_of(&message) {
                return Some(event);
            }
        }
    }

    /// The event in a message; none where it is of no interest, newer than this program, or not from the recorder: anyone on
    /// the bus may send anyone a signal.
    fn event_of(&mut self, message: &Message) -> Option<WatchEvent> {
        let header = message.header();
        if header.message_type() != Type::Signal {
            return None;
        }
        let sender = header.sender()?.as_str();
        match &self.owner {
            _ if sender == DBUS_NAME => self.owner_changed(message),
            Some(owner) if owner.as_str() == sender => event_in(message),
            _ => None,
        }
    }

    fn owner_changed(&mut self, message: &Message) -> Option<WatchEvent> {
        if message.header().member()?.as_str() != OWNER_CHANGED {
            return None;
        }
        let (name, _, new): (String, String, String) = message.body().deserialize().ok()?;
        if name != BUS_NAME {
            return None;
        }
        self.owner = OwnedUniqueName::try_from(new).ok();
        Some(if self.owner.is_some() { WatchEvent::RecorderAppeared } else { WatchEvent::RecorderGone })
    }
}

/// The event in a signal of the recorder.
fn event_in(message: &Message) -> Option<WatchEvent> {
    let header = message.header();
    match (header.interface()?.as_str(), header.member()?.as_str()) {
        ("org.freedesktop.DBus.Properties", "PropertiesChanged") => changed(message),
        (RECORDER_INTERFACE, "ChunkRecorded") => chunk_recorded(message),
        (RECORDER_INTERFACE, "SessionStarted") => Some(WatchEvent::SessionStarted { session: session(message)? }),
        (RECORDER_INTERFACE, "SessionEnded") => session_ended(message),
        (RECORDER_INTERFACE, "PhotoTaken") => Some(WatchEvent::PhotoTaken { file: message.body().deserialize().ok()? }),
        (RECORDER_INTERFACE, "AlarmRaised") => alarm_raised(message),
        (RECORDER_INTERFACE, "AlarmQuiet") => alarm_quiet(message),
        (RECORDER_INTERFACE, "InterruptionBegan") => interruption_began(message),
        (RECORDER_INTERFACE, "InterruptionEnded") => interruption_ended(message),
        _ => None,
    }
}

fn alarm_raised(message: &Message) -> Option<WatchEvent> {
    let (kind, detail): (String, String) = message.body().deserialize().ok()?;
    Some(WatchEvent::AlarmRaised { kind: kind.parse().ok()?, detail })
}

fn alarm_quiet(message: &Message) -> Option<WatchEvent> {
    let kind: String = message.body().deserialize().ok()?;
    Some(WatchEvent::AlarmQuiet { kind: kind.parse().ok()? })
}

fn interruption_began(message: &Message) -> Option<WatchEvent> {
    let (interruption, path, cause): (String, OwnedObjectPath, String) = message.body().deserialize().ok()?;
    let (interruption, session) = (interruption.parse().ok()?, SessionId::from_object_path(path.as_str()).ok()?);
    Some(WatchEvent::InterruptionBegan { interruption, session, cause })
}

fn interruption_ended(message: &Message) -> Option<WatchEvent> {
    let (interruption, path): (String, OwnedObjectPath) = message.body().deserialize().ok()?;
    let (interruption, session) = (interruption.parse().ok()?, SessionId::from_object_path(path.as_str()).ok()?);
    Some(WatchEvent::InterruptionEnded { interruption, session })
}

fn session(message: &Message) -> Option<SessionId> {
    let path: OwnedObjectPath = message.body().deserialize().ok()?;
    SessionId::from_object_path(path.as_str()).ok()
}

fn session_ended(message: &Message) -> Option<WatchEvent> {
    let (path, cause): (OwnedObjectPath, String) = message.body().deserialize().ok()?;
    Some(WatchEvent::SessionEnded { session: SessionId::from_object_path(path.as_str()).ok()?, cause })
}

fn chunk_recorded(message: &Message) -> Option<WatchEvent> {
    let (path, segment, chunk, recorded_up_to_ns, utc_ns): (OwnedObjectPath, u32, u64, u64, i64) =
        message.body().deserialize().ok()?;
    let session = SessionId::from_object_path(path.as_str()).ok()?;
    Some(WatchEvent::ChunkRecorded(ChunkInfo { session, segment, chunk, recorded_up_to_ns, utc_ns }))
}

fn changed(message: &Message) -> Option<WatchEvent> {
    let signal = PropertiesChanged::from_message(message.clone())?;
    let args = signal.args().ok()?;
    let properties = Changes(args.changed_properties());
    let event = WatchEvent::Changed {
        state: properties.value::<String>("State").and_then(|word| word.parse().ok()),
        fault: properties.value("Fault").map(optional_text),
        current_session: properties.value("CurrentSession").and_then(session_in),
        alarms: properties.value("Alarms").and_then(alarms_in),
        storage_minutes: properties.value("StorageMinutes").map(known_minutes),
    };
    Some(event).filter(|event| *event != nothing_changed())
}

/// The properties in a signal.
struct Changes<'a>(&'a HashMap<&'a str, Variant<'a>>);

impl Changes<'_> {
    /// The new value of a property; none where it did not change.
    fn value<T: TryFrom<OwnedVariant>>(&self, name: &str) -> Option<T> {
        self.0.get(name)?.try_to_owned().ok()?.try_into().ok()
    }
}

fn session_in(path: OwnedObjectPath) -> Option<Option<SessionId>> {
    optional_session(path.as_str()).ok()
}

fn alarms_in(alarms: Vec<Dict>) -> Option<Vec<AlarmInfo>> {
    alarms.into_iter().map(|alarm| AlarmInfo::from_dict(alarm).ok()).collect()
}

fn nothing_changed() -> WatchEvent {
    WatchEvent::Changed { state: None, fault: None, current_session: None, alarms: None, storage_minutes: None }
}
