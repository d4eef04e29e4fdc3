// SPDX-License-Identifier: MIT OR Apache-2.0
//! `interruptions`: what was not captured, when, and why.

use bus::{InterruptionInfo, Medium};
use serde::Serialize;

use crate::cli::InterruptionsArgs;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Output, table};
use crate::recorded::Recorded;
use crate::text::{Lang, shown};
use crate::units;

#[derive(Serialize)]
struct Interruptions {
    interruptions: Vec<InterruptionInfo>,
}

/// Lists interruptions.
pub(crate) async fn run(
    recorded: &Recorded,
    arguments: &InterruptionsArgs,
    output: &Output,
) -> Result<Exit, CommandError> {
    let session = match &arguments.session {
        Some(wanted) => Some(recorded.session(wanted).await?),
        None => None,
    };
    let interruptions = Interruptions { interruptions: recorded.interruptions(session).await? };
    output.result(&interruptions, |lang, all| list(lang, &all.interruptions))
}

/// Interruptions, one a line.
fn list(lang: Lang, interruptions: &[InterruptionInfo]) -> String {
    if interruptions.is_empty() {
        return lang.no_interruptions();
    }
    let head = vec![
        lang.label_interruption(),
        lang.label_session(),
        lang.label_began(),
        lang.label_duration(),
        lang.label_missing(),
        lang.label_cause(),
    ];
    let rows: Vec<_> = std::iter::once(head).chain(interruptions.iter().map(|one| row(lang, one))).collect();
    table(&rows)
}

fn row(lang: Lang, interruption: &InterruptionInfo) -> Vec<String> {
    vec![
        interruption.id.to_string(),
        // The beginning by which the session's folder is named too.
        interruption.session.to_string().chars().take(8).collect(),
        units::utc(interruption.from.utc_ns),
        length(lang, interruption),
        media(lang, &interruption.media),
        because(lang, interruption),
    ]
}

/// An interruption of a session that is told besides.
pub(crate) fn line(lang: Lang, interruption: &InterruptionInfo) -> String {
    lang.interruption_line(
        units::utc(interruption.from.utc_ns),
        length(lang, interruption),
        media(lang, &interruption.media),
        because(lang, interruption),
    )
}

/// How long it was, as far as that is known.
pub(crate) fn length(lang: Lang, interruption: &InterruptionInfo) -> String {
    match (interruption.duration_ns, interruption.to) {
        (Some(duration_ns), _) => units::duration(duration_ns),
        (None, Some(_)) => lang.unknown(),
        (None, None) => lang.not_over(),
    }
}

/// Pictures, sound or both.
pub(crate) fn media(lang: Lang, media: &[Medium]) -> String {
    let word = |medium: &Medium| match medium {
        Medium::Video => lang.medium_video(),
        Medium::Audio => lang.medium_audio(),
    };
    let words: Vec<String> = media.iter().map(word).collect();
    words.join(&lang.comma())
}

/// Why, as the device and as an officer have it.
pub(crate) fn because(lang: Lang, interruption: &InterruptionInfo) -> String {
    let cause = shown(&lang.interruption_cause(&interruption.cause));
    let cause = match interruption.detail.as_str() {
        "" => cause,
        detail => lang.interruption_because(cause, shown(detail)),
    };
    let Some(told) = &interruption.told else { return cause };
    let officer = if told.officer.is_empty() { lang.officer_unnamed() } else { shown(&told.officer) };
    lang.explained(cause, officer, shown(&lang.interruption_cause(&told.cause)), shown(&told.text))
}
