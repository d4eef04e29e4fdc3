// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the programs under test are. They are built once, into the folder that this test was built into, so that
//! `cargo test` alone is enough and never tests yesterday's daemon.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The folder of one profile, such as `target/debug`.
pub(crate) fn profile_folder() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().to_path_buf()
}

/// The folder of all profiles, such as `target`.
pub(crate) fn target_folder() -> PathBuf {
    profile_folder().parent().unwrap().to_path_buf()
}

/// The profile by the name that cargo takes.
pub(crate) fn profile() -> String {
    let folder = profile_folder().file_name().unwrap().to_string_lossy().into_owned();
    if folder == "debug" { "dev".into() } else { folder }
}

/// The daemon.
pub(crate) fn sealcamd() -> PathBuf {
    built().join("sealcamd")
}

/// The command line.
pub(crate) fn sealcamctl() -> PathBuf {
    built().join("sealcamctl")
}

fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        // The same selection as `make record`, so that both share what they build.
        let mut build = without_cargo_variables("cargo");
        build.args(["build", "--locked", "--quiet", "--profile", &profile()]);
        build.args(["--bin", "sealcamd", "--bin", "sealcamctl", "--target-dir"]).arg(target_folder());
        assert!(build.current_dir(root()).status().unwrap().success(), "the programs under test cannot be built");
        profile_folder()
    })
}

/// A program without what cargo tells a test about its package: build scripts that look at it would run again.
pub(crate) fn without_cargo_variables(program: &str) -> Command {
    let program = match program {
        "cargo" => std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
        other => OsString::from(other),
    };
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text == "CARGO" || ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|p| text.starts_with(p)) {
            command.env_remove(&name);
        }
    }
    command
}
