// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds in the records what was not captured, within a file and from one to the next, and whether they say why. Knows
//! nothing of interruptions: the session holds these gaps against them.

use super::detail::Cause;
use super::report::Gap;
use crate::record::{Event, Medium, Record, Track};
use std::collections::{BTreeMap, BTreeSet};

/// How many gaps of one medium, recorded or missing, are listed of a file one by one.
const MAX_LISTED: usize = 1000;

/// A pause between two chunks of a track longer than this is a gap, in nanoseconds. Ticks are rounded to less.
const PAUSE_NS: u64 = 1_000_000;

/// The gaps within one file.
#[derive(Default)]
pub(super) struct Gaps {
    /// By whether they are recorded and by medium, so that many of one kind hide none of another.
    listed: BTreeMap<(bool, Option<Medium>), Vec<Gap>>,
    pub(super) tracks: Tracks,
}

/// Where the tracks begin and end in one file or in several that follow on, in nanoseconds of the session.
#[derive(Default)]
pub(super) struct Tracks {
    begins: BTreeMap<Medium, Begin>,
    ends: BTreeMap<Medium, u64>,
    /// Of which media an event told a loss in a record behind that of their last track.
    told: BTreeSet<Medium>,
}

/// Where the first track of a medium begins.
#[derive(Clone, Copy)]
struct Begin {
    at_ns: u64,
    /// Whether its file tells a loss in front of it.
    is_told: bool,
}

impl Gaps {
    /// Goes on with the next record in its place; its events are told as of `at_ns`.
    pub(super) fn take(&mut self, record: &Record, at_ns: u64) {
        let losses: Vec<_> = record.events.iter().filter(|event| is_loss(event)).collect();
        self.tracks.told.extend(losses.iter().flat_map(|event| media_of(event)));
        record.tracks.iter().for_each(|track| self.take_track(track));
        // What this record tells is no reason for a pause that begins behind its tracks.
        self.tracks.told.retain(|medium| record.tracks.iter().all(|track| track.medium != *medium));
        for event in losses {
            self.list(Gap::recorded(event.medium, at_ns, at_ns, Cause::Recorded { words: event.detail.clone() }));
        }
    }

    fn take_track(&mut self, track: &Track) {
        let (from_ns, to_ns) = (track.to_ns(track.start), track.to_ns(track.end()));
        let is_told = track.lost > 0 || self.tracks.told.contains(&track.medium);
        self.tracks.begins.entry(track.medium).or_insert(Begin { at_ns: from_ns, is_told });
        let before_ns = self.tracks.ends.insert(track.medium, to_ns).unwrap_or(from_ns);
        if track.lost > 0 {
            let cause = Cause::Lost { count: track.lost };
            self.list(Gap::recorded(Some(track.medium), before_ns.min(from_ns), from_ns, cause));
        } else if is_pause(before_ns, from_ns) {
            self.list(Gap::pause(track.medium, before_ns, from_ns, is_told));
        }
    }

    fn list(&mut self, gap: Gap) {
        let of_kind = self.listed.entry((gap.recorded, gap.medium)).or_default();
        match of_kind.get_mut(MAX_LISTED) {
            Some(rest) => *rest = both(rest, &gap),
            None => of_kind.push(gap),
        }
    }

    /// All of them, by their beginnings.
    pub(super) fn listed(self) -> Vec<Gap> {
        let mut gaps = self.listed.into_values().flatten().collect::<Vec<_>>();
        gaps.sort_by_key(|gap| gap.from_ns);
        gaps
    }
}

impl Tracks {
    /// Goes on with those of the next file. Gives the pauses in between.
    pub(super) fn go_on(&mut self, next: &Tracks) -> Vec<Gap> {
        let gaps = next.begins.iter().filter_map(|(medium, begin)| self.pause(*medium, *begin)).collect();
        self.told.retain(|medium| !next.begins.contains_key(medium));
        self.told.extend(&next.told);
        self.ends.extend(&next.ends);
        gaps
    }

    fn pause(&self, medium: Medium, begin: Begin) -> Option<Gap> {
        let end_ns = *self.ends.get(&medium)?;
        let is_told = begin.is_told || self.told.contains(&medium);
        is_pause(end_ns, begin.at_ns).then(|| Gap::pause(medium, end_ns, begin.at_ns, is_told))
    }
}

fn is_pause(end_ns: u64, from_ns: u64) -> bool {
    from_ns > end_ns.saturating_add(PAUSE_NS)
}

fn is_loss(event: &Event) -> bool {
    matches!(event.event.as_str(), "source-failed" | "lost")
}

/// The media that an event is about: without one, all.
fn media_of(event: &Event) -> Vec<Medium> {
    event.medium.map_or_else(|| vec![Medium::Video, Medium::Audio], |medium| vec![medium])
}

/// Two gaps of one kind as the rest of those of a file.
fn both(one: &Gap, other: &Gap) -> Gap {
    Gap {
        from_ns: one.from_ns.min(other.from_ns),
        to_ns: one.to_ns.max(other.to_ns),
        cause: Cause::MoreGaps { count: one.count().saturating_add(other.count()) },
        ..one.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_recorded_gaps_hide_no_missing_one() {
        let mut gaps = Gaps::default();
        let moment = |n| Gap::recorded(None, n, n, Cause::Recorded { words: "gone".into() });
        (0..2000).for_each(|n| gaps.list(moment(n)));
        gaps.list(Gap::pause(Medium::Video, 3000, 4000, false));
        let listed = gaps.listed();
        assert_eq!(listed.len(), MAX_LISTED + 2);
        assert_eq!(listed.iter().map(Gap::count).sum::<u64>(), 2001);
        assert_eq!(listed[MAX_LISTED], Gap::recorded(None, 1000, 1999, Cause::MoreGaps { count: 1000 }));
        assert!(!listed[MAX_LISTED + 1].recorded);
    }
}
