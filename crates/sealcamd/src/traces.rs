// SPDX-License-Identifier: MIT OR Apache-2.0
//! A start that is refused leaves nothing behind: what was not there before it, and holds nothing, is removed again. A
//! folder that is made where a card should be mounted would else look like one.

use evidence::SESSIONS_FOLDER;
use std::path::{Path, PathBuf};
use store::{LOCK_FILE, Place, StoreError};

/// What a start may make before it is refused, of that what is not there yet.
pub(crate) struct Traces {
    /// The deepest first.
    folders: Vec<PathBuf>,
    evidence: PathBuf,
    lock: Option<PathBuf>,
}

impl Traces {
    pub(crate) fn before(place: &Place) -> Traces {
        let evidence = place.evidence.clone();
        let sessions = evidence.join(SESSIONS_FOLDER);
        let lock = Some(evidence.join(LOCK_FILE)).filter(|path| !path.exists());
        let folders = missing(&sessions).chain(missing(&place.state)).collect();
        Traces { folders, evidence, lock }
    }

    /// Removes what is empty again. Another recorder's lock is its own, whoever made the file.
    pub(crate) fn remove_after(&self, error: &StoreError) {
        if matches!(error, StoreError::Locked(_)) {
            return;
        }
        self.remove_empty_folders();
        if let Some(lock) = self.lock.as_ref().filter(|_| is_alone(&self.evidence)) {
            let _ = std::fs::remove_file(lock);
        }
        self.remove_empty_folders();
    }

    /// Fails for one that is not there or has something in it, and then nothing is to be done.
    fn remove_empty_folders(&self) {
        for folder in &self.folders {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// A folder and those above it, as far as they are not there.
fn missing(folder: &Path) -> impl Iterator<Item = PathBuf> + '_ {
    folder.ancestors().take_while(|folder| !folder.exists()).map(Path::to_owned)
}

/// Whether there is nothing in the folder but the lock.
fn is_alone(folder: &Path) -> bool {
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
    names.map(|entry| entry.file_name()).all(|name| name == LOCK_FILE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{create_dir_all, write};

    fn refused() -> StoreError {
        StoreError::Closed("as the test wants it")
    }

    fn place(root: &Path) -> Place {
        Place { evidence: root.join("a/evidence"), state: root.join("a/state") }
    }

    fn make(place: &Place) {
        create_dir_all(place.evidence.join(SESSIONS_FOLDER)).unwrap();
        create_dir_all(&place.state).unwrap();
        write(place.evidence.join(LOCK_FILE), "").unwrap();
    }

    #[test]
    fn what_a_refused_start_made_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let place = place(root.path());
        let traces = Traces::before(&place);
        make(&place);
        traces.remove_after(&refused());
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_was_there_before_and_what_holds_something_stays() {
        let root = tempfile::tempdir().unwrap();
        let place = place(root.path());
        make(&place);
        Traces::before(&place).remove_after(&refused());
        assert!(place.evidence.join(LOCK_FILE).exists() && place.state.exists());

        std::fs::remove_dir_all(root.path().join("a")).unwrap();
        let traces = Traces::before(&place);
        make(&place);
        write(place.evidence.join("ledger.cbor"), "an entry").unwrap();
        traces.remove_after(&refused());
        assert!(place.evidence.join(LOCK_FILE).exists() && !place.state.exists());
    }

    #[test]
    fn the_lock_of_another_recorder_stays() {
        let root = tempfile::tempdir().unwrap();
        let place = place(root.path());
        let traces = Traces::before(&place);
        make(&place);
        traces.remove_after(&StoreError::Locked(place.evidence.clone()));
        assert!(place.evidence.join(LOCK_FILE).exists());
    }
}
