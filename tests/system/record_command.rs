// SPDX-License-Identifier: MIT OR Apache-2.0
//! `make record`, as far as it is scripts/record: what a newcomer runs first.
//!
//! What could break: the script and the programs drift apart (a setting, a command or a path is called otherwise), the
//! verdict is lost, Ctrl-C leaves the recording open or processes running, a folder is named after the time of the build.

use crate::support::footage::{FIXTURE_FRAMES, fixture};
use crate::support::process::{PATIENCE, Running, finish, tied};
use crate::support::programs::{profile, root, sealcamd, target_folder, without_cargo_variables};
use std::ffi::OsStr;
use std::fs::Permissions;
use std::io::{BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

fn with_settings(mut command: Command, out: &Path, duration_s: &str) -> Command {
    // Built already, so that the script's own build has nothing to do.
    assert!(sealcamd().exists());
    for name in ["CAMERA", "MICROPHONE", "MEDIA", "NOTIFY_SOCKET"] {
        command.env_remove(name);
    }
    command.env("CARGO_TARGET_DIR", target_folder()).env("PROFILE", profile()).env("REPLAY", fixture());
    command.env("OUT", out).env("DURATION", duration_s).env("SEALCAM_LANG", "en");
    command
}

/// What must be in the words of a run that went well.
fn assert_verified(words: &str) {
    let verdict = words.lines().find(|line| line.starts_with("Verdict")).unwrap_or_else(|| panic!("{words}"));
    assert!(verdict.to_lowercase().contains("intact") && !verdict.contains("gaps"), "{verdict}");
    for label in ["Video frames", "Audio packets", "Chunks", "Signed overhead", "Duration", "evidence", "keys"] {
        assert!(words.contains(label), "{label} is not in\n{words}");
    }
}

#[test]
fn a_short_recording_with_its_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let script = root().join("scripts/record");
    let ended = finish(with_settings(without_cargo_variables(script.to_str().unwrap()), &out, "2"));
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_verified(&ended.out);
    let frames = ended.out.lines().find_map(|line| line.strip_prefix("Video frames")).unwrap();
    let frames: u64 = frames.trim().split(' ').next().unwrap().parse().unwrap();
    assert!((15..FIXTURE_FRAMES).contains(&frames), "{frames} frames in 2 s at 10 a second");
    assert!(out.join("evidence/ledger.cbor").exists() && out.join("keys").exists());
}

#[test]
fn the_folder_has_the_time_of_the_recording() {
    let folder = tempfile::tempdir().unwrap();
    // The script takes the folder above its own for the checkout, and this for cargo: a build that lasts into the next second.
    let (script, cargo) = (folder.path().join("scripts/record"), folder.path().join("bin/cargo"));
    for file in [&script, &cargo] {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    }
    std::fs::copy(root().join("scripts/record"), &script).unwrap();
    std::fs::write(&cargo, "#!/bin/sh\nsleep 1.1\ndate -u +%Y-%m-%dT%H%M%SZ >built\n").unwrap();
    std::fs::set_permissions(&cargo, Permissions::from_mode(0o755)).unwrap();
    let mut command = with_settings(without_cargo_variables("bash"), Path::new(""), "1");
    let path = std::env::var("PATH").unwrap();
    command.arg(&script).env("PATH", format!("{}:{path}", cargo.parent().unwrap().display()));
    let ended = finish(command);
    assert_eq!(ended.code, 0, "{ended:?}");
    let built = std::fs::read_to_string(folder.path().join("built")).unwrap();
    let mut runs = std::fs::read_dir(folder.path().join("out")).unwrap();
    let run = runs.next().unwrap().unwrap().file_name().into_string().unwrap();
    assert!(runs.next().is_none() && run.as_str() >= built.trim(), "{run} was built at {built}");
}

#[test]
fn ctrl_c_closes_and_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    // `script` gives it a terminal, on which Ctrl-C is a key. `exec`: the shell that `script` starts must not stay in
    // between, where the key would reach it too and its exit code would stand for ours.
    let mut command = with_settings(tied("script"), &out, "300");
    command
        .arg("--quiet")
        .arg("--return")
        .arg("--command")
        .arg(format!("exec {}", root().join("scripts/record").display()));
    command.arg(OsStr::new("/dev/null")).stdin(Stdio::piped()).stdout(Stdio::piped());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG_") || name == "CARGO") {
        command.env_remove(name);
    }
    let mut child = command.spawn().unwrap();
    let (mut keyboard, screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut process = Running::new(child);
    let (mut words, mut pressed) = (String::new(), false);
    for byte in BufReader::new(screen).bytes() {
        words.push(byte.unwrap().into());
        if !pressed && words.ends_with("recording 1 of 300 s") {
            keyboard.write_all(b"\x03").unwrap();
            pressed = true;
        }
    }
    let code = process.exit_within(PATIENCE);
    assert!(pressed, "{words}");
    assert_eq!(code, Some(0), "{words}");
    assert_verified(&words.replace('\r', ""));
}
