// SPDX-License-Identifier: MIT OR Apache-2.0
//! Carries out what the state machine decides. One thread owns it; what takes time runs in threads of its own and reports
//! back through the inbox, so the engine always answers.

use crate::errors::{from_media, from_store, refused};
use crate::open::{NotRunning, Opener, Running};
use crate::supervision::Heartbeat;
use crate::writer::{Order, photo_info};
use bus::{BusError, ErrorKind, PhotoInfo, RecorderState, SessionId, StartOptions};
use recorder::{Cause, Effect, Input, Recorder, Refusal, State};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// How many messages may wait for the engine.
pub(crate) const INBOX_CAPACITY_MESSAGES: usize = 256;

/// How often the engine shows that it is alive when nothing happens.
const HEARTBEAT: Duration = Duration::from_millis(500);

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
    /// What came of opening a recording.
    Opened(Box<Result<Running, NotRunning>>),
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
    options: StartOptions,
    running: Option<Running>,
    cause: Cause,
    last_session: Option<SessionId>,
    open_error: Option<BusError>,
    starting: Option<Answer<SessionId>>,
    stopping: Vec<Answer<SessionId>>,
}

impl Engine {
    pub(crate) fn new(opener: Opener) -> Engine {
        Engine {
            recorder: Recorder::default(),
            opener,
            options: StartOptions::default(),
            running: None,
            cause: Cause::Stop,
            last_session: None,
            open_error: None,
            starting: None,
            stopping: Vec::new(),
        }
    }

    /// Runs until the recorder is down.
    pub(crate) fn run(mut self, messages: &Receiver<Message>, heartbeat: &Heartbeat) {
        while *self.recorder.state() != State::Down {
            heartbeat.beat();
            match messages.recv_timeout(HEARTBEAT) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Start(options, answer) => self.start(options, answer),
            Message::Stop(answer) => {
                self.stopping.push(answer);
                self.step(Input::Stop);
            }
            Message::Photo(answer) => self.photo(answer),
            Message::Opened(result) => self.opened(*result),
            Message::Input(input) => self.step(input),
        }
    }

    fn start(&mut self, options: StartOptions, answer: Answer<SessionId>) {
        if let Some(effect) = self.refusal_of_start() {
            let _ = answer.send(Err(refused(effect)));
            return;
        }
        (self.options, self.starting) = (options, Some(answer));
        self.step(Input::Start);
    }

    /// Asks a copy of the state machine, so that a refused start disturbs nobody who waits.
    fn refusal_of_start(&self) -> Option<Refusal> {
        self.recorder.clone().step(Input::Start).into_iter().find_map(|effect| match effect {
            Effect::Refuse(refusal) => Some(refusal),
            _ => None,
        })
    }

    fn opened(&mut self, result: Result<Running, NotRunning>) {
        match result {
            Ok(running) => {
                self.last_session = Some(running.session);
                self.opener.notifier.session_started(running.session);
                self.running = Some(running);
                self.step(Input::Opened);
            }
            Err(failed) => {
                let reason = failed.error.message().to_owned();
                tracing::warn!(reason, "the recording could not be started");
                self.open_error = Some(failed.error);
                self.step(Input::OpenFailed { reason, is_fault: failed.is_fault });
            }
        }
    }

    fn step(&mut self, input: Input) {
        let effects = self.recorder.step(input);
        self.publish_state();
        for effect in effects {
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Open => self.open(),
            Effect::CloseSources => self.close_sources(),
            Effect::CloseSession(cause) => self.close_session(cause),
            Effect::AnswerStarted => answer(self.starting.take(), self.last_session.ok_or_else(no_session)),
            Effect::AnswerNotStarted => self.answer_not_started(),
            Effect::AnswerStopped => self.answer_stopped(),
            Effect::Refuse(refusal) => self.stopping.drain(..).for_each(|a| answer(Some(a), Err(refused(refusal)))),
            Effect::Exit => tracing::info!("the recorder is down"),
        }
    }

    fn open(&self) {
        let (opener, options) = (self.opener.clone(), self.options.clone());
        let inbox = self.opener.inbox.clone();
        in_thread("open", move || inbox.tell(Message::Opened(Box::new(opener.open(&options)))));
    }

    fn close_sources(&self) {
        let Some(running) = &self.running else { return };
        let capture = Arc::clone(&running.capture);
        in_thread("close", move || capture.stop());
    }

    fn close_session(&mut self, cause: Cause) {
        self.cause = cause;
        if let Some(running) = &self.running {
            // The writer drains its queue and never waits for the engine, so this cannot last.
            let _ = running.orders.send(Order::Close(cause));
        }
    }

    fn answer_not_started(&mut self) {
        let error = self.open_error.take().unwrap_or_else(no_session);
        answer(self.starting.take(), Err(error));
        self.stopping.drain(..).for_each(|waiting| answer(Some(waiting), Err(refused(Refusal::NotRecording))));
    }

    fn answer_stopped(&mut self) {
        let Some(running) = self.running.take() else { return };
        self.opener.live.end();
        self.publish_state();
        self.opener.notifier.session_ended(running.session, self.cause.as_str());
        for waiting in self.stopping.drain(..) {
            answer(Some(waiting), Ok(running.session));
        }
        // Taking the pipelines apart may take a moment; nobody waits for it.
        in_thread("release", move || drop(running));
    }

    fn photo(&self, waiting: Answer<PhotoInfo>) {
        match (self.recorder.state(), &self.running) {
            (State::Recording, Some(running)) => {
                let (capture, orders) = (Arc::clone(&running.capture), running.orders.clone());
                let notifier = self.opener.notifier.clone();
                in_thread("photo", move || {
                    let photo = photo_in_session(&capture, &orders);
                    photo.iter().for_each(|photo| notifier.photo_taken(photo.clone()));
                    answer(Some(waiting), photo);
                });
            }
            (State::Standby | State::Faulted(_), _) => {
                let opener = self.opener.clone();
                in_thread("photo", move || answer(Some(waiting), photo_alone(&opener)));
            }
            _ => {
                let error = BusError::new(ErrorKind::DeviceBusy, "the camera is being opened or closed; try again");
                answer(Some(waiting), Err(error));
            }
        }
    }

    fn publish_state(&self) {
        let (state, fault) = match self.recorder.state() {
            State::Standby => (RecorderState::Standby, None),
            State::Starting => (RecorderState::Starting, None),
            State::Recording => (RecorderState::Recording, None),
            State::Stopping(_) | State::Closing(_) | State::Down => (RecorderState::Stopping, None),
            State::Faulted(reason) => (RecorderState::Faulted, Some(reason.clone())),
        };
        self.opener.live.set_state(state, fault);
        self.opener.notifier.state_changed();
    }
}

fn photo_in_session(capture: &media::Capture, orders: &crate::writer::Orders) -> Result<PhotoInfo, BusError> {
    let jpeg = capture.photo().map_err(|error| from_media(&error))?;
    let (done, stored) = oneshot::channel();
    let closed = |_| BusError::new(ErrorKind::NotRecording, "the recording ended before the photo could be stored");
    orders.send(Order::Photo(jpeg, done)).map_err(|_| closed(()))?;
    stored.blocking_recv().map_err(|_| closed(()))?.map_err(|error| from_store(&error))
}

fn photo_alone(opener: &Opener) -> Result<PhotoInfo, BusError> {
    let _sources = opener.sources.lock().unwrap_or_else(PoisonError::into_inner);
    let settings = opener.config.settings(bus::Media::Video);
    let jpeg = media::take_photo(&settings).map_err(|error| from_media(&error))?;
    let (label, names) = (&opener.config.device.id, &opener.config.evidence.names);
    let stored = opener.evidence.add_photo(&jpeg, "", label, names).map_err(|error| from_store(&error))?;
    let photo = photo_info(&stored, None, &opener.live);
    opener.notifier.photo_taken(photo.clone());
    Ok(photo)
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

fn in_thread(name: &str, work: impl FnOnce() + Send + 'static) {
    if let Err(error) = std::thread::Builder::new().name(name.into()).spawn(work) {
        tracing::error!(%error, name, "no thread could be started");
    }
}
