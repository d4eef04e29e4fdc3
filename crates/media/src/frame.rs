// SPDX-License-Identifier: MIT OR Apache-2.0
//! One encoded frame and the time line it lies on.
//!
//! Must not know where the frame came from nor where it goes.

use gstreamer as gst;

use crate::event::Medium;
use crate::pipeline::{caps_fraction, caps_u32};

pub(crate) const NS_PER_SECOND: i64 = 1_000_000_000;
/// Ticks per second of picture tracks: all usual frame rates divide it.
pub(crate) const VIDEO_TIMESCALE_HZ: u32 = 90_000;

/// An encoded frame. Times are on the axis shared by all sources of a capture.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) buffer: gst::Buffer,
    pub(crate) pts_ns: i64,
    pub(crate) dts_ns: Option<i64>,
    pub(crate) duration_ns: i64,
    pub(crate) key: bool,
}

impl Frame {
    /// Reads a buffer whose own timestamps have been mapped to the axis by `to_axis`.
    pub(crate) fn read(
        buffer: gst::Buffer,
        default_duration_ns: i64,
        to_axis: impl Fn(gst::ClockTime) -> Option<i64>,
    ) -> Option<Self> {
        let pts_ns = to_axis(buffer.pts().or(buffer.dts())?)?;
        Some(Self {
            pts_ns,
            dts_ns: buffer.dts().and_then(to_axis),
            duration_ns: buffer.duration().map_or(default_duration_ns, clock_ns),
            key: !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
            buffer,
        })
    }

    pub(crate) fn end_ns(&self) -> i64 {
        self.pts_ns + self.duration_ns
    }
}

pub(crate) fn clock_ns(time: gst::ClockTime) -> i64 {
    i64::try_from(time.nseconds()).unwrap_or(i64::MAX)
}

/// The nearest tick.
pub(crate) fn to_ticks(time_ns: i64, timescale_hz: u32) -> i64 {
    let second = i128::from(NS_PER_SECOND);
    let ticks = (i128::from(time_ns) * i128::from(timescale_hz) + second / 2).div_euclid(second);
    i64::try_from(ticks).unwrap_or(0)
}

/// Ticks per second of a track: for sound its samples.
pub(crate) fn timescale_hz(medium: Medium, caps: &gst::CapsRef) -> u32 {
    match medium {
        Medium::Video => VIDEO_TIMESCALE_HZ,
        Medium::Audio => caps_u32(caps, "rate").max(1),
    }
}

/// How long a frame lasts where nobody says so.
pub(crate) fn default_duration_ns(medium: Medium, caps: &gst::CapsRef) -> i64 {
    const AAC_SAMPLES: i64 = 1024;
    let (count, rate) = match medium {
        Medium::Video => match caps_fraction(caps, "framerate") {
            Some((rate, per)) if rate > 0 => (i64::from(per), i64::from(rate)),
            _ => (1, 30),
        },
        Medium::Audio => (AAC_SAMPLES, i64::from(caps_u32(caps, "rate").max(1))),
    };
    count * NS_PER_SECOND / rate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floored_time_finds_its_tick() {
        for rate in [44_100, 48_000, 90_000] {
            for tick in (0..5_000_000_i64).step_by(1024) {
                let floored = tick * NS_PER_SECOND / rate;
                assert_eq!(to_ticks(floored, rate as u32), tick);
            }
        }
    }

    #[test]
    fn times_before_zero_have_ticks_too() {
        assert_eq!(to_ticks(-NS_PER_SECOND, 90_000), -90_000);
    }
}
