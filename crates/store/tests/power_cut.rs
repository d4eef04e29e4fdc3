// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: after a power cut at the wrong moment the recorder does not start, loses what was recorded before,
//! or leaves files that the verifier then calls tampered.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::footage::Footage;
use common::{Device, Frozen, Recording, close, entries, files, sessions, verdict};
use std::fs;
use std::path::{Path, PathBuf};

const TINY: Footage = Footage { frame_bytes: 16, ..Footage::SOUND };

/// A device that lost power with one session open and `chunks` chunks written, four a segment.
fn cut_off(chunks: u64) -> Frozen {
    let device = Device::new();
    let evidence = device.open();
    let recording = Recording::new(TINY, chunks, 4).with_photos(&[2]);
    let mut writer = device.begin(&evidence, &recording);
    device.feed(&mut writer, &recording);
    device.freeze()
}

fn truncate(path: &Path, length: usize) {
    fs::File::options().write(true).open(path).unwrap().set_len(length as u64).unwrap();
}

fn torn(folder: &Path) -> Vec<u8> {
    files(folder, "torn").iter().flat_map(|path| fs::read(path).unwrap()).collect()
}

fn last_segment(device: &Device) -> PathBuf {
    files(&sessions(device.evidence())[0], "mp4").pop().unwrap()
}

/// Where the last chunk of a segment without end begins.
fn last_chunk_at(bytes: &[u8]) -> usize {
    let ends = common::pieces::Pieces::parse(bytes).chunk_ends();
    ends.len().checked_sub(2).map_or(0, |n| ends[n])
}

#[test]
fn a_segment_cut_within_its_last_chunk_is_recovered() {
    cut_last_chunk(37);
}

/// Cuts a segment's second chunk, and then a segment's only chunk, at every `step`th byte and around its record.
fn cut_last_chunk(step: usize) {
    for chunks in [6, 5] {
        let frozen = cut_off(chunks);
        let whole = fs::read(last_segment(&frozen.wake())).unwrap();
        let from = last_chunk_at(&whole);
        assert_eq!(from == 0, chunks == 5);
        let record = whole.len() - common::pieces::Pieces::parse(&whole).chunks.last().unwrap().seal.len();
        let near = |length: usize| [from, record, whole.len()].iter().any(|edge| length.abs_diff(*edge) < 2);
        for length in (from..=whole.len()).filter(|length| length % step == 0 || near(*length)) {
            let kept = if length == whole.len() { chunks } else { chunks - 1 };
            recover(&frozen, &whole, length, kept);
        }
    }
}

#[test]
fn a_last_chunk_of_which_only_the_length_arrived_is_no_forgery() {
    for chunks in [6, 5] {
        let frozen = cut_off(chunks);
        let whole = fs::read(last_segment(&frozen.wake())).unwrap();
        let from = last_chunk_at(&whole);
        for lost in [from..whole.len(), from..from + 40, from + 20..whole.len(), whole.len() - 90..whole.len()] {
            let device = frozen.wake();
            let mut bytes = whole.clone();
            bytes[lost.clone()].fill(0);
            fs::write(last_segment(&device), &bytes).unwrap();
            let session = &sessions(device.evidence())[0];
            for path in [device.evidence(), session, &last_segment(&device)] {
                let report = verdict::report(path, None);
                let overall = verdict::overall(&report);
                let is_one = |of: &[&str]| of.contains(&overall);
                // A file that begins with zeros and has one chunk tells nothing at all.
                assert!(
                    is_one(&["incomplete"]) || path.is_file() && from == 0 && is_one(&["unverifiable"]),
                    "{chunks} {lost:?} {report:?}"
                );
            }
            close(device.open());
            let report = verdict::report(device.evidence(), Some(&device.history()));
            assert_eq!(verdict::overall(&report), "gaps", "{chunks} {lost:?} {report:?}");
        }
    }
}

fn recover(frozen: &Frozen, whole: &[u8], length: usize, kept: u64) {
    let device = frozen.wake();
    let path = last_segment(&device);
    truncate(&path, length);
    let (evidence, recovered) = device.try_open().unwrap();
    let [recovered] = recovered.as_slice() else { panic!("{length}: {recovered:?}") };
    assert_eq!((recovered.end.cause.as_str(), recovered.end.chunks), ("recovered", kept), "cut at {length}");
    let session = &sessions(device.evidence())[0];
    let there = fs::read(&path).unwrap_or_default();
    assert_eq!([there.as_slice(), &torn(session)].concat(), whole[..length], "cut at {length}");
    close(evidence);
    let report = verdict::report(device.evidence(), Some(&device.history()));
    assert_eq!((verdict::overall(&report), verdict::trust(&report)), ("gaps", "trusted"), "{length} {report:?}");
    let alone = verdict::overall(&verdict::report(session, None));
    assert_eq!(alone, "gaps", "cut at {length}, the session alone");
}

#[test]
fn a_recovered_device_records_on_and_a_second_start_finds_nothing_to_recover() {
    let device = cut_off(6).wake();
    let evidence = device.open();
    device.record(&evidence, &Recording::new(TINY, 4, 4));
    drop(evidence);
    let (evidence, recovered) = device.try_open().unwrap();
    assert_eq!(recovered, []);
    close(evidence);
    let report = verdict::report(device.evidence(), Some(&device.history()));
    assert_eq!(verdict::overall(&report), "gaps", "{:?}", report.findings);
}

#[test]
fn a_ledger_cut_within_its_last_entry_loses_only_that_entry() {
    let device = Device::with_one_session();
    let frozen = device.freeze();
    let all = entries(device.evidence());
    let bytes: usize = all.iter().map(|entry| entry.bytes.len()).sum();
    let last = all.last().unwrap().bytes.len();
    for length in (bytes - last + 1..bytes).step_by(11) {
        let device = frozen.wake();
        truncate(&device.evidence().join("ledger.cbor"), length);
        close(device.open());
        assert_eq!(torn(device.evidence()).len(), length - (bytes - last));
        assert_eq!(entries(device.evidence())[..all.len() - 1], all[..all.len() - 1]);
        let report = verdict::report(device.evidence(), None);
        assert_eq!(verdict::overall(&report), "intact", "cut at {length}: {:?}", report.findings);
    }
}

#[test]
fn zeros_that_a_power_cut_left_behind_the_ledger_are_set_aside() {
    let device = Device::with_one_session();
    let path = device.evidence().join("ledger.cbor");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, [whole.as_slice(), &[0; 512]].concat()).unwrap();
    close(device.open());
    assert_eq!(torn(device.evidence()), [0; 512]);
    assert_eq!(fs::read(&path).unwrap()[..whole.len()], whole);
    assert_eq!(verdict::overall(&verdict::report(device.evidence(), None)), "intact");
}

#[test]
fn a_session_whose_start_was_torn_leaves_no_alarm() {
    let device = Device::new();
    let evidence = device.open();
    let before = fs::metadata(device.evidence().join("ledger.cbor")).unwrap().len() as usize;
    let writer = device.begin(&evidence, &Recording::new(TINY, 0, 4));
    let session = sessions(device.evidence())[0].clone();
    fs::remove_file(session.join("session.cbor")).unwrap();
    let frozen = device.freeze();
    drop(writer);
    for length in [before, before + 1, before + 100] {
        let device = frozen.wake();
        truncate(&device.evidence().join("ledger.cbor"), length);
        close(device.open());
        let report = verdict::report(device.evidence(), None);
        assert_eq!(verdict::overall(&report), "intact", "{:?}", report.findings);
    }
    let device = frozen.wake();
    let (evidence, recovered) = device.try_open().unwrap();
    assert_eq!((recovered.len(), recovered[0].end.records), (1, 0));
    close(evidence);
    assert_eq!(verdict::overall(&verdict::report(device.evidence(), None)), "gaps");
}

#[test]
fn the_copy_of_a_sessions_end_is_completed() {
    let device = Device::new();
    let evidence = device.open();
    device.record(&evidence, &Recording::new(TINY, 2, 4).with_photos(&[1]));
    let frozen = device.freeze();
    let copy = fs::read(sessions(device.evidence())[0].join("session.cbor")).unwrap();
    let end = entries(device.evidence()).iter().rfind(|e| e.entry.body.kind() == "session-end").unwrap().bytes.len();
    for length in (copy.len() - end..copy.len()).step_by(17) {
        let device = frozen.wake();
        truncate(&sessions(device.evidence())[0].join("session.cbor"), length);
        close(device.open());
        let report = verdict::report(device.evidence(), None);
        assert_eq!(verdict::overall(&report), "intact", "cut to {length}: {:?}", report.findings);
    }
}

#[test]
fn a_copy_that_lacks_entries_is_completed_in_every_session() {
    let device = Device::new();
    let evidence = device.open();
    for _ in 0..2 {
        device.record(&evidence, &Recording::new(TINY, 4, 4).with_photos(&[1, 3]));
    }
    close(evidence);
    for session in sessions(device.evidence()) {
        let path = session.join("session.cbor");
        let whole = fs::read(&path).unwrap();
        let own = evidence::ledger::open_sequence(&whole).0;
        let [start, first, second, end] = [0, 1, 2, 3].map(|n| own[n].bytes.as_slice());
        let lacking = [
            vec![start, first, end],
            vec![start, second],
            vec![start, end],
            vec![start, &first[..90]],
            vec![start, &[0; 400]],
            vec![],
        ];
        for there in lacking {
            fs::write(&path, there.concat()).unwrap();
            close(device.open());
            assert!(fs::read(&path).unwrap() == whole, "{} parts", there.len());
        }
        let strange = [vec![start, end, second], vec![start, first, b"more"], vec![start, first, second, end, &[0]]];
        for there in strange {
            fs::write(&path, there.concat()).unwrap();
            close(device.open());
            assert!(fs::read(&path).unwrap() == there.concat(), "{} parts", there.len());
        }
        fs::write(&path, whole).unwrap();
    }
    assert_eq!(verdict::overall(&verdict::report(device.evidence(), None)), "intact");
}

#[test]
fn what_an_earlier_start_set_aside_by_half_is_set_aside_again() {
    let frozen = cut_off(6);
    let device = frozen.wake();
    let path = last_segment(&device);
    let whole = fs::read(&path).unwrap();
    let kept = last_chunk_at(&whole);
    truncate(&path, whole.len() - 9);
    fs::write(path.with_extension(format!("{kept}.torn")), &whole[kept..kept + 3]).unwrap();
    fs::write(path.with_extension(format!("{kept}.torn.part")), b"half").unwrap();
    close(device.open());
    assert_eq!(torn(&sessions(device.evidence())[0]), whole[kept..whole.len() - 9]);
    assert!(files(&sessions(device.evidence())[0], "part").is_empty());
    assert_eq!(fs::read(&path).unwrap(), whole[..kept]);
}

#[test]
fn an_edited_copy_is_not_repaired() {
    let device = Device::with_one_session();
    let path = sessions(device.evidence())[0].join("session.cbor");
    let mut copy = fs::read(&path).unwrap();
    copy[100] ^= 1;
    copy.truncate(copy.len() - 5);
    fs::write(&path, &copy).unwrap();
    close(device.open());
    assert_eq!(fs::read(&path).unwrap(), copy);
    assert_eq!(verdict::overall(&verdict::report(device.evidence(), None)), "tampered");
}

#[test]
fn a_photo_cut_off_behind_its_entry_is_completed() {
    for in_session in [true, false] {
        let device = Device::with_one_session();
        let folder = if in_session { &sessions(device.evidence())[0] } else { device.evidence() };
        let photo = files(&folder.join("photos"), "jpg").remove(0);
        let entry = fs::read(photo.with_extension("jpg.cose")).unwrap();
        for (length, renamed) in (0..entry.len()).step_by(29).map(|length| (length, true)).chain([(0, false)]) {
            fs::write(photo.with_extension("jpg.cose"), &entry[..length]).unwrap();
            if !renamed {
                fs::rename(&photo, photo.with_extension("jpg.part")).unwrap();
                fs::remove_file(photo.with_extension("jpg.cose")).unwrap();
            }
            close(device.open());
            let report = verdict::report(device.evidence(), None);
            assert_eq!(verdict::overall(&report), "intact", "{length} {renamed}: {:?}", report.findings);
        }
    }
}

#[test]
fn a_photo_cut_off_in_front_of_its_entry_was_never_taken() {
    let device = Device::with_one_session();
    let part = device.evidence().join("photos/SC-1_110233_20261121T041505Z_0002.jpg.part");
    fs::write(&part, b"half a picture").unwrap();
    let evidence = device.open();
    device.photo_outside(&evidence, 9);
    close(evidence);
    assert_eq!(verdict::overall(&verdict::report(device.evidence(), None)), "intact");
}

#[test]
fn a_first_start_cut_off_anywhere_can_be_made_again() {
    let device = Device::new();
    close(device.open());
    let first = entries(device.evidence())[0].bytes.clone();
    let key = fs::read(device.place.state.join("ledger.key")).unwrap();
    for length in (0..first.len()).step_by(9) {
        let device = Device::new();
        fs::create_dir_all(device.evidence()).unwrap();
        fs::create_dir_all(&device.place.state).unwrap();
        fs::write(device.evidence().join("ledger.cbor"), &first[..length]).unwrap();
        fs::write(device.place.state.join("ledger.key"), &key).unwrap();
        let opened = device.try_open();
        assert!(opened.is_ok(), "cut at {length}: {}", opened.err().unwrap());
        close(opened.unwrap().0);
        assert_eq!(verdict::overall(&verdict::report(device.evidence(), None)), "intact");
    }
}

#[test]
fn a_first_key_cut_off_anywhere_is_made_again() {
    for length in [0, 1, 40] {
        let device = Device::new();
        fs::create_dir_all(&device.place.state).unwrap();
        fs::write(device.place.state.join("ledger.key"), vec![0x30; length]).unwrap();
        let opened = device.try_open();
        assert!(opened.is_ok(), "{length} bytes of a key: {}", opened.err().unwrap());
    }
}
