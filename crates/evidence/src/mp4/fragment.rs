// SPDX-License-Identifier: MIT OR Apache-2.0
//! What one movie fragment holds, and the same-length edits that let a segment file begin near time 0.

use super::{BoxAt, BoxError, Init, TrackHeader, boxes, child, children, field32, field64};
use crate::record::Medium;

const BASE_DATA_OFFSET: u32 = 0x1;
const SAMPLE_DESCRIPTION: u32 = 0x2;
const DEFAULT_DURATION: u32 = 0x8;
const DEFAULT_SIZE: u32 = 0x10;
const DEFAULT_FLAGS: u32 = 0x20;
const DATA_OFFSET: u32 = 0x1;
const FIRST_FLAGS: u32 = 0x4;
const EACH_DURATION: u32 = 0x100;
const EACH_SIZE: u32 = 0x200;
const EACH_FLAGS: u32 = 0x400;
const EACH_COMPOSITION: u32 = 0x800;
const NOT_SYNC: u32 = 0x1_0000;

/// What a fragment holds of one track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Track id.
    pub id: u32,
    /// Picture or sound.
    pub medium: Medium,
    /// Ticks a second.
    pub scale: u32,
    /// Decode time of the first sample in ticks.
    pub start: u64,
    /// Sum of the durations in ticks.
    pub duration: u64,
    /// How many samples.
    pub samples: u64,
    /// Duration of the last sample in ticks.
    pub last_duration: u64,
    /// Whether a decoder can begin at the first sample.
    pub starts_with_sync: bool,
    time_at: TimeField,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TimeField {
    Short(usize),
    Long(usize),
}

/// One movie fragment: `moof` and its `mdat`, with whatever stands in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// What it holds, in file order.
    pub runs: Vec<Run>,
    number_at: usize,
}

impl Fragment {
    /// Reads the fragment that fills `bytes`.
    ///
    /// # Errors
    /// [`BoxError`] for what is missing or out of shape.
    pub fn parse(bytes: &[u8], init: &Init) -> Result<Fragment, BoxError> {
        let top = boxes(bytes, 0)?;
        child(&top, "mdat")?;
        let moof = children(&child(&top, "moof")?)?;
        let number_at = child(&moof, "mfhd")?.content_offset + 4;
        field32(bytes, number_at, "mfhd")?;
        let runs = moof.iter().filter(|b| &b.name == b"traf").map(|traf| run(traf, init));
        Ok(Fragment { runs: runs.collect::<Result<_, _>>()?, number_at })
    }

    /// Whether a file with the tracks of `init` may begin here: with a sync sample of the picture, if there is one. A
    /// fragment of a pause, which has sound alone, would leave the pictures behind it without their beginning.
    #[must_use]
    pub fn can_begin_file(&self, init: &Init) -> bool {
        let has_picture = init.tracks.iter().any(|track| track.medium == Medium::Video);
        match self.runs.iter().find(|run| run.medium == Medium::Video) {
            Some(video) => video.starts_with_sync,
            None => !has_picture && !self.runs.is_empty(),
        }
    }

    /// The earliest start of its tracks, in nanoseconds.
    #[must_use]
    pub fn start_ns(&self) -> u64 {
        self.runs.iter().filter(|run| run.samples > 0).map(|run| to_ns(run.start, run.scale)).min().unwrap_or(0)
    }

    /// The latest end of its tracks, in nanoseconds.
    #[must_use]
    pub fn end_ns(&self) -> u64 {
        self.runs.iter().map(|run| to_ns(run.start.saturating_add(run.duration), run.scale)).max().unwrap_or(0)
    }

    /// The start of the picture, or of what there is without one, in nanoseconds.
    #[must_use]
    pub fn leading_ns(&self) -> u64 {
        let picture = self.runs.iter().find(|run| run.medium == Medium::Video);
        picture.map_or_else(|| self.start_ns(), |run| to_ns(run.start, run.scale))
    }

    /// Rewrites number and decode times in `bytes`, from which this was parsed, so that `base_ns` becomes time 0;
    /// what begins earlier begins at 0.
    ///
    /// # Errors
    /// [`BoxError::Content`] if the time does not fit its field.
    pub fn rebase(&self, bytes: &mut [u8], number: u32, base_ns: u64) -> Result<(), BoxError> {
        put(bytes, self.number_at, &number.to_be_bytes())?;
        for run in &self.runs {
            run.rebase(bytes, base_ns)?;
        }
        Ok(())
    }
}

impl Run {
    fn rebase(&self, bytes: &mut [u8], base_ns: u64) -> Result<(), BoxError> {
        // Decode times cannot be negative. The record has the true time whatever the file says.
        let time = self.start.saturating_sub(to_ticks(base_ns, self.scale));
        match self.time_at {
            TimeField::Long(at) => put(bytes, at, &time.to_be_bytes()),
            TimeField::Short(at) => {
                let late = BoxError::Content { name: "tfdt", problem: "later than 32 bits can say" };
                put(bytes, at, &u32::try_from(time).map_err(|_| late)?.to_be_bytes())
            }
        }
    }
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) -> Result<(), BoxError> {
    let field = bytes.get_mut(at..at + value.len());
    field.ok_or(BoxError::Content { name: "moof", problem: "not the bytes that were parsed" })?.copy_from_slice(value);
    Ok(())
}

fn to_ns(ticks: u64, scale: u32) -> u64 {
    u64::try_from(u128::from(ticks) * 1_000_000_000 / u128::from(scale)).unwrap_or(u64::MAX)
}

/// Rounds down, so that no track that begins at or after `ns` becomes negative.
fn to_ticks(ns: u64, scale: u32) -> u64 {
    u64::try_from(u128::from(ns) * u128::from(scale) / 1_000_000_000).unwrap_or(u64::MAX)
}

fn run(traf: &BoxAt<'_>, init: &Init) -> Result<Run, BoxError> {
    let boxes = children(traf)?;
    let tfhd = child(&boxes, "tfhd")?;
    let track = init.track(field32(tfhd.content, 4, "tfhd")?)?;
    let defaults = defaults(tfhd.content, track)?;
    let (start, time_at) = decode_time(&child(&boxes, "tfdt")?)?;
    let mut run = Run {
        id: track.id,
        medium: track.medium,
        scale: track.scale,
        start,
        duration: 0,
        samples: 0,
        last_duration: 0,
        starts_with_sync: false,
        time_at,
    };
    for trun in boxes.iter().filter(|b| &b.name == b"trun") {
        add_samples(&mut run, trun.content, defaults)?;
    }
    Ok(run)
}

#[derive(Clone, Copy)]
struct Defaults {
    duration: u32,
    flags: u32,
}

fn defaults(tfhd: &[u8], track: &TrackHeader) -> Result<Defaults, BoxError> {
    let flags = field32(tfhd, 0, "tfhd")? & 0xff_ffff;
    let mut found = Defaults { duration: track.default_duration, flags: track.default_flags };
    let mut at = 8;
    for (flag, length) in
        [(BASE_DATA_OFFSET, 8), (SAMPLE_DESCRIPTION, 4), (DEFAULT_DURATION, 4), (DEFAULT_SIZE, 4), (DEFAULT_FLAGS, 4)]
    {
        if flags & flag == 0 {
            continue;
        }
        match flag {
            DEFAULT_DURATION => found.duration = field32(tfhd, at, "tfhd")?,
            DEFAULT_FLAGS => found.flags = field32(tfhd, at, "tfhd")?,
            _ => {}
        }
        at += length;
    }
    Ok(found)
}

fn decode_time(tfdt: &BoxAt<'_>) -> Result<(u64, TimeField), BoxError> {
    let at = tfdt.content_offset + 4;
    match tfdt.content.first() {
        Some(1) => Ok((field64(tfdt.content, 4, "tfdt")?, TimeField::Long(at))),
        _ => Ok((u64::from(field32(tfdt.content, 4, "tfdt")?), TimeField::Short(at))),
    }
}

fn add_samples(run: &mut Run, trun: &[u8], defaults: Defaults) -> Result<(), BoxError> {
    let flags = field32(trun, 0, "trun")? & 0xff_ffff;
    let count = field32(trun, 4, "trun")?;
    let mut at = 8 + 4 * usize::from(flags & DATA_OFFSET != 0);
    let mut first_flags = defaults.flags;
    if flags & FIRST_FLAGS != 0 {
        first_flags = field32(trun, at, "trun")?;
        at += 4;
    }
    let fields = [EACH_DURATION, EACH_SIZE, EACH_FLAGS, EACH_COMPOSITION];
    let stride = 4 * fields.iter().filter(|field| flags & **field != 0).count();
    if trun.len() - at.min(trun.len()) < stride.saturating_mul(count as usize) {
        return Err(BoxError::Content { name: "trun", problem: "cut off" });
    }
    if flags & EACH_FLAGS != 0 && count > 0 {
        let skip = 4 * [EACH_DURATION, EACH_SIZE].iter().filter(|field| flags & **field != 0).count();
        first_flags = field32(trun, at + skip, "trun")?;
    }
    if run.samples == 0 && count > 0 {
        run.starts_with_sync = first_flags & NOT_SYNC == 0;
    }
    if flags & EACH_DURATION == 0 {
        return run.add(u64::from(count), u64::from(count) * u64::from(defaults.duration), defaults.duration);
    }
    for sample in 0..count as usize {
        run.add(
            1,
            u64::from(field32(trun, at + sample * stride, "trun")?),
            field32(trun, at + sample * stride, "trun")?,
        )?;
    }
    Ok(())
}

impl Run {
    fn add(&mut self, samples: u64, duration: u64, last: u32) -> Result<(), BoxError> {
        let long = BoxError::Content { name: "trun", problem: "longer than time can say" };
        self.samples += samples;
        self.duration = self.duration.checked_add(duration).ok_or(long)?;
        if samples > 0 {
            self.last_duration = u64::from(last);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn init(media: &[Medium]) -> Init {
        let header = |(id, medium)| TrackHeader { id, medium, scale: 1000, default_duration: 0, default_flags: 0 };
        Init { tracks: (1..).zip(media.iter().copied()).map(header).collect() }
    }

    fn fragment(runs: &[(Medium, bool)]) -> Fragment {
        let run = |(medium, starts_with_sync)| Run {
            id: 1,
            medium,
            scale: 1000,
            start: 0,
            duration: 500,
            samples: 5,
            last_duration: 100,
            starts_with_sync,
            time_at: TimeField::Short(0),
        };
        Fragment { runs: runs.iter().copied().map(run).collect(), number_at: 0 }
    }

    #[test]
    fn a_file_begins_with_a_sync_sample_of_its_picture() {
        use Medium::{Audio, Video};
        let (both, sound) = (init(&[Video, Audio]), init(&[Audio]));
        for (tracks, runs, can) in [
            (&both, &[(Video, true), (Audio, true)][..], true),
            (&both, &[(Video, false), (Audio, true)], false),
            (&both, &[(Audio, true)], false),
            (&sound, &[(Audio, true)], true),
            (&sound, &[], false),
        ] {
            assert_eq!(fragment(runs).can_begin_file(tracks), can, "{runs:?}");
        }
    }
}
