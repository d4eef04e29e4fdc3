// SPDX-License-Identifier: MIT OR Apache-2.0
//! Storage, queues, clock and battery: what they do to a recording, and which alarms tell of them.

use crate::alarms::AlarmKind;
use crate::effect::{Effect, NotStarted, Turn};
use crate::state::{Cause, Phase};
use crate::storage::Forecast;
use crate::{Recorder, Trouble};

const SECOND_NS: u64 = 1_000_000_000;

/// A step of UTC beyond this is told, not only entered.
const CLOCK_STEP_TOLD_NS: u64 = SECOND_NS / 2;

/// How long a step of UTC is told.
const CLOCK_ALARM_NS: u64 = 60 * SECOND_NS;

/// How long nothing must be dropped before a queue counts as well.
const QUEUE_ALARM_NS: u64 = 10 * SECOND_NS;

/// The queue that a recording's media pass through on their way to the storage.
pub const OUTBOX: &str = "outbox";

/// A battery below this is told.
const BATTERY_LOW_PERCENT: u8 = 10;

impl Recorder {
    /// Nothing more can be stored: the recording ends, or ended for this and not because it was stopped.
    pub(crate) fn storage_failed(&mut self, is_full: bool, reason: String, turn: &mut Turn) {
        let cause = if is_full { Cause::StorageFull } else { Cause::StorageFailed };
        self.trouble(reason.clone(), is_full, turn);
        match self.phase {
            Phase::Draining(Cause::StorageFailed | Cause::StorageFull) => {}
            Phase::Draining(_) => self.phase = Phase::Draining(cause),
            _ => self.end_for_storage(cause, reason, turn),
        }
    }

    /// Remembers why nothing can be recorded, until a recording is opened again.
    pub(crate) fn trouble(&mut self, reason: String, is_full: bool, turn: &mut Turn) {
        let kind = if is_full { AlarmKind::StorageFull } else { AlarmKind::StorageFailed };
        self.alarms.raise(kind, reason.clone(), turn);
        // Room alone does not help where something else failed as well.
        if self.trouble.as_ref().is_none_or(|trouble| trouble.is_full) {
            self.trouble = Some(Trouble { reason, is_full });
        }
    }

    /// A recording could be opened, so the storage takes data; unless something of it failed since the recording was asked
    /// for.
    pub(crate) fn storage_works(&mut self, turn: &mut Turn) {
        let early = &self.recording.early;
        let (failed, filled) = (Some(Cause::StorageFailed), Some(Cause::StorageFull));
        let is_full = self.storage.is_full || early.storage == filled;
        if early.storage != failed && !early.is_fallen_over {
            self.alarms.quiet(AlarmKind::StorageFailed, turn);
        }
        if !is_full {
            self.alarms.quiet(AlarmKind::StorageFull, turn);
        }
        if !early.is_fallen_over && !self.storage.lacks_second {
            self.alarms.quiet(AlarmKind::SecondStorage, turn);
        }
    }

    /// Nothing is lost, and the recording goes on; but what took over is the last.
    pub(crate) fn storage_fell_over(&mut self, is_full: bool, reason: String, turn: &mut Turn) {
        self.recording.early.is_fallen_over = true;
        let detail = format!("the recording is on the second storage: {reason}");
        if !is_full {
            self.alarms.raise(AlarmKind::StorageFailed, reason, turn);
        }
        self.alarms.raise(AlarmKind::SecondStorage, detail, turn);
    }

    /// The second storage is asked for and not there; only another start of the recorder finds it.
    pub(crate) fn second_storage_missing(&mut self, reason: &str, turn: &mut Turn) {
        self.storage.lacks_second = true;
        let detail = format!("the second storage is not there: {reason}");
        self.alarms.raise(AlarmKind::SecondStorage, detail, turn);
    }

    fn end_for_storage(&mut self, cause: Cause, reason: String, turn: &mut Turn) {
        match self.phase {
            Phase::Waiting => self.not_started(NotStarted::Storage(reason), turn),
            Phase::Opening => {
                self.recording.early.storage.get_or_insert(cause);
            }
            Phase::Capturing | Phase::Post { .. } => self.end(cause, turn),
            _ => {}
        }
    }

    pub(crate) fn storage_stalled(&mut self, turn: &mut Turn) {
        self.storage.is_stalled = true;
        self.alarms.raise(AlarmKind::StorageStalled, "a write has not returned for a second".into(), turn);
    }

    pub(crate) fn storage_moved(&mut self, turn: &mut Turn) {
        self.storage.is_stalled = false;
        self.storage.forget_losses();
        self.recording.interruptions.storage_back(turn.now_ns, turn);
        self.alarms.quiet(AlarmKind::StorageStalled, turn);
    }

    /// What a recording loses here and there is counted in its records; a stretch of it is an interruption.
    pub(crate) fn dropped(&mut self, queue: &str, count: u64, turn: &mut Turn) {
        let detail = format!("{queue} was full; {count} dropped");
        if queue == OUTBOX
            && self.phase.is_capturing()
            && let Some(from_ns) = self.storage.lost(turn.now_ns)
        {
            let media = self.recording.media;
            self.recording.interruptions.storage_lost(media, from_ns, detail.clone(), turn);
        }
        self.alarms.raise_for(AlarmKind::Queue, QUEUE_ALARM_NS, detail, turn);
    }

    /// Ends the stretch of losses when nothing was lost for a while.
    pub(crate) fn keep_up(&mut self, turn: &mut Turn) {
        if let Some(to_ns) = self.storage.end_of_losses(turn.now_ns) {
            self.recording.interruptions.storage_back(to_ns, turn);
        }
    }

    pub(crate) fn space(&mut self, free_bytes: u64, bytes_per_s: u64, turn: &mut Turn) {
        self.storage.measure(free_bytes, self.rules.reserve_bytes);
        if self.storage.is_full {
            self.full(turn);
        } else {
            self.no_longer_full(turn);
        }
        let room_bytes = free_bytes.saturating_sub(self.rules.reserve_bytes);
        match self.storage.forecast(room_bytes, bytes_per_s, &self.rules.warn_min) {
            Forecast::Same => {}
            Forecast::Passed(mark_min) => self.alarms.raise_low(mark_min, turn),
            Forecast::Clear => self.alarms.quiet(AlarmKind::StorageLow, turn),
        }
    }

    fn full(&mut self, turn: &mut Turn) {
        let reason = "the storage is full but for the reserve";
        self.alarms.raise(AlarmKind::StorageFull, reason.into(), turn);
        self.end_for_storage(Cause::StorageFull, reason.into(), turn);
    }

    fn no_longer_full(&mut self, turn: &mut Turn) {
        self.alarms.quiet(AlarmKind::StorageFull, turn);
        self.trouble.take_if(|trouble| trouble.is_full);
    }

    pub(crate) fn clock_stepped(&mut self, step_ns: i64, turn: &mut Turn) {
        match self.phase {
            Phase::Starting => self.early_step_ns = self.early_step_ns.saturating_add(step_ns),
            _ => turn.give(Effect::EnterClockStep { step_ns }),
        }
        if step_ns.unsigned_abs() > CLOCK_STEP_TOLD_NS {
            let detail = format!("UTC was set by {} ms", step_ns / 1_000_000);
            self.alarms.raise_for(AlarmKind::Clock, CLOCK_ALARM_NS, detail, turn);
        }
    }

    pub(crate) fn battery(&mut self, percent: u8, is_discharging: bool, turn: &mut Turn) {
        if is_discharging && percent < BATTERY_LOW_PERCENT {
            self.alarms.raise(AlarmKind::Power, format!("the battery is at {percent} %"), turn);
        } else {
            self.alarms.quiet(AlarmKind::Power, turn);
        }
    }
}
