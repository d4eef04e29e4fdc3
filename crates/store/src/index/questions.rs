// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the index answers about sessions.

use super::Index;
use crate::StoreError;
use evidence::{BootId, SessionId};
use rusqlite::Row;

/// One row of `sessions`, with the sums over its chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// The session.
    pub session: SessionId,
    /// Name of its folder.
    pub folder: String,
    /// Who recorded; empty if nobody said.
    pub officer: String,
    /// The boot in which it began.
    pub boot_id: BootId,
    /// Boot time of media time 0.
    pub zero_boot_ns: u64,
    /// Boot time at which the start was asked for, if that is on record.
    pub pressed_boot_ns: Option<u64>,
    /// The session that was cut off and that it goes on with.
    pub continues: Option<SessionId>,
    /// UTC of the start.
    pub started_utc_ns: i64,
    /// Boot time of the start.
    pub started_boot_ns: u64,
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

/// When a chunk was recorded, and what of each medium is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkTimes {
    /// Number of the chunk in the session, from 0.
    pub chunk: u64,
    /// Number of its segment, from 1.
    pub segment: u32,
    /// Media time at which it begins.
    pub from_ns: u64,
    /// Media time at which it ends.
    pub to_ns: u64,
    /// How many frames.
    pub video_frames: u64,
    /// How many packets.
    pub audio_packets: u64,
    /// UTC when it was signed.
    pub utc_ns: i64,
}

impl Index {
    /// All sessions, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Index`] if SQLite cannot answer.
    pub fn sessions(&self) -> Result<Vec<SessionRow>, StoreError> {
        self.session_rows("", [])
    }

    /// One session.
    ///
    /// # Errors
    /// [`StoreError::Index`] if SQLite cannot answer.
    pub fn session(&self, id: SessionId) -> Result<Option<SessionRow>, StoreError> {
        Ok(self.session_rows("WHERE session = ?1", [id.0])?.pop())
    }

    /// `only` says which; what many chunks give is summed up in one pass.
    fn session_rows(&self, only: &str, values: impl rusqlite::Params) -> Result<Vec<SessionRow>, StoreError> {
        let sql = format!(
            "WITH of_chunks AS (
                SELECT session, max(to_ns) - min(from_ns) AS duration_ns, count(*) AS chunks,
                    sum(video_frames) AS video_frames, sum(audio_packets) AS audio_packets,
                    sum(length) AS media_bytes, sum(record_bytes) AS record_bytes
                FROM chunks {only} GROUP BY session
             ), of_segments AS (
                SELECT session, sum(coalesce(end_bytes, 0)) AS end_bytes, sum(start_bytes) AS start_bytes
                FROM segments {only} GROUP BY session
             )
             SELECT session, folder, officer, boot_id, zero_boot_ns, pressed_boot_ns, continues,
                started_utc_ns, started_boot_ns, ended_utc_ns, cause,
                coalesce(duration_ns, 0), coalesce(chunks, 0), coalesce(video_frames, 0), coalesce(audio_packets, 0),
                coalesce(media_bytes + record_bytes, 0) + coalesce(end_bytes, 0),
                coalesce(record_bytes, 0) + coalesce(end_bytes + start_bytes, 0)
             FROM sessions LEFT JOIN of_chunks USING (session) LEFT JOIN of_segments USING (session)
             {only} ORDER BY started_utc_ns, session"
        );
        self.rows(&sql, values, session_row)
    }

    /// The segments of a session, in order.
    ///
    /// # Errors
    /// [`StoreError::Index`] if SQLite cannot answer.
    pub fn segments(&self, id: SessionId) -> Result<Vec<SegmentRow>, StoreError> {
        let sql = "WITH of_chunks AS (
                SELECT segment AS number, count(*) AS chunks, sum(length + record_bytes) AS bytes
                FROM chunks WHERE session = ?1 GROUP BY segment
             )
             SELECT number, file, coalesce(chunks, 0), coalesce(bytes, 0) + coalesce(end_bytes, 0)
             FROM segments LEFT JOIN of_chunks USING (number) WHERE session = ?1 ORDER BY number";
        self.rows(sql, [id.0], |row| {
            Ok(SegmentRow { number: row.get(0)?, file: row.get(1)?, chunks: row.get(2)?, bytes: row.get(3)? })
        })
    }

    /// When each chunk of a session was recorded, in order.
    ///
    /// # Errors
    /// [`StoreError::Index`] if SQLite cannot answer.
    pub fn chunk_times(&self, session: SessionId) -> Result<Vec<ChunkTimes>, StoreError> {
        let sql = "SELECT chunk, segment, from_ns, to_ns, video_frames, audio_packets, utc_ns
             FROM chunks WHERE session = ?1 ORDER BY chunk";
        self.rows(sql, [session.0], |row| {
            Ok(ChunkTimes {
                chunk: row.get(0)?,
                segment: row.get(1)?,
                from_ns: row.get(2)?,
                to_ns: row.get(3)?,
                video_frames: row.get(4)?,
                audio_packets: row.get(5)?,
                utc_ns: row.get(6)?,
            })
        })
    }

    /// The photo files of a session, or of none, in order, as paths below the evidence folder.
    ///
    /// # Errors
    /// [`StoreError::Index`] if SQLite cannot answer.
    pub fn photos(&self, id: Option<SessionId>) -> Result<Vec<String>, StoreError> {
        self.rows("SELECT file FROM photos WHERE session IS ?1 ORDER BY seq", [id.map(|id| id.0)], |row| row.get(0))
    }
}

fn session_row(row: &Row<'_>) -> rusqlite::Result<SessionRow> {
    Ok(SessionRow {
        session: SessionId(row.get(0)?),
        folder: row.get(1)?,
        officer: row.get(2)?,
        boot_id: BootId(row.get(3)?),
        zero_boot_ns: row.get(4)?,
        pressed_boot_ns: row.get(5)?,
        continues: row.get::<_, Option<[u8; 16]>>(6)?.map(SessionId),
        started_utc_ns: row.get(7)?,
        started_boot_ns: row.get(8)?,
        ended_utc_ns: row.get(9)?,
        cause: row.get(10)?,
        duration_ns: row.get(11)?,
        chunks: row.get(12)?,
        video_frames: row.get(13)?,
        audio_packets: row.get(14)?,
        bytes: row.get(15)?,
        signed_bytes: row.get(16)?,
    })
}
