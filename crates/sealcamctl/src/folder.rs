// SPDX-License-Identifier: MIT OR Apache-2.0
//! An evidence folder that is read without a recorder: what its index says, in the words of the bus.

use std::path::{Path, PathBuf};

use bus::{InterruptionInfo, SessionId, Timeline};
use store::StoreError;
use store::index::{Index, SessionRow};

/// The folder.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.to_path_buf())
    }

    /// The sessions, the oldest first.
    pub(crate) fn sessions(&self) -> Result<Vec<SessionId>, StoreError> {
        let rows = Index::open_read_only(&self.0)?.sessions()?;
        Ok(rows.into_iter().map(|row| SessionId::from_bytes(row.session.0)).collect())
    }

    /// The interruptions of a session, or of all; nothing where the session is not known.
    pub(crate) fn interruptions(
        &self,
        session: Option<SessionId>,
    ) -> Result<Option<Vec<InterruptionInfo>>, StoreError> {
        let sessions = self.sessions()?;
        Ok(session.is_none_or(|id| sessions.contains(&id)).then(Vec::new))
    }

    /// What of a session was recorded when; nothing where it is not known.
    pub(crate) fn timeline(&self, id: SessionId) -> Result<Option<Timeline>, StoreError> {
        let timeline = |row: SessionRow| Timeline {
            session: id,
            zero_utc_ns: row.started_utc_ns,
            pressed_ns: None,
            now_ns: None,
            cause: row.cause,
            chunks: Vec::new(),
            interruptions: Vec::new(),
            continues: None,
            continued_by: None,
        };
        Ok(self.session(id)?.map(timeline))
    }

    fn session(&self, id: SessionId) -> Result<Option<SessionRow>, StoreError> {
        Index::open_read_only(&self.0)?.session(evidence::SessionId(id.to_bytes()))
    }
}
