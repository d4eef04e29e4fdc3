// SPDX-License-Identifier: MIT OR Apache-2.0
//! Interruptions: stretches of a session in which a medium was not captured, and their form on the bus.

use serde::{Deserialize, Serialize};

use crate::dict::{BadField, Dict, Reply, take, take_optional, take_parsed, take_session};
use crate::types::words;
use crate::{BootId, InterruptionId, SessionId};

words! {
    /// Picture or sound.
    Medium {
        /// Pictures.
        Video = "video",
        /// Sound.
        Audio = "audio",
    }
}

words! {
    /// Who said that there was an interruption, and why.
    Known {
        /// The device noticed it.
        Device = "device",
        /// A person told it.
        Officer = "officer",
    }
}

words! {
    /// How far something is that an interruption asks for: a statement, a report, an account.
    Duty {
        /// There is none.
        None = "none",
        /// It was given.
        Given = "given",
    }
}

words! {
    /// A cause that no device can tell, and an officer may.
    OfficerCause {
        /// The equipment was damaged.
        Damage = "damage",
        /// The weather.
        Weather = "weather",
        /// Persons stood in the way of the recording.
        Obstruction = "obstruction",
        /// The place of the inspection changed.
        PlaceChanged = "place-changed",
        /// Something else, which the text says.
        Other = "other",
    }
}

/// A moment in all clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// UTC, as the recorder believed it to be.
    pub utc_ns: i64,
    /// Boot time.
    pub boot_ns: u64,
    /// Of which boot.
    pub boot_id: BootId,
}

/// What an officer says of an interruption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Why it was: a word of [`OfficerCause`], or one that is newer.
    pub cause: String,
    /// Who says so; empty: nobody was named.
    pub officer: String,
    /// The account.
    pub text: String,
}

/// What an officer is to say of an interruption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainOptions {
    /// Why it was.
    pub cause: OfficerCause,
    /// Who says so.
    pub officer: Option<String>,
    /// The account.
    pub text: String,
}

/// One interruption of one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterruptionInfo {
    /// Its id.
    pub id: InterruptionId,
    /// The session.
    pub session: SessionId,
    /// Why, by the word in the ledger.
    pub cause: String,
    /// Who said so when it began.
    pub known: Known,
    /// What was not captured.
    pub media: Vec<Medium>,
    /// What is known beside the cause; empty: nothing.
    pub detail: String,
    /// When the last thing was captured.
    pub from: Moment,
    /// When it was over; none while it is not.
    pub to: Option<Moment>,
    /// How long it was; none while it is not over, or where the clocks do not say.
    pub duration_ns: Option<u64>,
    /// Whether a spoken statement was given.
    pub statement: Duty,
    /// Whether it was reported.
    pub report: Duty,
    /// Whether a written account was given.
    pub account: Duty,
    /// What an officer said of it last.
    pub told: Option<Account>,
}

impl InterruptionInfo {
    /// The interruption as it goes over the bus.
    pub(crate) fn to_reply(&self) -> Reply {
        let media: Vec<&'static str> = self.media.iter().map(|medium| medium.as_str()).collect();
        let mut reply = Reply::from([
            ("id", self.id.to_string().into()),
            ("session", self.session.object_path().into()),
            ("cause", self.cause.clone().into()),
            ("known", self.known.as_str().into()),
            ("media", media.into()),
            ("detail", self.detail.clone().into()),
            ("from_utc_ns", self.from.utc_ns.into()),
            ("from_boot_ns", self.from.boot_ns.into()),
            ("from_boot_id", self.from.boot_id.to_string().into()),
            ("statement", self.statement.as_str().into()),
            ("report", self.report.as_str().into()),
            ("account", self.account.as_str().into()),
        ]);
        if let Some(to) = &self.to {
            reply.insert("to_utc_ns", to.utc_ns.into());
            reply.insert("to_boot_ns", to.boot_ns.into());
            reply.insert("to_boot_id", to.boot_id.to_string().into());
        }
        reply.extend(self.duration_ns.map(|duration_ns| ("duration_ns", duration_ns.into())));
        if let Some(told) = &self.told {
            reply.insert("officer_cause", told.cause.clone().into());
            reply.insert("officer", told.officer.clone().into());
            reply.insert("text", told.text.clone().into());
        }
        reply
    }

    /// The interruption as it came over the bus.
    pub(crate) fn from_dict(mut dict: Dict) -> Result<Self, BadField> {
        let dict = &mut dict;
        let media: Vec<String> = take(dict, "media")?;
        let media = media.iter().map(|word| word.parse().map_err(|_| BadField("media")));
        Ok(Self {
            id: take_parsed(dict, "id")?,
            session: take_session(dict, "session")?.ok_or(BadField("session"))?,
            cause: take(dict, "cause")?,
            known: take_parsed(dict, "known")?,
            media: media.collect::<Result<_, _>>()?,
            detail: take(dict, "detail")?,
            from: begin_in(dict)?,
            to: end_in(dict)?,
            duration_ns: take_optional(dict, "duration_ns")?,
            statement: take_parsed(dict, "statement")?,
            report: take_parsed(dict, "report")?,
            account: take_parsed(dict, "account")?,
            told: account_in(dict)?,
        })
    }
}

fn begin_in(dict: &mut Dict) -> Result<Moment, BadField> {
    Ok(Moment {
        utc_ns: take(dict, "from_utc_ns")?,
        boot_ns: take(dict, "from_boot_ns")?,
        boot_id: take_parsed(dict, "from_boot_id")?,
    })
}

fn end_in(dict: &mut Dict) -> Result<Option<Moment>, BadField> {
    let Some(utc_ns) = take_optional(dict, "to_utc_ns")? else { return Ok(None) };
    Ok(Some(Moment { utc_ns, boot_ns: take(dict, "to_boot_ns")?, boot_id: take_parsed(dict, "to_boot_id")? }))
}

fn account_in(dict: &mut Dict) -> Result<Option<Account>, BadField> {
    let Some(cause) = take_optional(dict, "officer_cause")? else { return Ok(None) };
    Ok(Some(Account { cause, officer: take(dict, "officer")?, text: take(dict, "text")? }))
}
