// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a recorder that starts on storage that is not its own, is in use or is damaged, and writes to it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Device, close, entries, open_place};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use store::{Place, StoreError};

fn snapshot(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(snapshot(&path)),
            false => drop(found.insert(path.clone(), fs::read(&path).unwrap())),
        }
    }
    found
}

/// Opens `place`, sees that nothing was written, and gives the error.
fn refused(place: &Place, device: &Device) -> StoreError {
    let before = [snapshot(&place.evidence), snapshot(&place.state)];
    let error = open_place(place, &device.clock).err().expect("it was opened");
    let mut after = [snapshot(&place.evidence), snapshot(&place.state)];
    after[0].remove(&place.evidence.join("LOCK"));
    let mut without_lock = before;
    without_lock[0].remove(&place.evidence.join("LOCK"));
    assert_eq!(after, without_lock);
    error
}

#[test]
fn a_folder_in_use() {
    let device = Device::with_one_session();
    let evidence = device.open();
    let error = refused(&device.place, &device);
    assert!(matches!(&error, StoreError::Locked(path) if path == device.evidence()), "{error}");
    assert!(matches!(store::reindex::reindex(device.evidence()), Err(StoreError::Locked(_))));
    close(evidence);
    close(device.open());
}

#[test]
fn another_devices_folder() {
    let (device, stranger) = (Device::with_one_session(), Device::with_one_session());
    let place = Place { evidence: stranger.evidence().into(), state: device.place.state.clone() };
    let error = refused(&place, &device);
    let whose = entries(stranger.evidence())[0].entry.device;
    assert!(matches!(&error, StoreError::Foreign { device, .. } if *device == whose), "{error}");
    let fresh = Device::new();
    let place = Place { evidence: stranger.evidence().into(), state: fresh.place.state.clone() };
    assert!(matches!(refused(&place, &fresh), StoreError::Foreign { .. }));
}

#[test]
fn new_storage_for_a_device_that_has_some() {
    let device = Device::with_one_session();
    let whose = entries(device.evidence())[0].entry.device;
    let place = Place { evidence: device.evidence().with_file_name("new"), state: device.place.state.clone() };
    let error = refused(&place, &device);
    assert!(matches!(&error, StoreError::LedgerMissing { device, .. } if *device == whose), "{error}");
}

#[test]
fn a_folder_whose_ledger_is_gone() {
    let device = Device::with_one_session();
    fs::remove_file(device.evidence().join("ledger.cbor")).unwrap();
    assert!(matches!(refused(&device.place, &device), StoreError::LedgerMissing { .. }));
}

#[test]
fn a_ledger_that_was_altered() {
    let device = Device::with_one_session();
    let path = device.evidence().join("ledger.cbor");
    let untouched = fs::read(&path).unwrap();
    let mut at = 0;
    for entry in entries(device.evidence()) {
        let mut altered = untouched.clone();
        altered[at + entry.bytes.len() - 1] ^= 1;
        fs::write(&path, altered).unwrap();
        let error = refused(&device.place, &device);
        assert!(matches!(error, StoreError::Ledger { .. }), "entry {}: {error}", entry.entry.seq);
        at += entry.bytes.len();
    }
}

/// Where each entry begins, and behind the last.
fn edges(device: &Device) -> Vec<usize> {
    let mut edges = vec![0];
    for entry in entries(device.evidence()) {
        edges.push(edges[edges.len() - 1] + entry.bytes.len());
    }
    edges
}

#[test]
fn a_ledger_damaged_in_the_middle_loses_nothing_behind_the_damage() {
    let device = Device::with_one_session();
    let path = device.evidence().join("ledger.cbor");
    let (untouched, edges) = (fs::read(&path).unwrap(), edges(&device));
    for (seq, entry) in edges[..edges.len() - 1].windows(2).enumerate() {
        // The first 50 bytes hold the lengths of the envelope's parts, the rest is a sample of the content.
        for at in (entry[0]..entry[0] + 50).chain((entry[0]..entry[1]).step_by(23)) {
            for bits in [0x01, 0x80, 0xff] {
                let mut damaged = untouched.clone();
                damaged[at] ^= bits;
                fs::write(&path, &damaged).unwrap();
                let error = refused(&device.place, &device);
                assert!(matches!(error, StoreError::Ledger { .. }), "entry {seq}, byte {at}: {error}");
                assert!(error.to_string().contains(&format!("entry {seq} at byte {}", entry[0])), "byte {at}: {error}");
            }
        }
    }
    fs::write(&path, untouched).unwrap();
    close(device.open());
}

#[test]
fn bytes_behind_the_ledger_that_no_power_cut_leaves() {
    let device = Device::with_one_session();
    let path = device.evidence().join("ledger.cbor");
    let whole = fs::read(&path).unwrap();
    let entry = &whole[..*edges(&device).get(1).unwrap()];
    let strange = [
        vec![0x18],
        vec![0xd2, 0x85],
        common::footage::noise(3, 300),
        [&entry[..100], entry].concat(),
        [&entry[..42], &[0x5a, 0, 2, 0, 0], &vec![7; 70_000]].concat(),
    ];
    for behind in strange {
        fs::write(&path, [whole.as_slice(), &behind].concat()).unwrap();
        let error = refused(&device.place, &device);
        assert!(matches!(error, StoreError::Ledger { .. }), "{:?}: {error}", &behind[..1]);
        assert!(error.to_string().contains(&format!("at byte {}", whole.len())), "{error}");
    }
}

#[test]
fn a_ledger_that_was_rolled_back() {
    let device = Device::with_one_session();
    let path = device.evidence().join("ledger.cbor");
    let kept = entries(device.evidence()).into_iter().take(4).flat_map(|entry| entry.bytes).collect::<Vec<_>>();
    fs::write(&path, kept).unwrap();
    assert!(matches!(refused(&device.place, &device), StoreError::Foreign { .. }));
}
