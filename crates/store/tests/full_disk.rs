// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: on a full disk the session cannot be closed, the recorder does not come up again, or does so and
//! loses something; it does not go on when there is room. The disk is a real one: a tmpfs in a mount namespace, in which
//! each test runs itself once more.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::footage::Footage;
use common::{Device, Recording, close, entries, files, jpeg, sessions, verdict};
use evidence::record::Medium;
use evidence::time::TimeSource;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use store::index::Index;
use store::{Evidence, StoreError};

const DISK: &str = "SEALCAM_TEST_DISK";
const LARGE: Footage = Footage { frame_bytes: 20_000, ..Footage::BOTH };

/// Runs a test on a disk of this size: gives the disk in the process that is on it, and nothing in the one that waits.
fn on_disk(test: &str, size: &str) -> Option<PathBuf> {
    if let Some(disk) = std::env::var_os(DISK) {
        return Some(disk.into());
    }
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    command.args(if rustix::process::geteuid().is_root() { &[][..] } else { &["--user", "--map-root-user"] });
    // In a plain chroot the root is no mount point, and there is nothing whose propagation could be changed.
    let root = Command::new("mountpoint").args(["--quiet", "/"]).status().unwrap().success();
    command.args(["--mount", "--propagation", if root { "private" } else { "unchanged" }, "--", "sh", "-c"]);
    command.arg(r#"mount -t tmpfs -o "size=$1" tmpfs "$SEALCAM_TEST_DISK" && exec "$0" --exact "$2" --nocapture"#);
    command.arg(std::env::current_exe().unwrap()).args([size, test]).env(DISK, home.path());
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&[done.stdout, done.stderr].concat()));
    None
}

/// Fills the disk to the last byte.
fn fill(disk: &Path) {
    let mut filler = OpenOptions::new().create(true).append(true).open(disk.join("filler")).unwrap();
    let full = (0..).find_map(|_| filler.write_all(&[1; 512]).err()).unwrap();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
}

/// Records until the disk is full; gives how many chunks are durable.
fn record_until_full(device: &Device, evidence: &std::sync::Arc<Evidence>) -> (store::SessionWriter, u64) {
    let recording = Recording::new(LARGE, 0, 1000);
    let mut writer = device.begin(evidence, &recording);
    let init = recording.footage.init();
    for n in 0.. {
        match writer.append(&init, recording.footage.fragment(n)) {
            Err(error) => {
                assert!(error.is_full() && n > 3, "chunk {n}: {error}");
                return (writer, n);
            }
            Ok(_) => device.clock.advance_ms(500),
        }
    }
    unreachable!()
}

/// Nothing new is taken, and nothing is written.
fn assert_full(device: &Device, evidence: &std::sync::Arc<Evidence>) {
    let fault = evidence.fault().expect("the disk is full");
    assert!(fault.is_full(), "{fault}");
    let begun = device.try_begin(evidence, &Recording::new(Footage::SOUND, 1, 4)).err().expect("the disk is full");
    assert!(begun.is_full(), "{begun}");
    let taken = evidence.add_photo(&jpeg(1), "", "SC-1", &"{number}".parse().unwrap());
    assert!(taken.as_ref().is_err_and(StoreError::is_full), "{taken:?}");
}

fn assert_sound(device: &Device) {
    let report = verdict::report(device.evidence(), Some(&device.history()));
    assert_eq!((verdict::overall(&report), verdict::trust(&report)), ("gaps", "trusted"), "{:?}", report.findings);
    assert_eq!(store::check::check(device.evidence(), NonZeroUsize::MIN).unwrap(), []);
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len()
}

#[test]
fn a_session_is_closed_on_the_full_disk_and_the_recorder_comes_up_on_it() {
    let Some(disk) = on_disk("a_session_is_closed_on_the_full_disk_and_the_recorder_comes_up_on_it", "9m") else {
        return;
    };
    fs::write(disk.join("filler"), vec![1; 3_000_000]).unwrap();
    let device = Device::on_disk(&disk);
    let evidence = device.open();
    let (writer, stored) = record_until_full(&device, &evidence);
    fill(&disk);
    let end = writer.finish("stop", None).unwrap();
    assert_eq!((end.cause.as_str(), end.chunks), ("storage-full", stored));
    let session = &sessions(device.evidence())[0];
    let alone = verdict::report(session, None);
    assert_eq!((verdict::overall(&alone), alone.gaps[0].cause.to_string().as_str()), ("gaps", "storage-full"));
    fill(&disk);
    assert_full(&device, &evidence);
    close(evidence);
    // The first of these starts are entered in the reserve. When it is used up, the ledger's last page has room for an entry
    // or two at some of them, at others for none.
    for _ in 0..20 {
        fill(&disk);
        let evidence = device.open();
        assert_full(&device, &evidence);
        assert_eq!(Index::open_read_only(device.evidence()).unwrap().sessions().unwrap()[0].chunks, stored);
        close(evidence);
    }
    assert_eq!(length(&device.evidence().join("RESERVE")), 0);
    let evidence = device.open();
    assert_full(&device, &evidence);
    fs::remove_file(disk.join("filler")).unwrap();
    assert!(evidence.fault().is_none());
    device.record(&evidence, &Recording::new(Footage::SOUND, 3, 4).with_photos(&[2]));
    close(evidence);
    assert_sound(&device);
    let boots = entries(device.evidence()).iter().filter(|entry| entry.entry.body.kind() == "boot").count();
    assert!(boots >= 2, "{boots}");
}

#[test]
fn a_session_that_a_crash_left_open_is_closed_on_the_full_disk() {
    let Some(disk) = on_disk("a_session_that_a_crash_left_open_is_closed_on_the_full_disk", "6m") else { return };
    let device = Device::on_disk(&disk);
    let evidence = device.open();
    let (writer, stored) = record_until_full(&device, &evidence);
    drop((writer, evidence));
    fill(&disk);
    let (evidence, recovered) = device.try_open().unwrap();
    assert_eq!((recovered.len(), recovered[0].end.chunks), (1, stored));
    fill(&disk);
    assert_full(&device, &evidence);
    fs::remove_file(disk.join("filler")).unwrap();
    close(evidence);
    assert_sound(&device);
}

#[test]
fn a_session_that_a_crash_left_open_waits_for_room_if_there_is_no_reserve() {
    let Some(disk) = on_disk("a_session_that_a_crash_left_open_waits_for_room_if_there_is_no_reserve", "6m") else {
        return;
    };
    let device = Device::on_disk(&disk);
    let evidence = device.open();
    let recording = Recording::new(Footage::SOUND, 5, 4).with_photos(&[2]);
    let mut writer = device.begin(&evidence, &recording);
    device.feed(&mut writer, &recording);
    drop((writer, evidence));
    fs::remove_file(device.evidence().join("RESERVE")).unwrap();
    fill(&disk);
    for _ in 0..2 {
        let (evidence, _) = device.try_open().unwrap();
        assert_full(&device, &evidence);
        close(evidence);
        fill(&disk);
    }
    let evidence = device.open();
    fs::remove_file(disk.join("filler")).unwrap();
    device.record(&evidence, &Recording::new(Footage::SOUND, 3, 4));
    close(evidence);
    assert_sound(&device);
    let ends = entries(device.evidence()).into_iter().filter_map(|entry| match entry.entry.body {
        evidence::entry::Body::SessionEnd(end) => Some((end.cause, end.chunks)),
        _ => None,
    });
    assert_eq!(ends.collect::<Vec<_>>(), [("recovered".into(), 5), ("stop".into(), 3)]);
}

#[test]
fn torn_bytes_are_cut_off_although_there_is_no_room_to_keep_them() {
    let Some(disk) = on_disk("torn_bytes_are_cut_off_although_there_is_no_room_to_keep_them", "6m") else { return };
    let device = Device::on_disk(&disk);
    let evidence = device.open();
    let recording = Recording::new(Footage::SOUND, 3, 4);
    let mut writer = device.begin(&evidence, &recording);
    device.feed(&mut writer, &recording);
    drop((writer, evidence));
    let session = sessions(device.evidence())[0].clone();
    let segment = files(&session, "mp4").remove(0);
    let whole = length(&segment);
    File::options().append(true).open(&segment).unwrap().write_all(&vec![7; 2_000_000]).unwrap();
    fill(&disk);
    let (evidence, recovered) = device.try_open().unwrap();
    assert_eq!((recovered[0].end.chunks, recovered[0].torn_bytes), (3, 2_000_000));
    assert_eq!((length(&segment), files(&session, "torn").len(), files(&session, "part").len()), (whole, 0, 0));
    close(evidence);
    assert_sound(&device);
}

fn kinds(device: &Device) -> Vec<String> {
    entries(device.evidence()).iter().map(|entry| entry.entry.body.kind().to_owned()).collect()
}

/// Three chunks of a session on a disk that others then filled.
fn begun_on_a_disk_that_is_filled(disk: &Path) -> (Device, std::sync::Arc<Evidence>, store::SessionWriter) {
    let device = Device::on_disk(disk);
    let evidence = device.open();
    let recording = Recording::new(Footage::SOUND, 3, 4);
    let mut writer = device.begin(&evidence, &recording);
    device.feed(&mut writer, &recording);
    // The copies of the session's entries have to be written anew, which needs room.
    fs::remove_file(sessions(device.evidence())[0].join("session.cbor")).unwrap();
    writer.add_photo(&jpeg(1)).unwrap_err();
    assert!(device.evidence().join("RESERVE").exists());
    fill(disk);
    (device, evidence, writer)
}

#[test]
fn a_session_is_ended_in_the_reserve() {
    let Some(disk) = on_disk("a_session_is_ended_in_the_reserve", "4m") else { return };
    let (device, evidence, writer) = begun_on_a_disk_that_is_filled(&disk);
    // Whoever reads the index keeps its log, which would be room as well.
    let reader = Index::open_read_only(device.evidence()).unwrap();
    assert_eq!(reader.sessions().unwrap().len(), 1);
    assert_eq!(writer.finish("stop", None).unwrap().chunks, 3);
    assert!(reader.sessions().unwrap()[0].ended_utc_ns.is_some());
    drop(reader);
    assert!(length(&device.evidence().join("RESERVE")) < 1024 * 1024);
    close(evidence);
    assert_eq!(kinds(&device)[3..], ["session-start", "photo", "session-end", "key", "shutdown"]);
    let report = verdict::report(&sessions(device.evidence())[0], None);
    assert!(["gaps", "intact"].contains(&verdict::overall(&report)), "{:?}", report.findings);
    assert_eq!(store::check::check(device.evidence(), NonZeroUsize::MIN).unwrap(), []);
}

#[test]
fn interruptions_and_steps_of_the_clock_are_entered_in_the_reserve() {
    let test = "interruptions_and_steps_of_the_clock_are_entered_in_the_reserve";
    let Some(disk) = on_disk(test, "4m") else { return };
    let device = Device::on_disk(&disk);
    let evidence = device.open();
    let recording = Recording::new(Footage::SOUND, 3, 4);
    let mut writer = device.begin(&evidence, &recording);
    device.feed(&mut writer, &recording);
    fill(&disk);
    // More than the last pages of ledger and copies have room for.
    for _ in 0..30 {
        let id = device.interrupt(&mut writer, "storage-full", &[Medium::Audio]);
        evidence.enter_clock_step(1_000_000_000).unwrap();
        writer.end_interruption(id, device.clock.now().boot_ns).unwrap();
    }
    let last = device.interrupt(&mut writer, "storage-full", &[Medium::Audio]);
    assert!(evidence.explain(last, "other", "", "").is_err_and(|error| error.is_full()));
    writer.finish("storage-full", None).unwrap();
    close(evidence);
    assert!(length(&device.evidence().join("RESERVE")) < 1024 * 1024);
    let (told, steps) = (kinds(&device), Index::open_read_only(device.evidence()).unwrap().clock_steps().unwrap());
    assert_eq!((told.iter().filter(|kind| *kind == "interruption-end").count(), steps.len()), (31, 30));
    fs::remove_file(disk.join("filler")).unwrap();
    assert_sound(&device);
}

#[test]
fn a_start_is_entered_in_the_reserve() {
    let Some(disk) = on_disk("a_start_is_entered_in_the_reserve", "4m") else { return };
    let (device, evidence, writer) = begun_on_a_disk_that_is_filled(&disk);
    drop((writer, evidence));
    let (evidence, recovered) = device.try_open().unwrap();
    assert_eq!((recovered.len(), recovered[0].end.chunks), (1, 3));
    assert_full(&device, &evidence);
    close(evidence);
    assert_eq!(
        kinds(&device)[3..],
        ["session-start", "photo", "interruption", "interruption-end", "session-end", "boot", "key", "shutdown"]
    );
    assert_sound(&device);
}
