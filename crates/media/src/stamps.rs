// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether a camera's or microphone's times can be believed, and whether a camera gives as many frames as it states.
//!
//! Pure: frames in, verdicts out. Must not know sources.

use std::collections::VecDeque;

use crate::frame::{Frame, NS_PER_SECOND};

/// A frame whose time is not behind that of the one before is an accident; so many in a row are a clock that stands still.
const STUCK_FRAMES: usize = 5;
/// Times that go back by more are no accident.
const BACK_MAX_NS: i64 = NS_PER_SECOND / 4;
/// No frame can be from the future, but clocks are read one after the other.
const AHEAD_MAX_NS: i64 = NS_PER_SECOND;
/// The frame rate is looked at over this time.
const RATE_WINDOW_NS: i64 = 2 * NS_PER_SECOND;
/// What was said about it holds for so long.
const RATE_HOLD_NS: i64 = NS_PER_SECOND;
/// Frames of one window that are remembered; more are no lower rate.
const RATE_FRAMES_MAX: usize = 1024;

/// Times that cannot be believed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadStamps {
    pub(crate) reason: String,
    /// Frames that came with them and have no place in time.
    pub(crate) frames: u64,
}

/// Watches the times of one source.
#[derive(Default)]
pub(crate) struct Stamps {
    /// When the last frame was decoded and shown.
    last: Option<(i64, i64)>,
    /// Frames that were not behind it, and wait for time to go on.
    stuck: Vec<Frame>,
}

impl Stamps {
    /// The frames that may go on with this one: none while time seems to stand still.
    pub(crate) fn check(&mut self, frame: Frame, now_ns: i64) -> Result<Vec<Frame>, BadStamps> {
        let at_ns = frame.decoded_ns();
        let (last_ns, last_shown_ns) = self.last.unwrap_or((i64::MIN, i64::MIN));
        let goes_on = frame.timed && at_ns > last_ns && frame.pts_ns != last_shown_ns;
        if at_ns > now_ns.saturating_add(AHEAD_MAX_NS) {
            return Err(self.bad(format!("its times are {} ms ahead", milliseconds(at_ns - now_ns))));
        }
        if goes_on {
            self.last = Some((at_ns, frame.pts_ns));
            let mut frames = std::mem::take(&mut self.stuck);
            frames.push(frame);
            return Ok(frames);
        }
        if last_ns - at_ns > BACK_MAX_NS {
            return Err(self.bad(format!("its times went back by {} ms", milliseconds(last_ns - at_ns))));
        }
        self.stuck.push(if frame.timed { frame } else { frame.shown_at(last_shown_ns) });
        if self.stuck.len() < STUCK_FRAMES {
            return Ok(Vec::new());
        }
        let stuck = self.stuck.pop().map_or(0, |_| STUCK_FRAMES);
        Err(self.bad(format!("its times stand still: {stuck} frames in a row")))
    }

    /// With the frame at hand, which is not among those that wait.
    fn bad(&mut self, reason: String) -> BadStamps {
        BadStamps { reason, frames: std::mem::take(&mut self.stuck).len() as u64 + 1 }
    }

    /// How many frames wait for time to go on, if any do.
    pub(crate) fn stuck(&self) -> Option<u64> {
        Some(self.stuck.len() as u64).filter(|count| *count > 0)
    }
}

fn milliseconds(time_ns: i64) -> i64 {
    time_ns / 1_000_000
}

/// Watches how many frames a camera gives.
#[derive(Default)]
pub(crate) struct RateWatch {
    times: VecDeque<i64>,
    since_ns: Option<i64>,
    is_low: bool,
    said_ns: Option<i64>,
}

/// What is to be said about the frame rate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RateChange {
    pub(crate) is_low: bool,
    pub(crate) detail: String,
}

impl RateWatch {
    /// Takes the time of a frame; `stated` is the rate that its source states.
    pub(crate) fn note(&mut self, at_ns: i64, stated: Option<(u32, u32)>) -> Option<RateChange> {
        self.times.push_back(at_ns);
        let is_old = |time: &i64| *time <= at_ns - RATE_WINDOW_NS;
        while self.times.front().is_some_and(is_old) || self.times.len() > RATE_FRAMES_MAX {
            self.times.pop_front();
        }
        let since_ns = *self.since_ns.get_or_insert(at_ns);
        let (frames, seconds) = stated.filter(|(frames, seconds)| *frames > 0 && *seconds > 0)?;
        let is_known = at_ns - since_ns >= RATE_WINDOW_NS;
        let holds = self.said_ns.is_some_and(|said_ns| at_ns - said_ns < RATE_HOLD_NS);
        let is_low = is_low(self.times.len(), frames, seconds);
        if !is_known || holds || is_low == self.is_low {
            return None;
        }
        (self.is_low, self.said_ns) = (is_low, Some(at_ns));
        let (given, stated) = (self.times.len() as f64 / 2.0, f64::from(frames) / f64::from(seconds));
        Some(RateChange { is_low, detail: format!("{given:.1} of {stated:.1} frames/s") })
    }

    pub(crate) fn is_low(&self) -> bool {
        self.is_low
    }
}

/// Less than 3/4 of the frames that belong into a window.
fn is_low(count: usize, frames: u32, seconds: u32) -> bool {
    let window_s = RATE_WINDOW_NS / NS_PER_SECOND;
    let due = i128::from(window_s) * i128::from(frames);
    count as i128 * i128::from(seconds) * 4 < due * 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use gstreamer as gst;

    const MS: i64 = 1_000_000;

    fn frame(dts_ms: i64, pts_ms: i64) -> Frame {
        crate::init().unwrap();
        let (pts_ns, dts_ns) = (pts_ms * MS, Some(dts_ms * MS));
        Frame { buffer: gst::Buffer::new(), pts_ns, dts_ns, duration_ns: 40 * MS, key: false, timed: true }
    }

    /// How many frames went on with each of these times, and what was wrong at the end.
    fn went_on(times_ms: &[(i64, i64)]) -> (Vec<usize>, Option<BadStamps>) {
        let (mut stamps, mut counts) = (Stamps::default(), Vec::new());
        for (dts_ms, pts_ms) in times_ms {
            match stamps.check(frame(*dts_ms, *pts_ms), 10_000 * MS) {
                Ok(frames) => counts.push(frames.len()),
                Err(bad) => return (counts, Some(bad)),
            }
        }
        (counts, None)
    }

    fn same(times_ms: &[i64]) -> (Vec<usize>, Option<BadStamps>) {
        went_on(&times_ms.iter().map(|ms| (*ms, *ms)).collect::<Vec<_>>())
    }

    fn bad(reason: &str, frames: u64) -> Option<BadStamps> {
        Some(BadStamps { reason: reason.to_owned(), frames })
    }

    #[test]
    fn reordered_pictures_are_no_fault() {
        assert_eq!(went_on(&[(-80, 0), (-40, 120), (0, 40), (40, 80)]), (vec![1, 1, 1, 1], None));
    }

    #[test]
    fn an_accident_costs_no_frame() {
        assert_eq!(same(&[0, 40, 40, 80, 75, 120]), (vec![1, 1, 0, 2, 0, 2], None));
    }

    #[test]
    fn a_clock_that_stands_still_is_bad() {
        assert_eq!(
            same(&[0, 40, 40, 40, 40, 40, 40]),
            (vec![1, 1, 0, 0, 0, 0], bad("its times stand still: 5 frames in a row", 5))
        );
        let shown: Vec<_> = (0..9).map(|n| (n * 40, 200)).collect();
        assert_eq!(went_on(&shown).1, bad("its times stand still: 5 frames in a row", 5));
    }

    #[test]
    fn times_that_are_made_up_are_not_believed() {
        let untimed = |ms| Frame { timed: false, ..frame(ms, ms) };
        let mut stamps = Stamps::default();
        let mut check = |frame| stamps.check(frame, 10_000 * MS);
        check(frame(0, 0)).unwrap();
        assert_eq!(check(untimed(40)).unwrap().len(), 0);
        let times: Vec<_> = check(frame(50, 50)).unwrap().iter().map(|frame| frame.pts_ns / MS).collect();
        assert_eq!(times, [0, 50], "it is shown when its source said");
        let verdicts: Vec<_> = (0..5).map(|n| check(untimed(90 + n * 40)).map(|frames| frames.len())).collect();
        assert_eq!(verdicts[3], Ok(0));
        assert_eq!(verdicts[4].as_ref().err(), bad("its times stand still: 5 frames in a row", 5).as_ref());
    }

    #[test]
    fn times_that_go_back_are_bad_at_once() {
        assert_eq!(same(&[1000, 1040, 500]), (vec![1, 1], bad("its times went back by 540 ms", 1)));
        assert_eq!(same(&[1000, 1000, 500]), (vec![1, 0], bad("its times went back by 500 ms", 2)));
    }

    #[test]
    fn times_of_the_future_are_bad() {
        assert_eq!(same(&[9_900, 10_900]), (vec![1, 1], None));
        assert_eq!(same(&[9_900, 3_600_000]), (vec![1], bad("its times are 3590000 ms ahead", 1)));
    }

    /// What is said and when, of frames that come so far apart in each stretch of time.
    fn said(stretches_ms: &[(i64, i64)], stated: (u32, u32)) -> Vec<(i64, bool)> {
        let (mut watch, mut said, mut at_ms) = (RateWatch::default(), Vec::new(), 0);
        for (length_ms, apart_ms) in stretches_ms {
            for _ in 0..length_ms / apart_ms {
                said.extend(watch.note(at_ms * MS, Some(stated)).map(|change| (at_ms, change.is_low)));
                at_ms += apart_ms;
            }
        }
        said
    }

    #[test]
    fn half_the_frames_are_noticed_and_so_is_that_they_are_back() {
        let said = said(&[(10_000, 40), (10_000, 80), (10_000, 40)], (25, 1));
        assert_eq!(said.iter().map(|(_, is_low)| *is_low).collect::<Vec<_>>(), [true, false]);
        assert!((10_500..12_500).contains(&said[0].0) && (20_500..22_500).contains(&said[1].0), "{said:?}");
    }

    #[test]
    fn a_little_less_is_no_fault_and_the_first_moments_do_not_count() {
        assert_eq!(said(&[(20_000, 50)], (25, 1)), []);
        assert_eq!(said(&[(2_000, 200)], (25, 1)), []);
        assert_eq!(said(&[(20_000, 1000)], (1, 1)), []);
        assert_eq!(said(&[(20_000, 1000)], (0, 1)), []);
    }

    #[test]
    fn a_rate_at_the_limit_does_not_chatter() {
        let mut watch = RateWatch::default();
        let mut said = 0;
        for n in 0..3000 {
            let late_ms = if n % 3 == 0 { 4 } else { 0 };
            said += usize::from(watch.note((n * 53 + late_ms) * MS, Some((25, 1))).is_some());
        }
        assert!(said <= 160, "{said}");
    }

    #[test]
    fn the_detail_says_how_many() {
        let mut watch = RateWatch::default();
        let change = (0..100).find_map(|n| watch.note(n * 80 * MS, Some((25, 1)))).unwrap();
        assert_eq!(change, RateChange { is_low: true, detail: "12.5 of 25.0 frames/s".to_owned() });
    }
}
