// SPDX-License-Identifier: MIT OR Apache-2.0
//! A small disk of its own: a tmpfs in a mount namespace that only the programs started in it see. It needs root or
//! user namespaces, and no privilege outside.

use crate::support::process::{Running, finish, tied};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A mounted tmpfs; it goes with the value.
pub(crate) struct Disk {
    keeper: Running,
    folder: PathBuf,
    is_root: bool,
}

impl Disk {
    /// Mounts a disk with these options (such as `size=6m`) at a folder.
    pub(crate) fn mount(folder: &Path, options: &str) -> Disk {
        let is_root = rustix::process::geteuid().is_root();
        let mut command = tied("unshare");
        command.args(if is_root { &["--mount"][..] } else { &["--user", "--map-root-user", "--mount"] });
        let script = r#"mount -t tmpfs -o "$1" tmpfs "$2" && echo mounted && exec sleep infinity"#;
        command.args(["--", "sh", "-c", script, "sh", options]).arg(folder);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "mounted", "no tmpfs can be mounted: is neither root nor a user namespace allowed?");
        Disk { keeper: Running::new(child), folder: folder.into(), is_root }
    }

    /// The words that start a program where the disk is seen.
    pub(crate) fn prefix(&self) -> Vec<String> {
        let mut words = vec!["nsenter".into(), "--target".into(), self.keeper.pid().to_string(), "--mount".into()];
        if !self.is_root {
            words.extend(["--user".into(), "--preserve-credentials".into()]);
        }
        words
    }

    /// Changes the disk's options.
    pub(crate) fn change(&self, options: &str) {
        self.run(&["mount", "-o", &format!("remount,{options}")], &self.folder);
    }

    /// Fills the disk to the last byte.
    pub(crate) fn fill(&self) {
        let filler = self.folder.join("filler");
        let mut command = self.command(&["sh", "-c", r#"cat /dev/zero >"$1" 2>/dev/null || true"#, "sh"]);
        command.arg(filler);
        assert_eq!(finish(command).code, 0);
    }

    fn run(&self, words: &[&str], path: &Path) {
        let mut command = self.command(words);
        command.arg(path);
        let ended = finish(command);
        assert_eq!(ended.code, 0, "{}", ended.error);
    }

    fn command(&self, words: &[&str]) -> Command {
        let prefix = self.prefix();
        let mut command = tied(&prefix[0]);
        command.args(&prefix[1..]).arg("--").args(words);
        command
    }
}
