// SPDX-License-Identifier: MIT OR Apache-2.0
//! Entries of the device's ledger (`docs/format.md`).

use crate::cbor::{self, CborError};
use crate::interruption::{InterruptionBody, InterruptionEndBody, InterruptionNoteBody};
use crate::record::{Medium, PayloadError, check_version};
use crate::sign::Algorithm;
use crate::time::{BootNs, Clock};
use crate::{FORMAT_VERSION, Hash, PublicKey, SessionId};
use ciborium::Value;
use serde::{Deserialize, Serialize};

/// Introduces a ledger key. The first entry of a ledger introduces the key that signs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyBody {
    /// The key that signs every entry behind this one.
    pub public: PublicKey,
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// Why it came: `first`, `boot` or `session-end`.
    pub reason: String,
}

/// The recorder started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootBody {
    /// Name and version of the recorder.
    pub software: String,
    /// SHA-256 of the configuration in force.
    pub config: Hash,
}

/// How a track came to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceBody {
    /// Picture or sound.
    pub medium: Medium,
    /// Where it comes from: `v4l2:/dev/video0`.
    pub source: String,
    /// What encoded it, or `passthrough`.
    pub encoder: String,
    /// Codec and shape, for people.
    pub format: String,
}

/// A session begins, with the key that signs its records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStartBody {
    /// The session.
    pub session: SessionId,
    /// The session's own key, which exists in memory only.
    pub public: PublicKey,
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// Name of the session's folder.
    pub folder: String,
    /// Who records; empty if nobody said.
    pub officer: String,
    /// The device's label in the configuration.
    pub label: String,
    /// The tracks at the start.
    pub sources: Vec<SourceBody>,
    /// Boot time of media time 0 in nanoseconds.
    #[serde(rename = "zero")]
    pub zero_boot_ns: BootNs,
    /// Boot time at which the start was asked for.
    #[serde(rename = "pressed", default, deserialize_with = "cbor::present", skip_serializing_if = "Option::is_none")]
    pub pressed_boot_ns: Option<BootNs>,
    /// The session that was cut off and that this one goes on with.
    #[serde(default, deserialize_with = "cbor::present", skip_serializing_if = "Option::is_none")]
    pub continues: Option<SessionId>,
}

/// A session ended, or was found cut off at the next start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEndBody {
    /// The session.
    pub session: SessionId,
    /// Why: `stop`, `shutdown`, `source-ended`, `source-failed`, `storage-failed`, `storage-full` or `recovered`.
    pub cause: String,
    /// How many segment files there are.
    pub segments: u32,
    /// How many chunks there are.
    pub chunks: u64,
    /// How many records there are.
    pub records: u64,
    /// SHA-256 of the last record's envelope; of the session-start entry if there is none.
    pub last: Hash,
    /// Boot time at which the end was asked for.
    #[serde(rename = "pressed", default, deserialize_with = "cbor::present", skip_serializing_if = "Option::is_none")]
    pub pressed_boot_ns: Option<BootNs>,
}

/// A still was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhotoBody {
    /// The session it belongs to, if one was recording.
    #[serde(default, deserialize_with = "cbor::present", skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Its file, relative to the evidence folder, with `/`.
    pub file: String,
    /// Length of the file in bytes.
    pub length: u64,
    /// SHA-256 of the file.
    pub media: Hash,
    /// Who took it; empty if nobody said.
    pub officer: String,
}

/// UTC was set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockStepBody {
    /// By how much UTC moved against boot time, in nanoseconds.
    #[serde(rename = "step")]
    pub step_ns: i64,
}

/// The recorder was shut down in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShutdownBody {
    /// Why: `requested`.
    pub reason: String,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// A new ledger key.
    Key(KeyBody),
    /// The recorder started.
    Boot(BootBody),
    /// A session begins.
    SessionStart(SessionStartBody),
    /// A session ended.
    SessionEnd(SessionEndBody),
    /// A still was taken.
    Photo(PhotoBody),
    /// A session is interrupted.
    Interruption(InterruptionBody),
    /// An interruption is over.
    InterruptionEnd(InterruptionEndBody),
    /// A person says why there was an interruption.
    InterruptionNote(InterruptionNoteBody),
    /// UTC was set.
    ClockStep(ClockStepBody),
    /// The recorder was shut down.
    Shutdown(ShutdownBody),
    /// A kind that a later minor version added: chained and signed like the others, its content unread.
    Other(String, Value),
}

/// One signed entry of the ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Number of the entry, from 0.
    pub seq: u64,
    /// SHA-256 of the envelope before it; zeros for the first.
    pub prev: Hash,
    /// The device: SHA-256 of its first public key.
    pub device: Hash,
    /// All clocks when it was signed.
    pub clock: Clock,
    /// What it says.
    pub body: Body,
}

#[derive(Serialize, Deserialize)]
struct Wire {
    v: u64,
    kind: String,
    seq: u64,
    prev: Hash,
    device: Hash,
    clock: Clock,
    body: Value,
}

impl Body {
    /// The name of the kind in the file.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Body::Key(_) => "key",
            Body::Boot(_) => "boot",
            Body::SessionStart(_) => "session-start",
            Body::SessionEnd(_) => "session-end",
            Body::Photo(_) => "photo",
            Body::Interruption(_) => "interruption",
            Body::InterruptionEnd(_) => "interruption-end",
            Body::InterruptionNote(_) => "interruption-note",
            Body::ClockStep(_) => "clock-step",
            Body::Shutdown(_) => "shutdown",
            Body::Other(kind, _) => kind,
        }
    }

    /// The session it speaks of, if it does.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        match self {
            Body::SessionStart(start) => Some(start.session),
            Body::SessionEnd(end) => Some(end.session),
            Body::Photo(photo) => photo.session,
            Body::Interruption(interruption) => Some(interruption.session),
            Body::InterruptionEnd(end) => Some(end.session),
            Body::Other(_, value) => session_named_in(value),
            Body::InterruptionNote(_) | Body::ClockStep(_) | Body::Key(_) | Body::Boot(_) | Body::Shutdown(_) => None,
        }
    }

    fn to_value(&self) -> Result<Value, CborError> {
        let value = match self {
            Body::Key(body) => Value::serialized(body),
            Body::Boot(body) => Value::serialized(body),
            Body::SessionStart(body) => Value::serialized(body),
            Body::SessionEnd(body) => Value::serialized(body),
            Body::Photo(body) => Value::serialized(body),
            Body::Interruption(body) => Value::serialized(body),
            Body::InterruptionEnd(body) => Value::serialized(body),
            Body::InterruptionNote(body) => Value::serialized(body),
            Body::ClockStep(body) => Value::serialized(body),
            Body::Shutdown(body) => Value::serialized(body),
            Body::Other(_, value) => Ok(value.clone()),
        };
        value.map_err(|e| CborError::Content(e.to_string()))
    }

    fn from_value(kind: String, value: &Value) -> Result<Body, CborError> {
        Ok(match kind.as_str() {
            "key" => Body::Key(cbor::from_value(value)?),
            "boot" => Body::Boot(cbor::from_value(value)?),
            "session-start" => Body::SessionStart(cbor::from_value(value)?),
            "session-end" => Body::SessionEnd(cbor::from_value(value)?),
            "photo" => Body::Photo(cbor::from_value(value)?),
            "interruption" => Body::Interruption(cbor::from_value(value)?),
            "interruption-end" => Body::InterruptionEnd(cbor::from_value(value)?),
            "interruption-note" => Body::InterruptionNote(cbor::from_value(value)?),
            "clock-step" => Body::ClockStep(cbor::from_value(value)?),
            "shutdown" => Body::Shutdown(cbor::from_value(value)?),
            _ if value.is_map() => Body::Other(kind, value.clone()),
            _ => return Err(CborError::Content("the body is no map".into())),
        })
    }
}

/// The session that a body of unknown kind names.
fn session_named_in(body: &Value) -> Option<SessionId> {
    #[derive(Deserialize)]
    struct Named {
        session: SessionId,
    }
    cbor::from_value::<Named>(body).ok().map(|named| named.session)
}

impl Entry {
    /// The payload that is signed.
    ///
    /// # Errors
    /// [`CborError`] if the content cannot be written.
    pub fn encode(&self) -> Result<Vec<u8>, CborError> {
        cbor::encode(&Wire {
            v: FORMAT_VERSION,
            kind: self.body.kind().into(),
            seq: self.seq,
            prev: self.prev,
            device: self.device,
            clock: self.clock.clone(),
            body: self.body.to_value()?,
        })
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// Every way in which it is not an entry of this version.
    pub fn decode(payload: &[u8]) -> Result<Entry, PayloadError> {
        let value = cbor::decode_value(payload)?;
        check_version(&value)?;
        let wire: Wire = cbor::from_value(&value)?;
        Ok(Entry {
            seq: wire.seq,
            prev: wire.prev,
            device: wire.device,
            clock: wire.clock,
            body: Body::from_value(wire.kind, &wire.body)?,
        })
    }
}
