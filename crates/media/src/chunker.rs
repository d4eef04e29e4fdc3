// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decides where one chunk ends and the next begins, and puts frames on the session's time line.
//!
//! Pure: frames in, fragments out; no clock, no thread. Must not know sources. A frame given to
//! it is in exactly one fragment.

use std::sync::Arc;

use crate::event::{Fragment, Medium};
use crate::fragment::{Run, Sample, write_fragment};
use crate::frame::{Frame, NS_PER_SECOND, to_ticks};

/// No chunk is longer, whatever the sources do.
const CHUNK_MAX_NS: i64 = NS_PER_SECOND * 95 / 100;
/// A key frame begins a new chunk when the last chunk that began with one is this old. Files can be
/// changed at such chunks only.
const KEY_START_DUE_NS: i64 = NS_PER_SECOND * 9 / 10;
/// A frame may come this part of its length early and still be the first of the next chunk.
const JITTER_PART: i64 = 4;

/// One track of a chunker.
pub(crate) struct ChunkTrack {
    pub(crate) medium: Medium,
    pub(crate) timescale_hz: u32,
    /// By how much the first picture is shown after it is decoded. Added to all decode times, so
    /// that they are session time and never before 0.
    delay_ns: Option<i64>,
    /// Decode time that the next sample may not go below.
    floor: i64,
    waiting: Vec<Frame>,
}

impl ChunkTrack {
    pub(crate) fn new(medium: Medium, timescale_hz: u32) -> Self {
        Self { medium, timescale_hz, delay_ns: None, floor: 0, waiting: Vec::new() }
    }
}

/// Cuts the frames of one generation into fragments.
pub(crate) struct Chunker {
    generation: u32,
    init: Arc<[u8]>,
    zero_ns: i64,
    chunk_ns: i64,
    tracks: Vec<ChunkTrack>,
    /// Where the last chunk began that begins with a key frame.
    key_start_ns: i64,
}

impl Chunker {
    pub(crate) fn new(generation: u32, init: Arc<[u8]>, zero_ns: i64, chunk_ns: i64, tracks: Vec<ChunkTrack>) -> Self {
        let key_start_ns = zero_ns;
        Self { generation, init, zero_ns, chunk_ns, tracks, key_start_ns }
    }

    /// Takes a frame; returns the chunk that was complete before it.
    pub(crate) fn push(&mut self, medium: Medium, frame: Frame, sequence: &mut u32) -> Option<Fragment> {
        let complete = if self.cuts_before(medium, &frame) { self.cut(Some((medium, &frame)), sequence) } else { None };
        let track = self.tracks.iter_mut().find(|track| track.medium == medium)?;
        if frame.key && track.medium == Medium::Video && track.waiting.is_empty() {
            self.key_start_ns = frame.pts_ns;
        }
        track.take(frame);
        complete
    }

    /// Whether this frame is the first of the next chunk. The picture leads where there is one;
    /// without it (or when it stalls) the sound does.
    fn cuts_before(&self, medium: Medium, frame: &Frame) -> bool {
        let Some(start_ns) = self.start_ns() else { return false };
        let length_ns = frame.pts_ns - start_ns;
        let full = length_ns + frame.duration_ns / JITTER_PART >= self.chunk_ns;
        let overdue = length_ns + frame.duration_ns > CHUNK_MAX_NS.max(self.chunk_ns);
        let key_due = frame.key && frame.pts_ns - self.key_start_ns >= KEY_START_DUE_NS;
        match medium {
            Medium::Video => full || overdue || key_due,
            Medium::Audio => overdue || (full && !self.has(Medium::Video)),
        }
    }

    fn has(&self, medium: Medium) -> bool {
        self.tracks.iter().any(|track| track.medium == medium)
    }

    /// Where the open chunk begins: at its first picture, else its first sound. Sound may come a
    /// little before or after its picture; that makes the chunk no longer.
    fn start_ns(&self) -> Option<i64> {
        self.tracks.iter().find_map(|track| track.waiting.first()).map(|frame| frame.pts_ns)
    }

    /// Closes the open chunk, if there is anything in it.
    pub(crate) fn flush(&mut self, sequence: &mut u32) -> Option<Fragment> {
        self.cut(None, sequence)
    }

    fn cut(&mut self, next: Option<(Medium, &Frame)>, sequence: &mut u32) -> Option<Fragment> {
        let video = self.tracks.iter().find(|track| track.medium == Medium::Video);
        let first = video.map(|track| track.waiting.first().is_some_and(|frame| frame.key));
        let zero_ns = self.zero_ns;
        let mut runs = Vec::with_capacity(self.tracks.len());
        for (track_id, track) in (1..).zip(&mut self.tracks) {
            let after = next.filter(|(medium, _)| *medium == track.medium);
            runs.extend(track.take_run(track_id, zero_ns, after.map(|(_, frame)| frame)));
        }
        if runs.is_empty() {
            return None;
        }
        let data = write_fragment(*sequence, &runs)?;
        *sequence = sequence.wrapping_add(1);
        let (generation, init) = (self.generation, Arc::clone(&self.init));
        Some(Fragment { generation, init, data, starts_with_key: first.unwrap_or(true) })
    }
}

impl ChunkTrack {
    fn take(&mut self, frame: Frame) {
        self.delay_ns.get_or_insert(frame.pts_ns - frame.dts_ns.unwrap_or(frame.pts_ns));
        self.waiting.push(frame);
    }

    /// The waiting frames as samples. A sample lasts until the next is decoded; the last until
    /// `next`, or as long as its source says.
    fn take_run(&mut self, track_id: u32, zero_ns: i64, next: Option<&Frame>) -> Option<Run> {
        let frames = std::mem::take(&mut self.waiting);
        let last = frames.last()?;
        let end_ns = next.map_or(self.decoded_ns(last) + last.duration_ns, |f| self.decoded_ns(f));
        let starts = frames.iter().map(|frame| self.decoded_ns(frame)).chain([end_ns]);
        let mut times: Vec<i64> = starts.map(|time_ns| self.ticks(time_ns - zero_ns)).collect();
        for time in &mut times {
            *time = (*time).max(self.floor);
            self.floor = *time;
        }
        let start = u64::try_from(*times.first()?).ok()?;
        let samples = frames.into_iter().zip(times.windows(2));
        let samples = samples.map(|(frame, span)| self.sample(frame, zero_ns, span)).collect();
        Some(Run { track_id, start, samples })
    }

    fn sample(&self, frame: Frame, zero_ns: i64, span: &[i64]) -> Sample {
        let (start, end) = (span.first().copied(), span.last().copied());
        let start = start.unwrap_or(0);
        let shown = self.ticks(frame.pts_ns - zero_ns);
        Sample {
            buffer: frame.buffer,
            duration: u32::try_from(end.unwrap_or(start) - start).unwrap_or(u32::MAX),
            shown_after: i32::try_from(shown - start).unwrap_or(0),
            key: frame.key,
        }
    }

    fn decoded_ns(&self, frame: &Frame) -> i64 {
        frame.dts_ns.map_or(frame.pts_ns, |dts_ns| dts_ns + self.delay_ns.unwrap_or(0))
    }

    fn ticks(&self, time_ns: i64) -> i64 {
        to_ticks(time_ns, self.timescale_hz)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::{be32, be64, boxes, child};
    use gstreamer as gst;

    const MS: i64 = 1_000_000;

    fn frame(pts_ms: i64, duration_ms: i64, key: bool) -> Frame {
        crate::init().unwrap();
        let buffer = gst::Buffer::from_slice([0_u8; 8]);
        Frame { buffer, pts_ns: pts_ms * MS, dts_ns: None, duration_ns: duration_ms * MS, key }
    }

    fn chunker(media: &[Medium]) -> Chunker {
        let tracks = media.iter().map(|medium| ChunkTrack::new(*medium, 90_000)).collect();
        Chunker::new(0, Arc::from([]), 0, 500 * MS, tracks)
    }

    /// The length of each chunk in pictures, with `k` where it begins with a key frame.
    fn pictures(key_every: i64, count: i64) -> Vec<String> {
        let (mut chunker, mut sequence) = (chunker(&[Medium::Video]), 1);
        let mut out: Vec<Fragment> = (0..count)
            .filter_map(|n| {
                let next = frame(n * 40, 40, n % key_every == 0);
                chunker.push(Medium::Video, next, &mut sequence)
            })
            .collect();
        out.extend(chunker.flush(&mut sequence));
        let text = |fragment: &Fragment| {
            let key = if fragment.starts_with_key { "k" } else { "" };
            format!("{key}{}", samples(&fragment.data)[0].1)
        };
        out.iter().map(text).collect()
    }

    /// Decode time of the first sample and number of samples, per track.
    fn samples(data: &[u8]) -> Vec<(u64, u32)> {
        boxes(child(data, b"moof").unwrap())
            .filter(|found| &found.kind == b"traf")
            .map(|traf| {
                let start = be64(child(traf.body, b"tfdt").unwrap(), 4).unwrap();
                (start, be32(child(traf.body, b"trun").unwrap(), 4).unwrap())
            })
            .collect()
    }

    #[test]
    fn chunks_are_half_seconds_aligned_to_key_frames() {
        assert_eq!(pictures(25, 60), ["k13", "12", "k13", "12", "k10"]);
    }

    #[test]
    fn far_key_frames_make_no_chunk_longer() {
        assert_eq!(pictures(250, 51), ["k13", "13", "13", "12"]);
    }

    #[test]
    fn an_odd_interval_still_gives_chunks_that_begin_with_a_key() {
        let found = pictures(13, 100);
        assert!(found.iter().filter(|text| text.starts_with('k')).count() >= 3, "{found:?}");
    }

    #[test]
    fn key_frames_everywhere_do_not_shorten_chunks() {
        assert_eq!(pictures(1, 25), ["k13", "k12"]);
    }

    #[test]
    fn sound_goes_on_when_the_picture_stalls() {
        let (mut chunker, mut sequence) = (chunker(&[Medium::Video, Medium::Audio]), 1);
        assert!(chunker.push(Medium::Video, frame(0, 40, true), &mut sequence).is_none());
        let cut: Vec<u32> = (0..100)
            .filter_map(|n| chunker.push(Medium::Audio, frame(n * 20, 20, true), &mut sequence))
            .map(|fragment| samples(&fragment.data).last().unwrap().1)
            .collect();
        assert_eq!(cut, [47, 47]);
    }

    #[test]
    fn decode_times_are_session_time_whatever_the_reordering() {
        let (mut chunker, mut sequence) = (chunker(&[Medium::Video]), 1);
        for (pts_ms, dts_ms) in [(0, -80), (120, -40), (40, 0), (80, 40)] {
            let next = Frame { dts_ns: Some(dts_ms * MS), ..frame(pts_ms, 40, pts_ms == 0) };
            chunker.push(Medium::Video, next, &mut sequence);
        }
        let fragment = chunker.flush(&mut sequence).unwrap();
        assert_eq!(samples(&fragment.data), [(0, 4)]);
        let moof = child(&fragment.data, b"moof").unwrap();
        let trun = child(child(moof, b"traf").unwrap(), b"trun").unwrap();
        let shown: Vec<i32> = (0..4).map(|n| be32(trun, 20 + n * 8).unwrap().cast_signed() / 90).collect();
        assert_eq!(shown, [0, 80, -40, -40]);
    }
}
