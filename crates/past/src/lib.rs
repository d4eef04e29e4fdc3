// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the index of an evidence folder says of interruptions and of the course of a session, in the words of the bus: for
//! the daemon, and for who reads a folder without one.

use bus::{
    Account, BootId, ChunkSpan, Duty, InterruptionId, InterruptionInfo, Known, Moment, PlacedInterruption, SessionId,
    Timeline,
};
use evidence::record::Medium;
use store::StoreError;
use store::index::{ChunkTimes, Index, InterruptionRow, SessionRow};

/// An interruption.
#[must_use]
pub fn interruption(row: InterruptionRow) -> InterruptionInfo {
    InterruptionInfo {
        id: InterruptionId::from_bytes(row.id.0),
        session: SessionId::from_bytes(row.session.0),
        cause: row.cause,
        known: row.known.parse().unwrap_or(Known::Device),
        media: row.media.into_iter().map(medium).collect(),
        detail: row.detail,
        from: moment(row.from),
        to: row.to.map(moment),
        duration_ns: row.duration_ns,
        statement: duty(&row.statement),
        report: duty(&row.report),
        account: duty(&row.account),
        told: row.told.map(|told| Account { cause: told.cause, officer: told.officer, text: told.text }),
    }
}

fn duty(word: &str) -> Duty {
    word.parse().unwrap_or(Duty::None)
}

fn medium(medium: Medium) -> bus::Medium {
    match medium {
        Medium::Video => bus::Medium::Video,
        Medium::Audio => bus::Medium::Audio,
    }
}

fn moment(moment: store::index::Moment) -> Moment {
    Moment { utc_ns: moment.utc_ns, boot_ns: moment.boot_ns, boot_id: BootId::from_bytes(moment.boot_id.0) }
}

/// The course of a session. `now_boot_ns` is this moment, if the session is open and somebody knows.
///
/// # Errors
/// [`StoreError::Index`] if SQLite cannot answer.
pub fn timeline(index: &Index, row: SessionRow, now_boot_ns: Option<u64>) -> Result<Timeline, StoreError> {
    let zero = zero(&row);
    let placed = |row| PlacedInterruption::place(interruption(row), &zero);
    let chunks = index.chunk_times(row.session)?;
    let media_ns = |boot_ns: u64| boot_ns.saturating_sub(row.zero_boot_ns);
    let continued_by = continued_by(index, row.session)?;
    let id = |session: evidence::SessionId| SessionId::from_bytes(session.0);
    Ok(Timeline {
        session: id(row.session),
        zero_utc_ns: zero.utc_ns,
        pressed_ns: row.pressed_boot_ns.map(media_ns),
        now_ns: now_boot_ns.map(media_ns),
        cause: row.cause,
        chunks: ChunkSpan::join(chunks.into_iter().map(span)),
        interruptions: index.interruptions(Some(row.session))?.into_iter().map(placed).collect(),
        continues: row.continues.map(id),
        continued_by,
    })
}

/// The session that goes on with this one, if this index knows it.
///
/// # Errors
/// [`StoreError::Index`] if SQLite cannot answer.
pub fn continued_by(index: &Index, session: evidence::SessionId) -> Result<Option<SessionId>, StoreError> {
    let found = index.sessions()?.into_iter().find(|other| other.continues == Some(session));
    Ok(found.map(|other| SessionId::from_bytes(other.session.0)))
}

/// Media time 0. The start was entered a little later; both clocks ran alike in between.
fn zero(row: &SessionRow) -> Moment {
    let before_ns = i64::try_from(row.started_boot_ns.saturating_sub(row.zero_boot_ns)).unwrap_or(0);
    let boot_id = BootId::from_bytes(row.boot_id.0);
    Moment { utc_ns: row.started_utc_ns.saturating_sub(before_ns), boot_ns: row.zero_boot_ns, boot_id }
}

fn span(chunk: ChunkTimes) -> ChunkSpan {
    let ChunkTimes { from_ns, to_ns, video_frames, audio_packets, .. } = chunk;
    ChunkSpan { from_ns, to_ns, video: video_frames > 0, audio: audio_packets > 0 }
}
