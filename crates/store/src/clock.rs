// SPDX-License-Identifier: MIT OR Apache-2.0
//! The system's clocks.

use evidence::BootId;
use evidence::time::{BootNs, Clock, TimeSource, UtcNs, UtcSource};
use rustix::time::{ClockId, clock_gettime};
use std::io;

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
const STA_UNSYNC: i32 = 0x40;
const TIME_ERROR: i32 = 5;

/// Reads the kernel's clocks.
pub struct SystemClock {
    boot_id: BootId,
}

impl SystemClock {
    /// A clock for this boot.
    ///
    /// # Errors
    /// If the kernel does not tell its boot id.
    pub fn new() -> io::Result<SystemClock> {
        let text = std::fs::read_to_string(BOOT_ID)?.trim().replace('-', "");
        let boot_id = text.parse().map_err(|e| io::Error::other(format!("{BOOT_ID}: {e}")))?;
        Ok(SystemClock { boot_id })
    }
}

impl TimeSource for SystemClock {
    fn now(&self) -> Clock {
        let (source, error_ns) = discipline();
        Clock { boot_ns: boot_now(), boot_id: self.boot_id, utc_ns: utc_now(), source, error_ns }
    }
}

/// Boot time now.
#[must_use]
pub fn boot_now() -> BootNs {
    let now = clock_gettime(ClockId::Boottime);
    BootNs(u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0))
}

/// UTC now, as the system believes it.
#[must_use]
pub fn utc_now() -> UtcNs {
    let now = clock_gettime(ClockId::Realtime);
    UtcNs(now.tv_sec.saturating_mul(1_000_000_000).saturating_add(now.tv_nsec))
}

/// Whether the kernel's clock is disciplined and how far it may be off, in nanoseconds.
#[allow(unsafe_code)]
fn discipline() -> (UtcSource, u64) {
    // SAFETY: all fields of `timex` are integers, for which zero is valid; the kernel only writes to the struct.
    let (state, timex) = unsafe {
        let mut timex: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&mut timex), timex)
    };
    let undisciplined = state < 0 || state == TIME_ERROR || timex.status & STA_UNSYNC != 0;
    let source = if undisciplined { UtcSource::Unsynchronised } else { UtcSource::Synchronised };
    (source, u64::try_from(timex.maxerror).unwrap_or(0).saturating_mul(1000))
}
