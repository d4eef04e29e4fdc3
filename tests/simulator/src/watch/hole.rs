// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a cut leaves: from the last durable frame to the recovery everything lies in an interruption. Sees what becomes
//! durable, in its order.

use crate::capture::Fragment;
use crate::disk::{Body, Hole};
use crate::watch::coverage::TOLERANCE_NS;
use crate::watch::{Invariant, Verdict, must};
use recorder::{Media, Medium, PerMedium};

/// How far each medium of the session is accounted for on the disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct HoleWatch {
    media: Media,
    recorded_ns: u64,
    up_to_ns: PerMedium<u64>,
    open: Vec<(u64, Media)>,
}

impl HoleWatch {
    /// A chunk is durable.
    pub(crate) fn stored(&mut self, fragment: &Fragment) {
        for medium in Medium::ALL {
            self.reach(medium, fragment.spans[medium].to_ns);
            self.recorded_ns = self.recorded_ns.max(fragment.spans[medium].to_ns);
        }
    }

    /// An entry is durable.
    pub(crate) fn entered(&mut self, body: Body) {
        match body {
            Body::Start { media, from_ns, .. } => {
                *self = HoleWatch { media, up_to_ns: from_ns, ..HoleWatch::default() };
            }
            Body::Begin { number, media, .. } => self.open.push((number, media)),
            Body::Over { number, to_ns, .. } => self.over(number, to_ns),
            Body::Boot | Body::End { .. } | Body::Step { .. } => {}
        }
    }

    /// A replay's medium came to its end.
    pub(crate) fn end(&mut self, medium: Medium) {
        self.media = self.media.without(medium);
    }

    /// A start closed what a cut left.
    pub(crate) fn closed(&self, hole: &Hole, now_ns: u64) -> Verdict {
        let Hole { from_ns, to_ns, .. } = *hole;
        must(to_ns == now_ns, Invariant::CutCovered, || "what a cut left ends before the recovery".into())?;
        must(from_ns >= self.recorded_ns, Invariant::CutCovered, || "what a cut left begins in what is there".into())?;
        self.media.iter().try_for_each(|medium| self.reaches(medium, from_ns))
    }

    fn reaches(&self, medium: Medium, from_ns: u64) -> Verdict {
        let is_interrupted = self.open.iter().any(|(_, media)| media.contains(medium));
        let gap_ns = from_ns.saturating_sub(self.up_to_ns[medium]);
        must(gap_ns <= TOLERANCE_NS || is_interrupted, Invariant::CutCovered, || {
            format!("{} ms of {medium} before what a cut left are in no interruption", gap_ns / 1_000_000)
        })
    }

    fn over(&mut self, number: u64, to_ns: u64) {
        let at = self.open.iter().position(|(open, _)| *open == number);
        let media = at.map(|at| self.open.swap_remove(at).1).unwrap_or_default();
        media.iter().for_each(|medium| self.reach(medium, to_ns));
    }

    fn reach(&mut self, medium: Medium, to_ns: u64) {
        self.up_to_ns[medium] = self.up_to_ns[medium].max(to_ns);
    }
}
