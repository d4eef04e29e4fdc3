// SPDX-License-Identifier: MIT OR Apache-2.0
//! Looks again and again at what changes by itself: the room on the storage, and the battery. In a thread of its own, since
//! a storage that stands still does not answer.

use crate::battery::{Battery, POWER_SUPPLIES};
use crate::config::Config;
use crate::engine::{Inbox, Message};
use crate::live::Live;
use crate::open::Opener;
use bus::Notifier;
use media::Studio;
use recorder::Input;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often to look at the room.
const SPACE_EVERY: Duration = Duration::from_secs(1);

/// The battery is looked at once in so many looks at the room.
const BATTERY_EVERY: u32 = 10;

/// Over how many looks the rate of a recording is measured.
const RATE_LOOKS: usize = 30;

/// A rate is believed when it was measured for so long.
const RATE_MIN: Duration = Duration::from_secs(10);

/// Starts to look.
pub(crate) fn start(opener: &Opener) -> std::io::Result<()> {
    let mut monitor = Monitor {
        studio: Arc::clone(&opener.studio),
        rate: Rate::expected(&opener.config),
        live: Arc::clone(&opener.live),
        notifier: opener.notifier.clone(),
        inbox: opener.inbox.clone(),
    };
    let look = move || {
        for number in (0..BATTERY_EVERY).cycle() {
            monitor.look(number == 0);
            std::thread::sleep(SPACE_EVERY);
        }
    };
    std::thread::Builder::new().name("monitor".into()).spawn(look).map(drop)
}

struct Monitor {
    studio: Arc<Studio>,
    rate: Rate,
    live: Arc<Live>,
    notifier: Notifier,
    inbox: Inbox,
}

impl Monitor {
    fn look(&mut self, also_at_battery: bool) {
        self.live.set_prerecord_ns(self.studio.held_ns());
        if let Some(free_bytes) = free_bytes(self.live.folders_left()) {
            self.rate.note(Instant::now(), self.live.status().counters.bytes);
            let bytes_per_s = self.rate.bytes_per_s();
            self.inbox.tell(Message::Input(Input::Space { free_bytes, bytes_per_s }));
            if self.live.set_storage_minutes(free_bytes.checked_div(bytes_per_s.saturating_mul(60))) {
                self.notifier.state_changed();
            }
        }
        if also_at_battery && let Some(battery) = Battery::read(Path::new(POWER_SUPPLIES)) {
            let Battery { percent, is_discharging } = battery;
            self.inbox.tell(Message::Battery { percent, is_discharging });
        }
    }
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

/// How many bytes a second of recording takes: as measured, or as its encoders are set.
struct Rate {
    expected_bytes_per_s: u64,
    looks: VecDeque<(Instant, u64)>,
}

impl Rate {
    fn expected(config: &Config) -> Rate {
        let settings = config.settings(config.recording.media);
        let video = settings.video.map_or(0, |video| u64::from(video.bitrate_bps));
        let audio = settings.audio.map_or(0, |audio| u64::from(audio.bitrate_bps));
        Rate { expected_bytes_per_s: (video + audio) / 8, looks: VecDeque::new() }
    }

    /// Notes how long the files of the session are; another session begins anew.
    fn note(&mut self, at: Instant, bytes: u64) {
        if self.looks.back().is_some_and(|(_, before)| bytes <= *before) {
            self.looks.clear();
        }
        self.looks.push_back((at, bytes));
        if self.looks.len() > RATE_LOOKS {
            self.looks.pop_front();
        }
    }

    fn bytes_per_s(&self) -> u64 {
        let (Some(first), Some(last)) = (self.looks.front(), self.looks.back()) else {
            return self.expected_bytes_per_s;
        };
        let (took, bytes) = (last.0 - first.0, last.1 - first.1);
        match u64::try_from(took.as_millis()) {
            Ok(took_ms) if took >= RATE_MIN => bytes.saturating_mul(1000) / took_ms.max(1),
            _ => self.expected_bytes_per_s,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(bytes: &[u64]) -> u64 {
        let mut rate = Rate { expected_bytes_per_s: 7, looks: VecDeque::new() };
        let begin = Instant::now();
        (0..).zip(bytes).for_each(|(second, bytes)| rate.note(begin + Duration::from_secs(second), *bytes));
        rate.bytes_per_s()
    }

    #[test]
    fn a_rate_is_measured_over_the_last_looks_of_one_session() {
        assert_eq!(rate(&[]), 7);
        let steady: Vec<u64> = (1..=11).map(|second| second * 100).collect();
        assert_eq!((rate(&steady[..10]), rate(&steady)), (7, 100));
        let faster: Vec<u64> = (1..=100_u64).map(|second| if second < 60 { second } else { second * 1000 }).collect();
        assert_eq!(rate(&faster), 1000);
        let anew: Vec<u64> = steady.iter().chain(&steady[..5]).copied().collect();
        assert_eq!(rate(&anew), 7);
    }
}
