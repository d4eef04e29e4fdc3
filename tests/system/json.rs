// SPDX-License-Identifier: MIT OR Apache-2.0
//! docs/json.md against what the programs print.
//!
//! What could break: a field that is renamed, added or gone without the page, an example that shows what is no longer so,
//! a command that the page forgets.

use crate::support::bench::Bench;
use crate::support::footage::{fixture, live, replay, sound_card};
use crate::support::json_page::Page;
use rustix::process::Signal;
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../docs/json.md");

/// Sections of what stands in other documents: they are compared with these.
const PARTS: [&str; 3] = ["alarm", "interruption", "totals"];

#[test]
fn the_examples_have_the_fields_of_their_tables() {
    let mut page = Page::read(PAGE);
    for anchor in page.sections().iter().filter(|anchor| !PARTS.contains(&anchor.as_str())) {
        let example = page.example(anchor);
        let document = serde_json::from_str(&example).unwrap_or_else(|error| panic!("{anchor}: {error}: {example}"));
        page.compare(anchor, &document);
    }
}

#[test]
fn what_is_printed_is_on_the_page() {
    let mut page = Page::read(PAGE);
    let bench = Bench::new(replay(&fixture())).with(&["replay.repeat=true", "recording.chunk_ms=200"]);
    let card = sound_card(&bench.path("plugged"));
    let bench = bench.with_environment(card);
    let daemon = bench.start();
    record(&mut page, &bench);
    assert_eq!(daemon.stop(), 0);
    be_cut_off(&mut page, &bench);
    read_files(&mut page, &bench);
    lose_a_source(&mut page);
    let elsewhere = PARTS.iter().map(|anchor| (*anchor).to_owned());
    let compared: BTreeSet<String> = page.compared().iter().cloned().chain(elsewhere).collect();
    assert_eq!(compared.into_iter().collect::<Vec<_>>(), page.sections());
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
    page.compare("interruptions", &bench.ctl(&["interruptions"]).good());
    page.compare("timeline", &bench.ctl(&["timeline", "last"]).good());
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

/// A sound card that is pulled out and put in again, and what an officer says of it.
fn lose_a_source(page: &mut Page) {
    let bench = Bench::new(live()).with(&["audio.source=alsa:paced"]);
    let card = sound_card(&bench.path("plugged"));
    let bench = bench.with_environment(card);
    let daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    watch.until_chunk(1);
    std::fs::remove_file(bench.path("plugged")).unwrap();
    page.compare("event-alarm_raised", &watch.until("alarm_raised", |_| true));
    let began = watch.until("interruption_began", |_| true);
    page.compare("event-interruption_began", &began);
    page.compare("status", &bench.ctl(&["status"]).good());
    std::fs::write(bench.path("plugged"), "").unwrap();
    page.compare("event-alarm_quiet", &watch.until("alarm_quiet", |_| true));
    page.compare("event-interruption_ended", &watch.until("interruption_ended", |_| true));
    let account = ["--cause", "damage", "--text", "It fell."];
    let explain = |id: &str| bench.ctl(&[&["explain", id][..], &account].concat());
    page.compare("explain", &explain(began["interruption"].as_str().unwrap()).good());
    page.compare("errors", &explain("00").json);
    page.compare("stop-show", &bench.ctl(&["stop"]).good());
    page.compare("interruptions", &bench.ctl(&["interruptions"]).good());
    page.compare("timeline", &bench.ctl(&["timeline", "last"]).good());
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
    page.compare("interruptions", &bench.ctl(&["interruptions", "--evidence", evidence]).good());
    page.compare("timeline", &bench.ctl(&["timeline", "last", "--evidence", evidence]).good());
    page.compare("reindex", &bench.ctl(&["reindex", "--evidence", evidence]).good());
}
