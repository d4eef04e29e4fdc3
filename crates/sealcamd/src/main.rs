// SPDX-License-Identifier: MIT OR Apache-2.0
//! The recorder daemon: wires media, store and state machine together and puts them on D-Bus.

mod alarms;
mod battery;
mod capture;
mod clocks;
mod config;
mod control;
mod devices;
mod engine;
mod errors;
mod live;
mod monitor;
mod open;
mod orders;
mod photographer;
mod run;
mod storage;
mod supervision;
mod traces;
mod worker;
mod writer;

use bus::BusAddress;
use clap::Parser;
use config::Config;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

/// Exit code for a configuration that is refused (`sysexits.h`, EX_CONFIG).
const EXIT_CONFIG: u8 = 78;

/// Records evidence, signed chunk by chunk, and is controlled over D-Bus.
#[derive(Debug, Parser)]
#[command(name = "sealcamd", version)]
struct Arguments {
    /// Configuration file; without it the defaults hold.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Overrides one value of the configuration, such as video.source=test: (may be given more than once).
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// The bus to be on: system, session, or a D-Bus address.
    #[arg(long, value_name = "BUS", default_value = "system")]
    bus: BusAddress,
    /// Checks the configuration, says what was checked, and ends.
    #[arg(long)]
    check_config: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let config = match Config::load(arguments.config.as_deref(), &arguments.set) {
        Ok(config) => config,
        Err(error) => return fail(EXIT_CONFIG, &error),
    };
    if arguments.check_config {
        println!("{}", checked(arguments.config.as_deref(), arguments.set.len()));
        return ExitCode::SUCCESS;
    }
    start_logging();
    match run::run(config, &arguments.bus) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{}", line(&error));
            ExitCode::FAILURE
        }
    }
}

/// What was found good.
fn checked(file: Option<&Path>, overrides: usize) -> String {
    let base = match file {
        Some(file) => file.display().to_string(),
        None => "the built-in defaults (--config FILE checks a file)".to_owned(),
    };
    match overrides {
        0 => format!("good: {base}"),
        _ => format!("good: {base}, values overridden with --set: {overrides}"),
    }
}

/// An error and its causes in one line; what an error says of its cause already is not said again.
fn line(error: &anyhow::Error) -> String {
    let mut line = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !line.contains(&cause) {
            line += &format!(": {cause}");
        }
    }
    line
}

fn fail(code: u8, error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("sealcamd: {error}");
    ExitCode::from(code)
}

/// Logs to the journal under systemd, else to standard error. `SEALCAM_LOG` sets the level, as in `store=debug`.
fn start_logging() {
    let filter = EnvFilter::try_from_env("SEALCAM_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let journal = supervision::logs_to_journal().then(tracing_journald::layer).and_then(Result::ok);
    // Fields have the journal's own names: MESSAGE_ID is the one by which its catalog explains an alarm.
    let journal = journal.map(|layer| layer.with_field_prefix(None));
    let plain = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let plain = journal.is_none().then_some(plain);
    tracing_subscriber::registry().with(filter).with(journal).with(plain).init();
}

#[cfg(test)]
mod tests {
    use super::line;
    use anyhow::{Context, anyhow};
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("/evidence: {source}")]
    struct Outer {
        source: io::Error,
    }

    #[test]
    fn a_cause_is_said_once() {
        let outer = Outer { source: io::Error::from(io::ErrorKind::NotFound) };
        assert_eq!(line(&anyhow!(outer)), "/evidence: entity not found");
        let context = Err::<(), _>(io::Error::from(io::ErrorKind::NotFound)).context("the clock cannot be read");
        assert_eq!(line(&context.unwrap_err()), "the clock cannot be read: entity not found");
    }
}
