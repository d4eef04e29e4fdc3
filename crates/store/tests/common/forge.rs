// SPDX-License-Identifier: MIT OR Apache-2.0
//! What someone with a signing key of their own, or with the key of a seized device, can make.

use super::files;
use super::pieces::{Pieces, record_in};
use evidence::Hash;
use evidence::chain::{Covered, SessionChain};
use evidence::entry::{Body, SessionEndBody, SessionStartBody};
use evidence::ledger::{LedgerHead, SignedEntry, open_sequence};
use evidence::mp4::record_box;
use evidence::record::RecordKind;
use evidence::sign::{Ed25519Signer, Signer};
use std::fs;
use std::path::Path;

/// Signs `body` as the entry that stands where `model` does.
pub fn entry_like(model: &SignedEntry, signer: &dyn Signer, body: Body) -> SignedEntry {
    let entry = &model.entry;
    let head = LedgerHead {
        next_seq: entry.seq,
        last: entry.prev,
        device: entry.device,
        key: signer.public_key(),
        signed_by: signer.public_key(),
    };
    head.sign(signer, entry.clock.clone(), body).unwrap()
}

/// The entry that would come next in a ledger, signed by `signer`.
pub fn next_entry(ledger: &[SignedEntry], signer: &dyn Signer, body: Body) -> SignedEntry {
    let last = &ledger.last().unwrap();
    let head = LedgerHead {
        next_seq: last.entry.seq + 1,
        last: last.hash,
        device: last.entry.device,
        key: signer.public_key(),
        signed_by: signer.public_key(),
    };
    head.sign(signer, last.entry.clock.clone(), body).unwrap()
}

pub fn session_start(entry: &SignedEntry) -> SessionStartBody {
    match &entry.entry.body {
        Body::SessionStart(body) => body.clone(),
        other => panic!("a {} entry", other.kind()),
    }
}

/// Puts a body into a signed entry, given the entry that it replaces.
pub type Sign<'a> = dyn FnMut(&SignedEntry, Body) -> SignedEntry + 'a;

/// Signs a whole session folder again: a new session key under a start made by `sign`, the photos, its first `chunks`
/// chunks, and an end that fits.
pub fn sign_session_again(folder: &Path, chunks: u64, sign: &mut Sign<'_>) {
    let old = open_sequence(&fs::read(folder.join("session.cbor")).unwrap()).0;
    let own = Ed25519Signer::generate().unwrap();
    let body = SessionStartBody { public: own.public_key(), ..session_start(&old[0]) };
    let start = sign(&old[0], Body::SessionStart(body.clone()));
    let mut chain = SessionChain::new(body.session, Box::new(own), start.hash);
    let mut copy = start.bytes.clone();
    for photo in &old[1..old.len() - 1] {
        let again = sign(photo, photo.entry.body.clone());
        let sidecar = files(&folder.join("photos"), "cose").pop().unwrap();
        fs::write(sidecar, &again.bytes).unwrap();
        copy.extend(again.bytes);
    }
    let segments = segments_again(folder, &start, &mut chain, chunks);
    let end = Body::SessionEnd(SessionEndBody {
        session: body.session,
        cause: "stop".into(),
        segments,
        chunks: chain.chunks(),
        records: chain.records(),
        last: chain.last(),
        pressed_boot_ns: None,
    });
    copy.extend(sign(old.last().unwrap(), end).bytes);
    fs::write(folder.join("session.cbor"), copy).unwrap();
}

fn segments_again(folder: &Path, start: &SignedEntry, chain: &mut SessionChain, chunks: u64) -> u32 {
    let mut segments = 0;
    for path in files(folder, "mp4") {
        match segment_again(&Pieces::read(&path), start, chain, segments + 1, chunks) {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        segments += u32::from(path.exists());
    }
    segments
}

/// A segment's first chunks under another start, signed by the key of `chain`; none if it has none of them.
pub fn segment_again(
    pieces: &Pieces,
    start: &SignedEntry,
    chain: &mut SessionChain,
    number: u32,
    chunks: u64,
) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut covered = [pieces.init.as_slice(), &record_box(&start.bytes)].concat();
    for chunk in &pieces.chunks {
        let record = record_in(&chunk.seal);
        if record.chunk >= chunks {
            break;
        }
        covered.extend_from_slice(&chunk.media);
        let (offset, length, media) = (bytes.len() as u64, covered.len() as u64, Hash::of(&covered));
        let content = Covered { offset, length, media, tracks: record.tracks, events: &record.events };
        assert_eq!(record.kind, RecordKind::Chunk);
        bytes.append(&mut covered);
        bytes.extend(chain.chunk(number, content, record.clock).unwrap().bytes);
    }
    if bytes.is_empty() {
        return None;
    }
    let end = chain.segment_end(number, bytes.len() as u64, &[], start.entry.clock.clone()).unwrap();
    bytes.extend(end.bytes);
    Some(bytes)
}
