// SPDX-License-Identifier: MIT OR Apache-2.0
//! Takes the edit lists out of a replay file's header and remembers what they said.
//!
//! A demuxer that honours an edit list drops the packets it cuts off (the encoder's priming, the
//! tail). A replay must deliver every packet of the file, so the lists are blanked before the
//! demuxer sees them, with the lengths that go with them, and only their shift is kept, to hold
//! picture and sound together.
//! Must not know files nor pads: works on the bytes of one `moov` box.

use std::ops::Range;

use crate::boxes::{Mp4Box, be32, be64, boxes, child};
use crate::event::Medium;
use crate::frame::NS_PER_SECOND;

/// By how much a track's own times must be moved to lie on the file's time line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shifts {
    pub(crate) video_ns: i64,
    pub(crate) audio_ns: i64,
}

impl Shifts {
    pub(crate) fn of(&self, medium: Medium) -> i64 {
        match medium {
            Medium::Video => self.video_ns,
            Medium::Audio => self.audio_ns,
        }
    }
}

/// Blanks all edit lists in `moov` (the whole box, header included) and returns their shifts.
/// `None` if the bytes are not a whole `moov`.
pub(crate) fn take_edits(moov: &mut [u8]) -> Option<Shifts> {
    let top = boxes(moov).next().filter(|top| &top.kind == b"moov")?;
    let shifts = read_shifts(top.body);
    let (marks, lengths) = (edit_marks(moov), open_lengths(moov));
    for mark in marks {
        moov.get_mut(mark..mark + 4)?.copy_from_slice(b"free");
    }
    for (place, length) in lengths {
        moov.get_mut(place)?.copy_from_slice(&length.to_be_bytes());
    }
    Some(shifts)
}

fn read_shifts(moov: &[u8]) -> Shifts {
    let movie_scale = child(moov, b"mvhd").and_then(timescale).unwrap_or(1000);
    Shifts { video_ns: track_shift(moov, b"vide", movie_scale), audio_ns: track_shift(moov, b"soun", movie_scale) }
}

/// The shift of the first track of this kind: the one the demuxer names 0.
fn track_shift(moov: &[u8], handler: &[u8; 4], movie_scale: i64) -> i64 {
    boxes(moov)
        .filter(|found| &found.kind == b"trak")
        .find(|trak| is_handler(trak, handler))
        .and_then(|trak| trak_shift(trak.body, movie_scale))
        .unwrap_or(0)
}

fn is_handler(trak: &Mp4Box<'_>, handler: &[u8; 4]) -> bool {
    child(trak.body, b"mdia").and_then(|mdia| child(mdia, b"hdlr")).and_then(|hdlr| hdlr.get(8..12))
        == Some(&handler[..])
}

/// Empty edits delay the track, the first real one says which media time comes first.
fn trak_shift(trak: &[u8], movie_scale: i64) -> Option<i64> {
    let elst = child(child(trak, b"edts")?, b"elst")?;
    let media_scale = timescale(child(child(trak, b"mdia")?, b"mdhd")?)?;
    let mut delay_ns = 0;
    for index in 0..be32(elst, 4)? {
        let (length, media_time) = edit(elst, usize::try_from(index).ok()?)?;
        if media_time >= 0 {
            return Some(delay_ns - scaled_ns(media_time, media_scale));
        }
        delay_ns += scaled_ns(length, movie_scale);
    }
    Some(delay_ns)
}

fn edit(elst: &[u8], index: usize) -> Option<(i64, i64)> {
    if elst.first() == Some(&1) {
        let at = 8 + index * 20;
        Some((be64(elst, at)?.cast_signed(), be64(elst, at + 8)?.cast_signed()))
    } else {
        let at = 8 + index * 12;
        Some((i64::from(be32(elst, at)?), i64::from(be32(elst, at + 4)?.cast_signed())))
    }
}

/// `mvhd` and `mdhd` hold the time scale at the same place.
fn timescale(header: &[u8]) -> Option<i64> {
    let at = if header.first() == Some(&1) { 20 } else { 12 };
    be32(header, at).map(i64::from).filter(|scale| *scale > 0)
}

fn scaled_ns(ticks: i64, scale: i64) -> i64 {
    let ns = i128::from(ticks) * i128::from(NS_PER_SECOND) / i128::from(scale);
    i64::try_from(ns).unwrap_or(0)
}

/// The lengths to write over those in the header, and where: the movie's is unknown (0), so that
/// nothing is cut off at the end of the edited time line; a track's grows by its latest picture.
fn open_lengths(moov: &[u8]) -> Vec<(Range<usize>, u32)> {
    let top = boxes(moov).next().map_or(&[][..], |top| top.body);
    let movie = child(top, b"mvhd").and_then(|mvhd| Some((length(mvhd)?, 0)));
    let tracks = boxes(top).filter(|found| &found.kind == b"trak").filter_map(|trak| {
        let mdia = child(trak.body, b"mdia")?;
        let place = length(child(mdia, b"mdhd")?)?;
        let late = latest_picture(mdia).filter(|late| *late > 0)?;
        Some((place, be32(place, 0)?.checked_add(late)?))
    });
    let place = |bytes: &[u8]| {
        let start = bytes.as_ptr().addr() - moov.as_ptr().addr();
        start..start + bytes.len()
    };
    movie.into_iter().chain(tracks).map(|(bytes, value)| (place(bytes), value)).collect()
}

/// The (low half of the) length in a header.
fn length(header: &[u8]) -> Option<&[u8]> {
    header.get(if header.first() == Some(&1) { 28..32 } else { 16..20 })
}

/// By how much a picture may be shown later than it is decoded.
fn latest_picture(mdia: &[u8]) -> Option<u32> {
    let ctts = child(child(child(mdia, b"minf")?, b"stbl")?, b"ctts")?;
    let offsets = ctts.get(8..)?.chunks_exact(8).filter_map(|entry| be32(entry, 4));
    // Negative ones (version 1) make no picture later.
    offsets.filter(|offset| offset.cast_signed() > 0).max()
}

/// Where the type field of each `edts` box stands.
fn edit_marks(moov: &[u8]) -> Vec<usize> {
    let base = moov.as_ptr().addr();
    let place = |body: &[u8]| body.as_ptr().addr() - base;
    let mut marks = Vec::new();
    let top = boxes(moov).next().map_or(&[][..], |top| top.body);
    for trak in boxes(top).filter(|found| &found.kind == b"trak") {
        let edits = boxes(trak.body).filter(|found| &found.kind == b"edts");
        marks.extend(edits.map(|edts| place(edts.body) - 4));
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No byte of it is 0.
    const LENGTH: u32 = 0x0101_0101;

    fn wrap(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let size = u32::try_from(body.len() + 8).unwrap().to_be_bytes();
        [&size[..], kind, body].concat()
    }

    fn words(values: &[u32]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_be_bytes()).collect()
    }

    fn trak(handler: &[u8; 4], scale: u32, edits: &[u32]) -> Vec<u8> {
        let mut elst = vec![0, u32::try_from(edits.len() / 3).unwrap()];
        elst.extend(edits);
        let hdlr = [&words(&[0, 0])[..], handler].concat();
        let mdhd = words(&[0, 0, 0, scale, LENGTH]);
        let mdia = [wrap(b"mdhd", &mdhd), wrap(b"hdlr", &hdlr)].concat();
        let edts = wrap(b"edts", &wrap(b"elst", &words(&elst)));
        wrap(b"trak", &[edts, wrap(b"mdia", &mdia)].concat())
    }

    fn moov(traks: &[Vec<u8>]) -> Vec<u8> {
        let mvhd = wrap(b"mvhd", &words(&[0, 0, 0, 1000, LENGTH]));
        wrap(b"moov", &[mvhd, traks.concat()].concat())
    }

    #[test]
    fn priming_and_delay_become_shifts() {
        let minus_one = u32::MAX;
        let mut bytes = moov(&[
            trak(b"vide", 90_000, &[500, minus_one, 0x1_0000, 3000, 9000, 0x1_0000]),
            trak(b"soun", 48_000, &[3000, 1024, 0x1_0000]),
        ]);
        let shifts = take_edits(&mut bytes).unwrap();
        assert_eq!(shifts, Shifts { video_ns: 400_000_000, audio_ns: -21_333_333 });
    }

    #[test]
    fn the_lists_are_gone_afterwards_and_nothing_else_changed() {
        let before = moov(&[trak(b"soun", 48_000, &[3000, 1024, 0x1_0000])]);
        let mut after = before.clone();
        take_edits(&mut after).unwrap();
        assert_eq!(take_edits(&mut after.clone()).unwrap(), Shifts::default());
        let differs = |(a, b): &(&u8, &u8)| a != b;
        let of_type = b"edts".len();
        let of_length = size_of_val(&LENGTH);
        assert_eq!(before.iter().zip(&after).filter(differs).count(), of_type + of_length);
    }

    #[test]
    fn cut_bytes_are_refused() {
        let whole = moov(&[trak(b"soun", 48_000, &[3000, 1024, 0x1_0000])]);
        for end in 0..whole.len() {
            assert_eq!(take_edits(&mut whole[..end].to_vec()), None);
        }
    }
}
