// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which alarms stand. Each is raised once and quiet once; some are quiet by themselves after a while.

use crate::effect::{Effect, Turn};
use crate::medium::Medium;
use std::fmt;

/// What an alarm is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlarmKind {
    /// A camera that is wanted is gone.
    Camera,
    /// A microphone that is wanted is gone.
    Microphone,
    /// The camera gives far fewer frames than it says.
    FrameRate,
    /// A write does not return.
    StorageStalled,
    /// A write failed.
    StorageFailed,
    /// Nothing more can be recorded.
    StorageFull,
    /// There will soon be no room.
    StorageLow,
    /// No second storage is left to go on with.
    SecondStorage,
    /// A queue was full and something was dropped.
    Queue,
    /// UTC was set.
    Clock,
    /// The battery is nearly empty.
    Power,
}

impl AlarmKind {
    /// All of them.
    pub const ALL: [AlarmKind; 11] = [
        AlarmKind::Camera,
        AlarmKind::Microphone,
        AlarmKind::FrameRate,
        AlarmKind::StorageStalled,
        AlarmKind::StorageFailed,
        AlarmKind::StorageFull,
        AlarmKind::StorageLow,
        AlarmKind::SecondStorage,
        AlarmKind::Queue,
        AlarmKind::Clock,
        AlarmKind::Power,
    ];

    /// The word in properties, signals and the journal (`docs/design/continuity.md`, alarms).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            AlarmKind::Camera => "camera",
            AlarmKind::Microphone => "microphone",
            AlarmKind::FrameRate => "frame-rate",
            AlarmKind::StorageStalled => "storage-stalled",
            AlarmKind::StorageFailed => "storage-failed",
            AlarmKind::StorageFull => "storage-full",
            AlarmKind::StorageLow => "storage-low",
            AlarmKind::SecondStorage => "second-storage",
            AlarmKind::Queue => "queue",
            AlarmKind::Clock => "clock",
            AlarmKind::Power => "power",
        }
    }

    /// The alarm of a medium whose source is gone.
    #[must_use]
    pub fn of(medium: Medium) -> AlarmKind {
        match medium {
            Medium::Video => AlarmKind::Camera,
            Medium::Audio => AlarmKind::Microphone,
        }
    }
}

impl fmt::Display for AlarmKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An alarm that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// What it is about.
    pub kind: AlarmKind,
    /// Boot time at which it was raised.
    pub since_ns: u64,
    /// What happened.
    pub detail: String,
    /// Of `storage-low`: the mark that was passed, in minutes left.
    pub mark_min: Option<u32>,
}

/// The alarms that stand, in the order in which they were raised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Alarms {
    standing: Vec<Standing>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Standing {
    alarm: Alarm,
    until_ns: Option<u64>,
}

impl Alarms {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Alarm> {
        self.standing.iter().map(|standing| &standing.alarm)
    }

    /// Raises an alarm that stands until it is told to be over. One that stands already stays as it is.
    pub(crate) fn raise(&mut self, kind: AlarmKind, detail: String, turn: &mut Turn) {
        if !self.stands(kind) {
            self.put(Alarm { kind, since_ns: turn.now_ns, detail, mark_min: None }, None, turn);
        }
    }

    /// Raises an alarm that is over after a while. One that stands already stands longer.
    pub(crate) fn raise_for(&mut self, kind: AlarmKind, last_ns: u64, detail: String, turn: &mut Turn) {
        self.raise(kind, detail, turn);
        let until_ns = Some(turn.now_ns.saturating_add(last_ns));
        self.standing.iter_mut().filter(|standing| standing.alarm.kind == kind).for_each(|s| s.until_ns = until_ns);
    }

    /// Raises `storage-low`, in place of one that stands for a higher mark.
    pub(crate) fn raise_low(&mut self, mark_min: u32, turn: &mut Turn) {
        let kind = AlarmKind::StorageLow;
        self.standing.retain(|standing| standing.alarm.kind != kind);
        let detail = format!("room for less than {mark_min} minutes is left");
        self.put(Alarm { kind, since_ns: turn.now_ns, detail, mark_min: Some(mark_min) }, None, turn);
    }

    /// The alarm is over, if it stands.
    pub(crate) fn quiet(&mut self, kind: AlarmKind, turn: &mut Turn) {
        if self.stands(kind) {
            self.standing.retain(|standing| standing.alarm.kind != kind);
            turn.give(Effect::Quiet(kind));
        }
    }

    /// Ends those whose time is over.
    pub(crate) fn pass_time(&mut self, turn: &mut Turn) {
        let is_over = |standing: &Standing| standing.until_ns.is_some_and(|until_ns| until_ns <= turn.now_ns);
        let over = |standing: &Standing| is_over(standing).then_some(standing.alarm.kind);
        let kinds: Vec<AlarmKind> = self.standing.iter().filter_map(over).collect();
        kinds.into_iter().for_each(|kind| self.quiet(kind, turn));
    }

    pub(crate) fn next_wake_ns(&self) -> Option<u64> {
        self.standing.iter().filter_map(|standing| standing.until_ns).min()
    }

    fn stands(&self, kind: AlarmKind) -> bool {
        self.iter().any(|alarm| alarm.kind == kind)
    }

    fn put(&mut self, alarm: Alarm, until_ns: Option<u64>, turn: &mut Turn) {
        turn.give(Effect::Raise(alarm.clone()));
        self.standing.push(Standing { alarm, until_ns });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(does: impl FnOnce(&mut Turn), now_ns: u64) -> Vec<&'static str> {
        let mut turn = Turn::new(now_ns);
        does(&mut turn);
        let word = |effect: &Effect| match effect {
            Effect::Raise(_) => "raise",
            Effect::Quiet(_) => "quiet",
            _ => "other",
        };
        turn.effects.iter().map(word).collect()
    }

    #[test]
    fn an_alarm_is_raised_once_and_quiet_once() {
        let mut alarms = Alarms::default();
        let mut raise = |turn: &mut Turn| alarms.raise(AlarmKind::Camera, String::new(), turn);
        assert_eq!((told(&mut raise, 0), told(&mut raise, 1)), (vec!["raise"], vec![]));
        let mut quiet = |turn: &mut Turn| alarms.quiet(AlarmKind::Camera, turn);
        assert_eq!((told(&mut quiet, 2), told(&mut quiet, 3)), (vec!["quiet"], vec![]));
    }

    #[test]
    fn one_that_is_over_after_a_while_stands_longer_when_it_is_raised_again() {
        let mut alarms = Alarms::default();
        let mut raise = |now_ns| told(|turn| alarms.raise_for(AlarmKind::Queue, 10, String::new(), turn), now_ns);
        assert_eq!((raise(0), raise(5)), (vec!["raise"], vec![]));
        assert_eq!(alarms.next_wake_ns(), Some(15));
        let mut pass = |now_ns| told(|turn| alarms.pass_time(turn), now_ns);
        assert_eq!((pass(14), pass(15), pass(16)), (vec![], vec!["quiet"], vec![]));
    }
}
