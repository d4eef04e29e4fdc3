// SPDX-License-Identifier: MIT OR Apache-2.0
//! The untouched recordings that every case copies before it tampers.

use crate::common::footage::Footage;
use crate::common::pieces::Pieces;
use crate::common::{Device, Recording, close, copy_tree, files, sessions, temporary, verdict};
use evidence::history::KeyHistory;
use evidence::sign::Ed25519Signer;
use evidence::verify::Report;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use tempfile::TempDir;

/// Two devices; the first has two sessions, and a copy of how it was after the first of them.
pub struct Untouched {
    device: Device,
    early: TempDir,
    other: Device,
    pub history: KeyHistory,
    pub other_history: KeyHistory,
}

pub static UNTOUCHED: LazyLock<Untouched> = LazyLock::new(|| {
    let (device, early, other) = (Device::new(), temporary(), Device::with_one_session());
    let evidence = device.open();
    device.record(&evidence, &Recording::new(Footage::BOTH, 10, 4).with_photos(&[3]));
    device.photo_outside(&evidence, 100);
    copy_tree(device.evidence(), early.path());
    device.record(&evidence, &Recording::new(Footage::BOTH, 4, 4));
    close(evidence);
    let (history, other_history) = (device.history(), other.history());
    Untouched { device, early, other, history, other_history }
});

/// A copy to tamper with.
pub struct Stage {
    home: TempDir,
    pub evidence: PathBuf,
    /// The folder of the first session, where it was before any tampering.
    pub session: PathBuf,
}

impl Stage {
    pub fn new() -> Stage {
        let home = temporary();
        let evidence = home.path().join("evidence");
        copy_tree(UNTOUCHED.device.evidence(), &evidence);
        let session = sessions(&evidence)[0].clone();
        Stage { home, evidence, session }
    }

    /// Segment `n` of the first session, from 0.
    pub fn segment(&self, n: usize) -> PathBuf {
        files(&self.session, "mp4")[n].clone()
    }

    pub fn second_session(&self) -> PathBuf {
        sessions(&self.evidence)[1].clone()
    }

    /// The photo of the first session.
    pub fn photo(&self) -> PathBuf {
        files(&self.session.join("photos"), "jpg")[0].clone()
    }

    pub fn photo_outside(&self) -> PathBuf {
        files(&self.evidence.join("photos"), "jpg")[0].clone()
    }

    pub fn ledger(&self) -> PathBuf {
        self.evidence.join("ledger.cbor")
    }

    pub fn session_file(&self) -> PathBuf {
        self.session.join("session.cbor")
    }

    pub fn aside(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Replaces everything by what the device had before its second session.
    pub fn roll_back(&self) {
        fs::remove_dir_all(&self.evidence).unwrap();
        copy_tree(UNTOUCHED.early.path(), &self.evidence);
    }

    /// Replaces everything by another device's evidence.
    pub fn other_device(&self) {
        fs::remove_dir_all(&self.evidence).unwrap();
        copy_tree(UNTOUCHED.other.evidence(), &self.evidence);
    }

    /// The verdict on the first session within the evidence folder, and on the folder.
    pub fn evidence_line(&self, history: Option<&KeyHistory>) -> String {
        let mut report = verdict::report(&self.evidence, history);
        report.sessions.retain(|session| session.path == self.session);
        verdict::line(&report)
    }

    pub fn session_report(&self) -> Report {
        verdict::report(&self.session, Some(&UNTOUCHED.history))
    }
}

/// The middle segment of another device's session.
pub fn other_devices_segment() -> Pieces {
    Pieces::read(&files(&sessions(UNTOUCHED.other.evidence())[0], "mp4")[1])
}

/// The ledger key that the device has now, behind both sessions: what a thief would find.
pub fn seized_key() -> Ed25519Signer {
    Ed25519Signer::from_pkcs8(&fs::read(UNTOUCHED.device.place.state.join("ledger.key")).unwrap()).unwrap()
}

pub fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x10;
    fs::write(path, bytes).unwrap();
}
