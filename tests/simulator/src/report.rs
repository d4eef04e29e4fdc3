// SPDX-License-Identifier: MIT OR Apache-2.0
//! What happened in one run or many, in numbers.

use crate::plan::{DAY, MS};
use crate::watch::{Losses, Worst};
use std::fmt;

/// Numbers of one run, or of many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How much time passed in the world.
    pub simulated_ns: u64,
    /// Power cuts, and kills of the daemon.
    pub cuts: u64,
    /// What else went wrong.
    pub faults: u64,
    /// Sessions that were opened.
    pub sessions: u64,
    /// Chunks that became durable.
    pub chunks: u64,
    /// Interruptions that were entered.
    pub interruptions: u64,
    /// Alarms that were raised.
    pub alarms: u64,
    /// Inputs that the machine was given.
    pub steps: u64,
    /// What cuts cost.
    pub losses: Losses,
}

impl Report {
    /// Adds the numbers of another run.
    pub fn join(&mut self, other: &Report) {
        self.simulated_ns += other.simulated_ns;
        self.cuts += other.cuts;
        self.faults += other.faults;
        self.sessions += other.sessions;
        self.chunks += other.chunks;
        self.interruptions += other.interruptions;
        self.alarms += other.alarms;
        self.steps += other.steps;
        self.losses.join(&other.losses);
    }

    /// How much time passed in the world, in hundredths of a day.
    #[must_use]
    pub fn centidays(&self) -> u64 {
        self.simulated_ns / (DAY / 100)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, losses) = (self.centidays(), &self.losses);
        writeln!(f, "simulated days        {}.{:02}", days / 100, days % 100)?;
        writeln!(
            f,
            "sessions              {}, chunks {}, interruptions {}",
            self.sessions, self.chunks, self.interruptions
        )?;
        writeln!(f, "faults                {}, alarms {}, inputs {}", self.faults, self.alarms, self.steps)?;
        writeln!(f, "cuts                  {}, of these {} in a recording", self.cuts, losses.cuts())?;
        writeln!(f, "lost by a cut         median {} ms", losses.median_ns() / MS)?;
        writeln!(f, "  nothing held back   {}", worst(losses.free))?;
        writeln!(f, "  in a stalled write  {}", worst(losses.in_stall))?;
        write!(f, "  in the pre-record   {}", worst(losses.in_prerecord))
    }
}

fn worst(worst: Worst) -> String {
    format!("{} ms at most, in {} cuts", worst.largest_ns / MS, worst.cuts)
}
