// SPDX-License-Identifier: MIT OR Apache-2.0
//! The last seconds before a recording: what sources gave while nothing recorded it.
//!
//! Begins where a recording can begin: at a key frame, or where there is no picture. What is older goes from one such
//! place to the next. A source that went leaves what it gave, and the mark of its going, so that a recording that begins
//! with the ring shows the same hole as one that ran all the time. Pure; must not know sources nor chunks.

use std::collections::VecDeque;

use gstreamer as gst;

use crate::event::Medium;
use crate::frame::Frame;
use crate::routing::End;

/// What a frame costs in memory besides its bytes.
const FRAME_OVERHEAD_BYTES: usize = 512;

/// How much a ring holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingLimits {
    /// The time before a recording that is kept, and up to one group of pictures more, to begin with a key frame.
    /// 0 keeps the group in hand only: what came since a source was opened for a recording.
    pub ns: u64,
    /// The most memory that it takes.
    pub bytes: usize,
    /// Whether sound is kept.
    pub sound: bool,
}

/// Something that a source gave or that happened to it.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    Frame { medium: Medium, caps: gst::Caps, frame: Frame },
    Lost { medium: Medium, count: u64, reason: String },
    Gone { medium: Medium, end: End },
}

struct Entry {
    item: Item,
    at_ns: i64,
    /// A recording can begin here.
    is_start: bool,
}

pub(crate) struct Ring {
    limits: RingLimits,
    entries: VecDeque<Entry>,
    bytes: usize,
    /// The latest time of all.
    newest_ns: i64,
    /// Pictures come in, from a key frame on: sound alone is no beginning.
    has_picture: bool,
}

impl Item {
    fn medium(&self) -> Medium {
        match self {
            Self::Frame { medium, .. } | Self::Lost { medium, .. } | Self::Gone { medium, .. } => *medium,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Frame { frame, .. } => frame.buffer.size() + FRAME_OVERHEAD_BYTES,
            Self::Lost { .. } | Self::Gone { .. } => FRAME_OVERHEAD_BYTES,
        }
    }

    fn frames(&self) -> u64 {
        u64::from(matches!(self, Self::Frame { .. }))
    }

    fn is_picture(&self) -> bool {
        matches!(self, Self::Frame { medium: Medium::Video, .. })
    }

    /// Sound that is heard after this time.
    fn is_sound_after(&self, time_ns: i64) -> bool {
        matches!(self, Self::Frame { medium: Medium::Audio, frame, .. } if frame.end_ns() > time_ns)
    }
}

impl Ring {
    pub(crate) fn new(limits: RingLimits) -> Self {
        Self { limits, entries: VecDeque::new(), bytes: 0, newest_ns: i64::MIN, has_picture: false }
    }

    /// Keeps a frame. Says how many were dropped for want of memory.
    pub(crate) fn keep(&mut self, medium: Medium, caps: &gst::Caps, frame: Frame) -> u64 {
        let is_key = medium == Medium::Video && frame.key;
        self.has_picture |= is_key;
        let is_of_use = match medium {
            Medium::Video => self.has_picture,
            Medium::Audio => self.limits.sound,
        };
        if !is_of_use {
            return 0;
        }
        let is_start = is_key || !self.has_picture;
        let at_ns = frame.pts_ns;
        self.push(Entry { item: Item::Frame { medium, caps: caps.clone(), frame }, at_ns, is_start });
        self.trim()
    }

    /// How much time it holds, in nanoseconds.
    pub(crate) fn held_ns(&self) -> u64 {
        let first = self.entries.front().map_or(self.newest_ns, |entry| entry.at_ns);
        u64::try_from(self.newest_ns.saturating_sub(first)).unwrap_or(0)
    }

    /// Keeps in mind that frames were lost.
    pub(crate) fn note_lost(&mut self, medium: Medium, count: u64, reason: &str) {
        if !self.entries.is_empty() {
            let item = Item::Lost { medium, count, reason: reason.to_owned() };
            self.push(Entry { item, at_ns: self.newest_ns, is_start: false });
        }
    }

    /// A source went: what it gave stays.
    pub(crate) fn note_gone(&mut self, medium: Medium, end: End) {
        self.has_picture &= medium != Medium::Video;
        if !self.entries.is_empty() {
            let is_start = !self.has_picture;
            self.push(Entry { item: Item::Gone { medium, end }, at_ns: self.newest_ns, is_start });
        }
    }

    /// What this source gave is not wanted any more, or a recording has it for good.
    pub(crate) fn forget(&mut self, medium: Medium) {
        self.has_picture &= medium != Medium::Video;
        self.entries.retain(|entry| entry.item.medium() != medium);
        if medium == Medium::Video {
            self.entries.iter_mut().for_each(|entry| entry.is_start = true);
        }
        self.bytes = self.entries.iter().map(|entry| entry.item.bytes()).sum();
    }

    /// Everything of these media that is not too old by now. It stays here until it is forgotten.
    pub(crate) fn copy(&mut self, media: &[Medium], now_ns: i64) -> Vec<Item> {
        self.newest_ns = self.newest_ns.max(now_ns);
        self.trim();
        let items = self.entries.iter().map(|entry| &entry.item);
        items.filter(|item| media.contains(&item.medium())).cloned().collect()
    }

    fn push(&mut self, entry: Entry) {
        self.bytes += entry.item.bytes();
        self.newest_ns = self.newest_ns.max(entry.at_ns);
        self.entries.push_back(entry);
    }

    /// Lets go what is too old, and what is too much. Says how many frames were too much.
    fn trim(&mut self) -> u64 {
        let horizon_ns = self.newest_ns.saturating_sub_unsigned(self.limits.ns);
        let mut too_much = 0;
        while let Some(next) = self.next_start() {
            let is_full = self.bytes > self.limits.bytes;
            let is_old = self.entries.get(next).is_some_and(|entry| entry.at_ns <= horizon_ns);
            if !is_old && !is_full {
                return too_much;
            }
            let dropped = self.drop_before(next);
            too_much += if is_old { 0 } else { dropped };
        }
        if self.bytes > self.limits.bytes {
            too_much += self.drop_before(self.entries.len());
            self.has_picture = false;
        }
        too_much
    }

    /// Where a recording can begin, behind where it would now.
    fn next_start(&self) -> Option<usize> {
        let starts = self.entries.iter().enumerate().filter(|(_, entry)| entry.is_start);
        starts.map(|(index, _)| index).nth(1)
    }

    /// Drops entries, but not the sound that belongs to the picture from which it goes on. Says how many frames went.
    fn drop_before(&mut self, index: usize) -> u64 {
        let picture = self.entries.get(index).filter(|entry| entry.item.is_picture());
        let begins_ns = picture.map_or(i64::MAX, |entry| entry.at_ns);
        let (mut kept, mut frames) = (Vec::new(), 0);
        for mut entry in self.entries.drain(..index) {
            if entry.item.is_sound_after(begins_ns) {
                entry.is_start = false;
                kept.push(entry);
            } else {
                self.bytes -= entry.item.bytes();
                frames += entry.item.frames();
            }
        }
        kept.into_iter().rev().for_each(|entry| self.entries.push_front(entry));
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;
    const BYTES: usize = 1000;

    fn limits(seconds: u64) -> RingLimits {
        RingLimits { ns: seconds * 1_000_000_000, bytes: usize::MAX, sound: true }
    }

    fn frame(at_ms: i64, lasts_ms: i64, key: bool) -> Frame {
        crate::init().unwrap();
        let buffer = gst::Buffer::from_slice([0_u8; BYTES]);
        Frame { buffer, pts_ns: at_ms * MS, dts_ns: None, duration_ns: lasts_ms * MS, key, timed: true }
    }

    /// Pictures each 100 ms with a key frame each second, and sound each 50 ms that comes so much later, in this time.
    fn fill(ring: &mut Ring, media: &[Medium], range_ms: std::ops::Range<i64>, sound_late_ms: i64) -> u64 {
        crate::init().unwrap();
        let caps = gst::Caps::new_empty_simple("any/thing");
        let mut frames: Vec<(i64, Medium, Frame)> = Vec::new();
        for at_ms in range_ms.clone().step_by(100).filter(|_| media.contains(&Medium::Video)) {
            frames.push((at_ms, Medium::Video, frame(at_ms, 100, at_ms % 1000 == 0)));
        }
        for at_ms in range_ms.step_by(50).filter(|_| media.contains(&Medium::Audio)) {
            frames.push((at_ms + sound_late_ms, Medium::Audio, frame(at_ms, 50, true)));
        }
        frames.sort_by_key(|(comes_ms, ..)| *comes_ms);
        frames.into_iter().map(|(_, medium, frame)| ring.keep(medium, &caps, frame)).sum()
    }

    /// The times of what is taken, in the order in which it came, in ms.
    fn taken(ring: &mut Ring, medium: Medium) -> Vec<i64> {
        let of_medium = |item: Item| match item {
            Item::Frame { medium: of, frame, .. } if of == medium => Some(frame.pts_ns / MS),
            _ => None,
        };
        take(ring, i64::MIN).into_iter().filter_map(of_medium).collect()
    }

    /// As a recording does that is confirmed.
    fn take(ring: &mut Ring, now_ns: i64) -> Vec<Item> {
        let items = ring.copy(&Medium::BOTH, now_ns);
        Medium::BOTH.into_iter().for_each(|medium| ring.forget(medium));
        items
    }

    fn every(step_ms: usize, range_ms: std::ops::Range<i64>) -> Vec<i64> {
        range_ms.step_by(step_ms).collect()
    }

    #[test]
    fn it_holds_its_time_from_a_key_frame() {
        for (seconds, from_ms) in [(0, 9000), (1, 8000), (3, 6000), (60, 0)] {
            let mut ring = Ring::new(limits(seconds));
            fill(&mut ring, &Medium::BOTH, 0..9950, 0);
            assert_eq!(taken(&mut ring, Medium::Video), every(100, from_ms..9950), "{seconds} s");
            fill(&mut ring, &Medium::BOTH, 20_000..29_950, 0);
            assert_eq!(taken(&mut ring, Medium::Audio), every(50, 20_000 + from_ms..29_950), "{seconds} s");
        }
    }

    #[test]
    fn sound_that_comes_before_or_after_its_picture_is_kept_with_it() {
        for late_ms in [-400, 400] {
            let mut ring = Ring::new(limits(3));
            fill(&mut ring, &Medium::BOTH, 0..9950, late_ms);
            let (bytes, found) = (ring.bytes, taken(&mut ring, Medium::Audio));
            let begins_ms = if late_ms < 0 { 6000 } else { 5600 };
            assert_eq!(found, every(50, begins_ms..9950), "{late_ms} ms");
            assert!(bytes > 0 && ring.bytes == 0);
        }
    }

    #[test]
    fn without_a_picture_it_begins_anywhere() {
        let mut ring = Ring::new(limits(3));
        fill(&mut ring, &[Medium::Audio], 0..9950, 0);
        assert_eq!(taken(&mut ring, Medium::Audio), every(50, 6900..9950));
    }

    #[test]
    fn pictures_without_their_key_frame_are_no_beginning() {
        let mut ring = Ring::new(limits(60));
        fill(&mut ring, &[Medium::Video], 1500..3500, 0);
        assert_eq!(taken(&mut ring, Medium::Video), every(100, 2000..3500));
        fill(&mut ring, &[Medium::Video], 3500..4500, 0);
        assert_eq!(taken(&mut ring, Medium::Video), every(100, 4000..4500), "after it was taken");
    }

    #[test]
    fn no_sound_is_kept_where_none_is_wanted() {
        let mut ring = Ring::new(RingLimits { sound: false, ..limits(60) });
        fill(&mut ring, &Medium::BOTH, 0..5000, 0);
        let items = take(&mut ring, i64::MIN);
        assert_eq!(items.len(), 50);
        assert!(items.iter().all(|item| item.medium() == Medium::Video));
    }

    #[test]
    fn it_never_takes_more_memory_than_it_may_and_says_what_it_dropped() {
        let frame_bytes = BYTES + FRAME_OVERHEAD_BYTES;
        let bound = 35 * frame_bytes;
        let mut ring = Ring::new(RingLimits { bytes: bound, ..limits(60) });
        let mut dropped = 0;
        for second in 0..10 {
            dropped += fill(&mut ring, &[Medium::Video], second * 1000..second * 1000 + 950, 0);
            assert!(ring.bytes <= bound);
        }
        assert_eq!(dropped, 70);
        assert_eq!(taken(&mut ring, Medium::Video), every(100, 7000..9950));
    }

    #[test]
    fn a_group_that_is_too_large_alone_is_dropped_and_the_next_one_kept() {
        let mut ring = Ring::new(RingLimits { bytes: 8 * BYTES, ..limits(60) });
        let dropped = fill(&mut ring, &[Medium::Video], 0..1950, 0);
        assert_eq!(dropped, 12, "six of each group; those behind have no key frame");
        fill(&mut ring, &[Medium::Video], 2000..2300, 0);
        assert_eq!(taken(&mut ring, Medium::Video), every(100, 2000..2300));
    }

    #[test]
    fn what_a_source_gave_before_it_went_stays_and_ages() {
        let gone = || End::Ended;
        let mut ring = Ring::new(limits(3));
        fill(&mut ring, &Medium::BOTH, 0..9950, 0);
        ring.note_lost(Medium::Video, 7, "somewhere");
        ring.note_gone(Medium::Video, gone());
        fill(&mut ring, &[Medium::Audio], 10_000..11_950, 0);
        let items = take(&mut ring, i64::MIN);
        let first = &items[0];
        assert!(matches!(first, Item::Frame { medium: Medium::Video, frame, .. } if frame.pts_ns == 8000 * MS));
        let marks = items.iter().filter(|item| item.frames() == 0).collect::<Vec<_>>();
        assert!(matches!(marks[..], [Item::Lost { count: 7, .. }, Item::Gone { medium: Medium::Video, .. }]));
        let mut ring = Ring::new(limits(3));
        fill(&mut ring, &[Medium::Video], 0..9950, 0);
        ring.note_gone(Medium::Video, gone());
        fill(&mut ring, &[Medium::Video], 60_000..60_950, 0);
        assert_eq!(taken(&mut ring, Medium::Video), every(100, 60_000..60_950));
    }

    #[test]
    fn what_is_too_old_when_it_is_taken_is_not_given_out() {
        let mut ring = Ring::new(limits(3));
        fill(&mut ring, &[Medium::Audio], 0..9950, 0);
        ring.note_gone(Medium::Audio, End::Ended);
        let items = take(&mut ring, 100_000 * MS);
        assert!(items.iter().all(|item| item.frames() == 0), "{}", items.len());
    }

    #[test]
    fn what_is_not_wanted_any_more_is_forgotten() {
        let mut ring = Ring::new(limits(60));
        fill(&mut ring, &Medium::BOTH, 0..5000, 0);
        ring.forget(Medium::Audio);
        let bytes = ring.bytes;
        assert_eq!(taken(&mut ring, Medium::Video), every(100, 0..5000));
        assert_eq!(bytes, 50 * (BYTES + FRAME_OVERHEAD_BYTES));
        fill(&mut ring, &Medium::BOTH, 0..5000, 0);
        ring.forget(Medium::Video);
        fill(&mut ring, &[Medium::Audio], 5000..99_950, 0);
        assert_eq!(taken(&mut ring, Medium::Audio).first(), Some(&39_900));
    }
}
