// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opens a recording: sources first, and only when each has given its first frame the session, so that a camera that is
//! missing leaves nothing behind.

use crate::config::Config;
use crate::engine::Inbox;
use crate::errors::{from_media, from_store};
use crate::live::Live;
use crate::writer::{Order, Orders, QUEUE_CAPACITY_CHUNKS, Writer};
use bus::{BusError, Media, Notifier, SessionId, StartOptions};
use evidence::entry::SourceBody;
use evidence::record::Medium;
use evidence::time::BootNs;
use media::{Capture, Settings, TrackDetail, TrackInfo};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
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

impl Opener {
    /// Opens a recording.
    pub(crate) fn open(&self, options: &StartOptions) -> Result<Running, NotRunning> {
        let _sources = self.sources.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let media = options.media.unwrap_or(self.config.recording.media);
        let settings = self.config.settings(media);
        let (orders, queue) = sync_channel(QUEUE_CAPACITY_CHUNKS);
        let sink = orders.clone();
        let events = Arc::new(move |event| {
            // Fails only if the session could not be begun; what was captured belongs to no session then.
            let _ = sink.send(Order::Media(event));
        });
        let capture = Capture::start(&settings, events)
            .map_err(|error| NotRunning { error: from_media(&error), is_fault: false })?;
        self.begin(options, &settings, media, capture, orders, queue)
    }

    fn begin(
        &self,
        options: &StartOptions,
        settings: &Settings,
        media: Media,
        capture: Capture,
        orders: Orders,
        queue: Receiver<Order>,
    ) -> Result<Running, NotRunning> {
        let plan = self.plan(options, settings, &capture);
        let session = match SessionWriter::begin(Arc::clone(&self.evidence), plan) {
            Ok(session) => session,
            Err(error) => {
                drop(queue);
                capture.stop();
                return Err(NotRunning { error: from_store(&error), is_fault: true });
            }
        };
        let id = SessionId::from_bytes(session.id().0);
        tracing::info!(session = %id, %media, "session begun");
        self.live.begin(id);
        let writer = Writer {
            session,
            orders: queue,
            inbox: self.inbox.clone(),
            live: Arc::clone(&self.live),
            notifier: self.notifier.clone(),
            failed: false,
        };
        std::thread::Builder::new().name("writer".into()).spawn(move || writer.run()).map_err(|error| NotRunning {
            error: BusError::internal(format!("no thread for the writer: {error}")),
            is_fault: true,
        })?;
        Ok(Running { capture: Arc::new(capture), orders, session: id })
    }

    fn plan(&self, options: &StartOptions, settings: &Settings, capture: &Capture) -> NewSession {
        let evidence = &self.config.evidence;
        NewSession {
            officer: options.officer.clone().unwrap_or_default(),
            label: self.config.device.id.clone(),
            sources: capture.tracks().iter().map(|track| source(track, settings)).collect(),
            zero_boot_ns: BootNs(capture.zero_ns()),
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
