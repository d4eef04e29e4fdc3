// SPDX-License-Identifier: MIT OR Apache-2.0
//! `sealcamctl`: the command line of the recorder. It speaks to the recorder over D-Bus, and reads recorded files itself.

mod cli;
mod commands;
mod detail_messages;
mod error;
mod exit;
mod file_messages;
mod folder;
mod interruptions;
mod keys;
mod messages;
mod output;
mod pick;
mod recorded;
mod shell;
mod summary;
mod text;
mod timeline;
mod timeline_messages;
mod units;
mod upkeep;
mod verify;
mod watch;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::Output;
use crate::text::Lang;

fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    let output = Output { json: cli.json, lang: Lang::of_environment() };
    let exit = run(&cli, &output).unwrap_or_else(|error| output.failure(&error));
    exit.into()
}

fn run(cli: &Cli, output: &Output) -> Result<Exit, CommandError> {
    match &cli.command {
        Command::Recorder(request) => commands::run(&cli.bus, request, output),
        Command::Interruptions(arguments) => commands::interruptions(&cli.bus, arguments, output),
        Command::Timeline(arguments) => commands::timeline(&cli.bus, arguments, output),
        Command::Verify(arguments) => verify::verify(arguments, output),
        Command::Key(arguments) => keys::key(arguments, output),
        Command::Reindex(arguments) => upkeep::reindex(arguments, output),
        Command::Check(arguments) => upkeep::check(arguments, output),
        Command::Completions { shell } => shell::completions(*shell),
        Command::Man { folder } => shell::man(folder.as_deref()),
    }
}
