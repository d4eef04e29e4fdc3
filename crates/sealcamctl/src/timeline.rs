// SPDX-License-Identifier: MIT OR Apache-2.0
//! `timeline`: second by second, what of a session was recorded, buffered, interrupted, or off.

#[cfg(test)]
mod examples;
mod lanes;
mod scale;
mod svg;
mod terminal;
mod words;

use std::path::Path;

use bus::Timeline;
use console::Term;

use crate::cli::TimelineArgs;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::Output;
use crate::recorded::Recorded;
use crate::text::Lang;
use crate::timeline::terminal::Style;

/// Columns where the output is no terminal.
const WIDTH_COLUMNS: usize = 80;

/// Draws the timeline of a session.
pub(crate) async fn run(recorded: &Recorded, arguments: &TimelineArgs, output: &Output) -> Result<Exit, CommandError> {
    let session = recorded.session(&arguments.session).await?;
    let timeline = recorded.timeline(session).await?;
    if let Some(path) = &arguments.svg {
        write(path, &timeline, output.lang)?;
    }
    output.result(&timeline, |lang, timeline| match &arguments.svg {
        Some(path) => lang.picture_written(path.display()),
        None => terminal::draw(timeline, style(lang)),
    })
}

fn write(path: &Path, timeline: &Timeline, lang: Lang) -> Result<(), CommandError> {
    let picture = svg::draw(timeline, lang);
    std::fs::write(path, picture).map_err(|source| CommandError::Path { path: path.into(), source })
}

fn style(lang: Lang) -> Style {
    let width = Term::stdout().size_checked().map_or(WIDTH_COLUMNS, |(_, columns)| columns.into());
    Style { lang, width, colours: console::colors_enabled() }
}
