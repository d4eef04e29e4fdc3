// SPDX-License-Identifier: MIT OR Apache-2.0
//! Judges photos: a JPEG against its ledger entry, and the copy of that entry beside it.

use super::find::files_in;
use super::report::{Finding, Problem, Report};
use super::{Options, VerifyError, trust};
use crate::SIDECAR_SUFFIX;
use crate::bytes::{Hash, Hasher};
use crate::entry::{Body, PhotoBody};
use crate::ledger::{SignedEntry, open_entry};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Verifies a photo with only the copy of its entry beside it.
pub(super) fn verify_alone(path: &Path, options: &Options<'_>) -> Result<Report, VerifyError> {
    let sidecar = sidecar(path);
    let opened = match fs::read(&sidecar) {
        Ok(bytes) => open_entry(&bytes, 0).map_err(|e| Finding::new(Problem::Forged, &sidecar, e.to_string())),
        Err(error) => Err(Finding::new(Problem::Unverifiable, &sidecar, format!("the photo's entry: {error}"))),
    };
    let mut report = Report::new(path, "photo", trust::judge(options.history, opened.as_ref().ok()));
    match opened.as_ref().map(|signed| &signed.entry.body) {
        Ok(Body::Photo(body)) => report.findings.extend(check_file(path, body)),
        Ok(other) => {
            let detail = format!("it holds a {} entry, not a photo's", other.kind());
            report.findings.push(Finding::new(Problem::Misplaced, &sidecar, detail));
        }
        Err(finding) => report.findings.push(finding.clone()),
    }
    Ok(report.concluded())
}

/// Whether the file is the one that the entry speaks of.
pub(super) fn check_file(path: &Path, body: &PhotoBody) -> Option<Finding> {
    match hash_of(path) {
        Ok((hash, length)) if hash == body.media && length == body.length => None,
        Ok(_) => Some(Finding::new(Problem::Altered, path, "the photo's bytes are not those that were signed")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Some(Finding::new(Problem::Absent, path, "the photo is not there"))
        }
        Err(error) => Some(Finding::new(Problem::Unverifiable, path, error.to_string())),
    }
}

/// Whether the copy of the entry beside the photo is the entry.
pub(super) fn check_sidecar(path: &Path, signed: &SignedEntry) -> Option<Finding> {
    let sidecar = sidecar(path);
    match fs::read(&sidecar) {
        Ok(bytes) if bytes == signed.bytes => None,
        Ok(_) => Some(Finding::new(Problem::Altered, &sidecar, "the photo's entry differs from the ledger's")),
        Err(error) => Some(Finding::new(Problem::Absent, &sidecar, format!("the photo's entry: {error}"))),
    }
}

/// Photos in a folder that no entry speaks of.
pub(super) fn strangers(folder: &Path, known: &[String]) -> Vec<Finding> {
    let files = files_in(folder, "jpg").unwrap_or_default();
    let unknown = files.into_iter().filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        !known.iter().any(|known| *known == name)
    });
    unknown.map(|path| Finding::new(Problem::Unsigned, &path, "no entry speaks of this photo")).collect()
}

fn sidecar(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(SIDECAR_SUFFIX);
    name.into()
}

fn hash_of(path: &Path) -> io::Result<(Hash, u64)> {
    let (mut file, mut hasher, mut buffer) = (File::open(path)?, Hasher::default(), vec![0; 64 * 1024]);
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
