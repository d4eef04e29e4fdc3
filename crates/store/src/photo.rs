// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stores stills: the picture, its ledger entry, and a copy of that entry beside it.

use crate::files::{
    SHARED_READ, create_folder, read_if_there, remove_if_there, rename, rename_new, with_suffix, write_new,
};
use crate::folder::Books;
use crate::names::Template;
use crate::session::SessionWriter;
use crate::{Evidence, StoreError};
use evidence::entry::{Body, PhotoBody};
use evidence::ledger::SignedEntry;
use evidence::record::Event;
use evidence::{Hash, PHOTOS_FOLDER, SIDECAR_SUFFIX, SessionId};
use std::path::{Path, PathBuf};

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
        self.books().prepare()?;
        let subject = Subject { session: None, officer, label, folder: self.folder().join(PHOTOS_FOLDER) };
        let entered = self.enter_photo(jpeg, &subject, template)?;
        complete_one(&entered.photo.path, &entered.entry)?;
        Ok(entered.photo)
    }

    /// Writes the picture and enters it in the ledger. From then on it is a photo, whatever fails later.
    fn enter_photo(&self, jpeg: &[u8], subject: &Subject<'_>, template: &Template) -> Result<Entered, StoreError> {
        create_folder(&subject.folder)?;
        let mut books = self.books();
        let utc = self.clock.now().utc_ns;
        let path = free_path(&books, subject, |number| {
            template.name(subject.label, subject.officer, subject.session, utc, number)
        });
        write_new(&part_of(&path), SHARED_READ, jpeg)?;
        let entry = books.enter(Body::Photo(photo_body(self.folder(), &path, jpeg, subject)))?;
        Ok(Entered { photo: StoredPhoto { path, hash: Hash::of(jpeg) }, entry })
    }
}

/// A photo that is in the ledger, and perhaps not yet under its name.
struct Entered {
    photo: StoredPhoto,
    entry: SignedEntry,
}

/// The next number is one more than there are photos; if something else has the name already, one behind that.
fn free_path(books: &Books, subject: &Subject<'_>, name: impl Fn(u32) -> String) -> PathBuf {
    let next = u32::try_from(books.photos(subject.session) + 1).unwrap_or(u32::MAX);
    let mut path = PathBuf::new();
    for number in next..=u32::MAX {
        path = subject.folder.join(format!("{}.jpg", name(number)));
        if !path.exists() && !part_of(&path).exists() {
            break;
        }
    }
    path
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
        let Entered { photo, entry } = evidence.enter_photo(jpeg, &subject, &plan.template)?;
        self.note(Event { event: "photo".into(), medium: None, detail: crate::session::file_name(&photo.path) });
        let completed = complete_one(&photo.path, &entry);
        let copied = self.copy(entry);
        self.copies_lack |= completed.is_err();
        completed.and(copied).map(|()| photo)
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

fn part_of(path: &Path) -> PathBuf {
    with_suffix(path, ".part")
}

/// Ends photos that were cut off between their ledger entry and their final name, or between that and their sidecar.
pub(crate) fn complete(root: &Path, entries: &[SignedEntry]) -> Result<(), StoreError> {
    for signed in entries {
        if let Body::Photo(body) = &signed.entry.body {
            complete_one(&root.join(&body.file), signed)?;
        }
    }
    Ok(())
}

fn complete_one(path: &Path, signed: &SignedEntry) -> Result<(), StoreError> {
    let (part, sidecar) = (part_of(path), with_suffix(path, SIDECAR_SUFFIX));
    if !path.exists() && part.exists() {
        rename_new(&part, path)?;
    }
    let copy = read_if_there(&sidecar)?.unwrap_or_default();
    if path.exists() && copy.len() < signed.bytes.len() && signed.bytes.starts_with(&copy) {
        write_sidecar(&sidecar, &signed.bytes)?;
    }
    Ok(())
}

/// Under its name it is whole: to the verifier, half a sidecar would be an altered one.
fn write_sidecar(sidecar: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let part = part_of(sidecar);
    remove_if_there(&part)?;
    write_new(&part, SHARED_READ, bytes)?;
    rename(&part, sidecar)
}
