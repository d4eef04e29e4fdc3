// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs worlds by their seeds and says what came of them.

use clap::Parser;
use rustix::time::{ClockId, clock_gettime};
use simulator::{Outcome, Report, Run, Violation};
use std::ops::Range;
use std::process::ExitCode;
use std::time::Duration;

const DAY_NS: u64 = 24 * 60 * 60 * 1_000_000_000;

/// Runs the recorder's state machine through days of faults and checks at every step what must hold.
#[derive(Parser)]
struct Cli {
    /// Which seeds to run, from the first to one before the second.
    #[arg(long, value_name = "A..B", default_value = "0..40", value_parser = seeds)]
    seeds: Range<u64>,
    /// How many days each seed is run.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    days: u64,
    /// Runs this seed only.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Prints every event of the seed.
    #[arg(long, requires = "seed")]
    log: bool,
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let number = |text: &str| text.parse::<u64>().map_err(|error| format!("\"{text}\": {error}"));
    let (from, to) = text.split_once("..").ok_or("it must be two numbers with .. between them")?;
    let range = number(from)?..number(to)?;
    if range.is_empty() { Err("it is empty".into()) } else { Ok(range) }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let seeds = cli.seed.map_or(cli.seeds, |seed| seed..seed + 1);
    let mut report = Report::default();
    for seed in seeds {
        let run = Run { seed, length_ns: cli.days * DAY_NS, bug: None };
        let Outcome { report: of_seed, violation } = if cli.log { run.run_printing() } else { run.run() };
        report.join(&of_seed);
        if let Some(violation) = violation {
            tell(run, &violation, cli.days, cli.log);
            return ExitCode::FAILURE;
        }
    }
    println!("{report}");
    println!("speed                 {}", speed(&report, processor_time()));
    ExitCode::SUCCESS
}

/// Says what does not hold, and how it came to that.
fn tell(run: Run, violation: &Violation, days: u64, is_printed: bool) {
    if !is_printed {
        println!("the last events:");
        run.last_events().iter().for_each(|line| println!("{line}"));
    }
    let Violation { invariant, at_ns, detail } = violation;
    println!("seed {} violates {} after {} s: {detail}", run.seed, invariant.name(), at_ns / 1_000_000_000);
    println!("every event: simulator --seed {} --days {days} --log", run.seed);
}

/// By the time of the processor: others may share it.
fn speed(report: &Report, took: Duration) -> String {
    let per_s = report.centidays() * 1_000 / u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
    format!("{}.{:02} simulated days a second of one core ({} ms)", per_s / 100, per_s % 100, took.as_millis())
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
