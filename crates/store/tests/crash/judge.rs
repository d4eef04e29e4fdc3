// SPDX-License-Identifier: MIT OR Apache-2.0
//! What must hold of every state that a cut may leave: before it is recovered, and after.

use crate::common::{Device, verdict};
use crate::disk::Disk;
use evidence::ledger::open_sequence;
use evidence::mp4::{RECORD_HEADER, RECORD_UUID, boxes};
use evidence::record::{Record, RecordKind};
use evidence::verify::{Options, Overall, verify};
use evidence::{Hash, cose};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// What the program had been told is durable.
#[derive(Default)]
pub struct Promised {
    /// `SESSION NUMBER`, with the hash of the media.
    chunks: BTreeMap<(String, u64), String>,
    photos: BTreeMap<String, String>,
    entries: usize,
}

impl Promised {
    pub fn by<'a>(said: impl Iterator<Item = &'a str>) -> Promised {
        let mut promised = Promised::default();
        for line in said {
            match line.split(' ').collect::<Vec<_>>().as_slice() {
                ["chunk", session, number, media] => {
                    promised.chunks.insert(((*session).into(), number.parse().unwrap()), (*media).into());
                }
                ["photo", path, hash] => drop(promised.photos.insert((*path).into(), (*hash).into())),
                ["entries", count] => promised.entries = count.parse().unwrap(),
                ["end"] => {}
                _ => panic!("{line} is not understood"),
            }
        }
        promised
    }

    /// How much was promised; it only grows.
    pub fn amount(&self) -> usize {
        self.chunks.len() + self.photos.len() + self.entries
    }
}

/// Judges a state. `ledger` is the whole one that the program wrote in the end.
pub fn judge(disk: &Disk, promised: &Promised, ledger: &[u8]) -> Result<(), String> {
    let device = Device::new();
    device.clock.advance_ms(3_600_000);
    device.clock.reboot();
    disk.put_into(device.evidence().parent().unwrap());
    never_tampered(&device, promised).map_err(|why| format!("before recovery: {why}"))?;
    recover(&device)?;
    intact(&device)?;
    all_entries(&device, promised, ledger)?;
    all_chunks(&device, promised)?;
    all_photos(&device, promised)?;
    state_is_settled(&device)
}

fn never_tampered(device: &Device, promised: &Promised) -> Result<(), String> {
    if !device.evidence().join("ledger.cbor").exists() {
        return none_of(promised.entries, "entries without a ledger");
    }
    let options = Options { history: None, jobs: NonZeroUsize::MIN, progress: &|_| () };
    let report = verify(device.evidence(), &options).map_err(|error| error.to_string())?;
    let allowed = report.overall != Overall::Tampered;
    allowed.then_some(()).ok_or_else(|| format!("tampered: {:?}", report.findings))
}

fn recover(device: &Device) -> Result<(), String> {
    let (evidence, recovered) = device.try_open().map_err(|error| format!("it does not open: {error}"))?;
    evidence.fault().map_or(Ok(()), |fault| Err(format!("nothing can be recorded: {fault}")))?;
    none_of(recovered.iter().map(|one| one.lost_chunks as usize).sum(), "chunks said to be lost")?;
    none_of(recovered.len().saturating_sub(1), "more than one session was open")?;
    evidence.shut_down("requested").map_err(|error| format!("it does not shut down: {error}"))
}

fn none_of(count: usize, what: &str) -> Result<(), String> {
    if count == 0 { Ok(()) } else { Err(format!("{count}: {what}")) }
}

/// By the verifier and by the check of all invariants.
fn intact(device: &Device) -> Result<(), String> {
    let report = verdict::report(device.evidence(), Some(&device.history()));
    let (overall, trust) = (verdict::overall(&report), verdict::trust(&report));
    if !["intact", "gaps"].contains(&overall) || trust != "trusted" {
        return Err(format!("after recovery: {overall}, {trust}: {:?}", report.findings));
    }
    match store::check::check(device.evidence(), NonZeroUsize::MIN) {
        Ok(violations) if violations.is_empty() => Ok(()),
        Ok(violations) => Err(format!("the check says: {violations:?}")),
        Err(error) => Err(format!("it cannot be checked: {error}")),
    }
}

fn all_entries(device: &Device, promised: &Promised, ledger: &[u8]) -> Result<(), String> {
    let there = fs::read(device.evidence().join("ledger.cbor")).unwrap();
    let length: usize = open_sequence(ledger).0[..promised.entries].iter().map(|entry| entry.bytes.len()).sum();
    match there.starts_with(&ledger[..length]) {
        true => Ok(()),
        false => Err(format!("the first {} entries of the ledger are not there", promised.entries)),
    }
}

/// Every chunk that was announced is there, and of each session no more than the one behind it.
fn all_chunks(device: &Device, promised: &Promised) -> Result<(), String> {
    let mut there = BTreeMap::new();
    for path in segments(device.evidence()) {
        chunks_of(&path, &mut there).map_err(|why| format!("{}: {why}", path.display()))?;
    }
    for ((session, number), media) in &promised.chunks {
        if there.get(&(session.clone(), *number)) != Some(media) {
            return Err(format!("chunk {number} of {session} was announced and is not there"));
        }
    }
    let unpromised: Vec<_> = there.keys().filter(|key| !promised.chunks.contains_key(key)).collect();
    none_of(unpromised.len().saturating_sub(1), "chunks that nobody was told of")
}

fn segments(evidence: &Path) -> Vec<PathBuf> {
    let sessions = fs::read_dir(evidence.join("sessions")).unwrap().map(|folder| folder.unwrap().path());
    sessions.flat_map(|folder| crate::common::files(&folder, "mp4")).collect()
}

/// The chunks of a segment, whose boxes must be whole and end with a record.
fn chunks_of(path: &Path, there: &mut BTreeMap<(String, u64), String>) -> Result<(), String> {
    let bytes = fs::read(path).unwrap();
    let boxes = boxes(&bytes, 0).map_err(|error| format!("a player would stumble: {error}"))?;
    let records = boxes.iter().filter(|found| found.content.starts_with(&RECORD_UUID)).skip(1);
    for found in records {
        let envelope = cose::open(&found.content[RECORD_HEADER - 8..]).map_err(|error| error.to_string())?;
        let record = Record::decode(&envelope.payload).map_err(|error| error.to_string())?;
        if record.kind == RecordKind::Chunk {
            there.insert((record.session.to_string(), record.chunk), record.media.to_string());
        }
    }
    let names: BTreeSet<_> = boxes.iter().take(2).map(|found| found.name).collect();
    let begins = names == BTreeSet::from([*b"ftyp", *b"moov"]);
    let ends = boxes.last().is_some_and(|found| found.content.starts_with(&RECORD_UUID));
    if begins && ends { Ok(()) } else { Err("it is no whole segment".into()) }
}

fn all_photos(device: &Device, promised: &Promised) -> Result<(), String> {
    for (path, hash) in &promised.photos {
        let there = fs::read(device.evidence().join(path)).map(|bytes| Hash::of(&bytes).to_string());
        if there.ok().as_ref() != Some(hash) {
            return Err(format!("the photo {path} is not there"));
        }
    }
    Ok(())
}

/// The device knows itself, and has one key.
fn state_is_settled(device: &Device) -> Result<(), String> {
    let first = &crate::common::entries(device.evidence())[0];
    let identity = fs::read_to_string(device.place.state.join("device")).unwrap_or_default();
    if identity.trim() != first.entry.device.to_string() {
        return Err(format!("state/device is {identity:?}"));
    }
    none_of(usize::from(device.place.state.join("ledger.key.next").exists()), "a next key is left")
}
