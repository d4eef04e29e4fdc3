// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the daemon does: tells the machine what happened, and carries out what it says. It decides nothing.

use crate::capture::Capture;
use crate::disk::Body;
use crate::plan::{BYTES_PER_S, LOOK, MS};
use crate::watch::{Claim, Invariant, ResumeWatch, must};
use crate::world::{Event, World};
use crate::writer::Order;
use recorder::{AlarmKind, Cause, Effect, Input, Media, Medium, State};

impl World {
    /// Boot time.
    pub(crate) fn boot_ns(&self) -> u64 {
        self.now_ns - self.boot.zero_ns
    }

    /// Tells the machine and does what it says.
    pub(crate) fn tell(&mut self, input: Input) {
        let heard = match self.bug {
            Some(bug) => bug.input(input),
            None => Some(input),
        };
        if let Some(input) = heard.filter(|_| self.boot.is_up) {
            let state = self.boot.recorder.state();
            self.sessions.told(&input, &state, self.now_ns, self.plan.rules.post_ns);
            let effects = self.step(&input);
            self.asked(&input, &state, &effects);
            effects.into_iter().for_each(|effect| self.see(effect));
            self.set_alarm_clock();
        }
    }

    /// What the machine answers, as far as a bug lets it be heard.
    fn step(&mut self, input: &Input) -> Vec<Effect> {
        self.report.steps += 1;
        let effects = self.boot.recorder.step(self.boot_ns(), input.clone());
        // Readings that change nothing would bury the rest of the log.
        let is_noise = effects.is_empty() && matches!(input, Input::Space { .. } | Input::Battery { .. });
        if !is_noise {
            self.log.say(self.now_ns, || format!("> {input:?}"));
        }
        match self.bug {
            Some(bug) => bug.effects(input, &self.boot.recorder.state(), effects),
            None => effects,
        }
    }

    /// Who asked waits for an answer; a recording that is asked for shows anew whether the storage works.
    fn asked(&mut self, input: &Input, before: &State, effects: &[Effect]) {
        let verdict = self.answers.asked(input, effects, self.now_ns);
        self.judge(verdict);
        if matches!(input, Input::Start { .. } | Input::Ready { .. }) && *before != State::Opening {
            (self.is_storage_suspect, self.is_on_second) = (false, false);
        }
    }

    fn see(&mut self, effect: Effect) {
        self.log.say(self.now_ns, || format!("  < {effect:?}"));
        let verdict = self.sessions.see(&effect, self.now_ns);
        self.judge(verdict);
        self.carry_out(effect);
    }

    fn set_alarm_clock(&mut self) {
        let wake_ns = self.boot.recorder.next_wake_ns();
        if let Some(wake_ns) = wake_ns.filter(|_| wake_ns != self.boot.wake_ns) {
            let at_ns = self.boot.zero_ns + wake_ns;
            self.agenda.put(at_ns.max(self.now_ns), Event::Wake(self.boot.number));
        }
        self.boot.wake_ns = wake_ns;
    }

    /// Time that the machine asked for; it may have changed its mind since.
    pub(crate) fn wake(&mut self) {
        if self.boot.wake_ns.is_some_and(|wake_ns| wake_ns <= self.boot_ns()) {
            self.boot.wake_ns = None;
            self.tell(Input::Tick);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::OpenSource(medium) => self.open_source(medium),
            Effect::CloseSource(medium) => self.close_source(medium),
            Effect::OpenSession { media, absent, .. } => self.open_session(media, absent),
            Effect::EndRecording => self.end_recording(),
            Effect::CloseSession(cause) => self.close_session(cause),
            Effect::BeginInterruption { number, fault, media, from_ns, .. } => {
                let from_ns = self.boot.zero_ns + from_ns;
                self.begin_interruption(Claim { number, fault, media, from_ns });
            }
            Effect::EndInterruption { number, to_ns } => {
                let verdict = self.coverage.resumed(number, self.boot.zero_ns + to_ns);
                self.judge(verdict);
                let to_ns = self.boot.zero_ns + to_ns;
                self.enter(Body::Over { session: self.writer.session, number, to_ns });
            }
            Effect::EnterClockStep { step_ns } => self.enter(Body::Step { step_ns }),
            Effect::Raise(alarm) => {
                self.report.alarms += 1;
                let verdict = self.alarms.raised(alarm.kind, self.now_ns);
                self.judge(verdict);
            }
            Effect::Quiet(kind) => self.alarms.quieted(kind),
            Effect::AnswerStarted => self.session_is_open(),
            Effect::AnswerNotStarted(_) | Effect::AnswerStopped => {
                (self.capture, self.resume) = (None, ResumeWatch::default());
            }
            Effect::Refuse(_) => {}
            Effect::Exit => self.see_exit(),
        }
    }

    fn begin_interruption(&mut self, claim: Claim) {
        let is_caught_up = self.capture.as_ref().is_some_and(|capture| capture.is_caught_up);
        let verdict = self.coverage.interrupted(claim, is_caught_up);
        self.judge(verdict);
        self.report.interruptions += 1;
        let Claim { number, fault, media, from_ns } = claim;
        self.enter(Body::Begin { session: self.writer.session, number, fault, media, from_ns });
    }

    fn enter(&mut self, body: Body) {
        self.writer.order(Order::Entry(body));
        self.write_next();
    }

    /// The capture begins with what the ring holds; the session is open when its start is durable.
    fn open_session(&mut self, media: Media, absent: Media) {
        let capture = Capture::new(media, absent, &self.sources, &self.plan, self.now_ns);
        self.judge_begin(&capture, absent);
        self.coverage.begin(media, absent, capture.from_ns, self.now_ns);
        self.capture = Some(capture);
        self.announced = 0;
        self.writer.begin_session(self.disk.next_session());
        if self.conditions.is_session_refused {
            self.put(100 * MS, Event::NotOpened(self.boot.number));
        } else {
            self.writer.order(Order::Open);
            self.write_next();
        }
    }

    /// Every source that is not said to be absent gives, and little of what it gave is lost.
    fn judge_begin(&mut self, capture: &Capture, absent: Media) {
        let present: Media = capture.media.iter().filter(|medium| !absent.contains(*medium)).collect();
        let gives = present.iter().all(|medium| self.sources[medium].is_open && self.sources[medium].has_given);
        self.judge(must(gives, Invariant::Absent, || format!("{present:?} is to be recorded and does not give")));
        let lost_ns = |medium| capture.from_ns[medium].checked_sub(self.sources[medium].giving_since_ns?);
        let lost: Vec<_> = present.iter().filter_map(|medium| Some((medium, lost_ns(medium)?))).collect();
        let verdict = self.resume.opens(&lost, &self.plan, self.now_ns);
        self.judge(verdict);
    }

    /// The media side cannot do it.
    pub(crate) fn session_refused(&mut self) {
        self.resume.refused(self.now_ns);
        self.tell(Input::OpenFailed { reason: "no encoder".into(), is_fault: false });
    }

    fn session_is_open(&mut self) {
        self.report.sessions += 1;
        self.resume = ResumeWatch::default();
        // Where another storage took over, nothing shows that the first one works.
        if !std::mem::take(&mut self.is_storage_suspect) && !self.is_on_second {
            self.alarms.set(AlarmKind::StorageFailed, false, self.now_ns);
        }
        if !self.is_on_second && !self.conditions.lacks_second {
            self.alarms.set(AlarmKind::SecondStorage, false, self.now_ns);
        }
        if let Some(capture) = &mut self.capture {
            capture.is_open = true;
        }
        self.put(0, Event::Chunk(self.writer.session));
    }

    fn end_recording(&mut self) {
        let now_ns = self.now_ns;
        let verdict = self.coverage.closing();
        self.judge(verdict);
        // What was missed over the end may be heard of behind it.
        self.ended_ns = self.capture.as_ref().filter(|capture| capture.is_caught_up).map(|_| now_ns);
        if let Some(capture) = &mut self.capture {
            capture.end(now_ns);
        }
        self.pump();
        self.tell_if_drained();
    }

    fn close_session(&mut self, cause: Cause) {
        let ended = self.ended_ns.take().map_or(Ok(()), |ended_ns| self.coverage.check(ended_ns));
        let verdict = ended.and_then(|()| self.coverage.entered()).and_then(|()| self.coverage.closing());
        self.judge(verdict);
        Medium::ALL.into_iter().for_each(|medium| self.coverage.end(medium));
        self.writer.order(Order::Close(cause));
        self.write_next();
    }

    /// Tells when the recording is ended and nothing of it is on its way any more.
    pub(crate) fn tell_if_drained(&mut self) {
        let is_cut = self.capture.as_ref().is_some_and(|capture| capture.is_ended && capture.is_empty());
        if is_cut && self.writer.fragments().next().is_none() {
            self.put(MS, Event::Drained(self.writer.session));
        }
    }

    pub(crate) fn drained(&mut self) {
        self.tell(Input::Drained);
    }

    /// Reads how much room there is and how full the battery is.
    pub(crate) fn look(&mut self) {
        let (free_bytes, percent) = (self.conditions.free_bytes, self.conditions.battery_percent);
        self.tell(Input::Space { free_bytes, bytes_per_s: BYTES_PER_S });
        self.tell(Input::Battery { percent, is_discharging: self.conditions.is_discharging });
        self.put(LOOK, Event::Look(self.boot.number));
    }

    /// Nothing may follow the exit, whatever still comes.
    fn see_exit(&mut self) {
        let late = [
            Input::Tick,
            Input::SourceUp { medium: Medium::Video },
            Input::Ready { resume: None },
            Input::Opened,
            Input::Closed,
            Input::Drained,
            Input::Start { media: Media::BOTH },
            Input::Stop,
            Input::Shutdown,
            Input::Space { free_bytes: 0, bytes_per_s: BYTES_PER_S },
        ];
        for input in late {
            let effects = self.step(&input);
            let verdict = effects.iter().try_for_each(|effect| self.sessions.see(effect, self.now_ns));
            self.judge(verdict);
        }
        if self.boot.recorder.next_wake_ns().is_some() {
            self.judge(Err((Invariant::NothingAfterExit, "the machine wants to be woken".into())));
        }
        self.exit();
    }
}
