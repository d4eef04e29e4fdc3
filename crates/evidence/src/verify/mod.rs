// SPDX-License-Identifier: MIT OR Apache-2.0
//! Verification: every chunk gets a verdict, what is absent gets one too, and whether the keys are trusted is answered
//! apart (`docs/format.md`, Verdicts).

mod detail;
mod evidence_folder;
mod find;
mod gaps;
mod interruption;
mod parallel;
mod photo;
mod report;
mod scan;
mod segment;
mod sequence;
mod session;
mod trust;

pub use detail::{Cause, Detail, Distrust};
pub use report::{Finding, Gap, Missing, Overall, Problem, Report, SegmentReport, SessionReport, Totals, Trust};
pub use scan::{Item, ScanError, ScannedRecord, Tail, scan_segment};

use crate::history::KeyHistory;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// How to verify.
pub struct Options<'a> {
    /// The keys to trust. Without them the evidence can only be checked against itself.
    pub history: Option<&'a KeyHistory>,
    /// How many files to read at a time.
    pub jobs: NonZeroUsize,
    /// Called with the number of bytes read since the last call, from any thread.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

/// Why something could not be looked at: not a verdict on evidence.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A file or folder cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The path is nothing that Sealcam writes.
    #[error(
        "{}: neither a segment (.mp4), a photo (.jpg), a session folder (with session.cbor) nor an evidence folder (with ledger.cbor)",
        .0.display()
    )]
    Unknown(PathBuf),
}

impl VerifyError {
    fn read(path: &Path) -> impl FnOnce(std::io::Error) -> VerifyError + '_ {
        move |source| VerifyError::Read { path: path.into(), source }
    }
}

/// Verifies one path: a segment, a photo, a session folder or an evidence folder.
///
/// # Errors
/// [`VerifyError`] if there is nothing to verify at `path`.
pub fn verify(path: &Path, options: &Options<'_>) -> Result<Report, VerifyError> {
    match find::kind_of(path)? {
        find::Kind::Segment => segment::verify_alone(path, options),
        find::Kind::Photo => photo::verify_alone(path, options),
        find::Kind::Session => session::verify_alone(path, options),
        find::Kind::Evidence => evidence_folder::verify(path, options),
    }
}

/// Verifies several paths, as many at a time as there are jobs; the result has their order.
pub fn verify_all(paths: &[PathBuf], options: &Options<'_>) -> Vec<Result<Report, VerifyError>> {
    let each = NonZeroUsize::new(options.jobs.get() / paths.len().max(1)).unwrap_or(NonZeroUsize::MIN);
    let options_of_each = Options { history: options.history, jobs: each, progress: options.progress };
    parallel::map(paths, options.jobs, |path| verify(path, &options_of_each))
}

/// How many bytes [`verify`] will read at `path`, for a progress bar.
#[must_use]
pub fn size_of(path: &Path) -> u64 {
    find::segments_below(path)
        .iter()
        .filter_map(|p| std::fs::metadata(p).ok())
        .fold(0, |sum, file| sum.saturating_add(file.len()))
}
