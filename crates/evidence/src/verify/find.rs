// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds what there is to verify at a path.

use super::VerifyError;
use crate::{LEDGER_FILE, SESSION_FILE, SESSIONS_FOLDER};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// Linux's number for a link that leads in a circle; the standard library has no stable word for it.
const ELOOP: i32 = 40;

pub(super) enum Kind {
    Segment,
    Photo,
    Session,
    Evidence,
}

pub(super) fn kind_of(path: &Path) -> Result<Kind, VerifyError> {
    let metadata = fs::metadata(path).map_err(VerifyError::read(path))?;
    match () {
        () if metadata.is_file() && has_extension(path, "mp4") => Ok(Kind::Segment),
        () if metadata.is_file() && has_extension(path, "jpg") => Ok(Kind::Photo),
        () if !metadata.is_dir() => Err(VerifyError::Unknown(path.into())),
        () => kind_of_folder(path).map_err(VerifyError::read(path))?.ok_or_else(|| VerifyError::Unknown(path.into())),
    }
}

fn kind_of_folder(path: &Path) -> io::Result<Option<Kind>> {
    let is_there = |name| Ok::<_, io::Error>(metadata_of(&path.join(name))?.is_some());
    match () {
        () if is_there(LEDGER_FILE)? || is_folder(&path.join(SESSIONS_FOLDER))? => Ok(Some(Kind::Evidence)),
        () if is_there(SESSION_FILE)? || !files_in(path, "mp4")?.is_empty() => Ok(Some(Kind::Session)),
        () => Ok(None),
    }
}

/// All segment files at or below `path`, as deep as an evidence folder goes.
pub(super) fn segments_below(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.into()];
    }
    let mut folders = vec![path.to_path_buf()];
    folders.extend(folders_in(&path.join(SESSIONS_FOLDER)).unwrap_or_default());
    folders.iter().flat_map(|folder| files_in(folder, "mp4").unwrap_or_default()).collect()
}

/// Opens a regular file, links followed; `None` if there is none. Anything else could block, or never end.
pub(super) fn open_regular(path: &Path) -> io::Result<Option<File>> {
    is_regular(path)?.then(|| File::open(path)).transpose()
}

fn is_regular(path: &Path) -> io::Result<bool> {
    Ok(metadata_of(path)?.is_some_and(|found| found.is_file()))
}

/// Whether a folder is there, links followed.
pub(super) fn is_folder(path: &Path) -> io::Result<bool> {
    Ok(metadata_of(path)?.is_some_and(|found| found.is_dir()))
}

/// What is at `path`. A link that leads nowhere, or in a circle, is nothing; what may not be looked at could be anything.
fn metadata_of(path: &Path) -> io::Result<Option<fs::Metadata>> {
    let error = match fs::metadata(path) {
        Ok(metadata) => return Ok(Some(metadata)),
        Err(error) => error,
    };
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() && error.kind() != io::ErrorKind::PermissionDenied => Ok(None),
        Err(gone) if leads_nowhere(&gone) => Ok(None),
        _ => Err(error),
    }
}

fn leads_nowhere(error: &io::Error) -> bool {
    let nothing = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory, io::ErrorKind::InvalidFilename];
    nothing.contains(&error.kind()) || error.raw_os_error() == Some(ELOOP)
}

/// A name that cannot lead out of the folder it is joined to.
pub(super) fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0'])
}

/// The files with `extension` in a folder, sorted by name.
pub(super) fn files_in(folder: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    entries(folder, |path| Ok(has_extension(path, extension) && is_regular(path)?))
}

/// The folders in a folder, sorted by name.
pub(super) fn folders_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    entries(folder, is_folder)
}

fn entries(folder: &Path, wanted: impl Fn(&Path) -> io::Result<bool>) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if wanted(&path)? {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}
