// SPDX-License-Identifier: MIT OR Apache-2.0
//! Makes alarms known: to whoever asks, on the bus, and in the journal, where the catalog explains them.

use crate::live::Live;
use bus::{AlarmInfo, Notifier};
use recorder::{Alarm, AlarmKind};
use std::sync::Arc;

/// Where alarms are made known.
pub(crate) struct AlarmBoard {
    live: Arc<Live>,
    notifier: Notifier,
}

impl AlarmBoard {
    pub(crate) fn new(live: Arc<Live>, notifier: Notifier) -> AlarmBoard {
        AlarmBoard { live, notifier }
    }

    /// Raises an alarm, in place of one of its kind that stands.
    pub(crate) fn raise(&self, alarm: &Alarm) {
        let kind = kind_of(alarm.kind);
        let info = AlarmInfo { kind, detail: alarm.detail.clone(), since_utc_ns: store::clock::utc_now().0 };
        // The field is the journal's own; its catalog says what the alarm means and what to do.
        tracing::error!(message_id = kind.message_id(), alarm = %kind, detail = info.detail, "alarm");
        self.live.raise(info.clone());
        self.notifier.alarm_raised(info);
    }

    /// Ends an alarm.
    pub(crate) fn quiet(&self, kind: AlarmKind) {
        let kind = kind_of(kind);
        tracing::info!(alarm = %kind, "the alarm is over");
        self.live.quiet(kind);
        self.notifier.alarm_quiet(kind);
    }
}

fn kind_of(kind: AlarmKind) -> bus::AlarmKind {
    match kind {
        AlarmKind::Camera => bus::AlarmKind::Camera,
        AlarmKind::Microphone => bus::AlarmKind::Microphone,
        AlarmKind::FrameRate => bus::AlarmKind::FrameRate,
        AlarmKind::StorageStalled => bus::AlarmKind::StorageStalled,
        AlarmKind::StorageFailed => bus::AlarmKind::StorageFailed,
        AlarmKind::StorageFull => bus::AlarmKind::StorageFull,
        AlarmKind::StorageLow => bus::AlarmKind::StorageLow,
        AlarmKind::SecondStorage => bus::AlarmKind::SecondStorage,
        AlarmKind::Queue => bus::AlarmKind::Queue,
        AlarmKind::Clock => bus::AlarmKind::Clock,
        AlarmKind::Power => bus::AlarmKind::Power,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_alarm_has_the_same_word_here_and_on_the_bus() {
        for kind in AlarmKind::ALL {
            assert_eq!(kind.as_str(), kind_of(kind).as_str());
        }
    }
}
