// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is on record of sessions and interruptions: as the recorder tells it, or as an evidence folder has it in its index.

use std::path::Path;

use bus::{BusAddress, Client, InterruptionInfo, SessionId, Timeline};

use crate::error::CommandError;
use crate::folder::Folder;
use crate::pick::session;

/// Who is asked.
pub(crate) enum Recorded {
    /// The recorder.
    Recorder(Client),
    /// The index of a folder.
    Folder(Folder),
}

impl Recorded {
    /// The folder, where one is named; else the recorder on the bus.
    pub(crate) async fn of(bus: &BusAddress, evidence: Option<&Path>) -> Result<Self, CommandError> {
        match evidence {
            Some(folder) => Ok(Self::Folder(Folder::new(folder))),
            None => Ok(Self::Recorder(Client::connect(bus).await?)),
        }
    }

    /// The session that is meant by an id, the beginning of one, or "last".
    pub(crate) async fn session(&self, wanted: &str) -> Result<SessionId, CommandError> {
        match wanted.parse() {
            Ok(id) => Ok(id),
            Err(_) => session(&self.sessions().await?, wanted),
        }
    }

    /// The sessions, the oldest first.
    async fn sessions(&self) -> Result<Vec<SessionId>, CommandError> {
        match self {
            Self::Recorder(client) => Ok(client.sessions().await?.into_iter().map(|session| session.id).collect()),
            Self::Folder(folder) => Ok(folder.sessions()?),
        }
    }

    /// The interruptions of a session, or of all.
    pub(crate) async fn interruptions(
        &self,
        session: Option<SessionId>,
    ) -> Result<Vec<InterruptionInfo>, CommandError> {
        match self {
            Self::Recorder(client) => Ok(client.interruptions(session).await?),
            Self::Folder(folder) => known(folder.interruptions(session)?, session),
        }
    }

    /// What of a session was recorded when.
    pub(crate) async fn timeline(&self, session: SessionId) -> Result<Timeline, CommandError> {
        match self {
            Self::Recorder(client) => Ok(client.timeline(session).await?),
            Self::Folder(folder) => known(folder.timeline(session)?, Some(session)),
        }
    }
}

/// What a folder says of a session; it says nothing of one that it does not have.
fn known<T>(found: Option<T>, session: Option<SessionId>) -> Result<T, CommandError> {
    let wanted = || session.map(|session| session.to_string()).unwrap_or_default();
    found.ok_or_else(|| CommandError::NoSession { wanted: wanted() })
}
