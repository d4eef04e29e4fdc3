// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the `moov` in front of the fragments says of each track.

use super::{BoxAt, BoxError, boxes, child, children, field32};
use crate::record::Medium;

/// One track as `moov` declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackHeader {
    /// Track id.
    pub id: u32,
    /// Picture or sound.
    pub medium: Medium,
    /// Ticks a second.
    pub scale: u32,
    /// Duration in ticks of samples whose fragment does not say (`trex`).
    pub default_duration: u32,
    /// Flags of samples whose fragment does not say (`trex`).
    pub default_flags: u32,
}

/// The header that stands at the front of a segment: `ftyp` and `moov`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Init {
    /// The tracks in file order.
    pub tracks: Vec<TrackHeader>,
}

impl Init {
    /// Reads `ftyp` and `moov`.
    ///
    /// # Errors
    /// [`BoxError`] for what is missing or out of shape.
    pub fn parse(bytes: &[u8]) -> Result<Init, BoxError> {
        let moov = children(&child(&boxes(bytes, 0)?, "moov")?)?;
        let defaults = children(&child(&moov, "mvex")?)?;
        let tracks = moov.iter().filter(|b| &b.name == b"trak").map(|trak| track(trak, &defaults));
        let tracks = tracks.collect::<Result<Vec<_>, _>>()?;
        match tracks.is_empty() {
            true => Err(BoxError::Missing("trak")),
            false => Ok(Init { tracks }),
        }
    }

    pub(super) fn track(&self, id: u32) -> Result<&TrackHeader, BoxError> {
        let unknown = BoxError::Content { name: "tfhd", problem: "names a track that moov does not have" };
        self.tracks.iter().find(|t| t.id == id).ok_or(unknown)
    }
}

fn track(trak: &BoxAt<'_>, defaults: &[BoxAt<'_>]) -> Result<TrackHeader, BoxError> {
    let trak = children(trak)?;
    let mdia = children(&child(&trak, "mdia")?)?;
    let id = track_id(&child(&trak, "tkhd")?)?;
    let (default_duration, default_flags) = extends(defaults, id)?;
    Ok(TrackHeader {
        id,
        medium: medium(&child(&mdia, "hdlr")?)?,
        scale: scale(&child(&mdia, "mdhd")?)?,
        default_duration,
        default_flags,
    })
}

fn track_id(tkhd: &BoxAt<'_>) -> Result<u32, BoxError> {
    field32(tkhd.content, if version(tkhd) == 1 { 20 } else { 12 }, "tkhd")
}

fn scale(mdhd: &BoxAt<'_>) -> Result<u32, BoxError> {
    match field32(mdhd.content, if version(mdhd) == 1 { 20 } else { 12 }, "mdhd")? {
        0 => Err(BoxError::Content { name: "mdhd", problem: "0 ticks a second" }),
        scale => Ok(scale),
    }
}

fn medium(hdlr: &BoxAt<'_>) -> Result<Medium, BoxError> {
    match hdlr.content.get(8..12) {
        Some(b"vide") => Ok(Medium::Video),
        Some(b"soun") => Ok(Medium::Audio),
        _ => Err(BoxError::Content { name: "hdlr", problem: "neither picture nor sound" }),
    }
}

fn extends(defaults: &[BoxAt<'_>], id: u32) -> Result<(u32, u32), BoxError> {
    for trex in defaults.iter().filter(|b| &b.name == b"trex") {
        if field32(trex.content, 4, "trex")? == id {
            return Ok((field32(trex.content, 12, "trex")?, field32(trex.content, 20, "trex")?));
        }
    }
    Err(BoxError::Missing("trex"))
}

fn version(full: &BoxAt<'_>) -> u8 {
    full.content.first().copied().unwrap_or(0)
}
