// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads the entries of `ledger.cbor` or `session.cbor`, and goes on behind what is none. Memory is bounded by the
//! different entries that are rightly signed, whatever else the file holds.

use super::VerifyError;
use super::detail::Detail;
use super::find::open_regular;
use super::report::{Finding, Problem};
use crate::Hash;
use crate::cbor::MAX_ITEM_BYTES;
use crate::cose::BEGINNING;
use crate::ledger::{SignedEntry, open_entry};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Take};
use std::path::Path;

const READ_BYTES: u64 = 1024 * 1024;

/// How many items that are no entries are looked at.
const MAX_STRANGE_ITEMS: usize = 1000;

const KEY_BYTES: usize = 32;
const EMPTY_MAP: u8 = 0xa0;
const SIGNATURE_HEAD: [u8; 2] = [0x58, 0x40];
const SIGNATURE_BYTES: usize = 64;

/// The items of a file in its order, and what is wrong with them as such.
#[derive(Default)]
pub(super) struct Sequence {
    /// The entries; `None` where an item is no entry that is rightly signed.
    pub(super) items: Vec<Option<SignedEntry>>,
    pub(super) findings: Vec<Finding>,
    /// What there is of an entry that the end of the file cuts off.
    pub(super) cut_off: Vec<u8>,
    /// Of the entries.
    hashes: BTreeSet<Hash>,
    /// How long the file was when it was read.
    pub(super) length: u64,
}

impl Sequence {
    pub(super) fn into_entries(self) -> impl Iterator<Item = SignedEntry> {
        self.items.into_iter().flatten()
    }

    fn take(&mut self, path: &Path, item: &[u8]) {
        let number = self.items.len() as u64;
        let opened = match open_entry(item, number) {
            Ok(entry) if self.hashes.insert(entry.hash) => Ok(entry),
            Ok(_) => Err(Detail::EntryRepeated { number }),
            Err(error) => Err(Detail::EntryBroken { number, reason: error.to_string() }),
        };
        let opened = opened.map_err(|detail| self.findings.push(Finding::new(Problem::Altered, path, detail)));
        self.items.push(opened.ok());
    }
}

/// Reads the file at `path`; `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<Sequence>, VerifyError> {
    let Some(file) = open_regular(path).map_err(VerifyError::read(path))? else { return Ok(None) };
    // Not everything that the kernel calls a regular file has an end.
    let end = file.metadata().map_err(VerifyError::read(path))?.len();
    let mut window = Window { file: file.take(end), bytes: Vec::new(), at: 0, offset: 0 };
    let mut sequence = Sequence { length: end, ..Sequence::default() };
    while sequence.findings.len() < MAX_STRANGE_ITEMS {
        match window.next().map_err(VerifyError::read(path))? {
            Next::Item(item) => sequence.take(path, item),
            Next::Other { offset, length } => {
                sequence.findings.push(Finding::new(Problem::Altered, path, Detail::NoEntry { offset, length }));
                sequence.items.push(None);
            }
            Next::CutOff { offset, bytes } => {
                sequence.findings.push(Finding::new(Problem::Unfinished, path, Detail::EntryCutOff { offset }));
                sequence.cut_off = bytes;
                return Ok(Some(sequence));
            }
            Next::End => return Ok(Some(sequence)),
        }
    }
    sequence.findings.push(Finding::new(Problem::Altered, path, Detail::MoreNoEntries));
    Ok(Some(sequence))
}

enum Next<'a> {
    Item(&'a [u8]),
    /// Bytes that are no envelope, up to the next one or the end of the file.
    Other {
        offset: u64,
        length: u64,
    },
    /// What a power cut leaves: an envelope that the end of the file cuts off, or (without bytes) only zeros.
    CutOff {
        offset: u64,
        bytes: Vec<u8>,
    },
    End,
}

/// The piece of the file that is in memory.
struct Window {
    file: Take<File>,
    bytes: Vec<u8>,
    at: usize,
    /// Where `at` is in the file.
    offset: u64,
}

impl Window {
    fn next(&mut self) -> io::Result<Next<'_>> {
        self.fill()?;
        match Frame::of(&self.bytes[self.at..]) {
            _ if self.at == self.bytes.len() => Ok(Next::End),
            Frame::Whole(length) => {
                let from = self.at;
                self.advance(length);
                Ok(Next::Item(&self.bytes[from..self.at]))
            }
            Frame::CutOff => self.skip(true),
            Frame::Other => self.skip(false),
        }
    }

    /// Sees to it that a longest envelope is in memory, or the end of the file.
    fn fill(&mut self) -> io::Result<()> {
        if self.bytes.len() - self.at < MAX_ITEM_BYTES {
            self.bytes.drain(..self.at);
            self.at = 0;
            Read::by_ref(&mut self.file).take(READ_BYTES).read_to_end(&mut self.bytes)?;
        }
        Ok(())
    }

    fn advance(&mut self, bytes: usize) {
        self.at += bytes;
        self.offset += bytes as u64;
    }

    /// Goes to the next place behind this one that looks like the beginning of an envelope.
    fn skip(&mut self, looks_cut_off: bool) -> io::Result<Next<'_>> {
        let offset = self.offset;
        let rest = if looks_cut_off { self.bytes[self.at..].to_vec() } else { Vec::new() };
        let mut only_zeros = true;
        loop {
            self.fill()?;
            let ahead = &self.bytes[self.at..];
            let from = usize::from(self.offset == offset);
            let found = ahead[from..].windows(BEGINNING.len()).position(|bytes| bytes == BEGINNING);
            if let Some(found) = found {
                self.advance(from + found);
                return Ok(Next::Other { offset, length: self.offset - offset });
            }
            let is_end = ahead.len() < MAX_ITEM_BYTES;
            let passed = if is_end { ahead.len() } else { ahead.len() + 1 - BEGINNING.len() };
            only_zeros &= ahead[..passed].iter().all(|byte| *byte == 0);
            self.advance(passed);
            if is_end {
                return Ok(match looks_cut_off || only_zeros {
                    true => Next::CutOff { offset, bytes: rest },
                    false => Next::Other { offset, length: self.offset - offset },
                });
            }
        }
    }
}

/// What the bytes of an envelope show without being decoded (`docs/format.md`, section 2).
enum Frame {
    /// An envelope of this length, by its beginning, its payload's length and the head of its signature.
    Whole(usize),
    /// All there is fits the beginning of an envelope.
    CutOff,
    Other,
}

impl Frame {
    fn of(bytes: &[u8]) -> Frame {
        let beginning = BEGINNING.len().min(bytes.len());
        if bytes[..beginning] != BEGINNING[..beginning] {
            return Frame::Other;
        }
        let head = BEGINNING.len() + KEY_BYTES;
        if bytes.get(head).is_some_and(|unprotected| *unprotected != EMPTY_MAP) {
            return Frame::Other;
        }
        let Some(rest) = bytes.get(head + 1..).filter(|rest| !rest.is_empty()) else { return Frame::CutOff };
        let Some((payload, found)) = string_head(rest) else { return Frame::Other };
        let signature = head + 1 + found + payload;
        let length = signature + SIGNATURE_HEAD.len() + SIGNATURE_BYTES;
        let ends = bytes.get(signature..).unwrap_or_default();
        let shown = ends.len().min(SIGNATURE_HEAD.len());
        match () {
            () if length > MAX_ITEM_BYTES || ends[..shown] != SIGNATURE_HEAD[..shown] => Frame::Other,
            () if bytes.len() < length => Frame::CutOff,
            () => Frame::Whole(length),
        }
    }
}

/// Length of the byte string that `bytes` begin, and of the head that says so; at least that long, where the head is
/// cut off.
fn string_head(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut head = [0; 5];
    let there = bytes.len().min(head.len());
    head[..there].copy_from_slice(&bytes[..there]);
    let [first, a, b, c, d] = head;
    match first {
        0x40..=0x57 => Some((usize::from(first - 0x40), 1)),
        0x58 => Some((usize::from(a), 2)),
        0x59 => Some((usize::from(u16::from_be_bytes([a, b])), 3)),
        0x5a => Some((usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?, 5)),
        _ => None,
    }
}
