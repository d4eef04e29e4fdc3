// SPDX-License-Identifier: MIT OR Apache-2.0
//! Turns the encoded frames since the last key frame into one JPEG.
//!
//! Must not know where the frames come from.

use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use crate::error::MediaError;
use crate::pipeline;

/// Encoded bytes kept since the last key frame. Beyond it, photos wait for the next key frame.
const GOP_BYTES_MAX: usize = 16 << 20;
/// Decoding one group of pictures may take no longer.
const DECODE_LIMIT: gst::ClockTime = gst::ClockTime::from_seconds(10);
/// Decoders in the order they are tried.
const DECODERS: [&str; 3] = ["avdec_h264", "openh264dec", "v4l2h264dec"];
/// JPEG quality in percent: evidence, not a thumbnail.
const JPEG_QUALITY: i32 = 92;

/// The frames a decoder needs for the current picture.
#[derive(Debug, Default, Clone)]
pub(crate) struct GopMemory {
    frames: Vec<gst::Buffer>,
    bytes: usize,
}

impl GopMemory {
    /// Says how many frames were dropped because they are too many.
    pub(crate) fn add(&mut self, buffer: &gst::Buffer, key: bool) -> u64 {
        if key {
            self.clear();
        }
        if !key && self.frames.is_empty() {
            return 0;
        }
        self.bytes += buffer.size();
        self.frames.push(buffer.clone());
        if self.bytes > GOP_BYTES_MAX { self.clear() } else { 0 }
    }

    /// Forgets everything: the next picture needs a key frame. Says how many frames that were.
    pub(crate) fn clear(&mut self) -> u64 {
        let count = self.frames.len() as u64;
        self.frames.clear();
        self.bytes = 0;
        count
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }
}

/// The last picture of the group as JPEG.
pub(crate) fn jpeg(memory: &GopMemory, caps: &gst::Caps) -> Result<Vec<u8>, MediaError> {
    if memory.is_empty() {
        return Err(no_picture("no key frame yet; try again in a second"));
    }
    let decoder = DECODERS
        .into_iter()
        .find(|name| gst::ElementFactory::find(name).is_some())
        .ok_or_else(|| no_picture("no H.264 decoder; install gstreamer1.0-libav"))?;
    let parts = format!("h264parse ! {decoder}");
    let picture = last_output(&parts, caps, memory.frames.iter().cloned())?;
    encode(&picture)
}

fn encode(picture: &gst::Sample) -> Result<Vec<u8>, MediaError> {
    let caps = picture.caps_owned().ok_or_else(|| no_picture("the decoder gave no format"))?;
    let frame = picture.buffer_owned().ok_or_else(|| no_picture("the decoder gave no picture"))?;
    let parts = format!("videoconvert ! jpegenc quality={JPEG_QUALITY}");
    let sample = last_output(&parts, &caps, [frame])?;
    let buffer = sample.buffer().ok_or_else(|| no_picture("the encoder gave nothing"))?;
    let bytes = buffer.map_readable().map_err(|error| no_picture(error.to_string()))?;
    Ok(bytes.to_vec())
}

/// Runs buffers through `parts` and returns what came out last.
fn last_output(
    parts: &str,
    caps: &gst::Caps,
    input: impl IntoIterator<Item = gst::Buffer>,
) -> Result<gst::Sample, MediaError> {
    let description = format!(
        "appsrc name=in format=time max-bytes=0 ! {parts} ! appsink name=out sync=false max-buffers=1 drop=true wait-on-eos=false"
    );
    let pipeline = pipeline::build(&description)?;
    let result = feed(&pipeline, caps, input);
    pipeline::shut(&pipeline);
    result
}

fn feed(
    pipeline: &gst::Pipeline,
    caps: &gst::Caps,
    input: impl IntoIterator<Item = gst::Buffer>,
) -> Result<gst::Sample, MediaError> {
    let source = pipeline::element(pipeline, "in")?
        .downcast::<gst_app::AppSrc>()
        .map_err(|_| no_picture("appsrc is missing"))?;
    let sink = pipeline::appsink(pipeline, "out")?;
    source.set_caps(Some(caps));
    pipeline::play(pipeline)?;
    for buffer in input {
        source.push_buffer(buffer).map_err(|error| no_picture(format!("{error:?}")))?;
    }
    source.end_of_stream().map_err(|error| no_picture(format!("{error:?}")))?;
    wait_end(pipeline)?;
    sink.try_pull_sample(gst::ClockTime::from_mseconds(500)).ok_or_else(|| no_picture("the frames hold no picture"))
}

fn wait_end(pipeline: &gst::Pipeline) -> Result<(), MediaError> {
    let bus = pipeline.bus().ok_or_else(|| no_picture("no bus"))?;
    let ends = [gst::MessageType::Eos, gst::MessageType::Error];
    let message = bus
        .timed_pop_filtered(DECODE_LIMIT, &ends)
        .ok_or_else(|| no_picture(format!("not decoded within {}", seconds(DECODE_LIMIT))))?;
    match message.view() {
        gst::MessageView::Error(error) => Err(no_picture(pipeline::reason_of(error))),
        _ => Ok(()),
    }
}

fn seconds(time: gst::ClockTime) -> String {
    format!("{} s", Duration::from(time).as_secs())
}

fn no_picture(reason: impl Into<String>) -> MediaError {
    MediaError::NoPicture { reason: reason.into() }
}
