// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws a timeline with characters: a bar for each medium, a scale above them, what it means below. Pure.
//!
//! Each kind has a character of its own, so that it can be read without colours; the colours are told apart by the colour-blind.

use bus::Timeline;
use unicode_width::UnicodeWidthStr;

use crate::output::{flowed, labelled, wrapped};
use crate::text::Lang;
use crate::timeline::lanes::{Kind, Lane, Lanes};
use crate::timeline::{scale, words};
use crate::units;

/// The narrowest bar that is drawn, however narrow the terminal is.
const BAR_MIN: usize = 12;

/// Time of day, media time, and a stroke for each.
const SCALE_ROWS: usize = 3;

/// How far the lines of a listed interruption are indented, but for the first.
const LIST_INDENT: usize = 4;

/// The room that the label of a mark takes, with what separates it from the next.
const MARK_WIDTH: usize = 10;

/// Where the recording was asked for.
const PRESSED: char = '▲';

/// An interruption that is shorter than the time of one character.
const SHORT: char = '!';

/// An interruption goes on behind the end of the bar.
const GOES_ON: char = '»';

/// A character for each place.
type Bar = Vec<char>;

/// How to draw.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    /// The language.
    pub(crate) lang: Lang,
    /// Columns of the terminal.
    pub(crate) width: usize,
    /// Whether it shows colours.
    pub(crate) colours: bool,
}

/// The whole picture.
pub(crate) fn draw(timeline: &Timeline, style: Style) -> String {
    let lanes = Lanes::of(timeline);
    let mut parts = vec![labelled(&words::head(style.lang, timeline, &lanes))];
    if lanes.end_ns > 0 {
        parts.push(picture(timeline, &lanes, style).join("\n"));
    }
    let list = words::list(style.lang, timeline);
    if !list.is_empty() {
        parts.push(list.iter().map(|line| wrapped(line, style.width, LIST_INDENT)).collect::<Vec<_>>().join("\n"));
    }
    parts.join("\n\n")
}

/// Scale, bars, marks, legend.
fn picture(timeline: &Timeline, lanes: &Lanes, style: Style) -> Vec<String> {
    let labels: Vec<String> = lanes.drawn.iter().map(|lane| words::label(style.lang, lane.medium)).collect();
    let margin = labels.iter().map(|label| label.width()).max().unwrap_or(0) + 2;
    let length = style.width.saturating_sub(margin + 1).max(BAR_MIN);
    let bars: Vec<Bar> = lanes.drawn.iter().map(|lane| bar(lane, lanes, length)).collect();
    let mut rows: Vec<String> = scale_rows(timeline, lanes, length).to_vec();
    rows.extend(bars.iter().map(|bar| coloured(bar, style.colours)));
    rows.push(marks_row(timeline, lanes.end_ns, length));
    let labels = [""; SCALE_ROWS].into_iter().chain(labels.iter().map(String::as_str)).chain([""]);
    let labelled = |(row, label): (&String, &str)| {
        format!("{label}{}{row}", " ".repeat(margin - label.width())).trim_end().to_owned()
    };
    let mut lines: Vec<String> = rows.iter().zip(labels).map(labelled).collect();
    lines.push(flowed(&legend(timeline, lanes, &bars, style.lang), style.width));
    lines
}

/// The bar of a medium. A hole shows however short it is.
fn bar(lane: &Lane, lanes: &Lanes, length: usize) -> Bar {
    let at = |place| lane.kind_at(scale::middle(place, lanes.end_ns, length));
    let mut bar: Bar = (0..length).map(|place| at(place).map_or(' ', character)).collect();
    for hole in lane.stretches.iter().filter(|stretch| stretch.kind.is_hole()) {
        let first = scale::place(hole.from_ns, lanes.end_ns, length);
        let behind = scale::place(hole.to_ns - 1, lanes.end_ns, length) + 1;
        if !bar[first..behind].contains(&character(hole.kind)) {
            bar[first] = if hole.kind == Kind::Interrupted { SHORT } else { character(hole.kind) };
        }
    }
    let is_missing = lane.stretches.last().is_some_and(|stretch| stretch.kind == Kind::Interrupted);
    if let Some(last) = bar.last_mut().filter(|_| lanes.is_cut && is_missing) {
        *last = GOES_ON;
    }
    bar
}

fn character(kind: Kind) -> char {
    match kind {
        Kind::Recorded => '█',
        Kind::Buffered => '▒',
        Kind::Interrupted => '×',
        Kind::Unexplained => '?',
        Kind::Off => '·',
    }
}

/// The colour of a character, of the 256 that terminals have: blue against orange and yellow.
fn colour(character: char) -> u8 {
    match character {
        '█' => 33,
        '▒' => 117,
        '?' => 227,
        '·' => 245,
        _ => 208,
    }
}

fn coloured(bar: &Bar, colours: bool) -> String {
    if !colours {
        return bar.iter().collect();
    }
    let runs = bar.chunk_by(|one, next| colour(*one) == colour(*next));
    let run = |run: &[char]| format!("\u{1b}[38;5;{}m{}\u{1b}[0m", colour(run[0]), run.iter().collect::<String>());
    runs.map(run).collect()
}

/// Time of day and media time, each where it is.
fn scale_rows(timeline: &Timeline, lanes: &Lanes, length: usize) -> [String; SCALE_ROWS] {
    let (mut of_day, mut of_media, mut strokes) = (Row::new(length), Row::new(length), Row::new(length));
    let marks = scale::marks(lanes.end_ns, (length / MARK_WIDTH).max(1) as u64);
    for at_ns in marks.into_iter().filter(|at_ns| *at_ns <= lanes.scale_end_ns) {
        let place = scale::place(at_ns, lanes.end_ns, length);
        let (media_time, time_of_day) = words::mark(timeline, at_ns);
        if of_day.put(place, &time_of_day) {
            of_media.put(place, &media_time);
            strokes.put(place, "|");
        }
    }
    [of_day.text(), of_media.text(), strokes.text()]
}

/// The numbers of the interruptions, and where the recording was asked for.
fn marks_row(timeline: &Timeline, end_ns: u64, length: usize) -> String {
    let mut row = Row::new(length);
    if let Some(at_ns) = words::start_given(timeline) {
        row.put(scale::place(at_ns, end_ns, length), &PRESSED.to_string());
    }
    for (number, interruption) in (1..).zip(&timeline.interruptions) {
        row.put(scale::place(interruption.from_ns, end_ns, length), &format!("{number}"));
    }
    row.text()
}

/// The characters that occur, with what they mean.
fn legend(timeline: &Timeline, lanes: &Lanes, bars: &[Bar], lang: Lang) -> Vec<String> {
    let kinds = Kind::ALL.into_iter().map(|kind| (character(kind), words::kind(lang, kind)));
    let length = bars.first().map_or(1, Vec::len) as u64;
    let signs = [(SHORT, lang.sign_short(units::duration(lanes.end_ns / length))), (GOES_ON, lang.sign_goes_on())];
    let occurs = |sign: char| bars.iter().any(|bar| bar.contains(&sign));
    let mut entries: Vec<(char, String)> = kinds.chain(signs).filter(|(sign, _)| occurs(*sign)).collect();
    entries.extend(words::start_given(timeline).map(|_| (PRESSED, lang.sign_start_given())));
    entries.iter().map(|(sign, word)| format!("{sign} {word}")).collect()
}

/// A line that is written on at certain places.
struct Row(Vec<char>);

impl Row {
    fn new(length: usize) -> Self {
        Self(vec![' '; length])
    }

    /// Writes a text, where it has room and a place is free before it and behind it. Says whether it did.
    fn put(&mut self, place: usize, text: &str) -> bool {
        let behind = place + text.chars().count();
        let around = place.saturating_sub(1)..self.0.len().min(behind + 1);
        let fits = behind <= self.0.len() && self.0[around].iter().all(|one| *one == ' ');
        if fits {
            self.0.splice(place..behind, text.chars());
        }
        fits
    }

    fn text(&self) -> String {
        self.0.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::examples;

    fn plain(timeline: &Timeline, width: usize) -> String {
        draw(timeline, Style { lang: Lang::En, width, colours: false })
    }

    /// The bars alone.
    fn bars(timeline: &Timeline, width: usize) -> [String; 2] {
        let text = plain(timeline, width);
        let bar = |label: &str| text.lines().rfind(|line| line.starts_with(label)).unwrap().to_owned();
        [bar("Video"), bar("Sound")].map(|line| line[5..].trim().to_owned())
    }

    #[test]
    fn each_kind_has_its_character() {
        let [video, sound] = bars(&examples::camera_gone(), 68);
        assert_eq!(video, format!("{}{}{}{}", "▒".repeat(5), "█".repeat(15), "×".repeat(11), "█".repeat(29)));
        assert_eq!(sound, format!("{}{}", "▒".repeat(5), "█".repeat(55)));
    }

    #[test]
    fn the_marks_stand_where_things_are() {
        let text = plain(&examples::camera_gone(), 68);
        let marks = text.lines().find(|line| line.contains('▲') && !line.contains("start")).unwrap();
        assert_eq!(marks, format!("{}▲{}1", " ".repeat(12), " ".repeat(14)));
        let scale: Vec<&str> = text.lines().skip_while(|line| !line.is_empty()).skip(1).take(3).collect();
        let at_15_s: Vec<&str> = scale.iter().map(|line| line[21..32].trim_end()).collect();
        assert_eq!(at_15_s, [" 14:13:35", " 0:00:15", " |"], "{text}");
    }

    #[test]
    fn what_is_shorter_than_a_character_shows_all_the_same() {
        let [video, sound] = bars(&examples::day_long(), 60);
        assert_eq!(video, "██████!█████████████████████████████×███████████?███");
        assert_eq!(sound, "████████████████████████××██████████×███████████?███");
    }

    #[test]
    fn a_cut_goes_on_behind_the_picture() {
        let [video, _] = bars(&examples::cut_by_power(), 53);
        assert_eq!(video, format!("{}{}××××»", "▒".repeat(10), "█".repeat(30)));
        let text = plain(&examples::cut_by_power(), 80);
        assert!(text.contains("0:10.000 buffered, 0:07:32.000 interrupted") && !text.contains("14:14:05"), "{text}");
        assert!(text.contains("Continued by  5a5a5a5a"), "{text}");
        assert!(text.contains("1  0:00:40.000 (2026-09-21 14:14:00 UTC)"), "{text}");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_but_for_words_that_are() {
        let days = [examples::clean(), examples::prerecorded(), examples::camera_gone(), examples::day_long()];
        for timeline in days {
            for width in [40, 57, 80, 200] {
                for lang in [Lang::En, Lang::Zh] {
                    let text = draw(&timeline, Style { lang, width, colours: false });
                    // What stands above the picture is a table, as everywhere.
                    let (_, picture) = text.split_once("\n\n").unwrap();
                    let widest = picture.lines().map(|line| line.width()).max().unwrap();
                    assert!(widest <= width, "{widest} > {width} in\n{text}");
                }
            }
            assert!(plain(&timeline, 0).contains("Video"));
        }
    }

    #[test]
    fn the_legend_tells_what_occurs_and_no_more() {
        let text = plain(&examples::clean(), 80);
        assert!(
            text.contains("█ recorded") && !text.contains('▒') && !text.contains('×') && !text.contains('▲'),
            "{text}"
        );
        let text = plain(&examples::day_long(), 80);
        for sign in ["█ recorded", "! interrupted for less than 0:19:", "? not recorded, no interruption on record"] {
            assert!(text.contains(sign), "{sign} in\n{text}");
        }
    }

    #[test]
    fn colours_change_no_character() {
        let style = Style { lang: Lang::En, width: 80, colours: true };
        let text = draw(&examples::camera_gone(), style);
        assert!(text.contains("\u{1b}[38;5;208m×××"), "{text}");
        let mut bare = String::new();
        for part in text.split("\u{1b}[") {
            bare.push_str(if bare.is_empty() { part } else { part.split_once('m').unwrap().1 });
        }
        assert_eq!(bare, plain(&examples::camera_gone(), 80));
    }

    #[test]
    fn a_session_without_anything_has_no_picture() {
        let mut empty = examples::clean();
        empty.chunks.clear();
        let text = plain(&empty, 80);
        assert!(text.contains("Video     none") && !text.contains('█'), "{text}");
    }
}
