// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the index knows of interruptions and of steps of the clock.

use super::Index;
use crate::StoreError;
use evidence::entry::ClockStepBody;
use evidence::interruption::{InterruptionBody, InterruptionEndBody, InterruptionNoteBody};
use evidence::record::Medium;
use evidence::time::Clock;
use evidence::{BootId, InterruptionId, SessionId};
use rusqlite::{OptionalExtension, Row, params};

/// One moment in all clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// UTC, as the system believed.
    pub utc_ns: i64,
    /// Boot time.
    pub boot_ns: u64,
    /// Of which boot.
    pub boot_id: BootId,
}

/// What an officer says of an interruption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Why it was, in a word of `docs/design/continuity.md`.
    pub cause: String,
    /// Who says so.
    pub officer: String,
    /// The account.
    pub text: String,
}

/// One row of `interruptions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterruptionRow {
    /// The interruption.
    pub id: InterruptionId,
    /// The session.
    pub session: SessionId,
    /// Why, as it was entered when it began.
    pub cause: String,
    /// Who said so then: `device` or `officer`.
    pub known: String,
    /// What was not captured.
    pub media: Vec<Medium>,
    /// When the last thing was captured.
    pub from: Moment,
    /// When it was over; none while it is not.
    pub to: Option<Moment>,
    /// How long it was, by boot time within one boot, else by UTC; none while it is not over, or if UTC was set back.
    pub duration_ns: Option<u64>,
    /// What is known beside the cause.
    pub detail: String,
    /// What an officer said of it last.
    pub told: Option<Account>,
    /// Whether there is a spoken statement: `none` or `given`.
    pub statement: String,
    /// Whether it was reported: `none` or `given`.
    pub report: String,
    /// Whether there is a written account: `none` or `given`.
    pub account: String,
}

/// One row of `clock_steps`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockStepRow {
    /// Number of its ledger entry.
    pub seq: u64,
    /// When it was entered.
    pub at: Moment,
    /// By how much UTC moved against boot time, in nanoseconds.
    pub step_ns: i64,
}

impl Index {
    /// Behind the first with an id, another is forged and does not count.
    pub(super) fn add_interruption(&self, begun: &InterruptionBody, seq: u64) -> Result<(), StoreError> {
        let has = |medium| begun.media.contains(&medium);
        self.put(
            "INSERT OR IGNORE INTO interruptions
                (id, session, seq, cause, known, video, audio, from_utc_ns, from_boot_ns, from_boot_id, detail,
                 statement, report, account)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'none', 'none', 'none')",
            params![
                begun.id.0,
                begun.session.0,
                seq,
                begun.cause,
                begun.known.as_str(),
                has(Medium::Video),
                has(Medium::Audio),
                begun.from.utc_ns.0,
                begun.from.boot_ns.0,
                begun.from.boot_id.0,
                begun.detail,
            ],
        )
    }

    /// The first end of an interruption counts.
    pub(super) fn end_interruption(&self, end: &InterruptionEndBody, seq: u64) -> Result<(), StoreError> {
        let to = &end.to;
        self.put(
            "UPDATE interruptions SET end_seq = ?3, to_utc_ns = ?4, to_boot_ns = ?5, to_boot_id = ?6,
                duration_ns = nullif(max(iif(from_boot_id = ?6, ?5 - from_boot_ns, ?4 - from_utc_ns), -1), -1)
             WHERE id = ?1 AND session = ?2 AND end_seq IS NULL",
            params![end.id.0, end.session.0, seq, to.utc_ns.0, to.boot_ns.0, to.boot_id.0],
        )
    }

    /// The last account of an interruption holds.
    pub(super) fn explain(&self, note: &InterruptionNoteBody, seq: u64) -> Result<(), StoreError> {
        self.put(
            "UPDATE interruptions SET note_seq = ?2, officer_cause = ?3, officer = ?4, text = ?5, account = 'given'
             WHERE id = ?1",
            params![note.id.0, seq, note.cause, note.officer, note.text],
        )
    }

    pub(super) fn add_clock_step(&self, step: &ClockStepBody, seq: u64, clock: &Clock) -> Result<(), StoreError> {
        self.put(
            "INSERT INTO clock_steps VALUES (?1, ?2, ?3, ?4, ?5)",
            params![seq, clock.utc_ns.0, clock.boot_ns.0, clock.boot_id.0, step.step_ns],
        )
    }

    pub(crate) fn has_interruption(&self, id: InterruptionId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM interruptions WHERE id = ?1";
        let found = self.db.query_row(sql, [id.0], |_| Ok(())).optional();
        found.map(|row| row.is_some()).map_err(StoreError::index(&self.path))
    }

    /// Interruptions that are not over, although their session has an end.
    pub(crate) fn interruptions_left_open(&self) -> Result<Vec<InterruptionId>, StoreError> {
        let sql = "SELECT id FROM interruptions JOIN sessions USING (session)
             WHERE end_seq IS NULL AND ended_utc_ns IS NOT NULL ORDER BY seq";
        self.rows(sql, [], |row| Ok(InterruptionId(row.get(0)?)))
    }

    /// The interruptions of a session, or of all, in the order of the ledger.
    ///
    /// # Errors
    /// [`StoreError::Index`] if SQLite cannot answer.
    pub fn interruptions(&self, session: Option<SessionId>) -> Result<Vec<InterruptionRow>, StoreError> {
        let sql = "SELECT id, session, cause, known, video, audio, from_utc_ns, from_boot_ns, from_boot_id,
                to_utc_ns, to_boot_ns, to_boot_id, duration_ns, detail, officer_cause, officer, text,
                statement, report, account
             FROM interruptions WHERE ?1 IS NULL OR session = ?1 ORDER BY seq";
        self.rows(sql, [session.map(|id| id.0)], interruption_row)
    }

    /// The steps of the clock, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Index`] if SQLite cannot answer.
    pub fn clock_steps(&self) -> Result<Vec<ClockStepRow>, StoreError> {
        self.rows("SELECT seq, utc_ns, boot_ns, boot_id, step_ns FROM clock_steps ORDER BY seq", [], |row| {
            let at = Moment { utc_ns: row.get(1)?, boot_ns: row.get(2)?, boot_id: BootId(row.get(3)?) };
            Ok(ClockStepRow { seq: row.get(0)?, at, step_ns: row.get(4)? })
        })
    }
}

fn interruption_row(row: &Row<'_>) -> rusqlite::Result<InterruptionRow> {
    let media = [(Medium::Video, row.get(4)?), (Medium::Audio, row.get(5)?)];
    Ok(InterruptionRow {
        id: InterruptionId(row.get(0)?),
        session: SessionId(row.get(1)?),
        cause: row.get(2)?,
        known: row.get(3)?,
        media: media.into_iter().filter(|(_, is_one)| *is_one).map(|(medium, _)| medium).collect(),
        from: Moment { utc_ns: row.get(6)?, boot_ns: row.get(7)?, boot_id: BootId(row.get(8)?) },
        to: end_of(row)?,
        duration_ns: row.get(12)?,
        detail: row.get(13)?,
        told: account_in(row)?,
        statement: row.get(17)?,
        report: row.get(18)?,
        account: row.get(19)?,
    })
}

fn end_of(row: &Row<'_>) -> rusqlite::Result<Option<Moment>> {
    let Some(utc_ns) = row.get(9)? else { return Ok(None) };
    Ok(Some(Moment { utc_ns, boot_ns: row.get(10)?, boot_id: BootId(row.get(11)?) }))
}

fn account_in(row: &Row<'_>) -> rusqlite::Result<Option<Account>> {
    let Some(cause) = row.get(14)? else { return Ok(None) };
    Ok(Some(Account { cause, officer: row.get(15)?, text: row.get(16)? }))
}
