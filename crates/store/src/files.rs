// SPDX-License-Identifier: MIT OR Apache-2.0
//! Durable files. A file is durable when its data and the folder that names it have been synced.

use crate::StoreError;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Creates a folder with all above it.
pub(crate) fn create_folder(path: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(path).map_err(StoreError::io("create folder", path))?;
    sync_folder(path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(path))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(StoreError::io("sync folder", path))
}

/// Creates a file that must not exist yet.
pub(crate) fn create_new(path: &Path, mode: u32) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    options.open(path).map_err(StoreError::io("create", path))
}

/// Writes a whole new file and makes it durable, name included.
pub(crate) fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), StoreError> {
    let mut file = create_new(path, mode)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(StoreError::io("write", path))?;
    sync_parent(path)
}

/// Appends to a file and makes the data durable.
pub(crate) fn append(file: &mut File, path: &Path, parts: &[&[u8]]) -> Result<(), StoreError> {
    for part in parts {
        file.write_all(part).map_err(StoreError::io("write", path))?;
    }
    file.sync_data().map_err(StoreError::io("sync", path))
}

/// Renames and makes the new name durable.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(StoreError::io("rename", from))?;
    sync_parent(to)
}

pub(crate) fn sync_parent(path: &Path) -> Result<(), StoreError> {
    path.parent().map_or(Ok(()), sync_folder)
}

/// Reads a file; `None` if there is none.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io("read", path)(error)),
    }
}
