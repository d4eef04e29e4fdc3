// SPDX-License-Identifier: MIT OR Apache-2.0
//! Draws a timeline as an SVG: a bar for each medium below a scale, what it means and the interruptions below them. Pure.
//!
//! Each kind has a pattern of its own besides its colour, so that it can be read in black and white.

use bus::Timeline;
use unicode_width::UnicodeWidthStr;

use crate::output::wrapped;
use crate::text::Lang;
use crate::timeline::lanes::{Kind, Lane, Lanes, Stretch};
use crate::timeline::{scale, words};
use crate::units;

/// The width of the picture, in pixels as all lengths here.
const WIDTH: f64 = 1000.0;
const MARGIN: f64 = 24.0;
/// The label of the last mark stands half behind the bars.
const BARS_RIGHT: f64 = WIDTH - 40.0;
const BARS_LEFT: f64 = 90.0;
const BARS_TOP: f64 = 106.0;
const BARS_WIDTH: f64 = BARS_RIGHT - BARS_LEFT;
const BAR_HEIGHT: f64 = 46.0;
const BAR_STRIDE: f64 = 60.0;
const LINE: f64 = 20.0;

/// How wide a column of text is at most.
const COLUMN: f64 = 7.0;

/// What is not recorded is at least this wide, however short it is.
const HOLE_MIN: f64 = 3.0;

/// How far apart numbers are that can be read.
const NUMBER_ROOM: f64 = 22.0;

/// The most marks on the scale.
const MARKS_MAX: u64 = 11;

const STYLE: &str = "\
text { font: 13px system-ui, 'Noto Sans', 'Noto Sans CJK SC', sans-serif; fill: #222; white-space: pre }
.title { font-size: 18px; font-weight: 600 }
.lane { font-size: 15px; font-weight: 600; text-anchor: end; dominant-baseline: middle }
.mark { text-anchor: middle; font-size: 12px }
.faint { fill: #666 }
.number { fill: #fff; font-weight: 700; text-anchor: middle; dominant-baseline: central }
.tick { stroke: #bbb }
.start { stroke: #111; stroke-width: 2 }
.recorded { fill: #0072b2 }
.buffered { fill: url(#buffered) }
.interrupted { fill: url(#interrupted); stroke: #d55e00; stroke-width: 1 }
.unexplained { fill: url(#unexplained); stroke: #222; stroke-width: 1; stroke-dasharray: 3 2 }
.off { fill: none; stroke: #999; stroke-width: 1; stroke-dasharray: 1 4 }
";

/// Stripes before the start, crosses in an interruption, dots where nothing is known: no two look alike without colours.
const PATTERNS: &str = "\
<defs>
<pattern id=\"buffered\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
<rect width=\"8\" height=\"8\" fill=\"#a6d8f5\"/><rect width=\"3\" height=\"8\" fill=\"#2b8cc4\"/></pattern>
<pattern id=\"interrupted\" width=\"10\" height=\"10\" patternUnits=\"userSpaceOnUse\">\
<rect width=\"10\" height=\"10\" fill=\"#fff3e8\"/>\
<path d=\"M2 2L8 8M8 2L2 8\" stroke=\"#d55e00\" stroke-width=\"1.6\"/></pattern>
<pattern id=\"unexplained\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">\
<rect width=\"8\" height=\"8\" fill=\"#f7ec6e\"/><circle cx=\"4\" cy=\"4\" r=\"1.6\" fill=\"#222\"/></pattern>
</defs>
";

/// The whole picture.
pub(crate) fn draw(timeline: &Timeline, lang: Lang) -> String {
    let lanes = Lanes::of(timeline);
    let mut page = Page::default();
    let title = lang.picture_title(timeline.session);
    page.text(MARGIN, 36.0, "title", &title);
    if lanes.end_ns > 0 {
        ticks(&mut page, timeline, &lanes);
        bars(&mut page, &lanes, lang);
        signs(&mut page, timeline, &lanes);
    }
    let mut top = below_bars(&lanes) + 46.0;
    top = legend(&mut page, timeline, &lanes, lang, top);
    top = list(&mut page, timeline, lang, top);
    top = facts(&mut page, timeline, &lanes, lang, top);
    page.finish(&title, top)
}

/// Elements, one a line.
#[derive(Default)]
struct Page(String);

impl Page {
    fn put(&mut self, element: &str) {
        self.0 += element;
        self.0.push('\n');
    }

    fn text(&mut self, x: f64, y: f64, class: &str, text: &str) {
        self.put(&format!("<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\">{}</text>", escaped(text)));
    }

    /// A rectangle with what it means where the pointer rests on it.
    fn area(&mut self, from_x: f64, top: f64, to_x: f64, height: f64, class: &str, meaning: &str) {
        let width = to_x - from_x;
        self.put(&format!(
            "<rect x=\"{from_x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" class=\"{class}\">\
             <title>{}</title></rect>",
            escaped(meaning)
        ));
    }

    fn stroke(&mut self, x: f64, from_y: f64, to_y: f64, class: &str) {
        self.put(&format!("<path d=\"M{x:.1} {from_y:.1}V{to_y:.1}\" class=\"{class}\"/>"));
    }

    fn finish(self, title: &str, height: f64) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
             height=\"{height}\" role=\"img\">\n<title>{}</title>\n<style>\n{STYLE}</style>\n{PATTERNS}\
             <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n{}</svg>\n",
            escaped(title),
            self.0
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn x_of(at_ns: u64, lanes: &Lanes) -> f64 {
    BARS_LEFT + at_ns as f64 / lanes.end_ns.max(1) as f64 * BARS_WIDTH
}

fn top_of(lane: usize) -> f64 {
    BARS_TOP + lane as f64 * BAR_STRIDE
}

fn below_bars(lanes: &Lanes) -> f64 {
    if lanes.end_ns > 0 { top_of(lanes.drawn.len()) } else { 40.0 }
}

fn ticks(page: &mut Page, timeline: &Timeline, lanes: &Lanes) {
    let marks = scale::marks(lanes.end_ns, MARKS_MAX);
    for at_ns in marks.into_iter().filter(|at_ns| *at_ns <= lanes.scale_end_ns) {
        let (media_time, time_of_day) = words::mark(timeline, at_ns);
        let x = x_of(at_ns, lanes);
        page.text(x, BARS_TOP - 36.0, "mark faint", &time_of_day);
        page.text(x, BARS_TOP - 18.0, "mark", &media_time);
        page.stroke(x, BARS_TOP - 12.0, below_bars(lanes), "tick");
    }
}

fn bars(page: &mut Page, lanes: &Lanes, lang: Lang) {
    for (number, lane) in lanes.drawn.iter().enumerate() {
        let label = words::label(lang, lane.medium);
        page.text(BARS_LEFT - 14.0, top_of(number) + BAR_HEIGHT / 2.0, "lane", &label);
        // Holes come last: they are widened over what is beside them.
        let (holes, others): (Vec<_>, Vec<_>) = lane.stretches.iter().partition(|stretch| stretch.kind.is_hole());
        for stretch in others.into_iter().chain(holes) {
            let (from_x, to_x) = reach(stretch, lanes);
            let (class, meaning) = (class(stretch.kind), meaning(lang, lane, stretch));
            page.area(from_x, top_of(number), to_x, BAR_HEIGHT, class, &meaning);
        }
    }
}

/// From where to where a stretch is drawn.
fn reach(stretch: &Stretch, lanes: &Lanes) -> (f64, f64) {
    let (from_x, to_x) = (x_of(stretch.from_ns, lanes), x_of(stretch.to_ns, lanes));
    let wanting = if stretch.kind.is_hole() { (HOLE_MIN - (to_x - from_x)).max(0.0) / 2.0 } else { 0.0 };
    (from_x - wanting, to_x + wanting)
}

fn meaning(lang: Lang, lane: &Lane, stretch: &Stretch) -> String {
    let time = lang.range(units::duration(stretch.from_ns), units::duration(stretch.to_ns));
    lang.stretch(words::label(lang, lane.medium), words::kind(lang, stretch.kind), time)
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Recorded => "recorded",
        Kind::Buffered => "buffered",
        Kind::Interrupted => "interrupted",
        Kind::Unexplained => "unexplained",
        Kind::Off => "off",
    }
}

/// Where the start was given, the numbers of the interruptions, and the sign that the last one goes on.
fn signs(page: &mut Page, timeline: &Timeline, lanes: &Lanes) {
    let bottom = below_bars(lanes);
    if let Some(at_ns) = words::start_given(timeline) {
        let x = x_of(at_ns, lanes);
        page.stroke(x, BARS_TOP - 12.0, bottom, "start");
        start_sign(page, x, bottom);
    }
    let mut free_from = f64::MIN;
    for (number, one) in (1..).zip(&timeline.interruptions) {
        let middle_ns = one.from_ns.midpoint(one.to_ns.unwrap_or(lanes.end_ns).min(lanes.end_ns));
        let x = x_of(middle_ns, lanes);
        if x >= free_from {
            free_from = x + NUMBER_ROOM;
            page.put(&format!("<circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"10\" fill=\"#b34700\"/>", bottom + 12.0));
            page.text(x, bottom + 12.0, "number", &format!("{number}"));
        }
    }
    if lanes.is_cut {
        let x = x_of(lanes.scale_end_ns, lanes).midpoint(BARS_RIGHT);
        goes_on_sign(page, x, BARS_TOP - 4.0, bottom - BAR_STRIDE + BAR_HEIGHT + 4.0);
    }
}

fn start_sign(page: &mut Page, x: f64, y: f64) {
    page.put(&format!("<path d=\"M{x:.1} {y:.1}l-7 12h14z\" fill=\"#111\"/>"));
}

/// Two slanted strokes through what is not to scale.
fn goes_on_sign(page: &mut Page, x: f64, top: f64, bottom: f64) {
    let height = bottom - top;
    page.put(&format!(
        "<path d=\"M{x:.1} {bottom:.1}l8 -{height:.1}h6l-8 {height:.1}z\" fill=\"#fff\" stroke=\"#222\"/>"
    ));
}

/// What occurs, with what it means; says where it ends.
fn legend(page: &mut Page, timeline: &Timeline, lanes: &Lanes, lang: Lang, top: f64) -> f64 {
    let (mut x, mut y) = (MARGIN, top);
    let mut entry = |page: &mut Page, word: &str, sign: &dyn Fn(&mut Page, f64, f64)| {
        let width = 30.0 + word.width() as f64 * COLUMN + 18.0;
        if x > MARGIN && x + width > WIDTH - MARGIN {
            (x, y) = (MARGIN, y + LINE + 4.0);
        }
        sign(page, x, y - 11.0);
        page.text(x + 30.0, y, "", word);
        x += width;
    };
    for kind in Kind::ALL.into_iter().filter(|kind| lanes.has(*kind)) {
        let word = words::kind(lang, kind);
        entry(page, &word, &|page, x, y| page.area(x, y, x + 22.0, 14.0, class(kind), &word));
    }
    if words::start_given(timeline).is_some() {
        entry(page, &lang.sign_start_given(), &|page, x, y| start_sign(page, x + 11.0, y + 1.0));
    }
    if lanes.is_cut {
        entry(page, &lang.sign_goes_on(), &|page, x, y| goes_on_sign(page, x + 5.0, y, y + 14.0));
    }
    y + LINE + 12.0
}

/// The interruptions; says where they end.
fn list(page: &mut Page, timeline: &Timeline, lang: Lang, mut y: f64) -> f64 {
    let columns = ((WIDTH - 2.0 * MARGIN) / COLUMN) as usize;
    for line in words::list(lang, timeline) {
        for part in wrapped(&line, columns, 4).lines() {
            let indent = if part.starts_with(' ') { 16.0 } else { 0.0 };
            page.text(MARGIN + indent, y, "", part.trim_start());
            y += LINE;
        }
    }
    if timeline.interruptions.is_empty() { y } else { y + 8.0 }
}

/// What is said about the session besides; says where the picture ends.
fn facts(page: &mut Page, timeline: &Timeline, lanes: &Lanes, lang: Lang, mut y: f64) -> f64 {
    let facts = words::head(lang, timeline, lanes);
    let widest = facts.iter().map(|(label, _)| label.width()).max().unwrap_or(0);
    for (label, value) in &facts {
        page.text(MARGIN, y, "faint", label);
        page.text(MARGIN + (widest as f64 + 3.0) * COLUMN, y, "", value);
        y += LINE;
    }
    y
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::examples;

    fn count(picture: &str, class: &str) -> usize {
        picture.matches(&format!(" class=\"{class}\"><title>")).count()
    }

    #[test]
    fn each_stretch_is_an_area_that_says_what_it_is() {
        let picture = draw(&examples::camera_gone(), Lang::En);
        // One of each kind more is in the legend.
        let counts = ["recorded", "buffered", "interrupted", "unexplained"].map(|class| count(&picture, class));
        assert_eq!(counts, [3 + 1, 2 + 1, 1 + 1, 0]);
        let meaning = "<title>Video: interrupted, 0:00:20.000 to 0:00:31.000</title>";
        assert!(picture.contains(meaning), "{picture}");
        // A third of the bar's 870 pixels in, and 11 of 60 seconds wide.
        assert!(picture.contains("<rect x=\"380.0\" y=\"106.0\" width=\"159.5\""), "{picture}");
    }

    #[test]
    fn what_is_short_can_be_seen() {
        let picture = draw(&examples::day_long(), Lang::En);
        assert!(picture.contains("width=\"3.0\" height=\"46.0\" class=\"interrupted\""), "{picture}");
    }

    #[test]
    fn what_comes_from_outside_cannot_add_elements() {
        let mut timeline = examples::camera_gone();
        timeline.interruptions[0].info.detail = "<script>&\"\u{1b}".into();
        let picture = draw(&timeline, Lang::Zh);
        assert!(picture.contains("&lt;script&gt;&amp;&quot;\\u{1b}") && !picture.contains("<script>"), "{picture}");
    }

    #[test]
    fn every_picture_is_well_formed() {
        let mut empty = examples::clean();
        empty.chunks.clear();
        let all = [
            examples::clean(),
            examples::prerecorded(),
            examples::camera_gone(),
            examples::cut_by_power(),
            examples::continued(),
            examples::day_long(),
            empty,
        ];
        for (timeline, lang) in all.iter().flat_map(|timeline| [(timeline, Lang::En), (timeline, Lang::Zh)]) {
            let picture = draw(timeline, lang);
            let document = roxmltree::Document::parse(&picture).unwrap_or_else(|error| panic!("{error}: {picture}"));
            let height: f64 = document.root_element().attribute("height").unwrap().parse().unwrap();
            let ys = document.descendants().filter_map(|node| node.attribute("y")?.parse::<f64>().ok());
            assert!(ys.fold(0.0, f64::max) < height, "{picture}");
        }
    }
}
