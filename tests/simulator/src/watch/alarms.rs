// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which faults there are, whether an alarm tells of each in time, and whether it is quiet when the fault is over.

use crate::plan::{MS, SECOND};
use crate::watch::{ALARM_NS, Invariant, Verdict, must};
use recorder::AlarmKind;

/// How long after its fault an alarm may still stand.
fn quiet_ns(kind: AlarmKind) -> u64 {
    match kind {
        // The rate is measured over 2 s, and the camera may be silent for as long, unnoticed, before and between.
        AlarmKind::FrameRate => 8 * SECOND,
        AlarmKind::StorageFull | AlarmKind::StorageLow | AlarmKind::Power => 2_100 * MS,
        _ => SECOND,
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct One {
    fault_ns: Option<u64>,
    over_ns: Option<u64>,
    is_raised: bool,
}

/// One line for each alarm.
#[derive(Clone, Debug, Default)]
pub(crate) struct AlarmWatch {
    each: [One; AlarmKind::ALL.len()],
}

impl AlarmWatch {
    /// Whether there is a fault now. It counts from when it is first said, or from `since_ns`.
    pub(crate) fn set(&mut self, kind: AlarmKind, is_fault: bool, since_ns: u64) {
        let one = &mut self.each[kind as usize];
        match (is_fault, one.fault_ns) {
            (true, None) => (one.fault_ns, one.over_ns) = (Some(since_ns), None),
            (false, Some(_)) => (one.fault_ns, one.over_ns) = (None, Some(since_ns)),
            _ => {}
        }
    }

    /// A fault that is over at a time that is known.
    pub(crate) fn set_until(&mut self, kind: AlarmKind, since_ns: u64, until_ns: u64) {
        let one = &mut self.each[kind as usize];
        (one.fault_ns, one.over_ns) = (one.fault_ns.or(Some(since_ns)), Some(until_ns));
    }

    pub(crate) fn raised(&mut self, kind: AlarmKind, now_ns: u64) -> Verdict {
        let one = &mut self.each[kind as usize];
        let was_raised = std::mem::replace(&mut one.is_raised, true);
        let is_in_time = one.fault_ns.is_none_or(|fault_ns| now_ns <= fault_ns + ALARM_NS);
        let has_fault = one.fault_ns.is_some();
        let is_again = was_raised && kind != AlarmKind::StorageLow;
        must(!is_again, Invariant::AlarmQuiet, || format!("{kind} is raised while it stands"))?;
        must(has_fault, Invariant::AlarmTrue, || format!("{kind} is raised and nothing is wrong"))?;
        must(was_raised || is_in_time, Invariant::AlarmInTime, || format!("{kind} is raised late"))
    }

    pub(crate) fn quieted(&mut self, kind: AlarmKind) {
        self.each[kind as usize].is_raised = false;
    }

    /// The machine slept until now: nothing could be told meanwhile. What is over by time is over in boot time.
    pub(crate) fn slept(&mut self, asleep_ns: u64, now_ns: u64) {
        for one in &mut self.each {
            one.fault_ns.iter_mut().for_each(|at_ns| *at_ns += asleep_ns);
            one.over_ns.iter_mut().for_each(|at_ns| *at_ns = (*at_ns + asleep_ns).min(now_ns.max(*at_ns)));
        }
    }

    pub(crate) fn check(&mut self, now_ns: u64) -> Verdict {
        for kind in AlarmKind::ALL {
            let one = &mut self.each[kind as usize];
            if one.over_ns.is_some_and(|over_ns| over_ns <= now_ns) {
                one.fault_ns = None;
            }
            let is_told = one.is_raised || one.fault_ns.is_none_or(|fault_ns| now_ns <= fault_ns + ALARM_NS);
            must(is_told, Invariant::AlarmInTime, || format!("{kind} is not raised"))?;
            let is_due = one.over_ns.is_some_and(|over_ns| now_ns > over_ns + quiet_ns(kind));
            must(!(is_due && one.is_raised && one.fault_ns.is_none()), Invariant::AlarmQuiet, || {
                format!("{kind} is not quiet")
            })?;
        }
        Ok(())
    }
}
