// SPDX-License-Identifier: MIT OR Apache-2.0
//! Opens and closes sources for the engine, each medium in a thread of its own, and tells the engine what becomes of them.

use crate::config::Config;
use crate::engine::Message;
use crate::errors::from_media;
use crate::open::Opener;
use crate::worker::Worker;
use bus::{BusError, ErrorKind};
use media::{FailureKind, Notice, RingLimits};
use recorder::{Fault, Input, Media, Medium, PerMedium};
use std::sync::PoisonError;

/// How much work with one source may wait: it is opened and closed in turn.
const SOURCE_WORK_MAX: usize = 16;

/// Work with a source, which may take long.
enum Work {
    /// Open it, beside the other of these media.
    Open(bus::Media),
    Close,
}

/// The sources, for the engine.
pub(crate) struct Sources {
    workers: PerMedium<Option<Worker<Work>>>,
}

impl Sources {
    pub(crate) fn start(opener: &Opener) -> std::io::Result<Sources> {
        let worker = |medium: Medium| {
            let opener = opener.clone();
            Worker::start(medium.as_str(), SOURCE_WORK_MAX, move |work| carry_out(&work, medium, &opener)).map(Some)
        };
        Ok(Sources { workers: PerMedium { video: worker(Medium::Video)?, audio: worker(Medium::Audio)? } })
    }

    /// Opens a source that is wanted as one of these media.
    pub(crate) fn open(&self, medium: Medium, of: bus::Media) {
        self.give(medium, Work::Open(of));
    }

    pub(crate) fn close(&self, medium: Medium) {
        self.give(medium, Work::Close);
    }

    /// The machine opens a source only after it closed it, or after a wait.
    fn give(&self, medium: Medium, work: Work) {
        if let Some(Err(_)) = self.workers[medium].as_ref().map(|worker| worker.give(work)) {
            tracing::error!(%medium, "the thread of this source takes no more work");
        }
    }

    /// Waits for the work in hand.
    pub(crate) fn end(self) {
        [self.workers.video, self.workers.audio].into_iter().flatten().for_each(Worker::end);
    }
}

fn carry_out(work: &Work, medium: Medium, opener: &Opener) {
    let media = match work {
        Work::Close => return opener.studio.close(of(medium)),
        Work::Open(media) => *media,
    };
    // A list of devices opens sound cards for a moment: this must not find one busy for it.
    let cards = (medium == Medium::Audio).then(|| opener.cards.lock().unwrap_or_else(PoisonError::into_inner));
    let opened = opener.studio.open(of(medium), &opener.config.settings(media));
    drop(cards);
    opener.inbox.tell(match opened {
        Ok(()) => Message::Input(Input::SourceUp { medium }),
        Err(error) => {
            let (fault, error) = (fault_of_opening(medium, &error), from_media(&error));
            Message::SourceFailed { medium, fault, error, last_ns: None }
        }
    });
}

fn fault_of_opening(medium: Medium, error: &media::MediaError) -> Fault {
    match error {
        media::MediaError::NoEncoder { .. } => Fault::Encoder,
        _ => fault_of(medium),
    }
}

fn fault_of(medium: Medium) -> Fault {
    match medium {
        Medium::Video => Fault::Camera,
        Medium::Audio => Fault::Microphone,
    }
}

/// What the engine is told of a notice.
pub(crate) fn message(notice: Notice) -> Message {
    match notice {
        Notice::Failed { medium, kind, reason, last_boot_ns } => {
            let medium = medium_of(medium);
            let (fault, kind) = match kind {
                FailureKind::Encoder => (Fault::Encoder, ErrorKind::DeviceFailed),
                FailureKind::Gone => (fault_of(medium), ErrorKind::DeviceMissing),
                FailureKind::Slept => (Fault::Suspend, ErrorKind::DeviceFailed),
                FailureKind::Silent | FailureKind::BadTimestamps | FailureKind::Format => {
                    (fault_of(medium), ErrorKind::DeviceFailed)
                }
            };
            Message::SourceFailed { medium, fault, error: BusError::new(kind, reason), last_ns: last_boot_ns }
        }
        Notice::Missed { medium, from_boot_ns, to_boot_ns } => {
            Message::Input(Input::Missed { medium: medium_of(medium), from_ns: from_boot_ns, to_ns: to_boot_ns })
        }
        Notice::Ended { medium } => Message::Input(Input::SourceEnded { medium: medium_of(medium) }),
        Notice::FrameRate { is_low, detail } => Message::Input(Input::FrameRate { is_low, detail }),
        Notice::Dropped { queue, count } => Message::Input(Input::Dropped { queue, count }),
    }
}

/// What is kept of the time before the button.
pub(crate) fn ring(config: &Config) -> RingLimits {
    let recording = &config.recording;
    RingLimits {
        ns: u64::from(recording.prerecord_s) * 1_000_000_000,
        bytes: usize::try_from(recording.prerecord_mib).unwrap_or(usize::MAX) * 1024 * 1024,
        sound: recording.prerecord_sound,
    }
}

/// Those of these media whose sources can be kept open.
pub(crate) fn can_stand_by(config: &Config, media: bus::Media) -> Media {
    let settings = config.settings(media);
    Medium::ALL.into_iter().filter(|medium| media::can_stand_by(&settings, of(*medium))).collect()
}

/// The media whose sources are kept open in standby: none without a pre-record.
pub(crate) fn standby(config: &Config) -> Media {
    match config.recording.prerecord_s {
        0 => Media::NONE,
        _ => can_stand_by(config, config.recording.media),
    }
}

/// Those of them that are held for a recording.
pub(crate) fn held(config: &Config) -> Media {
    let media = standby(config);
    if config.recording.prerecord_sound { media } else { media.without(Medium::Audio) }
}

/// One after the other.
pub(crate) fn list(media: bus::Media) -> Vec<media::Medium> {
    match media {
        bus::Media::VideoAndAudio => vec![media::Medium::Video, media::Medium::Audio],
        bus::Media::Video => vec![media::Medium::Video],
        bus::Media::Audio => vec![media::Medium::Audio],
    }
}

pub(crate) fn of(medium: Medium) -> media::Medium {
    match medium {
        Medium::Video => media::Medium::Video,
        Medium::Audio => media::Medium::Audio,
    }
}

pub(crate) fn medium_of(medium: media::Medium) -> Medium {
    match medium {
        media::Medium::Video => Medium::Video,
        media::Medium::Audio => Medium::Audio,
    }
}

/// The medium in a record.
pub(crate) fn of_medium(medium: media::Medium) -> evidence::record::Medium {
    match medium {
        media::Medium::Video => evidence::record::Medium::Video,
        media::Medium::Audio => evidence::record::Medium::Audio,
    }
}
