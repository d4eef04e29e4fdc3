// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the recorder announces, as one ordered stream.

use futures_util::stream::StreamExt;
use serde::{Deserialize, Serialize};
use zbus::fdo::{self, DBusProxy, PropertiesChanged};
use zbus::message::{Message, Type};
use zbus::names::OwnedUniqueName;
use zbus::{Connection, MatchRule, MessageStream, OwnedObjectPath};

use crate::client::{optional_session, optional_text};
use crate::{BUS_NAME, ChunkInfo, RECORDER_INTERFACE, RECORDER_PATH, RecorderState, SessionId};

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
        _ => None,
    }
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
    let text = |key: &str| -> Option<String> { args.changed_properties().get(key)?.try_clone().ok()?.try_into().ok() };
    let current: Option<OwnedObjectPath> =
        args.changed_properties().get("CurrentSession").and_then(|value| value.try_clone().ok()?.try_into().ok());
    let event = WatchEvent::Changed {
        state: text("State").and_then(|word| word.parse().ok()),
        fault: text("Fault").map(optional_text),
        current_session: current.and_then(|path| optional_session(path.as_str()).ok()),
    };
    let empty = WatchEvent::Changed { state: None, fault: None, current_session: None };
    Some(event).filter(|event| *event != empty)
}
