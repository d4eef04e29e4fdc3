// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opens a recording: sources first, and only when each has given its first frame the session, so that a camera that is
//! missing leaves nothing behind.

use crate::config::Config;
use crate::engine::{Inbox, Message};
use crate::errors::{from_media, from_store};
use crate::live::Live;
use crate::writer::{Order, Orders, QUEUE_CAPACITY_CHUNKS, Writer};
use bus::{BusError, Media, Notifier, SessionId, StartOptions};
use evidence::entry::SourceBody;
use evidence::record::Medium;
use evidence::time::BootNs;
use media::{Capture, Settings, TrackDetail, TrackInfo};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use store::{Evidence, NewSession, SessionWriter};

/// What opening needs; shared by all who open.
#[derive(Clone)]
pub(crate) struct Opener {
    pub(crate) config: Arc<Config>,
    pub(crate) evidence: Arc<Evidence>,
    pub(crate) live: Arc<Live>,
    pub(crate) notifier: Notifier,
    pub(crate) inbox: Inbox,
    /// Held by whoever has the sources open, so that a start waits for a photo instead of finding the camera busy.
    pub(crate) sources: Arc<Mutex<()>>,
}

/// A recording that is running.
pub(crate) struct Running {
    pub(crate) capture: Arc<Capture>,
    pub(crate) orders: Orders,
    pub(crate) session: SessionId,
}

/// Why a recording is not running.
pub(crate) struct NotRunning {
    pub(crate) error: BusError,
    /// Whether it is the recorder's own fault.
    pub(crate) is_fault: bool,
}

impl NotRunning {
    fn fault(reason: impl std::fmt::Display) -> NotRunning {
        NotRunning { error: BusError::internal(reason), is_fault: true }
    }
}

/// How much work with the sources may wait: one recording is opened, closed and released in turn, and the next one opened.
pub(crate) const SOURCE_WORK_MAX: usize = 4;

/// Work with the sources, which may take long.
pub(crate) enum SourceWork {
    /// Open a recording, and tell the engine what came of it.
    Open(StartOptions),
    /// Close the sources; what they gave is delivered first.
    Close(Arc<Capture>),
    /// Take the pipelines of a recording that is closed apart.
    Release(Box<Running>),
}

/// The writer's thread, which waits for a session to write.
struct Hired {
    orders: Orders,
    begin: SyncSender<SessionWriter>,
}

impl Opener {
    /// Does what the engine has no time for.
    pub(crate) fn carry_out(&self, work: SourceWork) {
        match work {
            SourceWork::Open(options) => {
                let opened = catch_unwind(AssertUnwindSafe(|| self.open(&options)));
                let opened =
                    opened.unwrap_or_else(|_| Err(NotRunning::fault("opening broke down; the log says where")));
                self.inbox.tell(Message::Opened(Box::new(opened)));
            }
            SourceWork::Close(capture) => capture.stop(),
            SourceWork::Release(running) => drop(running),
        }
    }

    fn open(&self, options: &StartOptions) -> Result<Running, NotRunning> {
        let _sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let media = options.media.unwrap_or(self.config.recording.media);
        let settings = self.config.settings(media);
        let writer = self.hire_writer()?;
        let sink = writer.orders.clone();
        let events = Arc::new(move |event| {
            // Fails only if the session could not be begun; what was captured belongs to no session then.
            let _ = sink.send(Order::Media(event));
        });
        let capture = Capture::start(&settings, events)
            .map_err(|error| NotRunning { error: from_media(&error), is_fault: false })?;
        self.begin(options, &settings, media, capture, writer)
    }

    /// Starts the writer's thread before anything is begun that only it could end.
    fn hire_writer(&self) -> Result<Hired, NotRunning> {
        let (orders, queue) = sync_channel(QUEUE_CAPACITY_CHUNKS);
        let (begin, begun) = sync_channel(1);
        let (inbox, live, notifier) = (self.inbox.clone(), Arc::clone(&self.live), self.notifier.clone());
        let write = move || {
            if let Ok(session) = begun.recv() {
                Writer::new(session, inbox, live, notifier).run(&queue);
            }
        };
        let thread = std::thread::Builder::new().name("writer".into()).spawn(write);
        thread.map_err(|error| NotRunning::fault(format!("no thread for the writer: {error}")))?;
        Ok(Hired { orders, begin })
    }

    fn begin(
        &self,
        options: &StartOptions,
        settings: &Settings,
        media: Media,
        capture: Capture,
        writer: Hired,
    ) -> Result<Running, NotRunning> {
        let plan = self.plan(options, settings, &capture);
        let session = match SessionWriter::begin(Arc::clone(&self.evidence), plan) {
            Ok(session) => session,
            Err(error) => {
                // Its thread ends, and nothing waits for room in its queue any more.
                drop(writer);
                capture.stop();
                return Err(NotRunning { error: from_store(&error), is_fault: true });
            }
        };
        let id = SessionId::from_bytes(session.id().0);
        tracing::info!(session = %id, %media, "session begun");
        self.live.begin(id);
        self.notifier.session_started(id);
        // The thread waits for nothing else.
        let _ = writer.begin.send(session);
        Ok(Running { capture: Arc::new(capture), orders: writer.orders, session: id })
    }

    fn plan(&self, options: &StartOptions, settings: &Settings, capture: &Capture) -> NewSession {
        let evidence = &self.config.evidence;
        NewSession {
            officer: options.officer.clone().unwrap_or_default(),
            label: self.config.device.id.clone(),
            sources: capture.tracks().iter().map(|track| source(track, settings)).collect(),
            zero_boot_ns: BootNs(capture.zero_ns()),
            pressed_boot_ns: None,
            continues: None,
            template: evidence.names.clone(),
            roll_ns: u64::from(evidence.segment_s) * 1_000_000_000,
            roll_bytes: u64::from(evidence.segment_mib) * 1024 * 1024,
        }
    }
}

fn source(track: &TrackInfo, settings: &Settings) -> SourceBody {
    let (medium, source) = match track.medium {
        media::Medium::Video => (Medium::Video, settings.video.as_ref().map(|video| video.source.to_string())),
        media::Medium::Audio => (Medium::Audio, settings.audio.as_ref().map(|audio| audio.source.to_string())),
    };
    let (source, encoder) = (source.unwrap_or_default(), track.encoder.clone());
    SourceBody { medium, source, encoder, format: format!("{} {}", track.codec_name, shape(track.detail)) }
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
    use crate::engine::INBOX_CAPACITY_MESSAGES;
    use std::path::Path;
    use std::sync::mpsc::Receiver;

    /// Everything real, in this folder, on no bus.
    pub(crate) fn opener(folder: &Path) -> (Opener, Receiver<Message>) {
        let (sender, messages) = sync_channel(INBOX_CAPACITY_MESSAGES);
        let settings = ["video.source=test:", "video.width=64", "video.height=48"].map(str::to_owned);
        let config = Arc::new(Config::load(None, &settings).unwrap());
        let evidence = Arc::new(evidence(folder));
        let live = Arc::new(Live::new(evidence.folder(), &config.device.id));
        let (notifier, _) = Notifier::channel();
        let sources = Arc::new(Mutex::new(()));
        (Opener { config, evidence, live, notifier, inbox: Inbox(sender), sources }, messages)
    }

    /// An evidence folder of a device that is new.
    pub(crate) fn evidence(folder: &Path) -> Evidence {
        let place = store::Place { evidence: folder.join("evidence"), state: folder.join("state") };
        let boot = evidence::entry::BootBody { software: "test".into(), config: evidence::Hash::ZERO };
        let clock = store::clock::SystemClock::new().unwrap();
        Evidence::open(&place, boot, Arc::new(clock), &mut |_| ()).unwrap().0
    }
}
