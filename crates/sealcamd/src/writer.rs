// SPDX-License-Identifier: MIT OR Apache-2.0
//! The thread that stores a session: takes what the media side gives, in order, and tells what became durable. Where a second
//! storage is configured and the first one fails, it goes on there, in a session of its own, with the chunk in hand.

use crate::capture::of_medium;
use crate::engine::{Inbox, Message};
use crate::errors::storage;
use crate::live::Live;
use crate::open::Opener;
use crate::orders::{Order, Queue};
use bus::{Notifier, SessionId};
use evidence::InterruptionId;
use evidence::interruption::Known;
use evidence::record::{Event, Medium};
use evidence::time::BootNs;
use media::Fragment;
use recorder::{Cause, Fault, Input, Media};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::clock::boot_now;
use store::{Evidence, NewInterruption, NewSession, SessionWriter, StoreError, StoredPhoto};

/// What is told when the writer panicked.
const BROKEN: &str = "the writer broke down; the log says where, and the next start closes the session";

/// How long the storage may take for one thing before that is worth an alarm, in nanoseconds.
const STALLED_NS: u64 = 1_000_000_000;

/// Since when the writer has waited for the storage: boot time in nanoseconds, 0 when it does not.
#[derive(Default)]
pub(crate) struct Progress(AtomicU64);

impl Progress {
    fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.store(boot_now().0, Ordering::Relaxed);
        let done = work();
        self.0.store(0, Ordering::Relaxed);
        done
    }

    /// Whether it has waited for too long.
    pub(crate) fn is_stalled(&self) -> bool {
        let since_ns = self.0.load(Ordering::Relaxed);
        since_ns != 0 && boot_now().0.saturating_sub(since_ns) > STALLED_NS
    }
}

/// What happened to the first storage, so that the second took over.
pub(crate) struct FellOver {
    is_full: bool,
    reason: String,
}

impl FellOver {
    fn by(error: &StoreError) -> FellOver {
        FellOver { is_full: error.is_full(), reason: storage(error) }
    }

    /// For the state machine.
    pub(crate) fn into_input(self) -> Input {
        Input::StorageFellOver { is_full: self.is_full, reason: self.reason }
    }
}

/// What writes one session.
pub(crate) struct Writer {
    session: SessionWriter,
    plan: NewSession,
    fallback: Option<Arc<Evidence>>,
    /// Those that are not over, by the number that the engine has for each; without an id until they are entered.
    interruptions: BTreeMap<u64, (Option<InterruptionId>, NewInterruption)>,
    inbox: Inbox,
    live: Arc<Live>,
    notifier: Notifier,
    progress: Arc<Progress>,
    failed: bool,
}

impl Writer {
    /// Begins a session, on the second storage if the first does not take it; what happened to that comes with it.
    pub(crate) fn begin(
        opener: &Opener,
        plan: NewSession,
        progress: Arc<Progress>,
    ) -> Result<(Writer, Option<FellOver>), StoreError> {
        let mut fallback = opener.fallback.clone();
        let (session, fell_over) = progress.during(|| begin_somewhere(&opener.evidence, &mut fallback, &plan))?;
        let (inbox, live, notifier) = (opener.inbox.clone(), Arc::clone(&opener.live), opener.notifier.clone());
        let interruptions = BTreeMap::new();
        let writer = Writer { session, plan, fallback, interruptions, inbox, live, notifier, progress, failed: false };
        writer.announce();
        Ok((writer, fell_over))
    }

    fn announce(&self) {
        self.live.begin(self.id(), self.session.evidence_folder());
        self.notifier.session_started(self.id());
    }

    /// Stores until the session is closed.
    pub(crate) fn run(self, orders: &Queue) {
        let inbox = self.inbox.clone();
        let mut writer = Some(self);
        follow(orders, &inbox, |order| match (order, &mut writer) {
            (Order::Close(cause, pressed_ns), writer) => {
                writer.take().into_iter().for_each(|writer| writer.close(cause, pressed_ns));
            }
            (order, Some(writer)) => writer.obey(order),
            // Nothing follows a close.
            (_, None) => {}
        });
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Media(event) => self.take(event),
            // The one who asked may be gone; the photo is stored all the same.
            Order::Photo(jpeg, answer) => drop(answer.send(self.photo(&jpeg))),
            Order::BeginInterruption { number, fault, media, from_ns, reason } => {
                self.begin_interruption(number, fault, media, from_ns, reason);
            }
            Order::EndInterruption { number, to_ns } => self.end_interruption(number, to_ns),
            Order::Note(event) => self.session.note(event),
            Order::Close(..) => {}
        }
    }

    fn photo(&mut self, jpeg: &[u8]) -> Result<StoredPhoto, StoreError> {
        let progress = Arc::clone(&self.progress);
        progress.during(|| self.session.add_photo(jpeg))
    }

    pub(crate) fn id(&self) -> SessionId {
        SessionId::from_bytes(self.session.id().0)
    }

    fn take(&mut self, event: media::Event) {
        match event {
            media::Event::Fragment(fragment) => self.store(fragment),
            media::Event::Ended { medium } => self.note("source-ended", medium, "the footage came to its end".into()),
            media::Event::Failed { medium, reason } => self.note("source-failed", medium, reason),
            media::Event::Joined { medium } => self.note("joined", medium, "the source is back".into()),
            media::Event::Lost { medium, count, reason } => {
                tracing::warn!(%medium, count, reason, "frames were lost");
                self.session.note_lost(of_medium(medium), count, &reason);
            }
            media::Event::Finished => self.inbox.tell(Message::Input(Input::Drained)),
        }
    }

    fn note(&mut self, event: &str, medium: media::Medium, detail: String) {
        self.session.note(Event { event: event.into(), medium: Some(of_medium(medium)), detail });
    }

    fn begin_interruption(&mut self, number: u64, fault: Fault, media: Media, from_ns: u64, reason: String) {
        let new = NewInterruption {
            cause: fault.as_str().into(),
            known: Known::Device,
            media: media.iter().map(record_medium).collect(),
            from_boot_ns: BootNs(from_ns),
            detail: reason,
        };
        self.enter_interruption(number, new);
    }

    fn enter_interruption(&mut self, number: u64, new: NewInterruption) {
        let progress = Arc::clone(&self.progress);
        self.interruptions.insert(number, (None, new.clone()));
        match progress.during(|| self.session.begin_interruption(new.clone())) {
            Ok(id) => {
                tracing::warn!(interruption = %id, cause = new.cause, detail = new.detail, "interrupted");
                let bus_id = bus::InterruptionId::from_bytes(id.0);
                self.notifier.interruption_began(bus_id, self.id(), new.cause.clone());
                self.interruptions.insert(number, (Some(id), new));
            }
            Err(error) => self.fall_over(None, &error),
        }
    }

    fn end_interruption(&mut self, number: u64, to_ns: u64) {
        let Some((Some(id), _)) = self.interruptions.remove(&number) else { return };
        let progress = Arc::clone(&self.progress);
        match progress.during(|| self.session.end_interruption(id, BootNs(to_ns))) {
            Ok(()) => {
                tracing::info!(interruption = %id, "the interruption is over");
                self.notifier.interruption_ended(bus::InterruptionId::from_bytes(id.0), self.id());
            }
            Err(error) => self.fall_over(None, &error),
        }
    }

    /// Stores a chunk. After a failure nothing more is stored, and so nothing more is announced.
    fn store(&mut self, fragment: Fragment) {
        if self.failed {
            return;
        }
        // Kept only where it can be stored again.
        let again = self.fallback.is_some().then(|| fragment.clone());
        if let Err(error) = self.append(fragment) {
            self.fall_over(again, &error);
        }
    }

    fn append(&mut self, fragment: Fragment) -> Result<(), StoreError> {
        let progress = Arc::clone(&self.progress);
        let chunk = progress.during(|| self.session.append(&fragment.init, fragment.data))?;
        let durable_boot_ns = boot_now().0;
        let last_frame_boot_ns = chunk.last_frame_boot_ns;
        tracing::debug!(target: "sealcam::latency", chunk = chunk.record.chunk, last_frame_boot_ns, durable_boot_ns, "durable");
        self.notifier.chunk_recorded(self.live.count(self.id(), &chunk));
        Ok(())
    }

    fn storage_failed(&mut self, error: &StoreError) {
        tracing::error!(%error, "the session cannot be stored any more");
        self.failed = true;
        self.inbox.tell(Message::Input(Input::StorageFailed { is_full: error.is_full(), reason: storage(error) }));
    }

    /// Goes on in a new session on the second storage if there is one, with what the first did not take.
    fn fall_over(&mut self, fragment: Option<Fragment>, error: &StoreError) {
        let Some(second) = self.fallback.take() else { return self.storage_failed(error) };
        tracing::error!(%error, "the storage failed; the recording goes on on the second one");
        // Nobody asked for this session.
        let plan = NewSession { continues: Some(self.session.id()), pressed_boot_ns: None, ..self.plan.clone() };
        match Arc::clone(&self.progress).during(|| SessionWriter::begin(second, plan)) {
            Ok(session) => self.go_on_in(session, fragment, error),
            Err(second) => {
                tracing::error!(error = %second, "the second storage does not take it either");
                self.storage_failed(error);
            }
        }
    }

    fn go_on_in(&mut self, mut session: SessionWriter, fragment: Option<Fragment>, error: &StoreError) {
        self.session.hand_over(&mut session);
        let old = (self.id(), std::mem::replace(&mut self.session, session));
        let cause = if error.is_full() { Cause::StorageFull } else { Cause::StorageFailed };
        self.notifier.session_ended(old.0, cause.as_str());
        self.announce();
        self.inbox.tell(Message::FellOver(self.id(), FellOver::by(error)));
        finish_apart(old.1);
        for (number, (_, new)) in std::mem::take(&mut self.interruptions) {
            self.enter_interruption(number, new);
        }
        if let Some(Err(error)) = fragment.map(|fragment| self.append(fragment)) {
            self.storage_failed(&error);
        }
    }

    fn close(self, cause: Cause, pressed_ns: Option<u64>) {
        let finished = self.progress.during(|| self.session.finish(cause.as_str(), pressed_ns.map(BootNs)));
        let input = match finished {
            Ok(end) => {
                tracing::info!(session = %end.session, chunks = end.chunks, segments = end.segments, cause = end.cause, "session closed");
                Input::Closed
            }
            Err(error) => {
                tracing::error!(%error, "the session could not be closed; the next start closes it");
                Input::CloseFailed(storage(&error))
            }
        };
        self.inbox.tell(Message::Input(input));
    }
}

fn begin_somewhere(
    first: &Arc<Evidence>,
    fallback: &mut Option<Arc<Evidence>>,
    plan: &NewSession,
) -> Result<(SessionWriter, Option<FellOver>), StoreError> {
    let error = match SessionWriter::begin(Arc::clone(first), plan.clone()) {
        Ok(session) => return Ok((session, None)),
        Err(error) => error,
    };
    let Some(second) = fallback.take() else { return Err(error) };
    tracing::error!(%error, "the session begins on the second storage");
    Ok((SessionWriter::begin(second, plan.clone())?, Some(FellOver::by(&error))))
}

/// Closes a session whose storage failed as far as that goes, which may take long and must hold up nobody.
fn finish_apart(session: SessionWriter) {
    let finish = move || {
        if let Err(error) = session.finish(Cause::StorageFailed.as_str(), None) {
            tracing::error!(%error, "the session on the failed storage is left open; a start on it closes it");
        }
    };
    if let Err(error) = std::thread::Builder::new().name("finish".into()).spawn(finish) {
        tracing::error!(%error, "no thread to close the session on the failed storage");
    }
}

/// Gives orders to `does`, up to the last one. One that panics must not leave the recording running unnoticed: the storage
/// has failed then, and nothing more is given to `does`.
fn follow(orders: &Queue, inbox: &Inbox, mut does: impl FnMut(Order)) {
    let tell = |input| inbox.tell(Message::Input(input));
    let mut broken = false;
    while let Some(order) = orders.next() {
        let is_last = matches!(order, Order::Close(..));
        let afterwards = answer_for_broken(&order);
        if !broken {
            broken = catch_unwind(AssertUnwindSafe(|| does(order))).is_err();
            if broken && !is_last {
                tell(Input::StorageFailed { is_full: false, reason: BROKEN.into() });
            }
        }
        if broken {
            afterwards.into_iter().for_each(tell);
        }
        if is_last {
            return;
        }
    }
}

/// What the engine must hear all the same, so that the recording comes to its end.
fn answer_for_broken(order: &Order) -> Option<Input> {
    match order {
        Order::Media(media::Event::Finished) => Some(Input::Drained),
        Order::Close(..) => Some(Input::CloseFailed(BROKEN.into())),
        _ => None,
    }
}

fn record_medium(medium: recorder::Medium) -> Medium {
    match medium {
        recorder::Medium::Video => Medium::Video,
        recorder::Medium::Audio => Medium::Audio,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::queue;
    use std::sync::mpsc::sync_channel;

    /// What the engine hears of these orders when carrying out number `breaks` panics.
    fn heard(orders: Vec<Order>, breaks: usize) -> Vec<Input> {
        let (tell, told) = sync_channel(8);
        let (give, given) = queue();
        for order in orders {
            match order {
                Order::Media(event) => give.give(event).unwrap(),
                order => give.tell(order).unwrap(),
            }
        }
        let mut number = 0;
        follow(&given, &Inbox(tell), |_| {
            number += 1;
            assert!(number != breaks + 1, "as the test wants it");
        });
        told.into_iter().map(|message| if let Message::Input(input) = message { input } else { panic!() }).collect()
    }

    #[test]
    fn a_writer_that_panics_is_noticed_and_the_recording_comes_to_its_end() {
        let note = || Order::Note(Event { event: "battery".into(), medium: None, detail: String::new() });
        let finished = || Order::Media(media::Event::Finished);
        let orders = || vec![note(), note(), finished(), Order::Close(Cause::Stop, None)];
        let storage = Input::StorageFailed { is_full: false, reason: BROKEN.into() };
        let close = Input::CloseFailed(BROKEN.into());
        assert_eq!(heard(orders(), 0), [storage.clone(), Input::Drained, close.clone()]);
        assert_eq!(heard(orders(), 2), [storage, Input::Drained, close.clone()]);
        assert_eq!(heard(orders(), 3), [close]);
        assert_eq!(heard(orders(), 4), []);
    }
}
