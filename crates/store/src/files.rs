// SPDX-License-Identifier: MIT OR Apache-2.0
//! Durable files. A file is durable when its data and the folder that names it have been synced.

use crate::StoreError;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Mode of the files that others of the recorder's group may read.
pub(crate) const SHARED_READ: u32 = 0o640;

/// Creates a folder with all above it.
pub(crate) fn create_folder(path: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(path).map_err(StoreError::io("create folder", path))?;
    sync_folder(path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(path))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(StoreError::io("sync folder", path))
}

/// Creates a file, which must not exist yet, to be appended to.
pub(crate) fn create_new(path: &Path, mode: u32) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.append(true).create_new(true).mode(mode);
    options.open(path).map_err(StoreError::io("create", path))
}

/// Opens a file to be appended to.
pub(crate) fn open_append(path: &Path) -> Result<File, StoreError> {
    OpenOptions::new().append(true).open(path).map_err(StoreError::io("open", path))
}

/// Writes a whole new file and makes it durable, name included. A file that could not be written is not there.
pub(crate) fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), StoreError> {
    let mut file = create_new(path, mode)?;
    if let Err(error) = file.write_all(bytes).and_then(|()| file.sync_all()) {
        let _ = fs::remove_file(path);
        return Err(StoreError::io("write", path)(error));
    }
    sync_parent(path)
}

/// Appends to a file and makes the data durable.
pub(crate) fn append(file: &mut File, path: &Path, parts: &[&[u8]]) -> Result<(), StoreError> {
    for part in parts {
        file.write_all(part).map_err(StoreError::io("write", path))?;
    }
    file.sync_data().map_err(StoreError::io("sync", path))
}

/// Cuts a file back to `kept` bytes, durably. What stood behind them is kept beside it as `NAME.<kept>.torn` if it can
/// be: nothing vouches for it, so that a full disk must not keep the file from being mended.
pub(crate) fn cut_back(path: &Path, kept: u64) -> Result<(), StoreError> {
    if let Err(error) = keep_aside(path, kept) {
        tracing::warn!(%error, path = %path.display(), kept, "torn bytes could not be set aside and are cut off");
    }
    let file = OpenOptions::new().write(true).open(path).map_err(StoreError::io("open", path))?;
    file.set_len(kept).and_then(|()| file.sync_all()).map_err(StoreError::io("truncate", path))
}

fn keep_aside(path: &Path, kept: u64) -> Result<(), StoreError> {
    let aside = torn_name(path, kept);
    let part = with_suffix(&aside, ".part");
    let mut file = File::open(path).map_err(StoreError::io("open", path))?;
    remove_if_there(&part)?;
    let mut copy = create_new(&part, SHARED_READ)?;
    let copied = file.seek(SeekFrom::Start(kept)).and_then(|_| io::copy(&mut file, &mut copy));
    if let Err(error) = copied.and_then(|_| copy.sync_all()) {
        let _ = fs::remove_file(&part);
        return Err(StoreError::io("write", &part)(error));
    }
    rename(&part, &aside)
}

/// The file beside `path` that takes what stands behind its first `kept` bytes.
pub(crate) fn torn_name(path: &Path, kept: u64) -> PathBuf {
    path.with_extension(format!("{kept}.torn"))
}

/// The path with more behind its name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Renames and makes the new name durable.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(StoreError::io("rename", from))?;
    sync_parent(to)
}

/// Renames to a name that nothing has, and makes it durable.
pub(crate) fn rename_new(from: &Path, to: &Path) -> Result<(), StoreError> {
    let done = match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Not every file system has it. The lock keeps other recorders away, so that nothing can come in between.
        Err(Errno::INVAL | Errno::NOSYS) if !to.exists() => fs::rename(from, to),
        done => done.map_err(io::Error::from),
    };
    done.map_err(StoreError::io("give a name to", from))?;
    sync_parent(to)
}

pub(crate) fn sync_parent(path: &Path) -> Result<(), StoreError> {
    path.parent().map_or(Ok(()), sync_folder)
}

/// Reads a file; `None` if there is none.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("read", path)(error)),
    }
}

/// Removes a file, if there is one.
pub(crate) fn remove_if_there(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", path)(error)),
        _ => Ok(()),
    }
}
