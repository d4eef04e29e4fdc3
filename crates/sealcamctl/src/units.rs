// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers for people. Rounded down, never up: no more is claimed than there is.

use jiff::Timestamp;

/// A duration as hours, minutes, seconds and milliseconds.
pub(crate) fn duration(duration_ns: u64) -> String {
    let total_ms = duration_ns / 1_000_000;
    let (total_s, ms) = (total_ms / 1000, total_ms % 1000);
    format!("{}:{:02}:{:02}.{ms:03}", total_s / 3600, total_s / 60 % 60, total_s % 60)
}

/// A moment as hours, minutes and seconds.
pub(crate) fn seconds(at_ns: u64) -> String {
    let total_s = at_ns / 1_000_000_000;
    format!("{}:{:02}:{:02}", total_s / 3600, total_s / 60 % 60, total_s % 60)
}

/// A size in decimal units, with two digits of its fraction.
pub(crate) fn bytes(bytes: u64) -> String {
    let units = [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")];
    match units.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{}.{:02} {name}", bytes / unit, bytes % unit / (unit / 100)),
        None => format!("{bytes} B"),
    }
}

/// A part of a whole in per cent, to three digits of its fraction.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    let thousandths = (u128::from(part) * 100_000).checked_div(u128::from(whole)).unwrap_or(0);
    format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
}

/// A moment of UTC, to the second.
pub(crate) fn utc(utc_ns: i64) -> String {
    match Timestamp::from_nanosecond(i128::from(utc_ns)) {
        Ok(moment) => moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => format!("{utc_ns} ns"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_down() {
        assert_eq!(duration(3_661_999_999_999), "1:01:01.999");
        assert_eq!(seconds(3_661_999_999_999), "1:01:01");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_999_999), "1.99 MB");
        assert_eq!(bytes(u64::MAX), "18446744.07 TB");
        assert_eq!(percent(12_000, 5_000_000), "0.240");
        assert_eq!(percent(1, 0), "0.000");
        assert_eq!(utc(1_790_000_000_000_000_000), "2026-09-21 14:13:20 UTC");
    }
}
