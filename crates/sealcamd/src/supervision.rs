// SPDX-License-Identifier: MIT OR Apache-2.0
//! What systemd is told: ready, alive, stopping. Alive means that the engine's loop turns.

use sd_notify::NotifyState;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How old the engine's last sign of life may be when the watchdog is fed, in nanoseconds.
const STALE_NS: u64 = 5_000_000_000;

/// The engine's sign of life.
#[derive(Clone)]
pub(crate) struct Heartbeat(Arc<AtomicU64>);

impl Heartbeat {
    /// Fresh: the engine is about to start.
    pub(crate) fn new() -> Heartbeat {
        Heartbeat(Arc::new(store::clock::boot_now().0.into()))
    }

    pub(crate) fn beat(&self) {
        self.0.store(store::clock::boot_now().0, Ordering::Relaxed);
    }

    fn is_fresh(&self) -> bool {
        store::clock::boot_now().0.saturating_sub(self.0.load(Ordering::Relaxed)) < STALE_NS
    }
}

/// Tells systemd something; without systemd nothing happens.
pub(crate) fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "systemd could not be notified");
    }
}

/// Feeds the watchdog, if there is one, as long as the engine lives.
pub(crate) async fn feed_watchdog(heartbeat: Heartbeat) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    let mut ticks = tokio::time::interval(limit / 3);
    loop {
        ticks.tick().await;
        match heartbeat.is_fresh() {
            true => notify(NotifyState::Watchdog),
            false => tracing::error!("the engine does not answer; the watchdog is not fed"),
        }
    }
}

/// How long the process waits for the bus to come back to ask the engine again, while a recording runs without it.
pub(crate) const WITHOUT_BUS_POLL: Duration = Duration::from_secs(1);
