// SPDX-License-Identifier: MIT OR Apache-2.0
//! An evidence folder that is read without a recorder: what its index says, in the words of the bus.

use std::path::{Path, PathBuf};

use bus::{InterruptionInfo, SessionId};
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
        let known = session.map_or(Ok(true), |id| self.session(id).map(|found| found.is_some()))?;
        Ok(known.then(Vec::new))
    }

    fn session(&self, id: SessionId) -> Result<Option<SessionRow>, StoreError> {
        Index::open_read_only(&self.0)?.session(evidence::SessionId(id.to_bytes()))
    }
}
