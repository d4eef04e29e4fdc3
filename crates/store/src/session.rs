// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes a session: chunks into segments, each appended, synced, indexed and only then spoken of.

use crate::files::{append, create_folder, create_new, sync_parent, write_new};
use crate::index::Stored;
use crate::names::{Template, session_folder};
use crate::{Evidence, StoreError, recovery};
use evidence::bytes::Hasher;
use evidence::chain::{Covered, Sealed, SessionChain};
use evidence::entry::{Body, SessionEndBody, SessionStartBody, SourceBody};
use evidence::ledger::SignedEntry;
use evidence::mp4::{Fragment, Init, Run, record_box};
use evidence::record::{Event, Medium, Record, Track};
use evidence::sign::{Ed25519Signer, Signer};
use evidence::time::{BootNs, Clock};
use evidence::{SESSION_FILE, SESSIONS_FOLDER, SessionId};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SHARED_READ: u32 = 0o640;

/// How far a track may lag behind another at the beginning of a segment, in nanoseconds.
const LATE_TRACK_NS: u64 = 2_000_000_000;

/// What a session is begun with.
pub struct NewSession {
    /// Who records; empty if nobody said.
    pub officer: String,
    /// The device's label.
    pub label: String,
    /// The tracks.
    pub sources: Vec<SourceBody>,
    /// Boot time of media time 0.
    pub zero_boot_ns: BootNs,
    /// How segment files are named.
    pub template: Template,
    /// After how much media time a segment is rolled, in nanoseconds.
    pub roll_ns: u64,
    /// After how many bytes a segment is rolled.
    pub roll_bytes: u64,
}

/// What was made durable and indexed.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredChunk {
    /// Its signed record.
    pub record: Record,
    /// Media time of the session up to which everything is recorded.
    pub up_to_ns: u64,
    /// UTC of that moment, by the clocks in its record.
    pub up_to_utc_ns: i64,
    /// Boot time at which the chunk's last picture (or sound packet) was captured.
    pub last_frame_boot_ns: u64,
    /// Length of the chunk in the file, with its record.
    pub bytes: u64,
}

/// A session being written.
pub struct SessionWriter {
    evidence: Arc<Evidence>,
    id: SessionId,
    plan: NewSession,
    pub(crate) folder: PathBuf,
    pub(crate) start: SignedEntry,
    /// Entries of the photos taken so far.
    pub(crate) photos: Vec<SignedEntry>,
    chain: SessionChain,
    segment: Option<Segment>,
    segments: u32,
    lost: BTreeMap<Medium, u64>,
    ends_ns: BTreeMap<Medium, u64>,
    events: Vec<Event>,
    failed: bool,
}

struct Segment {
    file: File,
    path: PathBuf,
    init: Arc<[u8]>,
    tracks: Init,
    base_ns: u64,
    leading_ns: u64,
    length: u64,
    fragments: u32,
}

impl SessionWriter {
    /// Begins a session: its key, its entry in the ledger, its folder.
    ///
    /// # Errors
    /// [`StoreError`] if any of these cannot be made durable.
    pub fn begin(evidence: Arc<Evidence>, plan: NewSession) -> Result<SessionWriter, StoreError> {
        let id = SessionId(uuid::Uuid::new_v4().into_bytes());
        let signer =
            Ed25519Signer::generate().map_err(|source| StoreError::Key { path: "of the session".into(), source })?;
        let name = session_folder(id, evidence.clock.now().utc_ns);
        let folder = evidence.folder().join(SESSIONS_FOLDER).join(&name);
        create_folder(&folder)?;
        let start = evidence.books().enter(Body::SessionStart(start_body(id, &plan, &signer, name)))?;
        write_new(&folder.join(SESSION_FILE), SHARED_READ, &start.bytes)?;
        let chain = SessionChain::new(id, Box::new(signer), start.hash);
        Ok(SessionWriter {
            evidence,
            id,
            plan,
            folder,
            start,
            photos: Vec::new(),
            chain,
            segment: None,
            segments: 0,
            lost: BTreeMap::new(),
            ends_ns: BTreeMap::new(),
            events: Vec::new(),
            failed: false,
        })
    }

    /// The session.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    pub(crate) fn plan(&self) -> &NewSession {
        &self.plan
    }

    pub(crate) fn evidence(&self) -> Arc<Evidence> {
        Arc::clone(&self.evidence)
    }

    /// Notes something for the next record.
    pub fn note(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Notes lost frames or packets for the next record.
    pub fn note_lost(&mut self, medium: Medium, count: u64, reason: &str) {
        *self.lost.entry(medium).or_default() += count;
        let detail = format!("{count}: {reason}");
        self.note(Event { event: "lost".into(), medium: Some(medium), detail });
    }

    /// Writes one fragment as a chunk. `init` is the header of its tracks; another header begins another segment.
    ///
    /// # Errors
    /// [`StoreError`]; after a failed write the session takes no more chunks.
    pub fn append(&mut self, init: &Arc<[u8]>, mut data: Vec<u8>) -> Result<StoredChunk, StoreError> {
        if self.failed {
            return Err(StoreError::Closed("an earlier write failed"));
        }
        let result = self.try_append(init, &mut data);
        self.failed = result.is_err();
        result
    }

    fn try_append(&mut self, init: &Arc<[u8]>, data: &mut [u8]) -> Result<StoredChunk, StoreError> {
        let fragment = self.roll_if_due(init, data)?;
        let opened = self.segment.take();
        let (mut segment, front) = match opened {
            Some(segment) => (segment, Vec::new()),
            None => self.open_segment(init, &fragment)?,
        };
        segment.fragments += 1;
        fragment.rebase(data, segment.fragments, segment.base_ns)?;
        let sealed = self.seal(&segment, &front, data, &fragment)?;
        append(&mut segment.file, &segment.path, &[&front, data, &sealed.bytes])?;
        if !front.is_empty() {
            sync_parent(&segment.path)?;
        }
        segment.length += (front.len() + data.len() + sealed.bytes.len()) as u64;
        self.index_chunk(&segment, &front, init, &sealed)?;
        self.segment = Some(segment);
        // What was lost of a track that is not in this chunk is told with its next samples; the event is told now.
        self.lost.retain(|medium, _| sealed.record.tracks.iter().all(|track| track.medium != *medium));
        self.events.clear();
        self.ends_ns.extend(sealed.record.tracks.iter().map(|track| (track.medium, track.to_ns(track.end()))));
        Ok(self.stored(&fragment, sealed))
    }

    /// Closes the segment in hand if the fragment is to begin another one.
    fn roll_if_due(&mut self, init: &Arc<[u8]>, data: &[u8]) -> Result<Fragment, StoreError> {
        let Some(segment) = &self.segment else { return Ok(Fragment::parse(data, &Init::parse(init)?)?) };
        if !Arc::ptr_eq(&segment.init, init) && segment.init != *init {
            self.end_segment()?;
            return Ok(Fragment::parse(data, &Init::parse(init)?)?);
        }
        let fragment = Fragment::parse(data, &segment.tracks)?;
        // Sound may begin a little earlier than the key frame: it is the picture that decides.
        let long = fragment.leading_ns().saturating_sub(segment.leading_ns) >= self.plan.roll_ns;
        let large = segment.length + data.len() as u64 > self.plan.roll_bytes;
        if (long || large) && fragment.can_begin_file() {
            self.end_segment()?;
        }
        Ok(fragment)
    }

    fn open_segment(&mut self, init: &Arc<[u8]>, fragment: &Fragment) -> Result<(Segment, Vec<u8>), StoreError> {
        let number = self.segments + 1;
        let utc = self.evidence.clock.now().utc_ns;
        let name = self.plan.template.name(&self.plan.label, &self.plan.officer, Some(self.id), utc, number);
        let path = self.folder.join(format!("{name}.mp4"));
        let file = create_new(&path, SHARED_READ)?;
        self.segments = number;
        let tracks = Init::parse(init)?;
        let base_ns = self.base_ns(&tracks, fragment);
        let segment = Segment {
            file,
            path,
            init: Arc::clone(init),
            tracks,
            base_ns,
            leading_ns: fragment.leading_ns(),
            length: 0,
            fragments: 0,
        };
        Ok((segment, [init, record_box(&self.start.bytes).as_slice()].concat()))
    }

    /// The moment of the session that is time 0 in a segment that begins with `fragment`. A track that has nothing in it
    /// yet goes on where it ended before, if that is not long ago.
    fn base_ns(&self, tracks: &Init, fragment: &Fragment) -> u64 {
        let start_ns = fragment.start_ns();
        let late = tracks.tracks.iter().filter(|t| fragment.runs.iter().all(|run| run.id != t.id));
        let ends = late.filter_map(|track| self.ends_ns.get(&track.medium).copied());
        ends.filter(|end_ns| end_ns + LATE_TRACK_NS > start_ns).fold(start_ns, u64::min)
    }

    fn seal(
        &mut self,
        segment: &Segment,
        front: &[u8],
        data: &[u8],
        fragment: &Fragment,
    ) -> Result<Sealed, StoreError> {
        let mut hasher = Hasher::default();
        hasher.update(front);
        hasher.update(data);
        let covered = Covered {
            offset: segment.length,
            length: (front.len() + data.len()) as u64,
            media: hasher.finish(),
            tracks: fragment.runs.iter().map(|run| self.track(run)).collect(),
            events: &self.events,
        };
        Ok(self.chain.chunk(self.segments, covered, self.evidence.clock.now())?)
    }

    fn track(&self, run: &Run) -> Track {
        Track {
            id: run.id,
            medium: run.medium,
            scale: run.scale,
            start: run.start,
            duration: run.duration,
            samples: run.samples,
            lost: self.lost.get(&run.medium).copied().unwrap_or(0),
        }
    }

    fn index_chunk(
        &self,
        segment: &Segment,
        front: &[u8],
        init: &Arc<[u8]>,
        sealed: &Sealed,
    ) -> Result<(), StoreError> {
        let books = self.evidence.books();
        let stored = Stored { record: &sealed.record, record_bytes: sealed.bytes.len() as u64 };
        books.index.together(|| {
            if !front.is_empty() {
                let start_bytes = (front.len() - init.len()) as u64;
                books.index.add_segment(&sealed.record, &file_name(&segment.path), start_bytes)?;
            }
            books.index.add_chunk(&stored)
        })
    }

    fn stored(&self, fragment: &Fragment, sealed: Sealed) -> StoredChunk {
        let tracks = &sealed.record.tracks;
        let up_to_ns = tracks.iter().map(|track| track.to_ns(track.end())).min().unwrap_or(0);
        let leading = fragment.runs.iter().find(|run| run.medium == Medium::Video).or(fragment.runs.first());
        let last_ns = leading.map_or(0, |run| ticks_to_ns(run.start + run.duration - run.last_duration, run.scale));
        StoredChunk {
            up_to_ns,
            up_to_utc_ns: self.utc_of(&sealed.record.clock, up_to_ns),
            last_frame_boot_ns: self.plan.zero_boot_ns.0.saturating_add(last_ns),
            bytes: sealed.record.length + sealed.bytes.len() as u64,
            record: sealed.record,
        }
    }

    /// UTC of a moment of the media, by a reading of both clocks.
    fn utc_of(&self, clock: &Clock, media_ns: u64) -> i64 {
        let boot_ns = self.plan.zero_boot_ns.0.saturating_add(media_ns);
        clock.utc_ns.0 - i64::try_from(clock.boot_ns.0).unwrap_or(0) + i64::try_from(boot_ns).unwrap_or(0)
    }

    fn end_segment(&mut self) -> Result<(), StoreError> {
        let Some(mut segment) = self.segment.take() else { return Ok(()) };
        let now = self.evidence.clock.now();
        let sealed = self.chain.segment_end(self.segments, segment.length, &self.events, now)?;
        append(&mut segment.file, &segment.path, &[&sealed.bytes])?;
        self.events.clear();
        let books = self.evidence.books();
        books.index.end_segment(&Stored { record: &sealed.record, record_bytes: sealed.bytes.len() as u64 })
    }

    /// Ends the session: its last segment, its entry in the ledger, its key. After a failed write the files are cut
    /// back to the last record that is whole, as after a power cut.
    ///
    /// # Errors
    /// [`StoreError`] if the end cannot be made durable; the next start then closes the session.
    pub fn finish(mut self, cause: &str) -> Result<SessionEndBody, StoreError> {
        if !self.failed && self.end_segment().is_ok() {
            return self.enter_end(cause);
        }
        self.segment = None;
        let mut books = self.evidence.books();
        let recovered = recovery::close_session(self.evidence.folder(), &mut books, &self.start, &self.photos, cause)?;
        books.replace_key("session-end")?;
        books.index.settle()?;
        Ok(recovered.end)
    }

    fn enter_end(self, cause: &str) -> Result<SessionEndBody, StoreError> {
        let end = SessionEndBody {
            session: self.id,
            cause: cause.into(),
            segments: self.segments,
            chunks: self.chain.chunks(),
            records: self.chain.records(),
            last: self.chain.last(),
        };
        let mut books = self.evidence.books();
        let entry = books.enter(Body::SessionEnd(end.clone()))?;
        append_entry(&self.folder, &entry)?;
        books.replace_key("session-end")?;
        books.index.settle()?;
        Ok(end)
    }
}

fn start_body(id: SessionId, plan: &NewSession, signer: &Ed25519Signer, folder: String) -> SessionStartBody {
    SessionStartBody {
        session: id,
        public: signer.public_key(),
        algorithm: signer.algorithm(),
        folder,
        officer: plan.officer.clone(),
        label: plan.label.clone(),
        sources: plan.sources.clone(),
        zero_boot_ns: plan.zero_boot_ns,
    }
}

/// Adds the copy of a ledger entry to a session's folder.
pub(crate) fn append_entry(folder: &Path, entry: &SignedEntry) -> Result<(), StoreError> {
    let path = folder.join(SESSION_FILE);
    let mut file = OpenOptions::new().append(true).open(&path).map_err(StoreError::io("open", &path))?;
    append(&mut file, &path, &[&entry.bytes])
}

pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn ticks_to_ns(ticks: u64, scale: u32) -> u64 {
    u64::try_from(u128::from(ticks) * 1_000_000_000 / u128::from(scale.max(1))).unwrap_or(u64::MAX)
}
