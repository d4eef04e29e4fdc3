// SPDX-License-Identifier: MIT OR Apache-2.0
//! What cuts cost, over all cuts of a run.

use crate::plan::{MS, SECOND};
use crate::watch::{Invariant, Verdict, must};

/// The most that a cut may cost.
pub(crate) const LOSS_MAX_NS: u64 = SECOND;

/// The most that half the cuts may cost.
pub(crate) const LOSS_MEDIAN_MAX_NS: u64 = 600 * MS;

/// How many cuts make a median.
const CUTS_MIN: u64 = 100;

const BINS: usize = 2_000;

/// What held media back from the disk when the power went, beyond what a healthy write takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// Nothing.
    No,
    /// The pre-record was still being written, and is so long.
    Prerecord(u64),
    /// A write stood still for so long.
    Storage(u64),
}

/// How many cuts of a kind there were, and the most that one cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Worst {
    /// How many.
    pub cuts: u64,
    /// The largest loss.
    pub largest_ns: u64,
}

impl Worst {
    fn add(&mut self, cuts: u64, loss_ns: u64) {
        self.cuts += cuts;
        self.largest_ns = self.largest_ns.max(loss_ns);
    }
}

/// Losses by cuts in a recording, counted by milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Losses {
    bins: Vec<u64>,
    /// Where nothing held media back.
    pub free: Worst,
    /// Where the pre-record was still being written.
    pub in_prerecord: Worst,
    /// Where a write stood still.
    pub in_stall: Worst,
}

impl Default for Losses {
    fn default() -> Losses {
        let none = Worst::default();
        Losses { bins: vec![0; BINS], free: none, in_prerecord: none, in_stall: none }
    }
}

impl Losses {
    /// A cut cost so much.
    pub(crate) fn add(&mut self, loss_ns: u64, held: Held) -> Verdict {
        self.bins[usize::try_from(loss_ns / MS).unwrap_or(BINS).min(BINS - 1)] += 1;
        let (worst, held_ns) = match held {
            Held::No => (&mut self.free, 0),
            Held::Prerecord(held_ns) => (&mut self.in_prerecord, held_ns),
            Held::Storage(held_ns) => (&mut self.in_stall, held_ns),
        };
        worst.add(1, loss_ns);
        must(loss_ns <= LOSS_MAX_NS + held_ns, Invariant::CutLoss, || {
            format!("{} ms are lost; held back: {} ms", loss_ns / MS, held_ns / MS)
        })
    }

    /// How many cuts there were.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.free.cuts + self.in_prerecord.cuts + self.in_stall.cuts
    }

    /// The loss that half the cuts do not exceed, rounded up to a millisecond.
    #[must_use]
    pub fn median_ns(&self) -> u64 {
        let mut seen = 0;
        let half = self.bins.iter().position(|count| {
            seen += count;
            seen * 2 >= self.cuts()
        });
        (half.unwrap_or(0) as u64 + 1) * MS
    }

    /// Whether the median is small enough, once there are enough cuts for one.
    pub(crate) fn check(&self) -> Verdict {
        let is_right = self.cuts() < CUTS_MIN || self.median_ns() <= LOSS_MEDIAN_MAX_NS;
        must(is_right, Invariant::CutMedian, || {
            format!("half of {} cuts cost {} ms", self.cuts(), self.median_ns() / MS)
        })
    }

    /// Adds those of another run.
    pub fn join(&mut self, other: &Losses) {
        self.bins.iter_mut().zip(&other.bins).for_each(|(mine, theirs)| *mine += theirs);
        self.free.add(other.free.cuts, other.free.largest_ns);
        self.in_prerecord.add(other.in_prerecord.cuts, other.in_prerecord.largest_ns);
        self.in_stall.add(other.in_stall.cuts, other.in_stall.largest_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_that_of_all_cuts() {
        let mut losses = Losses::default();
        (0..100).for_each(|ms| assert!(losses.add(ms * MS, Held::No).is_ok()));
        assert_eq!((losses.median_ns(), losses.free.largest_ns), (50 * MS, 99 * MS));
        assert!(losses.check().is_ok());
        (0..101).for_each(|_| assert!(losses.add(700 * MS, Held::No).is_ok()));
        assert_eq!(losses.check().map_err(|(invariant, _)| invariant), Err(Invariant::CutMedian));
        assert!(losses.add(2 * SECOND, Held::Storage(SECOND)).is_ok());
        assert!(losses.add(2 * SECOND, Held::No).is_err());
    }
}
