// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a recording remembers of one of its tracks.
//!
//! Must not know chunks nor the other track.

use std::collections::VecDeque;

use gstreamer as gst;

use crate::chunker::ChunkTrack;
use crate::event::{Medium, MediumCount, TrackInfo};
use crate::frame::Frame;
use crate::header::HeaderTrack;

pub(crate) struct Part {
    medium: Medium,
    /// None until its source has given for the first time.
    pub(crate) info: Option<TrackInfo>,
    pub(crate) caps: Option<gst::Caps>,
    /// Frames that came before a generation with this track could begin.
    pub(crate) waiting: VecDeque<Frame>,
    /// Its source gives frames.
    pub(crate) is_alive: bool,
    /// It is part of the generation that runs.
    pub(crate) is_in: bool,
    /// Where its last frame ends.
    pub(crate) end_ns: i64,
    pub(crate) count: MediumCount,
    open_loss: u64,
}

impl Part {
    /// A track whose source gives.
    pub(crate) fn new(info: TrackInfo) -> Self {
        Self { info: Some(info.clone()), ..Self::absent(info.medium) }
    }

    /// A track whose source is not there yet.
    pub(crate) fn absent(medium: Medium) -> Self {
        Self {
            medium,
            info: None,
            caps: None,
            waiting: VecDeque::new(),
            is_alive: false,
            is_in: false,
            end_ns: i64::MIN / 2,
            count: MediumCount::default(),
            open_loss: 0,
        }
    }

    pub(crate) fn medium(&self) -> Medium {
        self.medium
    }

    /// Whether a recording cannot begin without it: its source gives.
    pub(crate) fn is_awaited(&self) -> bool {
        self.info.is_some() && !self.waits()
    }

    /// Whether its frames go into the generation that runs.
    pub(crate) fn runs(&self) -> bool {
        self.is_alive && self.is_in
    }

    pub(crate) fn is_running_picture(&self) -> bool {
        self.runs() && self.medium() == Medium::Video
    }

    pub(crate) fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(crate) fn is_dead_in_generation(&self) -> bool {
        self.is_in && !self.is_alive
    }

    /// Whether it belongs into the next generation.
    pub(crate) fn is_of_next(&self) -> bool {
        self.runs() || self.waits()
    }

    /// A frame comes that no generation can take yet. Pictures begin with a key frame.
    pub(crate) fn come(&mut self, caps: &gst::Caps, frame: Frame) {
        if self.medium() == Medium::Video && !self.waits() && !frame.key {
            return;
        }
        (self.is_alive, self.is_in) = (true, false);
        self.caps = Some(caps.clone());
        self.waiting.push_back(frame);
    }

    pub(crate) fn lose_oldest(&mut self) {
        if self.waiting.pop_front().is_some() {
            self.open_loss += 1;
            self.count.lost += 1;
        }
    }

    /// The frame goes into a chunk.
    pub(crate) fn note(&mut self, frame: &Frame) {
        self.count.muxed += 1;
        self.end_ns = self.end_ns.max(frame.end_ns());
    }

    /// Whether a frame has to be dropped, which is counted: for want of room, or because pictures
    /// before it were dropped and it cannot be decoded without them.
    pub(crate) fn must_lose(&mut self, has_room: bool, key: bool) -> bool {
        let broken = self.open_loss > 0 && self.medium() == Medium::Video && !key;
        let loses = !has_room || broken;
        if loses {
            self.open_loss += 1;
            self.count.lost += 1;
        }
        loses
    }

    pub(crate) fn take_open_loss(&mut self) -> Option<u64> {
        Some(std::mem::take(&mut self.open_loss)).filter(|count| *count > 0)
    }

    pub(crate) fn header_track(&self) -> Option<HeaderTrack> {
        self.caps.as_ref().map(|caps| HeaderTrack::new(self.medium(), caps))
    }

    /// Its place in a chunker, and whether it goes on from the one before.
    pub(crate) fn chunk_track(&self) -> Option<(ChunkTrack, bool)> {
        let track = self.header_track()?;
        Some((ChunkTrack::new(self.medium(), track.timescale_hz), self.runs()))
    }
}
