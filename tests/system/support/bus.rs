// SPDX-License-Identifier: MIT OR Apache-2.0
//! A message bus of its own, by the real `dbus-daemon`.

use crate::support::process::{Running, tied};
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use tempfile::TempDir;

const CONFIG: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path=FOLDER/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
"#;

/// A private bus; it ends with the value.
pub(crate) struct Bus {
    /// Its address.
    pub(crate) address: String,
    process: Running,
    _folder: TempDir,
}

impl Bus {
    /// Starts a bus and waits until it listens.
    pub(crate) fn start() -> Bus {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("bus.conf");
        std::fs::write(&config, CONFIG.replace("FOLDER", folder.path().to_str().unwrap())).unwrap();
        let mut daemon = tied("dbus-daemon");
        daemon.arg(format!("--config-file={}", config.display())).args(["--nofork", "--print-address"]);
        let mut child = daemon.stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        assert!(address.starts_with("unix:"), "the bus does not say its address");
        Bus { address: address.trim().to_owned(), process: Running::new(child), _folder: folder }
    }

    /// Ends the bus under everyone who is on it.
    pub(crate) fn end(&mut self) {
        self.process.signal(rustix::process::Signal::TERM);
        self.process.exit();
    }
}
