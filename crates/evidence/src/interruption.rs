// SPDX-License-Identifier: MIT OR Apache-2.0
//! What ledger entries say of interruptions: stretches of a session in which a medium was not captured
//! (`docs/format.md`, section 5).

use crate::record::Medium;
use crate::time::Clock;
use crate::{InterruptionId, SessionId};
use serde::{Deserialize, Deserializer, Serialize, de};

/// Who says that there was an interruption, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Known {
    /// The device noticed it.
    Device,
    /// A person told it.
    Officer,
}

impl Known {
    /// The word in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Known::Device => "device",
            Known::Officer => "officer",
        }
    }
}

/// An interruption begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterruptionBody {
    /// The interruption.
    pub id: InterruptionId,
    /// The session that is interrupted.
    pub session: SessionId,
    /// Why, in a word of `docs/design/continuity.md`.
    pub cause: String,
    /// Who says so.
    pub known: Known,
    /// What is not captured: picture, sound, or both in this order.
    #[serde(deserialize_with = "each_once")]
    pub media: Vec<Medium>,
    /// All clocks at the moment when the last thing was captured.
    pub from: Clock,
    /// What is known beside the cause; empty if nothing is.
    pub detail: String,
}

/// An interruption is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterruptionEndBody {
    /// The interruption.
    pub id: InterruptionId,
    /// The session that goes on, or comes to its end.
    pub session: SessionId,
    /// All clocks at the moment when something was captured again, or when the waiting for it ended.
    pub to: Clock,
}

/// A person says why there was an interruption, perhaps long after the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterruptionNoteBody {
    /// The interruption.
    pub id: InterruptionId,
    /// Why, in a word of `docs/design/continuity.md`.
    pub cause: String,
    /// Who says so.
    pub officer: String,
    /// The account.
    pub text: String,
}

/// Picture and sound, each at most once, and the picture first.
fn each_once<'de, D: Deserializer<'de>>(field: D) -> Result<Vec<Medium>, D::Error> {
    let media = Vec::<Medium>::deserialize(field)?;
    match !media.is_empty() && media.is_sorted_by(|one, next| one < next) {
        true => Ok(media),
        false => Err(de::Error::custom("the media are not video, audio, or both in this order")),
    }
}
