// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: the replacement of the ledger's key, cut off at the wrong moment, leaves a device that cannot sign
//! any more; a key file that others can read; an old key that is still there for a thief to sign the past with.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::footage::Footage;
use common::{Device, Recording, close, copy_tree, entries, open_place, verdict};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use store::{Place, StoreError};

fn key(state: &Path) -> PathBuf {
    state.join("ledger.key")
}

fn next(state: &Path) -> PathBuf {
    state.join("ledger.key.next")
}

/// Whether any file below `folder` holds `needle`.
fn holds(folder: &Path, needle: &[u8]) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, needle);
        }
        let bytes = fs::read(path).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle)
    })
}

/// The secret part of a PKCS#8 Ed25519 key (RFC 8410): the 32 bytes behind `04 22 04 20`.
fn secret(file: &Path) -> Vec<u8> {
    let bytes = fs::read(file).unwrap();
    let at = bytes.windows(4).position(|window| window == [0x04, 0x22, 0x04, 0x20]).unwrap();
    bytes[at + 4..at + 36].to_vec()
}

#[test]
fn the_key_is_for_its_owner_alone_and_every_replacement_leaves_no_old_one() {
    let device = Device::new();
    let state = device.place.state.clone();
    let mut old = Vec::new();
    for _ in 0..3 {
        let evidence = device.open();
        old.push(secret(&key(&state)));
        device.record(&evidence, &Recording::new(Footage::SOUND, 1, 4));
        old.push(secret(&key(&state)));
        close(evidence);
    }
    assert_eq!(fs::metadata(key(&state)).unwrap().permissions().mode() & 0o777, 0o600);
    let present = old.pop().unwrap();
    assert!(holds(&state, &present));
    assert!(old.iter().all(|old| *old != present && !holds(&state, old) && !holds(device.evidence(), old)));
}

/// A device before and behind one key replacement, to mix into every state between.
struct Replacement {
    device: Device,
    before: PathBuf,
    old_key: Vec<u8>,
    new_key: Vec<u8>,
    ledger: Vec<u8>,
    introduced_at: usize,
}

fn replacement() -> Replacement {
    let device = Device::new();
    let evidence = device.open();
    let old_key = fs::read(key(&device.place.state)).unwrap();
    device.record(&evidence, &Recording::new(Footage::SOUND, 2, 4));
    drop(evidence);
    let new_key = fs::read(key(&device.place.state)).unwrap();
    let ledger = fs::read(device.evidence().join("ledger.cbor")).unwrap();
    let last = entries(device.evidence()).pop().unwrap();
    assert_eq!(last.entry.body.kind(), "key");
    let before = device.place.state.with_file_name("before");
    copy_tree(device.evidence(), &before);
    Replacement { device, before, old_key, new_key, introduced_at: ledger.len() - last.bytes.len(), ledger }
}

impl Replacement {
    /// Puts the device into a state, starts it, and sees that it can go on.
    fn start_with(&self, ledger_length: usize, current: &[u8], next_key: Option<&[u8]>) {
        let (evidence, state) = (self.device.evidence(), &self.device.place.state);
        fs::remove_dir_all(evidence).unwrap();
        copy_tree(&self.before, evidence);
        fs::write(evidence.join("ledger.cbor"), &self.ledger[..ledger_length]).unwrap();
        fs::write(key(state), current).unwrap();
        next_key.iter().for_each(|bytes| fs::write(next(state), bytes).unwrap());
        let evidence = self.device.open();
        assert!(!next(state).exists());
        self.device.record(&evidence, &Recording::new(Footage::SOUND, 1, 4));
        close(evidence);
        let report = verdict::report(self.device.evidence(), Some(&self.device.history()));
        assert_eq!((verdict::overall(&report), verdict::trust(&report)), ("intact", "trusted"), "{report:?}");
        assert!(!holds(state, &self.old_key) && !holds(state, &self.new_key));
    }
}

#[test]
fn a_replacement_cut_off_at_any_step_is_ended_or_undone_at_the_next_start() {
    let r = replacement();
    r.start_with(r.introduced_at, &r.old_key, None);
    for written in [0, 1, r.new_key.len() / 2, r.new_key.len()] {
        r.start_with(r.introduced_at, &r.old_key, Some(&r.new_key[..written]));
    }
    for torn in [1, 100, r.ledger.len() - r.introduced_at - 1] {
        r.start_with(r.introduced_at + torn, &r.old_key, Some(&r.new_key));
    }
    r.start_with(r.ledger.len(), &r.old_key, Some(&r.new_key));
    r.start_with(r.ledger.len(), &r.new_key, None);
}

#[test]
fn a_next_key_that_a_failed_replacement_left_does_not_stop_the_next_one() {
    let device = Device::new();
    let state = device.place.state.clone();
    let evidence = device.open();
    let old = secret(&key(&state));
    for left in [&b""[..], b"half a key", &fs::read(key(&state)).unwrap()] {
        fs::write(next(&state), left).unwrap();
        device.record(&evidence, &Recording::new(Footage::SOUND, 1, 4));
        assert!(!next(&state).exists() && !holds(&state, &old));
    }
    close(evidence);
    let report = verdict::report(device.evidence(), Some(&device.history()));
    assert_eq!((verdict::overall(&report), verdict::trust(&report)), ("intact", "trusted"), "{report:?}");
}

#[test]
fn a_key_that_waits_survives_a_start_with_the_wrong_storage() {
    let r = replacement();
    let state = &r.device.place.state;
    fs::write(key(state), &r.old_key).unwrap();
    fs::write(next(state), &r.new_key).unwrap();
    let stranger = Device::with_one_session();
    let wrong = Place { evidence: stranger.evidence().into(), state: state.clone() };
    assert!(matches!(open_place(&wrong, &r.device.clock), Err(StoreError::Foreign { .. })));
    close(r.device.open());
}
