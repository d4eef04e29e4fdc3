// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads the entries of `ledger.cbor` or `session.cbor`, and goes on behind what is none. Memory is bounded by the
//! entries that are rightly signed, whatever else the file holds.

use super::VerifyError;
use super::detail::Detail;
use super::find::open_regular;
use super::report::{Finding, Problem};
use crate::cbor::{CborError, MAX_ITEM_BYTES, first_item_length};
use crate::ledger::{SignedEntry, open_entry};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

const READ_BYTES: u64 = 1024 * 1024;

/// How many items that are no entries are looked at.
const MAX_STRANGE_ITEMS: usize = 1000;

/// What every envelope begins with, up to its key (`docs/format.md`, section 2).
const ENVELOPE_BEGINNING: [u8; 10] = [0xd2, 0x84, 0x58, 0x26, 0xa2, 0x01, 0x27, 0x04, 0x58, 0x20];

/// The items of a file in its order, and what is wrong with them as such.
#[derive(Default)]
pub(super) struct Sequence {
    /// The entries; `None` where an item is no entry that is rightly signed.
    pub(super) items: Vec<Option<SignedEntry>>,
    pub(super) findings: Vec<Finding>,
    /// What there is of an entry that the end of the file cuts off.
    pub(super) cut_off: Vec<u8>,
}

impl Sequence {
    pub(super) fn into_entries(self) -> impl Iterator<Item = SignedEntry> {
        self.items.into_iter().flatten()
    }

    fn take(&mut self, path: &Path, item: &[u8]) {
        let number = self.items.len() as u64;
        let opened = open_entry(item, number);
        let opened = opened.map_err(|error| {
            self.findings.push(Finding::new(
                Problem::Altered,
                path,
                Detail::EntryBroken { number, reason: error.to_string() },
            ))
        });
        self.items.push(opened.ok());
    }
}

/// Reads the file at `path`; `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<Sequence>, VerifyError> {
    let Some(file) = open_regular(path).map_err(VerifyError::read(path))? else { return Ok(None) };
    let mut window = Window { file, bytes: Vec::new(), at: 0, offset: 0 };
    let mut sequence = Sequence::default();
    loop {
        match window.next().map_err(VerifyError::read(path))? {
            Next::Item(item) => sequence.take(path, item),
            Next::Unreadable { offset, reason } => {
                sequence.findings.push(Finding::new(Problem::Altered, path, Detail::NoEntry { offset, reason }));
                break;
            }
            Next::CutOff { offset, bytes } => {
                sequence.findings.push(Finding::new(Problem::Unfinished, path, Detail::EntryCutOff { offset }));
                sequence.cut_off = bytes.to_vec();
                break;
            }
            Next::End => break,
        }
        if sequence.findings.len() >= MAX_STRANGE_ITEMS {
            sequence.findings.push(Finding::new(Problem::Altered, path, Detail::MoreNoEntries));
            break;
        }
    }
    Ok(Some(sequence))
}

/// The piece of the file that is in memory.
struct Window {
    file: File,
    bytes: Vec<u8>,
    at: usize,
    /// Where `at` is in the file.
    offset: u64,
}

impl Window {
    fn next(&mut self) -> io::Result<Next<'_>> {
        if self.bytes.len() - self.at < MAX_ITEM_BYTES {
            self.bytes.drain(..self.at);
            self.at = 0;
            Read::by_ref(&mut self.file).take(READ_BYTES).read_to_end(&mut self.bytes)?;
        }
        let rest = &self.bytes[self.at..];
        if rest.is_empty() {
            return Ok(Next::End);
        }
        let length = match first_item_length(rest) {
            Ok(length) => length,
            Err(error) => return Ok(describe(&error, &self.bytes[self.at..], self.offset)),
        };
        let item = self.at..self.at + length;
        self.at += length;
        self.offset += length as u64;
        Ok(Next::Item(&self.bytes[item]))
    }
}

enum Next<'a> {
    Item(&'a [u8]),
    /// The beginning of an envelope: what a power cut leaves.
    CutOff {
        offset: u64,
        bytes: &'a [u8],
    },
    /// Where an item begins cannot be told from here on.
    Unreadable {
        offset: u64,
        reason: String,
    },
    End,
}

/// An envelope that the end of the file cuts off is what a power cut leaves; anything else was put there.
fn describe<'a>(error: &CborError, rest: &'a [u8], offset: u64) -> Next<'a> {
    let beginning = ENVELOPE_BEGINNING.len().min(rest.len());
    let is_envelope = rest[..beginning] == ENVELOPE_BEGINNING[..beginning];
    match *error == CborError::CutOff && rest.len() < MAX_ITEM_BYTES && is_envelope {
        true => Next::CutOff { offset, bytes: rest },
        false => Next::Unreadable { offset, reason: error.to_string() },
    }
}
