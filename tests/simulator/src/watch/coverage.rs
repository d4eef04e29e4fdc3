// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every second of a session is recorded, or lies in an interruption: medium by medium, how far that is so.

use crate::capture::{Fragment, Span};
use crate::plan::SECOND;
use crate::watch::{Invariant, Verdict, must};
use recorder::{Fault, Media, Medium, PerMedium};

/// A chunk and the time after which a source counts as silent.
pub(crate) const TOLERANCE_NS: u64 = 3 * SECOND;

#[derive(Clone, Copy, Debug)]
struct Open {
    number: u64,
    media: Media,
    from_ns: u64,
    fault: Fault,
}

/// What an interruption says when it begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) number: u64,
    pub(crate) fault: Fault,
    pub(crate) media: Media,
    pub(crate) from_ns: u64,
}

/// How far each medium of the session is accounted for.
#[derive(Clone, Debug, Default)]
pub(crate) struct CoverageWatch {
    media: Media,
    up_to_ns: PerMedium<u64>,
    recorded_ns: PerMedium<u64>,
    lost_ns: u64,
    began_ns: u64,
    absent: Media,
    missed: Vec<(Medium, Span)>,
    open: Vec<Open>,
    last_number: u64,
}

impl CoverageWatch {
    /// A session begins, without those that are absent.
    pub(crate) fn begin(&mut self, media: Media, absent: Media, from_ns: PerMedium<u64>, now_ns: u64) {
        *self = CoverageWatch { media, absent, up_to_ns: from_ns, began_ns: now_ns, ..CoverageWatch::default() };
    }

    /// A replay's medium is over, or the session is.
    pub(crate) fn end(&mut self, medium: Medium) {
        self.media = self.media.without(medium);
    }

    /// A fragment was cut and is on its way to the disk.
    pub(crate) fn cut(&mut self, fragment: &Fragment) -> Verdict {
        for medium in self.media.iter() {
            let span = fragment.spans[medium];
            if span.length_ns() > 0 {
                self.reach(medium, span.from_ns)?;
                self.claims_nothing_of(medium, span.to_ns)?;
                self.up_to_ns[medium] = self.up_to_ns[medium].max(span.to_ns);
                self.recorded_ns[medium] = span.to_ns;
            }
        }
        Ok(())
    }

    /// The daemon stood still, and this is gone.
    pub(crate) fn missed(&mut self, medium: Medium, span: Span) {
        if self.media.contains(medium) {
            self.missed.push((medium, span));
        }
    }

    /// What must be in an interruption as soon as the session is open is.
    pub(crate) fn entered(&self) -> Verdict {
        let absent = self.absent;
        must(absent.is_empty(), Invariant::Absent, || format!("{absent:?} is absent and in no interruption"))?;
        let missed = self.missed.first();
        must(missed.is_none(), Invariant::Standstill, || format!("{missed:?} is in no interruption by the recorder"))
    }

    /// A fragment found no room.
    pub(crate) fn lost(&mut self, now_ns: u64) {
        self.lost_ns = now_ns;
    }

    /// An interruption begins. It must leave nothing out before it; while the pre-record is still being written, that shows
    /// only later.
    pub(crate) fn interrupted(&mut self, claim: Claim, is_caught_up: bool) -> Verdict {
        let Claim { number, fault, media, from_ns } = claim;
        must(number == self.last_number + 1, Invariant::Paired, || format!("{number} follows {}", self.last_number))?;
        self.last_number = number;
        let is_explained = |medium: &Medium| media.contains(*medium) && from_ns <= self.began_ns;
        self.absent = self.absent.iter().filter(|medium| !is_explained(medium)).collect();
        for medium in media.iter().filter(|medium| is_caught_up && self.media.contains(*medium)) {
            self.reach(medium, from_ns)?;
        }
        for medium in media.iter() {
            let recorded_ns = self.recorded_ns[medium];
            must(from_ns + TOLERANCE_NS >= recorded_ns, Invariant::Truthful, || {
                format!("interruption {number} begins before {medium} that was recorded")
            })?;
        }
        self.open.push(Open { number, media, from_ns, fault });
        Ok(())
    }

    /// It is over.
    pub(crate) fn resumed(&mut self, number: u64, to_ns: u64) -> Verdict {
        let at = self.open.iter().position(|open| open.number == number);
        must(at.is_some(), Invariant::Paired, || format!("{number} is over and was not open"))?;
        if let Some(open) = at.map(|at| self.open.swap_remove(at)) {
            self.explain(open, to_ns);
            for medium in open.media.iter() {
                self.up_to_ns[medium] = self.up_to_ns[medium].max(to_ns);
            }
        }
        Ok(())
    }

    fn explain(&mut self, open: Open, to_ns: u64) {
        let Open { media, from_ns, fault, .. } = open;
        let holds = |span: Span| from_ns <= span.from_ns && span.to_ns <= to_ns;
        let is_explained = |medium, span| fault == Fault::Recorder && media.contains(medium) && holds(span);
        self.missed.retain(|(medium, span)| !is_explained(*medium, *span));
    }

    /// The recording is to end, or its session to be closed.
    pub(crate) fn closing(&self) -> Verdict {
        must(self.open.is_empty(), Invariant::Paired, || format!("{} interruptions are open", self.open.len()))
    }

    /// Everything up to now is accounted for.
    pub(crate) fn check(&self, now_ns: u64) -> Verdict {
        self.media.iter().try_for_each(|medium| self.reach(medium, now_ns))
    }

    /// No open interruption speaks of what is recorded.
    fn claims_nothing_of(&self, medium: Medium, to_ns: u64) -> Verdict {
        // A storage that lost some and took some: what it took does not count against it until it loses none.
        let since_ns = |open: &Open| match open.fault {
            Fault::Storage => open.from_ns.max(self.lost_ns),
            _ => open.from_ns,
        };
        let claims = |open: &&Open| open.media.contains(medium) && to_ns > since_ns(open) + TOLERANCE_NS;
        let claim = self.open.iter().find(claims);
        must(claim.is_none(), Invariant::Truthful, || format!("{medium} is recorded, and lies in {claim:?}"))
    }

    fn reach(&self, medium: Medium, to_ns: u64) -> Verdict {
        let is_interrupted = || self.open.iter().any(|open| open.media.contains(medium));
        let gap_ns = to_ns.saturating_sub(self.up_to_ns[medium]);
        must(gap_ns <= TOLERANCE_NS || is_interrupted(), Invariant::Covered, || {
            format!("{} ms of {medium} are neither recorded nor in an interruption", gap_ns / 1_000_000)
        })
    }
}
