// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is said about a session beside its picture, the same on a terminal and in an SVG. Pure.

use bus::{Medium, PlacedInterruption, Timeline};

use crate::interruptions::{because, length, media};
use crate::text::Lang;
use crate::timeline::lanes::{Kind, Lane, Lanes, recorded_end_ns};
use crate::units;

/// How many interruptions are listed; `--json` has them all.
const LISTED_MAX: usize = 50;

/// Labels and values above the picture.
pub(crate) fn head(lang: Lang, timeline: &Timeline, lanes: &Lanes) -> Vec<(String, String)> {
    let recorded_ns = recorded_end_ns(timeline);
    let (begin, end) = (units::utc(timeline.zero_utc_ns), units::utc(utc_at(timeline, recorded_ns)));
    let mut rows = vec![
        (lang.label_session(), timeline.session.to_string()),
        (lang.label_time(), lang.range(begin, end)),
        (lang.label_duration(), units::duration(recorded_ns)),
    ];
    rows.extend(start_given(timeline).map(|at_ns| (lang.label_start_given(), clock(lang, timeline, at_ns))));
    rows.extend(lanes.whole.iter().map(|lane| (label(lang, lane.medium), sums(lang, lane))));
    let ended = timeline.cause.as_deref().map_or_else(|| lang.still_open(), |cause| lang.end_cause(cause));
    rows.push((lang.label_end_cause(), ended));
    rows.extend(timeline.continues.map(|session| (lang.label_continues(), session.to_string())));
    rows.extend(timeline.continued_by.map(|session| (lang.label_continued_by(), session.to_string())));
    rows
}

/// When the recording was asked for, if something was buffered before it.
pub(crate) fn start_given(timeline: &Timeline) -> Option<u64> {
    timeline.pressed_ns.filter(|at_ns| *at_ns > 0)
}

/// The name of a lane.
pub(crate) fn label(lang: Lang, medium: Medium) -> String {
    match medium {
        Medium::Video => lang.lane_video(),
        Medium::Audio => lang.lane_audio(),
    }
}

/// The word for a kind in the legend.
pub(crate) fn kind(lang: Lang, kind: Kind) -> String {
    match kind {
        Kind::Recorded => lang.kind_recorded(),
        Kind::Buffered => lang.kind_buffered(),
        Kind::Interrupted => lang.kind_interrupted(),
        Kind::Unexplained => lang.kind_unexplained(),
        Kind::Off => lang.kind_off(),
    }
}

/// The same in a sum.
fn short(lang: Lang, kind: Kind) -> String {
    match kind {
        Kind::Recorded => lang.short_recorded(),
        Kind::Buffered => lang.short_buffered(),
        Kind::Interrupted => lang.short_interrupted(),
        Kind::Unexplained => lang.short_unexplained(),
        Kind::Off => lang.short_off(),
    }
}

/// A line for each interruption, numbered as in the picture.
pub(crate) fn list(lang: Lang, timeline: &Timeline) -> Vec<String> {
    let numbered = (1..).zip(&timeline.interruptions);
    let mut lines: Vec<String> =
        numbered.take(LISTED_MAX).map(|(number, one)| line(lang, timeline, number, one)).collect();
    let more = timeline.interruptions.len().saturating_sub(LISTED_MAX);
    lines.extend((more > 0).then(|| lang.and_more(more)));
    lines
}

/// The label of a mark on the scale: media time, and the time of day in UTC.
pub(crate) fn mark(timeline: &Timeline, at_ns: u64) -> (String, String) {
    let utc = units::utc(utc_at(timeline, at_ns));
    let time_of_day = utc.split(' ').nth(1).unwrap_or(&utc).to_owned();
    (units::seconds(at_ns), time_of_day)
}

fn sums(lang: Lang, lane: &Lane) -> String {
    let part = |one: Kind| match lane.sum_ns(one) {
        0 => None,
        sum_ns => Some(lang.sum(short(lang, one), units::duration(sum_ns))),
    };
    let parts: Vec<String> = Kind::ALL.into_iter().filter_map(part).collect();
    if parts.is_empty() { lang.none() } else { parts.join(&lang.comma()) }
}

fn line(lang: Lang, timeline: &Timeline, number: usize, interruption: &PlacedInterruption) -> String {
    lang.numbered(
        number,
        clock(lang, timeline, interruption.from_ns),
        length(lang, &interruption.info),
        media(lang, &interruption.info.media),
        because(lang, &interruption.info),
    )
}

/// A moment as the player shows it, and in UTC.
fn clock(lang: Lang, timeline: &Timeline, at_ns: u64) -> String {
    lang.media_time(units::duration(at_ns), units::utc(utc_at(timeline, at_ns)))
}

fn utc_at(timeline: &Timeline, at_ns: u64) -> i64 {
    timeline.zero_utc_ns.saturating_add_unsigned(at_ns)
}
