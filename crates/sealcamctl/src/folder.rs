// SPDX-License-Identifier: MIT OR Apache-2.0
//! An evidence folder that is read without a recorder: what its index says, in the words of the bus.

use std::path::{Path, PathBuf};

use bus::{InterruptionInfo, SessionId, Timeline};
use store::StoreError;
use store::index::Index;

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
        let index = Index::open_read_only(&self.0)?;
        let session = session.map(|id| evidence::SessionId(id.to_bytes()));
        if let Some(id) = session
            && index.session(id)?.is_none()
        {
            return Ok(None);
        }
        Ok(Some(index.interruptions(session)?.into_iter().map(past::interruption).collect()))
    }

    /// What of a session was recorded when; nothing where it is not known.
    pub(crate) fn timeline(&self, id: SessionId) -> Result<Option<Timeline>, StoreError> {
        let index = Index::open_read_only(&self.0)?;
        let row = index.session(evidence::SessionId(id.to_bytes()))?;
        row.map(|row| past::timeline(&index, row, None)).transpose()
    }
}
