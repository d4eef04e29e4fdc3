// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can go wrong when opening and running sources, said so that the reader knows what to do.
//!
//! Must not know how a caller reports errors; the variants carry enough to choose.

use std::path::PathBuf;

use crate::event::Medium;

/// Why a source could not be opened, a recording could not begin, or a photo could not be taken.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MediaError {
    /// The device does not exist (any more).
    #[error("{device}: no such device; plug it in or name another one (see the device list)")]
    Missing {
        /// Device as configured, such as `/dev/video0` or `hw:0`.
        device: String,
    },
    /// Another program holds the device.
    #[error("{device}: busy; stop the program that uses it and try again")]
    Busy {
        /// Device as configured.
        device: String,
    },
    /// This user may not open the device.
    #[error("{device}: permission denied; add the recorder's user to the group that owns it")]
    Refused {
        /// Device as configured.
        device: String,
    },
    /// The replay file is missing or cannot be read.
    #[error("{}: cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The replay file can be read, but is no MP4.
    #[error("{}: is no MP4, or a damaged one: {reason}", path.display())]
    NotMp4 {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The source opened but gave nothing within the time allowed.
    #[error("{origin}: no {medium} frame within {timeout_ms} ms; check the device and its cable")]
    NoFrame {
        /// Source as configured.
        origin: String,
        /// The track that stayed empty.
        medium: Medium,
        /// The time allowed.
        timeout_ms: u32,
    },
    /// The source gives something this recorder does not take.
    #[error("{origin}: {reason}")]
    Unsupported {
        /// Source as configured.
        origin: String,
        /// What it gives and what would be taken.
        reason: String,
    },
    /// A recording was wanted of a source that is not open, or not any more.
    #[error("{medium}: no source is open; it failed or was not opened")]
    NotOpen {
        /// What is missing.
        medium: Medium,
    },
    /// The source failed before its first frame, or while it waited to be recorded.
    #[error("{reason}")]
    Failed {
        /// Source and cause.
        reason: String,
    },
    /// None of the configured encoders could encode a frame.
    #[error("no working {medium} encoder; tried {tried}; install one, or change their order or the format")]
    NoEncoder {
        /// What was to be encoded.
        medium: Medium,
        /// Each encoder with the reason it was not taken.
        tried: String,
    },
    /// No picture could be taken.
    #[error("no photo: {reason}")]
    NoPicture {
        /// Why not.
        reason: String,
    },
    /// GStreamer itself failed.
    #[error("{what}: {reason}")]
    Pipeline {
        /// What was being done.
        what: String,
        /// What GStreamer said.
        reason: String,
    },
}

impl MediaError {
    pub(crate) fn pipeline(what: impl Into<String>, reason: impl ToString) -> Self {
        Self::Pipeline { what: what.into(), reason: reason.to_string() }
    }

    /// Why, without what was being done, for who says that himself.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Pipeline { reason, .. } => reason.clone(),
            other => other.to_string(),
        }
    }
}

/// A source that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "source {0:?} is not understood; allowed are v4l2:/dev/videoN, alsa:DEVICE, replay:FILE, test: and test:PATTERN"
)]
pub struct SourceError(pub String);
