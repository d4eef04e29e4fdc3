// SPDX-License-Identifier: MIT OR Apache-2.0
//! A segment file cut into the pieces that a tamperer would move about.

use evidence::cose;
use evidence::ledger::{SignedEntry, open_entry};
use evidence::mp4::{RECORD_HEADER, RECORD_UUID, boxes, record_box};
use evidence::record::Record;
use std::fs;
use std::path::Path;

/// The media bytes of a chunk and the box with its record.
#[derive(Clone)]
pub struct Chunk {
    pub media: Vec<u8>,
    pub seal: Vec<u8>,
}

/// A segment in pieces.
#[derive(Clone)]
pub struct Pieces {
    /// `ftyp` and `moov`.
    pub init: Vec<u8>,
    /// The box with the session-start entry.
    pub start: Vec<u8>,
    pub chunks: Vec<Chunk>,
    /// The box with the end record.
    pub end: Vec<u8>,
    pub behind: Vec<u8>,
}

impl Pieces {
    pub fn read(path: &Path) -> Pieces {
        Pieces::parse(&fs::read(path).unwrap())
    }

    /// Cuts an untouched segment.
    pub fn parse(bytes: &[u8]) -> Pieces {
        let (mut seals, mut media, mut chunks) = (Vec::new(), Vec::new(), Vec::new());
        for found in boxes(bytes, 0).unwrap() {
            let whole = &bytes[found.content_offset - 8..found.content_offset + found.content.len()];
            let is_seal = found.content.starts_with(&RECORD_UUID);
            match (is_seal, seals.is_empty(), media.is_empty()) {
                (false, _, _) => media.extend_from_slice(whole),
                (true, true, _) => seals.push((std::mem::take(&mut media), whole.to_vec())),
                (true, false, false) => chunks.push(Chunk { media: std::mem::take(&mut media), seal: whole.to_vec() }),
                (true, false, true) => seals.push((Vec::new(), whole.to_vec())),
            }
        }
        let end = if seals.len() > 1 { seals.pop().unwrap().1 } else { Vec::new() };
        let (init, start) = seals.pop().unwrap();
        Pieces { init, start, chunks, end, behind: media }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = [self.init.as_slice(), &self.start].concat();
        self.chunks.iter().for_each(|chunk| bytes.extend([chunk.media.as_slice(), &chunk.seal].concat()));
        [bytes, self.end.clone(), self.behind.clone()].concat()
    }

    /// Where each chunk's record ends in the file.
    pub fn chunk_ends(&self) -> Vec<usize> {
        let mut at = self.init.len() + self.start.len();
        let ends = self.chunks.iter().map(|chunk| {
            at += chunk.media.len() + chunk.seal.len();
            at
        });
        ends.collect()
    }

    pub fn start_entry(&self) -> SignedEntry {
        open_entry(&self.start[RECORD_HEADER..], 0).unwrap()
    }
}

/// The record in a box.
pub fn record_in(seal: &[u8]) -> Record {
    Record::decode(&cose::open(&seal[RECORD_HEADER..]).unwrap().payload).unwrap()
}

/// The box with `record`, signed by `signer`.
pub fn sealed(record: &Record, signer: &dyn evidence::sign::Signer) -> Vec<u8> {
    record_box(&cose::seal(signer, evidence::cbor::encode(record).unwrap()).unwrap())
}
