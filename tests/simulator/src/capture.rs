// SPDX-License-Identifier: MIT OR Apache-2.0
//! A session's media on their way from the sources into fragments: what was captured and is not cut yet.

use crate::plan::{BYTES_PER_S, GROUP, Plan, SECOND};
use crate::source::Source;
use recorder::{Media, Medium, PerMedium};
use std::collections::VecDeque;

/// How much may wait beyond what the ring held, while that is being written, before frames are dropped: 16 MiB.
pub(crate) const BACKLOG_NS: u64 = (16 << 20) * SECOND / BYTES_PER_S;

/// A stretch of one medium. Empty if it begins where it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from_ns: u64,
    pub(crate) to_ns: u64,
}

impl Span {
    pub(crate) fn length_ns(self) -> u64 {
        self.to_ns.saturating_sub(self.from_ns)
    }
}

/// What becomes one chunk.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fragment {
    pub(crate) spans: PerMedium<Span>,
    pub(crate) cut_ns: u64,
}

/// Since when the ring holds what a source gives, as `crates/media/src/ring.rs` keeps it: sound only where it is not
/// private, from the group of pictures on in which the pre-record begins. Without a pre-record that is the last group, or of
/// sound alone the last packet.
fn held_from_ns(medium: Medium, sources: &PerMedium<Source>, plan: &Plan, now_ns: u64) -> Option<u64> {
    let since_ns = sources[medium].giving_since_ns?;
    let horizon_ns = now_ns.saturating_sub(plan.prerecord_ns);
    let group_ns = sources.video.giving_since_ns.and_then(|video_ns| group_at(video_ns, horizon_ns));
    match medium {
        Medium::Audio if plan.is_sound_private => Some(now_ns),
        _ => Some(since_ns.max(group_ns.unwrap_or(horizon_ns))),
    }
}

/// Where the group of pictures begins that is given at this time, if any is.
fn group_at(since_ns: u64, at_ns: u64) -> Option<u64> {
    at_ns.checked_sub(since_ns).map(|given_ns| since_ns + given_ns / GROUP * GROUP)
}

/// The media of one session.
#[derive(Clone, Debug)]
pub(crate) struct Capture {
    pub(crate) media: Media,
    /// Its session is open.
    pub(crate) is_open: bool,
    /// Nothing more goes in.
    pub(crate) is_ended: bool,
    /// What was captured before the session was open is in fragments …
    pub(crate) is_caught_up: bool,
    /// … and these are written.
    pub(crate) is_settled: bool,
    /// When it began.
    pub(crate) began_ns: u64,
    /// Where each medium begins: with what the ring held of it, or with the session.
    pub(crate) from_ns: PerMedium<u64>,
    waiting: PerMedium<VecDeque<Span>>,
}

impl Capture {
    /// Begins with what the ring holds of the sources that give. Those that are absent join when they do.
    pub(crate) fn new(media: Media, absent: Media, sources: &PerMedium<Source>, plan: &Plan, now_ns: u64) -> Capture {
        let waiting = PerMedium::default();
        let mut capture = Capture {
            media,
            is_open: false,
            is_ended: false,
            is_caught_up: false,
            is_settled: false,
            began_ns: now_ns,
            from_ns: PerMedium { video: now_ns, audio: now_ns },
            waiting,
        };
        for medium in media.iter().filter(|medium| !absent.contains(*medium)) {
            if let Some(from_ns) = held_from_ns(medium, sources, plan, now_ns) {
                capture.begin(medium, from_ns);
                capture.from_ns[medium] = from_ns;
            }
        }
        capture
    }

    /// A source gives from now on.
    pub(crate) fn begin(&mut self, medium: Medium, now_ns: u64) {
        if self.media.contains(medium) && !self.is_ended {
            self.waiting[medium].push_back(Span { from_ns: now_ns, to_ns: u64::MAX });
        }
    }

    /// A source gives no more.
    pub(crate) fn pause(&mut self, medium: Medium, now_ns: u64) {
        if let Some(span) = self.waiting[medium].back_mut() {
            span.to_ns = span.to_ns.min(now_ns);
            if span.length_ns() == 0 {
                self.waiting[medium].pop_back();
            }
        }
    }

    /// How much of it was captured and is not cut.
    pub(crate) fn waiting_ns(&self, medium: Medium, now_ns: u64) -> u64 {
        self.waiting[medium].iter().map(|span| span.to_ns.min(now_ns).saturating_sub(span.from_ns)).sum()
    }

    /// Whether all of it is cut.
    pub(crate) fn is_empty(&self) -> bool {
        Medium::ALL.into_iter().all(|medium| self.waiting[medium].is_empty())
    }

    /// Nothing goes in any more.
    pub(crate) fn end(&mut self, now_ns: u64) {
        Medium::ALL.into_iter().for_each(|medium| self.pause(medium, now_ns));
        self.is_ended = true;
    }

    /// How much of it waits to be cut.
    pub(crate) fn backlog_ns(&self, now_ns: u64, plan: &Plan) -> u64 {
        let length = |medium: Medium| {
            self.ready(medium, now_ns, plan).map_or(0, |(from_ns, _)| self.edge(medium, now_ns, plan) - from_ns)
        };
        self.media.iter().map(length).max().unwrap_or(0)
    }

    /// Whether something waits that nothing follows, so that it is not to wait for a full chunk.
    pub(crate) fn has_rest(&self, now_ns: u64, plan: &Plan) -> bool {
        let is_rest = |medium: Medium| self.waiting[medium].front().is_some_and(|span| span.to_ns != u64::MAX);
        self.media.iter().any(|medium| is_rest(medium) && self.ready(medium, now_ns, plan).is_some())
    }

    /// Cuts the earliest chunk.
    pub(crate) fn cut(&mut self, now_ns: u64, plan: &Plan) -> Option<Fragment> {
        let begins =
            self.media.iter().filter_map(|medium| self.ready(medium, now_ns, plan)).map(|(from_ns, _)| from_ns);
        let limit_ns = begins.min()? + plan.chunk_ns;
        let mut fragment = Fragment { cut_ns: now_ns, ..Fragment::default() };
        for medium in self.media.iter() {
            if let Some((from_ns, to_ns)) = self.ready(medium, now_ns, plan)
                && from_ns < limit_ns
            {
                let span = Span { from_ns, to_ns: to_ns.min(limit_ns) };
                fragment.spans[medium] = span;
                self.advance(medium, span.to_ns);
            }
        }
        Some(fragment)
    }

    /// The stretch that can be cut next.
    fn ready(&self, medium: Medium, now_ns: u64, plan: &Plan) -> Option<(u64, u64)> {
        let span = self.waiting[medium].front()?;
        let to_ns = if span.to_ns == u64::MAX { now_ns.saturating_sub(plan.latency_ns[medium]) } else { span.to_ns };
        (to_ns > span.from_ns).then_some((span.from_ns, to_ns))
    }

    /// Where all that was captured of it ends, as far as it has arrived.
    fn edge(&self, medium: Medium, now_ns: u64, plan: &Plan) -> u64 {
        match self.waiting[medium].back() {
            Some(span) if span.to_ns == u64::MAX => now_ns.saturating_sub(plan.latency_ns[medium]).max(span.from_ns),
            Some(span) => span.to_ns,
            None => 0,
        }
    }

    fn advance(&mut self, medium: Medium, to_ns: u64) {
        if let Some(span) = self.waiting[medium].front_mut() {
            span.from_ns = to_ns;
            if span.from_ns >= span.to_ns {
                self.waiting[medium].pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::MS;

    fn cuts(capture: &mut Capture, now_ns: u64, plan: &Plan) -> Vec<(u64, u64, u64, u64)> {
        let show = |fragment: Fragment| {
            let PerMedium { video, audio } = fragment.spans;
            (video.from_ns / MS, video.to_ns / MS, audio.from_ns / MS, audio.to_ns / MS)
        };
        std::iter::from_fn(|| capture.cut(now_ns, plan)).map(show).collect()
    }

    #[test]
    fn what_was_captured_is_cut_once_and_in_order_across_a_pause() {
        let mut plan = Plan::of(0);
        plan.latency_ns = PerMedium::default();
        let mut capture = Capture::new(Media::BOTH, Media::NONE, &PerMedium::default(), &plan, 0);
        capture.begin(Medium::Video, 0);
        capture.begin(Medium::Audio, 100 * MS);
        capture.pause(Medium::Video, 700 * MS);
        capture.begin(Medium::Video, 900 * MS);
        let expected = [(0, 500, 100, 500), (500, 700, 500, 1000), (900, 1200, 1000, 1200)];
        assert_eq!(cuts(&mut capture, 1200 * MS, &plan), expected);
        assert_eq!(capture.cut(1200 * MS, &plan).map(|fragment| fragment.spans), None);
    }
}
