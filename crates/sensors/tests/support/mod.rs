// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the tests of this crate share.

// Each test file uses its own part of this, and may fail anywhere.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use sensors::gnss::{Counts, Date, Epoch, Parser};

pub(crate) const SECOND_NS: u64 = 1_000_000_000;

pub(crate) fn reference() -> Date {
    Date::new(2026, 1, 1).unwrap()
}

/// One of the logs.
pub(crate) fn log(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/logs").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All that comes of a stream at the end of which the line is gone.
pub(crate) fn parse(bytes: &[u8]) -> (Vec<Epoch>, Counts) {
    parse_pieces([bytes])
}

/// The same, of a stream that comes in pieces.
pub(crate) fn parse_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Epoch>, Counts) {
    let (mut parser, mut epochs) = (Parser::new(reference()), Vec::new());
    for piece in pieces {
        parser.push(piece, |epoch| epochs.push(epoch));
    }
    parser.cut(|epoch| epochs.push(epoch));
    (epochs, *parser.counts())
}

/// A sentence with its checksum.
pub(crate) fn line(text: &str) -> Vec<u8> {
    let sum = text.bytes().fold(0, |sum, byte| sum ^ byte);
    format!("${text}*{sum:02X}\r\n").into_bytes()
}
