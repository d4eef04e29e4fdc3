// SPDX-License-Identifier: MIT OR Apache-2.0
//! The diagram in `docs/design/continuity.md` shows every way from one state to another, and no other. It is compared with
//! a walk through all the machine can be in: every input in every situation, until nothing new comes.

use crate::bench::*;
use crate::words::section;
use recorder::{Input, Media, Medium, Recorder, Rules, State};
use std::collections::{BTreeSet, HashSet};

/// A way from one state to another: from, to, by what.
type Way = (String, String, String);

/// What differs in more than times, numbers and texts, in how many of a kind are held, or in alarms: no state depends on
/// these.
fn situation(recorder: &Recorder) -> String {
    if recorder.state() == State::Down {
        return "nothing will come any more".into();
    }
    let all = format!("{recorder:?}");
    let (before, rest) = all.split_once(" alarms: ").expect("a field of that name");
    let (_, behind) = rest.split_once(" storage: Storage ").expect("a field of that name");
    let outside_quotes = [before, behind].into_iter().flat_map(|part| part.split('"').step_by(2));
    let words: String = outside_quotes.flat_map(str::chars).filter(|c| !c.is_ascii_digit()).collect();
    let mut held: Vec<&str> = words.split("Held ").collect();
    held.dedup();
    held.concat()
}

/// Takes an input after as long as it takes to count. Some count only when they come again and again.
fn take(recorder: &mut Recorder, now_ns: &mut u64, input: &Input) {
    let wake_ns = recorder.next_wake_ns();
    let (times, wait_ns) = match input {
        Input::Tick => (1, wake_ns.map_or(0, |wake_ns| wake_ns - *now_ns)),
        // Unless something else is due meanwhile.
        Input::Dropped { .. } if wake_ns.is_none_or(|wake_ns| wake_ns > *now_ns + 3_000 * MS) => (4, 900 * MS),
        _ => (1, 0),
    };
    for _ in 0..times {
        *now_ns += wait_ns;
        recorder.step(*now_ns, input.clone());
    }
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
            let (mut next, mut now_ns) = (recorder.clone(), now_ns);
            take(&mut next, &mut now_ns, input);
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
fn the_page_says_what_every_state_in_its_diagram_is() {
    let names: BTreeSet<String> = drawn().into_iter().flat_map(|(from, to, _)| [from, to]).collect();
    let lacking: Vec<_> = names.iter().filter(|name| !section("States").contains(&format!("`{name}`"))).collect();
    assert_eq!((names.len(), lacking), (10, vec![]));
}
