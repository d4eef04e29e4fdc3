// SPDX-License-Identifier: MIT OR Apache-2.0
//! The diagram in `docs/design/continuity.md` shows every way from one state to another, and no other. It is compared with
//! a walk through all the machine can be in: every input in every situation, until nothing new comes.

use crate::bench::*;
use crate::words::section;
use recorder::{Input, Media, Medium, Recorder, Rules};
use std::collections::{BTreeSet, HashSet};

/// A way from one state to another: from, to, by what.
type Way = (String, String, String);

/// What differs in more than times, numbers and texts, or in alarms: no state depends on these.
fn situation(recorder: &Recorder) -> String {
    let all = format!("{recorder:?}");
    let (before, rest) = all.split_once(" alarms: ").expect("a field of that name");
    let (_, behind) = rest.split_once(" storage: Storage ").expect("a field of that name");
    let outside_quotes = [before, behind].into_iter().flat_map(|part| part.split('"').step_by(2));
    outside_quotes.flat_map(str::chars).filter(|c| !c.is_ascii_digit()).collect()
}

/// Every input, but those that no state depends on.
fn inputs() -> Vec<Input> {
    let of_sources = Medium::ALL.into_iter().flat_map(|medium| [up(medium), failed(medium), ended(medium)]);
    let others = [
        Input::Ready { resume: None },
        Input::Ready { resume: Some(Media::BOTH) },
        start(Media::BOTH),
        Input::Stop,
        Input::Shutdown,
        Input::Opened,
        open_failed(false),
        open_failed(true),
        Input::Drained,
        Input::Closed,
        Input::CloseFailed("bad".into()),
        storage_failed(),
        Input::StorageFailed { is_full: true, reason: "bad".into() },
        Input::StorageStalled,
        Input::StorageMoved,
        space(0),
        space(u64::MAX),
        Input::Dropped { queue: "outbox", count: 1 },
        Input::Tick,
    ];
    of_sources.chain(others).collect()
}

fn word(input: &Input) -> String {
    format!("{input:?}").chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// All ways that a machine with these rules goes.
fn walk(rules: Rules) -> BTreeSet<Way> {
    let inputs = inputs();
    let rules = Rules { warn_min: Vec::new(), ..rules };
    let mut ways = BTreeSet::new();
    let mut seen = HashSet::new();
    let mut open = vec![(0, Recorder::new(rules))];
    while let Some((now_ns, recorder)) = open.pop() {
        for input in &inputs {
            let now_ns = if *input == Input::Tick { recorder.next_wake_ns().unwrap_or(now_ns) } else { now_ns };
            let mut next = recorder.clone();
            next.step(now_ns, input.clone());
            let (from, to) = (recorder.state().name(), next.state().name());
            if from != to {
                ways.insert((from.into(), to.into(), word(input)));
            }
            if next != recorder && seen.insert(situation(&next)) {
                open.push((now_ns, next));
            }
        }
    }
    ways
}

/// The ways that the page shows, as `from --> to: Input, Input`.
fn drawn() -> BTreeSet<Way> {
    let arrows = section("States").lines().filter_map(|line| line.split_once(" --> "));
    let ways = |(from, rest): (&str, &str)| {
        let (to, words) = rest.split_once(": ").expect("each arrow says by what");
        let way = |word: &str| (from.trim().to_owned(), to.to_owned(), word.to_owned());
        words.split(", ").map(way).collect::<Vec<_>>()
    };
    arrows.flat_map(ways).collect()
}

#[test]
fn the_diagram_shows_what_the_code_does() {
    // One source in standby, the other opened for the recording.
    let mixed = Rules { standby: VIDEO.into(), post_ns: MS, ..live() };
    let walked: BTreeSet<Way> = [mixed, replay()].into_iter().flat_map(walk).collect();
    let (drawn, mut report) = (drawn(), String::new());
    for (from, to, word) in walked.difference(&drawn) {
        report += &format!("not drawn: {from} --> {to}: {word}\n");
    }
    for (from, to, word) in drawn.difference(&walked) {
        report += &format!("not so: {from} --> {to}: {word}\n");
    }
    assert!(report.is_empty(), "{report}");
}

#[test]
fn the_page_names_every_state() {
    let walked: HashSet<String> = walk(replay()).into_iter().flat_map(|(from, to, _)| [from, to]).collect();
    assert_eq!(walked.len(), 10);
    assert!(walked.iter().all(|name| section("States").contains(&format!("`{name}`"))));
}
