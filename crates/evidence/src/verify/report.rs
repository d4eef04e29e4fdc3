// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a verification says.

use super::detail::{Cause, Detail, Distrust};
use super::session::Verified;
use crate::record::Medium;
use crate::{Hash, SessionId};
use serde::{Serialize, Serializer};
use std::path::{Path, PathBuf};

/// The verdict over all, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overall {
    /// Everything is there and unaltered.
    Intact,
    /// Everything that was recorded is there and unaltered; the record itself shows that something was not captured.
    IntactWithGaps,
    /// Nothing can be said.
    Unverifiable,
    /// What is there is unaltered, but something that was recorded is absent.
    Incomplete,
    /// Something is not as it was recorded.
    Tampered,
}

/// What is wrong at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Problem {
    /// Bytes differ from what was signed.
    Altered,
    /// A signature or a signing key is wrong.
    Forged,
    /// Genuine, but not where it was recorded: moved, repeated, from another session.
    Misplaced,
    /// Taken out of the middle of a file.
    Removed,
    /// A file, folder or entry that should be there is not.
    Absent,
    /// The end is missing: cut off, or still being recorded.
    Unfinished,
    /// Bytes that no record covers.
    Unsigned,
    /// There is nothing here that can be verified.
    Unverifiable,
}

impl Problem {
    /// What the problem makes of the whole.
    #[must_use]
    pub fn overall(self) -> Overall {
        match self {
            Problem::Absent | Problem::Unfinished => Overall::Incomplete,
            Problem::Unverifiable => Overall::Unverifiable,
            _ => Overall::Tampered,
        }
    }

    /// The letter that stands for a chunk with this problem in [`SegmentReport::verdicts`].
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Problem::Altered => 'A',
            Problem::Forged => 'F',
            Problem::Misplaced => 'P',
            Problem::Removed | Problem::Absent => 'M',
            Problem::Unfinished => 'E',
            Problem::Unsigned => 'U',
            Problem::Unverifiable => '?',
        }
    }
}

/// A path as text; what is no UTF-8 in it is shown as such, and takes nothing of the report away.
fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// One problem, with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What is wrong.
    pub problem: Problem,
    /// In which file or folder.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    /// At which chunk of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chunk: Option<u64>,
    /// From which media time of the session, in nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_ns: Option<u64>,
    /// To which media time of the session, in nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_ns: Option<u64>,
    /// What exactly.
    pub detail: Detail,
}

impl Finding {
    pub(super) fn new(problem: Problem, path: &Path, detail: Detail) -> Finding {
        Finding { problem, path: path.into(), chunk: None, from_ns: None, to_ns: None, detail }
    }
}

/// Something that was not captured, as the record itself shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// Of which track; none where the recording as a whole was cut off.
    pub medium: Option<Medium>,
    /// From which media time, in nanoseconds; none if that lies in another boot than the session's start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_ns: Option<u64>,
    /// To which media time, in nanoseconds; none if that lies in another boot, or if it is not over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_ns: Option<u64>,
    /// Whether it is on record. Else it is missing: only the times of the tracks show it, and nothing says why.
    pub recorded: bool,
    /// Why, as recorded.
    pub cause: Cause,
}

impl Gap {
    pub(super) fn recorded(medium: Option<Medium>, from_ns: u64, to_ns: u64, cause: Cause) -> Gap {
        Gap { medium, from_ns: Some(from_ns), to_ns: Some(to_ns), recorded: true, cause }
    }

    pub(super) fn pause(medium: Medium, from_ns: u64, to_ns: u64, recorded: bool) -> Gap {
        Gap { recorded, ..Gap::recorded(Some(medium), from_ns, to_ns, Cause::Pause) }
    }

    /// How many it stands for: one, or those of a file that are not listed one by one.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self.cause {
            Cause::MoreGaps { count } => count,
            _ => 1,
        }
    }

    fn length_ns(&self) -> u64 {
        self.from_ns.zip(self.to_ns).map_or(0, |(from_ns, to_ns)| to_ns.saturating_sub(from_ns))
    }
}

/// The gaps that nothing on record explains, taken together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// How many there are.
    pub gaps: u64,
    /// How much of the picture they are, in nanoseconds.
    pub video_ns: u64,
    /// How much of the sound they are, in nanoseconds.
    pub audio_ns: u64,
}

impl Missing {
    fn of(gaps: &[Gap]) -> Missing {
        let mut missing = Missing::default();
        gaps.iter().filter(|gap| !gap.recorded).for_each(|gap| missing.add(gap));
        missing
    }

    fn add(&mut self, gap: &Gap) {
        self.gaps = self.gaps.saturating_add(gap.count());
        let sum_ns = match gap.medium {
            Some(Medium::Video) => &mut self.video_ns,
            Some(Medium::Audio) => &mut self.audio_ns,
            None => return,
        };
        *sum_ns = sum_ns.saturating_add(gap.length_ns());
    }
}

/// What is in one or more segments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Segment files.
    pub segments: u64,
    /// Photos that entries name.
    pub photos: u64,
    /// Chunks present.
    pub chunks: u64,
    /// Picture frames.
    pub video_frames: u64,
    /// Sound packets.
    pub audio_packets: u64,
    /// Length of all files in bytes.
    pub bytes: u64,
    /// Of which records and session-start entries.
    pub signed_bytes: u64,
    /// Media time covered, in nanoseconds.
    pub duration_ns: u64,
}

impl Totals {
    pub(super) fn add(&mut self, other: &Totals) {
        self.segments = self.segments.saturating_add(other.segments);
        self.photos = self.photos.saturating_add(other.photos);
        self.chunks = self.chunks.saturating_add(other.chunks);
        self.video_frames = self.video_frames.saturating_add(other.video_frames);
        self.audio_packets = self.audio_packets.saturating_add(other.audio_packets);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.signed_bytes = self.signed_bytes.saturating_add(other.signed_bytes);
        self.duration_ns = self.duration_ns.saturating_add(other.duration_ns);
    }
}

/// Whether the keys are the device's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "trust")]
pub enum Trust {
    /// No key history was given: the evidence agrees with itself, and claims to be from `device`.
    NotChecked {
        /// The device that the evidence names, if it names one.
        device: Option<Hash>,
    },
    /// Every key is in the history that was given, at its place.
    Trusted {
        /// The device.
        device: Hash,
    },
    /// The history that was given ends before this was recorded.
    TooOld {
        /// The device.
        device: Hash,
    },
    /// A key is not the one that the history has for its place.
    NotTrusted {
        /// Why.
        reason: Distrust,
    },
}

impl Trust {
    fn rank(&self) -> u8 {
        match self {
            Trust::Trusted { .. } => 0,
            Trust::NotChecked { .. } => 1,
            Trust::TooOld { .. } => 2,
            Trust::NotTrusted { .. } => 3,
        }
    }

    /// The less trustworthy of the two.
    #[must_use]
    pub fn and(self, other: Trust) -> Trust {
        if other.rank() > self.rank() { other } else { self }
    }
}

/// The verdict on one segment file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SegmentReport {
    /// The file.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    /// The session, if the file says.
    pub session: Option<SessionId>,
    /// Number of the segment in the session, from 1.
    pub segment: Option<u32>,
    /// One letter a chunk, in order: `.` intact, else [`Problem::letter`].
    pub verdicts: String,
    /// Number of its first chunk in the session.
    pub first_chunk: Option<u64>,
    /// Media time of the session at which it begins, in nanoseconds.
    pub from_ns: u64,
    /// Media time of the session at which it ends, in nanoseconds.
    pub to_ns: u64,
    /// Length of its longest chunk, in nanoseconds.
    pub longest_chunk_ns: u64,
    /// What is in it.
    pub totals: Totals,
}

/// The verdict on one session.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SessionReport {
    /// The folder.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    /// The session, if anything there says so.
    pub session: Option<SessionId>,
    /// Its segments in order.
    pub segments: Vec<SegmentReport>,
    /// How many photos belong to it.
    pub photos: u64,
}

/// The verdict on one path.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// What was verified.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    /// `segment`, `photo`, `session` or `evidence`.
    pub scope: &'static str,
    /// The verdict.
    pub overall: Overall,
    /// Whether the keys are the device's.
    pub trust: Trust,
    /// What is wrong, worst kept with the rest.
    pub findings: Vec<Finding>,
    /// What was not captured, as the record itself shows.
    pub gaps: Vec<Gap>,
    /// How much of that nothing on record explains.
    pub missing: Missing,
    /// The sessions, with their segments.
    pub sessions: Vec<SessionReport>,
    /// Everything together.
    pub totals: Totals,
}

impl Report {
    pub(super) fn new(path: &Path, scope: &'static str, trust: Trust) -> Report {
        Report {
            path: path.into(),
            scope,
            overall: Overall::Intact,
            trust,
            findings: Vec::new(),
            gaps: Vec::new(),
            missing: Missing::default(),
            sessions: Vec::new(),
            totals: Totals::default(),
        }
    }

    pub(super) fn take_session(&mut self, verified: Verified) {
        self.findings.extend(verified.findings);
        self.gaps.extend(verified.gaps);
        self.totals.add(&verified.totals);
        self.sessions.push(verified.report);
    }

    pub(super) fn concluded(mut self) -> Report {
        let gaps = if self.gaps.is_empty() { Overall::Intact } else { Overall::IntactWithGaps };
        let worst = self.findings.iter().map(|finding| finding.problem.overall()).max();
        self.missing = Missing::of(&self.gaps);
        self.overall = worst.unwrap_or(Overall::Intact).max(gaps);
        self
    }
}
