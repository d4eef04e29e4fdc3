// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decides where one chunk ends and the next begins, and puts frames on the session's time line.
//!
//! Pure: frames in, fragments out; no clock, no thread. Must not know sources. A frame given to
//! it is in exactly one fragment. No chunk is longer than a second. No frame is stretched over a
//! pause: the chunk ends there, and the next begins where the source goes on.

use std::sync::Arc;

use crate::event::{Fragment, Medium};
use crate::fragment::{Run, Sample, write_fragment};
use crate::frame::{Frame, NS_PER_SECOND, PAUSE_MIN_NS, from_ticks, pause_limit_ns, to_ticks, to_ticks_down};

/// A chunk is cut before it grows longer than this.
const CHUNK_MAX_NS: i64 = NS_PER_SECOND * 95 / 100;
/// No chunk is longer, whatever the sources do: its last frames end here.
const CHUNK_END_NS: i64 = NS_PER_SECOND;
/// A key frame begins a new chunk when the last chunk that began with one is this old. Files can be
/// changed at such chunks only.
const KEY_START_DUE_NS: i64 = NS_PER_SECOND * 9 / 10;
/// A frame may come this part of its length early and still be the first of the next chunk.
const JITTER_PART: i64 = 4;

/// One track of a chunker. All times are session time.
pub(crate) struct ChunkTrack {
    pub(crate) medium: Medium,
    pub(crate) timescale_hz: u32,
    /// By how much the first picture is shown after it is decoded. Added to all decode times, so
    /// that they are session time and never before 0.
    delay_ns: Option<i64>,
    /// Decode time that the next sample may not go below, in ticks.
    floor: i64,
    /// When the last frame taken is decoded, and how long it lasts by itself.
    last: Option<(i64, i64)>,
    /// Where the waiting frames begin.
    begin_ns: i64,
    waiting: Vec<Frame>,
}

impl ChunkTrack {
    pub(crate) fn new(medium: Medium, timescale_hz: u32) -> Self {
        Self { medium, timescale_hz, delay_ns: None, floor: 0, last: None, begin_ns: 0, waiting: Vec::new() }
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
        Self { generation, init, zero_ns, chunk_ns, tracks, key_start_ns: 0 }
    }

    /// Takes a frame; returns the chunk that was complete before it.
    pub(crate) fn push(&mut self, medium: Medium, frame: Frame, sequence: &mut u32) -> Option<Fragment> {
        let frame = frame.earlier_by(self.zero_ns);
        let track = self.tracks.iter().find(|track| track.medium == medium)?;
        let complete = if self.cuts_before(track, &frame) { self.cut(track.joined_by(&frame), sequence) } else { None };
        let track = self.tracks.iter_mut().find(|track| track.medium == medium)?;
        if frame.key && track.medium == Medium::Video && track.waiting.is_empty() {
            self.key_start_ns = frame.pts_ns;
        }
        track.take(frame);
        complete
    }

    /// Whether this frame is the first of the next chunk. The picture leads where there is one;
    /// without it (or when it stalls) the sound does.
    fn cuts_before(&self, track: &ChunkTrack, frame: &Frame) -> bool {
        let Some(start_ns) = self.start_ns() else { return false };
        let is_full = frame.pts_ns - start_ns + frame.duration_ns / JITTER_PART >= self.chunk_ns;
        let key_due = frame.key && frame.pts_ns - self.key_start_ns >= KEY_START_DUE_NS;
        let by_plan = match track.medium {
            Medium::Video => is_full || key_due,
            Medium::Audio => is_full && !self.has(Medium::Video),
        };
        by_plan || !self.fits(track, frame) || (!track.waiting.is_empty() && track.pauses_before(frame))
    }

    fn has(&self, medium: Medium) -> bool {
        self.tracks.iter().any(|track| track.medium == medium)
    }

    /// Where the open chunk begins: at its first picture, else its first sound.
    fn start_ns(&self) -> Option<i64> {
        self.tracks.iter().find_map(|track| track.waiting.first()).map(|frame| frame.pts_ns)
    }

    /// Whether the open chunk with this frame, from its earliest begin to its latest end in any
    /// track, is not too long.
    fn fits(&self, track: &ChunkTrack, frame: &Frame) -> bool {
        let spans = self.tracks.iter().filter_map(ChunkTrack::span_ns);
        let whole = spans.fold(track.span_with(frame), |a, b| (a.0.min(b.0), a.1.max(b.1)));
        whole.1 - whole.0 <= CHUNK_MAX_NS
    }

    /// Closes the open chunk, if there is anything in it.
    pub(crate) fn flush(&mut self, sequence: &mut u32) -> Option<Fragment> {
        self.cut(None, sequence)
    }

    /// Closes the open chunk because this frame is the first of the next generation.
    pub(crate) fn flush_before(&mut self, medium: Medium, frame: &Frame, sequence: &mut u32) -> Option<Fragment> {
        let frame = frame.clone().earlier_by(self.zero_ns);
        let next = self.tracks.iter().find(|track| track.medium == medium)?.joined_by(&frame);
        self.cut(next, sequence)
    }

    /// The chunker of the next generation. Tracks that go on keep their place in time; the others are new.
    pub(crate) fn next(self, init: Arc<[u8]>, tracks: Vec<(ChunkTrack, bool)>) -> Self {
        let mut before = self.tracks;
        let mut place = |(track, goes_on): (ChunkTrack, bool)| {
            let same = |known: &ChunkTrack| known.medium == track.medium && known.timescale_hz == track.timescale_hz;
            let found = before.iter().position(same).filter(|_| goes_on);
            found.map_or(track, |index| before.swap_remove(index))
        };
        let tracks = tracks.into_iter().map(&mut place).collect();
        Self { generation: self.generation + 1, init, tracks, ..self }
    }

    /// `next` is the track that goes on, and where.
    fn cut(&mut self, next: Option<(Medium, i64)>, sequence: &mut u32) -> Option<Fragment> {
        let begin_ns = self.tracks.iter().filter_map(ChunkTrack::span_ns).map(|span| span.0).min()?;
        let mut runs = Vec::with_capacity(self.tracks.len());
        for (track_id, track) in (1..).zip(&mut self.tracks) {
            let next = next.filter(|(medium, _)| *medium == track.medium);
            runs.extend(track.take_run(track_id, next.map(|(_, next_ns)| next_ns), begin_ns + CHUNK_END_NS));
        }
        let data = write_fragment(*sequence, &runs)?;
        *sequence = sequence.wrapping_add(1);
        Some(Fragment { generation: self.generation, init: Arc::clone(&self.init), data })
    }
}

impl ChunkTrack {
    fn take(&mut self, frame: Frame) {
        if self.waiting.is_empty() {
            self.begin_ns = self.begins_ns(&frame);
        }
        self.last = Some((self.decoded_ns(&frame), frame.duration_ns));
        self.delay_ns.get_or_insert(frame.pts_ns - frame.dts_ns.unwrap_or(frame.pts_ns));
        self.waiting.push(frame);
    }

    /// Whether nothing was captured for so long before this frame that it is a gap.
    fn pauses_before(&self, frame: &Frame) -> bool {
        self.last.is_some_and(|(at_ns, lasts_ns)| self.decoded_ns(frame) - at_ns > pause_limit_ns(lasts_ns))
    }

    /// Where this frame begins, if it follows on what is here.
    fn joined_by(&self, frame: &Frame) -> Option<(Medium, i64)> {
        (!self.pauses_before(frame)).then(|| (self.medium, self.decoded_ns(frame)))
    }

    /// Where a run begins with this frame. A picture that is late, but no pause, begins where the one
    /// before had to end, as it does within a chunk.
    fn begins_ns(&self, frame: &Frame) -> i64 {
        let (floor_ns, decoded_ns) = (from_ticks(self.floor, self.timescale_hz), self.decoded_ns(frame));
        let is_late = self.medium == Medium::Video && self.last.is_some() && !self.pauses_before(frame);
        let joins = decoded_ns <= floor_ns || (is_late && decoded_ns - floor_ns <= PAUSE_MIN_NS);
        let tick = if joins { self.floor } else { self.ticks(decoded_ns) };
        from_ticks(tick, self.timescale_hz)
    }

    /// Where the waiting frames begin and end, each as long as its source says.
    fn span_ns(&self) -> Option<(i64, i64)> {
        let last = self.waiting.last()?;
        Some((self.begin_ns, self.begin_ns.max(self.decoded_ns(last) + last.duration_ns)))
    }

    /// The same with this frame behind them.
    fn span_with(&self, frame: &Frame) -> (i64, i64) {
        let begin_ns = if self.waiting.is_empty() { self.begins_ns(frame) } else { self.begin_ns };
        (begin_ns, begin_ns.max(self.decoded_ns(frame) + frame.duration_ns))
    }

    /// The waiting frames as samples. A sample lasts until the next is decoded; the last until
    /// `next_ns`, or as long as its source says; none beyond `until_ns`.
    fn take_run(&mut self, track_id: u32, next_ns: Option<i64>, until_ns: i64) -> Option<Run> {
        let frames = std::mem::take(&mut self.waiting);
        let last = frames.last()?;
        let end_ns = next_ns.unwrap_or(self.decoded_ns(last) + last.duration_ns);
        let followers = frames.iter().skip(1).map(|frame| self.decoded_ns(frame));
        let starts = [self.begin_ns].into_iter().chain(followers).chain([end_ns]);
        let until = to_ticks_down(until_ns, self.timescale_hz);
        let mut times: Vec<i64> = starts.map(|time_ns| self.ticks(time_ns).min(until)).collect();
        for time in &mut times {
            *time = (*time).max(self.floor);
            self.floor = *time;
        }
        let start = u64::try_from(*times.first()?).ok()?;
        let samples = frames.into_iter().zip(times.windows(2));
        let samples = samples.map(|(frame, span)| self.sample(frame, span)).collect();
        Some(Run { track_id, start, samples })
    }

    fn sample(&self, frame: Frame, span: &[i64]) -> Sample {
        let (start, end) = (span.first().copied(), span.last().copied());
        let start = start.unwrap_or(0);
        let shown = self.ticks(frame.pts_ns);
        Sample {
            buffer: frame.buffer,
            duration: u32::try_from(end.unwrap_or(start) - start).unwrap_or(u32::MAX),
            shown_after: i32::try_from(shown - start).unwrap_or(0),
            key: frame.key,
        }
    }

    fn decoded_ns(&self, frame: &Frame) -> i64 {
        match (frame.dts_ns, self.delay_ns) {
            (Some(dts_ns), Some(delay_ns)) => dts_ns + delay_ns,
            _ => frame.pts_ns,
        }
    }

    fn ticks(&self, time_ns: i64) -> i64 {
        to_ticks(time_ns, self.timescale_hz)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::{be32, child};
    use crate::fragment::reading::tracks;
    use gstreamer as gst;

    const MS: i64 = 1_000_000;

    fn frame(pts_ms: i64, duration_ms: i64, key: bool) -> Frame {
        crate::init().unwrap();
        let buffer = gst::Buffer::from_slice([0_u8; 8]);
        Frame { buffer, pts_ns: pts_ms * MS, dts_ns: None, duration_ns: duration_ms * MS, key, timed: true }
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
            let track = tracks(&fragment.data)[0];
            format!("{}{}", if track.starts_with_key { "k" } else { "" }, track.samples)
        };
        out.iter().map(text).collect()
    }

    /// Decode time of the first sample and number of samples, per track.
    fn samples(data: &[u8]) -> Vec<(u64, u32)> {
        tracks(data).iter().map(|track| (track.begin, track.samples)).collect()
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
    fn a_track_that_goes_on_in_the_next_generation_never_goes_back() {
        for goes_on in [true, false] {
            let (mut chunker, mut sequence) = (chunker(&[Medium::Audio]), 1);
            (0..5).for_each(|n| drop(chunker.push(Medium::Audio, frame(n * 20, 20, true), &mut sequence)));
            let before = chunker.flush(&mut sequence).unwrap();
            let tracks = [(Medium::Video, false), (Medium::Audio, goes_on)];
            let tracks = tracks.map(|(medium, goes_on)| (ChunkTrack::new(medium, 90_000), goes_on));
            let mut next = chunker.next(Arc::from([]), tracks.into());
            next.push(Medium::Audio, frame(95, 20, true), &mut sequence);
            let after = next.flush(&mut sequence).unwrap();
            assert_eq!((before.generation, after.generation), (0, 1));
            let (_, _, end) = spans(&before.data)[0];
            let (number, begin, _) = spans(&after.data)[0];
            assert_eq!((number, begin), (2, if goes_on { end } else { 95 * MS }));
        }
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

    /// Number, begin and end of each track of a fragment, in ns as a verifier reads them.
    fn spans(data: &[u8]) -> Vec<(u32, i64, i64)> {
        let time = |ticks: u64| from_ticks(i64::try_from(ticks).unwrap(), 90_000);
        tracks(data).iter().map(|track| (track.number, time(track.begin), time(track.end))).collect()
    }

    fn whole(fragment: &Fragment) -> (i64, i64) {
        let spans = spans(&fragment.data);
        (spans.iter().map(|span| span.1).min().unwrap(), spans.iter().map(|span| span.2).max().unwrap())
    }

    /// Pushes pictures and sound in this order and gives all chunks.
    fn cut(media: &[Medium], frames: impl IntoIterator<Item = (Medium, Frame)>) -> Vec<Fragment> {
        let (mut chunker, mut sequence) = (chunker(media), 1);
        let frames = frames.into_iter();
        let mut out: Vec<_> = frames.filter_map(|(medium, frame)| chunker.push(medium, frame, &mut sequence)).collect();
        out.extend(chunker.flush(&mut sequence));
        out
    }

    #[test]
    fn a_pause_ends_the_chunk_and_shows_as_a_hole() {
        for (pause_ms, holes) in [(40, 0), (250, 0), (260, 1), (5000, 1)] {
            let times = (0..6).map(|n| n * 40).chain((0..20).map(|n| 200 + pause_ms + n * 40));
            let frames = times.map(|at_ms| (Medium::Video, frame(at_ms, 40, at_ms == 0)));
            let found: Vec<_> = cut(&[Medium::Video], frames).iter().map(whole).collect();
            let between: Vec<_> = found.windows(2).map(|pair| (pair[0].1, pair[1].0)).filter(|(a, b)| a != b).collect();
            let hole = (240 * MS, (200 + pause_ms) * MS);
            assert_eq!(between, vec![hole; holes], "{pause_ms} ms: {found:?}");
        }
    }

    #[test]
    fn a_pause_of_the_sound_is_a_hole_too() {
        let times = (0..10).map(|n| n * 20).chain((0..10).map(|n| 2000 + n * 20));
        let frames = times.map(|at_ms| (Medium::Audio, frame(at_ms, 20, true)));
        let found: Vec<_> = cut(&[Medium::Audio], frames).iter().map(whole).collect();
        assert_eq!(found, [(0, 200 * MS), (2000 * MS, 2200 * MS)]);
    }

    #[test]
    fn the_last_picture_of_a_pause_lasts_its_own_time_when_the_sound_cuts() {
        let video = (0..6).map(|n| (Medium::Video, frame(n * 40, 40, n == 0)));
        let sound = (0..150).map(|n| (Medium::Audio, frame(n * 20, 20, true)));
        let resumed = (0..5).map(|n| (Medium::Video, frame(3000 + n * 40, 40, false)));
        let chunks = cut(&[Medium::Video, Medium::Audio], video.chain(sound).chain(resumed));
        assert!(chunks.iter().map(whole).all(|(begin, end)| end - begin <= 1000 * MS));
        assert_eq!(spans(&chunks[0].data)[0], (1, 0, 240 * MS));
        assert_eq!(spans(&chunks.last().unwrap().data)[0].1, 3000 * MS);
    }

    #[test]
    fn one_picture_a_second_with_sound_fits_into_a_second_and_has_no_hole() {
        for late_ms in [0, 30] {
            let video = (0..20).map(|n| (Medium::Video, frame(n * 1000 + n % 2 * late_ms, 1000, true)));
            let sound = (0..1000).map(|n| (Medium::Audio, frame(n * 20 + 7, 20, true)));
            let mut frames: Vec<_> = video.chain(sound).collect();
            // Sound comes out of its encoder a little later.
            let comes = |medium, frame: &Frame| frame.pts_ns + if medium == Medium::Audio { 30 * MS } else { 0 };
            frames.sort_by_key(|(medium, frame)| comes(*medium, frame));
            let pictures: Vec<_> = frames.iter().filter(|(medium, _)| *medium == Medium::Video).cloned().collect();
            let both = cut(&[Medium::Video, Medium::Audio], frames);
            assert!(both.iter().map(whole).all(|(begin, end)| end - begin <= 1000 * MS), "{late_ms}");
            let alone: Vec<_> = cut(&[Medium::Video], pictures).iter().map(whole).collect();
            assert!(alone.windows(2).all(|pair| pair[0].1 == pair[1].0), "{late_ms}: {alone:?}");
        }
    }

    #[test]
    fn whatever_comes_no_chunk_is_longer_than_a_second_and_no_track_goes_back() {
        // A small generator of its own: the same frames in every run.
        let mut state = 7_u64;
        let mut below = move |limit: i64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            i64::try_from(state >> 33).unwrap() % limit
        };
        for _ in 0..200 {
            let (mut at_ms, mut frames) = ([0, below(300)], Vec::new());
            for _ in 0..300 {
                let track = usize::from(at_ms[1] < at_ms[0] + below(400) - 200);
                let step_ms = if below(40) == 0 { below(4000) } else { below([160, 40][track]) };
                let lasts_ms = 1 + if below(30) == 0 { below(900) } else { below(50) };
                frames.push((Medium::BOTH[track], frame(at_ms[track], lasts_ms, below(10) == 0)));
                at_ms[track] += step_ms;
            }
            let chunks = cut(&Medium::BOTH, frames);
            let long = chunks.iter().map(whole).find(|(begin, end)| end - begin > 1000 * MS);
            assert_eq!(long, None);
            for wanted in [1, 2] {
                let all = chunks.iter().flat_map(|chunk| spans(&chunk.data));
                let track: Vec<_> = all.filter(|(number, ..)| *number == wanted).collect();
                assert!(track.windows(2).all(|pair| pair[0].2 <= pair[1].1), "{track:?}");
            }
        }
    }
}
