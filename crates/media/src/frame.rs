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
/// A frame that follows this late is no pause, however short frames are.
pub(crate) const PAUSE_MIN_NS: i64 = NS_PER_SECOND / 4;
/// So many frame lengths without a frame are a pause.
const PAUSE_FRAMES: i64 = 3;

/// An encoded frame. Times are on the time line shared by all sources of a studio.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) buffer: gst::Buffer,
    pub(crate) pts_ns: i64,
    pub(crate) dts_ns: Option<i64>,
    pub(crate) duration_ns: i64,
    pub(crate) key: bool,
    /// The source itself says when it is shown. A parser makes a time up where two frames have the same.
    pub(crate) timed: bool,
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
            timed: buffer.pts().is_some(),
            buffer,
        })
    }

    /// The same frame on an axis that begins `zero_ns` later.
    pub(crate) fn earlier_by(self, zero_ns: i64) -> Self {
        let (pts_ns, dts_ns) = (self.pts_ns - zero_ns, self.dts_ns.map(|dts_ns| dts_ns - zero_ns));
        Self { pts_ns, dts_ns, ..self }
    }

    /// The same frame on an axis that begins `offset_ns` earlier.
    pub(crate) fn later_by(self, offset_ns: i64) -> Self {
        self.earlier_by(-offset_ns)
    }

    /// The same frame shown, and so decoded, at another time.
    pub(crate) fn shown_at(self, pts_ns: i64) -> Self {
        Self { pts_ns, dts_ns: None, ..self }
    }

    pub(crate) fn end_ns(&self) -> i64 {
        self.pts_ns + self.duration_ns
    }

    /// When it is decoded, or shown where that is all that is known.
    pub(crate) fn decoded_ns(&self) -> i64 {
        self.dts_ns.unwrap_or(self.pts_ns)
    }
}

pub(crate) fn clock_ns(time: gst::ClockTime) -> i64 {
    i64::try_from(time.nseconds()).unwrap_or(i64::MAX)
}

/// Longer than this from one frame to the next is a pause: nothing was captured there, and no frame is stretched over it.
pub(crate) fn pause_limit_ns(frame_ns: i64) -> i64 {
    frame_ns.saturating_mul(PAUSE_FRAMES).max(PAUSE_MIN_NS)
}

/// The nearest tick.
pub(crate) fn to_ticks(time_ns: i64, timescale_hz: u32) -> i64 {
    let second = i128::from(NS_PER_SECOND);
    let ticks = (i128::from(time_ns) * i128::from(timescale_hz) + second / 2).div_euclid(second);
    i64::try_from(ticks).unwrap_or(0)
}

/// The last tick that is not later.
pub(crate) fn to_ticks_down(time_ns: i64, timescale_hz: u32) -> i64 {
    let ticks = (i128::from(time_ns) * i128::from(timescale_hz)).div_euclid(i128::from(NS_PER_SECOND));
    i64::try_from(ticks).unwrap_or(0)
}

/// A tick's time, rounded down as the records' reader does.
pub(crate) fn from_ticks(ticks: i64, timescale_hz: u32) -> i64 {
    let time_ns = (i128::from(ticks) * i128::from(NS_PER_SECOND)).div_euclid(i128::from(timescale_hz.max(1)));
    i64::try_from(time_ns).unwrap_or(0)
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
    const USUAL_RATE_HZ: i64 = 30;
    stated_duration_ns(medium, caps).unwrap_or(NS_PER_SECOND / USUAL_RATE_HZ)
}

/// How long each frame lasts by the format, if that says it.
pub(crate) fn stated_duration_ns(medium: Medium, caps: &gst::CapsRef) -> Option<i64> {
    const AAC_SAMPLES: u32 = 1024;
    let (count, rate) = match medium {
        Medium::Video => caps_fraction(caps, "framerate").map(|(rate, per)| (per, rate))?,
        Medium::Audio => (AAC_SAMPLES, caps_u32(caps, "rate")),
    };
    (i64::from(count) * NS_PER_SECOND).checked_div(i64::from(rate))
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
