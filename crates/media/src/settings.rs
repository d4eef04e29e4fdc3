// SPDX-License-Identifier: MIT OR Apache-2.0
//! What to capture and how, as the caller wants it.
//!
//! Plain values: must not know files of configuration nor GStreamer.

use crate::source::Source;

/// Everything sources and a recording need.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The picture, if any is wanted.
    pub video: Option<VideoSettings>,
    /// The sound, if any is wanted.
    pub audio: Option<AudioSettings>,
    /// How recorded files are played.
    pub replay: ReplaySettings,
    /// Length of one chunk.
    pub chunk_ms: u32,
    /// How long each track may take to deliver its first frame.
    pub start_timeout_ms: u32,
}

/// The picture.
#[derive(Debug, Clone)]
pub struct VideoSettings {
    /// Where it comes from.
    pub source: Source,
    /// Wanted width in pixels.
    pub width: u32,
    /// Wanted height in pixels.
    pub height: u32,
    /// Wanted frames per second.
    pub frame_rate: u32,
    /// Bit rate of the encoder.
    pub bitrate_bps: u32,
    /// Time between key frames.
    pub key_interval_ms: u32,
    /// Encoders in the order they are tried.
    pub encoders: Vec<String>,
}

/// The sound.
#[derive(Debug, Clone)]
pub struct AudioSettings {
    /// Where it comes from.
    pub source: Source,
    /// Sample rate.
    pub rate_hz: u32,
    /// Number of channels.
    pub channels: u32,
    /// Bit rate of the encoder.
    pub bitrate_bps: u32,
    /// Encoders in the order they are tried.
    pub encoders: Vec<String>,
}

/// How recorded files are played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplaySettings {
    /// How fast.
    pub pace: Pace,
    /// Begin again at the end, with timestamps that go on.
    pub repeat: bool,
}

/// How fast a recorded file is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Each frame when it is due.
    Real,
    /// As fast as the receiver takes it.
    Fast,
}
