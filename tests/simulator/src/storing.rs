// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the capture to the disk: fragments are cut and queued, writes take their time, stand still or fail, and what returned
//! is durable and announced.

use crate::bug::Bug;
use crate::capture::{BACKLOG_NS, Capture, Fragment};
use crate::disk::{Body, Record};
use crate::plan::{BYTES_PER_S, LOSS_COUNTED, MS, RESERVE, SECOND, STALL_TOLD};
use crate::random::mix;
use crate::watch::{Invariant, Verdict, must};
use crate::world::{Event, World};
use crate::writer::{Order, Write};
use recorder::{AlarmKind, Cause, Input, Medium, OUTBOX};

/// Frames in a chunk, about.
const FRAMES: u64 = 12;

/// Why a write failed.
enum Failure {
    Bad,
    Full,
}

impl World {
    /// A chunk of the session is due.
    pub(crate) fn chunk_due(&mut self) {
        if self.capture.as_ref().is_some_and(|capture| capture.is_open && !capture.is_ended) {
            self.pump();
            let backlog_ns = self.capture.as_ref().map_or(0, |capture| capture.backlog_ns(self.now_ns, &self.plan));
            let after_ns = self.plan.chunk_ns.saturating_sub(backlog_ns).max(10 * MS);
            self.put(after_ns, Event::Chunk(self.writer.session));
        }
    }

    /// Cuts what is full, as long as there is room for it.
    pub(crate) fn pump(&mut self) {
        while let Some(capture) = &mut self.capture {
            let backlog_ns = capture.backlog_ns(self.now_ns, &self.plan);
            let is_due = backlog_ns >= self.plan.chunk_ns || capture.has_rest(self.now_ns, &self.plan);
            if !capture.is_open || !is_due {
                capture.is_caught_up |= capture.is_open;
                break;
            }
            let has_room = self.writer.has_room() || self.bug == Some(Bug::EndlessOutbox);
            let is_over = capture.is_caught_up || backlog_ns > self.plan.ring_ns() + BACKLOG_NS;
            if !has_room && (capture.is_ended || !is_over) {
                break;
            }
            let Some(fragment) = capture.cut(self.now_ns, &self.plan) else { break };
            if has_room { self.queue(&fragment) } else { self.drop_fragment(&fragment) }
        }
        self.write_next();
    }

    fn queue(&mut self, fragment: &Fragment) {
        self.dropping_since_ns = None;
        let verdict = self.coverage.cut(fragment);
        self.judge(verdict);
        if self.bug == Some(Bug::LeakingOutbox) && self.random.percent(1) {
            self.writer.taken += 1;
        } else {
            self.writer.put(*fragment);
        }
    }

    /// A little that is lost is counted in the record behind it; more must lie in an interruption.
    fn drop_fragment(&mut self, fragment: &Fragment) {
        self.coverage.lost(self.now_ns);
        let since_ns = *self.dropping_since_ns.get_or_insert(self.now_ns);
        if self.now_ns - since_ns < LOSS_COUNTED && !self.writer.is_stall_told {
            let verdict = self.coverage.cut(fragment);
            self.judge(verdict);
        }
        self.alarms.set_until(AlarmKind::Queue, self.now_ns, self.now_ns + 10 * SECOND);
        self.tell(Input::Dropped { queue: OUTBOX, count: FRAMES });
    }

    /// Takes the next write in hand, if there is none.
    pub(crate) fn write_next(&mut self) {
        while let Some(write) = self.writer.take(self.now_ns) {
            if self.writer.is_broken && matches!(write.order, Order::Fragment(_)) {
                self.writer.in_hand = None;
                continue;
            }
            if self.bug == Some(Bug::AnnouncedEarly) && matches!(write.order, Order::Fragment(_)) {
                self.announce(self.disk.records() + 1);
            }
            let takes_ns = self.write_takes_ns();
            self.put_return(write, self.now_ns.max(self.conditions.stalled_until_ns) + takes_ns);
        }
    }

    fn write_takes_ns(&mut self) -> u64 {
        if self.conditions.is_slow {
            self.random.between(300, 900) * MS
        } else if self.random.percent(1) {
            self.random.between(50, 150) * MS
        } else {
            self.random.around(self.plan.write_ns)
        }
    }

    fn put_return(&mut self, write: Write, at_ns: u64) {
        let told_ns = write.began_ns + STALL_TOLD;
        if at_ns > told_ns {
            self.put(told_ns.saturating_sub(self.now_ns), Event::Stalled(write.number));
        }
        self.put(at_ns - self.now_ns, Event::Written(write.number));
    }

    pub(crate) fn stalled(&mut self, number: u64) {
        let is_in_hand = self.writer.in_hand.is_some_and(|write| write.number == number);
        if is_in_hand && !self.writer.is_stall_told {
            self.writer.is_stall_told = true;
            self.alarms.set(AlarmKind::StorageStalled, true, self.now_ns);
            self.tell(Input::StorageStalled);
        }
    }

    /// A write returns, unless the storage stands still.
    pub(crate) fn written(&mut self, number: u64) {
        let Some(write) = self.writer.in_hand.filter(|write| write.number == number) else { return };
        if self.conditions.stalled_until_ns > self.now_ns {
            self.put_return(write, self.conditions.stalled_until_ns + MS);
            return;
        }
        self.writer.in_hand = None;
        if std::mem::take(&mut self.writer.is_stall_told) {
            self.tell(Input::StorageMoved);
        }
        self.finish(write.order);
        self.pump();
        self.tell_if_drained();
        self.settle();
    }

    fn settle(&mut self) {
        let is_written = self.writer.fragments().next().is_none();
        if let Some(capture) = &mut self.capture {
            capture.is_settled |= capture.is_caught_up && is_written;
        }
    }

    /// What a write that returned means.
    fn finish(&mut self, order: Order) {
        let failure = self.failure(&order);
        if std::mem::take(&mut self.conditions.falls_over) && failure.is_none() {
            self.fall_over();
        }
        match (order, failure) {
            (Order::Fragment(fragment), None) => self.store(&fragment),
            (Order::Open, None) => self.session_begins(),
            (Order::Entry(body), None) => self.enter_indexed(body),
            (Order::Close(cause), None) => self.session_ends(cause),
            (Order::Fragment(_) | Order::Entry(_), Some(failure)) => self.write_failed(&failure),
            (Order::Open, Some(_)) => {
                self.storage_alarm();
                self.tell(Input::OpenFailed { reason: "the card fails".into(), is_fault: true });
            }
            (Order::Close(_), Some(_)) => {
                self.storage_alarm();
                self.tell(Input::CloseFailed("the card fails".into()));
            }
        }
    }

    /// A first storage that is full is no failed one.
    fn fall_over(&mut self) {
        let is_full = self.random.percent(50);
        if !is_full {
            self.storage_alarm();
        }
        self.is_on_second = true;
        self.alarms.set(AlarmKind::SecondStorage, true, self.now_ns);
        let reason = if is_full { "the card is full" } else { "the card is read-only" };
        self.tell(Input::StorageFellOver { is_full, reason: reason.into() });
    }

    /// Some starts do not find it.
    pub(crate) fn look_for_second(&mut self) {
        self.conditions.lacks_second = self.random.percent(10);
        if self.conditions.lacks_second {
            self.alarms.set(AlarmKind::SecondStorage, true, self.now_ns);
            self.tell(Input::SecondStorageMissing { reason: "there is no such folder".into() });
        }
    }

    /// Room for ends and entries is held back; a chunk or a start gets none of it.
    fn failure(&self, order: &Order) -> Option<Failure> {
        let is_large = matches!(order, Order::Fragment(_) | Order::Open);
        match () {
            () if self.conditions.is_bad => Some(Failure::Bad),
            () if is_large && self.conditions.free_bytes < BYTES_PER_S => Some(Failure::Full),
            () => None,
        }
    }

    fn write_failed(&mut self, failure: &Failure) {
        self.writer.is_broken = true;
        match failure {
            Failure::Bad => {
                self.storage_alarm();
                self.tell(Input::StorageFailed { is_full: false, reason: "the card fails".into() });
            }
            Failure::Full => self.tell(Input::StorageFailed { is_full: true, reason: "no room".into() }),
        }
    }

    /// A write failed: that is told until a recording can be begun again.
    fn storage_alarm(&mut self) {
        self.is_storage_suspect = true;
        self.alarms.set(AlarmKind::StorageFailed, true, self.now_ns);
    }

    fn store(&mut self, fragment: &Fragment) {
        self.commit(fragment);
        let verdict = must(self.disk.is_last_linked(), Invariant::Chain, || "a record is not linked".into());
        self.judge(verdict);
        self.announce(self.disk.records());
    }

    /// The chunk is durable.
    pub(crate) fn commit(&mut self, fragment: &Fragment) {
        let spans = fragment.spans;
        let skipped = u64::from(self.bug == Some(Bug::SkippedSeq) && self.random.percent(1));
        let is_lost = self.bug == Some(Bug::WrongPrev) && self.random.percent(1);
        let record = Record {
            seq: self.disk.records() + skipped,
            prev: if is_lost { 0 } else { self.disk.last_record() },
            media: mix(spans.video.to_ns) ^ spans.audio.to_ns,
        };
        let is_indexed = !self.forgets();
        self.disk.append(record, fragment, is_indexed);
        self.hole.stored(fragment);
        self.writer.written += 1;
        self.report.chunks += 1;
        let length_ns = Medium::ALL.into_iter().map(|medium| spans[medium].length_ns()).max().unwrap_or(0);
        let bytes = BYTES_PER_S * (length_ns / MS) / 1_000;
        self.conditions.free_bytes = self.conditions.free_bytes.saturating_sub(bytes);
    }

    fn announce(&mut self, records: u64) {
        self.announced = records;
        let verdict = self.announced_is_durable();
        self.judge(verdict);
    }

    pub(crate) fn announced_is_durable(&self) -> Verdict {
        let (announced, durable) = (self.announced, self.disk.records());
        must(announced <= durable, Invariant::AnnouncedIsDurable, || {
            format!("{announced} announced, {durable} durable")
        })
    }

    /// One that could not be closed is closed first.
    fn session_begins(&mut self) {
        self.disk.close_open();
        let start = self.start_of_session();
        self.make_durable(start, true);
        self.tell(Input::Opened);
    }

    pub(crate) fn start_of_session(&self) -> Body {
        let of = |capture: &Capture| (capture.media, capture.from_ns);
        let (media, from_ns) = self.capture.as_ref().map(of).unwrap_or_default();
        Body::Start { session: self.writer.session, media, from_ns }
    }

    /// An entry is in the ledger.
    pub(crate) fn make_durable(&mut self, body: Body, is_indexed: bool) {
        self.hole.entered(body);
        self.disk.enter(body, is_indexed);
    }

    pub(crate) fn end_of_session(&self, cause: Cause) -> Body {
        let (records, last) = (self.disk.records(), self.disk.last_record());
        Body::End { session: self.writer.session, records, last, cause: Some(cause) }
    }

    fn session_ends(&mut self, cause: Cause) {
        self.make_durable(self.end_of_session(cause), true);
        let (taken, written) = (self.writer.taken, self.writer.written);
        let verdict = must(taken == written || self.writer.is_broken, Invariant::Covered, || {
            format!("{taken} chunks were cut, {written} are durable")
        });
        self.judge(verdict);
        let verdict = self.check_disk();
        self.judge(verdict);
        self.tell(Input::Closed);
    }

    fn enter_indexed(&mut self, body: Body) {
        let is_indexed = !self.forgets();
        self.make_durable(body, is_indexed);
    }

    fn forgets(&mut self) -> bool {
        self.bug == Some(Bug::ForgetfulIndex) && self.random.percent(1)
    }

    /// What the storage is like, whatever the daemon knows.
    pub(crate) fn watch_storage(&mut self) {
        let (now_ns, free_bytes) = (self.now_ns, self.conditions.free_bytes);
        let stalled_ns =
            self.writer.in_hand.map(|write| write.began_ns).filter(|began_ns| now_ns - began_ns >= STALL_TOLD);
        self.alarms.set(
            AlarmKind::StorageStalled,
            stalled_ns.is_some(),
            stalled_ns.map_or(now_ns, |began_ns| began_ns.max(self.woke_ns)),
        );
        self.between(AlarmKind::StorageFull, free_bytes, RESERVE);
        let hour_bytes = 60 * 60 * BYTES_PER_S;
        self.between(AlarmKind::StorageLow, free_bytes.saturating_sub(RESERVE), hour_bytes);
        let is_empty = self.conditions.battery_percent < 10 && self.conditions.is_discharging;
        self.alarms.set(AlarmKind::Power, is_empty, now_ns);
    }

    /// A fault below the limit; none a tenth above it. Between the two nothing changes.
    fn between(&mut self, kind: AlarmKind, value: u64, limit: u64) {
        if value < limit || value >= limit + limit / 10 {
            self.alarms.set(kind, value < limit, self.now_ns);
        }
    }
}
