// SPDX-License-Identifier: MIT OR Apache-2.0
//! The record that follows each chunk in its segment file, and the one that closes a segment (`docs/format.md`).

use crate::cbor::{self, CborError};
use crate::time::Clock;
use crate::{FORMAT_VERSION, Hash, SessionId};
use serde::{Deserialize, Serialize};

/// Picture or sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Medium {
    /// Picture: H.264 access units.
    Video,
    /// Sound: AAC packets.
    Audio,
}

/// What a record stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordKind {
    /// The media bytes before it.
    Chunk,
    /// The orderly end of a segment file.
    SegmentEnd,
}

/// What a chunk holds of one track, on the session's time line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Track {
    /// Track id in the segment's `moov`.
    pub id: u32,
    /// Picture or sound.
    pub medium: Medium,
    /// Ticks a second of `start` and `duration`.
    pub scale: u32,
    /// Decode time of the first sample since the session began, in ticks.
    pub start: u64,
    /// Sum of the sample durations, in ticks.
    pub duration: u64,
    /// Frames or packets in the chunk.
    pub samples: u64,
    /// Frames or packets known to be lost since the chunk before.
    pub lost: u64,
}

impl Track {
    /// First tick behind the chunk's samples.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.start.saturating_add(self.duration)
    }

    /// `ticks` of this track in nanoseconds.
    #[must_use]
    pub fn to_ns(&self, ticks: u64) -> u64 {
        u64::try_from(u128::from(ticks) * 1_000_000_000 / u128::from(self.scale.max(1))).unwrap_or(u64::MAX)
    }
}

/// Something that happened between two chunks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What: `lost`, `source-ended`, `source-failed`, `photo`.
    pub event: String,
    /// Which track it concerns, if one.
    #[serde(default, deserialize_with = "cbor::present", skip_serializing_if = "Option::is_none")]
    pub medium: Option<Medium>,
    /// The reason or name that belongs to it.
    pub detail: String,
}

/// The signed content of one record box.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Version of the format, [`FORMAT_VERSION`].
    pub v: u64,
    /// What the record stands for.
    pub kind: RecordKind,
    /// The session it belongs to.
    pub session: SessionId,
    /// Number of the record in the session, from 0, over all segments.
    pub seq: u64,
    /// Number of the segment in the session, from 1.
    pub segment: u32,
    /// Number of the chunk in the session, from 0; for a segment end, how many chunks the session has by then.
    pub chunk: u64,
    /// SHA-256 of the envelope before this one; of the session-start entry for the first.
    pub prev: Hash,
    /// Where in the file the bytes that are covered begin.
    pub offset: u64,
    /// How many bytes, up to this record's box, are covered.
    pub length: u64,
    /// Name of the hash behind `media` and `prev`: `sha-256`.
    pub digest: String,
    /// Hash of the covered bytes.
    pub media: Hash,
    /// What the covered bytes hold.
    pub tracks: Vec<Track>,
    /// All clocks when the record was signed.
    pub clock: Clock,
    /// What happened since the record before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
}

/// The only value of [`Record::digest`] in version 1.
pub const DIGEST: &str = "sha-256";

/// Why a payload is not a record of this version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// Made by a newer format.
    #[error("format version {0} is newer than {FORMAT_VERSION}")]
    Version(u64),
    /// Not the CBOR that the format lays down.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// A hash this version does not know.
    #[error("hash {0:?} is not known")]
    Digest(String),
    /// A value outside what the format allows.
    #[error("{0}")]
    Value(&'static str),
}

#[derive(Deserialize)]
struct Version {
    v: u64,
}

/// The format version of a payload, checked before anything else in it is.
pub(crate) fn check_version(value: &ciborium::Value) -> Result<(), PayloadError> {
    match cbor::from_value::<Version>(value)?.v {
        FORMAT_VERSION => Ok(()),
        other => Err(PayloadError::Version(other)),
    }
}

impl Record {
    /// Reads a payload.
    ///
    /// # Errors
    /// Every way in which it is not a record of this version.
    pub fn decode(payload: &[u8]) -> Result<Record, PayloadError> {
        let value = cbor::decode_value(payload)?;
        check_version(&value)?;
        let record: Record = cbor::from_value(&value)?;
        if record.digest != DIGEST {
            return Err(PayloadError::Digest(record.digest));
        }
        let covers_media = record.length != 0 || record.media != Hash::of(&[]) || !record.tracks.is_empty();
        if record.kind == RecordKind::SegmentEnd && covers_media {
            return Err(PayloadError::Value("a segment end covers media"));
        }
        if record.segment == 0 {
            return Err(PayloadError::Value("segments are counted from 1"));
        }
        if record.tracks.iter().any(|track| track.scale == 0) {
            return Err(PayloadError::Value("a track has 0 ticks a second"));
        }
        Ok(record)
    }
}
