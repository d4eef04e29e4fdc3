// SPDX-License-Identifier: MIT OR Apache-2.0
//! When each byte of a stream arrived, for as long as someone may ask. Pure.

use std::collections::VecDeque;

/// Reads that are remembered. An epoch takes at most a second, and the line is read at most 100 times in it; should there be
/// more all the same, the epoch is said to have arrived later than it did.
const READS_MAX: usize = 256;

/// When what was read arrived.
#[derive(Default)]
pub(super) struct Arrivals {
    /// The first byte of each read, and when it was there.
    reads: VecDeque<(u64, u64)>,
}

impl Arrivals {
    /// What was read at `at_ns` begins with this byte.
    pub(super) fn note(&mut self, first_byte: u64, at_ns: u64) {
        if self.reads.len() == READS_MAX {
            self.reads.pop_front();
        }
        self.reads.push_back((first_byte, at_ns));
    }

    /// Nobody will ask for bytes before this one.
    pub(super) fn forget_before(&mut self, byte: u64) {
        while self.reads.get(1).is_some_and(|(first_byte, _)| *first_byte <= byte) {
            self.reads.pop_front();
        }
    }

    /// When this byte arrived; `now_ns` if nothing was read.
    pub(super) fn of(&self, byte: u64, now_ns: u64) -> u64 {
        let read = self.reads.iter().rev().find(|(first_byte, _)| *first_byte <= byte);
        read.or(self.reads.front()).map_or(now_ns, |(_, at_ns)| *at_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_arrived_with_the_read_that_has_it() {
        let mut arrivals = Arrivals::default();
        [(0, 100), (10, 200), (20, 300)].into_iter().for_each(|(byte, at_ns)| arrivals.note(byte, at_ns));
        assert_eq!([0, 9, 10, 19, 20, 999].map(|byte| arrivals.of(byte, 400)), [100, 100, 200, 200, 300, 300]);
        assert_eq!(Arrivals::default().of(5, 400), 400);
    }

    #[test]
    fn what_nobody_asks_for_is_forgotten() {
        let mut arrivals = Arrivals::default();
        [(0, 100), (10, 200), (20, 300)].into_iter().for_each(|(byte, at_ns)| arrivals.note(byte, at_ns));
        arrivals.forget_before(19);
        assert_eq!((arrivals.reads.len(), arrivals.of(19, 400)), (2, 200));
    }

    #[test]
    fn too_many_reads_are_late_and_take_no_memory() {
        let mut arrivals = Arrivals::default();
        (0..1_000).for_each(|byte| arrivals.note(byte, byte));
        assert_eq!((arrivals.reads.len(), arrivals.of(0, 0)), (READS_MAX, 1_000 - READS_MAX as u64));
    }
}
