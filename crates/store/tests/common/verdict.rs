// SPDX-License-Identifier: MIT OR Apache-2.0
//! Verdicts as short strings, to stand beside an operation in a table.

use evidence::history::KeyHistory;
use evidence::verify::{Options, Overall, Report, Trust, verify};
use std::num::NonZeroUsize;
use std::path::Path;

pub fn report(path: &Path, history: Option<&KeyHistory>) -> Report {
    let jobs = NonZeroUsize::new(2).unwrap();
    verify(path, &Options { history, jobs, progress: &|_| () }).unwrap()
}

/// The verdict letters of every segment, separated by blanks.
pub fn letters(report: &Report) -> String {
    let segments = report.sessions.iter().flat_map(|session| &session.segments);
    segments.map(|segment| segment.verdicts.as_str()).collect::<Vec<_>>().join(" ")
}

pub fn overall(report: &Report) -> &'static str {
    match report.overall {
        Overall::Intact => "intact",
        Overall::IntactWithGaps => "gaps",
        Overall::Unverifiable => "unverifiable",
        Overall::Incomplete => "incomplete",
        Overall::Tampered => "tampered",
    }
}

pub fn trust(report: &Report) -> &'static str {
    match report.trust {
        Trust::NotChecked { .. } => "unchecked",
        Trust::Trusted { .. } => "trusted",
        Trust::TooOld { .. } => "too old",
        Trust::NotTrusted { .. } => "untrusted",
    }
}

/// `letters overall trust` in one line, for comparing.
pub fn line(report: &Report) -> String {
    format!("{} | {} | {}", letters(report), overall(report), trust(report))
}
