// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sources that are open, the ring, and the recording that runs.
//!
//! The face of this crate. Capture never stops; recording is routing. Decides nothing: a source that failed stays so until
//! its owner opens it again. Must not know sessions or files of evidence.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::error::MediaError;
use crate::event::{Event, Medium};
use crate::frame::NS_PER_SECOND;
use crate::inlet::{Inlet, Ticket};
use crate::live::{Live, LivePlan};
use crate::notice::{Notice, Notices};
use crate::pipeline::Changes;
use crate::plan::{Plan, plan, replay_plan, shared_file};
use crate::recording::Recording;
use crate::replay::Replay;
use crate::ring::RingLimits;
use crate::router::Router;
use crate::settings::{Pace, ReplaySettings, Settings};
use crate::source::Source;
use crate::sync::lock;

/// What a camera gives before a still is taken of it, to settle its exposure.
const SETTLE_NS: i64 = NS_PER_SECOND;
/// How long a device that was just closed may still be at it.
const CHANGES_LIMIT: Duration = Duration::from_secs(1);

/// Sources that are open, and what they gave last. Dropping it closes them.
pub struct Studio {
    router: Arc<Router>,
    /// Held by whoever opens or closes. Who needs both takes that of the picture first.
    video: Mutex<Slot>,
    audio: Mutex<Slot>,
}

/// What was opened for one medium. A file that gives both is in both.
#[derive(Default)]
struct Slot {
    running: Option<Running>,
    changes: Changes,
}

enum Running {
    Live(Live),
    Replay(Arc<Replay>),
}

/// The slots that someone who opens needs.
struct Held<'a> {
    video: Option<MutexGuard<'a, Slot>>,
    audio: Option<MutexGuard<'a, Slot>>,
}

impl Studio {
    /// A studio with no source. `notices` is called by a thread of its own, with one after the other. It should return
    /// soon: where many wait they are lost.
    pub fn new(ring: RingLimits, notices: Arc<dyn Fn(Notice) + Send + Sync>) -> Result<Self, MediaError> {
        crate::init()?;
        let notices = Notices::new(notices).map_err(|error| MediaError::pipeline("starting a thread", error))?;
        Ok(Self { router: Router::new(ring, notices), video: Mutex::default(), audio: Mutex::default() })
    }

    /// Opens a source and waits for its first frame (for the picture: a key frame), at most `start_timeout_ms`. One that
    /// is up stays as it is; one that failed is closed first. A file that is wanted for both media is opened for both.
    pub fn open(&self, medium: Medium, settings: &Settings) -> Result<(), MediaError> {
        let file = shared_file(settings);
        let mut held = self.hold(medium, file.is_some());
        if self.is_up(medium) {
            return Ok(());
        }
        held.empty(medium);
        let tickets = match file {
            Some(file) => self.open_shared(&mut held, medium, settings, file)?,
            None => self.open_alone(&mut held, medium, settings)?,
        };
        self.wait_up(&mut held, &tickets, settings.start_timeout_ms)
    }

    fn hold(&self, medium: Medium, both: bool) -> Held<'_> {
        let video = (both || medium == Medium::Video).then(|| lock(&self.video));
        let audio = (both || medium == Medium::Audio).then(|| lock(&self.audio));
        Held { video, audio }
    }

    fn open_alone(&self, held: &mut Held<'_>, medium: Medium, settings: &Settings) -> Result<Vec<Ticket>, MediaError> {
        match plan(settings, medium)? {
            Plan::Live(plan) => self.open_live(held, &plan),
            Plan::Replay(plan) => {
                let replay = Arc::new(Replay::start(plan, &self.router)?);
                let tickets = tickets(&replay);
                held.fill(medium, Running::Replay(replay));
                Ok(tickets)
            }
        }
    }

    fn open_live(&self, held: &mut Held<'_>, plan: &LivePlan) -> Result<Vec<Ticket>, MediaError> {
        let Some(slot) = held.slot(plan.medium) else { return Ok(Vec::new()) };
        if !slot.changes.wait_done(CHANGES_LIMIT) {
            let reason = format!("{}: its driver hangs; it cannot be opened again", plan.source.device());
            return Err(MediaError::Failed { reason });
        }
        let inlet = Inlet::open(&self.router, plan.wish());
        let ticket = inlet.ticket();
        // The device's own words over the pipeline's.
        let words = |error| self.router.open_failure(&[ticket]).unwrap_or(error);
        slot.running = Some(Running::Live(Live::start(plan, inlet, &slot.changes).map_err(words)?));
        Ok(vec![ticket])
    }

    /// Waits for the first frames. What does not come is closed again.
    fn wait_up(&self, held: &mut Held<'_>, tickets: &[Ticket], timeout_ms: u32) -> Result<(), MediaError> {
        let up = self.router.wait_up(tickets, timeout_ms);
        up.inspect_err(|_| tickets.iter().for_each(|ticket| held.empty(ticket.medium)))
    }

    /// Opens a file for this medium and the other one, unless that is up.
    fn open_shared(
        &self,
        held: &mut Held<'_>,
        medium: Medium,
        settings: &Settings,
        file: &Path,
    ) -> Result<Vec<Ticket>, MediaError> {
        let other = medium.other();
        if !self.is_up(other) {
            held.empty(other);
            let replay = Arc::new(Replay::start(replay_plan(settings, file, &Medium::BOTH), &self.router)?);
            held.fill(medium, Running::Replay(Arc::clone(&replay)));
            held.fill(other, Running::Replay(Arc::clone(&replay)));
            return Ok(tickets(&replay));
        }
        match held.running(other) {
            Some(Running::Replay(replay)) if replay.plays(file, medium) => {
                let (replay, inlet) = (Arc::clone(replay), replay.attach(medium));
                held.fill(medium, Running::Replay(replay));
                Ok(vec![inlet.ticket()])
            }
            _ => self.open_alone(held, medium, settings),
        }
    }

    /// Closes a source, whether it is up or failed. While a recording runs its encoder first gives out what it holds. A
    /// second call does nothing.
    pub fn close(&self, medium: Medium) {
        let mut held = self.hold(medium, false);
        if let Some(Running::Live(live)) = held.running(medium) {
            live.stop(self.router.is_recorded(medium));
        }
        held.empty(medium);
    }

    /// Whether this source gives frames: it was opened, and has not failed or ended since.
    pub fn is_up(&self, medium: Medium) -> bool {
        self.router.is_up(medium)
    }

    /// How much of what came last is kept for a recording, in nanoseconds.
    pub fn held_ns(&self) -> u64 {
        self.router.held_ns()
    }

    /// Begins a recording of these media, whose sources must be up, with what the ring holds of them. Returns when each
    /// has come, at most after `start_timeout_ms`; one that cannot begin takes nothing from the ring. What of `absent` is
    /// opened while it runs joins it. There is one recording at a time.
    ///
    /// `events` is called by a thread of the recording, one event after the other. It may block; that is the
    /// back-pressure. It must not call [`Recording::end`].
    pub fn record(
        &self,
        media: &[Medium],
        absent: &[Medium],
        settings: &Settings,
        events: Arc<dyn Fn(Event) + Send + Sync>,
    ) -> Result<Recording, MediaError> {
        Recording::begin(&self.router, media, absent, settings, events)
    }

    /// The current picture as JPEG, decoded from the frames since the last key frame. Never one of long ago.
    pub fn photo(&self) -> Result<Vec<u8>, MediaError> {
        self.router.photo()
    }

    /// A still, whether the camera is open or not: one that is not is opened alone, settles, and is closed again. Whoever
    /// opens it meanwhile waits.
    pub fn take_photo(&self, settings: &Settings) -> Result<Vec<u8>, MediaError> {
        let settings = still_settings(settings);
        let mut held = self.hold(Medium::Video, false);
        if self.is_up(Medium::Video) {
            return self.photo();
        }
        held.empty(Medium::Video);
        let tickets = self.open_alone(&mut held, Medium::Video, &settings)?;
        self.wait_up(&mut held, &tickets, settings.start_timeout_ms)?;
        if !matches!(settings.video.as_ref().map(|video| &video.source), Some(Source::Replay(_))) {
            let limit = Duration::from_millis(u64::from(settings.start_timeout_ms));
            self.router.wait_length(Medium::Video, SETTLE_NS, limit);
        }
        let photo = self.photo();
        held.empty(Medium::Video);
        photo
    }
}

impl Drop for Studio {
    fn drop(&mut self) {
        Medium::BOTH.into_iter().for_each(|medium| self.close(medium));
    }
}

impl Held<'_> {
    fn slot(&mut self, medium: Medium) -> Option<&mut Slot> {
        match medium {
            Medium::Video => self.video.as_deref_mut(),
            Medium::Audio => self.audio.as_deref_mut(),
        }
    }

    fn running(&mut self, medium: Medium) -> Option<&Running> {
        self.slot(medium).and_then(|slot| slot.running.as_ref())
    }

    fn fill(&mut self, medium: Medium, running: Running) {
        if let Some(slot) = self.slot(medium) {
            slot.running = Some(running);
        }
    }

    fn empty(&mut self, medium: Medium) {
        if let Some(running) = self.slot(medium).and_then(|slot| slot.running.take()) {
            running.close(medium);
        }
    }
}

impl Running {
    fn close(self, medium: Medium) {
        match self {
            Self::Live(live) => drop(live),
            Self::Replay(replay) => replay.detach(medium),
        }
    }
}

fn tickets(replay: &Replay) -> Vec<Ticket> {
    replay.inlets().iter().map(Inlet::ticket).collect()
}

/// A file stands for a camera that shows its first picture.
fn still_settings(settings: &Settings) -> Settings {
    let replay = ReplaySettings { pace: Pace::Real, repeat: true };
    Settings { audio: None, replay, ..settings.clone() }
}

#[cfg(test)]
pub(crate) mod bench;
#[cfg(test)]
mod tests;
