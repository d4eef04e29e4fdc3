// SPDX-License-Identifier: MIT OR Apache-2.0
//! The worked example in `docs/format.md` must be what this code reads and writes: somebody writes a verifier from that
//! page. A format that drifted away from its page shows here as an envelope that does not open.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use evidence::cose;
use evidence::entry::{Body, Entry};
use evidence::record::Record;

const PAGE: &str = include_str!("../../../docs/format.md");

/// The hex blocks of the example, each with the hash that the page gives for it.
fn examples() -> Vec<(String, Vec<u8>)> {
    let example = PAGE.split("## 9. Worked example").nth(1).unwrap();
    let parts = example.split("bytes, hash `").skip(1);
    let read = |part: &str| {
        let hash = part.split('`').next().unwrap().to_owned();
        let hex: String = part.split("```").nth(1).unwrap().split_whitespace().collect();
        (hash, hex::decode(hex).unwrap())
    };
    parts.map(read).collect()
}

#[test]
fn the_worked_example_opens_and_is_linked() {
    let examples = examples();
    assert_eq!(examples.len(), 3);
    let opened: Vec<_> = examples.iter().map(|(_, bytes)| cose::open(bytes).unwrap()).collect();
    for ((hash, _), envelope) in examples.iter().zip(&opened) {
        assert_eq!(*hash, envelope.hash.to_string());
    }
    let first = Entry::decode(&opened[0].payload).unwrap();
    let Body::Key(key) = &first.body else { panic!("{first:?}") };
    assert_eq!((key.public, first.device), (opened[0].key, opened[0].key.identity()));
    let start = Entry::decode(&opened[1].payload).unwrap();
    let Body::SessionStart(start) = start.body else { panic!("{start:?}") };
    let record = Record::decode(&opened[2].payload).unwrap();
    assert_eq!((record.prev, record.session, opened[2].key), (opened[1].hash, start.session, start.public));
}

#[test]
fn the_page_has_the_box_type_that_the_code_has() {
    let uuid = hex::encode(evidence::mp4::RECORD_UUID);
    assert!(PAGE.replace('-', "").contains(&uuid));
}
