// SPDX-License-Identifier: MIT OR Apache-2.0
//! Plain data that goes over the bus and into `--json`.

use serde::{Deserialize, Serialize};

use crate::{AlarmInfo, SessionId};

/// A word that is none of those allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is not allowed here: allowed are {allowed}")]
pub struct UnknownWord {
    pub(crate) word: String,
    pub(crate) allowed: String,
}

macro_rules! words {
    ($(#[$outer:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ::serde::Serialize, ::serde::Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word for it, on the bus and in JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::UnknownWord;

            fn from_str(word: &str) -> Result<Self, $crate::UnknownWord> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word).ok_or_else(|| $crate::UnknownWord {
                    word: word.to_owned(),
                    allowed: [$($word),*].join(", "),
                })
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What a recording holds.
    Media {
        /// Pictures and sound.
        VideoAndAudio = "video+audio",
        /// Pictures alone.
        Video = "video",
        /// Sound alone.
        Audio = "audio",
    }
}

words! {
    /// What the recorder is doing.
    RecorderState {
        /// The recorder itself is starting: its evidence is being opened.
        Starting = "starting",
        /// Ready; nothing is recorded.
        Standby = "standby",
        /// A recording is being opened.
        Opening = "opening",
        /// A session is open, and every wanted medium arrives.
        Recording = "recording",
        /// A session is open, and one medium is missing.
        Degraded = "degraded",
        /// A session is open, and all media are missing.
        Interrupted = "interrupted",
        /// The session is being closed, or the recorder ends.
        Stopping = "stopping",
        /// Not able to record the last time; see the fault.
        Faulted = "faulted",
    }
}

/// How to record. What is left out is taken from the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StartOptions {
    /// Who records.
    pub officer: Option<String>,
    /// Pictures, sound, or both.
    pub media: Option<Media>,
}

/// Counts of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Video frames in durable chunks.
    pub video_frames: u64,
    /// Audio packets in durable chunks.
    pub audio_packets: u64,
    /// Video frames that the source gave and that are in no chunk.
    pub video_lost: u64,
    /// Audio packets that the source gave and that are in no chunk.
    pub audio_lost: u64,
    /// Durable, signed chunks.
    pub chunks: u64,
    /// Segment files.
    pub segments: u64,
    /// Bytes of the segment files.
    pub bytes: u64,
    /// Length of the media.
    pub duration_ns: u64,
}

/// The recorder at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecorderStatus {
    /// What it is doing.
    pub state: RecorderState,
    /// What is wrong, in one line.
    pub fault: Option<String>,
    /// The open session.
    pub current_session: Option<SessionId>,
    /// Counts of the open session, else of the last one.
    pub counters: Counters,
    /// Media time up to which that session is durable and signed.
    pub recorded_up_to_ns: u64,
    /// The alarms that stand, in the order in which they were raised.
    pub alarms: Vec<AlarmInfo>,
    /// How many whole minutes can still be recorded at the present rate; none: unknown.
    pub storage_minutes: Option<u64>,
    /// How much the pre-record holds.
    pub prerecord_ns: u64,
    /// The device's name.
    pub device_id: String,
    /// The recorder's version.
    pub version: String,
    /// Absolute path of the evidence folder.
    pub evidence_folder: String,
}

/// One segment file of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentInfo {
    /// Its number.
    pub number: u32,
    /// Its file name within the session's folder.
    pub file: String,
    /// Chunks in it.
    pub chunks: u64,
    /// Its size.
    pub bytes: u64,
}

/// One recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// Its id.
    pub id: SessionId,
    /// Who recorded; empty: nobody was named.
    pub officer: String,
    /// Absolute path of its folder.
    pub folder: String,
    /// UTC of the start.
    pub started_utc_ns: i64,
    /// UTC of the end; none while it is open.
    pub ended_utc_ns: Option<i64>,
    /// Why it ended; none while it is open.
    pub cause: Option<String>,
    /// Length of the media.
    pub duration_ns: u64,
    /// Durable, signed chunks.
    pub chunks: u64,
    /// Video frames in them.
    pub video_frames: u64,
    /// Audio packets in them.
    pub audio_packets: u64,
    /// Bytes of the segment files, signed records included.
    pub bytes: u64,
    /// Bytes of the signed records among them.
    pub signed_bytes: u64,
    /// The segment files, in order.
    pub segments: Vec<SegmentInfo>,
    /// File names of the photos taken during it, within its folder.
    pub photos: Vec<String>,
    /// The session that was cut off and that it goes on with.
    pub continues: Option<SessionId>,
    /// How many interruptions it has.
    pub interruptions: u64,
}

/// A photo that is durable and signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhotoInfo {
    /// Its path below the evidence folder.
    pub file: String,
    /// SHA-256 of the file.
    #[serde(with = "hex::serde")]
    pub sha256: [u8; 32],
    /// The session it was taken in.
    pub session: Option<SessionId>,
}

/// A chunk that is durable, signed and indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkInfo {
    /// Its session.
    pub session: SessionId,
    /// The number of its segment.
    pub segment: u32,
    /// Its number within the session.
    pub chunk: u64,
    /// Media time up to which the session is durable.
    pub recorded_up_to_ns: u64,
    /// UTC of that moment of the media.
    pub utc_ns: i64,
}
