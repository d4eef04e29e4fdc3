// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the bus is told about the recorder: a snapshot that engine and writer keep up to date and anyone may read.

use bus::{
    ChunkInfo, Counters, InterruptionInfo, RecorderState, RecorderStatus, SegmentInfo, SessionId, SessionInfo, Timeline,
};
use evidence::record::Medium;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use store::index::{Index, SessionRow};
use store::{StoreError, StoredChunk};

/// The snapshot, and where past sessions are read from.
pub(crate) struct Live {
    status: Mutex<RecorderStatus>,
    /// Held by whoever asks the index. It is opened for each question: it may have been rebuilt since the last one, and on
    /// a full disk there may be none.
    index: Mutex<()>,
    folder: PathBuf,
}

impl Live {
    pub(crate) fn new(folder: &Path, device_id: &str) -> Live {
        let status = RecorderStatus {
            state: RecorderState::Standby,
            fault: None,
            current_session: None,
            counters: Counters::default(),
            recorded_up_to_ns: 0,
            alarms: Vec::new(),
            storage_minutes: None,
            prerecord_ns: 0,
            device_id: device_id.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            evidence_folder: folder.to_string_lossy().into_owned(),
        };
        Live { status: Mutex::new(status), index: Mutex::new(()), folder: folder.into() }
    }

    pub(crate) fn status(&self) -> RecorderStatus {
        self.lock().clone()
    }

    pub(crate) fn set_state(&self, state: RecorderState, fault: Option<String>) {
        let mut status = self.lock();
        (status.state, status.fault) = (state, fault);
    }

    pub(crate) fn begin(&self, session: SessionId) {
        let mut status = self.lock();
        (status.current_session, status.counters, status.recorded_up_to_ns) = (Some(session), Counters::default(), 0);
    }

    pub(crate) fn end(&self) {
        self.lock().current_session = None;
    }

    /// Counts a durable chunk and says what to announce.
    pub(crate) fn count(&self, session: SessionId, chunk: &StoredChunk) -> ChunkInfo {
        let record = &chunk.record;
        let mut status = self.lock();
        let counters = &mut status.counters;
        for track in &record.tracks {
            let (samples, lost) = match track.medium {
                Medium::Video => (&mut counters.video_frames, &mut counters.video_lost),
                Medium::Audio => (&mut counters.audio_packets, &mut counters.audio_lost),
            };
            *samples += track.samples;
            *lost += track.lost;
        }
        counters.chunks = record.chunk + 1;
        counters.segments = u64::from(record.segment);
        counters.bytes += chunk.bytes;
        counters.duration_ns = record.tracks.iter().map(|t| t.to_ns(t.end())).max().unwrap_or(counters.duration_ns);
        status.recorded_up_to_ns = chunk.up_to_ns;
        ChunkInfo {
            session,
            segment: record.segment,
            chunk: record.chunk,
            recorded_up_to_ns: chunk.up_to_ns,
            utc_ns: chunk.up_to_utc_ns,
        }
    }

    /// All sessions; none if there is no index, which stops no recorder.
    pub(crate) fn sessions(&self) -> Result<Vec<SessionInfo>, StoreError> {
        let _one = self.index();
        let index = match Index::open_read_only(&self.folder) {
            Ok(index) => index,
            Err(error) => {
                tracing::error!(%error, "the sessions cannot be listed");
                return Ok(Vec::new());
            }
        };
        index.sessions()?.into_iter().map(|row| self.info(&index, row)).collect()
    }

    pub(crate) fn session(&self, id: SessionId) -> Result<Option<SessionInfo>, StoreError> {
        let _one = self.index();
        let index = Index::open_read_only(&self.folder)?;
        let row = index.session(evidence::SessionId(id.to_bytes()))?;
        row.map(|row| self.info(&index, row)).transpose()
    }

    /// The interruptions of a session, or of all; nothing where the session is not known.
    pub(crate) fn interruptions(
        &self,
        session: Option<SessionId>,
    ) -> Result<Option<Vec<InterruptionInfo>>, StoreError> {
        let known = session.map_or(Ok(true), |id| self.session(id).map(|found| found.is_some()))?;
        Ok(known.then(Vec::new))
    }

    /// What of a session was recorded when; nothing where it is not known.
    pub(crate) fn timeline(&self, id: SessionId) -> Result<Option<Timeline>, StoreError> {
        let timeline = |session: SessionInfo| Timeline {
            session: id,
            zero_utc_ns: session.started_utc_ns,
            pressed_ns: None,
            now_ns: None,
            cause: session.cause,
            chunks: Vec::new(),
            interruptions: Vec::new(),
            continues: session.continues,
            continued_by: None,
        };
        Ok(self.session(id)?.map(timeline))
    }

    fn info(&self, index: &Index, row: SessionRow) -> Result<SessionInfo, StoreError> {
        let segments = index.segments(row.session)?.into_iter().map(|segment| SegmentInfo {
            number: segment.number,
            file: segment.file,
            chunks: segment.chunks,
            bytes: segment.bytes,
        });
        let folder = self.folder.join(evidence::SESSIONS_FOLDER).join(&row.folder);
        let below = format!("{}/{}/", evidence::SESSIONS_FOLDER, row.folder);
        let photos = index.photos(Some(row.session))?;
        Ok(SessionInfo {
            id: SessionId::from_bytes(row.session.0),
            officer: row.officer,
            folder: folder.to_string_lossy().into_owned(),
            started_utc_ns: row.started_utc_ns,
            ended_utc_ns: row.ended_utc_ns,
            cause: row.cause,
            duration_ns: row.duration_ns,
            chunks: row.chunks,
            video_frames: row.video_frames,
            audio_packets: row.audio_packets,
            bytes: row.bytes,
            signed_bytes: row.signed_bytes,
            segments: segments.collect(),
            photos: photos.into_iter().map(|file| file.trim_start_matches(&below).to_owned()).collect(),
            continues: None,
            interruptions: 0,
        })
    }

    fn lock(&self) -> MutexGuard<'_, RecorderStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn while_index_is_held(&self, work: impl FnOnce()) {
        let _index = self.index();
        work();
    }

    fn index(&self) -> MutexGuard<'_, ()> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
