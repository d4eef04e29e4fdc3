// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads segments as their records tell, for the index and for recovery. A segment that the index knows to its end is not
//! read again: there may be many gigabytes of them in a session that was cut off.

use crate::StoreError;
use crate::index::{EndedSegment, Index};
use crate::progress::{Meter, Metered};
use crate::session::file_name;
use evidence::cbor::MAX_ITEM_BYTES;
use evidence::entry::{Body, SessionStartBody};
use evidence::ledger::SignedEntry;
use evidence::mp4::{RECORD_HEADER, record_box};
use evidence::record::{Record, RecordKind};
use evidence::verify::{Item, ScannedRecord, Tail, scan_segment};
use evidence::{Hash, cose};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A segment as its records tell.
pub(crate) struct Scanned {
    pub(crate) path: PathBuf,
    /// Hash of the session-start entry in it.
    pub(crate) start: Option<Hash>,
    pub(crate) start_bytes: u64,
    /// Of a segment that the index knows, the end alone.
    pub(crate) records: Vec<Found>,
    pub(crate) tail: Tail,
    /// How many rightly signed chunk records stand behind the last whole one, although what they cover is not there.
    pub(crate) unsound: u64,
    pub(crate) is_known: bool,
}

/// A record that is signed by its session's key and covers what stands before it.
pub(crate) struct Found {
    pub(crate) record: Record,
    pub(crate) hash: Hash,
    pub(crate) offset: u64,
    pub(crate) end: u64,
}

/// What there is to be read in a session's folder.
pub(crate) struct Plan {
    known: Vec<Scanned>,
    files: Vec<PathBuf>,
    /// Length of the files.
    pub(crate) bytes: u64,
}

impl Plan {
    /// `start` is the entry that began the session.
    pub(crate) fn of(index: Option<&Index>, start: &SignedEntry, folder: &Path) -> Result<Plan, StoreError> {
        let mut files = segments_in(folder)?;
        // What the index cannot say has to be read.
        let known = index.and_then(|index| known(index, start, &files).ok()).unwrap_or_default();
        files.retain(|path| known.iter().all(|scan| scan.path != *path));
        let bytes = files.iter().filter_map(|path| fs::metadata(path).ok()).map(|file| file.len()).sum();
        Ok(Plan { known, files, bytes })
    }

    /// Reads it. The segments come in the order of their records.
    pub(crate) fn read(self, meter: &mut Meter<'_>) -> Result<Vec<Scanned>, StoreError> {
        let mut scans = self.known;
        for path in self.files {
            scans.push(scan(path, meter)?);
        }
        scans.sort_by_key(|scan| (scan.records.first().map(|found| found.record.seq), scan.path.clone()));
        Ok(scans)
    }
}

fn segments_in(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut found = Vec::new();
    if !folder.is_dir() {
        return Ok(found);
    }
    for entry in fs::read_dir(folder).map_err(StoreError::io("list", folder))? {
        let path = entry.map_err(StoreError::io("list", folder))?.path();
        if path.extension().is_some_and(|extension| extension == "mp4") {
            found.push(path);
        }
    }
    Ok(found)
}

/// The first segments of a session, as far as the index has all their chunks and the files have the length and the end
/// that it says.
fn known(index: &Index, start: &SignedEntry, files: &[PathBuf]) -> Result<Vec<Scanned>, StoreError> {
    let Body::SessionStart(body) = &start.entry.body else { return Ok(Vec::new()) };
    let mut known = Vec::new();
    for (number, segment) in (1..).zip(index.ended_segments(body.session)?) {
        let path = files.iter().find(|path| segment.number == number && file_name(path) == segment.file);
        let Some(end) = path.and_then(|path| read_end(path, &segment, body)) else { break };
        if index.chunks_within(body.session, number)? != end.record.chunk {
            break;
        }
        let (path, tail) = (path.cloned().unwrap_or_default(), Tail { offset: end.end, length: 0 });
        let (start, records) = (Some(start.hash), vec![end]);
        known.push(Scanned { path, start, start_bytes: 0, records, tail, unsound: 0, is_known: true });
    }
    Ok(known)
}

/// The record that ends a segment, if it stands where the index says.
fn read_end(path: &Path, segment: &EndedSegment, start: &SessionStartBody) -> Option<Found> {
    let file = File::open(path).ok()?;
    let end = segment.end_offset.checked_add(segment.end_bytes)?;
    let size = usize::try_from(segment.end_bytes).ok().filter(|size| *size <= RECORD_HEADER + MAX_ITEM_BYTES)?;
    if file.metadata().ok()?.len() != end {
        return None;
    }
    let mut bytes = vec![0; size];
    file.read_exact_at(&mut bytes, segment.end_offset).ok()?;
    let envelope = bytes.get(RECORD_HEADER..).filter(|envelope| record_box(envelope) == bytes)?;
    let opened = cose::open(envelope).ok().filter(|opened| opened.key == start.public)?;
    let record = Record::decode(&opened.payload).ok()?;
    let place = (record.kind, record.session, record.segment, record.offset);
    let expected = (RecordKind::SegmentEnd, start.session, segment.number, segment.end_offset);
    (place == expected).then_some(Found { record, hash: opened.hash, offset: segment.end_offset, end })
}

fn scan(path: PathBuf, meter: &mut Meter<'_>) -> Result<Scanned, StoreError> {
    let file = File::open(&path).map_err(StoreError::io("open", &path))?;
    let length = file.metadata().map_err(StoreError::io("inspect", &path))?.len();
    let (mut start, mut start_bytes, mut key) = (None, 0, None);
    let (mut records, mut unsound) = (Vec::new(), 0);
    let mut sink = |item| match item {
        Item::Start(signed, size) => {
            if let Body::SessionStart(body) = signed.entry.body {
                key = Some(body.public);
                start_bytes = size;
                start = Some(signed.hash);
            }
        }
        Item::Record(scanned) if scanned.key.is_some() && scanned.key == key => {
            let is_chunk = scanned.record.as_ref().is_ok_and(|record| record.kind == RecordKind::Chunk);
            match whole(*scanned) {
                Some(found) => {
                    records.push(found);
                    unsound = 0;
                }
                None => unsound += u64::from(is_chunk),
            }
        }
        Item::Record(_) => {}
    };
    let tail = scan_segment(Metered { file, meter }, length, &mut sink).map_err(StoreError::io("read", &path))?;
    Ok(Scanned { path, start, start_bytes, records, tail, unsound, is_known: false })
}

fn whole(scanned: ScannedRecord) -> Option<Found> {
    let record = scanned.record.ok().filter(|record| scanned.media == Some(record.media))?;
    Some(Found { record, hash: scanned.hash, offset: scanned.offset, end: scanned.end })
}
