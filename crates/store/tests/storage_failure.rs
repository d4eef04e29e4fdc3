// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: storage that refuses a write in the middle of a session takes the session with it, or leaves it
//! looking tampered, or is believed to hold what it only has in its cache. The refusals are real ones of the kernel: a limit
//! on the length of a file, which the process that records has set for itself and whose signal it ignores; and a filter
//! under which a thread's `fdatasync` fails.

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
    let end = writer.finish("storage-failed", None).unwrap();
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

/// Makes every `fdatasync` of this thread fail from now on.
#[allow(unsafe_code)]
fn refuse_to_sync() {
    let code = |bits: u32| u16::try_from(bits).unwrap();
    let step = |bits, k, jt, jf| libc::sock_filter { code: code(bits), jt, jf, k };
    let mut filter = [
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, u32::try_from(libc::SYS_fdatasync).unwrap(), 0, 1),
        step(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ERRNO | u32::try_from(libc::EIO).unwrap(), 0, 0),
        step(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0, 0),
    ];
    let program = libc::sock_fprog { len: u16::try_from(filter.len()).unwrap(), filter: filter.as_mut_ptr() };
    // SAFETY: both calls change this thread alone, and `program` with its filter outlives them.
    let done = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            | libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program)
    };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
}

/// Runs `work` in a thread whose syncs fail.
fn without_sync<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            refuse_to_sync();
            work()
        });
        thread.join().unwrap()
    })
}

#[test]
fn a_chunk_whose_sync_failed_is_not_vouched_for() {
    let device = Device::new();
    let evidence = device.open();
    for durable in [3, 4, 0] {
        let recording = Recording::new(Footage::SOUND, durable, 4);
        let mut writer = device.begin(&evidence, &recording);
        device.feed(&mut writer, &recording);
        let (init, fragment) = (recording.footage.init(), recording.footage.fragment(durable));
        let failed = without_sync(|| writer.append(&init, fragment));
        assert!(matches!(failed, Err(StoreError::Io { action: "sync", .. })), "{failed:?}");
        let end = writer.finish("stop", None).unwrap();
        assert_eq!((end.chunks, end.cause.as_str()), (durable, "storage-failed"));
        assert_eq!(files(sessions(device.evidence()).last().unwrap(), "torn").len(), 1);
        device.clock.advance_ms(60_000);
    }
    close(evidence);
    let report = verdict::report(device.evidence(), None);
    assert_eq!(verdict::overall(&report), "gaps", "{:?}", report.findings);
    assert_eq!(store::check::check(device.evidence(), std::num::NonZeroUsize::MIN).unwrap(), []);
}

#[test]
fn an_end_of_which_nobody_knows_whether_it_is_durable_is_read_at_the_next_start() {
    let device = Device::new();
    let evidence = device.open();
    let recording = Recording::new(Footage::SOUND, 3, 4);
    let mut writer = device.begin(&evidence, &recording);
    device.feed(&mut writer, &recording);
    assert!(without_sync(|| writer.finish("stop", None)).is_err());
    let next = evidence.add_photo(&common::jpeg(1), "", "SC-1", &"{number}".parse().unwrap());
    assert!(matches!(next, Err(StoreError::Latched(_))), "{next:?}");
    drop(evidence);
    let (evidence, recovered) = device.try_open().unwrap();
    assert_eq!(recovered, []);
    close(evidence);
    let alone = verdict::report(&sessions(device.evidence())[0], None);
    assert_eq!((verdict::overall(&alone), alone.gaps[0].cause.to_string().as_str()), ("gaps", "storage-failed"));
    let report = verdict::report(device.evidence(), None);
    assert_eq!(verdict::overall(&report), "gaps", "{:?}", report.findings);
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
