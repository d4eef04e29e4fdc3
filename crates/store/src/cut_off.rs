// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is put on record of a session that was cut off: an interruption from the last thing captured to the moment at which
//! the session is closed, with what is known of its cause.

use crate::index::Index;
use crate::scan::Scanned;
use evidence::SessionId;
use evidence::entry::SessionStartBody;
use evidence::ledger::SignedEntry;
use evidence::record::Medium;
use evidence::time::{BootNs, Clock};
use std::collections::BTreeSet;

/// A battery that says as little as this and goes with the machine was exhausted, in percent.
const EXHAUSTED_PERCENT: u8 = 5;

const SECOND_NS: u64 = 1_000_000_000;

/// What the files and the index tell of a session that was cut off.
pub(crate) struct CutOff {
    /// When the last thing was captured that is there.
    pub(crate) from: Clock,
    /// When the recorder was last seen at work on the session.
    pub(crate) seen: Clock,
    /// What it recorded.
    pub(crate) media: Vec<Medium>,
    /// How many chunks were durable once and are not there any more.
    pub(crate) lost_chunks: u64,
    battery: Option<String>,
}

/// What was indexed of a session when it was cut off: how many chunks.
pub(crate) fn indexed_chunks(index: Option<&Index>, session: SessionId) -> u64 {
    index.and_then(|index| index.chunks_up_to(session).ok()).map_or(0, |(chunks, _)| chunks)
}

impl CutOff {
    /// `scans` are the session's own segments and `index` has them by now; `indexed` chunks were in it before; `own` are
    /// the entries of the session, `start` first.
    pub(crate) fn of(
        start: (&SignedEntry, &SessionStartBody),
        own: &[SignedEntry],
        scans: &[&Scanned],
        index: Option<&Index>,
        indexed: u64,
    ) -> CutOff {
        let (signed, body) = start;
        let last = scans.iter().filter_map(|scan| scan.records.last()).max_by_key(|found| found.record.seq);
        let clock = last.map_or(&signed.entry.clock, |found| &found.record.clock);
        let up_to = index.and_then(|index| index.chunks_up_to(body.session).ok());
        let (chunks, to_ns) = chunks_there(scans).or(up_to).unwrap_or_default();
        let captured = BootNs(body.zero_boot_ns.0.saturating_add(to_ns));
        let same_boot = clock.boot_id == signed.entry.clock.boot_id;
        let from = if same_boot && captured < clock.boot_ns { clock.at(captured) } else { clock.clone() };
        // The record of the chunk that was in flight is no proof that it was durable.
        let torn = scans.iter().map(|scan| scan.unsound).sum::<u64>().saturating_sub(1);
        CutOff {
            from,
            seen: last_seen(clock, own),
            media: body.sources.iter().map(|source| source.medium).collect::<BTreeSet<_>>().into_iter().collect(),
            lost_chunks: indexed.saturating_sub(chunks).max(torn),
            battery: last_battery(scans)
                .or_else(|| index.and_then(|index| index.last_event(body.session, "battery").ok().flatten())),
        }
    }

    /// Why, as far as it is known at `now`.
    pub(crate) fn cause(&self, now: &Clock) -> &'static str {
        let exhausted = self.battery.as_deref().is_some_and(is_exhausted);
        match now.boot_id == self.from.boot_id {
            true => "recorder",
            false if exhausted => "battery",
            false => "power",
        }
    }

    /// How long nothing was recorded at `now`, in nanoseconds, where the clocks say.
    pub(crate) fn without_ns(&self, now: &Clock) -> Option<u64> {
        without_recording_ns(&self.from, now)
    }

    /// How long nothing was recorded, and what is missing.
    pub(crate) fn detail(&self, now: &Clock) -> String {
        let time = match self.without_ns(now) {
            Some(ns) => format!("{} without recording", in_words(ns)),
            None => "UTC was set back: nobody knows how long nothing was recorded".into(),
        };
        match self.lost_chunks {
            0 => time,
            1 => format!("{time}; 1 chunk that was durable is not there any more"),
            chunks => format!("{time}; {chunks} chunks that were durable are not there any more"),
        }
    }
}

/// How many chunks there are by the last one that was read, and the media time at which they end.
fn chunks_there(scans: &[&Scanned]) -> Option<(u64, u64)> {
    let records = scans.iter().flat_map(|scan| &scan.records).map(|found| &found.record);
    let ends = records.filter(|record| !record.tracks.is_empty()).map(|record| {
        let to_ns = record.tracks.iter().map(|track| track.to_ns(track.end())).max().unwrap_or(0);
        (record.chunk.saturating_add(1), to_ns)
    });
    ends.reduce(|one, next| (one.0.max(next.0), one.1.max(next.1)))
}

/// The latest of these clocks in the boot of the session.
fn last_seen(record: &Clock, own: &[SignedEntry]) -> Clock {
    let entries = own.iter().map(|signed| &signed.entry.clock).filter(|clock| clock.boot_id == record.boot_id);
    entries.chain([record]).max_by_key(|clock| clock.boot_ns).unwrap_or(record).clone()
}

fn last_battery(scans: &[&Scanned]) -> Option<String> {
    let records = scans.iter().flat_map(|scan| &scan.records).map(|found| &found.record);
    let told = records.filter_map(|record| {
        let event = record.events.iter().rfind(|event| event.event == "battery")?;
        Some((record.seq, event.detail.clone()))
    });
    told.max_by_key(|(seq, _)| *seq).map(|(_, detail)| detail)
}

/// Whether a `battery` event says that it was as good as empty: `PERCENT discharging`.
fn is_exhausted(detail: &str) -> bool {
    let percent = detail.strip_suffix(" discharging").and_then(|percent| percent.parse::<u8>().ok());
    percent.is_some_and(|percent| percent <= EXHAUSTED_PERCENT)
}

/// By boot time within one boot, else by UTC.
fn without_recording_ns(from: &Clock, to: &Clock) -> Option<u64> {
    match from.boot_id == to.boot_id {
        true => to.boot_ns.0.checked_sub(from.boot_ns.0),
        false => u64::try_from(to.utc_ns.0.checked_sub(from.utc_ns.0)?).ok(),
    }
}

fn in_words(ns: u64) -> String {
    let (tenths, seconds) = (ns / (SECOND_NS / 10) % 10, ns / SECOND_NS);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match () {
        () if days > 0 => format!("{days} d {} h", hours % 24),
        () if hours > 0 => format!("{hours} h {} min", minutes % 60),
        () if minutes > 0 => format!("{minutes} min {} s", seconds % 60),
        () => format!("{seconds}.{tenths} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_its_two_largest_units() {
        let s = |seconds: u64| in_words(seconds * SECOND_NS);
        assert_eq!([in_words(2_460_000_000), s(59), s(60), s(3599)], ["2.4 s", "59.0 s", "1 min 0 s", "59 min 59 s"]);
        assert_eq!([s(3600), s(86_399), s(200_000)], ["1 h 0 min", "23 h 59 min", "2 d 7 h"]);
    }

    #[test]
    fn only_a_battery_that_is_nearly_empty_and_not_charged_was_exhausted() {
        assert!(["5 discharging", "0 discharging"].into_iter().all(is_exhausted));
        let others = ["6 discharging", "3 charging", "discharging", "", "five discharging", "-1 discharging", "300"];
        assert!(!others.into_iter().any(is_exhausted));
    }
}
