// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a configuration is refused, in one line.

use std::path::PathBuf;

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not a configuration.
    #[error("{}:{line}:{column}: {key}{problem}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// The key with a colon, if the problem is one of a key or value.
        key: String,
        /// What is wrong, and what is allowed.
        problem: String,
    },
    /// A value given on the command line is wrong.
    #[error("--set {setting}: {problem}")]
    Setting {
        /// As given.
        setting: String,
        /// What is wrong, and what is allowed.
        problem: String,
    },
    /// The defaults that the program was built with are wrong.
    #[error("default of {key}: {problem}")]
    Defaults {
        /// Which.
        key: String,
        /// What is wrong, and what is allowed.
        problem: String,
    },
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
