// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a file or folder that is taken away, added, renamed or exchanged, and nobody notices.

use crate::common::{copy_tree, entries, footage::noise, jpeg};
use crate::stage::{Stage, UNTOUCHED, flip};
use evidence::ledger::SignedEntry;
use std::fs;
use std::path::Path;

type Operation = fn(&Stage);

/// What is done · letters of the first session, verdict and trust of the evidence folder, keys given.
#[rustfmt::skip]
const CASES: &[(&str, Operation, &str)] = &[
    ("remove the first segment",          |s| remove(&s.segment(0)),                           ".... .. | incomplete | trusted"),
    ("remove the middle segment",         |s| remove(&s.segment(1)),                           ".... .. | incomplete | trusted"),
    ("remove the last segment",           |s| remove(&s.segment(2)),                           ".... .... | incomplete | trusted"),
    ("remove all segments",               |s| (0..3).for_each(|_| remove(&s.segment(0))),      " | incomplete | trusted"),
    ("hide a segment",                    |s| rename(&s.segment(1), "hidden.bak"),             ".... .. | incomplete | trusted"),
    ("empty a segment",                   |s| fs::write(s.segment(1), []).unwrap(),            ".... ..  | incomplete | trusted"),
    ("repeat a segment",                  |s| copy(&s.segment(1), "again.mp4"),                ".... .... .... .. | tampered | trusted"),
    ("exchange the names of two segments", |s| exchange(&s.segment(0), &s.segment(1)),         ".... .... .. | intact | trusted"),
    ("a segment of another session",      |s| move_to(&only_mp4(&s.second_session()), &s.session), ".... .... .... .. | tampered | trusted"),
    ("a film without records",            |s| fs::write(s.session.join("x.mp4"), noise(1, 99)).unwrap(), ".... .... ..  | unverifiable | trusted"),
    ("a file that cannot be read",        |s| unreadable(&s.session.join("x.mp4")),            ".... .... ..  | unverifiable | trusted"),
    ("notes beside the segments",         |s| fs::write(s.session.join("notes.txt"), b"hi").unwrap(), ".... .... .. | intact | trusted"),
    ("remove the session",                |s| fs::remove_dir_all(&s.session).unwrap(),         " | incomplete | trusted"),
    ("rename the session",                |s| rename(&s.session, "elsewhere"),                 " | tampered | trusted"),
    ("exchange two sessions' names",      |s| exchange(&s.session, &s.second_session()),       ".... | tampered | trusted"),
    ("copy the session",                  |s| copy_tree(&s.session, &s.evidence.join("sessions/copy")), ".... .... .. | tampered | trusted"),
    ("an empty folder as a session",      |s| fs::create_dir(s.evidence.join("sessions/new")).unwrap(), ".... .... .. | intact | trusted"),
    ("remove session.cbor",               |s| remove(&s.session_file()),                       ".... .... .. | incomplete | trusted"),
    ("edit session.cbor",                 |s| flip(&s.session_file(), 200),                    ".... .... .. | tampered | trusted"),
    ("empty session.cbor",                |s| fs::write(s.session_file(), []).unwrap(),        ".... .... .. | incomplete | trusted"),
    ("drop the end from session.cbor",    |s| cut(&s.session_file(), 1),                       ".... .... .. | incomplete | trusted"),
    ("reverse session.cbor",              |s| edit(&s.session_file(), |e| e.reverse()),        ".... .... .. | tampered | trusted"),
    ("repeat an entry in session.cbor",   |s| edit(&s.session_file(), |e| e.push(e[2].clone())), ".... .... .. | tampered | trusted"),
    ("another session's session.cbor",    |s| drop(fs::copy(s.second_session().join("session.cbor"), s.session_file())), ".... .... .. | tampered | trusted"),
    ("alter a photo",                     |s| flip(&s.photo(), 50),                            ".... .... .. | tampered | trusted"),
    ("remove a photo",                    |s| remove(&s.photo()),                              ".... .... .. | incomplete | trusted"),
    ("add a photo",                       |s| add_photo(&s.session),                           ".... .... .. | tampered | trusted"),
    ("rename a photo",                    |s| rename(&s.photo(), "other.jpg"),                 ".... .... .. | tampered | trusted"),
    ("edit a photo's entry",              |s| flip(&sidecar(&s.photo()), 80),                  ".... .... .. | tampered | trusted"),
    ("remove a photo's entry",            |s| remove(&sidecar(&s.photo())),                    ".... .... .. | incomplete | trusted"),
    ("alter a photo outside",             |s| flip(&s.photo_outside(), 50),                    ".... .... .. | tampered | trusted"),
    ("remove a photo outside",            |s| remove(&s.photo_outside()),                      ".... .... .. | incomplete | trusted"),
    ("add a photo outside",               |s| add_photo(&s.evidence),                          ".... .... .. | tampered | trusted"),
    ("edit an outside photo's entry",     |s| flip(&sidecar(&s.photo_outside()), 80),          ".... .... .. | tampered | trusted"),
    ("exchange two photos",               |s| exchange(&s.photo(), &s.photo_outside()),        ".... .... .. | tampered | trusted"),
    ("remove the ledger",                 |s| remove(&s.ledger()),                             ".... .... .. | incomplete | trusted"),
    ("edit the ledger",                   |s| flip(&s.ledger(), 700),                          ".... .... .. | tampered | trusted"),
    ("drop the ledger's last entry",      |s| cut(&s.ledger(), 1),                             ".... .... .. | intact | trusted"),
    ("drop the ledger's last key",        |s| cut(&s.ledger(), 2),                             ".... .... .. | incomplete | trusted"),
    ("drop an entry from the ledger",     |s| edit(&s.ledger(), |e| drop(e.remove(4))),        ".... .... .. | tampered | trusted"),
    ("drop the ledger's first entry",     |s| edit(&s.ledger(), |e| drop(e.remove(0))),        ".... .... .. | tampered | trusted"),
    ("swap two entries of the ledger",    |s| edit(&s.ledger(), |e| e.swap(4, 5)),             ".... .... .. | tampered | trusted"),
    ("repeat an entry of the ledger",     |s| edit(&s.ledger(), |e| e.push(e[4].clone())),     ".... .... .. | tampered | trusted"),
    ("bytes behind the ledger",           |s| append(&s.ledger(), &[7]),                       ".... .... .. | tampered | trusted"),
    ("zeros behind the ledger",           |s| append(&s.ledger(), &[0; 300]),                  ".... .... .. | incomplete | trusted"),
    ("zeros behind session.cbor",         |s| append(&s.session_file(), &[0; 300]),            ".... .... .. | incomplete | trusted"),
    ("tear the ledger's last entry",      |s| tear(&s.ledger()),                               ".... .... .. | incomplete | trusted"),
    ("roll everything back",              |s| s.roll_back(),                                   ".... .... .. | incomplete | trusted"),
];

#[test]
fn every_change_shows() {
    let mut wrong = Vec::new();
    for (name, operation, expected) in CASES {
        let stage = Stage::new();
        operation(&stage);
        let got = stage.evidence_line(Some(&UNTOUCHED.history));
        if got != *expected {
            wrong.push(format!("{name}: {got}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The kernel lets nobody read this one, root included.
fn unreadable(path: &Path) {
    std::os::unix::fs::symlink("/sys/bus/platform/uevent", path).unwrap();
}

fn remove(path: &Path) {
    fs::remove_file(path).unwrap();
}

fn rename(path: &Path, name: &str) {
    fs::rename(path, path.with_file_name(name)).unwrap();
}

fn copy(path: &Path, name: &str) {
    fs::copy(path, path.with_file_name(name)).unwrap();
}

fn move_to(path: &Path, folder: &Path) {
    fs::rename(path, folder.join("moved.mp4")).unwrap();
}

fn exchange(one: &Path, other: &Path) {
    let aside = one.with_file_name("aside");
    fs::rename(one, &aside).unwrap();
    fs::rename(other, one).unwrap();
    fs::rename(&aside, other).unwrap();
}

fn only_mp4(folder: &Path) -> std::path::PathBuf {
    crate::common::files(folder, "mp4")[0].clone()
}

fn add_photo(folder: &Path) {
    fs::write(folder.join("photos/added.jpg"), jpeg(7)).unwrap();
}

fn sidecar(photo: &Path) -> std::path::PathBuf {
    photo.with_extension("jpg.cose")
}

fn append(path: &Path, more: &[u8]) {
    fs::write(path, [fs::read(path).unwrap().as_slice(), more].concat()).unwrap();
}

fn tear(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
}

/// Rewrites a file of entries.
fn edit(path: &Path, change: impl FnOnce(&mut Vec<SignedEntry>)) {
    let mut all = evidence::ledger::open_sequence(&fs::read(path).unwrap()).0;
    change(&mut all);
    fs::write(path, all.into_iter().flat_map(|entry| entry.bytes).collect::<Vec<_>>()).unwrap();
}

fn cut(path: &Path, last: usize) {
    edit(path, |all| all.truncate(all.len() - last));
}

#[test]
fn a_photo_that_goes_with_its_entry_is_missed_without_the_ledger() {
    let stage = Stage::new();
    let photo = stage.photo();
    edit(&stage.session_file(), |all| all.retain(|entry| entry.entry.body.kind() != "photo"));
    remove(&sidecar(&photo));
    remove(&photo);
    let report = stage.session_report();
    let [finding] = report.findings.as_slice() else { panic!("{:?}", report.findings) };
    assert_eq!((finding.problem, &finding.path), (evidence::verify::Problem::Absent, &photo));
    assert_eq!(crate::common::verdict::overall(&report), "incomplete");
}

#[test]
fn the_ledger_is_as_the_cases_above_suppose() {
    let stage = Stage::new();
    let kinds: Vec<_> = entries(&stage.evidence).iter().map(|e| e.entry.body.kind().to_owned()).collect();
    let session = ["session-start", "photo", "session-end", "key", "photo"];
    let second = ["session-start", "session-end", "key", "shutdown"];
    assert_eq!(kinds, [["key", "boot", "key"].as_slice(), &session, &second].concat());
}
