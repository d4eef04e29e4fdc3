// SPDX-License-Identifier: MIT OR Apache-2.0
//! A small disk of its own, in a mount namespace that only the programs started in it see: a tmpfs, which needs root or
//! user namespaces and no privilege outside, or a disk image, which needs root.

use crate::support::process::{finish, quietly, tied};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Where programs for file systems are, too.
const PATH: &str = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";

/// A mounted disk; it goes with the value, and should this process be killed, with its end of the pipe.
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
        let disk = Disk::mount_device("tmpfs", options, Path::new("tmpfs"), folder);
        disk.expect("no tmpfs can be mounted: is neither root nor a user namespace allowed?")
    }

    /// None if this machine does not mount it.
    fn mount_device(kind: &str, options: &str, device: &Path, folder: &Path) -> Option<Disk> {
        let is_root = rustix::process::geteuid().is_root();
        let mut command = Command::new("unshare");
        command.args(if is_root { &["--mount"][..] } else { &["--user", "--map-root-user", "--mount"] });
        // In a plain chroot the root is no mount point, and there is nothing whose propagation could be changed.
        command.args(["--propagation", if is_mount_point("/") { "private" } else { "unchanged" }]);
        let script = r#"mount -t "$1" -o "$2" "$3" "$4" && echo mounted && cat; umount --lazy "$4" 2>/dev/null"#;
        command.args(["--", "sh", "-c", script, "sh", kind, options]).args([device, folder]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let disk = Disk { keeper: child, folder: folder.into(), is_root };
        (line.trim() == "mounted").then_some(disk)
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

    /// How much of it is free.
    pub(crate) fn free_bytes(&self) -> u64 {
        let mut command = self.command(&["stat", "--file-system", "--format=%a %S"]);
        command.arg(&self.folder);
        let numbers: Vec<u64> = quietly(command).split_whitespace().map(|number| number.parse().unwrap()).collect();
        numbers.iter().product()
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

/// A disk image with ext4, mounted through a loop device.
pub(crate) struct Image {
    disk: Disk,
    image: PathBuf,
}

impl Image {
    const OPTIONS: &str = "loop,errors=remount-ro";

    /// Makes an image and mounts it at a folder. None where that is not allowed: it needs root and loop devices.
    pub(crate) fn mount(image: &Path, folder: &Path) -> Option<Image> {
        if !rustix::process::geteuid().is_root() || !Path::new("/dev/loop-control").exists() {
            return None;
        }
        std::fs::File::create(image).unwrap().set_len(64 << 20).unwrap();
        let mut make = Command::new("mkfs.ext4");
        make.args(["-q", "-F"]).arg(image).env("PATH", PATH);
        quietly(make);
        let disk = Disk::mount_device("ext4", Image::OPTIONS, image, folder);
        let disk = disk.expect("root has loop devices, and no disk image can be mounted");
        Some(Image { disk, image: image.into() })
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.disk
    }

    /// The kernel finds the file system broken: from now on it takes no write.
    pub(crate) fn break_down(&self) {
        self.disk.run(&["mount", "-o", "remount,abort"], &self.disk.folder);
    }

    /// Checks it and mounts it again. Nobody may use it.
    pub(crate) fn repair(&self) {
        self.disk.run(&["umount"], &self.disk.folder);
        // 1: errors were there, and are corrected.
        let script = r#"PATH="$1" e2fsck -p -f "$2" >/dev/null; [ $? -le 1 ] && mount -t ext4 -o "$3" "$2" "$4""#;
        let mut command = self.disk.command(&["sh", "-c", script, "sh", PATH]);
        command.arg(&self.image).arg(Image::OPTIONS).arg(&self.disk.folder);
        let ended = finish(command);
        assert_eq!(ended.code, 0, "{}", ended.error);
    }
}
