// SPDX-License-Identifier: MIT OR Apache-2.0
//! The disk is full.
//!
//! What could break: the recorder crashes, or goes on as if nothing were; it does not say that it no longer records; what it
//! had announced is not there; it does not come back once there is room.

use crate::support::bench::{Bench, WITH_GAPS};
use crate::support::footage::{fixture, replay};
use crate::support::mounts::Disk;

fn bench(disk_options: &str) -> (Bench, Disk) {
    let settings = ["replay.pace=fast", "replay.repeat=true", "evidence.segment_s=5"];
    let bench = Bench::new(replay(&fixture())).with(&settings);
    std::fs::create_dir_all(bench.path("place")).unwrap();
    let disk = Disk::mount(&bench.path("place"), disk_options);
    (bench.on_disk(&disk), disk)
}

#[test]
fn a_full_disk_ends_the_recording_and_the_recorder_says_so() {
    let (bench, disk) = bench("size=6m");
    let daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    watch.until("changed", |event| event["state"] == "faulted");
    let announced = watch.chunks().last().unwrap().number + 1;
    let status = bench.ctl(&["status"]).good();
    assert_eq!(status["state"], "faulted");
    let fault = status["fault"].as_str().unwrap();
    assert!(fault.contains("No space left on device"), "{fault}");
    // Told as it was.
    let chunks = bench.last()["chunks"].as_u64().unwrap();
    assert!(chunks >= announced, "{chunks} chunks of {announced} that were announced");
    // It is asked again, and answers.
    let again = bench.ctl_text(&["start"]);
    assert!(again.code == 17 || again.code == 0, "{again:?}");
    bench.ctl_text(&["stop"]);
    assert!(!bench.log().contains("panicked"), "{}", bench.log());
    daemon.stop();

    // With room it comes up again, and everything that was announced is there.
    disk.change("size=64m");
    let daemon = bench.start();
    let sessions = bench.ctl(&["sessions"]).good();
    let first = &sessions["sessions"][0];
    let cause = first["cause"].as_str().unwrap();
    assert!(["storage-failed", "recovered"].contains(&cause), "{cause}");
    assert!(first["chunks"].as_u64().unwrap() >= announced, "{first}");
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    watch.until_chunk(3);
    bench.ctl(&["stop"]).good();
    assert_eq!(daemon.stop(), 0);
    let verdict = bench.verify_all();
    assert_eq!(verdict.short(), WITH_GAPS, "{}", verdict.report);
    bench.assert_invariants();
}

#[test]
fn a_disk_filled_by_others_before_the_start_is_refused_and_leaves_nothing() {
    let (bench, disk) = bench("size=4m");
    let daemon = bench.start();
    disk.fill();
    let said = bench.ctl_text(&["start"]);
    assert_eq!((said.code, said.error.trim_end().lines().count()), (17, 1), "{said:?}");
    assert!(said.error.contains("storage failed") && said.error.contains("full"), "{said:?}");
    assert_eq!(bench.ctl(&["status"]).good()["state"], "faulted");
    assert!(!bench.log().contains("panicked"), "{}", bench.log());
    daemon.stop();
    disk.change("size=64m");
    let daemon = bench.start();
    assert_eq!(bench.ctl(&["status"]).good()["state"], "standby");
    assert_eq!(daemon.stop(), 0);
    let verdict = bench.verify_all();
    assert!(verdict.short() == WITH_GAPS || verdict.code == 0, "{}", verdict.report);
    bench.assert_invariants();
}
