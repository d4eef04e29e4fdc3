// SPDX-License-Identifier: MIT OR Apache-2.0
//! Describes the pipeline of a camera or a test picture.
//!
//! Must not run it.

use std::path::Path;

use crate::devices::cameras;
use crate::encoder::{VIDEO_OUT, VideoTask, video_encoder};
use crate::error::MediaError;
use crate::event::Medium;
use crate::live::LivePlan;
use crate::live::test_source::known_nick;
use crate::modes::{Coding, Mode, Wanted, choose_mode};
use crate::settings::VideoSettings;
use crate::source::Source;

/// Raw pictures that may wait for the encoder; beyond it the driver drops, and says so.
const RAW_QUEUE_FRAMES: u32 = 4;
const SINK: &str = "appsink name=out sync=false async=false max-buffers=1";

/// A test picture.
pub(crate) fn test_plan(settings: &VideoSettings, pattern: &str) -> Result<LivePlan, MediaError> {
    let pattern =
        known_nick("videotestsrc", "pattern", if pattern.is_empty() { "smpte" } else { pattern }, &settings.source)?;
    let task = task(settings, settings.width, settings.height, settings.frame_rate);
    let encoder = video_encoder(&settings.encoders, &task)?;
    let description = format!(
        "videotestsrc name=src is-live=true pattern={pattern} ! video/x-raw,format=I420,width={},height={},framerate={}/1 ! {} ! {} ! {SINK}",
        task.width,
        task.height,
        task.frame_rate,
        queue(),
        encoder.parts
    );
    Ok(plan(settings, encoder.name, description, None))
}

/// A camera: its nearest mode, encoded unless it comes encoded.
pub(crate) fn camera_plan(settings: &VideoSettings, path: &Path) -> Result<LivePlan, MediaError> {
    let modes = cameras::modes_of(path, wanted(settings))?;
    let mode = choose_mode(&modes, wanted(settings)).ok_or_else(|| MediaError::Unsupported {
        origin: path.display().to_string(),
        reason: "offers no picture format this recorder knows".to_owned(),
    })?;
    tracing::info!(camera = %path.display(), ?mode, "camera mode chosen");
    let frame_rate = (mode.rate.frames / mode.rate.seconds.max(1)).max(1);
    let task = task(settings, mode.width, mode.height, frame_rate);
    let (encoder, parts) = match mode.coding {
        Coding::H264 => ("passthrough".to_owned(), VIDEO_OUT.to_owned()),
        Coding::Mjpeg => {
            let encoder = video_encoder(&settings.encoders, &task)?;
            (encoder.name, format!("jpegdec ! {}", encoder.parts))
        }
        Coding::Raw(_) => {
            let encoder = video_encoder(&settings.encoders, &task)?;
            (encoder.name, encoder.parts)
        }
    };
    let description = format!("v4l2src name=src ! {} ! {} ! {parts} ! {SINK}", caps(mode), queue());
    Ok(plan(settings, encoder, description, Some(path.display().to_string())))
}

fn caps(mode: &Mode) -> String {
    let format = match &mode.coding {
        Coding::H264 => "video/x-h264".to_owned(),
        Coding::Mjpeg => "image/jpeg".to_owned(),
        Coding::Raw(format) => format!("video/x-raw,format={format}"),
    };
    format!("{format},width={},height={},framerate={}", mode.width, mode.height, mode.rate)
}

fn queue() -> String {
    format!("queue name=raw max-size-buffers={RAW_QUEUE_FRAMES} max-size-bytes=0 max-size-time=0")
}

fn task(settings: &VideoSettings, width: u32, height: u32, frame_rate: u32) -> VideoTask {
    VideoTask {
        width,
        height,
        frame_rate,
        bitrate_bps: settings.bitrate_bps,
        key_interval_ms: settings.key_interval_ms,
    }
}

fn wanted(settings: &VideoSettings) -> Wanted {
    Wanted { width: settings.width, height: settings.height, frame_rate: settings.frame_rate }
}

fn plan(settings: &VideoSettings, encoder: String, description: String, device: Option<String>) -> LivePlan {
    LivePlan { source: Source::clone(&settings.source), medium: Medium::Video, encoder, description, device }
}
