// SPDX-License-Identifier: MIT OR Apache-2.0
//! Walks a segment file once, hashing what each record covers. It reports what is there and judges nothing: the
//! verifier, recovery and the index all read through it. Memory is bounded by one record, whatever the file holds.

use crate::bytes::Hasher;
use crate::cbor::MAX_ITEM_BYTES;
use crate::cose::{self, EnvelopeError, Unchecked};
use crate::ledger::{SignedEntry, open_entry};
use crate::mp4::{BoxHeader, RECORD_HEADER, RECORD_UUID};
use crate::record::{PayloadError, Record};
use crate::{Hash, PublicKey};
use std::io::{self, Read, Seek, SeekFrom};

const READ_BYTES: usize = 256 * 1024;

/// What was found in one record box, and what it should cover.
pub struct ScannedRecord {
    /// The record, if the box holds one that is rightly signed by `key`.
    pub record: Result<Record, ScanError>,
    /// The key that signed.
    pub key: Option<PublicKey>,
    /// Hash of the envelope.
    pub hash: Hash,
    /// Hash of the bytes between the record before and this one; `None` if the boxes there are out of shape.
    pub media: Option<Hash>,
    /// Where those bytes begin.
    pub covered_from: u64,
    /// Where the record's box begins.
    pub offset: u64,
    /// Where it ends.
    pub end: u64,
}

/// Why a record box holds no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// The envelope or signature is wrong.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The content is wrong.
    #[error(transparent)]
    Payload(#[from] PayloadError),
}

/// What is behind the last record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// Where it begins.
    pub offset: u64,
    /// How many bytes.
    pub length: u64,
}

/// What a scan meets, in file order.
pub enum Item {
    /// The session-start entry in front of the first chunk, with the length of its box.
    Start(Box<SignedEntry>, u64),
    /// A record box.
    Record(Box<ScannedRecord>),
}

/// Scans a segment of `length` bytes and hands each item to `sink`.
///
/// # Errors
/// Only what reading gives; nothing in the content is an error here.
pub fn scan_segment<R: Read + Seek>(file: R, length: u64, sink: &mut dyn FnMut(Item)) -> io::Result<Tail> {
    let mut scan = Scan::new(file, length, Signatures::Every);
    scan.run(sink)
}

/// Scans like [`scan_segment`], but checks the signature of the last record alone; `None` if that is wrong.
///
/// A record names the hash of the whole envelope before it. So where every record is linked to the one before, the last
/// signature stands for all; whoever finds a link broken has to scan again with every signature.
pub(super) fn scan_linked<R: Read + Seek>(
    file: R,
    length: u64,
    sink: &mut dyn FnMut(Item),
) -> io::Result<Option<Tail>> {
    let mut scan = Scan::new(file, length, Signatures::Last);
    let tail = scan.run(sink)?;
    let is_signed = scan.last.take().is_none_or(|last| last.check().is_ok());
    Ok(is_signed.then_some(tail))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Signatures {
    Every,
    Last,
}

struct Scan<R> {
    file: R,
    length: u64,
    at: u64,
    covered_from: u64,
    hasher: Hasher,
    in_shape: bool,
    started: bool,
    buffer: Vec<u8>,
    signatures: Signatures,
    last: Option<Unchecked>,
}

impl<R: Read + Seek> Scan<R> {
    fn new(file: R, length: u64, signatures: Signatures) -> Scan<R> {
        Scan {
            file,
            length,
            at: 0,
            covered_from: 0,
            hasher: Hasher::default(),
            in_shape: true,
            started: false,
            buffer: vec![0; READ_BYTES],
            signatures,
            last: None,
        }
    }

    fn run(&mut self, sink: &mut dyn FnMut(Item)) -> io::Result<Tail> {
        while self.at < self.length && self.step(sink)? {}
        Ok(Tail { offset: self.covered_from, length: self.length - self.covered_from })
    }

    /// Takes the next box. `false` where nothing more can be found.
    fn step(&mut self, sink: &mut dyn FnMut(Item)) -> io::Result<bool> {
        let head = self.peek(RECORD_HEADER)?;
        match BoxHeader::read(&head).filter(|b| b.size <= self.length - self.at) {
            Some(found) if is_record(&found, &head) => self.take_record(found.size, sink)?,
            Some(found) => self.cover(found.size)?,
            None => return self.search(),
        }
        Ok(true)
    }

    fn peek(&mut self, wanted: usize) -> io::Result<Vec<u8>> {
        let there = wanted.min(usize::try_from(self.length - self.at).unwrap_or(wanted));
        let mut bytes = vec![0; there];
        self.file.seek(SeekFrom::Start(self.at))?;
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn cover(&mut self, bytes: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.at))?;
        let mut left = bytes;
        while left > 0 {
            let piece = usize::try_from(left).unwrap_or(READ_BYTES).min(READ_BYTES);
            self.file.read_exact(&mut self.buffer[..piece])?;
            self.hasher.update(&self.buffer[..piece]);
            left -= piece as u64;
        }
        self.at += bytes;
        Ok(())
    }

    fn take_record(&mut self, size: u64, sink: &mut dyn FnMut(Item)) -> io::Result<()> {
        let bytes = self.peek(size as usize)?;
        let envelope = &bytes[RECORD_HEADER..];
        if !self.started
            && let Ok(start) = open_start(envelope)
        {
            self.started = true;
            sink(Item::Start(Box::new(start), size));
            return self.cover(size);
        }
        let hasher = std::mem::take(&mut self.hasher);
        let (record, key) = self.open_record(envelope);
        sink(Item::Record(Box::new(ScannedRecord {
            record,
            key,
            hash: Hash::of(envelope),
            media: self.in_shape.then(|| hasher.finish()),
            covered_from: self.covered_from,
            offset: self.at,
            end: self.at + size,
        })));
        self.started = true;
        self.in_shape = true;
        self.at += size;
        self.covered_from = self.at;
        Ok(())
    }

    fn open_record(&mut self, envelope: &[u8]) -> (Result<Record, ScanError>, Option<PublicKey>) {
        let opened = match self.signatures {
            Signatures::Every => cose::open(envelope),
            Signatures::Last => cose::open_unchecked(envelope).map(|unchecked| {
                let envelope = unchecked.envelope.clone();
                self.last = Some(unchecked);
                envelope
            }),
        };
        match opened {
            Ok(opened) => (Record::decode(&opened.payload).map_err(ScanError::from), Some(opened.key)),
            Err(error) => (Err(error.into()), None),
        }
    }

    /// Looks for the next record box behind boxes that are out of shape.
    fn search(&mut self) -> io::Result<bool> {
        self.in_shape = false;
        let mut from = self.at;
        while from + (RECORD_HEADER as u64) < self.length {
            let window = usize::try_from(self.length - from).unwrap_or(READ_BYTES).min(READ_BYTES);
            self.file.seek(SeekFrom::Start(from))?;
            self.file.read_exact(&mut self.buffer[..window])?;
            let start = (0..=window.saturating_sub(RECORD_HEADER)).find(|n| {
                let head = &self.buffer[*n..];
                BoxHeader::read(head).is_some_and(|b| is_record(&b, head) && b.size <= self.length - from - *n as u64)
            });
            if let Some(n) = start {
                self.at = from + n as u64;
                return Ok(true);
            }
            from += (window - RECORD_HEADER + 1) as u64;
        }
        Ok(false)
    }
}

fn is_record(found: &BoxHeader, head: &[u8]) -> bool {
    let fits = found.header == 8
        && found.size as usize <= RECORD_HEADER + MAX_ITEM_BYTES
        && found.size as usize > RECORD_HEADER;
    fits && &found.name == b"uuid" && head.get(8..RECORD_HEADER) == Some(&RECORD_UUID)
}

fn open_start(envelope: &[u8]) -> Result<SignedEntry, ()> {
    let signed = open_entry(envelope, 0).map_err(|_| ())?;
    matches!(signed.entry.body, crate::entry::Body::SessionStart(_)).then_some(signed).ok_or(())
}
