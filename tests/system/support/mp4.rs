// SPDX-License-Identifier: MIT OR Apache-2.0
//! The boxes of a fragmented MP4, read by hand (ISO/IEC 14496-12): when each fragment begins and how long it lasts.

use std::collections::BTreeMap;
use std::path::Path;

/// A kind of track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Medium {
    Video,
    Audio,
}

/// One track of one fragment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// Which track.
    pub(crate) medium: Medium,
    /// Ticks a second.
    pub(crate) scale: u64,
    /// Decode time of the first sample.
    pub(crate) start: u64,
    /// Sum of the samples' durations.
    pub(crate) duration: u64,
    /// How many samples.
    pub(crate) samples: u64,
}

impl Run {
    /// Where it begins in its file, in nanoseconds.
    pub(crate) fn start_ns(&self) -> u64 {
        self.start * 1_000_000_000 / self.scale
    }

    /// Where it ends in its file, in nanoseconds.
    pub(crate) fn end_ns(&self) -> u64 {
        (self.start + self.duration) * 1_000_000_000 / self.scale
    }

    /// Its length in nanoseconds, rounded down.
    pub(crate) fn duration_ns(&self) -> u64 {
        self.duration * 1_000_000_000 / self.scale
    }
}

struct Track {
    medium: Medium,
    scale: u64,
    default_duration: u64,
}

/// All runs of a file, in order.
pub(crate) fn runs(file: &Path) -> Vec<Run> {
    let bytes = std::fs::read(file).unwrap();
    let moov = children(&bytes).find(|(kind, _)| kind == b"moov").unwrap().1;
    let tracks = tracks(moov);
    let moofs = children(&bytes).filter(|(kind, _)| kind == b"moof");
    let trafs = moofs.flat_map(|(_, moof)| children(moof)).filter(|(kind, _)| kind == b"traf");
    trafs.map(|(_, traf)| run(traf, &tracks)).collect()
}

/// The runs of one medium.
pub(crate) fn runs_of(file: &Path, medium: Medium) -> Vec<Run> {
    runs(file).into_iter().filter(|run| run.medium == medium).collect()
}

/// The boxes that stand one behind the other, with their contents.
fn children(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let size = usize::try_from(number(rest, 0, 4)).unwrap();
        assert!(size >= 8 && size <= rest.len(), "a box of {size} bytes in {}", rest.len());
        let (this, behind) = rest.split_at(size);
        rest = behind;
        Some((&this[4..8], &this[8..]))
    })
}

fn child<'a>(bytes: &'a [u8], path: &[&[u8; 4]]) -> &'a [u8] {
    path.iter().fold(bytes, |bytes, wanted| children(bytes).find(|(kind, _)| kind == wanted).unwrap().1)
}

fn number(bytes: &[u8], at: usize, length: usize) -> u64 {
    bytes[at..at + length].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn tracks(moov: &[u8]) -> BTreeMap<u64, Track> {
    let defaults: BTreeMap<u64, u64> = children(child(moov, &[b"mvex"]))
        .filter(|(kind, _)| kind == b"trex")
        .map(|(_, trex)| (number(trex, 4, 4), number(trex, 12, 4)))
        .collect();
    let traks = children(moov).filter(|(kind, _)| kind == b"trak").map(|(_, trak)| trak);
    traks
        .map(|trak| {
            let (header, media) = (child(trak, &[b"tkhd"]), child(trak, &[b"mdia", b"mdhd"]));
            let id = number(header, if header[0] == 1 { 20 } else { 12 }, 4);
            let scale = number(media, if media[0] == 1 { 20 } else { 12 }, 4);
            let medium = match &child(trak, &[b"mdia", b"hdlr"])[8..12] {
                b"vide" => Medium::Video,
                b"soun" => Medium::Audio,
                other => panic!("a track of {other:?}"),
            };
            (id, Track { medium, scale, default_duration: defaults[&id] })
        })
        .collect()
}

fn run(traf: &[u8], tracks: &BTreeMap<u64, Track>) -> Run {
    let header = child(traf, &[b"tfhd"]);
    let (flags, id) = (number(header, 1, 3), number(header, 4, 4));
    let track = &tracks[&id];
    let skipped = [(0x1, 8), (0x2, 4)].iter().filter(|(flag, _)| flags & flag != 0).map(|(_, length)| length);
    let at = 8 + skipped.sum::<usize>();
    let default = if flags & 0x8 == 0 { track.default_duration } else { number(header, at, 4) };
    let time = child(traf, &[b"tfdt"]);
    let truns = children(traf).filter(|(kind, _)| kind == b"trun").map(|(_, trun)| trun_of(trun, default));
    let (samples, duration) = truns.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let start = number(time, 4, if time[0] == 1 { 8 } else { 4 });
    Run { medium: track.medium, scale: track.scale, start, duration, samples }
}

/// How many samples a `trun` has, and how long they last together.
fn trun_of(trun: &[u8], default: u64) -> (u64, u64) {
    let (flags, samples) = (number(trun, 1, 3), number(trun, 4, 4));
    if flags & 0x100 == 0 {
        return (samples, samples * default);
    }
    let first = 8 + 4 * (flags & 0x5).count_ones() as usize;
    let step = 4 * (flags & 0xf00).count_ones() as usize;
    (samples, (0..usize::try_from(samples).unwrap()).map(|n| number(trun, first + n * step, 4)).sum())
}
