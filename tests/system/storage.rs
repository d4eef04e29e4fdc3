// SPDX-License-Identifier: MIT OR Apache-2.0
//! The disk is full.
//!
//! What could break: the recorder crashes, or goes on as if nothing were; it does not say that it no longer records; what it
//! had announced is not there; the session stays open or loses its cause; the recorder does not come up on the full disk, so
//! that systemd starts it for ever; it does not go on once there is room.

use crate::support::bench::{Bench, INTACT, WITH_GAPS};
use crate::support::footage::{fixture, replay};
use crate::support::mounts::Disk;

fn bench(disk_options: &str) -> (Bench, Disk) {
    let settings = ["replay.pace=fast", "replay.repeat=true", "evidence.segment_s=5"];
    let bench = Bench::new(replay(&fixture())).with(&settings);
    std::fs::create_dir_all(bench.path("place")).unwrap();
    let disk = Disk::mount(&bench.path("place"), disk_options);
    (bench.on_disk(&disk), disk)
}

/// A start is refused in one line that says why, and an alarm says so too.
fn assert_says_full(bench: &Bench) {
    let said = bench.ctl_text(&["start"]);
    assert_eq!((said.code, said.error.trim_end().lines().count()), (17, 1), "{said:?}");
    assert!(said.error.contains("the storage is full") && said.error.contains("free some space"), "{said:?}");
    let alarms = bench.ctl(&["status"]).good()["alarms"].clone();
    assert!(alarms.as_array().unwrap().iter().any(|alarm| alarm["kind"] == "storage-full"), "{alarms}");
}

#[test]
fn a_full_disk_ends_the_recording_and_the_recorder_says_so() {
    let (bench, disk) = bench("size=16m");
    let daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    assert_eq!(watch.until_ended(), "storage-full");
    let announced = watch.chunks().last().unwrap().number + 1;
    let closed = bench.last();
    assert_eq!((closed["cause"].as_str(), closed["chunks"].as_u64()), (Some("storage-full"), Some(announced)));
    disk.fill();
    assert_says_full(&bench);
    assert_eq!(daemon.stop(), 0);
    let ledger = bench.ledger();

    // On the disk that is still full it comes up, says so, and goes down in order.
    for _ in 0..3 {
        disk.fill();
        let daemon = bench.start();
        assert_says_full(&bench);
        assert_eq!(daemon.stop(), 0);
        assert!(bench.ledger().starts_with(&ledger));
    }

    // With room the same process records, and everything that was announced is there.
    let daemon = bench.start();
    let mut watch = bench.watch();
    disk.change("size=64m");
    watch.until("alarm_quiet", |event| event["kind"] == "storage-full");
    bench.ctl(&["start"]).good();
    watch.until_chunk(3);
    bench.ctl(&["stop"]).good();
    assert_eq!(bench.ctl(&["status"]).good()["state"], "standby");
    let sessions = bench.ctl(&["sessions"]).good()["sessions"].as_array().unwrap().clone();
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0], closed);
    assert_eq!(sessions[1]["cause"], "stop");
    assert_eq!(daemon.stop(), 0);
    assert!(!bench.log().contains("panicked"), "{}", bench.log());
    let verdict = bench.verify_all();
    assert_eq!(verdict.short(), WITH_GAPS, "{}", verdict.report);
    bench.assert_invariants();
}

#[test]
fn a_disk_filled_by_others_before_the_start_is_refused_and_leaves_nothing() {
    let (bench, disk) = bench("size=4m");
    let daemon = bench.start();
    disk.fill();
    assert_says_full(&bench);
    assert_eq!(bench.session_folders(), Vec::<String>::new());
    assert_eq!(daemon.stop(), 0);
    disk.change("size=64m");
    let daemon = bench.start();
    assert_eq!(bench.ctl(&["status"]).good()["state"], "standby");
    assert_eq!(daemon.stop(), 0);
    assert!(!bench.log().contains("panicked"), "{}", bench.log());
    let verdict = bench.verify_all();
    assert_eq!(verdict.short(), INTACT, "{}", verdict.report);
    bench.assert_invariants();
}
