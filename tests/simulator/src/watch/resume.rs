// SPDX-License-Identifier: MIT OR Apache-2.0
//! A recording that was cut off goes on: when, and what is lost of its sources before it does.

use crate::devices::REJOIN_NS;
use crate::plan::{MS, Plan};
use crate::watch::{Invariant, Verdict, must};
use recorder::{Media, Medium};

/// How long a source that is held may wait for another that was opened with it.
const WAIT_NS: u64 = 2_500 * MS;

/// A recording that is to go on.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResumeWatch {
    media: Media,
    since_ns: u64,
    /// When its session was to be opened first.
    asked_ns: Option<u64>,
    is_opening: bool,
}

impl ResumeWatch {
    pub(crate) fn new(media: Media, since_ns: u64) -> ResumeWatch {
        ResumeWatch { media, since_ns, ..ResumeWatch::default() }
    }

    /// What waits to be recorded.
    pub(crate) fn media(&self) -> Media {
        self.media
    }

    /// Its session is to be opened, and the media that give begin so long behind their first frames. A source that is held
    /// loses what its ring does not hold of the wait for the other; one that is not held loses nothing. While the session
    /// cannot be opened, all of it is lost. A replay waits itself.
    pub(crate) fn opens(&mut self, lost: &[(Medium, u64)], plan: &Plan, now_ns: u64) -> Verdict {
        self.is_opening = true;
        let refused_ns = now_ns - *self.asked_ns.get_or_insert(now_ns);
        let is_judged = |medium: Medium| self.media.contains(medium) && plan.rules.repeatable;
        lost.iter().filter(|(medium, _)| is_judged(*medium)).try_for_each(|(medium, lost_ns)| {
            let wait_ns = if plan.rules.held.contains(*medium) { WAIT_NS.saturating_sub(plan.prerecord_ns) } else { 0 };
            must(*lost_ns <= wait_ns + refused_ns, Invariant::ResumeLoss, || {
                format!("{} ms of {medium} came before the session that goes on", lost_ns / MS)
            })
        })
    }

    /// Its session cannot be opened now.
    pub(crate) fn refused(&mut self, now_ns: u64) {
        (self.is_opening, self.since_ns) = (false, now_ns);
    }

    /// It is opened soon when one of its sources could have given since `well_ns`.
    pub(crate) fn check(&self, well_ns: Option<u64>, now_ns: u64) -> Verdict {
        let well_ns = well_ns.filter(|_| !self.is_opening && !self.media.is_empty());
        let is_late = well_ns.is_some_and(|well_ns| now_ns > well_ns.max(self.since_ns) + REJOIN_NS + WAIT_NS);
        must(!is_late, Invariant::Resumed, || "what was cut off does not go on".into())
    }
}
