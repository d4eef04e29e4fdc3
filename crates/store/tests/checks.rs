// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: the check finds fault with a good folder, or finds none, or names the wrong invariant.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::footage::Footage;
use common::forge::next_entry;
use common::{Device, Recording, close, entries, files, jpeg, sessions};
use evidence::InterruptionId;
use evidence::entry::Body;
use evidence::interruption::InterruptionNoteBody;
use evidence::record::Medium;
use evidence::sign::Ed25519Signer;
use evidence::time::TimeSource;
use rusqlite::Connection;
use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use store::Evidence;
use store::check::{INVARIANTS, Violation, check};

const TINY: Footage = Footage { frame_bytes: 16, ..Footage::SOUND };

fn violations(device: &Device) -> Vec<Violation> {
    check(device.evidence(), NonZeroUsize::MIN).unwrap()
}

/// The numbers of the broken invariants, each once.
fn numbers(device: &Device) -> Vec<u8> {
    let mut numbers: Vec<_> = violations(device).iter().map(|violation| violation.invariant).collect();
    numbers.dedup();
    numbers
}

fn session(device: &Device) -> PathBuf {
    sessions(device.evidence())[0].clone()
}

fn segment(device: &Device, n: usize) -> PathBuf {
    files(&session(device), "mp4")[n].clone()
}

fn append(path: PathBuf, more: &[u8]) {
    fs::write(&path, [fs::read(&path).unwrap().as_slice(), more].concat()).unwrap();
}

fn flip(path: PathBuf, at: usize) {
    let mut bytes = fs::read(&path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn good_folders_have_no_fault_closed_open_or_being_recorded() {
    let device = Device::with_one_session();
    assert_eq!(violations(&device), []);
    let evidence = device.open();
    assert_eq!(violations(&device), []);
    let recording = Recording::new(Footage::BOTH, 6, 4).with_photos(&[2]);
    let mut writer = device.begin(&evidence, &recording);
    device.feed(&mut writer, &recording);
    assert_eq!(violations(&device), []);
    drop((writer, evidence));
    assert_eq!(numbers(&device), [6]);
    close(device.open());
    assert_eq!(violations(&device), []);
}

/// Records sessions that roll, with photos in and outside, beside one that is interrupted, until it is enough.
fn record_on(device: &Device, evidence: &Arc<Evidence>, sessions: u64, enough: &AtomicBool) {
    let mut writer = device.begin(evidence, &Recording::new(TINY, 0, 2));
    for n in 0..sessions {
        let id = device.interrupt(&mut writer, "microphone", &[Medium::Audio]);
        evidence.explain(id, "other", "", &n.to_string()).unwrap();
        evidence.enter_clock_step(1).unwrap();
        device.record(evidence, &Recording { lost: Some((1, 3)), ..Recording::new(TINY, 40, 2).with_photos(&[2, 39]) });
        device.photo_outside(evidence, n);
        writer.end_interruption(id, device.clock.now().boot_ns).unwrap();
        evidence.explain(id, "damage", "", &n.to_string()).unwrap();
        if enough.load(Ordering::Relaxed) {
            break;
        }
    }
    writer.finish("stop", None).unwrap();
}

#[test]
fn a_recorder_that_writes_while_its_index_is_compared_is_no_fault() {
    let device = Device::new();
    let evidence = device.open();
    let enough = AtomicBool::new(false);
    let found = std::thread::scope(|scope| {
        let recorder = scope.spawn(|| record_on(&device, &evidence, 30, &enough));
        let mut checks = Vec::new();
        while !recorder.is_finished() && checks.len() < 20 {
            checks.push(check(device.evidence(), NonZeroUsize::MIN));
        }
        enough.store(true, Ordering::Relaxed);
        checks
    });
    let sevenths = found.into_iter().flat_map(Result::unwrap).filter(|violation| violation.invariant == 7);
    assert_eq!(sevenths.collect::<Vec<_>>(), []);
    close(evidence);
    assert_eq!(violations(&device), []);
}

#[test]
fn rows_that_are_wrong_are_found_while_a_recorder_runs() {
    let wrong = [
        "UPDATE chunks SET length = length + 1 WHERE seq = 3",
        "DELETE FROM events WHERE seq = 3",
        "UPDATE segments SET end_bytes = 1 WHERE number = 1",
        "UPDATE sessions SET officer = 'another'",
        "DELETE FROM photos WHERE seq < 6",
        "DELETE FROM sessions",
        "DELETE FROM clock_steps",
        "DELETE FROM interruptions",
        "UPDATE interruptions SET cause = 'weather' WHERE end_seq IS NULL",
        "UPDATE interruptions SET duration_ns = 1 WHERE end_seq IS NOT NULL",
        "UPDATE interruptions SET text = 'x' WHERE note_seq IS NOT NULL",
    ];
    for wrong in wrong {
        let device = Device::with_one_session();
        let evidence = device.open();
        let recording = Recording::new(Footage::BOTH, 6, 4).with_photos(&[2]);
        let mut writer = device.begin(&evidence, &recording);
        device.feed(&mut writer, &recording);
        let id = device.interrupt(&mut writer, "camera", &[Medium::Video]);
        writer.end_interruption(id, device.clock.now().boot_ns).unwrap();
        evidence.explain(id, "other", "", "told").unwrap();
        evidence.enter_clock_step(5).unwrap();
        device.interrupt(&mut writer, "microphone", &[Medium::Audio]);
        assert_eq!(violations(&device), []);
        sql(&device, wrong);
        assert_eq!(numbers(&device), [7], "{wrong}");
    }
}

type Operation = fn(&Device);

#[rustfmt::skip]
const CASES: &[(&str, Operation, &[u8])] = &[
    ("a ledger entry altered",       |d| flip(d.evidence().join("ledger.cbor"), 100),                        &[1]),
    ("bytes behind the ledger",      |d| append(d.evidence().join("ledger.cbor"), &[0x18]),                  &[1]),
    ("a session's folder gone",      |d| fs::remove_dir_all(session(d)).unwrap(),                            &[2, 7]),
    ("a folder without a session",   |d| fs::create_dir_all(d.evidence().join("sessions/x/y")).unwrap(),     &[2]),
    ("session.cbor gone",            |d| fs::remove_file(session(d).join("session.cbor")).unwrap(),          &[2]),
    ("a segment gone",               |d| fs::remove_file(segment(d, 1)).unwrap(),                            &[3, 7]),
    ("a chunk altered",              |d| flip(segment(d, 1), 3000),                                          &[3, 7]),
    ("a segment there twice",        |d| drop(fs::copy(segment(d, 1), session(d).join("zz.mp4"))),            &[3]),
    ("bytes behind a segment",       |d| append(segment(d, 2), b"more"),                                     &[4]),
    ("a photo altered",              |d| flip(files(&session(d).join("photos"), "jpg")[0].clone(), 9),       &[5]),
    ("a photo gone",                 |d| fs::remove_file(&files(&session(d).join("photos"), "jpg")[0]).unwrap(), &[5]),
    ("a photo too many",             |d| fs::write(d.evidence().join("photos/x.jpg"), jpeg(1)).unwrap(),     &[5]),
    ("a row changed",                |d| sql(d, "UPDATE chunks SET video_frames = 99 WHERE chunk = 1"),      &[7]),
    ("a row too many",               |d| sql(d, "INSERT INTO photos SELECT 99, NULL, 'x', 1, media, '', 1 FROM photos LIMIT 1"), &[7]),
    ("a row missing",                |d| sql(d, "DELETE FROM events"),                                       &[7]),
    ("an index of before",           |d| sql(d, "PRAGMA user_version = 1; DROP TABLE interruptions"),        &[7]),
    ("a step of the clock too many",|d| sql(d, "INSERT INTO clock_steps VALUES (1, 1, 1, x'00', 1)"),       &[7]),
    ("an interruption left open",    |d| sql(d, LEFT_OPEN),                                                  &[7, 9]),
    ("no index",                     |d| fs::remove_file(d.evidence().join("index.sqlite")).unwrap(),        &[7]),
];

const LEFT_OPEN: &str = "INSERT INTO interruptions
    SELECT zeroblob(16), session, 4, 'camera', 'device', 1, 0, 1, 1, zeroblob(16), '', NULL, NULL, NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, 'none', 'none', 'none' FROM sessions";

fn sql(device: &Device, sql: &str) {
    Connection::open(device.evidence().join("index.sqlite")).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_forged_entry_about_an_interruption_is_the_ninth() {
    let device = Device::with_an_interruption();
    assert_eq!(violations(&device), []);
    let (all, key) = (entries(device.evidence()), fs::read(device.place.state.join("ledger.key")).unwrap());
    let (cause, officer, text) = ("other".into(), String::new(), String::new());
    let note = Body::InterruptionNote(InterruptionNoteBody { id: InterruptionId([9; 16]), cause, officer, text });
    let forged = next_entry(&all, &Ed25519Signer::from_pkcs8(&key).unwrap(), note);
    append(device.evidence().join("ledger.cbor"), &forged.bytes);
    assert_eq!(numbers(&device), [7, 9]);
}

#[test]
fn every_fault_is_found_under_its_number() {
    let mut wrong = Vec::new();
    for (name, operation, expected) in CASES {
        let device = Device::with_one_session();
        operation(&device);
        let got = numbers(&device);
        let first = got.first() == expected.first();
        if !first || !expected.iter().all(|number| got.contains(number)) {
            wrong.push(format!("{name}: {got:?}, not {expected:?}: {:?}", violations(&device)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_session_that_nobody_ended_is_the_sixth() {
    let device = Device::new();
    let evidence = device.open();
    let writer = device.begin(&evidence, &Recording::new(Footage::SOUND, 0, 4));
    drop((writer, evidence));
    assert_eq!(numbers(&device), [6]);
}

#[test]
fn a_chunk_longer_than_a_second_is_the_eighth() {
    let device = Device::new();
    let evidence = device.open();
    let recording = Recording::new(Footage::SOUND, 2, 4);
    let mut writer = device.begin(&evidence, &recording);
    let mut slow = recording.footage.fragment(0);
    let durations = slow.windows(4).enumerate().filter(|(_, window)| *window == 1024_u32.to_be_bytes());
    let at: Vec<_> = durations.map(|(at, _)| at).collect();
    at.into_iter().for_each(|at| slow[at + 2] = 16);
    writer.append(&recording.footage.init(), slow).unwrap();
    writer.finish("stop", None).unwrap();
    close(evidence);
    assert_eq!(numbers(&device), [8]);
}

#[test]
fn there_is_a_case_for_every_invariant() {
    let mut tried: Vec<u8> = CASES.iter().flat_map(|(_, _, numbers)| numbers.iter().copied()).chain([6, 8]).collect();
    tried.sort_unstable();
    tried.dedup();
    assert_eq!(tried, INVARIANTS.map(|(number, _)| number));
}
