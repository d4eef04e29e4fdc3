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

/// Where the time comes from: the system in the daemon, a script in tests.
pub trait TimeSource: Send + Sync {
    /// All clocks now.
    fn now(&self) -> Clock;
}
