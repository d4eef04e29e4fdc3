// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: one changed bit, anywhere in the evidence, that the verifier does not see.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::footage::Footage;
use common::{Device, Recording, close, files, sessions, verdict};
use proptest::prelude::*;
use proptest::sample::Index;
use std::fs;
use std::path::{Path, PathBuf};

/// Every file below `folder` that is evidence.
fn evidence_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(evidence_files(&path)),
            false => found.push(path),
        }
    }
    found.retain(|path| !["index.sqlite", "LOCK", "RESERVE"].contains(&path.file_name().unwrap().to_str().unwrap()));
    found.sort();
    found
}

fn is_intact(path: &Path) -> bool {
    ["intact", "gaps"].contains(&verdict::overall(&verdict::report(path, None)))
}

#[test]
fn no_bit_of_any_evidence_file_can_change_unseen() {
    for (device, files, cases) in [(Device::with_one_session(), 9, 600), (Device::with_an_interruption(), 7, 150)] {
        flip_bits(&device, files, cases);
    }
}

fn flip_bits(device: &Device, files: usize, cases: u32) {
    let all = evidence_files(device.evidence());
    assert_eq!(all.len(), files, "{all:?}");
    assert!(is_intact(device.evidence()));
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(file in any::<Index>(), at in any::<Index>(), bit in 0..8_u8)| {
        let path = file.get(&all);
        let untouched = fs::read(path).unwrap();
        let at = at.index(untouched.len());
        let mut altered = untouched.clone();
        altered[at] ^= 1 << bit;
        fs::write(path, &altered).unwrap();
        let intact = is_intact(device.evidence());
        fs::write(path, &untouched).unwrap();
        prop_assert!(!intact, "bit {bit} of byte {at} of {}", path.display());
    });
    assert!(is_intact(device.evidence()));
}

#[test]
fn no_byte_of_an_entry_can_change_unseen() {
    let device = Device::with_an_interruption();
    for path in [device.evidence().join("ledger.cbor"), sessions(device.evidence())[0].join("session.cbor")] {
        let untouched = fs::read(&path).unwrap();
        for at in (0..untouched.len()).step_by(23) {
            let mut altered = untouched.clone();
            altered[at] ^= 1 << (at % 8);
            fs::write(&path, &altered).unwrap();
            assert!(!is_intact(device.evidence()), "byte {at} of {}", path.display());
        }
        fs::write(&path, untouched).unwrap();
    }
    assert!(is_intact(device.evidence()));
}

#[test]
fn no_byte_of_a_segment_can_change_unseen() {
    let device = Device::new();
    let evidence = device.open();
    device.record(&evidence, &Recording::new(Footage { frame_bytes: 8, ..Footage::BOTH }, 2, 4));
    close(evidence);
    let path = files(&sessions(device.evidence())[0], "mp4").remove(0);
    let untouched = fs::read(&path).unwrap();
    for at in 0..untouched.len() {
        let mut altered = untouched.clone();
        altered[at] ^= 1 << (at % 8);
        fs::write(&path, &altered).unwrap();
        assert!(!is_intact(&path), "byte {at}");
    }
}
