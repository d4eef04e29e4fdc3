// SPDX-License-Identifier: MIT OR Apache-2.0
//! The clocks a record carries. Boot time orders, UTC dates; they are never mixed. Reading them is the caller's.

use crate::BootId;
use serde::{Deserialize, Serialize};

/// Nanoseconds since the machine was started, suspend included (`CLOCK_BOOTTIME`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BootNs(pub u64);

/// Nanoseconds since 1970-01-01T00:00:00Z without leap seconds (POSIX), as the system believed it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UtcNs(pub i64);

/// Who vouches for the UTC of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UtcSource {
    /// The kernel says its clock is disciplined.
    Synchronised,
    /// Nothing disciplines the clock: UTC is a claim.
    Unsynchronised,
}

/// All clocks, read at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Boot time in nanoseconds.
    #[serde(rename = "boot")]
    pub boot_ns: BootNs,
    /// Which boot.
    pub boot_id: BootId,
    /// UTC in nanoseconds.
    #[serde(rename = "utc")]
    pub utc_ns: UtcNs,
    /// Who vouches for UTC.
    pub source: UtcSource,
    /// The kernel's bound on the error of UTC in nanoseconds (`adjtimex` maxerror).
    #[serde(rename = "error")]
    pub error_ns: u64,
}

impl Clock {
    /// What this reading makes of another moment of the same boot: UTC is moved by as much as boot time.
    #[must_use]
    pub fn at(&self, boot_ns: BootNs) -> Clock {
        let moved_ns = i128::from(boot_ns.0) - i128::from(self.boot_ns.0);
        let utc_ns = i128::from(self.utc_ns.0) + moved_ns;
        let utc_ns = utc_ns.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        // It was clamped to what fits.
        Clock { boot_ns, utc_ns: UtcNs(i64::try_from(utc_ns).unwrap_or_default()), ..self.clone() }
    }
}

/// Where the time comes from: the system in the daemon, a script in tests.
pub trait TimeSource: Send + Sync {
    /// All clocks now.
    fn now(&self) -> Clock;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_moved_in_both_clocks_and_stops_at_their_ends() {
        let clock = |boot_ns, utc_ns| Clock {
            boot_ns: BootNs(boot_ns),
            boot_id: BootId([7; 16]),
            utc_ns: UtcNs(utc_ns),
            source: UtcSource::Synchronised,
            error_ns: 5,
        };
        let now = clock(100, 1000);
        assert_eq!(now.at(BootNs(40)), clock(40, 940));
        assert_eq!(now.at(BootNs(130)), clock(130, 1030));
        assert_eq!(clock(u64::MAX, 0).at(BootNs(0)), clock(0, i64::MIN));
        assert_eq!(clock(0, 5).at(BootNs(u64::MAX)), clock(u64::MAX, i64::MAX));
    }
}
