// SPDX-License-Identifier: MIT OR Apache-2.0
//! What must hold of every state that a cut may leave: before it is recovered, and after.

use crate::common::{Device, files, verdict};
use crate::disk::Disk;
use evidence::ledger::open_sequence;
use evidence::mp4::{BoxAt, RECORD_UUID, boxes};
use evidence::verify::{Options, Overall, verify};
use evidence::{Hash, LEDGER_FILE};
use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Bytes of a segment.
struct Chunk {
    path: String,
    bytes: Range<usize>,
    media: String,
}

/// What the program had been told is durable.
#[derive(Default)]
pub struct Promised {
    chunks: Vec<Chunk>,
    photos: BTreeMap<String, String>,
    entries: usize,
}

impl Promised {
    pub fn by<'a>(said: impl Iterator<Item = &'a str>) -> Promised {
        let mut promised = Promised::default();
        for line in said {
            match line.split(' ').collect::<Vec<_>>().as_slice() {
                ["chunk", path, offset, length, media] => {
                    let (offset, length): (usize, usize) = (offset.parse().unwrap(), length.parse().unwrap());
                    let (path, bytes, media) = ((*path).into(), offset..offset + length, (*media).into());
                    promised.chunks.push(Chunk { path, bytes, media });
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

/// The whole ledger that the program wrote in the end.
pub struct Ledger {
    bytes: Vec<u8>,
    /// Where each entry ends.
    ends: Vec<usize>,
    device: String,
}

impl Ledger {
    pub fn new(bytes: Vec<u8>) -> Ledger {
        let entries = open_sequence(&bytes).0;
        let mut end = 0;
        let ends = entries.iter().map(|entry| {
            end += entry.bytes.len();
            end
        });
        Ledger { ends: ends.collect(), device: entries[0].entry.device.to_string(), bytes }
    }

    fn first(&self, entries: usize) -> &[u8] {
        entries.checked_sub(1).map_or(&[], |last| &self.bytes[..self.ends[last]])
    }

    fn is_of(&self, device: &Device) -> bool {
        fs::read(device.evidence().join(LEDGER_FILE)).unwrap().starts_with(self.first(1))
    }
}

/// Judges a state.
pub fn judge(disk: &Disk, promised: &Promised, ledger: &Ledger) -> Result<(), String> {
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
    state_is_settled(&device, ledger)
}

fn never_tampered(device: &Device, promised: &Promised) -> Result<(), String> {
    if !device.evidence().join(LEDGER_FILE).exists() {
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

fn all_entries(device: &Device, promised: &Promised, ledger: &Ledger) -> Result<(), String> {
    let there = fs::read(device.evidence().join(LEDGER_FILE)).unwrap();
    match there.starts_with(ledger.first(promised.entries)) {
        true => Ok(()),
        false => Err(format!("the first {} entries of the ledger are not there", promised.entries)),
    }
}

/// Every chunk that was announced is there, and at most the one behind them.
fn all_chunks(device: &Device, promised: &Promised) -> Result<(), String> {
    for chunk in &promised.chunks {
        let there = fs::read(device.evidence().join(&chunk.path)).unwrap_or_default();
        if there.get(chunk.bytes.clone()).map(|bytes| Hash::of(bytes).to_string()).as_ref() != Some(&chunk.media) {
            return Err(format!("the chunk {:?} of {} was announced and is not there", chunk.bytes, chunk.path));
        }
    }
    let counts = segments(device.evidence()).into_iter().map(|path| {
        let bytes = fs::read(&path).unwrap();
        whole_chunks(&bytes).map_err(|why| format!("{}: {why}", path.display()))
    });
    let there: usize = counts.sum::<Result<_, _>>()?;
    none_of(there.saturating_sub(promised.chunks.len() + 1), "chunks that nobody was told of")
}

fn segments(evidence: &Path) -> Vec<PathBuf> {
    let sessions = fs::read_dir(evidence.join("sessions")).unwrap().map(|folder| folder.unwrap().path());
    sessions.flat_map(|folder| files(&folder, "mp4")).collect()
}

/// How many chunks a segment has. Its boxes must be whole, as a player needs them, and end with a record.
fn whole_chunks(bytes: &[u8]) -> Result<usize, String> {
    let boxes = boxes(bytes, 0).map_err(|error| format!("a player would stumble: {error}"))?;
    let is_record = |found: &BoxAt<'_>| found.content.starts_with(&RECORD_UUID);
    let begins = boxes.iter().map(|found| &found.name).take(2).eq([b"ftyp", b"moov"]);
    if !begins || !boxes.last().is_some_and(is_record) {
        return Err("it is no whole segment".into());
    }
    Ok(boxes.windows(2).filter(|pair| &pair[0].name == b"mdat" && is_record(&pair[1])).count())
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
fn state_is_settled(device: &Device, ledger: &Ledger) -> Result<(), String> {
    let identity = fs::read_to_string(device.place.state.join("device")).unwrap_or_default();
    // In a state in which nothing had been promised, it may be another device that began.
    if ledger.is_of(device) && identity.trim() != ledger.device {
        return Err(format!("state/device is {identity:?}"));
    }
    none_of(usize::from(device.place.state.join("ledger.key.next").exists()), "a next key is left")
}
