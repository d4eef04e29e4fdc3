// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: an alarm whose journal entry nothing explains, an explanation that no alarm has, one that a language lacks, a
//! file that the journal does not take.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use bus::AlarmKind;

const CATALOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../systemd/sealcam.catalog");

/// The explanation of one alarm in one language.
#[derive(Debug)]
struct Entry {
    subject: String,
    paragraphs: Vec<String>,
}

/// Every entry by its id and language.
fn entries(text: &str) -> BTreeMap<(String, String), Entry> {
    let mut entries = BTreeMap::new();
    for part in text.split("\n-- ").skip(1) {
        let (head, rest) = part.split_once('\n').unwrap();
        let (id, language) = head.split_once(' ').unwrap_or((head, "en"));
        let (fields, words) = rest.split_once("\n\n").unwrap();
        let subject = fields.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap();
        assert!(fields.lines().any(|line| line == "Defined-By: sealcamd"), "{part}");
        let paragraphs = words.trim().split("\n\n").map(str::to_owned).collect();
        let entry = Entry { subject: subject.to_owned(), paragraphs };
        let before = entries.insert((id.to_owned(), language.to_owned()), entry);
        assert!(before.is_none(), "{id} is there twice");
    }
    entries
}

fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

#[test]
fn each_alarm_is_explained_in_each_language_and_nothing_else_is() {
    let mut entries = entries(&std::fs::read_to_string(CATALOG).unwrap());
    for kind in AlarmKind::ALL {
        for language in ["en", "zh_CN"] {
            let entry = entries.remove(&(kind.message_id().to_owned(), language.to_owned()));
            let Entry { subject, paragraphs } = entry.unwrap_or_else(|| panic!("{kind} lacks {language}"));
            // What it means, and what to do.
            assert!(!subject.is_empty() && paragraphs.len() == 2, "{kind} {language}: {paragraphs:?}");
            let chinese = paragraphs.iter().chain([&subject]).filter(|text| is_chinese(text)).count();
            assert_eq!(chinese, if language == "en" { 0 } else { 3 }, "{kind} {language}");
        }
    }
    assert!(entries.is_empty(), "{entries:?}");
}

#[test]
fn the_ids_are_of_the_form_that_the_journal_takes() {
    let mut ids: Vec<&str> = AlarmKind::ALL.iter().map(|kind| kind.message_id()).collect();
    for id in &ids {
        // 128 bits drawn at random, as `systemd-id128 new` gives them.
        let bits: u128 = u128::from_str_radix(id, 16).unwrap();
        assert_eq!((format!("{bits:032x}").as_str(), bits >> 76 & 0xf, bits >> 62 & 0b11), (*id, 4, 0b10));
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), AlarmKind::ALL.len());
}

#[test]
fn the_journal_takes_the_catalog() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("usr/lib/systemd/catalog");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(CATALOG, folder.join("sealcam.catalog")).unwrap();
    let (said, errors) = journalctl(root.path(), "--update-catalog");
    assert_eq!((said.as_str(), errors.as_str()), ("", ""));
    let (listed, _) = journalctl(root.path(), "--list-catalog");
    let entries = entries(&std::fs::read_to_string(CATALOG).unwrap());
    for kind in AlarmKind::ALL {
        let id = kind.message_id();
        let subject = &entries[&(id.to_owned(), "en".to_owned())].subject;
        assert!(listed.contains(&format!("{id} sealcamd: {subject}\n")), "{kind} in\n{listed}");
    }
}

/// What `journalctl` says and complains about, in English.
fn journalctl(root: &Path, what: &str) -> (String, String) {
    let mut command = Command::new("journalctl");
    command.arg(format!("--root={}", root.display())).args(["--no-pager", what]).env("LC_ALL", "C");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}
