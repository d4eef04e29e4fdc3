// SPDX-License-Identifier: MIT OR Apache-2.0
//! `reindex` and `check`: the index of an evidence folder against its files.

use crate::cli::EvidenceArgs;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::Output;
use crate::text::Lang;
use crate::verify::jobs;
use serde::Serialize;
use store::check::{INVARIANTS, Violation};

#[derive(Serialize)]
struct Rebuilt {
    ledger_entries: u64,
    sessions: u64,
}

#[derive(Serialize)]
struct Checked {
    invariants: Vec<Invariant>,
}

#[derive(Serialize)]
struct Invariant {
    number: u8,
    rule: &'static str,
    holds: bool,
    violations: Vec<String>,
}

/// Rebuilds the index from the recorded files.
pub(crate) fn reindex(arguments: &EvidenceArgs, output: &Output) -> Result<Exit, CommandError> {
    let rebuilt = store::reindex::reindex(&arguments.evidence)?;
    let document = Rebuilt { ledger_entries: rebuilt.entries, sessions: rebuilt.sessions };
    output.result(&document, |lang, rebuilt| lang.rebuilt(rebuilt.ledger_entries, rebuilt.sessions))
}

/// Compares recorded files, ledger and index.
pub(crate) fn check(arguments: &EvidenceArgs, output: &Output) -> Result<Exit, CommandError> {
    let violations = store::check::check(&arguments.evidence, jobs(None))?;
    let document = Checked { invariants: INVARIANTS.iter().map(|rule| invariant(rule, &violations)).collect() };
    output.result(&document, |lang, checked| {
        checked.invariants.iter().flat_map(|invariant| lines(lang, invariant)).collect::<Vec<_>>().join("\n")
    })?;
    Ok(if violations.is_empty() { Exit::Ok } else { Exit::Failure })
}

fn invariant(&(number, rule): &(u8, &'static str), violations: &[Violation]) -> Invariant {
    let own = violations.iter().filter(|violation| violation.invariant == number);
    let violations: Vec<_> = own.map(|violation| violation.detail.clone()).collect();
    Invariant { number, rule, holds: violations.is_empty(), violations }
}

fn lines(lang: Lang, invariant: &Invariant) -> Vec<String> {
    let holds = if invariant.holds { lang.holds() } else { lang.violated() };
    let head = format!("{}. {}: {holds}", invariant.number, rule(lang, invariant));
    std::iter::once(head).chain(invariant.violations.iter().map(|detail| format!("   {detail}"))).collect()
}

/// The rule in the user's language, as `docs/design/storage.md` numbers it.
fn rule(lang: Lang, invariant: &Invariant) -> String {
    match invariant.number {
        1 => lang.rule_ledger(),
        2 => lang.rule_folders(),
        3 => lang.rule_records(),
        4 => lang.rule_bytes(),
        5 => lang.rule_photos(),
        6 => lang.rule_ends(),
        7 => lang.rule_index(),
        8 => lang.rule_chunks(),
        9 => lang.rule_interruptions(),
        _ => invariant.rule.into(),
    }
}
