// SPDX-License-Identifier: MIT OR Apache-2.0
//! Judges what entries say of interruptions, and makes recorded gaps of them.

use super::detail::{Cause, Detail};
use super::report::{Finding, Gap, Problem};
use super::session::Entries;
use crate::entry::{Body, SessionStartBody};
use crate::interruption::InterruptionBody;
use crate::ledger::SignedEntry;
use crate::record::Medium;
use crate::time::Clock;
use crate::{InterruptionId, SessionId};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// How far a gap of the records may stick out of an interruption and still be taken for it, in nanoseconds.
const SLACK_NS: u64 = 1_000_000_000;

/// What the entries of the file at `path`, in their order, say against one another about interruptions.
pub(super) fn disagreements<'a>(path: &Path, entries: impl IntoIterator<Item = &'a SignedEntry>) -> Vec<Finding> {
    let (mut begun, mut ended) = (BTreeMap::new(), BTreeSet::new());
    let mut odd = |signed: &SignedEntry| odd_entry(&mut begun, &mut ended, signed);
    let details: Vec<_> = entries.into_iter().filter_map(&mut odd).collect();
    details.into_iter().map(|detail| Finding::new(Problem::Forged, path, detail)).collect()
}

fn odd_entry(
    begun: &mut BTreeMap<InterruptionId, SessionId>,
    ended: &mut BTreeSet<InterruptionId>,
    signed: &SignedEntry,
) -> Option<Detail> {
    let seq = signed.entry.seq;
    match &signed.entry.body {
        Body::Interruption(body) if begun.contains_key(&body.id) => Some(Detail::InterruptionTwice { seq }),
        Body::Interruption(body) => {
            begun.insert(body.id, body.session);
            None
        }
        Body::InterruptionEnd(body) => {
            let fits = begun.get(&body.id) == Some(&body.session) && ended.insert(body.id);
            (!fits).then_some(Detail::InterruptionNotOpen { seq })
        }
        Body::InterruptionNote(body) if !begun.contains_key(&body.id) => Some(Detail::InterruptionUnknown { seq }),
        _ => None,
    }
}

/// The interruptions of one session.
pub(super) struct Interruptions {
    /// Each as a gap of each of its media.
    pub(super) gaps: Vec<Gap>,
    covered: BTreeMap<Medium, Spans>,
    /// What the session recorded.
    media: BTreeSet<Medium>,
}

impl Interruptions {
    /// Those that the entries of a session tell; `start` gives its zero.
    pub(super) fn of(entries: &Entries, start: Option<(&SignedEntry, &SessionStartBody)>) -> Interruptions {
        let closed = entries.closed().map(|signed| &signed.entry.clock);
        let all = begun_and_ended(entries).into_iter();
        let gaps: Vec<_> = all.flat_map(|(body, to)| gaps_of(body, to.or(closed), start)).collect();
        let mut covered = BTreeMap::<Medium, Vec<(u64, u64)>>::new();
        for gap in &gaps {
            let span = gap.medium.zip(gap.from_ns).map(|(medium, from_ns)| (medium, (from_ns, gap.to_ns)));
            // One that is over in another boot, or not at all, covers whatever of the session comes behind its beginning.
            let Some((medium, (from_ns, to_ns))) = span else { continue };
            covered.entry(medium).or_default().push((from_ns, to_ns.unwrap_or(u64::MAX)));
        }
        let covered = covered.into_iter().map(|(medium, spans)| (medium, Spans::new(spans))).collect();
        let media = start.iter().flat_map(|(_, body)| &body.sources).map(|source| source.medium).collect();
        Interruptions { gaps, covered, media }
    }

    /// Whether a gap that the records or the end show is one of these.
    pub(super) fn cover(&self, gap: &Gap) -> bool {
        let (Some(from_ns), Some(to_ns)) = (gap.from_ns, gap.to_ns) else { return false };
        let covers = |medium: &Medium| self.covered.get(medium).is_some_and(|spans| spans.cover(from_ns, to_ns));
        match (gap.medium, &gap.cause) {
            (_, Cause::MoreGaps { .. }) => false,
            (Some(medium), _) => covers(&medium),
            (None, _) => !self.media.is_empty() && self.media.iter().all(covers),
        }
    }
}

/// Each interruption with its end; what is forged does not count.
fn begun_and_ended(entries: &Entries) -> Vec<(&InterruptionBody, Option<&Clock>)> {
    let mut all: Vec<(&InterruptionBody, Option<&Clock>)> = Vec::new();
    let mut places = BTreeMap::new();
    for signed in &entries.0 {
        match &signed.entry.body {
            Body::Interruption(body) => {
                places.entry(body.id).or_insert_with(|| {
                    all.push((body, None));
                    all.len() - 1
                });
            }
            Body::InterruptionEnd(body) => {
                let begun = places.get(&body.id).and_then(|place| all.get_mut(*place));
                begun.map(|(_, to)| to.get_or_insert(&body.to));
            }
            _ => {}
        }
    }
    all
}

fn gaps_of(
    body: &InterruptionBody,
    to: Option<&Clock>,
    start: Option<(&SignedEntry, &SessionStartBody)>,
) -> impl Iterator<Item = Gap> {
    let media_ns = |clock| start.and_then(|(signed, start)| media_ns(clock, &signed.entry.clock, start));
    let (from_ns, to_ns) = (media_ns(&body.from), to.and_then(media_ns));
    let (cause, detail) = (body.cause.clone(), body.detail.clone());
    let cause = match detail.is_empty() {
        true => Cause::Interrupted { cause },
        false => Cause::InterruptedBy { cause, detail },
    };
    body.media.iter().map(move |medium| Gap {
        medium: Some(*medium),
        from_ns,
        to_ns,
        recorded: true,
        cause: cause.clone(),
    })
}

/// A moment as media time, if it lies in the boot in which the session began.
fn media_ns(clock: &Clock, began: &Clock, start: &SessionStartBody) -> Option<u64> {
    (clock.boot_id == began.boot_id).then(|| clock.boot_ns.0.saturating_sub(start.zero_boot_ns.0))
}

/// Stretches of media time, sorted by their beginning, each with the latest end of all up to it.
struct Spans(Vec<(u64, u64)>);

impl Spans {
    fn new(mut spans: Vec<(u64, u64)>) -> Spans {
        spans.sort_unstable();
        let mut latest_ns = 0;
        for (_, to_ns) in &mut spans {
            latest_ns = latest_ns.max(*to_ns);
            *to_ns = latest_ns;
        }
        Spans(spans)
    }

    /// Whether one of them covers this stretch, but for the slack.
    fn cover(&self, from_ns: u64, to_ns: u64) -> bool {
        let before = self.0.partition_point(|(begin_ns, _)| *begin_ns <= from_ns.saturating_add(SLACK_NS));
        before.checked_sub(1).is_some_and(|last| self.0[last].1.saturating_add(SLACK_NS) >= to_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_covered_by_one_span_that_reaches_from_its_beginning_to_its_end() {
        let s = |ns: u64| ns * SLACK_NS;
        let spans = Spans::new(vec![(s(50), s(60)), (s(10), s(40)), (s(20), s(25)), (s(90), u64::MAX)]);
        let covered = [(10, 40), (9, 41), (30, 40), (55, 55), (61, 61), (1000, 2000), (89, 90)];
        let bare = [(8, 20), (30, 42), (30, 55), (62, 62), (88, 95), (0, 0)];
        assert!(covered.iter().all(|(from, to)| spans.cover(s(*from), s(*to))));
        assert!(bare.iter().all(|(from, to)| !spans.cover(s(*from), s(*to))));
        assert!(!Spans::new(Vec::new()).cover(0, 0));
    }
}
