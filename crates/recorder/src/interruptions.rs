// SPDX-License-Identifier: MIT OR Apache-2.0
//! The interruptions of one session. While the session is still being opened they are held, and entered when it is open.

use crate::effect::{Effect, Turn};
use crate::fault::Fault;
use crate::medium::{Media, Medium, PerMedium};

/// A stretch that was not recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) fault: Fault,
    pub(crate) media: Media,
    pub(crate) from_ns: u64,
    pub(crate) reason: String,
}

/// How many gaps of one kind may wait for the session to be open. Those that come then are joined to the last.
const HELD_MAX: usize = 8;

/// A gap that waits for the session to be open.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    gap: Gap,
    to_ns: Option<u64>,
}

/// What is known of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct OfSource {
    open: Option<u64>,
    held: Vec<Held>,
    /// When it came back last.
    back_ns: u64,
}

/// The interruptions of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interruptions {
    is_session_open: bool,
    last_number: u64,
    sources: PerMedium<OfSource>,
    storage: Option<u64>,
    /// Those that were over before the session was open.
    held_past: Vec<Held>,
}

impl Interruptions {
    /// The session is open: what was held is entered.
    pub(crate) fn session_opened(&mut self, turn: &mut Turn) {
        self.is_session_open = true;
        for medium in Medium::ALL {
            for held in std::mem::take(&mut self.sources[medium].held) {
                self.sources[medium].open = self.enter_held(held, turn);
            }
        }
        for held in std::mem::take(&mut self.held_past) {
            self.enter_held(held, turn);
        }
    }

    /// A source is gone since `from_ns`. Nothing new if it was already.
    pub(crate) fn source_gone(&mut self, medium: Medium, fault: Fault, from_ns: u64, reason: String, turn: &mut Turn) {
        if self.is_gone(medium) {
            return;
        }
        let from_ns = from_ns.max(self.sources[medium].back_ns).min(turn.now_ns);
        let gap = Gap { fault, media: medium.into(), from_ns, reason };
        if self.is_session_open {
            self.sources[medium].open = Some(self.enter(gap, turn));
        } else {
            hold(&mut self.sources[medium].held, Held { gap, to_ns: None });
        }
    }

    /// A source is back.
    pub(crate) fn source_back(&mut self, medium: Medium, turn: &mut Turn) {
        let source = &mut self.sources[medium];
        source.back_ns = turn.now_ns;
        if let Some(held) = source.held.last_mut() {
            held.to_ns.get_or_insert(turn.now_ns);
        }
        if let Some(number) = source.open.take() {
            turn.give(Effect::EndInterruption { number, to_ns: turn.now_ns });
        }
    }

    /// The storage does not keep up and media are lost for it, since `from_ns`.
    pub(crate) fn storage_lost(&mut self, media: Media, from_ns: u64, reason: String, turn: &mut Turn) {
        if self.storage.is_none() {
            self.storage = Some(self.enter(Gap { fault: Fault::Storage, media, from_ns, reason }, turn));
        }
    }

    /// The storage keeps up again since `to_ns`.
    pub(crate) fn storage_back(&mut self, to_ns: u64, turn: &mut Turn) {
        if let Some(number) = self.storage.take() {
            turn.give(Effect::EndInterruption { number, to_ns });
        }
    }

    /// Something was missing, and is not any more since `to_ns`.
    pub(crate) fn was_missing(&mut self, gap: Gap, to_ns: u64, turn: &mut Turn) {
        let held = Held { gap, to_ns: Some(to_ns) };
        if self.is_session_open {
            self.enter_held(held, turn);
        } else {
            hold(&mut self.held_past, held);
        }
    }

    /// Whether a source is gone now.
    pub(crate) fn is_gone(&self, medium: Medium) -> bool {
        let source = &self.sources[medium];
        source.open.is_some() || source.held.last().is_some_and(|held| held.to_ns.is_none())
    }

    /// Nothing is recorded any more, so nothing is missing.
    pub(crate) fn end_all(&mut self, turn: &mut Turn) {
        Medium::ALL.into_iter().for_each(|medium| self.source_back(medium, turn));
        self.storage_back(turn.now_ns, turn);
    }

    /// What of these is missing.
    pub(crate) fn missing(&self, media: Media) -> Media {
        let is_missing = |medium: &Medium| self.storage.is_some() || self.sources[*medium].open.is_some();
        media.iter().filter(is_missing).collect()
    }

    fn enter(&mut self, gap: Gap, turn: &mut Turn) -> u64 {
        self.last_number += 1;
        let Gap { fault, media, from_ns, reason } = gap;
        turn.give(Effect::BeginInterruption { number: self.last_number, fault, media, from_ns, reason });
        self.last_number
    }

    /// Its number if it is not over.
    fn enter_held(&mut self, held: Held, turn: &mut Turn) -> Option<u64> {
        let number = self.enter(held.gap, turn);
        match held.to_ns {
            Some(to_ns) => {
                turn.give(Effect::EndInterruption { number, to_ns });
                None
            }
            None => Some(number),
        }
    }
}

fn hold(all: &mut Vec<Held>, held: Held) {
    let is_full = all.len() == HELD_MAX;
    match all.last_mut() {
        Some(last) if is_full => last.to_ns = held.to_ns,
        _ => all.push(held),
    }
}
