// SPDX-License-Identifier: MIT OR Apache-2.0
//! The recorder is switched on, sleeps, is shut down, killed or loses its power, and what each of them leaves.

use crate::bug::Bug;
use crate::capture::{Capture, Span};
use crate::disk::{Body, Hole};
use crate::plan::{MS, SECOND};
use crate::watch::{AlarmWatch, AnswerWatch, CoverageWatch, Held, ResumeWatch, SessionWatch};
use crate::world::{Event, World};
use crate::writer::{Order, Write};
use recorder::{Input, Media, Medium, Recorder};

/// How long a healthy write may keep a chunk waiting: what waits longer is held back by the storage.
const WAIT_NS: u64 = 300 * MS;

impl World {
    pub(crate) fn switch_on(&mut self) {
        self.boot.number += 1;
        let mut rules = self.plan.rules.clone();
        if let Some(bug) = self.bug {
            bug.rules(&mut rules);
        }
        self.boot.recorder = Recorder::new(rules);
        (self.boot.is_up, self.boot.wake_ns) = (true, None);
        self.alarms = AlarmWatch::default();
        self.answers = AnswerWatch::default();
        self.coverage = CoverageWatch::default();
        self.ended_ns = None;
        self.sessions = SessionWatch::default();
        self.resume = ResumeWatch::default();
        self.log.say(self.now_ns, || "! on".into());
        let after_ns = self.random.between(50, 1_500) * MS;
        self.put(after_ns, Event::Ready(self.boot.number));
    }

    /// The evidence is open: what was cut off is closed, and goes on if it is to.
    pub(crate) fn ready(&mut self) {
        self.boot.ready_ns = Some(self.now_ns);
        let hole = self.recover();
        self.make_durable(Body::Boot, true);
        let verdict = self.check_disk();
        self.judge(verdict);
        let resume = hole.map(|hole| hole.media).filter(|_| self.plan.resumes);
        self.resume = ResumeWatch::new(resume.unwrap_or_default(), self.now_ns);
        self.tell(Input::Ready { resume });
        self.look_for_second();
        self.watch_storage();
        self.look();
    }

    fn recover(&mut self) -> Option<Hole> {
        if self.bug == Some(Bug::LateHole) {
            self.disk.forget_last_frame(self.now_ns);
        }
        let hole = self.disk.recover(self.now_ns);
        if let Some(hole) = hole {
            let verdict = self.hole.closed(&hole, self.now_ns);
            self.judge(verdict);
        }
        hole
    }

    pub(crate) fn cut_power(&mut self, off_ns: u64) {
        self.cut();
        self.put(off_ns, Event::On);
        // Boot time begins anew, some seconds before the daemon does.
        self.boot.zero_ns = (self.now_ns + off_ns).saturating_sub(5 * SECOND);
    }

    pub(crate) fn kill(&mut self, off_ns: u64) {
        self.cut();
        self.put(off_ns, Event::On);
    }

    /// Everything in memory is gone. What was being written is there, or not.
    fn cut(&mut self) {
        if self.random.percent(50) && !self.conditions.is_bad {
            self.writer.in_hand.take().into_iter().for_each(|write| self.finish_unheard(write));
        }
        if self.bug == Some(Bug::LyingStorage) {
            self.disk.lose_record();
        }
        let verdict = self.announced_is_durable();
        self.judge(verdict);
        self.count_loss();
        self.disk.cut(&mut self.random);
        self.down();
    }

    /// A write is whole on the disk, and nobody was told.
    fn finish_unheard(&mut self, write: Write) {
        match write.order {
            Order::Fragment(fragment) if !self.writer.is_broken => self.commit(&fragment),
            Order::Open if self.disk.open_session().is_none() => self.make_durable(self.start_of_session(), true),
            Order::Entry(body) => self.make_durable(body, true),
            Order::Close(cause) => self.make_durable(self.end_of_session(cause), true),
            Order::Fragment(_) | Order::Open => {}
        }
    }

    fn count_loss(&mut self) {
        let Some(capture) = self.capture.as_ref().filter(|capture| capture.is_open && !self.writer.is_broken) else {
            return;
        };
        let queued_ns =
            |medium| self.writer.fragments().map(|fragment| fragment.spans[medium].length_ns()).sum::<u64>();
        let loss = |medium| capture.waiting_ns(medium, self.now_ns) + queued_ns(medium);
        let loss_ns = capture.media.iter().map(loss).max().unwrap_or(0);
        let held = self.held_back(capture);
        self.log.say(self.now_ns, || format!("! lost {} ms; {held:?}", loss_ns / MS));
        let verdict = self.report.losses.add(loss_ns, held);
        self.judge(verdict);
    }

    fn held_back(&self, capture: &Capture) -> Held {
        let waited_ns = self.writer.fragments().next().map_or(0, |fragment| self.now_ns - fragment.cut_ns);
        match () {
            () if !capture.is_settled => Held::Prerecord(self.plan.ring_ns() + self.now_ns - capture.began_ns),
            () if waited_ns > WAIT_NS => Held::Storage(waited_ns),
            () => Held::No,
        }
    }

    /// Someone shut it down: what still waited for the disk is entered.
    pub(crate) fn exit(&mut self) {
        while let Some(write) = self.writer.in_hand.take().or_else(|| self.writer.take(self.now_ns)) {
            self.finish_unheard(write);
            self.writer.in_hand = None;
        }
        self.down();
        let off_ns = self.random.around(10 * SECOND);
        self.put(off_ns, Event::On);
    }

    /// The daemon is gone.
    fn down(&mut self) {
        Medium::ALL.into_iter().for_each(|medium| self.sources[medium].close(self.now_ns));
        self.capture = None;
        self.announced = 0;
        self.writer.lose();
        (self.boot.is_up, self.boot.ready_ns, self.boot.wake_ns) = (false, None, None);
        self.boot.number += 1;
    }

    /// Nothing happens while the machine sleeps; what was due comes when it is awake.
    pub(crate) fn sleep(&mut self, asleep_ns: u64) {
        self.pass_unheard(asleep_ns);
        self.tell(Input::Slept { asleep_ns });
    }

    /// The daemon does nothing for a while, and its sources go on: what they gave meanwhile is lost. Which of timer and
    /// frames it sees first is chance.
    pub(crate) fn stand_still(&mut self, still_ns: u64) {
        let still = Span { from_ns: self.now_ns, to_ns: self.now_ns + still_ns };
        let giving = self.pass_unheard(still_ns);
        if self.capture.as_ref().is_some_and(|capture| !capture.is_ended) {
            giving.iter().for_each(|medium| self.coverage.missed(medium, still));
        }
        self.notice_silence();
        if self.random.percent(50) {
            self.tell(Input::Tick);
        }
        let (from_ns, to_ns) = (still.from_ns - self.boot.zero_ns, self.boot_ns());
        giving.iter().for_each(|medium| self.tell(Input::Missed { medium, from_ns, to_ns }));
    }

    /// Time passes, and nobody hears of anything. Says what gave before and gives behind it.
    fn pass_unheard(&mut self, asleep_ns: u64) -> Media {
        let giving: Media = Medium::ALL.into_iter().filter(|medium| self.sources[*medium].gives()).collect();
        giving.iter().for_each(|medium| self.pause(medium));
        self.now_ns += asleep_ns;
        self.woke_ns = self.now_ns;
        giving.iter().for_each(|medium| self.give(medium));
        Medium::ALL.into_iter().for_each(|medium| self.sources[medium].well_since_ns += asleep_ns);
        self.boot.ready_ns.iter_mut().for_each(|ready_ns| *ready_ns += asleep_ns);
        self.alarms.slept(asleep_ns, self.now_ns);
        self.answers.slept(asleep_ns);
        self.sessions.slept();
        giving
    }
}
