// SPDX-License-Identifier: MIT OR Apache-2.0
//! A person who may not see everything: root sees even what is closed.

use crate::support::process::{Ended, finish, limited};
use crate::support::programs::sealcamctl;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Somebody without rights, with a copy of evidence that is theirs to read.
pub(crate) struct Nobody {
    home: TempDir,
}

impl Nobody {
    /// Copies the evidence and the program that verifies it to where anyone may go.
    pub(crate) fn with_copy_of(evidence: &Path) -> Nobody {
        let home = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap();
        for (from, name) in [(evidence, "evidence"), (&sealcamctl(), "sealcamctl")] {
            let mut copy = Command::new("cp");
            copy.arg("-r").arg(from).arg(home.path().join(name));
            assert_eq!(finish(copy).code, 0);
        }
        let mut open = Command::new("chmod");
        open.args(["-R", "a+rX"]).arg(home.path().join("evidence"));
        assert_eq!(finish(open).code, 0);
        Nobody { home }
    }

    /// Verifies the copy.
    pub(crate) fn verify(&self) -> Ended {
        let mut command = limited("setpriv");
        if rustix::process::geteuid().is_root() {
            command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
        }
        command.arg("--").arg(self.home.path().join("sealcamctl")).arg("verify").arg(self.home.path().join("evidence"));
        finish(command)
    }

    /// Verifies the copy while one of its folders can be listed but not entered.
    pub(crate) fn verify_without_searching(&self, folder: &Path) -> Ended {
        let folder = self.home.path().join("evidence").join(folder);
        let set = |mode| fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
        set(0o444);
        let said = self.verify();
        set(0o755);
        said
    }
}
