// SPDX-License-Identifier: MIT OR Apache-2.0
//! Judges photos: a JPEG against its ledger entry, and the copy of that entry beside it.

use super::find::{files_in, is_plain_name, open_regular};
use super::report::{Finding, Problem, Report};
use super::{Options, VerifyError, trust};
use crate::bytes::{Hash, Hasher};
use crate::cbor::MAX_ITEM_BYTES;
use crate::entry::{Body, PhotoBody};
use crate::ledger::{SignedEntry, open_entry};
use crate::{LEDGER_FILE, SIDECAR_SUFFIX};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Verifies a photo with only the copy of its entry beside it.
pub(super) fn verify_alone(path: &Path, options: &Options<'_>) -> Result<Report, VerifyError> {
    let (entry, findings) = judge_alone(path)?;
    let mut report = Report::new(path, "photo", trust::judge(options.history, &entry));
    report.findings = findings;
    Ok(report.concluded())
}

/// Judges each photo in a folder, which may be missing, by the copy of its entry; the entries come with the judgement.
pub(super) fn judge_folder(folder: &Path) -> Result<(Vec<Finding>, Vec<SignedEntry>), VerifyError> {
    let (mut findings, mut entries) = (Vec::new(), Vec::new());
    for path in files_in(folder, "jpg").unwrap_or_default() {
        let (entry, problems) = judge_alone(&path)?;
        findings.extend(problems);
        entries.extend(entry);
    }
    Ok((findings, entries))
}

fn judge_alone(path: &Path) -> Result<(Option<SignedEntry>, Vec<Finding>), VerifyError> {
    let sidecar = sidecar(path);
    let one = |problem, detail: String| vec![Finding::new(problem, &sidecar, detail)];
    let Some(bytes) = read_sidecar(&sidecar)? else {
        return Ok((None, one(Problem::Unverifiable, "the photo's entry is not there".into())));
    };
    let signed = match open_entry(&bytes, 0) {
        Ok(signed) => signed,
        Err(error) => return Ok((None, one(Problem::Forged, error.to_string()))),
    };
    let findings = match &signed.entry.body {
        Body::Photo(body) => check_file(path, body)?.into_iter().collect(),
        other => one(Problem::Misplaced, format!("it holds a {} entry, not a photo's", other.kind())),
    };
    Ok((Some(signed), findings))
}

/// Holds the photos in `folder` against their entries. `name_in` gives the name in that folder out of the path that an
/// entry has, if the path leads there.
pub(super) fn check_all<'a>(
    folder: &Path,
    entries: impl Iterator<Item = (&'a SignedEntry, &'a PhotoBody)>,
    name_in: impl Fn(&'a str) -> Option<&'a str>,
) -> Result<Vec<Finding>, VerifyError> {
    let (mut findings, mut known) = (Vec::new(), Vec::new());
    for (signed, body) in entries {
        let Some(name) = name_in(&body.file).filter(|name| is_plain_name(name)) else {
            let detail = format!("entry {} names a photo where none belongs: {:?}", signed.entry.seq, body.file);
            findings.push(Finding::new(Problem::Misplaced, folder, detail));
            continue;
        };
        let path = folder.join(name);
        findings.extend(check_file(&path, body)?);
        findings.extend(check_sidecar(&path, signed)?);
        known.push(path);
    }
    let there = files_in(folder, "jpg").unwrap_or_default();
    let strangers = there.iter().filter(|path| !known.contains(path));
    findings.extend(strangers.map(|path| Finding::new(Problem::Unsigned, path, "no entry speaks of this photo")));
    Ok(findings)
}

/// Whether the file is the one that the entry speaks of.
fn check_file(path: &Path, body: &PhotoBody) -> Result<Option<Finding>, VerifyError> {
    let Some(file) = open_regular(path).map_err(VerifyError::read(path))? else {
        return Ok(Some(Finding::new(Problem::Absent, path, "the photo is not there")));
    };
    let is_own = hash_of(file).map_err(VerifyError::read(path))? == (body.media, body.length);
    let altered = || Finding::new(Problem::Altered, path, "the photo's bytes are not those that were signed");
    Ok((!is_own).then(altered))
}

/// Whether the copy of the entry beside the photo is the entry.
fn check_sidecar(path: &Path, signed: &SignedEntry) -> Result<Option<Finding>, VerifyError> {
    let sidecar = sidecar(path);
    Ok(match read_sidecar(&sidecar)? {
        Some(bytes) if bytes == signed.bytes => None,
        Some(_) => {
            let detail = format!("the photo's entry differs from {LEDGER_FILE}'s");
            Some(Finding::new(Problem::Altered, &sidecar, detail))
        }
        None => Some(Finding::new(Problem::Absent, &sidecar, "the photo's entry is not there")),
    })
}

fn sidecar(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(SIDECAR_SUFFIX);
    name.into()
}

/// Reads no more than an envelope can be long, and a byte to tell that there is more.
fn read_sidecar(path: &Path) -> Result<Option<Vec<u8>>, VerifyError> {
    let Some(file) = open_regular(path).map_err(VerifyError::read(path))? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.take(MAX_ITEM_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(VerifyError::read(path))?;
    Ok(Some(bytes))
}

fn hash_of(mut file: File) -> io::Result<(Hash, u64)> {
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
