// SPDX-License-Identifier: MIT OR Apache-2.0
//! Carries out what the state machine decides. One thread owns it; what takes time runs in threads of its own and reports
//! back through the inbox, so the engine always answers.

use crate::capture::Sources;
use crate::clocks::Clocks;
use crate::errors::{camera_in_transit, not_started, refused};
use crate::open::{Begin, Blame, NotRunning, Opener, Running, SESSION_WORK_MAX, SessionWork};
use crate::orders::Order;
use crate::photographer::{Photographer, Subject};
use crate::supervision::Heartbeat;
use crate::worker::Worker;
use crate::writer::{FellOver, Progress};
use bus::{BusError, PhotoInfo, SessionId, StartOptions};
use evidence::record::Event;
use recorder::{Cause, Effect, Fault, Input, Media, Medium, NotStarted, PerMedium, Recorder, State};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;
use store::Recovered;
use store::clock::boot_now;
use tokio::sync::oneshot;

/// How many messages may wait for the engine.
pub(crate) const INBOX_CAPACITY_MESSAGES: usize = 256;

/// How often the engine shows that it is alive, and looks at the clocks and at the writer, when nothing happens.
const HEARTBEAT: Duration = Duration::from_millis(250);

/// An answer that a caller waits for.
pub(crate) type Answer<T> = oneshot::Sender<Result<T, BusError>>;

/// What the engine is told.
pub(crate) enum Message {
    /// Someone asks to record.
    Start(StartOptions, Answer<SessionId>),
    /// Someone asks to stop.
    Stop(Answer<SessionId>),
    /// Someone asks for a photo.
    Photo(Answer<PhotoInfo>),
    /// What came of opening a session.
    Opened(Box<Result<Running, NotRunning>>),
    /// The recording goes on elsewhere, in this session, since its storage failed.
    FellOver(SessionId, FellOver),
    /// A source failed, or could not be opened.
    SourceFailed { medium: Medium, fault: Fault, error: BusError, last_ns: Option<u64> },
    /// The battery was read.
    Battery { percent: u8, is_discharging: bool },
    /// Something for the state machine alone.
    Input(Input),
}

/// Where messages for the engine go.
#[derive(Clone)]
pub(crate) struct Inbox(pub(crate) SyncSender<Message>);

impl Inbox {
    /// Tells the engine. It is gone only when the process ends.
    pub(crate) fn tell(&self, message: Message) {
        let _ = self.0.send(message);
    }
}

/// The engine.
pub(crate) struct Engine {
    recorder: Recorder,
    opener: Opener,
    sources: Sources,
    sessions: Worker<SessionWork>,
    photographer: Photographer,
    clocks: Clocks,
    options: StartOptions,
    /// The session that was cut off, if the recording in hand goes on with it.
    continues: Option<SessionId>,
    running: Option<Running>,
    /// What the storage is at for the recording in hand, from before it is open.
    progress: Arc<Progress>,
    cause: Cause,
    /// Boot time at which the recording in hand was asked to stop.
    stop_pressed_ns: Option<u64>,
    is_stalled: bool,
    battery: Option<Event>,
    source_errors: PerMedium<Option<BusError>>,
    open_error: Option<BusError>,
    starting: Option<Answer<SessionId>>,
    stopping: Vec<Answer<SessionId>>,
}

impl Engine {
    /// Starts the threads that it hands work to.
    pub(crate) fn new(opener: Opener) -> std::io::Result<Engine> {
        let begins = opener.clone();
        Ok(Engine {
            recorder: Recorder::new(opener.rules()),
            sources: Sources::start(&opener)?,
            sessions: Worker::start("session", SESSION_WORK_MAX, move |work| begins.carry_out(work))?,
            photographer: Photographer::start(opener.clone())?,
            clocks: Clocks::new(),
            opener,
            options: StartOptions::default(),
            continues: None,
            running: None,
            progress: Arc::default(),
            cause: Cause::Stop,
            stop_pressed_ns: None,
            is_stalled: false,
            battery: None,
            source_errors: PerMedium::default(),
            open_error: None,
            starting: None,
            stopping: Vec::new(),
        })
    }

    /// Runs until the recorder is down and nobody writes evidence any more. `cut_off` is the recording that is to go on, if
    /// one was cut off.
    pub(crate) fn run(mut self, messages: &Receiver<Message>, heartbeat: &Heartbeat, cut_off: Option<&Recovered>) {
        self.ready(cut_off);
        while self.recorder.state() != State::Down {
            heartbeat.beat();
            match messages.recv_timeout(self.patience()) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.look();
        }
        self.photographer.end();
        self.sources.end();
        self.sessions.end();
    }

    fn ready(&mut self, cut_off: Option<&Recovered>) {
        if let Some(cut_off) = cut_off {
            self.options.officer = Some(cut_off.officer.clone()).filter(|officer| !officer.is_empty());
            self.continues = Some(SessionId::from_bytes(cut_off.session.0));
        }
        let resume = cut_off.map(|cut_off| cut_off.media.iter().copied().map(medium_of_record).collect());
        self.options.media = resume.and_then(bus_media);
        self.step(Input::Ready { resume });
    }

    /// How long to wait for a message.
    fn patience(&self) -> Duration {
        let wake_ns = self.recorder.next_wake_ns().map(|at_ns| at_ns.saturating_sub(boot_now().0));
        wake_ns.map_or(HEARTBEAT, |wait_ns| Duration::from_nanos(wait_ns).min(HEARTBEAT))
    }

    /// Looks at what nobody tells: time, the clocks, and how long the writer has been at one thing.
    fn look(&mut self) {
        let moved = self.clocks.look();
        if let Some(asleep_ns) = moved.asleep_ns {
            tracing::warn!(asleep_ns, "the machine slept");
            self.note("suspend", format!("the machine slept for {} ms", asleep_ns / 1_000_000));
            self.step(Input::Slept { asleep_ns });
        }
        if let Some(step_ns) = moved.step_ns {
            self.step(Input::ClockStepped { step_ns });
        }
        let is_stalled = self.progress.is_stalled();
        if is_stalled != self.is_stalled {
            self.is_stalled = is_stalled;
            self.step(if is_stalled { Input::StorageStalled } else { Input::StorageMoved });
        }
        if self.running.as_ref().is_some_and(|running| running.orders.are_too_many()) {
            let reason = "the storage does not answer, and no more can wait for it".into();
            self.step(Input::StorageFailed { is_full: false, reason });
        }
        if self.recorder.next_wake_ns().is_some_and(|at_ns| at_ns <= boot_now().0) {
            self.step(Input::Tick);
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Start(options, answer) => self.start(options, answer),
            Message::Stop(answer) => self.stop(answer),
            Message::Photo(answer) => self.photo(answer),
            Message::Opened(result) => self.opened(*result),
            Message::SourceFailed { medium, fault, error, last_ns } => {
                let reason = error.message().to_owned();
                // It is opened again every second; what is said once need not be said again.
                if self.source_errors[medium].as_ref() != Some(&error) {
                    tracing::warn!(%medium, reason, "a source failed");
                }
                self.source_errors[medium] = Some(error);
                self.step(Input::SourceFailed { medium, fault, reason, last_ns });
            }
            Message::FellOver(session, fell_over) => {
                self.running.iter_mut().for_each(|running| running.session = session);
                self.battery.clone().into_iter().for_each(|event| self.order(Order::Note(event)));
                self.step(fell_over.into_input());
            }
            Message::Battery { percent, is_discharging } => self.battery(percent, is_discharging),
            Message::Input(input) => {
                if let Input::SourceUp { medium } = input {
                    self.source_errors[medium] = None;
                }
                self.step(input);
            }
        }
    }

    fn start(&mut self, options: StartOptions, answer: Answer<SessionId>) {
        let media = self.media_of(&options);
        if let Some(refusal) = self.recorder.refusal_of_start(media) {
            let _ = answer.send(Err(refused(refusal)));
            return;
        }
        (self.options, self.continues, self.starting) = (options, None, Some(answer));
        self.step(Input::Start { media });
    }

    fn media_of(&self, options: &StartOptions) -> Media {
        machine_media(options.media.unwrap_or(self.opener.config.recording.media))
    }

    fn stop(&mut self, answer: Answer<SessionId>) {
        self.stopping.push(answer);
        self.stop_pressed_ns.get_or_insert(boot_now().0);
        self.step(Input::Stop);
    }

    fn opened(&mut self, result: Result<Running, NotRunning>) {
        match result {
            Ok(mut running) => {
                let fell_over = running.fell_over.take();
                (self.running, self.stop_pressed_ns) = (Some(running), None);
                self.battery.clone().into_iter().for_each(|event| self.order(Order::Note(event)));
                // First, so that its alarms are not taken for those of an earlier recording.
                fell_over.into_iter().for_each(|fell_over| self.step(fell_over.into_input()));
                self.step(Input::Opened);
            }
            Err(failed) => {
                let reason = failed.error.message().to_owned();
                tracing::warn!(reason, "the recording could not be started");
                self.open_error = Some(failed.error);
                if matches!(failed.blame, Blame::Full) {
                    self.step(Input::StorageFailed { is_full: true, reason: reason.clone() });
                }
                self.step(Input::OpenFailed { reason, is_fault: matches!(failed.blame, Blame::Recorder) });
            }
        }
    }

    /// A change is for the records as well: should the power go, they say what it was.
    fn battery(&mut self, percent: u8, is_discharging: bool) {
        let state = if is_discharging { "discharging" } else { "charging" };
        let event = event("battery", format!("{percent} {state}"));
        if self.battery.as_ref() != Some(&event) {
            self.order(Order::Note(event.clone()));
            self.battery = Some(event);
        }
        self.step(Input::Battery { percent, is_discharging });
    }

    fn step(&mut self, input: Input) {
        let effects = self.recorder.step(boot_now().0, input);
        self.publish_state();
        for effect in effects {
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::OpenSource(medium) => self.sources.open(medium, self.wanted(medium)),
            Effect::CloseSource(medium) => self.sources.close(medium),
            Effect::OpenSession { media, absent, pressed_ns } => self.open_session(media, absent, pressed_ns),
            Effect::EndRecording => self.end_recording(),
            Effect::CloseSession(cause) => self.close_session(cause),
            Effect::BeginInterruption { number, fault, media, from_ns, reason } => {
                self.order(Order::BeginInterruption { number, fault, media, from_ns, reason });
            }
            Effect::EndInterruption { number, to_ns } => self.order(Order::EndInterruption { number, to_ns }),
            Effect::EnterClockStep { step_ns } => self.enter_clock_step(step_ns),
            Effect::Raise(alarm) => self.opener.alarms.raise(&alarm),
            Effect::Quiet(kind) => self.opener.alarms.quiet(kind),
            Effect::AnswerStarted => self.answer_started(),
            Effect::AnswerNotStarted(why) => self.answer_not_started(&why),
            Effect::AnswerStopped => self.answer_stopped(),
            Effect::Refuse(refusal) => self.stopping.drain(..).for_each(|a| answer(Some(a), Err(refused(refusal)))),
            Effect::Exit => tracing::info!("the recorder is down"),
        }
    }

    /// As one of which media a source is opened now: for the recording in hand, or for standby.
    fn wanted(&self, medium: Medium) -> bus::Media {
        let at_rest = matches!(self.recorder.state(), State::Standby | State::Faulted(_));
        let media = self.options.media.filter(|media| !at_rest && machine_media(*media).contains(medium));
        media.unwrap_or(self.opener.config.recording.media)
    }

    fn open_session(&mut self, media: Media, absent: Media, pressed_ns: u64) {
        let Some(media) = bus_media(media) else { return };
        let (officer, continues) = (self.options.officer.clone().unwrap_or_default(), self.continues);
        self.progress = Arc::default();
        let progress = Arc::clone(&self.progress);
        self.give(SessionWork::Begin(Begin { media, absent, officer, pressed_ns, continues, progress }));
    }

    fn end_recording(&self) {
        if let Some(running) = &self.running {
            self.give(SessionWork::End(Arc::clone(&running.recording)));
        }
    }

    /// There is always room: the state machine begins, ends and releases in turn.
    fn give(&self, work: SessionWork) {
        if let Err(work) = self.sessions.give(work) {
            tracing::error!("the thread for sessions takes no work; the engine does it itself");
            self.opener.carry_out(work);
        }
    }

    /// Tells the writer, if there is one. It never waits for the engine, nor the engine for it.
    fn order(&self, order: Order) {
        if let Some(running) = &self.running {
            // A writer that is gone is noticed when the session is to be closed.
            let _ = running.orders.tell(order);
        }
    }

    fn note(&self, kind: &str, detail: String) {
        self.order(Order::Note(event(kind, detail)));
    }

    fn enter_clock_step(&self, step_ns: i64) {
        tracing::warn!(step_ns, "UTC was set");
        self.note("clock-step", format!("UTC was set by {step_ns} ns"));
        self.give(SessionWork::EnterClockStep(step_ns));
    }

    fn close_session(&mut self, cause: Cause) {
        self.cause = cause;
        let Some(running) = &self.running else { return };
        let pressed_ns = self.stop_pressed_ns.filter(|_| cause == Cause::Stop);
        if running.orders.tell(Order::Close(cause, pressed_ns)).is_err() {
            self.step(Input::CloseFailed("the writer is gone; the next start closes the session".into()));
        }
    }

    fn answer_started(&mut self) {
        let session = self.running.as_ref().map(|running| running.session);
        answer(self.starting.take(), session.ok_or_else(no_session));
    }

    fn answer_not_started(&mut self, why: &NotStarted) {
        let known = match why {
            NotStarted::Source { medium, .. } => self.source_errors[*medium].take(),
            NotStarted::Session(_) => self.open_error.take(),
            NotStarted::Storage(_) | NotStarted::Stopped | NotStarted::ShuttingDown => None,
        };
        answer(self.starting.take(), Err(known.unwrap_or_else(|| not_started(why))));
        let nothing = || Err(refused(recorder::Refusal::NotRecording));
        self.stopping.drain(..).for_each(|waiting| answer(Some(waiting), nothing()));
    }

    fn answer_stopped(&mut self) {
        let Some(running) = self.running.take() else { return };
        self.opener.live.end();
        self.publish_state();
        self.opener.notifier.session_ended(running.session, self.cause.as_str());
        for waiting in self.stopping.drain(..) {
            answer(Some(waiting), Ok(running.session));
        }
        // Taking it apart may take a moment; nobody but the next start waits for it.
        self.give(SessionWork::Release(Box::new(running)));
    }

    fn photo(&self, waiting: Answer<PhotoInfo>) {
        match (self.recorder.state(), &self.running) {
            (State::Standby | State::Faulted(_), _) => self.photographer.take(Subject::Camera, waiting),
            (State::Opening | State::Closing(_), _) | (_, None) => answer(Some(waiting), Err(camera_in_transit())),
            (_, Some(running)) => self.photographer.take(Subject::Session(running.orders.clone()), waiting),
        }
    }

    fn publish_state(&self) {
        self.opener.live.set_state(&self.recorder.state());
        self.opener.notifier.state_changed();
    }
}

fn event(kind: &str, detail: String) -> Event {
    Event { event: kind.into(), medium: None, detail }
}

fn medium_of_record(medium: evidence::record::Medium) -> Medium {
    match medium {
        evidence::record::Medium::Video => Medium::Video,
        evidence::record::Medium::Audio => Medium::Audio,
    }
}

fn machine_media(media: bus::Media) -> Media {
    match media {
        bus::Media::VideoAndAudio => Media::BOTH,
        bus::Media::Video => Medium::Video.into(),
        bus::Media::Audio => Medium::Audio.into(),
    }
}

fn bus_media(media: Media) -> Option<bus::Media> {
    match (media.contains(Medium::Video), media.contains(Medium::Audio)) {
        (true, true) => Some(bus::Media::VideoAndAudio),
        (true, false) => Some(bus::Media::Video),
        (false, true) => Some(bus::Media::Audio),
        (false, false) => None,
    }
}

/// Answers a caller, who may have gone.
fn answer<T>(waiting: Option<Answer<T>>, result: Result<T, BusError>) {
    if let Some(waiting) = waiting {
        let _ = waiting.send(result);
    }
}

fn no_session() -> BusError {
    BusError::internal("there is no session to speak of")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::tests::opener;
    use crate::photographer::PHOTOS_MAX;

    #[test]
    fn the_engine_is_down_only_when_no_photo_is_under_way() {
        let folder = tempfile::tempdir().unwrap();
        let (opener, messages) = opener(folder.path());
        let inbox = opener.inbox.clone();
        let mut engine = Engine::new(opener).unwrap();
        engine.ready(None);
        let mut asked = Vec::new();
        // As many as may wait, and one more: that one is being taken.
        while asked.len() <= PHOTOS_MAX {
            let (answer, mut answered) = oneshot::channel();
            engine.photo(answer);
            asked.extend(answered.try_recv().is_err().then_some(answered));
        }
        inbox.tell(Message::Input(Input::Shutdown));
        engine.run(&messages, &Heartbeat::new(), None);
        let answered: Vec<_> = asked.into_iter().map(|answer| answer.blocking_recv().is_ok()).collect();
        assert_eq!(answered, [true, false, false, false, false]);
    }
}
