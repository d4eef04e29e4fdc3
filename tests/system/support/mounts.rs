// SPDX-License-Identifier: MIT OR Apache-2.0
//! A small disk of its own: a tmpfs in a mount namespace that only the programs started in it see. It needs root or
//! user namespaces, and no privilege outside.

use crate::support::process::{finish, tied};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A mounted tmpfs; it goes with the value, and should this process be killed, with its end of the pipe.
pub(crate) struct Disk {
    keeper: Child,
    folder: PathBuf,
    is_root: bool,
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

fn is_mount_point(path: &str) -> bool {
    Command::new("mountpoint").args(["--quiet", path]).status().unwrap().success()
}

impl Disk {
    /// Mounts a disk with these options (such as `size=6m`) at a folder.
    pub(crate) fn mount(folder: &Path, options: &str) -> Disk {
        let is_root = rustix::process::geteuid().is_root();
        let mut command = Command::new("unshare");
        command.args(if is_root { &["--mount"][..] } else { &["--user", "--map-root-user", "--mount"] });
        // In a plain chroot the root is no mount point, and there is nothing whose propagation could be changed.
        command.args(["--propagation", if is_mount_point("/") { "private" } else { "unchanged" }]);
        let script = r#"mount -t tmpfs -o "$1" tmpfs "$2" && echo mounted && cat; umount --lazy "$2""#;
        command.args(["--", "sh", "-c", script, "sh", options]).arg(folder);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "mounted", "no tmpfs can be mounted: is neither root nor a user namespace allowed?");
        Disk { keeper: child, folder: folder.into(), is_root }
    }

    /// The words that start a program where the disk is seen.
    pub(crate) fn prefix(&self) -> Vec<String> {
        let mut words = vec!["nsenter".into(), "--target".into(), self.keeper.id().to_string(), "--mount".into()];
        if !is_mount_point("/") {
            words.push("--root".into()); // a plain chroot, which the namespace alone would lead out of
        }
        if !self.is_root {
            words.extend(["--user".into(), "--preserve-credentials".into()]);
        }
        words
    }

    /// Changes the disk's options.
    pub(crate) fn change(&self, options: &str) {
        self.run(&["mount", "-o", &format!("remount,{options}")], &self.folder);
    }

    /// Shows a folder in another place too, which is made if need be.
    pub(crate) fn bind(&self, folder: &Path, place: &Path) {
        let script = r#"mkdir -p "$2" && mount --bind "$1" "$2""#;
        let mut command = self.command(&["sh", "-c", script, "sh"]);
        command.arg(folder).arg(place);
        let ended = finish(command);
        assert_eq!(ended.code, 0, "{}", ended.error);
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
