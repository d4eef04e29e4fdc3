// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the marks of a scale stand. Pure.

const SECOND_NS: u64 = 1_000_000_000;
const MINUTE_NS: u64 = 60 * SECOND_NS;
const HOUR_NS: u64 = 60 * MINUTE_NS;

/// Distances between marks that are easy to count in.
const STEPS_NS: [u64; 19] = [
    SECOND_NS,
    2 * SECOND_NS,
    5 * SECOND_NS,
    10 * SECOND_NS,
    15 * SECOND_NS,
    30 * SECOND_NS,
    MINUTE_NS,
    2 * MINUTE_NS,
    5 * MINUTE_NS,
    10 * MINUTE_NS,
    15 * MINUTE_NS,
    30 * MINUTE_NS,
    HOUR_NS,
    2 * HOUR_NS,
    3 * HOUR_NS,
    6 * HOUR_NS,
    12 * HOUR_NS,
    24 * HOUR_NS,
    240 * HOUR_NS,
];

/// Marks from 0 on, so far apart that no more than `marks_max` fit beside each other, but for the one at 0.
pub(crate) fn marks(end_ns: u64, marks_max: u64) -> Vec<u64> {
    let fits = |step_ns: &&u64| end_ns / **step_ns < marks_max;
    match STEPS_NS.iter().find(fits) {
        Some(step_ns) => (0..=end_ns / step_ns).map(|number| number * step_ns).collect(),
        None => vec![0],
    }
}

/// The place of a moment on a line of this length, rounded down. The end is behind the last place.
pub(crate) fn place(at_ns: u64, end_ns: u64, length: usize) -> usize {
    let at = u128::from(at_ns) * length as u128 / u128::from(end_ns.max(1));
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// The moment at the middle of a place.
pub(crate) fn middle(place: usize, end_ns: u64, length: usize) -> u64 {
    let at_ns = u128::from(end_ns) * (2 * place as u128 + 1) / (2 * length.max(1) as u128);
    u64::try_from(at_ns).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_not_too_many() {
        assert_eq!(marks(12 * SECOND_NS, 7), [0, 2, 4, 6, 8, 10, 12].map(|s| s * SECOND_NS));
        assert_eq!(marks(24 * HOUR_NS, 5), [0, 6, 12, 18, 24].map(|h| h * HOUR_NS));
        assert_eq!(marks(400_000_000, 5), [0]);
        for seconds in [1, 59, 61, 3599, 3601, 86_400, 31_536_000] {
            for marks_max in 1..30 {
                let count = marks(seconds * SECOND_NS, marks_max).len() as u64;
                assert!((1..=marks_max).contains(&count), "{seconds} s: {count} of {marks_max}");
            }
        }
    }

    #[test]
    fn the_middle_of_a_place_lies_in_it() {
        for (end_ns, length) in [(1, 1), (7, 3), (86_400 * SECOND_NS, 61), (u64::MAX, 200)] {
            for at in 0..length {
                let middle_ns = middle(at, end_ns, length);
                assert!(middle_ns < end_ns || end_ns == 1);
                assert!(place(middle_ns, end_ns, length) == at || end_ns < 100, "{at} of {length} in {end_ns}");
            }
        }
        assert_eq!((place(0, 10, 5), place(9, 10, 5), place(10, 10, 5), place(3, 0, 5)), (0, 4, 5, 15));
    }
}
