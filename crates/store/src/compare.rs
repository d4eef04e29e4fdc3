// SPDX-License-Identifier: MIT OR Apache-2.0
//! Compares an index with what the files give, also while a recorder writes both. The index is copied first, as it is at
//! one moment: whatever is in it is in the files by then. What the files have beyond it came later. SQLite compares, in a
//! database of its own that it keeps in a temporary file, so that a large index needs no large memory.

use crate::StoreError;
use crate::index::{Index, TABLES};
use crate::reindex::{self, Reach};
use std::fmt;
use std::path::Path;

/// How an index differs from the files in one table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) table: &'static str,
    /// How many rows the files do not give.
    pub(crate) odd: u64,
    /// How many rows are missing.
    pub(crate) lacking: u64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { table, odd, lacking } = self;
        write!(f, "table {table}: {odd} rows that the files do not give, {lacking} rows missing")
    }
}

/// A folder's index as it was when the comparison began.
pub(crate) struct Comparison {
    db: Index,
}

/// What the files have given since the index was read is taken back: entries behind its last one (an account of an
/// interruption that came since has perhaps replaced another, which the index alone still has); in sessions that were open
/// then, what stands behind their last indexed chunk.
const TAKE_BACK: &str = "
    DELETE FROM ledger WHERE seq > (SELECT max(seq) FROM seen_ledger);
    DELETE FROM photos WHERE seq > (SELECT max(seq) FROM seen_ledger);
    DELETE FROM clock_steps WHERE seq > (SELECT max(seq) FROM seen_ledger);
    DELETE FROM interruptions WHERE seq > (SELECT max(seq) FROM seen_ledger);
    UPDATE interruptions SET end_seq = NULL, to_utc_ns = NULL, to_boot_ns = NULL, to_boot_id = NULL, duration_ns = NULL
        WHERE end_seq > (SELECT max(seq) FROM seen_ledger);
    UPDATE interruptions AS i SET (note_seq, officer_cause, officer, text, account) =
            (SELECT note_seq, officer_cause, officer, text, account FROM seen_interruptions s WHERE s.id = i.id)
        WHERE note_seq > (SELECT max(seq) FROM seen_ledger) AND id IN (SELECT id FROM seen_interruptions);
    DELETE FROM sessions WHERE session NOT IN (SELECT session FROM ledger WHERE kind = 'session-start');
    UPDATE sessions SET ended_utc_ns = NULL, cause = NULL
        WHERE session NOT IN (SELECT session FROM ledger WHERE kind = 'session-end');
    DELETE FROM segments WHERE session NOT IN (SELECT session FROM sessions);
    DELETE FROM chunks WHERE session NOT IN (SELECT session FROM sessions);
    DELETE FROM events WHERE session NOT IN (SELECT session FROM sessions);

    CREATE TEMP TABLE open AS
        SELECT s.session, coalesce(max(c.seq), -1) AS seq, coalesce(max(c.chunk), -1) AS chunk,
            coalesce(max(c.segment), 0) AS segment
        FROM sessions s LEFT JOIN seen_chunks c ON c.session = s.session
        WHERE s.ended_utc_ns IS NULL GROUP BY s.session;
    DELETE FROM chunks AS c WHERE EXISTS (SELECT 1 FROM open o WHERE o.session = c.session AND c.seq > o.seq);
    DELETE FROM events AS e WHERE EXISTS (SELECT 1 FROM open o WHERE o.session = e.session AND e.seq > o.seq);
    DELETE FROM seen_events AS e WHERE EXISTS (SELECT 1 FROM open o WHERE o.session = e.session AND e.seq > o.seq);
    DELETE FROM segments AS g
        WHERE EXISTS (SELECT 1 FROM open o WHERE o.session = g.session AND g.first_chunk > o.chunk);
    UPDATE segments AS g SET end_offset = NULL, end_bytes = NULL
        WHERE EXISTS (SELECT 1 FROM open o WHERE o.session = g.session AND o.segment = g.number);
    UPDATE seen_segments AS g SET end_offset = NULL, end_bytes = NULL
        WHERE EXISTS (SELECT 1 FROM open o WHERE o.session = g.session AND o.segment = g.number);
";

impl Comparison {
    /// Reads the index of a folder.
    pub(crate) fn begin(folder: &Path) -> Result<Comparison, StoreError> {
        let db = Index::temporary()?;
        let there = Index::open_read_only(folder)?;
        there.at_one_moment(|| {
            TABLES.iter().try_for_each(|table| {
                db.run(&format!("CREATE TEMP TABLE seen_{table} AS SELECT * FROM {table}"))?;
                there.copy_rows(table, &db, &format!("seen_{table}"))
            })
        })?;
        Ok(Comparison { db })
    }

    /// Reads the files and compares. With `growing` what came since the index was read is no difference.
    pub(crate) fn with_files(
        &self,
        folder: &Path,
        growing: impl FnOnce() -> bool,
    ) -> Result<Vec<Difference>, StoreError> {
        reindex::fill(folder, &self.db, Reach::All, &mut |_| ())?;
        if growing() {
            self.db.run(TAKE_BACK)?;
        }
        let all = TABLES.iter().map(|table| self.difference(table)).collect::<Result<Vec<_>, _>>()?;
        Ok(all.into_iter().filter(|found| found.odd + found.lacking > 0).collect())
    }

    fn difference(&self, table: &'static str) -> Result<Difference, StoreError> {
        let without = |left: &str, right: &str| {
            self.db.one(&format!("SELECT count(*) FROM (SELECT * FROM {left} EXCEPT SELECT * FROM {right})"), [])
        };
        let seen = format!("seen_{table}");
        Ok(Difference { table, odd: without(&seen, table)?, lacking: without(table, &seen)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::{Evidence, NewInterruption, NewSession, Place, SessionWriter};
    use evidence::entry::{BootBody, SourceBody};
    use evidence::interruption::Known;
    use evidence::record::Medium;
    use evidence::{Hash, InterruptionId};
    use std::sync::Arc;

    fn begun(folder: &Path) -> (Arc<Evidence>, SessionWriter) {
        let place = Place { evidence: folder.join("evidence"), state: folder.join("state") };
        let boot = BootBody { software: String::new(), config: Hash::ZERO };
        let opened = Evidence::open(&place, boot, Arc::new(SystemClock::new().unwrap()), &mut |_| ());
        let evidence = Arc::new(opened.unwrap().0);
        let (medium, none) = (Medium::Video, String::new);
        let plan = NewSession {
            officer: none(),
            label: none(),
            sources: vec![SourceBody { medium, source: none(), encoder: none(), format: none() }],
            zero_boot_ns: crate::clock::boot_now(),
            pressed_boot_ns: None,
            continues: None,
            template: crate::names::DEFAULT_TEMPLATE.parse().unwrap(),
            roll_ns: u64::MAX,
            roll_bytes: u64::MAX,
        };
        (Arc::clone(&evidence), SessionWriter::begin(evidence, plan).unwrap())
    }

    fn interrupt(writer: &mut SessionWriter) -> InterruptionId {
        let new = NewInterruption {
            cause: "camera".into(),
            known: Known::Device,
            media: vec![Medium::Video],
            from_boot_ns: crate::clock::boot_now(),
            detail: String::new(),
        };
        writer.begin_interruption(new).unwrap()
    }

    #[test]
    fn entries_that_came_since_the_index_was_read_are_no_difference() {
        let home = tempfile::tempdir().unwrap();
        let (evidence, mut writer) = begun(home.path());
        let first = interrupt(&mut writer);
        evidence.explain(first, "other", "", "told early").unwrap();
        evidence.enter_clock_step(1).unwrap();
        let seen = || Comparison::begin(evidence.folder()).unwrap();
        let (before, unchanged) = (seen(), seen());
        writer.end_interruption(first, crate::clock::boot_now()).unwrap();
        interrupt(&mut writer);
        evidence.explain(first, "other", "", "told late").unwrap();
        evidence.enter_clock_step(2).unwrap();
        assert_eq!(before.with_files(evidence.folder(), || true).unwrap(), []);
        let differences = unchanged.with_files(evidence.folder(), || false).unwrap();
        let tables: Vec<_> = differences.iter().map(|found| found.table).collect();
        assert_eq!(tables, ["ledger", "interruptions", "clock_steps"]);
    }
}
