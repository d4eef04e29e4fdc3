// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether ledger entries are signed by the device's keys, each at its place in the key history.

use super::detail::Distrust;
use super::report::Trust;
use crate::history::KeyHistory;
use crate::ledger::SignedEntry;

/// Judges entries that were opened, so whose signature fits the key they name.
pub(super) fn judge<'a>(history: Option<&KeyHistory>, entries: impl IntoIterator<Item = &'a SignedEntry>) -> Trust {
    let mut entries = entries.into_iter().peekable();
    let device = entries.peek().map(|e| e.entry.device);
    let Some(history) = history.filter(|_| device.is_some()) else {
        return Trust::NotChecked { device };
    };
    let trusted = Trust::Trusted { device: history.device() };
    entries.map(|entry| judge_one(history, entry)).fold(trusted, Trust::and)
}

fn judge_one(history: &KeyHistory, signed: &SignedEntry) -> Trust {
    let (entry, device) = (&signed.entry, history.device());
    if entry.device != device {
        return Trust::NotTrusted { reason: Distrust::OtherDevice { seq: entry.seq, device: entry.device } };
    }
    let last = history.entries().last().map_or(0, |key| key.entry.seq);
    match history.key_for(entry.seq) == Some(signed.key) {
        true => Trust::Trusted { device },
        false if entry.seq > last => Trust::TooOld { device },
        false => Trust::NotTrusted { reason: Distrust::OtherKey { seq: entry.seq } },
    }
}
