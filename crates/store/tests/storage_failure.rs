// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: storage that refuses a write in the middle of a session takes the session with it, or leaves it
//! looking tampered. The refusal is a real one: the kernel's limit on the length of a file, which the process that
//! records has set for itself and whose signal it ignores.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::footage::Footage;
use common::{Device, Recording, close, copy_tree, files, sessions, verdict};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::path::Path;
use std::process::Command;
use store::StoreError;

const KEPT_AT: &str = "SEALCAM_TEST_KEPT_AT";
/// More than the index and its log come to, and less than the segment.
const LIMIT_BYTES: u64 = 3_000_000;

/// Runs in a process of its own, in which a file that is too large is an error and not a signal.
fn record_until_the_storage_refuses(kept_at: &Path) {
    let device = Device::new();
    let evidence = device.open();
    let recording = Recording::new(Footage { frame_bytes: 40_000, ..Footage::BOTH }, u64::MAX, 1_000);
    let mut writer = device.begin(&evidence, &recording);
    setrlimit(Resource::Fsize, Rlimit { current: Some(LIMIT_BYTES), maximum: Some(u64::MAX) }).unwrap();
    let init = recording.footage.init();
    let stored = (0..100).take_while(|n| writer.append(&init, recording.footage.fragment(*n)).is_ok()).count();
    assert!((3..99).contains(&stored), "{stored} chunks fitted");
    let after = writer.append(&init, recording.footage.fragment(stored as u64 + 1));
    assert!(matches!(after, Err(StoreError::Closed(_))));
    setrlimit(Resource::Fsize, Rlimit { current: None, maximum: None }).unwrap();
    let end = writer.finish("storage-failed").unwrap();
    assert_eq!((end.cause.as_str(), end.chunks), ("storage-failed", stored as u64));
    device.record(&evidence, &Recording::new(Footage::SOUND, 2, 4));
    close(evidence);
    copy_tree(device.evidence(), kept_at);
}

fn run_child(kept_at: &Path) {
    let script = "trap '' XFSZ && exec \"$0\" --exact a_session_whose_storage_failed_is_closed_as_far_as_it_came";
    let program = std::env::current_exe().unwrap();
    let done = Command::new("sh").args(["-c", script]).arg(program).env(KEPT_AT, kept_at).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}

#[test]
fn a_session_whose_storage_failed_is_closed_as_far_as_it_came() {
    if let Some(kept_at) = std::env::var_os(KEPT_AT) {
        return record_until_the_storage_refuses(Path::new(&kept_at));
    }
    let home = common::temporary();
    let kept = home.path().join("evidence");
    run_child(&kept);
    let report = verdict::report(&kept, None);
    assert_eq!(verdict::overall(&report), "gaps", "{:?}", report.findings);
    let folder = &sessions(&kept)[0];
    let report = verdict::report(folder, None);
    assert_eq!((verdict::overall(&report), report.gaps[0].cause.to_string().as_str()), ("gaps", "storage-failed"));
    assert_eq!(files(folder, "torn").len(), 1);
    assert_eq!(store::check::check(&kept, std::num::NonZeroUsize::MIN).unwrap(), []);
}

#[test]
fn a_session_that_could_not_be_ended_does_not_spoil_the_next() {
    let device = Device::new();
    let evidence = device.open();
    let recording = Recording::new(Footage::SOUND, 3, 4);
    let mut writer = device.begin(&evidence, &recording);
    device.feed(&mut writer, &recording);
    drop(writer);
    device.record(&evidence, &Recording::new(Footage::SOUND, 2, 4));
    drop(evidence);
    close(device.open());
    let report = verdict::report(device.evidence(), None);
    assert_eq!(verdict::overall(&report), "gaps", "{:?}", report.findings);
    for session in sessions(device.evidence()) {
        let alone = verdict::report(&session, None);
        assert!(["gaps", "intact"].contains(&verdict::overall(&alone)), "{:?}", alone.findings);
    }
}
