// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which of a camera's modes to take: a pure choice.
//!
//! Must not know devices; the list comes from outside.

use std::cmp::Reverse;
use std::fmt;

/// How a camera codes its pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coding {
    /// H.264 ready to be recorded.
    H264,
    /// One JPEG per frame.
    Mjpeg,
    /// Pixels, in GStreamer's name for their layout.
    Raw(String),
}

/// Frames per second as a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Frames …
    pub frames: u32,
    /// … in so many seconds.
    pub seconds: u32,
}

impl Rate {
    fn milli_hz(self) -> u64 {
        u64::from(self.frames) * 1000 / u64::from(self.seconds.max(1))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.frames, self.seconds)
    }
}

/// One thing a camera can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mode {
    /// How pictures are coded.
    pub coding: Coding,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames per second.
    pub rate: Rate,
}

/// What the caller would like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames per second.
    pub frame_rate: u32,
}

/// The mode nearest to what is wanted: size first (the largest that is not larger, else the
/// smallest), then rate likewise, then H.264 before MJPEG before raw.
pub fn choose_mode(modes: &[Mode], wanted: Wanted) -> Option<&Mode> {
    modes.iter().min_by_key(|mode| {
        let fits = mode.width <= wanted.width && mode.height <= wanted.height;
        let area = u64::from(mode.width) * u64::from(mode.height);
        let milli_hz = mode.rate.milli_hz();
        let in_time = milli_hz <= u64::from(wanted.frame_rate) * 1000;
        (distance(fits, area), distance(in_time, milli_hz), rank(&mode.coding))
    })
}

/// Orders values that fit from the largest down, and after them those that do not from the
/// smallest up.
fn distance(fits: bool, value: u64) -> (bool, Reverse<u64>, u64) {
    if fits { (false, Reverse(value), 0) } else { (true, Reverse(0), value) }
}

fn rank(coding: &Coding) -> u8 {
    match coding {
        Coding::H264 => 0,
        Coding::Mjpeg => 1,
        Coding::Raw(_) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL_HD: Wanted = Wanted { width: 1920, height: 1080, frame_rate: 30 };

    fn mode(coding: Coding, width: u32, height: u32, frames: u32) -> Mode {
        Mode { coding, width, height, rate: Rate { frames, seconds: 1 } }
    }

    fn raw() -> Coding {
        Coding::Raw("YUY2".to_owned())
    }

    #[test]
    fn h264_wins_over_mjpeg_over_raw() {
        let mut modes =
            vec![mode(raw(), 1920, 1080, 30), mode(Coding::Mjpeg, 1920, 1080, 30), mode(Coding::H264, 1920, 1080, 30)];
        for expected in [Coding::H264, Coding::Mjpeg, raw()] {
            assert_eq!(choose_mode(&modes, FULL_HD).unwrap().coding, expected);
            modes.pop();
        }
        assert_eq!(choose_mode(&modes, FULL_HD), None);
    }

    #[test]
    fn the_wanted_rate_wins_over_the_coding() {
        let modes = [mode(raw(), 1920, 1080, 5), mode(Coding::Mjpeg, 1920, 1080, 30)];
        assert_eq!(choose_mode(&modes, FULL_HD), Some(&modes[1]));
    }

    #[test]
    fn the_nearest_smaller_is_taken_where_the_wanted_is_missing() {
        let modes = [mode(raw(), 640, 480, 30), mode(Coding::Mjpeg, 1280, 720, 30), mode(Coding::H264, 3840, 2160, 30)];
        assert_eq!(choose_mode(&modes, FULL_HD), Some(&modes[1]));
    }

    #[test]
    fn the_smallest_larger_is_better_than_nothing() {
        let modes = [mode(raw(), 3840, 2160, 30), mode(raw(), 2560, 1440, 60)];
        assert_eq!(choose_mode(&modes, FULL_HD), Some(&modes[1]));
    }

    #[test]
    fn fractions_are_rates() {
        let ntsc = Mode { rate: Rate { frames: 30_000, seconds: 1001 }, ..mode(raw(), 640, 480, 0) };
        let modes = [mode(raw(), 640, 480, 15), ntsc.clone(), mode(raw(), 640, 480, 60)];
        assert_eq!(choose_mode(&modes, FULL_HD), Some(&ntsc));
    }
}
