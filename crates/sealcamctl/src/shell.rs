// SPDX-License-Identifier: MIT OR Apache-2.0
//! Completion scripts and manual pages, made from the command line definitions.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use crate::cli::{Cli, ENVIRONMENT};
use crate::error::CommandError;
use crate::exit::{EXIT_CODES_HELP, Exit};

/// Prints a completion script.
pub(crate) fn completions(shell: Shell) -> Result<Exit, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sealcamctl", &mut script);
    print(&script)
}

/// Writes a page for each command to a folder, or prints the main page.
pub(crate) fn man(folder: Option<&Path>) -> Result<Exit, CommandError> {
    let mut main = Cli::command().disable_help_subcommand(true);
    main.build();
    match folder {
        Some(folder) => write_pages(&main, folder),
        None => print(&page(&main).map_err(CommandError::Output)?),
    }
}

fn write_pages(main: &Command, folder: &Path) -> Result<Exit, CommandError> {
    let failed = |source| CommandError::Path { path: PathBuf::from(folder), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    for command in with_subcommands(main) {
        let file = format!("{}.1", command.get_display_name().unwrap_or_else(|| command.get_name()));
        page(command).and_then(|page| std::fs::write(folder.join(file), page)).map_err(failed)?;
    }
    Ok(Exit::Ok)
}

fn with_subcommands(command: &Command) -> Vec<&Command> {
    std::iter::once(command).chain(command.get_subcommands().flat_map(with_subcommands)).collect()
}

/// The manual page of one command, with the usage as `--help` gives it.
fn page(command: &Command) -> io::Result<Vec<u8>> {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    let command = command.clone().override_usage(usage).after_long_help(None::<&str>);
    let mut page = Vec::new();
    Man::new(command).source(concat!("sealcamctl ", env!("CARGO_PKG_VERSION"))).render(&mut page)?;
    common_sections().to_writer(&mut page)?;
    Ok(page)
}

/// What holds for every command.
fn common_sections() -> Roff {
    let mut sections = Roff::new();
    sections.control("SH", ["EXIT STATUS"]).control("nf", []);
    EXIT_CODES_HELP.lines().skip(1).for_each(|line| _ = sections.text([roman(line)]));
    sections.control("fi", []).control("SH", ["ENVIRONMENT"]);
    for (variables, meaning) in ENVIRONMENT {
        sections.control("TP", []).text([bold(*variables)]).text([roman(*meaning)]);
    }
    sections
}

fn print(bytes: &[u8]) -> Result<Exit, CommandError> {
    io::stdout().write_all(bytes).map_err(CommandError::Output)?;
    Ok(Exit::Ok)
}
