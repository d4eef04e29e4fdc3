// SPDX-License-Identifier: MIT OR Apache-2.0
//! Carries out what the state machine decides. One thread owns it; what takes time runs in threads of its own and reports
//! back through the inbox, so the engine always answers.

use crate::errors::{camera_in_transit, refused};
use crate::open::{NotRunning, Opener, Running, SOURCE_WORK_MAX, SourceWork};
use crate::photographer::{Photographer, Subject};
use crate::supervision::Heartbeat;
use crate::worker::Worker;
use crate::writer::Order;
use bus::{BusError, PhotoInfo, RecorderState, SessionId, StartOptions};
use recorder::{Cause, Effect, Input, Recorder, Refusal, State};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
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
    sources: Worker<SourceWork>,
    photographer: Photographer,
    options: StartOptions,
    running: Option<Running>,
    cause: Cause,
    last_session: Option<SessionId>,
    open_error: Option<BusError>,
    starting: Option<Answer<SessionId>>,
    stopping: Vec<Answer<SessionId>>,
}

impl Engine {
    /// Starts the threads that it hands work to.
    pub(crate) fn new(opener: Opener) -> std::io::Result<Engine> {
        let opens = opener.clone();
        Ok(Engine {
            recorder: Recorder::default(),
            sources: Worker::start("sources", SOURCE_WORK_MAX, move |work| opens.carry_out(work))?,
            photographer: Photographer::start(opener.clone())?,
            opener,
            options: StartOptions::default(),
            running: None,
            cause: Cause::Stop,
            last_session: None,
            open_error: None,
            starting: None,
            stopping: Vec::new(),
        })
    }

    /// Runs until the recorder is down and nobody writes evidence any more.
    pub(crate) fn run(mut self, messages: &Receiver<Message>, heartbeat: &Heartbeat) {
        while *self.recorder.state() != State::Down {
            heartbeat.beat();
            match messages.recv_timeout(HEARTBEAT) {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.photographer.end();
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
        self.give(SourceWork::Open(self.options.clone()));
    }

    fn close_sources(&self) {
        if let Some(running) = &self.running {
            self.give(SourceWork::Close(Arc::clone(&running.capture)));
        }
    }

    /// There is always room: the state machine opens, closes and releases in turn.
    fn give(&self, work: SourceWork) {
        if let Err(work) = self.sources.give(work) {
            tracing::error!("the thread for the sources takes no work; the engine does it itself");
            self.opener.carry_out(work);
        }
    }

    fn close_session(&mut self, cause: Cause) {
        self.cause = cause;
        let Some(running) = &self.running else { return };
        // The writer drains its queue and never waits for the engine, so this cannot last.
        if running.orders.send(Order::Close(cause)).is_err() {
            self.step(Input::CloseFailed("the writer is gone; the next start closes the session".into()));
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
        // Taking the pipelines apart may take a moment; nobody but the next start waits for it.
        self.give(SourceWork::Release(Box::new(running)));
    }

    fn photo(&self, waiting: Answer<PhotoInfo>) {
        match (self.recorder.state(), &self.running) {
            (State::Recording, Some(running)) => {
                let of = Subject::Session(Arc::clone(&running.capture), running.orders.clone());
                self.photographer.take(of, waiting);
            }
            (State::Standby | State::Faulted(_), _) => self.photographer.take(Subject::Camera, waiting),
            _ => answer(Some(waiting), Err(camera_in_transit())),
        }
    }

    fn publish_state(&self) {
        let (state, fault) = match self.recorder.state() {
            State::Standby => (RecorderState::Standby, None),
            State::Starting => (RecorderState::Opening, None),
            State::Recording => (RecorderState::Recording, None),
            State::Stopping(_) | State::Closing(_) | State::Down => (RecorderState::Stopping, None),
            State::Faulted(reason) => (RecorderState::Faulted, Some(reason.clone())),
        };
        self.opener.live.set_state(state, fault);
        self.opener.notifier.state_changed();
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
    use std::sync::mpsc::channel;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[test]
    fn the_engine_is_down_only_when_no_photo_is_under_way() {
        let folder = tempfile::tempdir().unwrap();
        let (opener, messages) = opener(folder.path());
        let (inbox, sources) = (opener.inbox.clone(), Arc::clone(&opener.sources));
        let under_way = sources.lock().unwrap();
        let engine = Engine::new(opener).unwrap();
        let mut asked = Vec::new();
        // As many as may wait, and one more: that one is being taken.
        while asked.len() <= PHOTOS_MAX {
            let (answer, mut answered) = oneshot::channel();
            engine.photo(answer);
            asked.extend(answered.try_recv().is_err().then_some(answered));
        }
        inbox.tell(Message::Input(Input::Shutdown));
        let (down, is_down) = channel();
        std::thread::spawn(move || {
            engine.run(&messages, &Heartbeat::new());
            down.send(()).unwrap();
        });
        assert!(is_down.recv_timeout(Duration::from_millis(300)).is_err());
        drop(under_way);
        assert!(is_down.recv_timeout(PATIENCE).is_ok());
        let answered: Vec<_> = asked.into_iter().map(|answer| answer.blocking_recv().is_ok()).collect();
        assert_eq!(answered, [true, false, false, false, false]);
    }
}
