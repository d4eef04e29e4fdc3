// SPDX-License-Identifier: MIT OR Apache-2.0
//! Puts on record what was not captured and why, what an officer says of it, and that the clock was set.

use crate::session::SessionWriter;
use crate::{Evidence, StoreError};
use evidence::InterruptionId;
use evidence::entry::{Body, ClockStepBody};
use evidence::interruption::{InterruptionBody, InterruptionEndBody, InterruptionNoteBody, Known};
use evidence::record::Medium;
use evidence::time::{BootNs, Clock};

/// The longest account, with its cause and officer, in bytes. An entry must not be longer than 64 KiB.
pub const MAX_ACCOUNT_BYTES: usize = 48 * 1024;

/// An interruption that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInterruption {
    /// Why, in a word of `docs/design/continuity.md`.
    pub cause: String,
    /// Who says so.
    pub known: Known,
    /// What is not captured; at least one.
    pub media: Vec<Medium>,
    /// When the last thing was captured.
    pub from_boot_ns: BootNs,
    /// What is known beside the cause; empty if nothing is.
    pub detail: String,
}

/// An id that no interruption has.
pub(crate) fn new_id() -> InterruptionId {
    InterruptionId(uuid::Uuid::new_v4().into_bytes())
}

impl SessionWriter {
    /// Puts on record that something is not captured any more. It is in the ledger then, and in the session's folder (if a
    /// copy cannot be written there, the end of the session or the next start writes it).
    ///
    /// # Errors
    /// [`StoreError::NoMedium`] if `new` has no medium; [`StoreError`] if the entry cannot be made durable.
    pub fn begin_interruption(&mut self, new: NewInterruption) -> Result<InterruptionId, StoreError> {
        let mut media = new.media;
        media.sort_unstable();
        media.dedup();
        if media.is_empty() {
            return Err(StoreError::NoMedium);
        }
        let (id, from) = (new_id(), self.evidence().clock.now().at(new.from_boot_ns));
        let (session, detail) = (self.id(), new.detail);
        let body = InterruptionBody { id, session, cause: new.cause, known: new.known, media, from, detail };
        self.enter(&Body::Interruption(body))?;
        self.interruptions.push(id);
        Ok(id)
    }

    /// Puts on record that an interruption was over at a moment.
    ///
    /// # Errors
    /// [`StoreError::NoInterruption`] if it is not open in this session; [`StoreError`] if the entry cannot be made durable.
    pub fn end_interruption(&mut self, id: InterruptionId, to_boot_ns: BootNs) -> Result<(), StoreError> {
        if !self.interruptions.contains(&id) {
            return Err(StoreError::NoInterruption(id));
        }
        let to = self.evidence().clock.now().at(to_boot_ns);
        self.enter_interruption_end(id, to)
    }

    /// Ends what is still interrupted when the session ends.
    pub(crate) fn end_interruptions(&mut self) -> Result<(), StoreError> {
        for id in self.interruptions.clone() {
            let now = self.evidence().clock.now();
            self.enter_interruption_end(id, now)?;
        }
        Ok(())
    }

    fn enter_interruption_end(&mut self, id: InterruptionId, to: Clock) -> Result<(), StoreError> {
        let session = self.id();
        self.enter(&Body::InterruptionEnd(InterruptionEndBody { id, session, to }))?;
        self.interruptions.retain(|open| *open != id);
        Ok(())
    }
}

impl Evidence {
    /// Puts on record what an officer says of an interruption, also of one in a session that is over. The last account
    /// holds.
    ///
    /// # Errors
    /// [`StoreError::NoInterruption`] if there is none with this id, [`StoreError::AccountTooLong`]; [`StoreError`] if the
    /// entry cannot be made durable.
    pub fn explain(&self, id: InterruptionId, cause: &str, officer: &str, text: &str) -> Result<(), StoreError> {
        if cause.len() + officer.len() + text.len() > MAX_ACCOUNT_BYTES {
            return Err(StoreError::AccountTooLong);
        }
        let mut books = self.books();
        books.prepare()?;
        if !books.has_interruption(id)? {
            return Err(StoreError::NoInterruption(id));
        }
        let (cause, officer, text) = (cause.into(), officer.into(), text.into());
        books.enter(Body::InterruptionNote(InterruptionNoteBody { id, cause, officer, text }))?;
        Ok(())
    }

    /// Puts on record that UTC was set: by how much it moved against boot time.
    ///
    /// # Errors
    /// [`StoreError`] if the entry cannot be made durable.
    pub fn enter_clock_step(&self, step_ns: i64) -> Result<(), StoreError> {
        self.books().enter_closing(&Body::ClockStep(ClockStepBody { step_ns }))?;
        Ok(())
    }
}
