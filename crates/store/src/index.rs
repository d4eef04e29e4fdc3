// SPDX-License-Identifier: MIT OR Apache-2.0
//! The SQLite index. Every row is made from a ledger entry or a record, by the same functions whether it is written while
//! recording or rebuilt from the files, so both give the same content. One writer; readers open it read-only.

use crate::{INDEX_FILE, StoreError};
use evidence::SessionId;
use evidence::entry::{Body, PhotoBody, SessionEndBody, SessionStartBody};
use evidence::ledger::SignedEntry;
use evidence::record::{Medium, Record};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params, params_from_iter};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Version of the tables, in SQLite's `user_version`. An index of another version is rebuilt.
const SCHEMA_VERSION: i64 = 1;

/// The tables with evidence in them, in the order in which they are compared.
pub const TABLES: [&str; 6] = ["ledger", "sessions", "segments", "chunks", "events", "photos"];

/// The index of one evidence folder.
pub struct Index {
    path: PathBuf,
    db: Connection,
}

/// One row of `sessions`, with the sums over its chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// The session.
    pub session: SessionId,
    /// Name of its folder.
    pub folder: String,
    /// Who recorded; empty if nobody said.
    pub officer: String,
    /// UTC of the start.
    pub started_utc_ns: i64,
    /// UTC of the end; none while open.
    pub ended_utc_ns: Option<i64>,
    /// Why it ended; none while open.
    pub cause: Option<String>,
    /// Media time covered.
    pub duration_ns: u64,
    /// How many chunks.
    pub chunks: u64,
    /// How many frames.
    pub video_frames: u64,
    /// How many packets.
    pub audio_packets: u64,
    /// Length of all segments.
    pub bytes: u64,
    /// Of which records and session-start entries.
    pub signed_bytes: u64,
}

/// One row of `segments`, with the sums over its chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentRow {
    /// Number in the session, from 1.
    pub number: u32,
    /// Name of the file.
    pub file: String,
    /// How many chunks.
    pub chunks: u64,
    /// Length of the file.
    pub bytes: u64,
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
            Body::SessionStart(start) => self.add_session(start, utc_ns),
            Body::SessionEnd(end) => self.end_session(end, utc_ns),
            Body::Photo(photo) => self.add_photo(photo, entry.seq, utc_ns),
            _ => Ok(()),
        }
    }

    fn add_session(&self, start: &SessionStartBody, utc_ns: i64) -> Result<(), StoreError> {
        self.put(
            "INSERT INTO sessions VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL, NULL)",
            params![start.session.0, start.folder, start.officer, start.label, start.zero_boot_ns.0, utc_ns],
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

    /// Forgets what is indexed of a session's files, to read them again.
    pub(crate) fn forget_files(&self, session: SessionId) -> Result<(), StoreError> {
        ["segments", "chunks", "events"]
            .iter()
            .try_for_each(|table| self.put(&format!("DELETE FROM {table} WHERE session = ?1"), params![session.0]))
    }

    /// Number of the next ledger entry that is not indexed.
    pub(crate) fn next_entry(&self) -> Result<u64, StoreError> {
        self.one("SELECT coalesce(max(seq) + 1, 0) FROM ledger", [])
    }

    /// How many ledger entries are indexed.
    pub(crate) fn entries(&self) -> Result<u64, StoreError> {
        self.one("SELECT count(*) FROM ledger", [])
    }

    /// Hash of the entry that began a session.
    pub(crate) fn start_of(&self, session: SessionId) -> Result<Option<[u8; 32]>, StoreError> {
        let sql = "SELECT hash FROM ledger WHERE kind = 'session-start' AND session = ?1 ORDER BY seq LIMIT 1";
        let found = self.db.query_row(sql, [session.0], |row| row.get(0)).optional();
        found.map_err(StoreError::index(&self.path))
    }

    /// Hash of an indexed entry.
    pub(crate) fn entry_hash(&self, seq: u64) -> Result<Option<[u8; 32]>, StoreError> {
        let found = self.db.query_row("SELECT hash FROM ledger WHERE seq = ?1", [seq], |row| row.get(0)).optional();
        found.map_err(StoreError::index(&self.path))
    }

    /// All sessions, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Index`] if SQLite cannot answer.
    pub fn sessions(&self) -> Result<Vec<SessionRow>, StoreError> {
        self.session_rows("ORDER BY s.started_utc_ns, s.session", [])
    }

    /// One session.
    ///
    /// # Errors
    /// [`StoreError::Index`] if SQLite cannot answer.
    pub fn session(&self, id: SessionId) -> Result<Option<SessionRow>, StoreError> {
        Ok(self.session_rows("WHERE s.session = ?1", [id.0])?.pop())
    }

    fn session_rows(&self, rest: &str, values: impl rusqlite::Params) -> Result<Vec<SessionRow>, StoreError> {
        let sql = format!(
            "SELECT s.session, s.folder, s.officer, s.started_utc_ns, s.ended_utc_ns, s.cause,
                (SELECT coalesce(max(to_ns) - min(from_ns), 0) FROM chunks WHERE session = s.session),
                (SELECT count(*) FROM chunks WHERE session = s.session),
                (SELECT coalesce(sum(video_frames), 0) FROM chunks WHERE session = s.session),
                (SELECT coalesce(sum(audio_packets), 0) FROM chunks WHERE session = s.session),
                (SELECT coalesce(sum(length + record_bytes), 0) FROM chunks WHERE session = s.session)
                    + (SELECT coalesce(sum(end_bytes), 0) FROM segments WHERE session = s.session),
                (SELECT coalesce(sum(record_bytes), 0) FROM chunks WHERE session = s.session)
                    + (SELECT coalesce(sum(coalesce(end_bytes, 0) + start_bytes), 0) FROM segments WHERE session = s.session)
             FROM sessions s {rest}"
        );
        self.rows(&sql, values, session_row)
    }

    /// The segments of a session, in order.
    ///
    /// # Errors
    /// [`StoreError::Index`] if SQLite cannot answer.
    pub fn segments(&self, id: SessionId) -> Result<Vec<SegmentRow>, StoreError> {
        let sql = "SELECT g.number, g.file, count(c.chunk), coalesce(sum(c.length + c.record_bytes), 0) + coalesce(g.end_bytes, 0)
             FROM segments g LEFT JOIN chunks c ON c.session = g.session AND c.segment = g.number
             WHERE g.session = ?1 GROUP BY g.number ORDER BY g.number";
        self.rows(sql, [id.0], |row| {
            Ok(SegmentRow { number: row.get(0)?, file: row.get(1)?, chunks: row.get(2)?, bytes: row.get(3)? })
        })
    }

    /// The photo files of a session, or of none, in order, as paths below the evidence folder.
    ///
    /// # Errors
    /// [`StoreError::Index`] if SQLite cannot answer.
    pub fn photos(&self, id: Option<SessionId>) -> Result<Vec<String>, StoreError> {
        self.rows("SELECT file FROM photos WHERE session IS ?1 ORDER BY seq", [id.map(|id| id.0)], |row| row.get(0))
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

fn session_row(row: &Row<'_>) -> rusqlite::Result<SessionRow> {
    Ok(SessionRow {
        session: SessionId(row.get(0)?),
        folder: row.get(1)?,
        officer: row.get(2)?,
        started_utc_ns: row.get(3)?,
        ended_utc_ns: row.get(4)?,
        cause: row.get(5)?,
        duration_ns: row.get(6)?,
        chunks: row.get(7)?,
        video_frames: row.get(8)?,
        audio_packets: row.get(9)?,
        bytes: row.get(10)?,
        signed_bytes: row.get(11)?,
    })
}
