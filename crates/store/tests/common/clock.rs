// SPDX-License-Identifier: MIT OR Apache-2.0
//! A clock that stands still until it is told to go on.

use evidence::BootId;
use evidence::time::{BootNs, Clock, TimeSource, UtcNs, UtcSource};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// 2026-11-21T04:15:00Z.
const BEGIN_UTC_NS: i64 = 1_795_234_500_000_000_000;
const BEGIN_BOOT_NS: u64 = 60_000_000_000;

#[derive(Default)]
pub struct ScriptedClock {
    passed_ns: AtomicU64,
    /// How much of that had passed when the machine was started last, and how often it was.
    booted_at_ns: AtomicU64,
    boots: AtomicU64,
    utc_step_ns: AtomicI64,
}

impl ScriptedClock {
    pub fn advance_ms(&self, ms: u64) {
        self.passed_ns.fetch_add(ms * 1_000_000, Ordering::Relaxed);
    }

    /// The machine starts anew: another boot, whose time begins at 60 s.
    pub fn reboot(&self) {
        self.booted_at_ns.store(self.passed_ns.load(Ordering::Relaxed), Ordering::Relaxed);
        self.boots.fetch_add(1, Ordering::Relaxed);
    }

    pub fn step_utc_ms(&self, ms: i64) {
        self.utc_step_ns.fetch_add(ms * 1_000_000, Ordering::Relaxed);
    }

    /// Boot time `ms` from now.
    pub fn boot_in_ms(&self, ms: i64) -> BootNs {
        BootNs(self.now().boot_ns.0.checked_add_signed(ms * 1_000_000).unwrap())
    }
}

impl TimeSource for ScriptedClock {
    fn now(&self) -> Clock {
        let passed_ns = self.passed_ns.load(Ordering::Relaxed);
        let mut boot_id = *b"sealcam-test-run";
        boot_id[15] += self.boots.load(Ordering::Relaxed) as u8;
        Clock {
            boot_ns: BootNs(BEGIN_BOOT_NS + passed_ns - self.booted_at_ns.load(Ordering::Relaxed)),
            boot_id: BootId(boot_id),
            utc_ns: UtcNs(BEGIN_UTC_NS + passed_ns as i64 + self.utc_step_ns.load(Ordering::Relaxed)),
            source: UtcSource::Synchronised,
            error_ns: 2_000_000,
        }
    }
}
