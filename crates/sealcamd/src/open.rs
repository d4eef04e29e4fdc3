// SPDX-License-Identifier: MIT OR Apache-2.0
//! Begins a session: what the sources give is routed to a writer, and the session is entered. A session that cannot be begun
//! leaves nothing behind.

use crate::alarms::AlarmBoard;
use crate::capture::{can_stand_by, held, list, medium_of, standby};
use crate::config::Config;
use crate::engine::{Inbox, Message};
use crate::errors::{from_media, from_store};
use crate::live::Live;
use crate::orders::{Orders, queue};
use crate::writer::{FellOver, Progress, Writer};
use bus::{BusError, Media, Notifier, SessionId};
use evidence::entry::SourceBody;
use evidence::record::Medium;
use evidence::time::BootNs;
use media::{Recording, Settings, Studio, TrackDetail, TrackInfo};
use recorder::Rules;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use store::{Evidence, NewSession};

/// How long opening a source may take beyond its first frame: encoders are tried first. The media side has its own limit
/// for the frame, and says more when that is reached.
const OPENING_NS: u64 = 20_000_000_000;

/// Room that recordings leave alone on the storage, in bytes: beside what the store holds back, a few seconds of recording.
const RESERVE_BYTES: u64 = 4 * 1024 * 1024;

/// What opening needs; shared by all who open.
#[derive(Clone)]
pub(crate) struct Opener {
    pub(crate) config: Arc<Config>,
    pub(crate) studio: Arc<Studio>,
    pub(crate) evidence: Arc<Evidence>,
    /// Where recording goes on when that fails.
    pub(crate) fallback: Option<Arc<Evidence>>,
    pub(crate) live: Arc<Live>,
    pub(crate) alarms: Arc<AlarmBoard>,
    pub(crate) notifier: Notifier,
    pub(crate) inbox: Inbox,
    /// Held by whoever opens a sound card.
    pub(crate) cards: Arc<Mutex<()>>,
}

/// A recording that is running.
pub(crate) struct Running {
    pub(crate) recording: Arc<Recording>,
    pub(crate) orders: Orders,
    pub(crate) session: SessionId,
    /// Set if the session began on the second storage.
    pub(crate) fell_over: Option<FellOver>,
}

/// Why a recording is not running.
pub(crate) struct NotRunning {
    pub(crate) error: BusError,
    pub(crate) blame: Blame,
}

/// What keeps a recording from running.
pub(crate) enum Blame {
    /// The request, or a source.
    Other,
    /// There is no room.
    Full,
    /// The recorder itself, or its storage.
    Recorder,
}

impl NotRunning {
    fn fault(reason: impl std::fmt::Display) -> NotRunning {
        NotRunning { error: BusError::internal(reason), blame: Blame::Recorder }
    }
}

/// How much work with sessions may wait: one is begun, ended and released in turn, and the clock is not set often.
pub(crate) const SESSION_WORK_MAX: usize = 16;

/// Work with sessions, which may take long.
pub(crate) enum SessionWork {
    /// Begin one, and tell the engine what came of it.
    Begin(Begin),
    /// Record no more; what came is delivered first.
    End(Arc<Recording>),
    /// Take what is left of one that is closed apart.
    Release(Box<Running>),
    /// Enter that UTC was set.
    EnterClockStep(i64),
}

/// A session to begin.
pub(crate) struct Begin {
    pub(crate) media: Media,
    /// Those of them whose sources do not give yet.
    pub(crate) absent: recorder::Media,
    pub(crate) officer: String,
    pub(crate) pressed_ns: u64,
    pub(crate) continues: Option<SessionId>,
    /// Where it shows what the storage is at.
    pub(crate) progress: Arc<Progress>,
}

/// The writer's thread, which waits for a session to write.
struct Hired {
    orders: Orders,
    begin: SyncSender<Writer>,
}

impl Opener {
    /// What the configuration asks of the state machine.
    pub(crate) fn rules(&self) -> Rules {
        let recording = &self.config.recording;
        Rules {
            standby: standby(&self.config),
            held: held(&self.config),
            repeatable: !can_stand_by(&self.config, recording.media).is_empty(),
            post_ns: u64::from(recording.postrecord_s) * 1_000_000_000,
            start_timeout_ns: u64::from(recording.start_timeout_ms) * 1_000_000 + OPENING_NS,
            warn_min: self.config.evidence.warn_min.clone(),
            reserve_bytes: RESERVE_BYTES,
        }
    }

    /// Does what the engine has no time for.
    pub(crate) fn carry_out(&self, work: SessionWork) {
        match work {
            SessionWork::Begin(wanted) => {
                let begun = catch_unwind(AssertUnwindSafe(|| self.begin(&wanted)));
                let begun = begun.unwrap_or_else(|_| Err(NotRunning::fault("opening broke down; the log says where")));
                self.inbox.tell(Message::Opened(Box::new(begun)));
            }
            SessionWork::End(recording) => recording.end(),
            SessionWork::Release(running) => drop(running),
            SessionWork::EnterClockStep(step_ns) => self.enter_clock_step(step_ns),
        }
    }

    fn enter_clock_step(&self, step_ns: i64) {
        // Each ledger is read alone.
        for evidence in std::iter::once(&self.evidence).chain(&self.fallback) {
            if let Err(error) = evidence.enter_clock_step(step_ns) {
                tracing::error!(%error, step_ns, "that UTC was set could not be entered in a ledger");
            }
        }
    }

    fn begin(&self, wanted: &Begin) -> Result<Running, NotRunning> {
        let settings = self.config.settings(wanted.media);
        let hired = self.hire_writer()?;
        let sink = hired.orders.clone();
        let events = Arc::new(move |event| {
            // Fails only if the session could not be begun; what was captured belongs to no session then.
            let _ = sink.give(event);
        });
        let (absent, present): (Vec<_>, Vec<_>) =
            list(wanted.media).into_iter().partition(|medium| wanted.absent.contains(medium_of(*medium)));
        let recording = self.studio.record(&present, &absent, &settings, events);
        let recording = recording.map_err(|error| NotRunning { error: from_media(&error), blame: Blame::Other })?;
        self.begin_session(wanted, &settings, recording, hired)
    }

    /// Starts the writer's thread before anything is begun that only it could end.
    fn hire_writer(&self) -> Result<Hired, NotRunning> {
        let (orders, queue) = queue();
        let (begin, begun) = sync_channel::<Writer>(1);
        let write = move || {
            if let Ok(writer) = begun.recv() {
                writer.run(&queue);
            }
        };
        let thread = std::thread::Builder::new().name("writer".into()).spawn(write);
        thread.map_err(|error| NotRunning::fault(format!("no thread for the writer: {error}")))?;
        Ok(Hired { orders, begin })
    }

    fn begin_session(
        &self,
        wanted: &Begin,
        settings: &Settings,
        recording: Recording,
        hired: Hired,
    ) -> Result<Running, NotRunning> {
        let plan = self.plan(wanted, settings, &recording);
        let (writer, fell_over) = match Writer::begin(self, plan, Arc::clone(&wanted.progress)) {
            Ok(begun) => begun,
            Err(error) => {
                // Its thread ends, and nothing waits for room in its queue any more.
                drop(hired);
                recording.give_back();
                let blame = if error.is_full() { Blame::Full } else { Blame::Recorder };
                return Err(NotRunning { error: from_store(&error), blame });
            }
        };
        recording.confirm();
        let id = writer.id();
        tracing::info!(session = %id, media = %wanted.media, "session begun");
        // The thread waits for nothing else.
        let _ = hired.begin.send(writer);
        Ok(Running { recording: Arc::new(recording), orders: hired.orders, session: id, fell_over })
    }

    fn plan(&self, wanted: &Begin, settings: &Settings, recording: &Recording) -> NewSession {
        let evidence = &self.config.evidence;
        NewSession {
            officer: wanted.officer.clone(),
            label: self.config.device.id.clone(),
            sources: sources(list(wanted.media), &recording.tracks(), settings),
            zero_boot_ns: BootNs(recording.zero_ns()),
            pressed_boot_ns: Some(BootNs(wanted.pressed_ns)),
            continues: wanted.continues.map(|id| evidence::SessionId(id.to_bytes())),
            template: evidence.names.clone(),
            roll_ns: u64::from(evidence.segment_s) * 1_000_000_000,
            roll_bytes: u64::from(evidence.segment_mib) * 1024 * 1024,
        }
    }
}

/// Of a source that does not give yet nothing is known but which it is.
fn sources(media: Vec<media::Medium>, tracks: &[TrackInfo], settings: &Settings) -> Vec<SourceBody> {
    let source = |medium| {
        let track = tracks.iter().find(|track| track.medium == medium);
        let (medium, source) = match medium {
            media::Medium::Video => (Medium::Video, settings.video.as_ref().map(|video| video.source.to_string())),
            media::Medium::Audio => (Medium::Audio, settings.audio.as_ref().map(|audio| audio.source.to_string())),
        };
        SourceBody {
            medium,
            source: source.unwrap_or_default(),
            encoder: track.map_or_else(String::new, |track| track.encoder.clone()),
            format: track.map_or_else(String::new, |track| format!("{} {}", track.codec_name, shape(track.detail))),
        }
    };
    media.into_iter().map(source).collect()
}

fn shape(detail: TrackDetail) -> String {
    match detail {
        TrackDetail::Video { width, height, frame_rate: (0, _) } => format!("{width}x{height}, frame rate varies"),
        TrackDetail::Video { width, height, frame_rate: (frames, 1) } => format!("{width}x{height}, {frames} frames/s"),
        TrackDetail::Video { width, height, frame_rate: (frames, seconds) } => {
            format!("{width}x{height}, {frames}/{seconds} frames/s")
        }
        TrackDetail::Audio { rate_hz, channels } => format!("{rate_hz} Hz, channels: {channels}"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::capture::ring;
    use crate::engine::INBOX_CAPACITY_MESSAGES;
    use std::path::Path;
    use std::sync::mpsc::Receiver;

    /// Everything real, in this folder, on no bus.
    pub(crate) fn opener(folder: &Path) -> (Opener, Receiver<Message>) {
        let (sender, messages) = sync_channel(INBOX_CAPACITY_MESSAGES);
        let settings = [
            "video.source=test:",
            "video.width=64",
            "video.height=48",
            "recording.media=video",
            "recording.prerecord_s=0",
        ]
        .map(str::to_owned);
        let config = Arc::new(Config::load(None, &settings).unwrap());
        let evidence = Arc::new(evidence(folder));
        let live = Arc::new(Live::new(&[evidence.folder()], &config.device.id));
        let (notifier, _) = Notifier::channel();
        let studio = Arc::new(Studio::new(ring(&config), Arc::new(|_| ())).unwrap());
        let alarms = Arc::new(AlarmBoard::new(Arc::clone(&live), notifier.clone()));
        let (inbox, cards) = (Inbox(sender), Arc::default());
        (Opener { config, studio, evidence, fallback: None, live, alarms, notifier, inbox, cards }, messages)
    }

    /// An evidence folder of a device that is new.
    pub(crate) fn evidence(folder: &Path) -> Evidence {
        let place = store::Place { evidence: folder.join("evidence"), state: folder.join("state") };
        let boot = evidence::entry::BootBody { software: "test".into(), config: evidence::Hash::ZERO };
        let clock = store::clock::SystemClock::new().unwrap();
        Evidence::open(&place, boot, Arc::new(clock), &mut |_| ()).unwrap().0
    }
}
