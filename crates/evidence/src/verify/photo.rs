// SPDX-License-Identifier: MIT OR Apache-2.0
//! Judges photos: a JPEG against its ledger entry, and the copy of that entry beside it.

use super::detail::Detail;
use super::find::{files_in, is_folder, is_plain_name, open_regular};
use super::report::{Finding, Problem, Report};
use super::{Options, VerifyError, trust};
use crate::SIDECAR_SUFFIX;
use crate::bytes::{Hash, Hasher};
use crate::cbor::MAX_ITEM_BYTES;
use crate::entry::{Body, PhotoBody};
use crate::ledger::{SignedEntry, open_entry};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A photo file and the copy of its entry beside it, as they were read.
struct Photo {
    path: PathBuf,
    sidecar: PathBuf,
    /// Hash and length, if the file is there.
    content: Option<Result<(Hash, u64), io::Error>>,
    entry: Sidecar,
}

enum Sidecar {
    Absent,
    Entry(Box<SignedEntry>),
    /// No entry, and why.
    Other(String),
    /// It cannot be read, and why.
    Unreadable(String),
}

/// Verifies a photo with only the copy of its entry beside it.
pub(super) fn verify_alone(path: &Path, options: &Options<'_>) -> Result<Report, VerifyError> {
    let photo = Photo::read(path);
    if let Some(Err(source)) = photo.content {
        return Err(VerifyError::Read { path: path.into(), source });
    }
    let mut report = Report::new(path, "photo", trust::judge(options.history, photo.entry()));
    report.totals.photos = 1;
    report.findings.extend(photo.problem_alone());
    Ok(report.concluded())
}

impl Photo {
    fn read(path: &Path) -> Photo {
        let mut name = path.as_os_str().to_owned();
        name.push(SIDECAR_SUFFIX);
        let sidecar = PathBuf::from(name);
        let content = open_regular(path).and_then(|file| file.map(hash_of).transpose()).transpose();
        Photo { path: path.into(), content, entry: read_sidecar(&sidecar), sidecar }
    }

    fn entry(&self) -> Option<&SignedEntry> {
        match &self.entry {
            Sidecar::Entry(entry) => Some(entry),
            _ => None,
        }
    }

    /// What is wrong with it, by its own entry.
    fn problem_alone(&self) -> Option<Finding> {
        let of_sidecar = |problem, detail| Some(Finding::new(problem, &self.sidecar, detail));
        match &self.entry {
            Sidecar::Absent => of_sidecar(Problem::Unverifiable, Detail::SidecarAbsent),
            Sidecar::Other(reason) => of_sidecar(Problem::Forged, Detail::SidecarBroken { reason: reason.clone() }),
            Sidecar::Unreadable(reason) => {
                of_sidecar(Problem::Unverifiable, Detail::Unreadable { reason: reason.clone() })
            }
            Sidecar::Entry(signed) => match &signed.entry.body {
                Body::Photo(body) => self.content_problem(body),
                other => of_sidecar(Problem::Misplaced, Detail::SidecarOfOtherKind { kind: other.kind().into() }),
            },
        }
    }

    /// Whether the file is the one that the entry speaks of.
    fn content_problem(&self, body: &PhotoBody) -> Option<Finding> {
        let (problem, detail) = match &self.content {
            Some(Ok(content)) if *content == (body.media, body.length) => return None,
            Some(Ok(_)) => (Problem::Altered, Detail::PhotoAltered),
            Some(Err(error)) => (Problem::Unverifiable, Detail::Unreadable { reason: error.to_string() }),
            None => (Problem::Absent, Detail::PhotoAbsent),
        };
        Some(Finding::new(problem, &self.path, detail))
    }

    /// Whether the copy of the entry is the entry.
    fn copy_problem(&self, signed: &SignedEntry) -> Option<Finding> {
        let (problem, detail) = match &self.entry {
            Sidecar::Entry(copy) if copy.hash == signed.hash => return None,
            Sidecar::Absent => (Problem::Absent, Detail::SidecarAbsent),
            Sidecar::Unreadable(reason) => (Problem::Unverifiable, Detail::Unreadable { reason: reason.clone() }),
            _ => (Problem::Altered, Detail::SidecarAltered),
        };
        Some(Finding::new(problem, &self.sidecar, detail))
    }
}

/// The photos of a folder, as they were read.
#[derive(Default)]
pub(super) struct Shelf {
    folder: PathBuf,
    photos: BTreeMap<PathBuf, Photo>,
}

impl Shelf {
    /// Reads each photo in a folder, which may be missing.
    pub(super) fn read(folder: &Path) -> Result<Shelf, VerifyError> {
        let paths = is_folder(folder).and_then(|is_there| match is_there {
            true => files_in(folder, "jpg"),
            false => Ok(Vec::new()),
        });
        let paths = paths.map_err(VerifyError::read(folder))?;
        let photos = paths.into_iter().map(|path| (path.clone(), Photo::read(&path))).collect();
        Ok(Shelf { folder: folder.into(), photos })
    }

    /// Judges each photo by the copy of its entry; the entries come with the judgement.
    pub(super) fn judge_each(self) -> (Vec<Finding>, Vec<SignedEntry>) {
        self.photos.values().map(|photo| (photo.problem_alone(), photo.entry().cloned())).fold(
            (Vec::new(), Vec::new()),
            |(mut findings, mut entries), (problem, entry)| {
                findings.extend(problem);
                entries.extend(entry);
                (findings, entries)
            },
        )
    }

    /// Holds the photos against their entries. `name_in` gives the name in this folder out of the path that an entry
    /// has, if the path leads here.
    pub(super) fn check<'a>(
        &self,
        entries: impl Iterator<Item = (&'a SignedEntry, &'a PhotoBody)>,
        name_in: impl Fn(&'a str) -> Option<&'a str>,
    ) -> Vec<Finding> {
        let (mut findings, mut known) = (Vec::new(), BTreeSet::new());
        for (signed, body) in entries {
            let Some(name) = name_in(&body.file).filter(|name| is_plain_name(name)) else {
                let detail = Detail::PhotoPath { seq: signed.entry.seq, file: body.file.clone() };
                findings.push(Finding::new(Problem::Misplaced, &self.folder, detail));
                continue;
            };
            let path = self.folder.join(name);
            // One that is not on the shelf is looked for: its entry may be left, or it came just now.
            let late = (!self.photos.contains_key(&path)).then(|| Photo::read(&path));
            let photo = late.as_ref().or_else(|| self.photos.get(&path));
            findings.extend(photo.and_then(|photo| photo.content_problem(body)));
            findings.extend(photo.and_then(|photo| photo.copy_problem(signed)));
            known.insert(path);
        }
        let strangers = self.photos.values().filter(|photo| !known.contains(&photo.path));
        let unsigned = |photo: &Photo| Finding::new(Problem::Unsigned, &photo.path, Detail::PhotoUnknown);
        findings.extend(strangers.map(unsigned));
        findings
    }
}

/// Reads no more than an envelope can be long, and a byte to tell that there is more.
fn read_sidecar(path: &Path) -> Sidecar {
    let read = |file: File| {
        let mut bytes = Vec::new();
        file.take(MAX_ITEM_BYTES as u64 + 1).read_to_end(&mut bytes).map(|_| bytes)
    };
    let bytes = match open_regular(path).and_then(|file| file.map(read).transpose()) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Sidecar::Absent,
        Err(error) => return Sidecar::Unreadable(error.to_string()),
    };
    match open_entry(&bytes, 0) {
        Ok(entry) => Sidecar::Entry(Box::new(entry)),
        Err(error) => Sidecar::Other(error.to_string()),
    }
}

fn hash_of(file: File) -> io::Result<(Hash, u64)> {
    // Not everything that the kernel calls a regular file has an end.
    let end = file.metadata()?.len();
    let mut file = file.take(end);
    let (mut hasher, mut buffer) = (Hasher::default(), vec![0; 64 * 1024]);
    let mut length = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((hasher.finish(), length)),
            read => {
                hasher.update(&buffer[..read]);
                length += read as u64;
            }
        }
    }
}
