// SPDX-License-Identifier: MIT OR Apache-2.0
//! An invariant that cannot be violated proves nothing: each of these bugs, planted on purpose, must be found, and by the
//! invariant that it breaks.

use recorder::AlarmKind;
use simulator::{Bug, Invariant, Run};

const HOUR_NS: u64 = 60 * 60 * 1_000_000_000;

const BUGS: [(Bug, Invariant); 44] = [
    (Bug::AnnouncedEarly, Invariant::AnnouncedIsDurable),
    (Bug::LyingStorage, Invariant::AnnouncedIsDurable),
    (Bug::NoInterruption, Invariant::Covered),
    (Bug::LateInterruption, Invariant::Covered),
    (Bug::LeakingOutbox, Invariant::Covered),
    (Bug::EarlyInterruption, Invariant::Truthful),
    (Bug::EndlessInterruption, Invariant::Truthful),
    (Bug::EndlessInterruption, Invariant::Paired),
    (Bug::DoubleEnd, Invariant::Paired),
    (Bug::SkippedSeq, Invariant::Chain),
    (Bug::WrongPrev, Invariant::Chain),
    (Bug::ForgetfulIndex, Invariant::LedgerAndIndex),
    (Bug::EndlessOutbox, Invariant::Bounded),
    (Bug::DeafToCamera, Invariant::AlarmInTime),
    (Bug::SlowUntold, Invariant::AlarmInTime),
    (Bug::NoAlarm(AlarmKind::Camera), Invariant::AlarmInTime),
    (Bug::NoAlarm(AlarmKind::Microphone), Invariant::AlarmInTime),
    (Bug::NoAlarm(AlarmKind::FrameRate), Invariant::AlarmInTime),
    (Bug::NoAlarm(AlarmKind::StorageStalled), Invariant::AlarmInTime),
    (Bug::NoAlarm(AlarmKind::StorageFailed), Invariant::AlarmInTime),
    (Bug::NoAlarm(AlarmKind::StorageFull), Invariant::AlarmInTime),
    (Bug::NoAlarm(AlarmKind::StorageLow), Invariant::AlarmInTime),
    (Bug::NoAlarm(AlarmKind::SecondStorage), Invariant::AlarmInTime),
    (Bug::FullIsFailed, Invariant::AlarmTrue),
    (Bug::NoMissed, Invariant::Standstill),
    (Bug::NoAbsence, Invariant::Absent),
    (Bug::AbsentTaken, Invariant::Absent),
    (Bug::AllHeld, Invariant::ResumeLoss),
    (Bug::NoResume, Invariant::Resumed),
    (Bug::NoSecondTry, Invariant::Resumed),
    (Bug::LateHole, Invariant::CutCovered),
    (Bug::NoAlarm(AlarmKind::Queue), Invariant::AlarmInTime),
    (Bug::NoAlarm(AlarmKind::Clock), Invariant::AlarmInTime),
    (Bug::NoAlarm(AlarmKind::Power), Invariant::AlarmInTime),
    (Bug::LongChunks, Invariant::CutLoss),
    (Bug::SlowFrames, Invariant::CutMedian),
    (Bug::TwoSessions, Invariant::OneSession),
    (Bug::BusyAfterExit, Invariant::NothingAfterExit),
    (Bug::NoAnswerToStart, Invariant::Answered),
    (Bug::NoAnswerToStop, Invariant::Answered),
    (Bug::NoRetry, Invariant::Rejoin),
    (Bug::NoClose, Invariant::LeftOpen),
    (Bug::NoPostRecord, Invariant::PostRecord),
    (Bug::NoQuiet(AlarmKind::Camera), Invariant::AlarmQuiet),
];

/// What the bug violates first, world by world.
fn found(bug: Bug) -> impl Iterator<Item = Invariant> {
    let worlds = (0..32).map(move |seed| Run { seed, length_ns: 12 * HOUR_NS, bug: Some(bug) });
    worlds.filter_map(|world| world.run().violation).map(|violation| violation.invariant)
}

#[test]
fn every_bug_is_found_by_the_invariant_that_it_breaks() {
    let missed = BUGS.into_iter().filter(|(bug, invariant)| !found(*bug).any(|found| found == *invariant));
    let missed: Vec<String> = missed.map(|(bug, _)| format!("{bug:?}: {:?}", found(bug).collect::<Vec<_>>())).collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn every_alarm_that_does_not_become_quiet_is_found() {
    let is_missed = |kind: &AlarmKind| !found(Bug::NoQuiet(*kind)).any(|found| found == Invariant::AlarmQuiet);
    let missed: Vec<AlarmKind> = AlarmKind::ALL.into_iter().filter(is_missed).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

#[test]
fn every_invariant_has_a_bug_that_breaks_it() {
    let lacks = |invariant: &Invariant| !BUGS.iter().any(|(_, broken)| broken == invariant);
    let lacking: Vec<Invariant> = Invariant::ALL.into_iter().filter(lacks).collect();
    assert!(lacking.is_empty(), "{lacking:?}");
}
