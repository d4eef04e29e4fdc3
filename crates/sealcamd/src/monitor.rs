// SPDX-License-Identifier: MIT OR Apache-2.0
//! Looks again and again how much room there is on the storage, and how long it lasts. In a thread of its own, since a storage
//! that stands still does not answer.

use crate::config::Config;
use crate::engine::{Inbox, Message};
use crate::live::Live;
use crate::open::Opener;
use bus::{Counters, Notifier, RecorderStatus, SessionId};
use media::Studio;
use recorder::Input;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How often to look.
const EVERY: Duration = Duration::from_secs(1);

/// Over how many looks the rate of a recording is measured.
const RATE_LOOKS: usize = 30;

/// A rate is believed when so much was recorded at it, in nanoseconds of media time.
const RATE_MIN_NS: u64 = 10 * SECOND_NS;

const SECOND_NS: u64 = 1_000_000_000;

/// Starts to look.
pub(crate) fn start(opener: &Opener) -> std::io::Result<()> {
    let mut monitor = Monitor {
        studio: Arc::clone(&opener.studio),
        rate: Rate::expected(&opener.config),
        reserve_bytes: opener.rules().reserve_bytes,
        live: Arc::clone(&opener.live),
        notifier: opener.notifier.clone(),
        inbox: opener.inbox.clone(),
    };
    let look = move || loop {
        monitor.look();
        std::thread::sleep(EVERY);
    };
    std::thread::Builder::new().name("monitor".into()).spawn(look).map(drop)
}

struct Monitor {
    studio: Arc<Studio>,
    rate: Rate,
    /// What recordings leave alone.
    reserve_bytes: u64,
    live: Arc<Live>,
    notifier: Notifier,
    inbox: Inbox,
}

impl Monitor {
    fn look(&mut self) {
        self.live.set_prerecord_ns(self.studio.held_ns());
        let Some(free_bytes) = free_bytes(self.live.folders_left()) else { return };
        let bytes_per_s = self.rate.look(&self.live.status());
        self.inbox.tell(Message::Input(Input::Space { free_bytes, bytes_per_s }));
        let room_bytes = free_bytes.saturating_sub(self.reserve_bytes);
        if self.live.set_storage_minutes(minutes(room_bytes, bytes_per_s)) {
            self.notifier.state_changed();
        }
    }
}

/// How many whole minutes of recording there is room for; nothing where the rate is not known.
fn minutes(room_bytes: u64, bytes_per_s: u64) -> Option<u64> {
    room_bytes.checked_div(bytes_per_s.saturating_mul(60))
}

/// Room that a recorder may use: what the first storage has not, the second may have.
fn free_bytes(folders: &[PathBuf]) -> Option<u64> {
    let of = |folder: &PathBuf| {
        let found = rustix::fs::statvfs(folder);
        let found = found.inspect_err(|error| tracing::warn!(%error, "the room on the storage cannot be told")).ok()?;
        Some(found.f_bavail.saturating_mul(found.f_frsize))
    };
    folders.iter().filter_map(of).reduce(u64::saturating_add)
}

/// How many bytes a second of recording takes: as measured last, before that as the encoders are set. Measured by media time,
/// not by the clock: what the pre-record wrote at once took its time too.
struct Rate {
    bytes_per_s: u64,
    seen: Look,
    /// While the session grew from each look to the next.
    looks: VecDeque<Look>,
}

/// A session at one moment.
#[derive(Clone, Copy, Default)]
struct Look {
    session: Option<SessionId>,
    duration_ns: u64,
    bytes: u64,
}

impl Look {
    fn grew_from(&self, before: &Look) -> bool {
        self.session.is_some() && self.session == before.session && self.bytes > before.bytes
    }
}

impl Rate {
    fn expected(config: &Config) -> Rate {
        let settings = config.settings(config.recording.media);
        let video = settings.video.map_or(0, |video| u64::from(video.bitrate_bps));
        let audio = settings.audio.map_or(0, |audio| u64::from(audio.bitrate_bps));
        Rate { bytes_per_s: (video + audio) / 8, seen: Look::default(), looks: VecDeque::new() }
    }

    /// Looks at the session that is recorded, if one is, and gives the rate.
    fn look(&mut self, status: &RecorderStatus) -> u64 {
        let Counters { duration_ns, bytes, .. } = status.counters;
        self.note(Look { session: status.current_session, duration_ns, bytes });
        self.bytes_per_s
    }

    /// A session that stands still, or another one, is measured anew: its media time has a hole, or is not the same.
    fn note(&mut self, look: Look) {
        match look.grew_from(&self.seen) {
            true => self.looks.push_back(look),
            false => self.looks.clear(),
        }
        self.seen = look;
        if self.looks.len() > RATE_LOOKS {
            self.looks.pop_front();
        }
        self.bytes_per_s = self.measured().unwrap_or(self.bytes_per_s);
    }

    fn measured(&self) -> Option<u64> {
        let (first, last) = (self.looks.front()?, self.looks.back()?);
        let took_ms =
            last.duration_ns.checked_sub(first.duration_ns).filter(|took_ns| *took_ns >= RATE_MIN_NS)? / 1_000_000;
        (last.bytes - first.bytes).saturating_mul(1000).checked_div(took_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::RangeInclusive;

    const FIRST: Option<SessionId> = Some(SessionId::from_bytes([1; 16]));
    const SECOND: Option<SessionId> = Some(SessionId::from_bytes([2; 16]));

    fn rate() -> Rate {
        Rate { bytes_per_s: 7, seen: Look::default(), looks: VecDeque::new() }
    }

    impl Rate {
        /// Looks each second of media at a session that grows at one rate.
        fn see(&mut self, session: Option<SessionId>, seconds: RangeInclusive<u64>, bytes_per_s: u64) -> u64 {
            for second in seconds {
                self.note(Look { session, duration_ns: second * SECOND_NS, bytes: second * bytes_per_s });
            }
            self.bytes_per_s
        }
    }

    #[test]
    fn a_rate_is_believed_after_ten_seconds_and_follows() {
        let mut rate = rate();
        assert_eq!((rate.see(FIRST, 0..=10, 100), rate.see(FIRST, 11..=11, 100)), (7, 100));
        // By and by, the looks at the first rate are forgotten.
        let faster = 11 * 100;
        for second in 1..=30 {
            let duration_ns = (11 + second) * SECOND_NS;
            rate.note(Look { session: FIRST, duration_ns, bytes: faster + second * 1000 });
        }
        assert_eq!(rate.bytes_per_s, 1000);
    }

    #[test]
    fn what_was_measured_last_holds_until_another_session_is_measured() {
        let mut rate = rate();
        rate.see(FIRST, 0..=20, 100);
        // The session is over; its counters stay. Only the last part of a second was recorded since the look before.
        for _ in 0..3 {
            rate.note(Look { session: None, duration_ns: 20_100_000_000, bytes: 2010 });
        }
        assert_eq!(rate.bytes_per_s, 100);
        assert_eq!((rate.see(SECOND, 0..=10, 300), rate.see(SECOND, 11..=11, 300)), (100, 300));
    }

    #[test]
    fn the_pre_record_that_is_written_at_once_does_not_count_as_a_higher_rate() {
        let mut rate = rate();
        let burst = rate.see(FIRST, 0..=0, 100) + rate.see(FIRST, 5..=5, 100) + rate.see(FIRST, 30..=45, 100);
        assert_eq!((burst, rate.bytes_per_s), (7 + 7 + 100, 100));
    }

    #[test]
    fn a_hole_in_a_session_does_not_count_as_a_lower_rate() {
        let mut rate = rate();
        rate.see(FIRST, 0..=20, 100);
        let stands_still = Look { session: FIRST, duration_ns: 20 * SECOND_NS, bytes: 2000 };
        rate.note(stands_still);
        for second in 1..=11 {
            let bytes = stands_still.bytes + second * 300;
            rate.note(Look { session: FIRST, duration_ns: (500 + second) * SECOND_NS, bytes });
        }
        assert_eq!(rate.bytes_per_s, 300);
    }

    #[test]
    fn there_is_room_for_minutes_where_a_rate_is_known() {
        assert_eq!((minutes(119, 1), minutes(120, 1), minutes(120, 0)), (Some(1), Some(2), None));
    }
}
