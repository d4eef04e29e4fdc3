// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a seed's world is like: how the recorder is configured, how fast its parts are, what fails and how often.

use crate::random::Random;
use recorder::{Media, Medium, PerMedium, Rules};

pub(crate) const MS: u64 = 1_000_000;
pub(crate) const SECOND: u64 = 1_000 * MS;
pub(crate) const MINUTE: u64 = 60 * SECOND;
pub(crate) const HOUR: u64 = 60 * MINUTE;
pub(crate) const DAY: u64 = 24 * HOUR;

/// Frames that may wait in fragments to be taken by the writer.
pub(crate) const OUTBOX_FRAGMENTS_MAX: usize = 32;
/// Fragments on their way to the disk.
pub(crate) const ORDERS_FRAGMENTS_MAX: usize = 16;
/// Ledger entries on their way to the disk.
pub(crate) const ENTRIES_MAX: usize = 1024;
/// A source that gives nothing for so long has failed; looked at every 100 ms.
pub(crate) const SILENCE: u64 = 2 * SECOND;
/// An opened source may take so long to its first frame, as in the daemon: 20 s to be opened and 5 s to give.
pub(crate) const START_TIMEOUT: u64 = 25 * SECOND;
/// What the media side waits for a first frame of a source that is open.
pub(crate) const FIRST_FRAME: u64 = 5 * SECOND;
/// From one key frame to the next.
pub(crate) const GROUP: u64 = SECOND;
/// How often the daemon looks at room and battery.
pub(crate) const LOOK: u64 = 2 * SECOND;
/// A write that takes so long is told.
pub(crate) const STALL_TOLD: u64 = SECOND;
/// For so long records count what found no room; beyond that it is an interruption.
pub(crate) const LOSS_COUNTED: u64 = 2 * SECOND;
/// What a recording takes.
pub(crate) const BYTES_PER_S: u64 = 500_000;
/// The storage.
pub(crate) const CAPACITY: u64 = 64_000_000_000;
/// What recordings leave alone.
pub(crate) const RESERVE: u64 = 64_000_000;

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// A device is unplugged; the driver says so, or says nothing.
    Unplugged(Medium),
    /// A device falls silent, without an error.
    Silent(Medium),
    /// A device that is opened from now on never gives a frame.
    BornBroken(Medium),
    /// A device that is opened from now on takes long to give, or longer than anyone waits.
    Sluggish(Medium),
    /// The camera gives half its frames.
    HalfRate,
    /// A write does not return.
    Stall,
    /// Writes are slow.
    Slow,
    /// Writes fail.
    BadStorage,
    /// One write fails and another storage takes over.
    FallOver,
    /// Something else takes the room.
    Full,
    /// Sessions cannot be opened, for no fault of the storage.
    NoSession,
    /// UTC is set.
    ClockStep,
    /// The machine sleeps.
    Sleep,
    /// The daemon stands still, and its sources do not fail.
    StandsStill,
    /// The battery runs out: recovers, or the power goes.
    Battery,
    /// The power goes.
    PowerCut,
    /// The daemon is killed.
    Kill,
    /// Someone shuts the recorder down.
    Shutdown,
}

impl Mishap {
    pub(crate) const ALL: [Mishap; 22] = [
        Mishap::Unplugged(Medium::Video),
        Mishap::Unplugged(Medium::Audio),
        Mishap::Silent(Medium::Video),
        Mishap::Silent(Medium::Audio),
        Mishap::BornBroken(Medium::Video),
        Mishap::BornBroken(Medium::Audio),
        Mishap::Sluggish(Medium::Video),
        Mishap::Sluggish(Medium::Audio),
        Mishap::HalfRate,
        Mishap::Stall,
        Mishap::Slow,
        Mishap::BadStorage,
        Mishap::FallOver,
        Mishap::Full,
        Mishap::NoSession,
        Mishap::ClockStep,
        Mishap::Sleep,
        Mishap::StandsStill,
        Mishap::Battery,
        Mishap::PowerCut,
        Mishap::Kill,
        Mishap::Shutdown,
    ];

    /// How long the cause lasts, on average.
    pub(crate) fn length_ns(self) -> u64 {
        match self {
            Mishap::Unplugged(_) | Mishap::BornBroken(_) => 10 * SECOND,
            Mishap::Silent(_) => 4 * SECOND,
            Mishap::HalfRate | Mishap::Slow | Mishap::Stall => 20 * SECOND,
            Mishap::BadStorage | Mishap::Full | Mishap::Sluggish(_) => 30 * SECOND,
            Mishap::NoSession | Mishap::StandsStill => 10 * SECOND,
            Mishap::Battery => MINUTE,
            Mishap::PowerCut => 20 * SECOND,
            Mishap::Shutdown => 10 * SECOND,
            Mishap::Kill => 2 * SECOND,
            Mishap::Sleep => MINUTE,
            Mishap::FallOver | Mishap::ClockStep => 0,
        }
    }
}

/// What kind of day it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weather {
    /// A fault now and then.
    Fair,
    /// Something every minute.
    Rough,
    /// Faults upon faults.
    Storm,
    /// The power goes all the time, and not much else.
    Cuts,
}

/// A seed's world.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    weather: Weather,
    pub(crate) rules: Rules,
    /// How much of what came before a start is recorded.
    pub(crate) prerecord_ns: u64,
    /// The sound of the time before a start is not kept.
    pub(crate) is_sound_private: bool,
    /// Whether a recording that was cut off goes on in a new session.
    pub(crate) resumes: bool,
    /// How long a chunk is.
    pub(crate) chunk_ns: u64,
    /// How long a frame is on its way from the device into a chunk.
    pub(crate) latency_ns: PerMedium<u64>,
    /// How long a write takes.
    pub(crate) write_ns: u64,
    /// Seconds that a replay lasts; none for live sources.
    pub(crate) replay_s: Option<u64>,
}

impl Plan {
    pub(crate) fn of(seed: u64) -> Plan {
        let mut random = Random::new(seed);
        let weather = match seed % 4 {
            0 => Weather::Cuts,
            1 => Weather::Rough,
            2 => Weather::Storm,
            _ => Weather::Fair,
        };
        let replay_s = random.percent(8).then(|| random.between(5, 300));
        let prerecord_ns = if random.percent(60) { random.between(1, 121) * SECOND } else { 0 };
        let is_sound_private = random.percent(30);
        let standby = match random.below(4) {
            // As in the daemon: nothing stands by without a pre-record.
            _ if replay_s.is_some() || prerecord_ns == 0 => Media::NONE,
            0 => Media::NONE,
            1 => Medium::Video.into(),
            _ => Media::BOTH,
        };
        Plan {
            weather,
            rules: rules(standby, is_sound_private, replay_s.is_none(), &mut random),
            prerecord_ns,
            is_sound_private,
            resumes: random.percent(70),
            chunk_ns: 500 * MS,
            latency_ns: PerMedium { video: random.between(30, 120) * MS, audio: random.between(10, 60) * MS },
            write_ns: random.between(2, 12) * MS,
            replay_s,
        }
    }

    /// How long after one mishap of a kind the next one comes, on average.
    pub(crate) fn pause_ns(&self, mishap: Mishap) -> u64 {
        let usual = match self.weather {
            Weather::Fair => 3 * HOUR,
            Weather::Rough => 20 * MINUTE,
            Weather::Storm => 4 * MINUTE,
            Weather::Cuts => 6 * HOUR,
        };
        match mishap {
            Mishap::PowerCut if self.weather == Weather::Cuts => 15 * SECOND,
            Mishap::Kill if self.weather == Weather::Cuts => 30 * SECOND,
            Mishap::ClockStep | Mishap::FallOver => usual / 2,
            Mishap::Sleep | Mishap::Shutdown | Mishap::Battery => usual * 2,
            _ => usual,
        }
    }

    /// The most that the ring holds.
    pub(crate) fn ring_ns(&self) -> u64 {
        self.prerecord_ns + GROUP
    }

    /// How long the officer leaves the buttons alone, on average.
    pub(crate) fn press_ns(&self) -> u64 {
        match self.weather {
            Weather::Fair => 30 * MINUTE,
            Weather::Rough | Weather::Storm => 2 * MINUTE,
            Weather::Cuts => 20 * SECOND,
        }
    }
}

fn rules(standby: Media, is_sound_private: bool, repeatable: bool, random: &mut Random) -> Rules {
    Rules {
        standby,
        held: if is_sound_private { standby.without(Medium::Audio) } else { standby },
        repeatable,
        post_ns: if random.percent(50) { random.between(1, 31) * SECOND } else { 0 },
        start_timeout_ns: START_TIMEOUT,
        warn_min: vec![60, 30, 10],
        reserve_bytes: RESERVE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_those_of_the_code() {
        let outbox = include_str!("../../../crates/media/src/outbox.rs");
        let orders = include_str!("../../../crates/sealcamd/src/orders.rs");
        let holds = |text: &str, name: &str, bound: usize| text.contains(&format!("{name}: usize = {bound};"));
        assert!(holds(outbox, "LIVE_FRAGMENTS_MAX", OUTBOX_FRAGMENTS_MAX));
        assert!(holds(orders, "QUEUE_CAPACITY_CHUNKS", ORDERS_FRAGMENTS_MAX));
        assert!(holds(orders, "ENGINE_ORDERS_MAX", ENTRIES_MAX));
    }
}
