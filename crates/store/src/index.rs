// SPDX-License-Identifier: MIT OR Apache-2.0
//! The SQLite index. Every row is made from a ledger entry or a record, by the same functions whether it is written while
//! recording or rebuilt from the files, so both give the same content. One writer; readers open it read-only.

mod interruptions;
mod questions;

pub use interruptions::{Account, ClockStepRow, InterruptionRow, Moment};
pub use questions::{ChunkTimes, SegmentRow, SessionRow};

use crate::{INDEX_FILE, StoreError};
use evidence::SessionId;
use evidence::entry::{Body, PhotoBody, SessionEndBody, SessionStartBody};
use evidence::ledger::SignedEntry;
use evidence::record::{Medium, Record};
use evidence::time::Clock;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params, params_from_iter};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Version of the tables, in SQLite's `user_version`. An index of another version is rebuilt.
const SCHEMA_VERSION: i64 = 2;

/// The tables with evidence in them, in the order in which they are compared.
pub const TABLES: [&str; 8] =
    ["ledger", "sessions", "segments", "chunks", "events", "photos", "interruptions", "clock_steps"];

/// The index of one evidence folder.
pub struct Index {
    path: PathBuf,
    db: Connection,
}

/// A segment whose end is indexed.
pub(crate) struct EndedSegment {
    pub(crate) number: u32,
    pub(crate) file: String,
    /// Where its end record begins.
    pub(crate) end_offset: u64,
    pub(crate) end_bytes: u64,
}

/// Where a record stands in its file.
pub(crate) struct Stored<'a> {
    pub(crate) record: &'a Record,
    pub(crate) record_bytes: u64,
}

impl Index {
    /// Opens the index of a folder for writing and makes its tables if it is new. `None` if it is of another version.
    pub(crate) fn open(folder: &Path) -> Result<Option<Index>, StoreError> {
        Index::open_file(&folder.join(INDEX_FILE))
    }

    pub(crate) fn open_file(path: &Path) -> Result<Option<Index>, StoreError> {
        let db = Connection::open(path).map_err(StoreError::index(path))?;
        let index = Index { path: path.into(), db };
        index.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
        match index.one::<i64>("PRAGMA user_version", [])? {
            SCHEMA_VERSION => Ok(Some(index)),
            0 => index.make_tables().map(|()| Some(index)),
            _ => Ok(None),
        }
    }

    /// Opens the index of a folder for questions only.
    ///
    /// # Errors
    /// [`StoreError::Index`] if there is none or SQLite cannot read it.
    pub fn open_read_only(folder: &Path) -> Result<Index, StoreError> {
        let path = folder.join(INDEX_FILE);
        let log = crate::files::with_suffix(&path, "-wal");
        match Index::open_reader(&path, path.as_os_str()) {
            // The shared memory of readers needs room, which a full disk has not. Without a log nobody shares anything.
            Err(_) if fs::metadata(log).map_or(0, |log| log.len()) == 0 => {
                Index::open_reader(&path, OsStr::new(&unshared(&path)))
            }
            opened => opened,
        }
    }

    /// Whether its tables are those of this version.
    pub(crate) fn is_current(&self) -> Result<bool, StoreError> {
        Ok(self.one::<i64>("PRAGMA user_version", [])? == SCHEMA_VERSION)
    }

    fn open_reader(path: &Path, name: &OsStr) -> Result<Index, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let db = Connection::open_with_flags(name, flags).map_err(StoreError::index(path))?;
        let index = Index { path: path.into(), db };
        index.one::<i64>("PRAGMA schema_version", [])?;
        Ok(index)
    }

    fn make_tables(&self) -> Result<(), StoreError> {
        self.run(&format!("BEGIN; {} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;", include_str!("index.sql")))
    }

    pub(crate) fn run(&self, sql: &str) -> Result<(), StoreError> {
        self.db.execute_batch(sql).map_err(StoreError::index(&self.path))
    }

    pub(crate) fn one<T: rusqlite::types::FromSql>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<T, StoreError> {
        self.db.query_row(sql, values, |row| row.get(0)).map_err(StoreError::index(&self.path))
    }

    fn put(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), StoreError> {
        let done = self.db.prepare_cached(sql).and_then(|mut statement| statement.execute(values));
        done.map(|_| ()).map_err(StoreError::index(&self.path))
    }

    /// Runs `work` as one transaction.
    pub(crate) fn together(&self, work: impl FnOnce() -> Result<(), StoreError>) -> Result<(), StoreError> {
        let transaction = self.db.unchecked_transaction().map_err(StoreError::index(&self.path))?;
        work()?;
        transaction.commit().map_err(StoreError::index(&self.path))
    }

    /// Moves everything out of the write-ahead log, durably.
    pub(crate) fn settle(&self) -> Result<(), StoreError> {
        let done = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        done.map_err(StoreError::index(&self.path))
    }

    /// Indexes an entry, or nothing of it.
    pub(crate) fn add_entry_whole(&self, signed: &SignedEntry) -> Result<(), StoreError> {
        self.together(|| self.add_entry(signed))
    }

    pub(crate) fn add_entry(&self, signed: &SignedEntry) -> Result<(), StoreError> {
        let entry = &signed.entry;
        let session = entry.body.session().map(|id| id.0);
        let (utc_ns, boot_ns) = (entry.clock.utc_ns.0, entry.clock.boot_ns.0);
        self.put(
            "INSERT INTO ledger VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![entry.seq, entry.body.kind(), session, utc_ns, boot_ns, signed.hash.0],
        )?;
        match &entry.body {
            Body::SessionStart(start) => self.add_session(start, &entry.clock),
            Body::SessionEnd(end) => self.end_session(end, utc_ns),
            Body::Photo(photo) => self.add_photo(photo, entry.seq, utc_ns),
            Body::Interruption(begun) => self.add_interruption(begun, entry.seq),
            Body::InterruptionEnd(end) => self.end_interruption(end, entry.seq),
            Body::InterruptionNote(note) => self.explain(note, entry.seq),
            Body::ClockStep(step) => self.add_clock_step(step, entry.seq, &entry.clock),
            Body::Key(_) | Body::Boot(_) | Body::Shutdown(_) | Body::Other(..) => Ok(()),
        }
    }

    fn add_session(&self, start: &SessionStartBody, clock: &Clock) -> Result<(), StoreError> {
        self.put(
            "INSERT INTO sessions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, NULL, NULL)",
            params![
                start.session.0,
                start.folder,
                start.officer,
                start.label,
                clock.boot_id.0,
                start.zero_boot_ns.0,
                start.pressed_boot_ns.map(|pressed| pressed.0),
                start.continues.map(|session| session.0),
                clock.utc_ns.0,
                clock.boot_ns.0,
            ],
        )
    }

    fn end_session(&self, end: &SessionEndBody, utc_ns: i64) -> Result<(), StoreError> {
        let sql = "UPDATE sessions SET ended_utc_ns = ?2, cause = ?3 WHERE session = ?1";
        self.put(sql, params![end.session.0, utc_ns, end.cause])
    }

    fn add_photo(&self, photo: &PhotoBody, seq: u64, utc_ns: i64) -> Result<(), StoreError> {
        self.put(
            "INSERT INTO photos VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![seq, photo.session.map(|id| id.0), photo.file, photo.length, photo.media.0, photo.officer, utc_ns],
        )
    }

    pub(crate) fn add_segment(&self, first: &Record, file: &str, start_bytes: u64) -> Result<(), StoreError> {
        self.put(
            "INSERT INTO segments VALUES (?1, ?2, ?3, ?4, ?5, NULL, NULL)",
            params![first.session.0, first.segment, file, first.chunk, start_bytes],
        )
    }

    pub(crate) fn end_segment(&self, stored: &Stored<'_>) -> Result<(), StoreError> {
        let record = stored.record;
        self.put(
            "UPDATE segments SET end_offset = ?3, end_bytes = ?4 WHERE session = ?1 AND number = ?2",
            params![record.session.0, record.segment, record.offset, stored.record_bytes],
        )?;
        self.add_events(record)
    }

    pub(crate) fn add_chunk(&self, stored: &Stored<'_>) -> Result<(), StoreError> {
        let record = stored.record;
        let sum = |medium: Medium, of: fn(&evidence::record::Track) -> u64| -> u64 {
            record.tracks.iter().filter(|t| t.medium == medium).map(of).sum()
        };
        let from_ns = record.tracks.iter().map(|t| t.to_ns(t.start)).min().unwrap_or(0);
        let to_ns = record.tracks.iter().map(|t| t.to_ns(t.end())).max().unwrap_or(0);
        self.put(
            "INSERT INTO chunks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            params![
                record.session.0,
                record.chunk,
                record.seq,
                record.segment,
                record.offset,
                record.length,
                stored.record_bytes,
                from_ns,
                to_ns,
                sum(Medium::Video, |t| t.samples),
                sum(Medium::Audio, |t| t.samples),
                sum(Medium::Video, |t| t.lost),
                sum(Medium::Audio, |t| t.lost),
                record.clock.utc_ns.0,
                record.clock.boot_ns.0,
            ],
        )?;
        self.add_events(record)
    }

    fn add_events(&self, record: &Record) -> Result<(), StoreError> {
        for (number, event) in record.events.iter().enumerate() {
            let medium = event.medium.map(|medium| if medium == Medium::Video { "video" } else { "audio" });
            self.put(
                "INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![record.session.0, record.seq, number as u64, event.event, medium, event.detail],
            )?;
        }
        Ok(())
    }

    /// Forgets what is indexed of a session's files behind its first `segments` segments, which have `records` records.
    pub(crate) fn forget_behind(&self, session: SessionId, segments: u32, records: u64) -> Result<(), StoreError> {
        self.put("DELETE FROM segments WHERE session = ?1 AND number > ?2", params![session.0, segments])?;
        self.put("DELETE FROM chunks WHERE session = ?1 AND seq >= ?2", params![session.0, records])?;
        self.put("DELETE FROM events WHERE session = ?1 AND seq >= ?2", params![session.0, records])
    }

    /// The sessions whose end is not indexed.
    pub(crate) fn unended(&self) -> Result<Vec<SessionId>, StoreError> {
        self.rows("SELECT session FROM sessions WHERE ended_utc_ns IS NULL", [], |row| Ok(SessionId(row.get(0)?)))
    }

    /// The segments of a session whose end is indexed, in order.
    pub(crate) fn ended_segments(&self, session: SessionId) -> Result<Vec<EndedSegment>, StoreError> {
        let sql = "SELECT number, file, end_offset, end_bytes FROM segments
             WHERE session = ?1 AND end_offset IS NOT NULL ORDER BY number";
        self.rows(sql, [session.0], |row| {
            let (number, file) = (row.get(0)?, row.get(1)?);
            Ok(EndedSegment { number, file, end_offset: row.get(2)?, end_bytes: row.get(3)? })
        })
    }

    /// How many chunks of a session are indexed in its first `segments` segments.
    pub(crate) fn chunks_within(&self, session: SessionId, segments: u32) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM chunks WHERE session = ?1 AND segment <= ?2";
        self.one(sql, params![session.0, segments])
    }

    /// How many chunks a session has by its last one that is indexed, and the media time at which they end.
    pub(crate) fn chunks_up_to(&self, session: SessionId) -> Result<(u64, u64), StoreError> {
        let sql = "SELECT coalesce(max(chunk) + 1, 0), coalesce(max(to_ns), 0) FROM chunks WHERE session = ?1";
        let found = self.db.query_row(sql, [session.0], |row| Ok((row.get(0)?, row.get(1)?)));
        found.map_err(StoreError::index(&self.path))
    }

    /// The detail of a session's last event of a kind.
    pub(crate) fn last_event(&self, session: SessionId, event: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT detail FROM events WHERE session = ?1 AND event = ?2 ORDER BY seq DESC, number DESC LIMIT 1";
        let found = self.db.query_row(sql, params![session.0, event], |row| row.get(0)).optional();
        found.map_err(StoreError::index(&self.path))
    }

    /// Number of the next ledger entry that is not indexed.
    pub(crate) fn next_entry(&self) -> Result<u64, StoreError> {
        self.one("SELECT coalesce(max(seq) + 1, 0) FROM ledger", [])
    }

    /// How many ledger entries are indexed.
    pub(crate) fn entries(&self) -> Result<u64, StoreError> {
        self.one("SELECT count(*) FROM ledger", [])
    }

    /// Hash of an indexed entry.
    pub(crate) fn entry_hash(&self, seq: u64) -> Result<Option<[u8; 32]>, StoreError> {
        let found = self.db.query_row("SELECT hash FROM ledger WHERE seq = ?1", [seq], |row| row.get(0)).optional();
        found.map_err(StoreError::index(&self.path))
    }

    /// An empty index in a file that SQLite makes for itself and removes.
    pub(crate) fn temporary() -> Result<Index, StoreError> {
        let path = Path::new("");
        Index::open_file(path)?.ok_or_else(|| StoreError::index(path)(rusqlite::Error::InvalidQuery))
    }

    /// Runs `read` on the index as it is at one moment.
    pub(crate) fn at_one_moment(&self, read: impl FnOnce() -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.together(read)
    }

    /// Copies the rows of a table into a table of another database.
    pub(crate) fn copy_rows(&self, table: &str, other: &Index, into: &str) -> Result<(), StoreError> {
        let copy = || -> rusqlite::Result<()> {
            let mut from = self.db.prepare(&format!("SELECT * FROM {table}"))?;
            let columns = from.column_count();
            let places = vec!["?"; columns].join(", ");
            let mut into = other.db.prepare(&format!("INSERT INTO {into} VALUES ({places})"))?;
            let mut rows = from.query([])?;
            while let Some(row) = rows.next()? {
                let values = (0..columns).map(|n| row.get::<_, Value>(n)).collect::<Result<Vec<_>, _>>()?;
                into.execute(params_from_iter(values))?;
            }
            Ok(())
        };
        copy().map_err(StoreError::index(&self.path))
    }

    fn rows<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let failed = StoreError::index(&self.path);
        let query = || -> rusqlite::Result<Vec<T>> { self.db.prepare_cached(sql)?.query_map(values, read)?.collect() };
        query().map_err(failed)
    }
}

/// A file as SQLite's URI for reading it alone.
fn unshared(path: &Path) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    let encoded = path.as_os_str().as_bytes().iter().map(|byte| match plain(*byte) {
        true => char::from(*byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    format!("file:{}?immutable=1", encoded.collect::<String>())
}
