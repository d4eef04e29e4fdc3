// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a file made to harm the verifier, one that makes it panic, run out of memory or never end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use evidence::chain::{Covered, SessionChain};
use evidence::entry::{Body, SessionStartBody};
use evidence::history::KeyHistory;
use evidence::interruption::{InterruptionBody, InterruptionEndBody, Known};
use evidence::ledger::{LedgerHead, open_sequence, sign_first};
use evidence::mp4::{Fragment, Init, record_box};
use evidence::record::{Event, Medium, Record, RecordKind, Track};
use evidence::sign::{Ed25519Signer, Signer};
use evidence::time::{BootNs, Clock, UtcNs, UtcSource};
use evidence::verify::{Options, Overall, Report, scan_segment, verify};
use evidence::{BootId, Hash, InterruptionId, SessionId, cbor, cose};
use proptest::prelude::*;
use std::io::Cursor;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;

const SESSION: SessionId = SessionId([7; 16]);

fn clock() -> Clock {
    let (boot_id, source) = (BootId([1; 16]), UtcSource::Unsynchronised);
    Clock { boot_ns: BootNs(1), boot_id, utc_ns: UtcNs(2), source, error_ns: u64::MAX }
}

fn signer() -> Ed25519Signer {
    Ed25519Signer::generate().unwrap()
}

fn start(session_key: &Ed25519Signer) -> evidence::ledger::SignedEntry {
    let device = signer();
    let head = LedgerHead::first(&sign_first(&device, clock()).unwrap()).unwrap();
    let body = SessionStartBody {
        session: SESSION,
        public: session_key.public_key(),
        algorithm: session_key.algorithm(),
        folder: "f".into(),
        officer: String::new(),
        label: "x".into(),
        sources: Vec::new(),
        zero_boot_ns: BootNs(0),
        pressed_boot_ns: None,
        continues: None,
    };
    head.sign(&device, clock(), Body::SessionStart(body)).unwrap()
}

/// A small segment in good order: four bytes of box and a record, twice, and the end.
fn segment() -> Vec<u8> {
    let key = signer();
    let start = start(&key);
    let mut chain = SessionChain::new(SESSION, Box::new(key), start.hash);
    let (mut bytes, mut covered) = (Vec::new(), record_box(&start.bytes));
    for n in 0..2 {
        covered.extend(b"\0\0\0\x0cmdatnoise"[..12].iter());
        let content = Covered {
            offset: bytes.len() as u64,
            length: covered.len() as u64,
            media: Hash::of(&covered),
            tracks: vec![track(n, 1)],
            events: &[],
        };
        bytes.append(&mut covered);
        bytes.extend(chain.chunk(1, content, clock()).unwrap().bytes);
    }
    let end = chain.segment_end(1, bytes.len() as u64, &[], clock()).unwrap();
    [bytes, end.bytes].concat()
}

fn track(start: u64, duration: u64) -> Track {
    Track { id: 1, medium: Medium::Video, scale: 1, start, duration, samples: 1, lost: 0 }
}

fn report(path: &Path) -> Report {
    verify(path, &Options { history: None, jobs: NonZeroUsize::MIN, progress: &|_| () }).unwrap()
}

fn verdict(bytes: &[u8]) -> Overall {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.mp4");
    std::fs::write(&path, bytes).unwrap();
    report(&path).overall
}

/// Gives `bytes` to everything that reads bytes from outside.
fn read_as_everything(bytes: &[u8]) {
    let _ = scan_segment(Cursor::new(bytes), bytes.len() as u64, &mut |_| ());
    let _ = open_sequence(bytes);
    let _ = KeyHistory::decode(bytes);
    let _ = cose::open(bytes);
    let _ = cbor::decode_value(bytes);
    let _ = cbor::first_item_length(bytes);
    let _ = Record::decode(bytes);
    if let Ok(init) = Init::parse(bytes) {
        let _ = Fragment::parse(bytes, &init);
    }
}

fn ledger() -> Vec<u8> {
    let shutdown = Body::Shutdown(evidence::entry::ShutdownBody { reason: "requested".into() });
    let start = start(&signer()).entry.body;
    ledger_of([start, interruption(1, 1), interruption(2, u64::MAX), shutdown])
}

/// The bytes of a ledger of its own with these entries.
fn ledger_of(bodies: impl IntoIterator<Item = Body>) -> Vec<u8> {
    let device = signer();
    let first = sign_first(&device, clock()).unwrap();
    let mut head = LedgerHead::first(&first).unwrap();
    let mut bytes = first.bytes;
    for body in bodies {
        let entry = head.sign(&device, clock(), body).unwrap();
        head.accept(&entry).unwrap();
        bytes.extend(entry.bytes);
    }
    bytes
}

/// One that begins at a boot time.
fn interruption(id: u8, boot_ns: u64) -> Body {
    Body::Interruption(InterruptionBody {
        id: InterruptionId([id; 16]),
        session: SESSION,
        cause: "camera".into(),
        known: Known::Device,
        media: vec![Medium::Video, Medium::Audio],
        from: Clock { boot_ns: BootNs(boot_ns), ..clock() },
        detail: "x".repeat(1000),
    })
}

fn interruption_end(id: u8, boot_ns: u64) -> Body {
    let to = Clock { boot_ns: BootNs(boot_ns), utc_ns: UtcNs(i64::MIN), ..clock() };
    Body::InterruptionEnd(InterruptionEndBody { id: InterruptionId([id; 16]), session: SESSION, to })
}

#[test]
fn the_segment_is_good_before_it_is_spoilt() {
    assert_eq!(verdict(&segment()), Overall::Intact);
    assert!(open_sequence(&ledger()).1.is_none());
}

/// What is done to good bytes: overwrite, cut out, put in, cut off.
fn spoil(bytes: &mut Vec<u8>, changes: &[(u8, prop::sample::Index, Vec<u8>)]) {
    for (kind, at, noise) in changes {
        let at = at.index(bytes.len() + 1);
        let end = (at + noise.len()).min(bytes.len());
        match kind % 4 {
            0 => bytes[at..end].copy_from_slice(&noise[..end - at]),
            1 => drop(bytes.drain(at..end)),
            2 => drop(bytes.splice(at..at, noise.iter().copied())),
            _ => bytes.truncate(at),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise_is_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        read_as_everything(&bytes);
    }

    #[test]
    fn spoilt_evidence_is_read_without_harm(
        which in 0..3_u8,
        changes in prop::collection::vec((any::<u8>(), any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 1..40)), 1..6),
    ) {
        let untouched = match which { 0 => segment(), 1 => ledger(), _ => cbor::encode(&track(1, 2)).unwrap() };
        let mut bytes = untouched.clone();
        spoil(&mut bytes, &changes);
        read_as_everything(&bytes);
        if which == 0 && bytes != untouched {
            prop_assert!(verdict(&bytes) > Overall::IntactWithGaps);
        }
    }
}

/// Sizes and counts far beyond what is there.
fn claims() -> Vec<Vec<u8>> {
    let huge = (1_u64 << 60).to_be_bytes();
    let box64 = |name: &[u8]| [b"\0\0\0\x01".as_slice(), name, &huge, &[0; 64]].concat();
    let cbor = |head: u8| [&[head], huge.as_slice(), &[0; 64]].concat();
    let mut all: Vec<_> = [b"mdat", b"moof", b"uuid", b"moov"].into_iter().map(|name| box64(name)).collect();
    all.extend([0x5b, 0x7b, 0x9b, 0xbb, 0xdb].map(cbor));
    all.extend([vec![0x81; 60_000], vec![0xa1; 60_000], vec![0xd2; 60_000], vec![0x5f; 60_000]]);
    all.push([&[0xd2, 0x84, 0x5b], huge.as_slice(), &[0; 64]].concat());
    all.push([segment(), box64(b"mdat")].concat());
    all.push([box64(b"mdat"), segment()].concat());
    all
}

#[test]
fn claimed_lengths_and_depths_cost_nothing() {
    for bytes in claims() {
        read_as_everything(&bytes);
        assert_ne!(verdict(&bytes), Overall::Intact);
    }
}

#[test]
fn claimed_lengths_cost_nothing_where_memory_is_short() {
    let program = std::env::current_exe().unwrap();
    let script = "ulimit -v 600000 && exec \"$0\" --exact claimed_lengths_and_depths_cost_nothing";
    let done = Command::new("sh").args(["-c", script]).arg(program).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
}

/// Records that are rightly signed, by a key that the file itself introduces, and claim the largest numbers there are.
fn boastful(seq: u64, chunk: u64, kind: RecordKind) -> Vec<u8> {
    let key = signer();
    let start = start(&key);
    let mut bytes = record_box(&start.bytes);
    for (n, seq) in [seq, u64::MAX].into_iter().enumerate() {
        let media = if n == 0 { Hash::of(&bytes) } else { Hash::of(&[]) };
        let greatest = Track { start: u64::MAX, duration: u64::MAX, samples: u64::MAX, lost: u64::MAX, ..track(0, 0) };
        let least = Track { medium: Medium::Audio, ..track(0, 0) };
        let event = Event { event: "source-failed".into(), medium: None, detail: "x".repeat(1000) };
        let record = Record {
            v: 1,
            kind,
            session: SESSION,
            seq,
            segment: u32::MAX,
            chunk,
            prev: start.hash,
            offset: if n == 0 { 0 } else { u64::MAX },
            length: if n == 0 { bytes.len() as u64 } else { 0 },
            digest: "sha-256".into(),
            media,
            tracks: vec![greatest.clone(), least, greatest],
            clock: clock(),
            events: vec![event; 3],
        };
        bytes.extend(record_box(&cose::seal(&key, cbor::encode(&record).unwrap()).unwrap()));
    }
    [bytes, start.bytes].concat()
}

#[test]
fn the_largest_numbers_are_no_harm() {
    for seq in [0, 1, u64::MAX - 1, u64::MAX] {
        for kind in [RecordKind::Chunk, RecordKind::SegmentEnd] {
            let folder = tempfile::tempdir().unwrap();
            let bytes = boastful(seq, u64::MAX, kind);
            std::fs::write(folder.path().join("1.mp4"), &bytes).unwrap();
            std::fs::write(folder.path().join("2.mp4"), boastful(0, u64::MAX, kind)).unwrap();
            assert!(report(&folder.path().join("1.mp4")).overall > Overall::IntactWithGaps);
            assert!(report(folder.path()).overall > Overall::IntactWithGaps);
        }
    }
}

#[test]
fn interruptions_at_the_ends_of_time_are_no_harm() {
    let key = signer();
    let bytes = boastful(0, 0, RecordKind::Chunk);
    for zero in [0, u64::MAX] {
        let Body::SessionStart(body) = start(&key).entry.body else { panic!("no start") };
        let begun = Body::SessionStart(SessionStartBody { zero_boot_ns: BootNs(zero), ..body });
        let all = [
            begun,
            interruption(1, 0),
            interruption(2, u64::MAX),
            interruption_end(2, 0),
            interruption_end(1, u64::MAX),
        ];
        let folder = tempfile::tempdir().unwrap();
        let session = folder.path().join("sessions/f");
        std::fs::create_dir_all(&session).unwrap();
        std::fs::write(folder.path().join("ledger.cbor"), ledger_of(all)).unwrap();
        std::fs::write(session.join("1.mp4"), &bytes).unwrap();
        let report = report(folder.path());
        assert!(report.overall > Overall::IntactWithGaps && report.gaps.len() >= 4, "{report:?}");
    }
}

#[test]
fn a_file_full_of_false_record_boxes_ends_in_time() {
    let mut one = vec![0xff; 8];
    one.extend(record_box(&[0xf6; 1]));
    let bytes: Vec<u8> = one.iter().copied().cycle().take(one.len() * 20_000).collect();
    let began = std::time::Instant::now();
    assert_eq!(verdict(&bytes), Overall::Tampered);
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}
