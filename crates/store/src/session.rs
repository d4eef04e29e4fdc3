// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes a session: chunks into segments, each appended, synced, indexed and only then spoken of.

use crate::copies::{append_copy, write_copies};
use crate::files::{SHARED_READ, append, create_folder, create_new, sync_parent, write_new};
use crate::index::Stored;
use crate::names::{Template, session_folder};
use crate::recovery::cut_segment;
use crate::{Evidence, StoreError, photo};
use evidence::bytes::Hasher;
use evidence::chain::{Covered, Sealed, SessionChain};
use evidence::entry::{Body, SessionEndBody, SessionStartBody, SourceBody};
use evidence::ledger::SignedEntry;
use evidence::mp4::{Fragment, Init, Run, record_box};
use evidence::record::{Event, Medium, Record, Track};
use evidence::sign::{Ed25519Signer, Signer};
use evidence::time::{BootNs, Clock};
use evidence::{Hash, InterruptionId, SESSION_FILE, SESSIONS_FOLDER, SessionId};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How far a track may lag behind another at the beginning of a segment, in nanoseconds.
const LATE_TRACK_NS: u64 = 2_000_000_000;

/// What a session is begun with.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Who records; empty if nobody said.
    pub officer: String,
    /// The device's label.
    pub label: String,
    /// The tracks.
    pub sources: Vec<SourceBody>,
    /// Boot time of media time 0.
    pub zero_boot_ns: BootNs,
    /// Boot time at which the start was asked for, if somebody asked.
    pub pressed_boot_ns: Option<BootNs>,
    /// The session that was cut off and that this one goes on with.
    pub continues: Option<SessionId>,
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
    /// The session's entries behind its start.
    entries: Vec<SignedEntry>,
    /// Whether an entry of the session lacks one of its copies, which the end then writes anew.
    pub(crate) copies_lack: bool,
    /// Those that are not over.
    pub(crate) interruptions: Vec<InterruptionId>,
    chain: SessionChain,
    durable: Durable,
    segment: Option<Segment>,
    segments: u32,
    lost: BTreeMap<Medium, u64>,
    ends_ns: BTreeMap<Medium, u64>,
    events: Vec<Event>,
    /// Media time at which the start was asked for, until the chunk with that moment is written.
    pressed_ns: Option<u64>,
    /// The cause of the session's end, once a write has failed.
    failure: Option<&'static str>,
}

/// How far the session is on the storage: what its end may vouch for.
struct Durable {
    segments: u32,
    chunks: u64,
    records: u64,
    last: Hash,
}

struct Segment {
    file: File,
    path: PathBuf,
    init: Arc<[u8]>,
    tracks: Init,
    base_ns: u64,
    leading_ns: u64,
    /// How much of the file is durable.
    length: u64,
    fragments: u32,
}

impl SessionWriter {
    /// Begins a session: its key, its entry in the ledger, its folder.
    ///
    /// # Errors
    /// [`StoreError`] if any of these cannot be made durable, or there is no room to record in. A session whose start is
    /// in the ledger all the same is closed.
    pub fn begin(evidence: Arc<Evidence>, plan: NewSession) -> Result<SessionWriter, StoreError> {
        let id = SessionId(uuid::Uuid::new_v4().into_bytes());
        let signer =
            Ed25519Signer::generate().map_err(|source| StoreError::Key { path: "of the session".into(), source })?;
        evidence.books().prepare()?;
        let name = session_folder(id, evidence.clock.now().utc_ns);
        let folder = evidence.folder().join(SESSIONS_FOLDER).join(&name);
        create_folder(&folder)?;
        let entered = evidence.books().enter(Body::SessionStart(start_body(id, &plan, &signer, name)));
        let start = entered.inspect_err(|_| drop(fs::remove_dir(&folder)))?;
        let chain = SessionChain::new(id, Box::new(signer), start.hash);
        let pressed_ns = plan.pressed_boot_ns.and_then(|pressed| pressed.0.checked_sub(plan.zero_boot_ns.0));
        let writer = SessionWriter {
            evidence,
            id,
            plan,
            folder,
            entries: Vec::new(),
            copies_lack: false,
            interruptions: Vec::new(),
            durable: Durable { segments: 0, chunks: 0, records: 0, last: start.hash },
            start,
            chain,
            segment: None,
            segments: 0,
            lost: BTreeMap::new(),
            ends_ns: BTreeMap::new(),
            events: Vec::new(),
            pressed_ns,
            failure: None,
        };
        writer.write_first_copy()
    }

    fn write_first_copy(mut self) -> Result<SessionWriter, StoreError> {
        let Err(error) = write_new(&self.folder.join(SESSION_FILE), SHARED_READ, &self.start.bytes) else {
            return Ok(self);
        };
        (self.failure, self.copies_lack) = (Some(failure(&error)), true);
        if let Err(error) = self.finish(STORAGE_FAILED, None) {
            tracing::error!(%error, "a session that did not begin could not be closed; the next start closes it");
        }
        Err(error)
    }

    /// The session.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The evidence folder that it is in.
    #[must_use]
    pub fn evidence_folder(&self) -> &Path {
        self.evidence.folder()
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

    /// Gives what waits for the next record to the session that goes on.
    pub fn hand_over(&mut self, next: &mut SessionWriter) {
        next.events.extend(std::mem::take(&mut self.events));
        for (medium, count) in std::mem::take(&mut self.lost) {
            *next.lost.entry(medium).or_default() += count;
        }
    }

    /// Writes one fragment as a chunk. `init` is the header of its tracks; another header begins another segment.
    ///
    /// # Errors
    /// [`StoreError`]; after a failed write the session takes no more chunks.
    pub fn append(&mut self, init: &Arc<[u8]>, mut data: Vec<u8>) -> Result<StoredChunk, StoreError> {
        if self.failure.is_some() {
            return Err(StoreError::Closed("an earlier write failed"));
        }
        self.try_append(init, &mut data).inspect_err(|error| self.failure = Some(failure(error)))
    }

    fn try_append(&mut self, init: &Arc<[u8]>, data: &mut [u8]) -> Result<StoredChunk, StoreError> {
        let fragment = self.roll_if_due(init, data)?;
        self.note_pressed(&fragment);
        let (mut segment, front) = match self.segment.take() {
            Some(segment) => (segment, Vec::new()),
            None => self.open_segment(init, &fragment)?,
        };
        let written = self.write_chunk(&mut segment, &front, data, &fragment);
        // After a failure as well: the file is cut back when the session is closed.
        let segment = self.segment.insert(segment);
        let sealed = written?;
        let start_bytes = (!front.is_empty()).then(|| (front.len() - init.len()) as u64);
        index_chunk(&self.evidence, segment, start_bytes, &sealed);
        // What was lost of a track that is not in this chunk is told with its next samples; the event is told now.
        self.lost.retain(|medium, _| sealed.record.tracks.iter().all(|track| track.medium != *medium));
        self.events.clear();
        self.ends_ns.extend(sealed.record.tracks.iter().map(|track| (track.medium, track.to_ns(track.end()))));
        Ok(self.stored(&fragment, sealed))
    }

    /// Notes the moment at which the start was asked for, if it lies in this fragment or in a pause in front of it.
    fn note_pressed(&mut self, fragment: &Fragment) {
        if let Some(pressed_ns) = self.pressed_ns.take_if(|pressed_ns| *pressed_ns < fragment.end_ns()) {
            self.note(Event { event: "start".into(), medium: None, detail: pressed_ns.to_string() });
        }
    }

    /// Signs a chunk and makes it durable.
    fn write_chunk(
        &mut self,
        segment: &mut Segment,
        front: &[u8],
        data: &mut [u8],
        fragment: &Fragment,
    ) -> Result<Sealed, StoreError> {
        segment.fragments += 1;
        fragment.rebase(data, segment.fragments, segment.base_ns)?;
        let sealed = self.seal(segment, front, data, fragment)?;
        append(&mut segment.file, &segment.path, &[front, data, &sealed.bytes])?;
        if !front.is_empty() {
            sync_parent(&segment.path)?;
        }
        segment.length += (front.len() + data.len() + sealed.bytes.len()) as u64;
        self.note_durable();
        Ok(sealed)
    }

    fn note_durable(&mut self) {
        let chain = &self.chain;
        self.durable =
            Durable { segments: self.segments, chunks: chain.chunks(), records: chain.records(), last: chain.last() };
    }

    /// Closes the segment in hand if the fragment is to begin another one.
    fn roll_if_due(&mut self, init: &Arc<[u8]>, data: &[u8]) -> Result<Fragment, StoreError> {
        let Some(segment) = &self.segment else { return Ok(Fragment::parse(data, &Init::parse(init)?)?) };
        if !Arc::ptr_eq(&segment.init, init) {
            self.roll()?;
            return Ok(Fragment::parse(data, &Init::parse(init)?)?);
        }
        let fragment = Fragment::parse(data, &segment.tracks)?;
        // Sound may begin a little earlier than the key frame: it is the picture that decides.
        let long = fragment.leading_ns().saturating_sub(segment.leading_ns) >= self.plan.roll_ns;
        let large = segment.length + data.len() as u64 > self.plan.roll_bytes;
        if (long || large) && fragment.can_begin_file(&segment.tracks) {
            self.roll()?;
        }
        Ok(fragment)
    }

    fn open_segment(&mut self, init: &Arc<[u8]>, fragment: &Fragment) -> Result<(Segment, Vec<u8>), StoreError> {
        let number = self.segments + 1;
        let utc = self.evidence.clock.now().utc_ns;
        let name = self.plan.template.name(&self.plan.label, &self.plan.officer, Some(self.id), utc, number);
        let path = self.folder.join(format!("{name}.mp4"));
        let tracks = Init::parse(init)?;
        let file = create_new(&path, SHARED_READ)?;
        self.segments = number;
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

    fn stored(&self, fragment: &Fragment, sealed: Sealed) -> StoredChunk {
        let tracks = &sealed.record.tracks;
        let up_to_ns = tracks.iter().map(|track| track.to_ns(track.end())).min().unwrap_or(0);
        let leading = fragment.runs.iter().find(|run| run.medium == Medium::Video).or(fragment.runs.first());
        let track = leading.and_then(|run| tracks.iter().find(|track| track.id == run.id).zip(Some(run)));
        let last_ns = track.map_or(0, |(track, run)| track.to_ns(track.end().saturating_sub(run.last_duration)));
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
        clock.at(BootNs(self.plan.zero_boot_ns.0.saturating_add(media_ns))).utc_ns.0
    }

    /// Ends the segment in hand; another follows. What was lost is told with the next samples.
    fn roll(&mut self) -> Result<(), StoreError> {
        let (lost, other) = std::mem::take(&mut self.events).into_iter().partition(|event| event.event == "lost");
        self.events = other;
        let ended = self.end_segment();
        self.events.extend(lost);
        ended
    }

    fn end_segment(&mut self) -> Result<(), StoreError> {
        let Some(segment) = &mut self.segment else { return Ok(()) };
        let now = self.evidence.clock.now();
        let sealed = self.chain.segment_end(self.segments, segment.length, &self.events, now)?;
        append(&mut segment.file, &segment.path, &[&sealed.bytes])?;
        self.segment = None;
        self.note_durable();
        self.events.clear();
        let stored = Stored { record: &sealed.record, record_bytes: sealed.bytes.len() as u64 };
        self.evidence.books().note(|index| index.together(|| index.end_segment(&stored)));
        Ok(())
    }

    /// Ends the session: its last segment, its interruptions, its entry in the ledger, its key. After a failed write the
    /// last segment is cut back to what is durable, and the cause is `storage-failed`, or `storage-full` if there was no
    /// room, whatever `cause` says. `pressed_boot_ns` is when the end was asked for, if somebody asked.
    ///
    /// # Errors
    /// [`StoreError`] if the end cannot be made durable; the next start then closes the session.
    pub fn finish(mut self, cause: &str, pressed_boot_ns: Option<BootNs>) -> Result<SessionEndBody, StoreError> {
        let failure = self.close_segment()?;
        self.end_interruptions()?;
        self.enter_end(failure.unwrap_or(cause), pressed_boot_ns)
    }

    /// Ends the last segment, or cuts it back to what is durable and says why.
    fn close_segment(&mut self) -> Result<Option<&'static str>, StoreError> {
        if self.failure.is_none()
            && let Err(error) = self.end_segment()
        {
            tracing::error!(%error, "the last segment could not be ended");
            self.failure = Some(failure(&error));
        }
        if let Some(segment) = self.segment.take() {
            cut_segment(&segment.path, segment.length)?;
        }
        Ok(self.failure)
    }

    fn enter_end(self, cause: &str, pressed_boot_ns: Option<BootNs>) -> Result<SessionEndBody, StoreError> {
        let end = SessionEndBody {
            session: self.id,
            cause: cause.into(),
            segments: self.durable.segments,
            chunks: self.durable.chunks,
            records: self.durable.records,
            last: self.durable.last,
            pressed_boot_ns,
        };
        let mut books = self.evidence.books();
        let entry = books.enter_closing(&Body::SessionEnd(end.clone()))?;
        // The session is closed. What fails from here on is made good at the next start.
        if let Err(error) = books.reserve.closing(|| self.write_last_copy(&entry)) {
            tracing::error!(%error, "a copy of a ledger entry could not be written; the next start writes it");
        }
        if let Err(error) = books.replace_key("session-end") {
            tracing::error!(%error, "the ledger's key could not be replaced; the next start replaces it");
        }
        books.settle_index();
        Ok(end)
    }

    fn write_last_copy(&self, end: &SignedEntry) -> Result<(), StoreError> {
        if !self.copies_lack {
            return append_copy(&self.folder, end);
        }
        photo::complete(self.evidence.folder(), &self.entries)?;
        let own: Vec<_> = std::iter::once(&self.start).chain(&self.entries).chain([end]).collect();
        write_copies(&self.folder, &own)
    }

    /// Enters something about this session in the ledger. A copy that cannot be written is written at the end.
    pub(crate) fn enter(&mut self, body: &Body) -> Result<(), StoreError> {
        let entry = self.evidence.books().enter_closing(body)?;
        if let Err(error) = self.copy(entry) {
            tracing::warn!(%error, "a copy of a ledger entry could not be written; the end of the session writes it");
        }
        Ok(())
    }

    /// Takes an entry of this session that is in the ledger, and writes its copy.
    pub(crate) fn copy(&mut self, entry: SignedEntry) -> Result<(), StoreError> {
        let reserve = self.evidence.books().reserve.clone();
        // A copy behind one that lacks would be out of order.
        let copied = if self.copies_lack { Ok(()) } else { reserve.closing(|| append_copy(&self.folder, &entry)) };
        self.copies_lack |= copied.is_err();
        self.entries.push(entry);
        copied
    }
}

const STORAGE_FAILED: &str = "storage-failed";

/// The cause of a session's end by a write that failed.
fn failure(error: &StoreError) -> &'static str {
    if error.is_full() { "storage-full" } else { STORAGE_FAILED }
}

/// `start_bytes`: length of the session-start box, if the chunk begins its segment.
fn index_chunk(evidence: &Evidence, segment: &Segment, start_bytes: Option<u64>, sealed: &Sealed) {
    let stored = Stored { record: &sealed.record, record_bytes: sealed.bytes.len() as u64 };
    evidence.books().note(|index| {
        index.together(|| {
            if let Some(bytes) = start_bytes {
                index.add_segment(&sealed.record, &file_name(&segment.path), bytes)?;
            }
            index.add_chunk(&stored)
        })
    });
}

fn start_body(id: SessionId, plan: &NewSession, signer: &dyn Signer, folder: String) -> SessionStartBody {
    SessionStartBody {
        session: id,
        public: signer.public_key(),
        algorithm: signer.algorithm(),
        folder,
        officer: plan.officer.clone(),
        label: plan.label.clone(),
        sources: plan.sources.clone(),
        zero_boot_ns: plan.zero_boot_ns,
        pressed_boot_ns: plan.pressed_boot_ns,
        continues: plan.continues,
    }
}

pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
