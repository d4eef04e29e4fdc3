// SPDX-License-Identifier: MIT OR Apache-2.0
//! Makes the init header (`ftyp` and `moov`) of a set of tracks.
//!
//! The header comes from the fragment mux of gst-plugins-rs, which knows every codec's boxes. The
//! fragments do not: its chunk mode holds sound back, and drops it at the end, when key frames are
//! further apart than a chunk. Must not know how fragments are cut.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use crate::error::MediaError;
use crate::event::Medium;
use crate::frame::timescale_hz;
use crate::pipeline;
use crate::sync::lock;

/// Making a header may take no longer.
const HEADER_LIMIT: gst::ClockTime = gst::ClockTime::from_seconds(5);

/// Sets of tracks whose header is remembered: each source alone and both, in the formats they had lately.
const KNOWN_MAX: usize = 8;

/// Makes headers, each once: it takes some milliseconds, and a recording that changes its tracks has none to wait.
#[derive(Default)]
pub(crate) struct Headers {
    known: Mutex<VecDeque<Known>>,
}

/// A set of tracks and its header.
type Known = (Vec<HeaderTrack>, Arc<[u8]>);

/// One track of the header.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HeaderTrack {
    pub(crate) caps: gst::Caps,
    pub(crate) timescale_hz: u32,
}

impl HeaderTrack {
    pub(crate) fn new(medium: Medium, caps: &gst::Caps) -> Self {
        Self { caps: caps.clone(), timescale_hz: timescale_hz(medium, caps) }
    }
}

impl Headers {
    /// The header for these tracks, numbered from 1 in this order.
    pub(crate) fn header(&self, tracks: Vec<HeaderTrack>) -> Result<Arc<[u8]>, MediaError> {
        if let Some((_, header)) = lock(&self.known).iter().find(|(known, _)| *known == tracks) {
            return Ok(Arc::clone(header));
        }
        let pipeline = gst::Pipeline::new();
        let header = run(&pipeline, &tracks);
        pipeline::shut(&pipeline);
        let header = header?;
        let mut known = lock(&self.known);
        known.truncate(KNOWN_MAX - 1);
        known.push_front((tracks, Arc::clone(&header)));
        Ok(header)
    }
}

fn run(pipeline: &gst::Pipeline, tracks: &[HeaderTrack]) -> Result<Arc<[u8]>, MediaError> {
    let mux =
        gst::ElementFactory::make("isofmp4mux").property_from_str("write-edts-mode", "never").build().map_err(fail)?;
    let sink = gst_app::AppSink::builder().sync(false).async_(false).buffer_list(true).build();
    pipeline.add_many([&mux, sink.upcast_ref()]).map_err(fail)?;
    mux.link(&sink).map_err(fail)?;
    let sources = tracks.iter().map(|track| attach(pipeline, &mux, track)).collect::<Result<Vec<_>, _>>()?;
    pipeline::play(pipeline)?;
    for source in &sources {
        source.push_buffer(any_frame()).map_err(|error| fail(format!("{error:?}")))?;
        source.end_of_stream().map_err(|error| fail(format!("{error:?}")))?;
    }
    let sample = sink.try_pull_sample(HEADER_LIMIT).ok_or_else(|| fail(bus_reason(pipeline)))?;
    let list = sample.buffer_list().ok_or_else(|| fail("the mux gave no list"))?;
    let first = list.get(0).filter(|buffer| buffer.flags().contains(gst::BufferFlags::DISCONT));
    let bytes = first.and_then(|buffer| buffer.map_readable().ok());
    bytes.map(|bytes| Arc::from(&*bytes)).ok_or_else(|| fail("the mux gave no header"))
}

fn attach(pipeline: &gst::Pipeline, mux: &gst::Element, track: &HeaderTrack) -> Result<gst_app::AppSrc, MediaError> {
    let source = gst_app::AppSrc::builder().caps(&track.caps).format(gst::Format::Time).build();
    pipeline.add(&source).map_err(fail)?;
    let pad = mux.request_pad_simple("sink_%u").ok_or_else(|| fail("no pad"))?;
    pad.set_property("trak-timescale", track.timescale_hz);
    let output = source.static_pad("src").ok_or_else(|| fail("no pad"))?;
    output.link(&pad).map_err(fail)?;
    Ok(source)
}

/// The header holds neither times nor anything else of a frame, so any will do.
fn any_frame() -> gst::Buffer {
    let mut buffer = gst::Buffer::from_slice([0_u8]);
    if let Some(stamped) = buffer.get_mut() {
        stamped.set_pts(gst::ClockTime::ZERO);
        stamped.set_dts(gst::ClockTime::ZERO);
    }
    buffer
}

fn bus_reason(pipeline: &gst::Pipeline) -> String {
    let error = pipeline.bus().and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
    match error.as_ref().map(|message| message.view()) {
        Some(gst::MessageView::Error(error)) => pipeline::reason_of(error),
        _ => "the mux gave nothing in time".to_owned(),
    }
}

fn fail(reason: impl ToString) -> MediaError {
    MediaError::pipeline("making the file header", reason)
}
