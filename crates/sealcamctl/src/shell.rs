// SPDX-License-Identifier: MIT OR Apache-2.0
//! Completion scripts and manual pages, made from the command line definitions.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::error::CommandError;
use crate::exit::Exit;

/// Prints a completion script.
pub(crate) fn completions(shell: Shell) -> Result<Exit, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sealcamctl", &mut script);
    print(&script)
}

/// Writes a page for each command to a folder, or prints the main page.
pub(crate) fn man(folder: Option<&Path>) -> Result<Exit, CommandError> {
    match folder {
        Some(folder) => write_pages(folder),
        None => print_page(),
    }
}

fn write_pages(folder: &Path) -> Result<Exit, CommandError> {
    let failed = |source| CommandError::Path { path: PathBuf::from(folder), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(failed)?;
    Ok(Exit::Ok)
}

fn print_page() -> Result<Exit, CommandError> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(CommandError::Output)?;
    print(&page)
}

fn print(bytes: &[u8]) -> Result<Exit, CommandError> {
    std::io::stdout().write_all(bytes).map_err(CommandError::Output)?;
    Ok(Exit::Ok)
}
