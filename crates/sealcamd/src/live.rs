// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the bus is told about the recorder: a snapshot that engine and writer keep up to date and anyone may read.

use bus::{
    AlarmInfo, AlarmKind, ChunkInfo, Counters, InterruptionInfo, RecorderState, RecorderStatus, SegmentInfo, SessionId,
    SessionInfo, Timeline,
};
use evidence::record::Medium;
use recorder::State;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use store::index::{Index, SessionRow};
use store::{StoreError, StoredChunk};

/// The snapshot, and where past sessions are read from.
pub(crate) struct Live {
    status: Mutex<RecorderStatus>,
    /// Held by whoever asks an index. It is opened for each question: it may have been rebuilt since the last one, and on
    /// a full disk there may be none.
    index: Mutex<()>,
    /// The evidence folders, the first storage's first.
    folders: Vec<PathBuf>,
    /// The number of the one that the session goes to; the first's while there is none.
    in_use: AtomicUsize,
}

impl Live {
    pub(crate) fn new(folders: &[&Path], device_id: &str) -> Live {
        let first = folders.first().map(|folder| folder.to_string_lossy().into_owned());
        let status = RecorderStatus {
            state: RecorderState::Starting,
            fault: None,
            current_session: None,
            counters: Counters::default(),
            recorded_up_to_ns: 0,
            alarms: Vec::new(),
            storage_minutes: None,
            prerecord_ns: 0,
            device_id: device_id.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            evidence_folder: first.unwrap_or_default(),
        };
        let folders = folders.iter().map(|folder| folder.to_path_buf()).collect();
        Live { status: Mutex::new(status), index: Mutex::new(()), folders, in_use: AtomicUsize::new(0) }
    }

    pub(crate) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// Those that recording may still go to, one after the other.
    pub(crate) fn folders_left(&self) -> &[PathBuf] {
        self.folders.get(self.in_use.load(Ordering::Relaxed)..).unwrap_or_default()
    }

    pub(crate) fn status(&self) -> RecorderStatus {
        self.lock().clone()
    }

    pub(crate) fn set_state(&self, state: &State) {
        let (state, fault) = match state {
            State::Starting => (RecorderState::Starting, None),
            State::Standby => (RecorderState::Standby, None),
            State::Opening => (RecorderState::Opening, None),
            State::Recording => (RecorderState::Recording, None),
            State::Degraded => (RecorderState::Degraded, None),
            State::Interrupted => (RecorderState::Interrupted, None),
            State::Stopping(_) | State::Closing(_) | State::Down => (RecorderState::Stopping, None),
            State::Faulted(reason) => (RecorderState::Faulted, Some(reason.clone())),
        };
        let mut status = self.lock();
        (status.state, status.fault) = (state, fault);
    }

    /// Puts down an alarm, in place of one of its kind.
    pub(crate) fn raise(&self, alarm: AlarmInfo) {
        let mut status = self.lock();
        status.alarms.retain(|standing| standing.kind != alarm.kind);
        status.alarms.push(alarm);
    }

    pub(crate) fn quiet(&self, kind: AlarmKind) {
        self.lock().alarms.retain(|standing| standing.kind != kind);
    }

    /// Puts down how long the storage lasts. Whether that is news.
    pub(crate) fn set_storage_minutes(&self, minutes: Option<u64>) -> bool {
        let before = std::mem::replace(&mut self.lock().storage_minutes, minutes);
        before != minutes
    }

    pub(crate) fn set_prerecord_ns(&self, held_ns: u64) {
        self.lock().prerecord_ns = held_ns;
    }

    /// A session begins in this folder.
    pub(crate) fn begin(&self, session: SessionId, folder: &Path) {
        let number = self.folders.iter().position(|known| known == folder);
        self.in_use.store(number.unwrap_or(0), Ordering::Relaxed);
        let mut status = self.lock();
        (status.current_session, status.counters, status.recorded_up_to_ns) = (Some(session), Counters::default(), 0);
    }

    /// The session has ended. The next one tries the first storage again, so that its room counts again.
    pub(crate) fn end(&self) {
        self.in_use.store(0, Ordering::Relaxed);
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

    /// All sessions, oldest first; none where there is no index, which stops no recorder.
    pub(crate) fn sessions(&self) -> Result<Vec<SessionInfo>, StoreError> {
        let mut all =
            self.ask_each(|folder, index| index.sessions()?.into_iter().map(|row| info(folder, index, row)).collect())?;
        all.sort_by_key(|session: &SessionInfo| session.started_utc_ns);
        Ok(all)
    }

    pub(crate) fn session(&self, id: SessionId) -> Result<Option<SessionInfo>, StoreError> {
        let session = evidence::SessionId(id.to_bytes());
        let found = self.ask_each(|folder, index| {
            index.session(session)?.map(|row| info(folder, index, row)).into_iter().collect()
        })?;
        Ok(found.into_iter().next())
    }

    /// The interruptions of a session, or of all; none where the session is not known.
    pub(crate) fn interruptions(&self, of: Option<SessionId>) -> Result<Option<Vec<InterruptionInfo>>, StoreError> {
        if let Some(id) = of
            && self.session(id)?.is_none()
        {
            return Ok(None);
        }
        let of = of.map(|id| evidence::SessionId(id.to_bytes()));
        let rows =
            self.ask_each(|_, index| Ok(index.interruptions(of)?.into_iter().map(past::interruption).collect()))?;
        Ok(Some(rows))
    }

    /// What of a session was recorded when; nothing where it is not known.
    pub(crate) fn timeline(&self, id: SessionId) -> Result<Option<Timeline>, StoreError> {
        let session = evidence::SessionId(id.to_bytes());
        let now = |row: &SessionRow| row.ended_utc_ns.is_none().then(|| store::clock::boot_now().0);
        let found = self.ask_each(|_, index| {
            let Some(row) = index.session(session)? else { return Ok(Vec::new()) };
            let now_boot_ns = now(&row);
            Ok(vec![past::timeline(index, row, now_boot_ns)?])
        })?;
        let Some(mut timeline) = found.into_iter().next() else { return Ok(None) };
        if timeline.continued_by.is_none() {
            timeline.continued_by = self.continued_by(session)?;
        }
        Ok(Some(timeline))
    }

    /// The session that goes on with this one, perhaps on the other storage.
    fn continued_by(&self, session: evidence::SessionId) -> Result<Option<SessionId>, StoreError> {
        let found = self.ask_each(|_, index| Ok(past::continued_by(index, session)?.into_iter().collect()))?;
        Ok(found.into_iter().next())
    }

    /// Asks the index of each evidence folder that has one.
    fn ask_each<T>(
        &self,
        question: impl Fn(&Path, &Index) -> Result<Vec<T>, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let _one = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answers = Vec::new();
        for folder in &self.folders {
            match Index::open_read_only(folder) {
                Ok(index) => answers.extend(question(folder, &index)?),
                Err(error) => tracing::error!(%error, "the index cannot be read"),
            }
        }
        Ok(answers)
    }

    fn lock(&self) -> MutexGuard<'_, RecorderStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn while_index_is_held(&self, work: impl FnOnce()) {
        let _index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        work();
    }
}

fn info(root: &Path, index: &Index, row: SessionRow) -> Result<SessionInfo, StoreError> {
    let segments = index.segments(row.session)?.into_iter().map(|segment| SegmentInfo {
        number: segment.number,
        file: segment.file,
        chunks: segment.chunks,
        bytes: segment.bytes,
    });
    let folder = root.join(evidence::SESSIONS_FOLDER).join(&row.folder);
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
        continues: row.continues.map(|id| SessionId::from_bytes(id.0)),
        interruptions: index.interruptions(Some(row.session))?.len() as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_recording_may_go_to_the_first_storage_again() {
        let folders = ["/first", "/second"].map(Path::new);
        let live = Live::new(&folders, "SC0001");
        live.begin(SessionId::from_bytes([1; 16]), folders[1]);
        assert_eq!(live.folders_left(), [folders[1]]);
        live.end();
        assert_eq!(live.folders_left(), folders);
    }
}
