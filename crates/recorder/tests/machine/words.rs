// SPDX-License-Identifier: MIT OR Apache-2.0
//! The words of states, causes and alarms are those of `docs/design/continuity.md`.

use recorder::{AlarmKind, Fault};

pub(crate) const PAGE: &str = include_str!("../../../../docs/design/continuity.md");

/// The lines below a heading, up to the next.
pub(crate) fn section(heading: &str) -> &'static str {
    let (_, below) = PAGE.split_once(&format!("\n## {heading}\n")).expect(heading);
    below.split("\n## ").next().unwrap_or(below)
}

/// The words in backticks in a column of the table below a heading, with the rest of the row.
fn words(heading: &str) -> Vec<(&'static str, &'static str)> {
    let rows = section(heading).lines().filter_map(|line| line.strip_prefix("| `")?.split_once(" |"));
    let words = |(cell, rest): (&'static str, &'static str)| {
        cell.split(", ").map(move |word| (word.trim_matches(|c: char| !c.is_ascii_lowercase()), rest))
    };
    rows.flat_map(words).collect()
}

#[test]
fn the_page_names_every_cause_and_who_can_tell_it() {
    let mut page: Vec<_> =
        words("Interruptions").iter().map(|(word, rest)| (*word, rest.contains("device |"))).collect();
    let mut code: Vec<_> = Fault::ALL.iter().map(|fault| (fault.as_str(), fault.is_known_by_device())).collect();
    page.sort_unstable();
    code.sort_unstable();
    assert_eq!(page, code);
}

#[test]
fn the_page_names_every_alarm() {
    let mut page: Vec<_> = words("Alarms").iter().map(|(word, _)| *word).collect();
    let mut code: Vec<_> = AlarmKind::ALL.iter().map(|kind| kind.as_str()).collect();
    page.sort_unstable();
    code.sort_unstable();
    assert_eq!(page, code);
}
