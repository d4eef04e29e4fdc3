// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a recording tells its receiver.
//!
//! Plain values: must not know pipelines.

use std::fmt;
use std::sync::Arc;

/// Picture or sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Medium {
    /// The picture.
    Video,
    /// The sound.
    Audio,
}

impl Medium {
    /// Both, the picture first.
    pub const BOTH: [Self; 2] = [Self::Video, Self::Audio];

    pub(crate) fn other(self) -> Self {
        match self {
            Self::Video => Self::Audio,
            Self::Audio => Self::Video,
        }
    }
}

impl fmt::Display for Medium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Video => "video",
            Self::Audio => "audio",
        })
    }
}

/// One fragment: one chunk.
#[derive(Debug, Clone)]
pub struct Fragment {
    /// Counts up when the set of tracks changes, and with it the init header.
    pub generation: u32,
    /// `ftyp` and `moov` of this generation.
    pub init: Arc<[u8]>,
    /// `styp`, `moof`, `mdat`. `tfdt` is session time: 0 at the first frame, continuing over
    /// generations; so is the sequence number, from 1.
    pub data: Vec<u8>,
}

/// Something happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A chunk is complete.
    Fragment(Fragment),
    /// A replayed file came to its end.
    Ended {
        /// The track that is over.
        medium: Medium,
    },
    /// A source failed. The recording goes on without it, and takes it in when it returns.
    Failed {
        /// The track that is over for now.
        medium: Medium,
        /// What happened.
        reason: String,
    },
    /// A source is back: the next fragment is the first of a generation that has it.
    Joined {
        /// The track that goes on.
        medium: Medium,
    },
    /// Frames were lost and the track goes on.
    Lost {
        /// The track with the hole.
        medium: Medium,
        /// How many frames; for sound, how many packets or device reports.
        count: u64,
        /// Where they were lost.
        reason: String,
    },
    /// Everything is delivered. Nothing follows.
    Finished,
}

/// What a track consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackInfo {
    /// Picture or sound.
    pub medium: Medium,
    /// Codec in words, such as `H.264 high 3.1`.
    pub codec_name: String,
    /// The encoder, or `passthrough`.
    pub encoder: String,
    /// What only pictures or only sound have.
    pub detail: TrackDetail,
}

/// Size and rate of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackDetail {
    /// A picture.
    Video {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Frames per second as numerator and denominator; 0/1 where unknown.
        frame_rate: (u32, u32),
    },
    /// Sound.
    Audio {
        /// Sample rate.
        rate_hz: u32,
        /// Number of channels.
        channels: u32,
    },
}

/// Counts since a recording began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// The picture.
    pub video: MediumCount,
    /// The sound.
    pub audio: MediumCount,
}

/// Counts of one track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MediumCount {
    /// Frames or packets taken into chunks.
    pub muxed: u64,
    /// Frames or packets known to be lost.
    pub lost: u64,
}
