// SPDX-License-Identifier: MIT OR Apache-2.0
//! Camera, microphone or recorded file in; finished fragments of MP4 out.
//!
//! A [`Studio`] keeps sources open and the last seconds of what they give; a [`Recording`] is a way for it to leave.
//!
//! This crate knows GStreamer, V4L2 and ALSA. It must not know sessions, signatures, files of
//! evidence or D-Bus: it hands each fragment to its caller and forgets it.

mod boxes;
mod chunker;
mod devices;
mod edits;
mod encoder;
mod error;
mod event;
mod fragment;
mod frame;
mod header;
mod inlet;
mod live;
mod modes;
mod notice;
mod outbox;
mod photo;
mod pipeline;
mod plan;
mod recording;
mod replay;
mod ring;
mod router;
mod routing;
mod settings;
mod source;
mod stamps;
mod studio;
mod sync;
mod timeline;

use std::sync::OnceLock;

pub use devices::cameras::{Camera, CameraControl, CameraFormat, CameraSize, cameras};
pub use devices::microphones::{CaptureLevel, Microphone, microphones};
pub use error::{MediaError, SourceError};
pub use event::{Counters, Event, Fragment, Medium, MediumCount, TrackDetail, TrackInfo};
pub use modes::{Coding, Mode, Rate, Wanted, choose_mode};
pub use notice::{FailureKind, Notice};
pub use plan::can_stand_by;
pub use recording::Recording;
pub use ring::RingLimits;
pub use settings::{AudioSettings, Pace, ReplaySettings, Settings, VideoSettings};
pub use source::Source;
pub use studio::Studio;

/// Starts GStreamer and registers the MP4 mux that is linked into this program. May be
/// called any number of times.
pub fn init() -> Result<(), MediaError> {
    static DONE: OnceLock<Result<(), String>> = OnceLock::new();
    DONE.get_or_init(init_once).clone().map_err(|reason| MediaError::pipeline("starting GStreamer", reason))
}

fn init_once() -> Result<(), String> {
    gstreamer::init().map_err(|error| error.to_string())?;
    gstfmp4::plugin_register_static().map_err(|error| error.to_string())
}
