// SPDX-License-Identifier: MIT OR Apache-2.0
//! Makes a large evidence folder of a device that lost power while it recorded, to measure how it starts:
//!
//! ```text
//! cargo run --release -p sealcam-store --example large -- DIR GIGABYTES
//! ```
//!
//! Everything goes through the real store: sessions of 2 GB at 4 Mbit/s, segments of 5 minutes, the last one all but full
//! when the power went. Pictures and sound are zeros, whose room is given back to the file system behind each segment: the
//! files have holes, but their length, hashes and signatures are those of a recording. DIR is best in memory; copy it with
//! `cp --archive --sparse=always`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../tests/common/mod.rs"]
mod common;

use common::clock::ScriptedClock;
use common::footage::{Footage, boxed};
use common::{Recording, open_place};
use evidence::SessionId;
use rustix::fs::{FallocateFlags, fallocate};
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::index::Index;
use store::{Place, SessionWriter};

const CHUNK_BYTES: u64 = 250_000;
const CHUNKS_A_SEGMENT: u64 = 600;
const CHUNKS_A_SESSION: u64 = 14 * CHUNKS_A_SEGMENT - 1;
const HEADERS: Footage = Footage { frame_bytes: 0, ..Footage::BOTH };

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, gigabytes] = arguments.as_slice() else { panic!("usage: large DIR GIGABYTES") };
    let folder = PathBuf::from(folder);
    let place = Place { evidence: folder.join("evidence"), state: folder.join("state") };
    assert!(!place.evidence.exists(), "{} has an evidence folder already", folder.display());
    let chunks = gigabytes.parse::<u64>().expect("a number of gigabytes") * 1_000_000_000 / CHUNK_BYTES;
    let sessions = chunks.div_ceil(CHUNKS_A_SESSION);
    let clock = Arc::<ScriptedClock>::default();
    let evidence = Arc::new(open_place(&place, &clock).expect("the folder can be made").0);
    for session in 1..=sessions {
        let plan = Recording::new(HEADERS, 0, CHUNKS_A_SEGMENT).plan(&clock);
        let mut writer = SessionWriter::begin(Arc::clone(&evidence), plan).unwrap();
        record(&mut writer, &clock, &place.evidence);
        // The power goes in the last one.
        if session < sessions {
            writer.finish("stop", None).unwrap();
            clock.advance_ms(60_000);
        }
    }
}

/// Records a whole session, and takes the room of each segment back as soon as the next one begins.
fn record(writer: &mut SessionWriter, clock: &ScriptedClock, folder: &Path) {
    let (init, zeros) = (HEADERS.init(), vec![0; usize::try_from(CHUNK_BYTES).unwrap()]);
    let mut media = Vec::new();
    for n in 0..CHUNKS_A_SESSION {
        clock.advance_ms(500);
        let mut fragment = HEADERS.fragment(n);
        // In place of the empty one.
        fragment.truncate(fragment.len() - 8);
        fragment.extend(boxed("mdat", &zeros));
        let record = writer.append(&init, fragment).unwrap().record;
        let end = record.offset + record.length;
        media.push(end - CHUNK_BYTES..end);
        if media.len() as u64 == CHUNKS_A_SEGMENT || n + 1 == CHUNKS_A_SESSION {
            make_holes(&segment(folder, writer.id(), record.segment), &media);
            media.clear();
        }
    }
}

fn segment(folder: &Path, session: SessionId, number: u32) -> PathBuf {
    let index = Index::open_read_only(folder).unwrap();
    let found = index.segments(session).unwrap().into_iter().find(|segment| segment.number == number).unwrap();
    let session = index.session(session).unwrap().unwrap();
    folder.join("sessions").join(session.folder).join(found.file)
}

fn make_holes(path: &Path, media: &[Range<u64>]) {
    let file = File::options().write(true).open(path).unwrap();
    for range in media {
        let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        fallocate(&file, hole, range.start, range.end - range.start).expect("the file system makes holes");
    }
}
