// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: someone who signs anew (with a key of their own, or with the key found in a seized device) is
//! believed. Whoever has the device has its present key, and no earlier one.

use crate::common::forge::{entry_like, next_entry, segment_again, session_start, sign_session_again};
use crate::common::pieces::Pieces;
use crate::common::{entries, verdict};
use crate::stage::{Stage, UNTOUCHED, seized_key};
use evidence::chain::SessionChain;
use evidence::entry::{Body, SessionEndBody, SessionStartBody};
use evidence::ledger::SignedEntry;
use evidence::sign::{Ed25519Signer, Signer};
use evidence::verify::Detail;
use std::fs;

fn append_to_ledger(stage: &Stage, signer: &dyn Signer, body: Body) -> SignedEntry {
    let entry = next_entry(&entries(&stage.evidence), signer, body);
    let bytes = [fs::read(stage.ledger()).unwrap(), entry.bytes.clone()].concat();
    fs::write(stage.ledger(), bytes).unwrap();
    entry
}

fn own_key() -> Ed25519Signer {
    Ed25519Signer::generate().unwrap()
}

#[test]
fn a_session_signed_anew_agrees_with_itself_and_is_not_trusted() {
    for signer in [own_key(), seized_key()] {
        let stage = Stage::new();
        sign_session_again(&stage.session, u64::MAX, &mut |model, body| entry_like(model, &signer, body));
        for path in [&stage.session, &stage.segment(1)] {
            let report = verdict::report(path, Some(&UNTOUCHED.history));
            assert_eq!((verdict::overall(&report), verdict::trust(&report)), ("intact", "untrusted"));
            assert_eq!(verdict::trust(&verdict::report(path, None)), "unchecked");
        }
        assert_eq!(stage.evidence_line(Some(&UNTOUCHED.history)), ".... .... .. | tampered | trusted");
        assert_eq!(stage.evidence_line(None), ".... .... .. | tampered | unchecked");
    }
}

#[test]
fn a_session_end_that_counts_fewer_records_is_forged_or_altered() {
    for signer in [own_key(), seized_key()] {
        let stage = Stage::new();
        let old = evidence::ledger::open_sequence(&fs::read(stage.session_file()).unwrap()).0;
        fs::remove_file(stage.segment(2)).unwrap();
        let end = entry_like(&old[2], &signer, Body::SessionEnd(end_behind(&stage, 1)));
        fs::write(stage.session_file(), [old[0].bytes.clone(), old[1].bytes.clone(), end.bytes].concat()).unwrap();
        let report = stage.session_report();
        assert_eq!((verdict::overall(&report), verdict::trust(&report)), ("tampered", "untrusted"));
        assert_eq!(stage.evidence_line(Some(&UNTOUCHED.history)), ".... .... | tampered | trusted");
    }
}

/// An end that fits the segments up to `segment`, from 0.
fn end_behind(stage: &Stage, segment: usize) -> SessionEndBody {
    let pieces = crate::common::pieces::Pieces::read(&stage.segment(segment));
    let last = crate::common::pieces::record_in(&pieces.end);
    SessionEndBody {
        session: last.session,
        cause: "stop".into(),
        segments: last.segment,
        chunks: last.chunk,
        records: last.seq + 1,
        last: evidence::Hash::of(&pieces.end[24..]),
        pressed_boot_ns: None,
    }
}

#[test]
fn a_second_end_by_the_seized_key_does_not_shorten_a_session() {
    let stage = Stage::new();
    let old = evidence::ledger::open_sequence(&fs::read(stage.session_file()).unwrap()).0;
    let end = append_to_ledger(&stage, &seized_key(), Body::SessionEnd(end_behind(&stage, 1)));
    fs::remove_file(stage.segment(2)).unwrap();
    fs::write(stage.session_file(), [old[0].bytes.clone(), old[1].bytes.clone(), end.bytes].concat()).unwrap();
    let line = stage.evidence_line(Some(&UNTOUCHED.history));
    assert_eq!(line, ".... .... | tampered | trusted");
}

#[test]
fn a_second_start_by_the_seized_key_does_not_replace_a_session() {
    let stage = Stage::new();
    let signer = seized_key();
    sign_session_again(&stage.session, 6, &mut |_, body| append_to_ledger(&stage, &signer, body));
    let line = stage.evidence_line(Some(&UNTOUCHED.history));
    assert!(line.contains("| tampered |"), "{line}");
}

#[test]
fn a_new_session_that_claims_an_old_ones_folder_shows() {
    let stage = Stage::new();
    let mut body = session_start(&entries(&stage.evidence)[3]);
    body.session.0[0] ^= 1;
    append_to_ledger(&stage, &seized_key(), Body::SessionStart(body));
    let line = stage.evidence_line(Some(&UNTOUCHED.history));
    assert!(!line.contains("intact"), "{line}");
}

#[test]
fn a_ledger_rolled_back_agrees_with_itself_and_the_history_catches_it() {
    let stage = Stage::new();
    stage.roll_back();
    assert_eq!(stage.evidence_line(None), ".... .... .. | intact | unchecked");
    let report = verdict::report(&stage.evidence, Some(&UNTOUCHED.history));
    assert!(matches!(report.findings[0].detail, Detail::RolledBack { .. }), "{:?}", report.findings);
}

#[test]
fn another_device_is_not_the_one_whose_keys_are_held() {
    let stage = Stage::new();
    stage.other_device();
    let report = verdict::report(&stage.evidence, Some(&UNTOUCHED.history));
    assert_eq!(verdict::trust(&report), "untrusted");
    let own = verdict::report(&stage.evidence, Some(&UNTOUCHED.other_history));
    assert_eq!((verdict::overall(&own), verdict::trust(&own)), ("intact", "trusted"));
}

#[test]
fn a_history_that_ends_before_the_recording_is_too_old() {
    let stage = Stage::new();
    let keys = UNTOUCHED.history.entries();
    let old = evidence::history::KeyHistory::from_entries(keys[..keys.len() - 2].iter().cloned()).unwrap();
    assert_eq!(stage.evidence_line(Some(&old)), ".... .... .. | intact | too old");
    let first = verdict::report(&stage.session, Some(&old));
    assert_eq!(verdict::trust(&first), "trusted");
    assert_eq!(verdict::trust(&verdict::report(&stage.second_session(), Some(&old))), "too old");
}

#[test]
fn segments_of_two_versions_of_a_session_are_not_linked() {
    let stage = Stage::new();
    let own = Ed25519Signer::generate_pkcs8().unwrap();
    let own = || Ed25519Signer::from_pkcs8(&own).unwrap();
    let old = entries(&stage.evidence)[3].clone();
    let body = SessionStartBody { public: own().public_key(), ..session_start(&old) };
    let start = entry_like(&old, &own_key(), Body::SessionStart(body.clone()));
    let version = |change: &dyn Fn(&mut Pieces)| -> Vec<Vec<u8>> {
        let mut chain = SessionChain::new(body.session, Box::new(own()), start.hash);
        let mut again = |n| {
            let mut pieces = Pieces::read(&stage.segment(n));
            change(&mut pieces);
            segment_again(&pieces, &start, &mut chain, n as u32 + 1, u64::MAX).unwrap()
        };
        vec![again(0), again(1)]
    };
    let (one, other) = (version(&|_| ()), version(&|pieces| *pieces.chunks[0].media.last_mut().unwrap() ^= 1));
    for (first, second, linked) in [(&one, &one, true), (&other, &other, true), (&one, &other, false)] {
        let folder = stage.aside("versions");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("1.mp4"), &first[0]).unwrap();
        fs::write(folder.join("2.mp4"), &second[1]).unwrap();
        let report = verdict::report(&folder, None);
        let found = report.findings.iter().any(|finding| matches!(finding.detail, Detail::SegmentNotLinked { .. }));
        assert_eq!(found, !linked, "{:?}", report.findings);
    }
}
