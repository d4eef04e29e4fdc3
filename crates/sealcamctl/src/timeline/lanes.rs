// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a timeline says of each medium at each moment: stretches without a hole between them. Pure.

use bus::{ChunkSpan, Medium, PlacedInterruption, Timeline};

/// A hole that nothing explains is none as long as it is no longer than this: a slow camera gives no frame for each chunk, and
/// sound and picture do not end at once.
const HOLE_NS: u64 = 1_000_000_000;

/// While a session is open, so much may be on its way to the disk.
const IN_FLIGHT_NS: u64 = 2_000_000_000;

/// What lies behind the last chunk takes up at most such a part of what lies before it: a power cut may last for days.
const TAIL_PART: u64 = 8;

/// What there is of a medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is in the files.
    Recorded,
    /// It is in the files, and was captured before the recording was asked for.
    Buffered,
    /// It was not captured, and an interruption says why.
    Interrupted,
    /// It is not in the files, and no interruption says why.
    Unexplained,
    /// It was not to be recorded.
    Off,
}

impl Kind {
    /// All of them, as a legend lists them.
    pub(crate) const ALL: [Self; 5] = [Self::Recorded, Self::Buffered, Self::Interrupted, Self::Unexplained, Self::Off];

    /// Whether something is missing.
    pub(crate) fn is_hole(self) -> bool {
        matches!(self, Self::Interrupted | Self::Unexplained)
    }
}

/// A stretch of media time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// Where it begins.
    pub(crate) from_ns: u64,
    /// Where it ends.
    pub(crate) to_ns: u64,
    /// What there is in it.
    pub(crate) kind: Kind,
}

/// One medium from beginning to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lane {
    /// Which.
    pub(crate) medium: Medium,
    /// What there is of it, in order. Between them, and before and behind them, nothing is said.
    pub(crate) stretches: Vec<Stretch>,
}

impl Lane {
    /// How long all stretches of a kind are together.
    pub(crate) fn sum_ns(&self, kind: Kind) -> u64 {
        self.stretches
            .iter()
            .filter(|stretch| stretch.kind == kind)
            .map(|stretch| stretch.to_ns - stretch.from_ns)
            .sum()
    }

    fn up_to(&self, end_ns: u64) -> Self {
        let clipped = |stretch: &Stretch| Stretch { to_ns: stretch.to_ns.min(end_ns), ..*stretch };
        let begun = self.stretches.iter().take_while(|stretch| stretch.from_ns < end_ns);
        Self { medium: self.medium, stretches: begun.map(clipped).collect() }
    }

    /// What there is at a moment, if something is said of it.
    pub(crate) fn kind_at(&self, at_ns: u64) -> Option<Kind> {
        let behind = self.stretches.partition_point(|stretch| stretch.to_ns <= at_ns);
        self.stretches.get(behind).filter(|stretch| stretch.from_ns <= at_ns).map(|stretch| stretch.kind)
    }
}

/// A session as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lanes {
    /// Pictures, then sound, each from beginning to end.
    pub(crate) whole: Vec<Lane>,
    /// The same up to where the picture ends.
    pub(crate) drawn: Vec<Lane>,
    /// Where the picture ends.
    pub(crate) end_ns: u64,
    /// Up to where it is to scale.
    pub(crate) scale_end_ns: u64,
    /// Whether the session's last interruption goes on behind it.
    pub(crate) is_cut: bool,
}

impl Lanes {
    /// What a timeline says.
    pub(crate) fn of(timeline: &Timeline) -> Self {
        let whole_ns = end_of(timeline);
        let end_ns = drawn_end_ns(timeline, whole_ns);
        let whole: Vec<Lane> = Medium::ALL.iter().map(|medium| lane(timeline, *medium, whole_ns)).collect();
        let drawn = whole.iter().map(|lane| lane.up_to(end_ns)).collect();
        let is_cut = end_ns < whole_ns;
        let scale_end_ns = if is_cut { recorded_end_ns(timeline) } else { end_ns };
        Self { whole, drawn, end_ns, scale_end_ns, is_cut }
    }

    /// Whether a kind occurs.
    pub(crate) fn has(&self, kind: Kind) -> bool {
        self.drawn.iter().any(|lane| lane.stretches.iter().any(|stretch| stretch.kind == kind))
    }
}

/// The media time behind which the timeline says nothing.
fn end_of(timeline: &Timeline) -> u64 {
    let interruptions = timeline.interruptions.iter().map(|one| one.to_ns.unwrap_or(one.from_ns));
    let recorded_ns = recorded_end_ns(timeline);
    let now_ns = timeline.now_ns.filter(|now_ns| *now_ns > recorded_ns.saturating_add(IN_FLIGHT_NS));
    interruptions.chain([recorded_ns, now_ns.unwrap_or(0)]).max().unwrap_or(0)
}

/// The end of the last chunk.
pub(crate) fn recorded_end_ns(timeline: &Timeline) -> u64 {
    timeline.chunks.iter().map(|span| span.to_ns).max().unwrap_or(0)
}

/// Where the picture ends: what lies behind a session that has ended is not drawn to scale.
fn drawn_end_ns(timeline: &Timeline, whole_ns: u64) -> u64 {
    let recorded_ns = recorded_end_ns(timeline);
    if timeline.cause.is_none() || recorded_ns == 0 {
        return whole_ns;
    }
    whole_ns.min(recorded_ns + recorded_ns / TAIL_PART)
}

fn lane(timeline: &Timeline, medium: Medium, end_ns: u64) -> Lane {
    let recorded = recorded(timeline, medium);
    let interrupted = interrupted(timeline, medium, end_ns);
    let is_wanted = !recorded.is_empty() || timeline.interruptions.iter().any(|one| concerns(one, medium));
    let pressed_ns = timeline.pressed_ns.unwrap_or(0);
    let kind_of = |from_ns: u64| match (covers(&interrupted, from_ns), covers(&recorded, from_ns)) {
        // To the frame, where a chunk says only whether there was any.
        (true, _) => Kind::Interrupted,
        (false, true) if from_ns < pressed_ns => Kind::Buffered,
        (false, true) => Kind::Recorded,
        (false, false) if is_wanted => Kind::Unexplained,
        (false, false) => Kind::Off,
    };
    let pieces = pieces(&[&recorded, &interrupted], pressed_ns, end_ns);
    let pieces = pieces.into_iter().map(|(from_ns, to_ns)| Stretch { from_ns, to_ns, kind: kind_of(from_ns) });
    Lane { medium, stretches: without_short_holes(merged(pieces)) }
}

/// Stretches of one kind that follow on are one.
fn merged(pieces: impl Iterator<Item = Stretch>) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for piece in pieces {
        match stretches.last_mut() {
            Some(last) if last.kind == piece.kind && last.to_ns == piece.from_ns => last.to_ns = piece.to_ns,
            _ => stretches.push(piece),
        }
    }
    stretches
}

/// A short hole beside an interruption belongs to it; of one at the beginning or the end nothing is said.
fn without_short_holes(mut stretches: Vec<Stretch>) -> Vec<Stretch> {
    let is_short = |one: &Stretch| one.kind == Kind::Unexplained && one.to_ns - one.from_ns <= HOLE_NS;
    for at in 0..stretches.len() {
        let around = [at.checked_sub(1), Some(at + 1)].into_iter().flatten();
        let is_beside = around.filter_map(|at| stretches.get(at)).any(|one| one.kind == Kind::Interrupted);
        if is_beside && is_short(&stretches[at]) {
            stretches[at].kind = Kind::Interrupted;
        }
    }
    merged(stretches.into_iter().filter(|one| !is_short(one)))
}

/// Stretches of media time, in order, that do not touch.
type Spans = Vec<(u64, u64)>;

fn recorded(timeline: &Timeline, medium: Medium) -> Spans {
    let has = |span: &&ChunkSpan| match medium {
        Medium::Video => span.video,
        Medium::Audio => span.audio,
    };
    joined(timeline.chunks.iter().filter(has).map(|span| (span.from_ns, span.to_ns)).collect(), HOLE_NS)
}

fn interrupted(timeline: &Timeline, medium: Medium, end_ns: u64) -> Spans {
    let of_medium = timeline.interruptions.iter().filter(|one| concerns(one, medium));
    joined(of_medium.map(|one| (one.from_ns, one.to_ns.unwrap_or(end_ns))).collect(), 0)
}

fn concerns(interruption: &PlacedInterruption, medium: Medium) -> bool {
    interruption.info.media.contains(&medium)
}

/// Joins what overlaps or lies no further apart.
fn joined(mut spans: Spans, apart_ns: u64) -> Spans {
    spans.sort_unstable();
    let mut joined: Spans = Vec::new();
    for (from_ns, to_ns) in spans.into_iter().filter(|(from_ns, to_ns)| from_ns < to_ns) {
        match joined.last_mut() {
            Some(last) if from_ns <= last.1.saturating_add(apart_ns) => last.1 = last.1.max(to_ns),
            _ => joined.push((from_ns, to_ns)),
        }
    }
    joined
}

fn covers(spans: &Spans, at_ns: u64) -> bool {
    let behind = spans.partition_point(|(_, to_ns)| *to_ns <= at_ns);
    spans.get(behind).is_some_and(|(from_ns, _)| *from_ns <= at_ns)
}

/// The time from 0 to the end, cut wherever something begins or ends.
fn pieces(all: &[&Spans], pressed_ns: u64, end_ns: u64) -> Spans {
    let edges = all.iter().flat_map(|spans| spans.iter()).flat_map(|(from_ns, to_ns)| [*from_ns, *to_ns]);
    let mut edges: Vec<u64> = edges.chain([0, pressed_ns, end_ns]).filter(|edge_ns| *edge_ns <= end_ns).collect();
    edges.sort_unstable();
    edges.dedup();
    edges.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::examples;

    const SECOND: u64 = 1_000_000_000;

    /// A letter for each kind, and the second at which it ends.
    fn letters(timeline: &Timeline) -> [String; 2] {
        let letter = |kind| match kind {
            Kind::Recorded => 'r',
            Kind::Buffered => 'b',
            Kind::Interrupted => 'i',
            Kind::Unexplained => 'u',
            Kind::Off => 'o',
        };
        let lanes = Lanes::of(timeline).drawn;
        let text = |lane: &Lane| {
            let one = |stretch: &Stretch| format!("{}{}", letter(stretch.kind), stretch.to_ns / SECOND);
            lane.stretches.iter().map(one).collect::<Vec<_>>().join(" ")
        };
        [text(&lanes[0]), text(&lanes[1])]
    }

    #[test]
    fn each_medium_is_told_from_beginning_to_end() {
        assert_eq!(letters(&examples::clean()), ["r12", "r12"]);
        assert_eq!(letters(&examples::prerecorded()), ["b30 r75", "b30 r75"]);
        assert_eq!(letters(&examples::camera_gone()), ["b5 r20 i31 r60", "b5 r60"]);
    }

    #[test]
    fn what_lies_behind_a_cut_does_not_squeeze_what_was_recorded() {
        let lanes = Lanes::of(&examples::cut_by_power());
        assert_eq!(letters(&examples::cut_by_power()), ["b10 r40 i45", "b10 r40 i45"]);
        assert_eq!((lanes.end_ns, lanes.scale_end_ns, lanes.is_cut), (45 * SECOND, 40 * SECOND, true));
        // What is summed up is what it was, not what is drawn.
        assert!(lanes.whole.iter().all(|lane| lane.sum_ns(Kind::Interrupted) == 452 * SECOND));
    }

    #[test]
    fn while_a_session_is_open_its_time_goes_on() {
        let mut open = examples::camera_gone();
        open.cause = None;
        open.interruptions[0].to_ns = None;
        open.chunks.truncate(2);
        open.now_ns = Some(50 * SECOND);
        assert_eq!(letters(&open), ["b5 r20 i50", "b5 r31 u50"]);
    }

    #[test]
    fn a_hole_that_nothing_explains_is_told_and_a_short_one_is_none() {
        let mut holed = examples::clean();
        let span = |from_ms: u64, to_ms: u64| ChunkSpan {
            from_ns: from_ms * 1_000_000,
            to_ns: to_ms * 1_000_000,
            video: true,
            audio: false,
        };
        holed.chunks = vec![span(0, 1000), span(2000, 4000), span(5001, 8000)];
        assert_eq!(letters(&holed), ["r4 u5 r8", "o8"]);
        assert!(Lanes::of(&holed).has(Kind::Unexplained));
    }

    #[test]
    fn what_does_not_end_at_once_leaves_no_hole() {
        let mut untidy = examples::camera_gone();
        // The camera comes back a little before its first chunk, and goes again until a little behind the last sound.
        untidy.interruptions[0].to_ns = Some(30_400_000_000);
        let mut again = untidy.interruptions[0].clone();
        (again.from_ns, again.to_ns) = (59 * SECOND, Some(60_300_000_000));
        untidy.interruptions.push(again);
        assert_eq!(letters(&untidy), ["b5 r20 i31 r59 i60", "b5 r60"]);
        let sound = &Lanes::of(&untidy).drawn[1];
        assert_eq!((sound.stretches[1].to_ns, sound.kind_at(60_200_000_000)), (60 * SECOND, None));
    }

    #[test]
    fn what_is_on_its_way_to_the_disk_is_no_hole() {
        let mut open = examples::clean();
        open.cause = None;
        open.now_ns = Some(14 * SECOND);
        assert_eq!(letters(&open), ["r12", "r12"]);
        open.now_ns = Some(14 * SECOND + 1);
        assert_eq!(letters(&open), ["r12 u14", "r12 u14"]);
    }

    #[test]
    fn an_empty_session_has_no_stretch() {
        let mut empty = examples::clean();
        empty.chunks.clear();
        assert_eq!(letters(&empty), ["", ""]);
        empty.now_ns = Some(3 * SECOND);
        assert_eq!(letters(&empty), ["o3", "o3"]);
    }

    #[test]
    fn the_kind_at_a_moment_is_that_of_its_stretch() {
        let lane = &Lanes::of(&examples::camera_gone()).drawn[0];
        let kinds = [0, 5, 19, 20, 30, 31, 59].map(|at_s| lane.kind_at(at_s * SECOND));
        let (b, r, i) = (Kind::Buffered, Kind::Recorded, Kind::Interrupted);
        assert_eq!(kinds, [b, r, r, i, i, r, r].map(Some));
        assert_eq!(lane.kind_at(60 * SECOND), None);
        assert_eq!((lane.sum_ns(i), lane.sum_ns(r)), (11 * SECOND, 44 * SECOND));
    }
}
