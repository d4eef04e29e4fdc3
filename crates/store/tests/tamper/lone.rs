// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a change within one segment file that its verdict letters do not show, or show elsewhere. The
//! subject is the middle one of three segments, with four chunks; it is judged alone and in its session.

use crate::common::footage::boxed;
use crate::common::pieces::{Pieces, record_in, sealed};
use crate::common::{files, verdict};
use crate::stage::{Stage, UNTOUCHED, other_devices_segment};
use evidence::sign::Ed25519Signer;
use std::fs;

type Operation = fn(&mut Pieces, &Stage);

/// What is done · the letters of the file alone · its verdict alone · the verdict on the session it lies in.
#[rustfmt::skip]
const CASES: &[(&str, Operation, &str, &str, &str)] = &[
    ("nothing",                           |_, _| (),                                                "....",   "intact",     "intact"),
    ("drop the second chunk",             |p, _| drop(p.chunks.remove(1)),                          ".M..",   "tampered",   "tampered"),
    ("drop two chunks",                   |p, _| drop(p.chunks.drain(1..3)),                        ".MM.",   "tampered",   "tampered"),
    ("drop the last chunk",               |p, _| drop(p.chunks.pop()),                              "...M",   "tampered",   "tampered"),
    ("drop the first chunk",              |p, _| drop(p.chunks.remove(0)),                          "MA..",   "tampered",   "tampered"),
    ("drop every chunk",                  |p, _| p.chunks.clear(),                                  "MA",     "tampered",   "tampered"),
    ("drop the end record",               |p, _| p.end.clear(),                                     "....",   "incomplete", "incomplete"),
    ("drop the last chunk and the end",   |p, _| { p.chunks.pop(); p.end.clear() },                 "...",    "incomplete", "incomplete"),
    ("drop a record, keep its media",     |p, _| p.chunks[1].seal.clear(),                          ".MA.",  "tampered",   "tampered"),
    ("drop media, keep their record",     |p, _| p.chunks[1].media.clear(),                         ".A..",   "tampered",   "tampered"),
    ("swap two chunks",                   |p, _| p.chunks.swap(1, 2),                               ".M.P.",  "tampered",   "tampered"),
    ("swap first and last chunk",         |p, _| p.chunks.swap(0, 3),                               "MAPPP",  "tampered",   "tampered"),
    ("swap the media of two chunks",      |p, _| swap_media(p),                                     ".AA.",   "tampered",   "tampered"),
    ("swap the records of two chunks",    |p, _| swap_seals(p),                                     ".MAP.",  "tampered",   "tampered"),
    ("repeat a chunk",                    |p, _| p.chunks.insert(2, p.chunks[1].clone()),           "..P..",  "tampered",   "tampered"),
    ("repeat a chunk at the end",         |p, _| p.chunks.push(p.chunks[1].clone()),                "....P",  "tampered",   "tampered"),
    ("repeat a chunk behind the end",     |p, _| p.behind = chunk_bytes(p, 3),                      "....P",  "tampered",   "tampered"),
    ("repeat the end",                    |p, _| p.behind = p.end.clone(),                          "....P",  "tampered",   "tampered"),
    ("the end in front of the last chunk", |p, _| end_early(p),                                     "...MP",  "tampered",   "tampered"),
    ("alter only moof",                   |p, _| flip_in(&mut p.chunks[1].media, b"tfdt", 12),      ".A..",   "tampered",   "tampered"),
    ("alter only mdat",                   |p, _| flip_in(&mut p.chunks[2].media, b"mdat", 40),      "..A.",   "tampered",   "tampered"),
    ("alter the last byte of mdat",       |p, _| flip_last(&mut p.chunks[3].media),                 "...A",   "tampered",   "tampered"),
    ("alter the name of mdat",            |p, _| flip_in(&mut p.chunks[2].media, b"mdat", 0),       "..A.",   "tampered",   "tampered"),
    ("make moof longer than the file",    |p, _| flip_in(&mut p.chunks[1].media, b"moof", -4),      ".A..",   "tampered",   "tampered"),
    ("alter a signature",                 |p, _| flip_last(&mut p.chunks[1].seal),                  ".F..",   "tampered",   "tampered"),
    ("alter a payload",                   |p, _| flip_at(&mut p.chunks[1].seal, 120),               ".F..",   "tampered",   "tampered"),
    ("alter the last payload",            |p, _| flip_at(&mut p.chunks[3].seal, 120),               "...F",   "tampered",   "tampered"),
    ("alter the end record",              |p, _| flip_last(&mut p.end),                             "....F",  "incomplete", "tampered"),
    ("alter the last chunk, drop the end", |p, _| { flip_last(&mut p.chunks[3].media); p.end.clear() }, "...A", "incomplete", "tampered"),
    ("alter the third chunk, drop the end", |p, _| { flip_last(&mut p.chunks[2].media); p.end.clear() }, "..A.", "tampered", "tampered"),
    ("alter the type of a record's box",  |p, _| flip_at(&mut p.chunks[1].seal, 10),                ".MA.",   "tampered",   "tampered"),
    ("a record of nothing",               |p, _| p.chunks[1].seal.truncate(24),                     ".FA.",  "tampered",   "tampered"),
    ("a free box between chunks",         |p, _| put_in_front(&mut p.chunks[2].media, free()),      "..A.",   "tampered",   "tampered"),
    ("a free box in front of a record",   |p, _| p.chunks[1].media.extend(free()),                  ".A..",   "tampered",   "tampered"),
    ("a free box in front of the end",    |p, _| put_in_front(&mut p.end, free()),                  "....A",  "tampered",   "tampered"),
    ("a free box behind the end",         |p, _| p.behind = free(),                                 "....",   "tampered",   "tampered"),
    ("a byte behind the end",             |p, _| p.behind = vec![0],                                "....",   "tampered",   "tampered"),
    ("a free box in front",               |p, _| put_in_front(&mut p.init, free()),                 "A...",   "tampered",   "tampered"),
    ("a byte in front",                   |p, _| put_in_front(&mut p.init, vec![7]),                "A...",   "tampered",   "tampered"),
    ("64 bytes of noise in front",        |p, _| put_in_front(&mut p.init, vec![0xa5; 64]),         "A...",   "tampered",   "tampered"),
    ("alter ftyp",                        |p, _| flip_at(&mut p.init, 9),                           "A...",   "tampered",   "tampered"),
    ("alter moov",                        |p, _| flip_in(&mut p.init, b"mdhd", 16),                 "A...",   "tampered",   "tampered"),
    ("alter the session start",           |p, _| flip_at(&mut p.start, 150),                        "FFFFFF", "tampered",   "tampered"),
    ("drop the session start",            |p, _| p.start.clear(),                                   "FFFFF",  "tampered",   "tampered"),
    ("repeat the session start",          |p, _| p.start.extend(p.start.clone()),                   "FA...",  "tampered",   "tampered"),
    ("another session's start",           |p, s| p.start = second(s).start,                         "FFFFF",  "tampered",   "tampered"),
    ("a stranger's session start",        |p, _| p.start = other_devices_segment().start,           "FFFFF",  "tampered",   "tampered"),
    ("a chunk of another session",        |p, s| p.chunks[1] = second(s).chunks[1].clone(),         ".F..",   "tampered",   "tampered"),
    ("a chunk of another device",         |p, _| p.chunks[1] = other_devices_segment().chunks[1].clone(), ".F..",  "tampered", "tampered"),
    ("a chunk of another segment",        |p, s| p.chunks[1] = first(s).chunks[1].clone(),          ".PM..",  "tampered",   "tampered"),
    ("a chunk of another segment more",   |p, s| p.chunks.insert(1, first(s).chunks[1].clone()),    ".P...",  "tampered",   "tampered"),
    ("another segment's end",             |p, s| p.end = first(s).end,                              "....P",  "tampered",   "tampered"),
    ("sign a record with another key",    |p, _| sign_again(p, 1, |_| ()),                          ".F..",   "tampered",   "tampered"),
    ("claim another time, signed so",     |p, _| sign_again(p, 1, |r| r.clock.utc_ns.0 -= 1),       ".F..",   "tampered",   "tampered"),
    ("cut behind the second chunk",       |p, _| { p.chunks.truncate(2); p.end.clear() },           "..",     "incomplete", "incomplete"),
    ("cut within the third chunk",        |p, _| cut_within(p),                                     "..",     "incomplete", "tampered"),
];

#[test]
fn every_change_shows_at_its_place() {
    let mut wrong = Vec::new();
    for (name, operation, letters, alone, in_session) in CASES {
        let stage = Stage::new();
        let path = stage.segment(1);
        let mut pieces = Pieces::read(&path);
        operation(&mut pieces, &stage);
        fs::write(&path, pieces.bytes()).unwrap();
        let lone = verdict::report(&path, Some(&UNTOUCHED.history));
        let session = verdict::overall(&stage.session_report());
        let got = format!("{} {} {session}", verdict::letters(&lone), verdict::overall(&lone));
        if got != format!("{letters} {alone} {in_session}") {
            wrong.push(format!("{name}: {got}, not {letters} {alone} {in_session}"));
        }
        let folder = stage.evidence_line(None);
        assert!(folder.contains(&format!("| {in_session} |")), "{name}: in the evidence folder {folder}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_segment_cut_anywhere_is_incomplete_and_never_called_intact_or_tampered() {
    let stage = Stage::new();
    let path = stage.segment(1);
    let bytes = fs::read(&path).unwrap();
    for length in (0..bytes.len()).step_by(3) {
        fs::write(&path, &bytes[..length]).unwrap();
        let overall = verdict::overall(&verdict::report(&path, None));
        assert!(["incomplete", "unverifiable"].contains(&overall), "cut to {length} bytes: {overall}");
    }
}

#[test]
fn a_finding_names_file_chunk_and_time() {
    let stage = Stage::new();
    let path = stage.segment(1);
    let mut pieces = Pieces::read(&path);
    flip_last(&mut pieces.chunks[2].media);
    fs::write(&path, pieces.bytes()).unwrap();
    let report = verdict::report(&stage.evidence, None);
    let [finding] = report.findings.as_slice() else { panic!("{:?}", report.findings) };
    assert_eq!((&finding.path, finding.chunk), (&path, Some(6)));
    assert_eq!(finding.from_ns.unwrap() / 100_000_000, 30);
    assert_eq!(finding.to_ns.unwrap() / 100_000_000, 35);
}

fn first(stage: &Stage) -> Pieces {
    Pieces::read(&stage.segment(0))
}

fn second(stage: &Stage) -> Pieces {
    Pieces::read(&files(&stage.second_session(), "mp4")[0])
}

fn free() -> Vec<u8> {
    boxed("free", b"nothing to see here")
}

fn put_in_front(bytes: &mut Vec<u8>, front: Vec<u8>) {
    bytes.splice(0..0, front);
}

fn swap_media(pieces: &mut Pieces) {
    let media = pieces.chunks[1].media.clone();
    pieces.chunks[1].media = std::mem::replace(&mut pieces.chunks[2].media, media);
}

fn swap_seals(pieces: &mut Pieces) {
    let seal = pieces.chunks[1].seal.clone();
    pieces.chunks[1].seal = std::mem::replace(&mut pieces.chunks[2].seal, seal);
}

fn chunk_bytes(pieces: &Pieces, n: usize) -> Vec<u8> {
    [pieces.chunks[n].media.as_slice(), &pieces.chunks[n].seal].concat()
}

fn end_early(pieces: &mut Pieces) {
    pieces.behind = chunk_bytes(pieces, 3);
    pieces.chunks.pop();
}

fn cut_within(pieces: &mut Pieces) {
    pieces.chunks.truncate(3);
    pieces.chunks[2].seal.truncate(100);
    pieces.end.clear();
}

fn flip_at(bytes: &mut [u8], at: usize) {
    bytes[at] ^= 0x10;
}

fn flip_last(bytes: &mut [u8]) {
    flip_at(bytes, bytes.len() - 1);
}

/// Flips the byte that stands `distance` from where the box called `name` has its name.
fn flip_in(bytes: &mut [u8], name: &[u8], distance: isize) {
    let at = bytes.windows(4).position(|window| window == name).unwrap();
    flip_at(bytes, at.checked_add_signed(distance).unwrap());
}

fn sign_again(pieces: &mut Pieces, n: usize, change: impl FnOnce(&mut evidence::record::Record)) {
    let mut record = record_in(&pieces.chunks[n].seal);
    change(&mut record);
    pieces.chunks[n].seal = sealed(&record, &Ed25519Signer::generate().unwrap());
}
