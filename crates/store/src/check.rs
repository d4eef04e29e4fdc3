// SPDX-License-Identifier: MIT OR Apache-2.0
//! Compares files, ledger and index, invariant by invariant. The numbers are those of `docs/design/storage.md`.

use crate::compare::Comparison;
use crate::index::Index;
use crate::{INDEX_FILE, LOCK_FILE, StoreError};
use evidence::verify::{Detail, Finding, Options, Problem, Report, VerifyError, verify};
use rustix::fs::{FlockOperation, flock};
use std::fs::OpenOptions;
use std::num::NonZeroUsize;
use std::path::Path;

/// What must hold of an evidence folder.
pub const INVARIANTS: [(u8, &str); 9] = [
    (1, "the ledger is one unbroken chain under its keys"),
    (2, "every session in the ledger has its folder, and every folder its session"),
    (3, "every session's records are one unbroken chain from its start to its end"),
    (4, "every byte of a segment is covered by a record"),
    (5, "every photo is the one its entry names, and every entry has its photo"),
    (6, "every session but one that is being recorded has an end"),
    (7, "the index is what the files give"),
    (8, "no chunk is longer than a second"),
    (9, "every interruption begins once, and is over in a session that has an end"),
];

/// One invariant that does not hold at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Number of the invariant.
    pub invariant: u8,
    /// Where and how.
    pub detail: String,
}

/// Why a folder could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The files cannot be read.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// The index cannot be read or rebuilt for comparison.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Checks an evidence folder.
///
/// # Errors
/// [`CheckError`] if files or index cannot be read at all.
pub fn check(folder: &Path, jobs: NonZeroUsize) -> Result<Vec<Violation>, CheckError> {
    let report = verify(folder, &Options { history: None, jobs, progress: &|_| () })?;
    let in_use = is_in_use(folder);
    let mut violations: Vec<_> = report.findings.iter().map(|finding| from_finding(folder, finding)).collect();
    violations.retain(|violation| !(in_use && violation.invariant == 6));
    violations.extend(long_chunks(&report));
    violations.extend(check_index(folder)?);
    violations.sort_by_key(|violation| violation.invariant);
    Ok(violations)
}

fn from_finding(folder: &Path, finding: &Finding) -> Violation {
    let path = finding.path.strip_prefix(folder).unwrap_or(&finding.path);
    let name = path.to_string_lossy();
    let about_interruption = |detail: &Detail| {
        matches!(
            detail,
            Detail::InterruptionTwice { .. } | Detail::InterruptionNotOpen { .. } | Detail::InterruptionUnknown { .. }
        )
    };
    let invariant = match finding.problem {
        _ if about_interruption(&finding.detail) => 9,
        _ if name == evidence::LEDGER_FILE => 1,
        _ if name.contains(evidence::PHOTOS_FOLDER) => 5,
        Problem::Unfinished => 6,
        Problem::Unsigned if finding.path.is_file() => 4,
        Problem::Unsigned | Problem::Absent if finding.chunk.is_none() => 2,
        _ => 3,
    };
    Violation { invariant, detail: format!("{name}: {}", finding.detail) }
}

fn long_chunks(report: &Report) -> Vec<Violation> {
    let longest = report.sessions.iter().flat_map(|session| &session.segments);
    let long = longest.filter(|segment| segment.longest_chunk_ns > MAX_CHUNK_NS);
    long.map(|segment| Violation {
        invariant: 8,
        detail: format!("{}: a chunk is {} ms long", segment.path.display(), segment.longest_chunk_ns / 1_000_000),
    })
    .collect()
}

/// A second, with what rounding ticks may add.
const MAX_CHUNK_NS: u64 = 1_001_000_000;

/// What the index shows: whether it is what the files give, and interruptions that were left open.
fn check_index(folder: &Path) -> Result<Vec<Violation>, StoreError> {
    let violation = |detail| Violation { invariant: 7, detail };
    if !folder.join(INDEX_FILE).exists() {
        return Ok(vec![violation("there is no index; `sealcamctl reindex` makes it".into())]);
    }
    let was_in_use = is_in_use(folder);
    let index = Index::open_read_only(folder)?;
    if !index.is_current()? {
        let other = "the index is of another version; the next start or `sealcamctl reindex` makes it anew";
        return Ok(vec![violation(other.into())]);
    }
    let left_open = index.interruptions_left_open()?.into_iter().map(|id| Violation {
        invariant: 9,
        detail: format!("interruption {id} is not over, although its session has an end"),
    });
    let left_open: Vec<_> = left_open.collect();
    let seen = Comparison::begin(folder)?;
    let differences = seen.with_files(folder, || was_in_use || is_in_use(folder))?;
    Ok(differences.iter().map(|found| violation(found.to_string())).chain(left_open).collect())
}

/// Whether a recorder owns the folder now.
fn is_in_use(folder: &Path) -> bool {
    let file = OpenOptions::new().write(true).open(folder.join(LOCK_FILE));
    file.is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockExclusive).is_err())
}
