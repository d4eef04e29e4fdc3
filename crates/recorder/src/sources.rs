// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether each source is closed, being opened, giving, ended or gone, and when one that is gone is opened again.

use crate::fault::Fault;
use crate::medium::{Media, Medium, PerMedium};

const MS: u64 = 1_000_000;

/// How long to wait before a source that failed is opened again: after the first failure, the second, and so on.
const BACKOFF_NS: [u64; 3] = [250 * MS, 500 * MS, 1_000 * MS];

/// A source that has not given so long after it was opened is told, however long it may take.
pub(crate) const SLOW_NS: u64 = 2_500 * MS;

/// A source that gave for so long before it failed is tried again as after its first failure. One that comes and goes is
/// not: each coming and going is an interruption in the ledger and a segment of its own.
const STEADY_NS: u64 = 10_000 * MS;

/// How a source failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) fault: Fault,
    pub(crate) reason: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Status {
    #[default]
    Closed,
    /// It must give by `until_ns`. It is slow from `slow_ns` on, until that is told.
    Opening { slow_ns: Option<u64>, until_ns: u64 },
    /// It gives since then.
    Up { since_ns: u64 },
    /// It gave all it had.
    Ended,
    /// It is closed, and opened again then, if ever.
    Gone { failure: Failure, retry_ns: Option<u64> },
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Source {
    status: Status,
    failures: usize,
}

/// Both sources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sources {
    each: PerMedium<Source>,
}

impl Sources {
    /// The source is being opened and must give within `timeout_ns`.
    pub(crate) fn open(&mut self, medium: Medium, now_ns: u64, timeout_ns: u64) {
        let slow_ns = Some(now_ns.saturating_add(SLOW_NS));
        self.each[medium].status = Status::Opening { slow_ns, until_ns: now_ns.saturating_add(timeout_ns) };
    }

    /// The source gives. False if it was not asked to.
    pub(crate) fn up(&mut self, medium: Medium, since_ns: u64) -> bool {
        let is_expected = matches!(self.each[medium].status, Status::Opening { .. });
        if is_expected {
            self.each[medium].status = Status::Up { since_ns };
        }
        is_expected
    }

    /// The source gave all it had.
    pub(crate) fn end(&mut self, medium: Medium) {
        self.each[medium].status = Status::Ended;
    }

    /// The source failed. It is due again after a while if it is to be tried again.
    pub(crate) fn fail(&mut self, medium: Medium, failure: Failure, now_ns: u64, is_retried: bool) {
        let source = &mut self.each[medium];
        if let Status::Up { since_ns } = source.status
            && now_ns.saturating_sub(since_ns) >= STEADY_NS
        {
            source.failures = 0;
        }
        let wait_ns = BACKOFF_NS[source.failures.min(BACKOFF_NS.len() - 1)];
        source.failures = source.failures.saturating_add(1);
        let retry_ns = is_retried.then(|| now_ns.saturating_add(wait_ns));
        source.status = Status::Gone { failure, retry_ns };
    }

    /// The source is closed and nothing is remembered of it.
    pub(crate) fn close(&mut self, medium: Medium) {
        self.each[medium] = Source::default();
    }

    /// Whether there is something to close.
    pub(crate) fn is_open(&self, medium: Medium) -> bool {
        self.is_running(medium) || self.has_ended(medium)
    }

    /// Whether it is open and not at its end.
    pub(crate) fn is_running(&self, medium: Medium) -> bool {
        self.is_opening(medium) || matches!(self.each[medium].status, Status::Up { .. })
    }

    pub(crate) fn is_opening(&self, medium: Medium) -> bool {
        matches!(self.each[medium].status, Status::Opening { .. })
    }

    pub(crate) fn has_ended(&self, medium: Medium) -> bool {
        matches!(self.each[medium].status, Status::Ended)
    }

    /// Whether its first frame has come.
    pub(crate) fn has_given(&self, medium: Medium) -> bool {
        matches!(self.each[medium].status, Status::Up { .. } | Status::Ended)
    }

    /// How it failed, if it is gone.
    pub(crate) fn failure(&self, medium: Medium) -> Option<&Failure> {
        match &self.each[medium].status {
            Status::Gone { failure, .. } => Some(failure),
            _ => None,
        }
    }

    /// Whether it is gone and opened again after a while.
    pub(crate) fn is_retried(&self, medium: Medium) -> bool {
        matches!(self.each[medium].status, Status::Gone { retry_ns: Some(_), .. })
    }

    /// Whether it is gone, or takes so long that this was told.
    pub(crate) fn is_missing(&self, medium: Medium) -> bool {
        matches!(self.each[medium].status, Status::Gone { .. } | Status::Opening { slow_ns: None, .. })
    }

    /// Whether nothing will come of it any more.
    pub(crate) fn is_over(&self, medium: Medium) -> bool {
        matches!(self.each[medium].status, Status::Ended | Status::Gone { retry_ns: None, .. })
    }

    /// The machine slept for so long: what is being opened could not give meanwhile.
    pub(crate) fn slept(&mut self, asleep_ns: u64) {
        for medium in Medium::ALL {
            if let Status::Opening { slow_ns, until_ns } = &mut self.each[medium].status {
                slow_ns.iter_mut().chain([until_ns]).for_each(|at_ns| *at_ns = at_ns.saturating_add(asleep_ns));
            }
        }
    }

    /// Those that are to be opened again now.
    pub(crate) fn due(&self, now_ns: u64) -> Media {
        let is_due = |medium: &Medium| match self.each[*medium].status {
            Status::Gone { retry_ns: Some(at_ns), .. } => at_ns <= now_ns,
            _ => false,
        };
        Medium::ALL.into_iter().filter(is_due).collect()
    }

    /// Those that take long to give. Each is told once.
    pub(crate) fn take_slow(&mut self, now_ns: u64) -> Media {
        let mut is_slow = |medium: &Medium| match &mut self.each[*medium].status {
            Status::Opening { slow_ns, .. } => slow_ns.take_if(|at_ns| *at_ns <= now_ns).is_some(),
            _ => false,
        };
        Medium::ALL.into_iter().filter(|medium| is_slow(medium)).collect()
    }

    /// Those that should have given by now.
    pub(crate) fn late(&self, now_ns: u64) -> Media {
        let is_late = |medium: &Medium| match self.each[*medium].status {
            Status::Opening { until_ns, .. } => until_ns <= now_ns,
            _ => false,
        };
        Medium::ALL.into_iter().filter(is_late).collect()
    }

    pub(crate) fn next_wake_ns(&self) -> Option<u64> {
        let wake = |medium: Medium| match self.each[medium].status {
            Status::Opening { slow_ns, until_ns } => Some(slow_ns.unwrap_or(until_ns).min(until_ns)),
            Status::Gone { retry_ns, .. } => retry_ns,
            _ => None,
        };
        Medium::ALL.into_iter().filter_map(wake).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(sources: &mut Sources, now_ns: u64) -> u64 {
        let failure = Failure { fault: Fault::Camera, reason: String::new() };
        sources.fail(Medium::Video, failure, now_ns, true);
        (sources.next_wake_ns().unwrap() - now_ns) / MS
    }

    #[test]
    fn the_waits_become_longer_up_to_two_seconds() {
        let mut sources = Sources::default();
        let waits: Vec<u64> = (0..6).map(|number| fail(&mut sources, number)).collect();
        assert_eq!(waits, [250, 500, 1_000, 1_000, 1_000, 1_000]);
    }

    #[test]
    fn only_a_source_that_gave_for_a_while_is_tried_again_at_once() {
        let mut sources = Sources::default();
        let mut gave_for = |ns: u64| {
            sources.open(Medium::Video, 0, u64::MAX);
            assert!(sources.up(Medium::Video, 0));
            fail(&mut sources, ns)
        };
        assert_eq!((gave_for(MS), gave_for(MS), gave_for(STEADY_NS), gave_for(MS)), (250, 500, 250, 500));
    }
}
