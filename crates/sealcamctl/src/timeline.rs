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
    let drawn = from_its_begin(&timeline);
    if let Some(path) = &arguments.svg {
        write(path, &drawn, output.lang)?;
    }
    output.result(&timeline, |lang, _| match &arguments.svg {
        Some(path) => lang.picture_written(path.display()),
        None => terminal::draw(&drawn, style(lang)),
    })
}

/// A session that took over from another while that was running has its media times, and is drawn from its own first moment on.
fn from_its_begin(timeline: &Timeline) -> Timeline {
    let mut drawn = timeline.clone();
    let chunks = timeline.chunks.iter().map(|span| span.from_ns);
    let first_ns = chunks.chain(timeline.interruptions.iter().map(|one| one.from_ns)).min();
    let Some(begin_ns) = first_ns.filter(|_| timeline.continues.is_some()) else { return drawn };
    let earlier = |at_ns: &mut u64| *at_ns = at_ns.saturating_sub(begin_ns);
    drawn.zero_utc_ns = drawn.zero_utc_ns.saturating_add_unsigned(begin_ns);
    [&mut drawn.pressed_ns, &mut drawn.now_ns].into_iter().flatten().for_each(earlier);
    drawn.chunks.iter_mut().flat_map(|span| [&mut span.from_ns, &mut span.to_ns]).for_each(earlier);
    for interruption in &mut drawn.interruptions {
        earlier(&mut interruption.from_ns);
        interruption.to_ns.iter_mut().for_each(earlier);
    }
    drawn
}

fn write(path: &Path, timeline: &Timeline, lang: Lang) -> Result<(), CommandError> {
    let picture = svg::draw(timeline, lang);
    std::fs::write(path, picture).map_err(|source| CommandError::Path { path: path.into(), source })
}

fn style(lang: Lang) -> Style {
    let width = Term::stdout().size_checked().map_or(WIDTH_COLUMNS, |(_, columns)| columns.into());
    Style { lang, width, colours: console::colors_enabled() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_session_that_took_over_begins_behind_its_zero() {
        let alone = examples::camera_gone();
        assert_eq!(from_its_begin(&alone), alone);
        let mut second = examples::camera_gone();
        (second.continues, second.pressed_ns) = (Some(second.session), None);
        assert_eq!(from_its_begin(&second), second);
        second.chunks.remove(0);
        let drawn = from_its_begin(&second);
        let (begin_ns, one) = (second.interruptions[0].from_ns, &drawn.interruptions[0]);
        assert_eq!((one.from_ns, one.to_ns), (0, second.interruptions[0].to_ns.map(|to_ns| to_ns - begin_ns)));
        assert_eq!(drawn.chunks[0].from_ns, second.chunks[0].from_ns - begin_ns);
        assert_eq!(drawn.zero_utc_ns, second.zero_utc_ns + i64::try_from(begin_ns).unwrap());
    }
}
