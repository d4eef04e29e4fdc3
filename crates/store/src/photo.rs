// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stores stills: the picture, its ledger entry, and a copy of that entry beside it.

use crate::files::{create_folder, rename, write_new};
use crate::names::Template;
use crate::session::{SessionWriter, append_entry};
use crate::{Evidence, StoreError};
use evidence::entry::{Body, PhotoBody};
use evidence::ledger::SignedEntry;
use evidence::record::Event;
use evidence::{Hash, PHOTOS_FOLDER, SIDECAR_SUFFIX, SessionId};
use std::path::{Path, PathBuf};

const SHARED_READ: u32 = 0o640;

/// A photo that is durable, signed and indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPhoto {
    /// Its file.
    pub path: PathBuf,
    /// SHA-256 of the file.
    pub hash: Hash,
}

/// Who and what a photo is of.
struct Subject<'a> {
    session: Option<SessionId>,
    officer: &'a str,
    label: &'a str,
    folder: PathBuf,
}

impl Evidence {
    /// Stores a photo taken outside a session.
    ///
    /// # Errors
    /// [`StoreError`] if photo or entry cannot be made durable.
    pub fn add_photo(
        &self,
        jpeg: &[u8],
        officer: &str,
        label: &str,
        template: &Template,
    ) -> Result<StoredPhoto, StoreError> {
        let subject = Subject { session: None, officer, label, folder: self.folder().join(PHOTOS_FOLDER) };
        self.store_photo(jpeg, &subject, template).map(|(photo, _)| photo)
    }

    fn store_photo(
        &self,
        jpeg: &[u8],
        subject: &Subject<'_>,
        template: &Template,
    ) -> Result<(StoredPhoto, SignedEntry), StoreError> {
        create_folder(&subject.folder)?;
        let mut books = self.books();
        let number = u32::try_from(books.index.photos(subject.session)?.len() + 1).unwrap_or(u32::MAX);
        let utc = self.clock.now().utc_ns;
        let name = template.name(subject.label, subject.officer, subject.session, utc, number);
        let path = subject.folder.join(format!("{name}.jpg"));
        let part = with_suffix(&path, ".part");
        let _ = std::fs::remove_file(&part);
        write_new(&part, SHARED_READ, jpeg)?;
        let entry = books.enter(Body::Photo(photo_body(self.folder(), &path, jpeg, subject)))?;
        rename(&part, &path)?;
        write_new(&with_suffix(&path, SIDECAR_SUFFIX), SHARED_READ, &entry.bytes)?;
        Ok((StoredPhoto { path, hash: Hash::of(jpeg) }, entry))
    }
}

impl SessionWriter {
    /// Stores a photo taken during this session.
    ///
    /// # Errors
    /// [`StoreError`] if photo or entry cannot be made durable.
    pub fn add_photo(&mut self, jpeg: &[u8]) -> Result<StoredPhoto, StoreError> {
        let evidence = self.evidence();
        let plan = self.plan();
        let subject = Subject {
            session: Some(self.id()),
            officer: &plan.officer,
            label: &plan.label,
            folder: self.folder.join(PHOTOS_FOLDER),
        };
        let (photo, entry) = evidence.store_photo(jpeg, &subject, &plan.template)?;
        append_entry(&self.folder, &entry)?;
        self.photos.push(entry);
        let detail = crate::session::file_name(&photo.path);
        self.note(Event { event: "photo".into(), medium: None, detail });
        Ok(photo)
    }
}

fn photo_body(root: &Path, path: &Path, jpeg: &[u8], subject: &Subject<'_>) -> PhotoBody {
    PhotoBody {
        session: subject.session,
        file: path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned(),
        length: jpeg.len() as u64,
        media: Hash::of(jpeg),
        officer: subject.officer.into(),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Ends a photo that was cut off between its ledger entry and its final name, or between that and its sidecar.
pub(crate) fn complete(root: &Path, entries: &[SignedEntry]) -> Result<(), StoreError> {
    for signed in entries {
        let Body::Photo(body) = &signed.entry.body else { continue };
        let path = root.join(&body.file);
        let (part, sidecar) = (with_suffix(&path, ".part"), with_suffix(&path, SIDECAR_SUFFIX));
        if !path.exists() && part.exists() {
            rename(&part, &path)?;
        }
        let copy = crate::files::read_if_there(&sidecar)?.unwrap_or_default();
        if path.exists() && copy.len() < signed.bytes.len() && signed.bytes.starts_with(&copy) {
            let _ = std::fs::remove_file(&sidecar);
            write_new(&sidecar, SHARED_READ, &signed.bytes)?;
        }
    }
    Ok(())
}
