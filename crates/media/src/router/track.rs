// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the router remembers of the source of one medium.
//!
//! Must not know recordings nor the other medium.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gstreamer as gst;

use crate::error::MediaError;
use crate::event::{Medium, TrackDetail, TrackInfo};
use crate::frame::{Frame, NS_PER_SECOND, default_duration_ns, pause_limit_ns, stated_duration_ns};
use crate::header::HeaderTrack;
use crate::pipeline::{caps_fraction, caps_text, caps_u32};
use crate::stamps::{BadStamps, RateChange, RateWatch, Stamps};

/// A live source that gives nothing for so many tenths of a frame length has failed: at one frame a second, one may be
/// missing and the next one late, and the alarm comes within 2.5 s all the same …
const SILENCE_FRAME_TENTHS: i64 = 23;
/// … but no sooner than this.
const SILENCE_MIN_NS: i64 = 2 * NS_PER_SECOND;

/// A hole of this length between two frames of a live source is told: a shorter one is a pause.
const MISSED_MIN_NS: i64 = 2 * NS_PER_SECOND;

/// A source that is wanted.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) medium: Medium,
    /// The source as configured, for messages.
    pub(crate) origin: String,
    /// The encoder, or `passthrough`.
    pub(crate) encoder: String,
    /// The source cannot wait: when there is no room, frames are lost.
    pub(crate) live: bool,
}

pub(crate) type AskKey = Arc<dyn Fn() + Send + Sync>;

/// How far a source has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is open and its first frame is still to come.
    Opening,
    Up,
    /// It failed, ended or was closed.
    Over,
}

pub(crate) struct Track {
    pub(crate) wish: Wish,
    /// Which opening of this medium.
    pub(crate) number: u64,
    pub(crate) standing: Standing,
    pub(crate) caps: Option<gst::Caps>,
    /// Why it could not be opened.
    pub(crate) failure: Option<MediaError>,
    /// Asks its encoder for a key frame.
    pub(crate) ask_key: Option<AskKey>,
    stamps: Stamps,
    rate: RateWatch,
    /// Where its first frame begins and its last ends.
    begin_ns: Option<i64>,
    end_ns: Option<i64>,
    /// When the last frame came.
    arrived: Option<Instant>,
    /// Until when nothing could be seen to come, for the whole recorder stood still.
    excused: Option<Instant>,
    /// How long frames usually last.
    usual_ns: Option<i64>,
}

impl Track {
    pub(crate) fn new(wish: Wish, number: u64) -> Self {
        Self {
            wish,
            number,
            standing: Standing::Opening,
            caps: None,
            failure: None,
            ask_key: None,
            stamps: Stamps::default(),
            rate: RateWatch::default(),
            begin_ns: None,
            end_ns: None,
            arrived: None,
            excused: None,
            usual_ns: None,
        }
    }

    pub(crate) fn medium(&self) -> Medium {
        self.wish.medium
    }

    pub(crate) fn is_up(&self) -> bool {
        self.standing == Standing::Up
    }

    pub(crate) fn is_over(&self) -> bool {
        self.standing == Standing::Over
    }

    /// The first format is taken; a later one must be the same, for the init header cannot change.
    pub(crate) fn accepts_caps(&mut self, caps: &gst::CapsRef) -> bool {
        match &self.caps {
            // The same object, nearly always: no comparison of fields per frame.
            Some(known) => std::ptr::eq(known.as_ref(), caps) || known.as_ref() == caps,
            None => {
                self.caps = Some(caps.to_owned());
                true
            }
        }
    }

    /// Whether the source begins with this frame or has begun: pictures begin with a key frame.
    pub(crate) fn begins_with(&self, frame: &Frame) -> bool {
        self.is_up() || self.medium() == Medium::Audio || frame.key
    }

    /// The frames that may go on with this one. A file's times are taken as they are, a device's are watched.
    pub(crate) fn believe(&mut self, frame: Frame, now_ns: i64) -> Result<Vec<Frame>, BadStamps> {
        if self.wish.live { self.stamps.check(frame, now_ns) } else { Ok(vec![frame]) }
    }

    /// Notes that a frame came. Where the source stretches it over a pause, it lasts as long as
    /// frames usually do.
    pub(crate) fn arrive(&mut self, mut frame: Frame) -> Frame {
        let usual_ns = self.usual_ns.or(self.stated_ns());
        let usual_ns = usual_ns.unwrap_or(frame.duration_ns.min(NS_PER_SECOND));
        if frame.duration_ns > pause_limit_ns(usual_ns) {
            frame.duration_ns = usual_ns;
        }
        self.usual_ns = Some(frame.duration_ns);
        self.arrived = Some(Instant::now());
        self.begin_ns.get_or_insert(frame.pts_ns);
        self.end_ns = self.end_ns.max(Some(frame.end_ns()));
        frame
    }

    /// From when to when a live source gave nothing before this frame, if that is long. A file that waits misses nothing.
    pub(crate) fn missed_before(&self, frame: &Frame) -> Option<(i64, i64)> {
        let end_ns = self.end_ns.filter(|_| self.wish.live)?;
        (frame.pts_ns - end_ns >= MISSED_MIN_NS).then_some((end_ns, frame.pts_ns))
    }

    /// What is to be said about the frame rate now that this frame came.
    pub(crate) fn watch_rate(&mut self, frame: &Frame) -> Option<RateChange> {
        if !self.wish.live || self.medium() == Medium::Audio {
            return None;
        }
        let stated = self.caps.as_ref().and_then(|caps| caps_fraction(caps, "framerate"));
        self.rate.note(frame.decoded_ns(), stated)
    }

    pub(crate) fn has_low_rate(&self) -> bool {
        self.rate.is_low()
    }

    fn stated_ns(&self) -> Option<i64> {
        self.caps.as_ref().and_then(|caps| stated_duration_ns(self.medium(), caps))
    }

    /// How long one frame lasts, as far as is known.
    pub(crate) fn frame_ns(&self) -> Option<i64> {
        let default_ns = || self.caps.as_ref().map(|caps| default_duration_ns(self.medium(), caps));
        self.stated_ns().or(self.usual_ns).or_else(default_ns).filter(|frame_ns| *frame_ns > 0)
    }

    /// Where its last frame ends.
    pub(crate) fn end_ns(&self) -> Option<i64> {
        self.end_ns
    }

    /// How much it has given.
    pub(crate) fn length_ns(&self) -> i64 {
        self.begin_ns.zip(self.end_ns).map_or(0, |(begin_ns, end_ns)| end_ns - begin_ns)
    }

    /// For how long no frame has come; `None` before the first.
    pub(crate) fn idle(&self) -> Option<Duration> {
        self.arrived.map(|arrived| arrived.elapsed())
    }

    /// Whether it has been idle for so long that its source must have failed.
    pub(crate) fn is_silent(&self) -> bool {
        let seen = self.arrived.max(self.excused).filter(|_| self.arrived.is_some());
        self.is_up() && seen.is_some_and(|seen| seen.elapsed() > nanoseconds(self.silence_limit_ns()))
    }

    /// What a source says of its rate counts more than how long its last frame lasted, which may be stretched.
    fn silence_limit_ns(&self) -> i64 {
        (self.frame_ns().unwrap_or(0).saturating_mul(SILENCE_FRAME_TENTHS) / 10).max(SILENCE_MIN_NS)
    }

    /// Nobody could have seen its frames until now.
    pub(crate) fn excuse(&mut self) {
        self.excused = Some(Instant::now());
    }

    /// How many frames came with times that do not go on, if that is what makes it silent.
    pub(crate) fn stuck(&self) -> Option<u64> {
        self.stamps.stuck()
    }

    /// Whether no frame has come for this long, nor within what may be between two frames.
    pub(crate) fn is_idle(&self, limit_ns: i64) -> bool {
        let pause_ns = pause_limit_ns(self.usual_ns.unwrap_or(0));
        self.idle().is_none_or(|idle| idle > nanoseconds(limit_ns.max(pause_ns)))
    }

    pub(crate) fn header_track(&self) -> Option<HeaderTrack> {
        self.caps.as_ref().map(|caps| HeaderTrack::new(self.medium(), caps))
    }

    pub(crate) fn info(&self) -> Option<TrackInfo> {
        let caps = self.caps.as_ref()?;
        Some(TrackInfo {
            medium: self.medium(),
            codec_name: codec_name(self.medium(), caps),
            encoder: self.wish.encoder.clone(),
            detail: detail(self.medium(), caps),
        })
    }
}

fn nanoseconds(time_ns: i64) -> Duration {
    Duration::from_nanos(u64::try_from(time_ns).unwrap_or(0))
}

fn codec_name(medium: Medium, caps: &gst::CapsRef) -> String {
    let text = |field| caps_text(caps, field).unwrap_or_default();
    match medium {
        Medium::Video => format!("H.264 {} {}", text("profile"), text("level")),
        Medium::Audio => "AAC-LC".to_owned(),
    }
}

fn detail(medium: Medium, caps: &gst::CapsRef) -> TrackDetail {
    match medium {
        Medium::Video => TrackDetail::Video {
            width: caps_u32(caps, "width"),
            height: caps_u32(caps, "height"),
            frame_rate: caps_fraction(caps, "framerate").unwrap_or((0, 1)),
        },
        Medium::Audio => TrackDetail::Audio { rate_hz: caps_u32(caps, "rate"), channels: caps_u32(caps, "channels") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn track(caps: &str) -> Track {
        crate::init().unwrap();
        let (origin, encoder) = ("test:".to_owned(), String::new());
        let mut track = Track::new(Wish { medium: Medium::Video, origin, encoder, live: true }, 0);
        track.accepts_caps(&caps.parse::<gst::Caps>().unwrap());
        track
    }

    /// What frames that their source says last so long are taken to last.
    fn durations_ms(caps: &str, said_ms: &[i64]) -> Vec<i64> {
        let mut track = track(caps);
        said_ms.iter().map(|said_ms| track.arrive(frame(*said_ms)).duration_ns / MS).collect()
    }

    fn frame(duration_ms: i64) -> Frame {
        let (buffer, duration_ns) = (gst::Buffer::new(), duration_ms * MS);
        Frame { buffer, pts_ns: 0, dts_ns: None, duration_ns, key: true, timed: true }
    }

    #[test]
    fn a_frame_that_is_stretched_over_a_pause_lasts_as_usual() {
        for caps in ["video/x-h264", "video/x-h264,framerate=25/1", "video/x-h264,framerate=5/1"] {
            assert_eq!(durations_ms(caps, &[40, 40, 5000, 40]), [40, 40, 40, 40], "{caps}");
        }
        assert_eq!(durations_ms("video/x-h264,framerate=25/1", &[5000, 40]), [40, 40]);
    }

    #[test]
    fn a_recorder_that_stood_still_does_not_blame_its_sources() {
        let mut track = track("video/x-h264,framerate=25/1");
        track.standing = Standing::Up;
        track.arrived = Instant::now().checked_sub(Duration::from_secs(10));
        assert!(track.is_silent());
        track.excuse();
        assert!(!track.is_silent());
        track.excused = Instant::now().checked_sub(Duration::from_secs(3));
        assert!(track.is_silent());
        assert!(track.idle().unwrap() > Duration::from_secs(9), "its last picture is as old as before");
    }

    /// What is said to be missed, in ms, where frames of 40 ms begin at these times.
    fn missed_ms(live: bool, begin_ms: &[i64]) -> Vec<(i64, i64)> {
        let mut track = track("video/x-h264,framerate=25/1");
        track.wish.live = live;
        let missed = begin_ms.iter().filter_map(|ms| {
            let next = frame(40).shown_at(ms * MS);
            let missed = track.missed_before(&next);
            track.arrive(next);
            missed
        });
        missed.map(|(from_ns, to_ns)| (from_ns / MS, to_ns / MS)).collect()
    }

    #[test]
    fn a_live_source_missed_what_is_longer_than_a_pause() {
        assert_eq!(missed_ms(true, &[0, 40, 2079, 2119, 4159, 4199, 9000]), [(2159, 4159), (4239, 9000)]);
        assert_eq!(missed_ms(true, &[9000, 40, 9040]), [], "frames are shown in another order");
        assert_eq!(missed_ms(false, &[0, 40, 9000]), []);
    }

    /// Whether a camera is silent that gives frames so long, whether it says its rate or not, after this time.
    fn is_silent(frame_ms: i64, silent_ms: u64) -> [bool; 2] {
        ["video/x-h264".to_owned(), format!("video/x-h264,framerate=1000/{frame_ms}")].map(|caps| {
            let mut track = track(&caps);
            track.standing = Standing::Up;
            track.arrive(frame(frame_ms));
            track.arrived = Instant::now().checked_sub(Duration::from_millis(silent_ms));
            track.is_silent()
        })
    }

    #[test]
    fn silence_is_told_within_two_and_a_half_seconds_at_any_rate_and_one_missing_frame_is_none() {
        // It is looked at each 100 ms.
        for rate in [1, 2, 3, 10, 30] {
            let frame_ms = 1000 / rate;
            let one_missing_ms = u64::try_from(2 * frame_ms + 200).unwrap();
            assert_eq!(is_silent(frame_ms, 2400), [true, true], "{rate} frames/s");
            assert_eq!(is_silent(frame_ms, one_missing_ms.max(1900)), [false, false], "{rate} frames/s");
        }
        assert_eq!(is_silent(2000, 4_300), [false, false], "one each 2 s");
    }

    #[test]
    fn frames_that_come_seldom_last_as_long_as_they_say() {
        assert_eq!(durations_ms("video/x-h264", &[500, 500, 200, 166, 33]), [500, 500, 200, 166, 33]);
        assert_eq!(durations_ms("video/x-h264,framerate=1/1", &[1000, 1000]), [1000, 1000]);
    }
}
