// SPDX-License-Identifier: MIT OR Apache-2.0
//! Recordings made through the real store, from synthetic footage under a scripted clock.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod clock;
pub mod footage;
pub mod forge;
pub mod pieces;
pub mod verdict;

use clock::ScriptedClock;
use evidence::entry::{BootBody, SourceBody};
use evidence::history::KeyHistory;
use evidence::interruption::Known;
use evidence::record::Medium;
use evidence::time::TimeSource;
use evidence::{Hash, InterruptionId, SessionId};
use footage::Footage;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::{Evidence, NewInterruption, NewSession, Place, Recovered, SessionWriter, StoreError};
use tempfile::TempDir;

/// A device with its evidence folder, both gone with the value.
pub struct Device {
    _home: TempDir,
    pub place: Place,
    pub clock: Arc<ScriptedClock>,
}

/// What a session is to be.
#[derive(Clone)]
pub struct Recording {
    pub footage: Footage,
    pub chunks: u64,
    /// How many chunks go into a segment; a multiple of the footage's `gop_chunks`.
    pub chunks_a_segment: u64,
    /// Behind how many chunks a photo is taken.
    pub photos: Vec<u64>,
    /// Before which chunk how many frames are lost.
    pub lost: Option<(u64, u64)>,
    pub cause: &'static str,
}

impl Recording {
    pub fn new(footage: Footage, chunks: u64, chunks_a_segment: u64) -> Recording {
        Recording { footage, chunks, chunks_a_segment, photos: Vec::new(), lost: None, cause: "stop" }
    }

    pub fn with_photos(mut self, behind: &[u64]) -> Recording {
        self.photos = behind.to_vec();
        self
    }

    pub fn plan(&self, clock: &ScriptedClock) -> NewSession {
        NewSession {
            officer: "110233".into(),
            label: "SC-1".into(),
            sources: sources(&self.footage),
            zero_boot_ns: clock.now().boot_ns,
            pressed_boot_ns: None,
            continues: None,
            template: store::names::DEFAULT_TEMPLATE.parse().unwrap(),
            roll_ns: self.chunks_a_segment * 500_000_000 - 100_000_000,
            roll_bytes: u64::MAX,
        }
    }
}

fn sources(footage: &Footage) -> Vec<SourceBody> {
    let source = |medium, format: &str| SourceBody {
        medium,
        source: "replay:synthetic".into(),
        encoder: "passthrough".into(),
        format: format.into(),
    };
    let video = footage.video.then(|| source(Medium::Video, "H.264 10/1"));
    video.into_iter().chain(footage.audio.then(|| source(Medium::Audio, "AAC-LC 48000"))).collect()
}

impl Device {
    pub fn new() -> Device {
        Device::in_home(temporary())
    }

    /// A device on a disk of its own.
    pub fn on_disk(folder: &Path) -> Device {
        Device::in_home(TempDir::new_in(folder).unwrap())
    }

    fn in_home(home: TempDir) -> Device {
        let place = Place { evidence: home.path().join("evidence"), state: home.path().join("state") };
        Device { _home: home, place, clock: Arc::default() }
    }

    pub fn evidence(&self) -> &Path {
        &self.place.evidence
    }

    pub fn try_open(&self) -> Result<(Arc<Evidence>, Vec<Recovered>), StoreError> {
        let (evidence, recovered) = open_place(&self.place, &self.clock)?;
        Ok((Arc::new(evidence), recovered))
    }

    pub fn open(&self) -> Arc<Evidence> {
        self.try_open().unwrap().0
    }

    pub fn history(&self) -> KeyHistory {
        store::read_history(self.evidence()).unwrap()
    }

    pub fn begin(&self, evidence: &Arc<Evidence>, recording: &Recording) -> SessionWriter {
        self.try_begin(evidence, recording).unwrap()
    }

    pub fn try_begin(&self, evidence: &Arc<Evidence>, recording: &Recording) -> Result<SessionWriter, StoreError> {
        SessionWriter::begin(Arc::clone(evidence), recording.plan(&self.clock))
    }

    /// Records from start to stop.
    pub fn record(&self, evidence: &Arc<Evidence>, recording: &Recording) -> SessionId {
        let mut writer = self.begin(evidence, recording);
        self.feed(&mut writer, recording);
        let id = writer.id();
        writer.finish(recording.cause, None).unwrap();
        self.clock.advance_ms(60_000);
        id
    }

    /// Writes chunks `from` to `to`, the last one not included.
    pub fn feed_some(&self, writer: &mut SessionWriter, footage: &Footage, from: u64, to: u64) {
        let init = footage.init();
        for n in from..to {
            self.clock.advance_ms(500);
            writer.append(&init, footage.fragment(n)).unwrap();
        }
    }

    /// Writes all chunks, and leaves the session open.
    pub fn feed(&self, writer: &mut SessionWriter, recording: &Recording) {
        let init = recording.footage.init();
        for n in 0..recording.chunks {
            self.clock.advance_ms(500);
            if let Some((_, count)) = recording.lost.filter(|(before, _)| *before == n) {
                writer.note_lost(Medium::Video, count, "the encoder was too slow");
            }
            writer.append(&init, recording.footage.fragment(n)).unwrap();
            if recording.photos.contains(&(n + 1)) {
                writer.add_photo(&jpeg(n)).unwrap();
            }
        }
    }

    /// A device with one session of the picture and sound of 5 s, in which the camera was gone for a second, an account of
    /// that, a step of the clock, and a photo.
    pub fn with_an_interruption() -> Device {
        let device = Device::new();
        let evidence = device.open();
        let mut writer = device.begin(&evidence, &Recording::new(Footage::BOTH, 10, 4));
        device.feed_some(&mut writer, &Footage::BOTH, 0, 4);
        let id = device.interrupt(&mut writer, "camera", &[Medium::Video]);
        writer.add_photo(&jpeg(1)).unwrap();
        device.feed_some(&mut writer, &Footage::SOUND, 4, 6);
        writer.end_interruption(id, device.clock.now().boot_ns).unwrap();
        evidence.enter_clock_step(-1_000_000_000).unwrap();
        device.feed_some(&mut writer, &Footage::BOTH, 6, 10);
        writer.finish("stop", None).unwrap();
        evidence.explain(id, "obstruction", "110233", "a hand before the lens").unwrap();
        close(evidence);
        device
    }

    /// Begins an interruption now.
    pub fn interrupt(&self, writer: &mut SessionWriter, cause: &str, media: &[Medium]) -> InterruptionId {
        let begun = NewInterruption {
            cause: cause.into(),
            known: Known::Device,
            media: media.to_vec(),
            from_boot_ns: self.clock.now().boot_ns,
            detail: "unplugged".into(),
        };
        writer.begin_interruption(begun).unwrap()
    }

    /// A device with one session of three segments (4, 4 and 2 chunks) with a photo, and one photo outside.
    pub fn with_one_session() -> Device {
        let device = Device::new();
        let evidence = device.open();
        device.record(&evidence, &Recording::new(Footage::BOTH, 10, 4).with_photos(&[3]));
        device.photo_outside(&evidence, 100);
        close(evidence);
        device
    }

    pub fn photo_outside(&self, evidence: &Evidence, n: u64) -> PathBuf {
        let template = store::names::DEFAULT_TEMPLATE.parse().unwrap();
        evidence.add_photo(&jpeg(n), "110233", "SC-1", &template).unwrap().path
    }
}

pub fn open_place(place: &Place, clock: &Arc<ScriptedClock>) -> Result<(Evidence, Vec<Recovered>), StoreError> {
    let boot = BootBody { software: "sealcam test".into(), config: Hash::of(b"a configuration") };
    Evidence::open(place, boot, Arc::clone(clock) as Arc<dyn TimeSource>, &mut |_| ())
}

/// A folder that goes with the value; in memory where the system has such a place, for these tests sync a lot.
pub fn temporary() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

/// Ends the owner of a folder in order.
pub fn close(evidence: Arc<Evidence>) {
    Arc::try_unwrap(evidence).ok().expect("nobody else holds the folder").shut_down("requested").unwrap();
}

/// Something that begins and ends like a JPEG.
pub fn jpeg(n: u64) -> Vec<u8> {
    [&[0xff, 0xd8, 0xff, 0xe0], footage::noise(n, 300).as_slice(), &[0xff, 0xd9]].concat()
}

/// The session folders of an evidence folder, oldest first.
pub fn sessions(evidence: &Path) -> Vec<PathBuf> {
    let ledger = entries(evidence);
    let folders = ledger.iter().filter_map(|signed| match &signed.entry.body {
        evidence::entry::Body::SessionStart(start) => Some(evidence.join("sessions").join(&start.folder)),
        _ => None,
    });
    folders.collect()
}

pub fn entries(evidence: &Path) -> Vec<evidence::ledger::SignedEntry> {
    evidence::ledger::open_sequence(&fs::read(evidence.join("ledger.cbor")).unwrap()).0
}

/// The files with `extension` in a folder, sorted.
pub fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(list) = fs::read_dir(folder) else { return Vec::new() };
    let mut found: Vec<_> = list.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|e| e == extension));
    found.sort();
    found
}

/// Copies all but the reserve, which is large and nothing.
pub fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().filter(|entry| entry.as_ref().unwrap().file_name() != "RESERVE") {
        let (path, target) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        match path.is_dir() {
            true => copy_tree(&path, &target),
            false => drop(fs::copy(&path, &target).unwrap()),
        }
    }
}

/// A copy of a device as it stands, lock and index included: what a power cut leaves.
pub struct Frozen {
    home: TempDir,
}

impl Device {
    pub fn freeze(&self) -> Frozen {
        let home = temporary();
        copy_tree(self._home.path(), home.path());
        Frozen { home }
    }
}

impl Frozen {
    /// A device that wakes up in this state after the power was gone for some time.
    pub fn wake_rebooted(&self) -> Device {
        let device = self.wake();
        device.clock.reboot();
        device
    }

    /// A device that wakes up in this state, an hour after its clock began, in the same boot.
    pub fn wake(&self) -> Device {
        let home = temporary();
        copy_tree(self.home.path(), home.path());
        let place = Place { evidence: home.path().join("evidence"), state: home.path().join("state") };
        let clock = Arc::<ScriptedClock>::default();
        clock.advance_ms(3_600_000);
        Device { _home: home, place, clock }
    }
}
