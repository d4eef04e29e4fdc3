// SPDX-License-Identifier: MIT OR Apache-2.0
//! How long the room on the storage will last, and when to warn.

const SECONDS_PER_MINUTE: u128 = 60;

const SECOND_NS: u64 = 1_000_000_000;

/// Losses that are no further apart than this are one stretch.
const STRETCH_GAP_NS: u64 = SECOND_NS;

/// A stretch of losses that lasts so long is more than records should count.
const STRETCH_NS: u64 = 2 * SECOND_NS;

/// What is known of the storage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Storage {
    /// A write has not returned for a while.
    pub(crate) is_stalled: bool,
    /// Only the reserve is left.
    pub(crate) is_full: bool,
    /// The second storage is not there.
    pub(crate) lacks_second: bool,
    /// The lowest mark that was passed and is not left behind again.
    passed_min: Option<u32>,
    /// Media of a recording that found no place in the queue before it.
    stretch: Option<Stretch>,
}

/// From the first loss to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    from_ns: u64,
    to_ns: u64,
}

/// What a reading of the room says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forecast {
    /// Nothing new.
    Same,
    /// A mark was passed.
    Passed(u32),
    /// The last mark was left behind.
    Clear,
}

impl Storage {
    /// Media were lost for want of a place in the queue. Says since when, if that is no longer a matter of single chunks:
    /// the storage stands still, or they are lost again and again.
    pub(crate) fn lost(&mut self, now_ns: u64) -> Option<u64> {
        let goes_on = |stretch: &Stretch| now_ns <= stretch.to_ns.saturating_add(STRETCH_GAP_NS);
        let from_ns = self.stretch.filter(goes_on).map_or(now_ns, |stretch| stretch.from_ns);
        self.stretch = Some(Stretch { from_ns, to_ns: now_ns });
        (self.is_stalled || now_ns.saturating_sub(from_ns) >= STRETCH_NS).then_some(from_ns)
    }

    /// Nothing is being lost any more.
    pub(crate) fn forget_losses(&mut self) {
        self.stretch = None;
    }

    /// Where the stretch of losses ended, if it is over by now.
    pub(crate) fn end_of_losses(&mut self, now_ns: u64) -> Option<u64> {
        let is_over = self.next_wake_ns().is_some_and(|wake_ns| wake_ns <= now_ns);
        self.stretch.take_if(|_| is_over).map(|stretch| stretch.to_ns)
    }

    pub(crate) fn next_wake_ns(&self) -> Option<u64> {
        let stretch = self.stretch.filter(|_| !self.is_stalled)?;
        Some(stretch.to_ns.saturating_add(STRETCH_GAP_NS))
    }

    /// Whether only the reserve is left. It must grow by a tenth to count as more.
    pub(crate) fn measure(&mut self, free_bytes: u64, reserve_bytes: u64) {
        let above_bytes = reserve_bytes.saturating_add(reserve_bytes / 10);
        self.is_full = free_bytes < reserve_bytes || (self.is_full && free_bytes < above_bytes);
    }

    /// Compares how long the room lasts with the marks.
    pub(crate) fn forecast(&mut self, room_bytes: u64, bytes_per_s: u64, marks_min: &[u32]) -> Forecast {
        let needed = |mark_min: u32| u128::from(mark_min) * SECONDS_PER_MINUTE * u128::from(bytes_per_s);
        let room = u128::from(room_bytes);
        let below = lowest(marks_min, |mark_min| room < needed(mark_min));
        // A mark is left behind when there is a tenth more than it says.
        let near = lowest(marks_min, |mark_min| room < needed(mark_min) + needed(mark_min) / 10);
        let before = self.passed_min;
        self.passed_min = match (before, below) {
            (Some(held), Some(new)) if new < held => Some(new),
            (Some(held), _) => near.map(|near| near.max(held)),
            (None, new) => new,
        };
        match self.passed_min {
            Some(mark_min) if before.is_none_or(|before| mark_min < before) => Forecast::Passed(mark_min),
            None if before.is_some() => Forecast::Clear,
            _ => Forecast::Same,
        }
    }
}

fn lowest(marks_min: &[u32], is_meant: impl Fn(u32) -> bool) -> Option<u32> {
    marks_min.iter().copied().filter(|mark_min| is_meant(*mark_min)).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mark_is_passed_once_until_it_is_left_behind_by_a_tenth() {
        let mut storage = Storage::default();
        let mut at = |minutes: u64| storage.forecast(minutes * 60 * 1_000, 1_000, &[10, 60, 30]);
        use Forecast::{Clear, Passed, Same};
        assert_eq!((at(61), at(60), at(59)), (Same, Same, Passed(60)));
        assert_eq!((at(58), at(61), at(59), at(65)), (Same, Same, Same, Same));
        assert_eq!((at(66), at(59)), (Clear, Passed(60)));
        assert_eq!((at(9), at(10), at(9)), (Passed(10), Same, Same));
        // Above 10 again, though below 60: 60 is not said again, 10 is.
        assert_eq!((at(11), at(9), at(100)), (Same, Passed(10), Clear));
    }

    #[test]
    fn an_unknown_rate_lasts_for_ever() {
        let mut storage = Storage::default();
        assert_eq!(storage.forecast(0, 1, &[10]), Forecast::Passed(10));
        assert_eq!(storage.forecast(0, 0, &[10]), Forecast::Clear);
        assert_eq!(storage.forecast(u64::MAX, u64::MAX, &[u32::MAX]), Forecast::Passed(u32::MAX));
    }

    #[test]
    fn only_the_reserve_is_left_until_there_is_a_tenth_more() {
        let mut storage = Storage::default();
        let mut at = |free_bytes| {
            storage.measure(free_bytes, 100);
            storage.is_full
        };
        assert_eq!([at(100), at(99), at(100), at(109), at(110), at(100)], [false, true, true, true, false, false]);
    }
}
