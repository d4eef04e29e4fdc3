// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line as clap reads it. Nothing is done here.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use bus::{BusAddress, Media, OfficerCause};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::exit::EXIT_CODES_HELP;

/// The environment variables that count, for the manual pages.
pub(crate) const ENVIRONMENT: &[(&str, &str)] = &[
    ("SEALCAM_BUS", "The bus of the recorder where --bus is not given: system, session, or a D-Bus address"),
    ("SEALCAM_LANG", "The language of the output: Chinese where it begins with zh, else English"),
    ("NO_COLOR", "Where it is set, nothing is coloured"),
    ("LC_ALL, LC_MESSAGES, LANG", "Where SEALCAM_LANG is not set, the first of these that is set says the language"),
];

/// Record, look at and verify evidence
#[derive(Debug, Parser)]
#[command(name = "sealcamctl", version, arg_required_else_help = true, after_long_help = EXIT_CODES_HELP)]
pub(crate) struct Cli {
    /// Print one JSON document instead of text (with `status --watch`: one per line)
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// The bus of the recorder: system, session, or a D-Bus address
    #[arg(long, global = true, env = "SEALCAM_BUS", default_value_t, value_name = "BUS")]
    pub(crate) bus: BusAddress,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Recorder(Request),
    /// List what was not captured, when, and why
    Interruptions(InterruptionsArgs),
    /// Draw what of a session was recorded, buffered, interrupted or off, second by second
    Timeline(TimelineArgs),
    /// Say whether recordings are complete and untouched
    Verify(VerifyArgs),
    /// Show or export the device's public keys
    Key(KeyArgs),
    /// Rebuild the index from the recorded files
    Reindex(EvidenceArgs),
    /// Compare recorded files, ledger and index
    Check(EvidenceArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages
    Man {
        /// Folder to write all pages to; without it the main page is printed
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

/// What the recorder itself is asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Request {
    /// Start a recording
    Start {
        /// Who records: 1 to 64 characters
        #[arg(long, value_name = "ID")]
        officer: Option<String>,
        /// What to record; without it: what the recorder's configuration says
        #[arg(long, value_parser = media_parser())]
        media: Option<Media>,
    },
    /// Stop the recording, wait until it is durable, and print what was recorded
    Stop,
    /// Print what the recorder is doing
    Status {
        /// Go on printing what changes, until interrupted
        #[arg(long)]
        watch: bool,
    },
    /// Take a photo
    Photo,
    /// List the sessions that the recorder knows
    Sessions,
    /// Print what a session holds and where its files are
    Show {
        /// The session's id, an unambiguous beginning of it, or "last"
        session: String,
    },
    /// List cameras and microphones
    Devices,
    /// Enter in the ledger what an officer says of an interruption
    Explain {
        /// The interruption's id, or an unambiguous beginning of it
        interruption: String,
        /// Why it was
        #[arg(long, value_parser = officer_cause_parser())]
        cause: OfficerCause,
        /// Who says so: 1 to 64 characters
        #[arg(long, value_name = "ID")]
        officer: Option<String>,
        /// The account: 1 to 4096 characters
        #[arg(long, value_name = "TEXT")]
        text: String,
    },
}

/// Where the recorder keeps evidence unless it is configured otherwise.
const EVIDENCE_FOLDER: &str = "/var/lib/sealcam/evidence";

/// Arguments of `interruptions`.
#[derive(Debug, Args)]
pub(crate) struct InterruptionsArgs {
    /// Of this session only: its id, an unambiguous beginning of it, or "last"
    #[arg(long, value_name = "SESSION")]
    pub(crate) session: Option<String>,
    /// Read the index of this evidence folder and ask no recorder
    #[arg(long, value_name = "DIR")]
    pub(crate) evidence: Option<PathBuf>,
}

/// Arguments of `timeline`.
#[derive(Debug, Args)]
pub(crate) struct TimelineArgs {
    /// The session's id, an unambiguous beginning of it, or "last"
    pub(crate) session: String,
    /// Write the picture to this file, as SVG
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Read the index of this evidence folder and ask no recorder
    #[arg(long, value_name = "DIR")]
    pub(crate) evidence: Option<PathBuf>,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Segment files, photos, session folders, or a whole evidence folder
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// The device's exported public keys; without it no key is trusted
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// How many files to verify at once; without it: one for each processor
    #[arg(long, value_name = "NUMBER")]
    pub(crate) jobs: Option<NonZeroUsize>,
}

/// Arguments of `key`.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// The evidence folder, whose ledger has the keys
    #[arg(long, value_name = "DIR", global = true, default_value = EVIDENCE_FOLDER)]
    pub(crate) evidence: PathBuf,
    #[command(subcommand)]
    pub(crate) command: KeyCommand,
}

/// What to do with the keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Print the device's identity and its public keys
    Show,
    /// Write the public keys, as a verifier needs them
    Export {
        /// File to write; without it: standard output
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

/// Arguments of `reindex` and `check`.
#[derive(Debug, Args)]
pub(crate) struct EvidenceArgs {
    /// The evidence folder
    #[arg(long, value_name = "DIR", default_value = EVIDENCE_FOLDER)]
    pub(crate) evidence: PathBuf,
}

fn media_parser() -> impl TypedValueParser<Value = Media> {
    let words = Media::ALL.iter().map(|media| media.as_str());
    PossibleValuesParser::new(words).try_map(|word| word.parse::<Media>())
}

fn officer_cause_parser() -> impl TypedValueParser<Value = OfficerCause> {
    let words = OfficerCause::ALL.iter().map(|cause| cause.as_str());
    PossibleValuesParser::new(words).try_map(|word| word.parse::<OfficerCause>())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn each_media_word_is_taken_and_others_are_not() {
        for media in Media::ALL {
            let cli = Cli::try_parse_from(["sealcamctl", "start", "--media", media.as_str()]).unwrap();
            assert!(matches!(cli.command, Command::Recorder(Request::Start { media: Some(m), .. }) if m == *media));
        }
        assert!(Cli::try_parse_from(["sealcamctl", "start", "--media", "4k"]).is_err());
    }
}
