// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: entries about interruptions that contradict one another pass, or such as do not are called forged. A
//! ledger is a word, an entry a letter; all are rightly signed, by whoever has the device.

use crate::common::clock::ScriptedClock;
use crate::common::footage::Footage;
use crate::common::forge::{next_entry, session_start};
use crate::common::{Device, Recording, copy_tree, entries, sessions, temporary, verdict};
use evidence::entry::{Body, SessionEndBody};
use evidence::interruption::{InterruptionBody, InterruptionEndBody, InterruptionNoteBody, Known};
use evidence::ledger::SignedEntry;
use evidence::record::Medium;
use evidence::sign::Ed25519Signer;
use evidence::time::{Clock, TimeSource};
use evidence::verify::Problem;
use evidence::{InterruptionId, SessionId};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A device with an open session of four chunks, whose key can still sign for it.
static OPEN: LazyLock<Device> = LazyLock::new(|| {
    let device = Device::new();
    let evidence = device.open();
    let mut writer = device.begin(&evidence, &Recording::new(Footage::BOTH, 0, 4));
    device.feed_some(&mut writer, &Footage::BOTH, 0, 4);
    drop(writer);
    device
});

fn begin(id: u8, session: SessionId, now: &Clock) -> Body {
    Body::Interruption(InterruptionBody {
        id: InterruptionId([id; 16]),
        session,
        cause: "camera".into(),
        known: Known::Device,
        media: vec![Medium::Video],
        from: now.clone(),
        detail: String::new(),
    })
}

fn end(id: u8, session: SessionId, now: &Clock) -> Body {
    Body::InterruptionEnd(InterruptionEndBody { id: InterruptionId([id; 16]), session, to: now.clone() })
}

fn note(id: u8) -> Body {
    let (cause, officer, text) = ("other".into(), String::new(), String::new());
    Body::InterruptionNote(InterruptionNoteBody { id: InterruptionId([id; 16]), cause, officer, text })
}

/// `i`, `j` begin two interruptions of the session, `I` the first in another one; `e`, `f` end them, `E` the first in another
/// session; `n`, `m` explain them; `s` ends the session.
fn body(letter: char, own: &[SignedEntry], now: &Clock) -> Body {
    let session = own[0].entry.body.session().unwrap();
    let other = SessionId([0; 16]);
    match letter {
        'i' => begin(1, session, now),
        'j' => begin(2, session, now),
        'I' => begin(1, other, now),
        'e' => end(1, session, now),
        'f' => end(2, session, now),
        'E' => end(1, other, now),
        'n' => note(1),
        'm' => note(2),
        _ => session_end(session),
    }
}

fn session_end(session: SessionId) -> Body {
    let path = crate::common::files(&sessions(OPEN.evidence())[0], "mp4").remove(0);
    let last = crate::common::pieces::Pieces::read(&path).chunks.pop().unwrap();
    let last = evidence::Hash::of(&last.seal[24..]);
    let cause = "stop".into();
    Body::SessionEnd(SessionEndBody { session, cause, segments: 1, chunks: 4, records: 4, last, pressed_boot_ns: None })
}

/// Writes the word behind the device's ledger and into a copy of its session; gives the evidence folder.
fn written(word: &str, home: &Path) -> PathBuf {
    let folder = home.join("evidence");
    copy_tree(OPEN.evidence(), &folder);
    let key = fs::read(OPEN.place.state.join("ledger.key")).unwrap();
    let signer = Ed25519Signer::from_pkcs8(&key).unwrap();
    let mut all = entries(&folder);
    let mut own = vec![all.last().unwrap().clone()];
    assert_eq!(session_start(&own[0]).folder, sessions(&folder)[0].file_name().unwrap().to_str().unwrap());
    let clock = ScriptedClock::default();
    for letter in word.chars() {
        clock.advance_ms(1_000);
        let entry = next_entry(&all, &signer, body(letter, &own, &clock.now()));
        own.extend((entry.entry.body.session() == own[0].entry.body.session()).then(|| entry.clone()));
        all.push(entry);
    }
    let bytes = |entries: Vec<SignedEntry>| entries.into_iter().flat_map(|entry| entry.bytes).collect::<Vec<_>>();
    fs::write(sessions(&folder)[0].join("session.cbor"), bytes(own)).unwrap();
    fs::write(folder.join("ledger.cbor"), bytes(all)).unwrap();
    folder
}

/// From when to when, in seconds; `None`: to the session's end.
type Gaps = &'static [(u64, Option<u64>)];

/// The word · how many entries are forged with the ledger, and in the session alone · the gaps of the picture, in seconds.
#[rustfmt::skip]
const CASES: &[(&str, usize, usize, Gaps)] = &[
    ("s",         0, 0, &[]),
    ("ies",       0, 0, &[(1, Some(2))]),
    ("ijefs",     0, 0, &[(1, Some(3)), (2, Some(4))]),
    ("ijfes",     0, 0, &[(1, Some(4)), (2, Some(3))]),
    ("ins",       0, 0, &[(1, None)]),
    ("iesn",      0, 0, &[(1, Some(2))]),
    ("nies",      1, 0, &[(2, Some(3))]),
    ("iesm",      1, 0, &[(1, Some(2))]),
    ("iess",      1, 1, &[(1, Some(2))]),
    ("is",        0, 0, &[(1, None)]),
    ("iies",      1, 1, &[(1, Some(3))]),
    ("ieies",     2, 2, &[(1, Some(2))]),
    ("iees",      1, 1, &[(1, Some(2))]),
    ("es",        1, 1, &[]),
    ("eis",       1, 1, &[(2, None)]),
    ("ifs",       1, 1, &[(1, None)]),
    ("i",         0, 0, &[(1, None)]),
];

#[test]
fn what_contradicts_itself_is_forged_and_does_not_count() {
    let mut wrong = Vec::new();
    for (word, forged, alone, gaps) in CASES {
        let home = temporary();
        let folder = written(word, home.path());
        for (path, expected) in [(folder.clone(), *forged), (sessions(&folder)[0].clone(), *alone)] {
            let report = verdict::report(&path, None);
            let found = report.findings.iter().filter(|finding| finding.problem == Problem::Forged).count();
            let pictures = report.gaps.iter().filter(|gap| gap.medium == Some(Medium::Video));
            let told: Vec<_> =
                pictures.map(|gap| (gap.from_ns.unwrap() / SECOND, gap.to_ns.map(|ns| ns / SECOND))).collect();
            // Without an end of its own an interruption is over with the session, whose entries all have the start's clock.
            let gaps: Vec<_> = gaps.iter().map(|(from, to)| (*from, to.or(word.contains('s').then_some(0)))).collect();
            if (found, &told) != (expected, &gaps) {
                wrong.push(format!("{word} at {}: {found} forged, {told:?}: {:?}", path.display(), report.findings));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const SECOND: u64 = 1_000_000_000;

#[test]
fn an_interruption_of_another_session_is_none_of_this_one() {
    for (word, forged) in [("iIes", 1), ("iEes", 1), ("Iies", 2)] {
        let home = temporary();
        let report = verdict::report(&written(word, home.path()), None);
        let found = report.findings.iter().filter(|finding| finding.problem == Problem::Forged).count();
        assert_eq!(found, forged, "{word}: {:?}", report.findings);
        let alone = verdict::report(&sessions(&home.path().join("evidence"))[0], None);
        assert_eq!(verdict::overall(&alone), "gaps", "{word}: {:?}", alone.findings);
    }
}
