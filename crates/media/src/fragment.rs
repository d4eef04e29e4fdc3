// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes one fragment: `styp`, `moof`, `mdat` (ISO/IEC 14496-12).
//!
//! One run per track, `default-base-is-moof`, decode times on the session's time line. Must not
//! know when a fragment is cut, nor GStreamer beyond the bytes of a buffer.

use gstreamer as gst;

/// One sample, in ticks of its track.
pub(crate) struct Sample {
    pub(crate) buffer: gst::Buffer,
    pub(crate) duration: u32,
    /// When it is shown, against when it is decoded.
    pub(crate) shown_after: i32,
    pub(crate) key: bool,
}

/// The samples of one track in this fragment. Never empty.
pub(crate) struct Run {
    pub(crate) track_id: u32,
    /// Decode time of the first sample.
    pub(crate) start: u64,
    pub(crate) samples: Vec<Sample>,
}

const SAMPLE_KEY: u32 = 0x0200_0000;
const SAMPLE_DEPENDS: u32 = 0x0101_0000;

const BASE_IS_MOOF: u32 = 0x02_0000;
const DEFAULT_DURATION: u32 = 0x08;
const DEFAULT_FLAGS: u32 = 0x20;

const DATA_OFFSET: u32 = 0x001;
const FIRST_FLAGS: u32 = 0x004;
const EACH_DURATION: u32 = 0x100;
const EACH_SIZE: u32 = 0x200;
const EACH_FLAGS: u32 = 0x400;
const EACH_SHOWN: u32 = 0x800;

const VERSION_1: u32 = 1 << 24;

/// The bytes of a fragment, in one allocation. `None` if it would exceed what 32 bits can say.
pub(crate) fn write_fragment(sequence: u32, runs: &[Run]) -> Option<Vec<u8>> {
    let media: usize = runs.iter().flat_map(|run| &run.samples).map(|s| s.buffer.size()).sum();
    let heads: usize = runs.iter().map(|run| 100 + 16 * run.samples.len()).sum();
    let mut out = Vec::with_capacity(64 + heads + media);
    write_box(&mut out, b"styp", |out| out.extend_from_slice(b"iso6\0\0\0\0iso6"))?;
    let moof = out.len();
    let mut offset_places = Vec::new();
    write_box(&mut out, b"moof", |out| {
        write_full(out, b"mfhd", 0, |out| word(out, sequence));
        for run in runs {
            write_box(out, b"traf", |out| offset_places.push(write_run(out, run)));
        }
    })?;
    let mut offset = out.len() - moof + BOX_HEADER;
    for (place, run) in offset_places.into_iter().zip(runs) {
        out.get_mut(place..place + 4)?.copy_from_slice(&u32::try_from(offset).ok()?.to_be_bytes());
        offset += run.samples.iter().map(|sample| sample.buffer.size()).sum::<usize>();
    }
    word(&mut out, u32::try_from(media + BOX_HEADER).ok()?);
    out.extend_from_slice(b"mdat");
    for sample in runs.iter().flat_map(|run| &run.samples) {
        out.extend_from_slice(&sample.buffer.map_readable().ok()?);
    }
    Some(out)
}

const BOX_HEADER: usize = 8;

/// Writes `tfhd`, `tfdt` and `trun`; returns where the offset of the data is to be filled in.
fn write_run(out: &mut Vec<u8>, run: &Run) -> usize {
    let shape = Shape::of(run);
    let duration = shape.duration.map_or(0, |_| DEFAULT_DURATION);
    write_full(out, b"tfhd", BASE_IS_MOOF | DEFAULT_FLAGS | duration, |out| {
        word(out, run.track_id);
        shape.duration.iter().for_each(|duration| word(out, *duration));
        word(out, shape.flags);
    });
    write_full(out, b"tfdt", VERSION_1, |out| out.extend_from_slice(&run.start.to_be_bytes()));
    let mut offset_place = 0;
    write_full(out, b"trun", VERSION_1 | shape.trun_flags(), |out| {
        word(out, u32::try_from(run.samples.len()).unwrap_or(u32::MAX));
        offset_place = out.len();
        word(out, 0);
        shape.first_flags.iter().for_each(|flags| word(out, *flags));
        run.samples.iter().for_each(|sample| shape.write_sample(out, sample));
    });
    offset_place
}

/// What all samples of a run share, so that it is written once.
struct Shape {
    duration: Option<u32>,
    /// Flags of all samples, or of all but the first.
    flags: u32,
    first_flags: Option<u32>,
    each_flags: bool,
    each_shown: bool,
}

impl Shape {
    fn of(run: &Run) -> Self {
        let samples = &run.samples;
        let same = |a: &Sample, b: &Sample| a.duration == b.duration;
        let even = samples.windows(2).all(|pair| same(&pair[0], &pair[1]));
        let rest = samples.get(1..).unwrap_or_default();
        let first = samples.first().map_or(SAMPLE_KEY, flags);
        let common = rest.first().map_or(first, flags);
        let each_flags = rest.iter().any(|sample| flags(sample) != common);
        Self {
            duration: samples.first().filter(|_| even).map(|sample| sample.duration),
            flags: common,
            first_flags: (first != common && !each_flags).then_some(first),
            each_flags,
            each_shown: samples.iter().any(|sample| sample.shown_after != 0),
        }
    }

    fn trun_flags(&self) -> u32 {
        let when = |wanted: bool, flag| if wanted { flag } else { 0 };
        DATA_OFFSET
            | EACH_SIZE
            | when(self.first_flags.is_some(), FIRST_FLAGS)
            | when(self.duration.is_none(), EACH_DURATION)
            | when(self.each_flags, EACH_FLAGS)
            | when(self.each_shown, EACH_SHOWN)
    }

    fn write_sample(&self, out: &mut Vec<u8>, sample: &Sample) {
        if self.duration.is_none() {
            word(out, sample.duration);
        }
        word(out, u32::try_from(sample.buffer.size()).unwrap_or(u32::MAX));
        if self.each_flags {
            word(out, flags(sample));
        }
        if self.each_shown {
            word(out, sample.shown_after.cast_unsigned());
        }
    }
}

fn flags(sample: &Sample) -> u32 {
    if sample.key { SAMPLE_KEY } else { SAMPLE_DEPENDS }
}

fn word(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_be_bytes());
}

fn write_full(out: &mut Vec<u8>, kind: &[u8; 4], flags: u32, body: impl FnOnce(&mut Vec<u8>)) {
    // Only a box beyond 4 GiB fails, and headers are far from it.
    let _ = write_box(out, kind, |out| {
        word(out, flags);
        body(out);
    });
}

fn write_box(out: &mut Vec<u8>, kind: &[u8; 4], body: impl FnOnce(&mut Vec<u8>)) -> Option<()> {
    let start = out.len();
    word(out, 0);
    out.extend_from_slice(kind);
    body(out);
    let size = u32::try_from(out.len() - start).ok()?;
    out.get_mut(start..start + 4)?.copy_from_slice(&size.to_be_bytes());
    Some(())
}

/// What a fragment says, for tests.
#[cfg(test)]
pub(crate) mod reading {
    use crate::boxes::{be32, be64, boxes, child};

    /// One track of a fragment. Times are in its ticks.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct Track {
        pub(crate) number: u32,
        pub(crate) samples: u32,
        pub(crate) begin: u64,
        pub(crate) end: u64,
        pub(crate) starts_with_key: bool,
    }

    pub(crate) fn tracks(fragment: &[u8]) -> Vec<Track> {
        let moof = child(fragment, b"moof").unwrap();
        boxes(moof).filter(|found| &found.kind == b"traf").map(|traf| track(traf.body)).collect()
    }

    fn track(traf: &[u8]) -> Track {
        let (tfhd, trun) = (child(traf, b"tfhd").unwrap(), child(traf, b"trun").unwrap());
        let begin = be64(child(traf, b"tfdt").unwrap(), 4).unwrap();
        let (flags, samples) = (be32(trun, 0).unwrap(), be32(trun, 4).unwrap());
        let first = 12 + (flags & super::FIRST_FLAGS) as usize;
        // The flags that all samples share stand behind the duration that all share, if they do.
        let shared_at = if be32(tfhd, 0).unwrap() & super::DEFAULT_DURATION == 0 { 8 } else { 12 };
        let first_flags = match flags & (super::FIRST_FLAGS | super::EACH_FLAGS) {
            0 => be32(tfhd, shared_at).unwrap(),
            super::FIRST_FLAGS => be32(trun, 12).unwrap(),
            _ => be32(trun, first + 4 + 4 * usize::from(flags & super::EACH_DURATION != 0)).unwrap(),
        };
        let entry = (flags & 0xf00).count_ones() as usize * 4;
        let duration = |n: u32| match flags & super::EACH_DURATION {
            0 => be32(tfhd, 8).unwrap(),
            _ => be32(trun, first + n as usize * entry).unwrap(),
        };
        let length: u64 = (0..samples).map(|n| u64::from(duration(n))).sum();
        let starts_with_key = first_flags == super::SAMPLE_KEY;
        Track { number: be32(tfhd, 4).unwrap(), samples, begin, end: begin + length, starts_with_key }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::{be32, be64, boxes, child};

    fn sample(bytes: &'static [u8], duration: u32, key: bool) -> Sample {
        crate::init().unwrap();
        Sample { buffer: gst::Buffer::from_slice(bytes), duration, shown_after: 0, key }
    }

    fn runs() -> Vec<Run> {
        let video = vec![sample(b"key", 3000, true), sample(b"de", 3000, false)];
        let audio = vec![sample(b"a", 1024, true), sample(b"bc", 1000, true)];
        vec![Run { track_id: 1, start: 7, samples: video }, Run { track_id: 2, start: 1 << 40, samples: audio }]
    }

    #[test]
    fn data_offsets_point_at_each_tracks_bytes() {
        let bytes = write_fragment(5, &runs()).unwrap();
        let moof_at = bytes.windows(4).position(|kind| kind == b"moof").unwrap() - 4;
        let moof = child(&bytes, b"moof").unwrap();
        let media: Vec<&[u8]> = boxes(moof)
            .filter(|found| &found.kind == b"traf")
            .map(|traf| {
                let trun = child(traf.body, b"trun").unwrap();
                &bytes[moof_at + be32(trun, 8).unwrap() as usize..]
            })
            .collect();
        assert!(media[0].starts_with(b"keydea") && media[1] == b"abc");
    }

    #[test]
    fn boxes_are_whole_and_in_order() {
        let bytes = write_fragment(5, &runs()).unwrap();
        let kinds: Vec<[u8; 4]> = boxes(&bytes).map(|found| found.kind).collect();
        assert_eq!(kinds, [*b"styp", *b"moof", *b"mdat"]);
        let traf = boxes(child(&bytes, b"moof").unwrap()).nth(2).unwrap();
        assert_eq!(be64(child(traf.body, b"tfdt").unwrap(), 4), Some(1 << 40));
    }

    #[test]
    fn equal_durations_are_written_once_and_unequal_each() {
        let bytes = write_fragment(5, &runs()).unwrap();
        let truns: Vec<u32> = boxes(child(&bytes, b"moof").unwrap())
            .filter_map(|found| be32(child(found.body, b"trun")?, 0))
            .map(|flags| flags & 0xfff)
            .collect();
        assert_eq!(truns, [DATA_OFFSET | EACH_SIZE | FIRST_FLAGS, DATA_OFFSET | EACH_SIZE | EACH_DURATION]);
    }
}
