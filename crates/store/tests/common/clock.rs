// SPDX-License-Identifier: MIT OR Apache-2.0
//! A clock that stands still until it is told to go on.

use evidence::BootId;
use evidence::time::{BootNs, Clock, TimeSource, UtcNs, UtcSource};
use std::sync::atomic::{AtomicU64, Ordering};

/// 2026-11-21T04:15:00Z.
const BEGIN_UTC_NS: i64 = 1_795_234_500_000_000_000;
const BEGIN_BOOT_NS: u64 = 60_000_000_000;

#[derive(Default)]
pub struct ScriptedClock {
    passed_ns: AtomicU64,
}

impl ScriptedClock {
    pub fn advance_ms(&self, ms: u64) {
        self.passed_ns.fetch_add(ms * 1_000_000, Ordering::Relaxed);
    }
}

impl TimeSource for ScriptedClock {
    fn now(&self) -> Clock {
        let passed_ns = self.passed_ns.load(Ordering::Relaxed);
        Clock {
            boot_ns: BootNs(BEGIN_BOOT_NS + passed_ns),
            boot_id: BootId(*b"sealcam-test-run"),
            utc_ns: UtcNs(BEGIN_UTC_NS + passed_ns as i64),
            source: UtcSource::Synchronised,
            error_ns: 2_000_000,
        }
    }
}
