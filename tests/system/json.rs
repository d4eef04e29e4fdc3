// SPDX-License-Identifier: MIT OR Apache-2.0
//! docs/json.md against what the programs print.
//!
//! What could break: a field that is renamed, added or gone without the page, an example that shows what is no longer so,
//! a command that the page forgets.

use crate::support::bench::Bench;
use crate::support::footage::{fixture, replay, sound_card};
use crate::support::programs::root;
use rustix::process::Signal;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A row of a table: the field, or nothing where the row stands for all fields of another section.
struct Row {
    field: Option<String>,
    kind: String,
}

#[derive(Default)]
struct Section {
    rows: Vec<Row>,
    example: String,
}

/// The page, its sections by their anchors.
struct Page {
    sections: BTreeMap<String, Section>,
    compared: BTreeSet<String>,
}

impl Page {
    fn read() -> Page {
        let text = std::fs::read_to_string(root().join("docs/json.md")).unwrap();
        let (mut sections, mut anchor, mut in_example) = (BTreeMap::<String, Section>::new(), String::new(), false);
        for line in text.lines() {
            if let Some((_, title)) = line.split_once("## ").filter(|(sign, _)| ["", "#"].contains(sign)) {
                anchor = anchor_of(title);
            }
            let section = sections.entry(anchor.clone()).or_default();
            match line {
                "```json" => in_example = true,
                "```" => in_example = false,
                _ if in_example => section.example += line,
                _ if line.starts_with("| `") || line.starts_with("| all others |") => section.rows.push(row(line)),
                _ => {}
            }
        }
        sections.retain(|_, section| !section.rows.is_empty());
        Page { sections, compared: BTreeSet::new() }
    }

    /// Every field of a section, as a path from `prefix` on, with whether it may be absent.
    fn fields(&self, anchor: &str, prefix: &str) -> BTreeMap<String, bool> {
        let section = self.sections.get(anchor).unwrap_or_else(|| panic!("no section {anchor} with fields"));
        let mut fields = BTreeMap::new();
        for Row { field, kind } in &section.rows {
            let path = field.as_ref().map(|field| format!("{prefix}{field}"));
            let below = match &path {
                None => prefix.to_owned(),
                Some(path) if kind.starts_with("list") => format!("{path}[]."),
                Some(path) => format!("{path}."),
            };
            fields.extend(path.map(|path| (path, kind.contains("absent"))));
            if let Some((_, link)) = kind.split_once("](#") {
                fields.extend(self.fields(link.trim_end_matches(')'), &below));
            }
        }
        fields
    }

    /// The document has the fields of the section, no more and no less.
    fn compare(&mut self, anchor: &str, document: &Value) {
        self.compared.insert(anchor.to_owned());
        let (fields, mut printed) = (self.fields(anchor, ""), BTreeSet::new());
        collect_paths(document, "", &mut printed);
        let unknown: Vec<_> = printed.iter().filter(|path| !fields.contains_key(*path)).collect();
        assert!(unknown.is_empty(), "{anchor}: {unknown:?} are not on the page: {document}");
        let has_parent = |path: &str| {
            let parent = path.rfind('.').map_or("", |dot| &path[..=dot]);
            printed.iter().any(|one| one.starts_with(parent))
        };
        let missing: Vec<_> =
            fields.iter().filter(|(_, may_be_absent)| !**may_be_absent).map(|(path, _)| path).collect();
        let missing: Vec<_> = missing.into_iter().filter(|path| has_parent(path) && !printed.contains(*path)).collect();
        assert!(missing.is_empty(), "{anchor}: {missing:?} are not printed: {document}");
    }
}

/// The anchor that a heading gets.
fn anchor_of(title: &str) -> String {
    title.to_lowercase().replace(',', "").replace(' ', "-")
}

fn row(line: &str) -> Row {
    let cells: Vec<_> = line.split('|').map(str::trim).collect();
    let field = cells[1].strip_prefix('`').and_then(|name| name.strip_suffix('`'));
    Row { field: field.map(str::to_owned), kind: cells[2].to_owned() }
}

fn collect_paths(value: &Value, at: &str, paths: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                collect_paths(value, &path, paths);
                paths.insert(path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_paths(item, &format!("{at}[]"), paths)),
        _ => {}
    }
}

#[test]
fn the_examples_have_the_fields_of_their_tables() {
    let mut page = Page::read();
    let examples: Vec<_> =
        page.sections.iter().map(|(anchor, section)| (anchor.clone(), section.example.clone())).collect();
    for (anchor, example) in examples.into_iter().filter(|(anchor, _)| anchor != "totals") {
        let document = serde_json::from_str(&example).unwrap_or_else(|error| panic!("{anchor}: {error}: {example}"));
        page.compare(&anchor, &document);
    }
}

#[test]
fn what_is_printed_is_on_the_page() {
    let mut page = Page::read();
    let bench = Bench::new(replay(&fixture())).with(&["replay.repeat=true", "recording.chunk_ms=200"]);
    let card = sound_card(&bench.path("plugged"));
    let bench = bench.with_environment(card);
    let daemon = bench.start();
    record(&mut page, &bench);
    assert_eq!(daemon.stop(), 0);
    be_cut_off(&mut page, &bench);
    read_files(&mut page, &bench);
    page.compared.insert("totals".into());
    assert_eq!(page.compared.iter().collect::<Vec<_>>(), page.sections.keys().collect::<Vec<_>>());
}

/// The commands that speak to the recorder, and what it announces meanwhile.
fn record(page: &mut Page, bench: &Bench) {
    let mut watch = bench.watch();
    page.compare("devices", &bench.ctl(&["devices"]).good());
    page.compare("start", &bench.ctl(&["start", "--officer", "330101"]).good());
    page.compare("event-changed", &watch.until("changed", |_| true));
    page.compare("event-session_started", &watch.until("session_started", |_| true));
    page.compare("event-chunk_recorded", &watch.until("chunk_recorded", |_| true));
    page.compare("status", &bench.ctl(&["status"]).good());
    page.compare("photo", &bench.ctl(&["photo"]).good());
    page.compare("event-photo_taken", &watch.until("photo_taken", |_| true));
    page.compare("stop-show", &bench.ctl(&["stop"]).good());
    page.compare("event-session_ended", &watch.until("session_ended", |_| true));
    page.compare("errors", &bench.ctl(&["stop"]).json);
    page.compare("stop-show", &bench.last());
    page.compare("sessions", &bench.ctl(&["sessions"]).good());
}

/// A recorder that is killed while it records, and comes back.
fn be_cut_off(page: &mut Page, bench: &Bench) {
    let mut daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    watch.until_chunk(1);
    daemon.signal(Signal::KILL);
    page.compare("event-recorder_gone", &watch.until("recorder_gone", |_| true));
    let daemon = bench.start();
    page.compare("event-recorder_appeared", &watch.until("recorder_appeared", |_| true));
    page.compare("event-status", &watch.until("status", |_| true));
    assert_eq!(daemon.stop(), 0);
}

/// The commands that read the files themselves.
fn read_files(page: &mut Page, bench: &Bench) {
    let evidence = bench.evidence();
    let evidence = evidence.to_str().unwrap();
    let verified = bench.ctl(&["verify", evidence]).json;
    assert!(verified["reports"][0]["gaps"][0].is_object(), "{verified}");
    page.compare("verify", &verified);
    std::fs::write(bench.path("note.mp4"), "no segment").unwrap();
    let note = bench.path("note.mp4").display().to_string();
    let unverifiable = bench.ctl(&["verify", &note]).json;
    assert!(unverifiable["reports"][0]["findings"][0].is_object(), "{unverifiable}");
    page.compare("verify", &unverifiable);
    let keys = bench.path("keys").display().to_string();
    page.compare("key-show-key-export", &bench.ctl(&["key", "show", "--evidence", evidence]).good());
    page.compare("key-show-key-export", &bench.ctl(&["key", "export", &keys, "--evidence", evidence]).good());
    page.compare("check", &bench.ctl(&["check", "--evidence", evidence]).good());
    page.compare("reindex", &bench.ctl(&["reindex", "--evidence", evidence]).good());
}
