// SPDX-License-Identifier: MIT OR Apache-2.0
//! What systemd is told: ready, alive, stopping. Alive means that the engine's loop turns.

use sd_notify::NotifyState;
use std::os::unix::fs::MetadataExt;
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
    if let Some(limit) = sd_notify::watchdog_enabled() {
        feed(limit, &heartbeat, || notify(NotifyState::Watchdog)).await;
    }
}

async fn feed(limit: Duration, heartbeat: &Heartbeat, ping: impl Fn()) {
    let mut ticks = tokio::time::interval(limit / 3);
    loop {
        ticks.tick().await;
        match heartbeat.is_fresh() {
            true => ping(),
            false => tracing::error!("the engine does not answer; the watchdog is not fed"),
        }
    }
}

/// Whether what is written to standard error goes to the journal: systemd says of which file that holds, so that a
/// program whose output was redirected since does not take it for its own.
pub(crate) fn logs_to_journal() -> bool {
    let ours = std::fs::metadata("/proc/self/fd/2").map(|file| format!("{}:{}", file.dev(), file.ino()));
    let theirs = std::env::var("JOURNAL_STREAM");
    ours.is_ok_and(|ours| theirs.is_ok_and(|theirs| theirs == ours))
}

/// How long the process waits for the bus to come back to ask the engine again, while a recording runs without it.
pub(crate) const WITHOUT_BUS_POLL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, channel};

    /// The moments at which the watchdog is fed, every 10 ms.
    fn fed(heartbeat: &Heartbeat) -> Receiver<()> {
        let (ping, pings) = channel();
        let heartbeat = heartbeat.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let gone = || ping.send(()).is_err();
            runtime.block_on(feed(Duration::from_millis(30), &heartbeat, || assert!(!gone(), "the test is over")));
        });
        pings
    }

    #[test]
    fn the_watchdog_is_fed_only_while_the_engine_lives() {
        let heartbeat = Heartbeat::new();
        let pings = fed(&heartbeat);
        let is_fed = |within_ms| pings.recv_timeout(Duration::from_millis(within_ms)).is_ok();
        assert!((0..3).all(|_| is_fed(10_000)));
        // As if the last beat were long ago; one ping may be on its way.
        heartbeat.0.store(store::clock::boot_now().0.saturating_sub(STALE_NS), Ordering::Relaxed);
        pings.try_iter().count();
        is_fed(50);
        assert!(!is_fed(300));
        heartbeat.beat();
        assert!(is_fed(10_000));
    }

    #[test]
    fn systemd_waits_longer_than_the_way_down_may_take() {
        let unit = include_str!("../../../systemd/sealcamd.service");
        let seconds = |key: &str| unit.lines().find_map(|line| line.strip_prefix(key)?.parse::<u64>().ok());
        assert!(seconds("TimeoutStopSec=").unwrap() > crate::run::SHUTDOWN_LIMIT.as_secs());
        // A ping comes every third of this, and may be missed once.
        assert!(seconds("WatchdogSec=").unwrap() * 1_000_000_000 > STALE_NS);
    }
}
