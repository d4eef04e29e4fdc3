// SPDX-License-Identifier: MIT OR Apache-2.0
//! The world: what there is in it, and how time passes.

use crate::agenda::Agenda;
use crate::bug::Bug;
use crate::capture::Capture;
use crate::disk::Disk;
use crate::log::Log;
use crate::mishaps::Conditions;
use crate::plan::{ENTRIES_MAX, MINUTE, Mishap, ORDERS_FRAGMENTS_MAX, OUTBOX_FRAGMENTS_MAX, Plan};
use crate::random::Random;
use crate::report::Report;
use crate::source::Source;
use crate::watch::{
    AlarmWatch, AnswerWatch, CoverageWatch, HoleWatch, Invariant, ResumeWatch, SessionWatch, Verdict, Violation, must,
};
use crate::writer::Writer;
use recorder::{Medium, PerMedium, Recorder};

/// A world to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// How much time passes.
    pub length_ns: u64,
    /// Something that is wrong on purpose.
    pub bug: Option<Bug>,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What happened, in numbers.
    pub report: Report,
    /// The first thing that was not as it must be. The run ended with it.
    pub violation: Option<Violation>,
}

impl Run {
    /// Runs it in silence.
    #[must_use]
    pub fn run(self) -> Outcome {
        self.run_with(Log::Off).0
    }

    /// Runs it and prints every event.
    #[must_use]
    pub fn run_printing(self) -> Outcome {
        self.run_with(Log::Print).0
    }

    /// The last events before the end, or before what was not as it must be.
    #[must_use]
    pub fn last_events(self) -> Vec<String> {
        self.run_with(Log::tail()).1
    }

    fn run_with(self, log: Log) -> (Outcome, Vec<String>) {
        let mut world = World::new(self, log);
        world.run();
        let violation = world.violation.take();
        (Outcome { report: world.report, violation }, world.log.into_lines())
    }
}

/// What comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Something goes wrong.
    Strike(Mishap),
    /// Its cause is over.
    Over(Mishap),
    /// The machine is switched on again, or the daemon is started again.
    On,
    /// The evidence is open. In this boot.
    Ready(u32),
    /// Time that the machine asked for.
    Wake(u32),
    /// Room and battery are looked at.
    Look(u32),
    /// Opening a source succeeds or fails, in this opening.
    Answer(Medium, u32),
    /// A source has given nothing for too long, if it was silent since then.
    Silence(Medium, u32, u64),
    /// A device's driver tells an error.
    Error(Medium, u32),
    /// The frame rate was measured.
    Rate(u32),
    /// A replay is over.
    End(Medium, u32),
    /// A chunk is due, in this session.
    Chunk(u64),
    /// A write returns.
    Written(u64),
    /// A write has not returned for a second.
    Stalled(u64),
    /// Opening the session fails, in this boot.
    NotOpened(u32),
    /// The last fragment is written, in this session.
    Drained(u64),
    /// The officer does something.
    Press,
}

/// One run of the daemon.
pub(crate) struct Boot {
    pub(crate) number: u32,
    /// When boot time was 0.
    pub(crate) zero_ns: u64,
    /// The daemon runs.
    pub(crate) is_up: bool,
    /// The evidence is open since then.
    pub(crate) ready_ns: Option<u64>,
    pub(crate) recorder: Recorder,
    pub(crate) wake_ns: Option<u64>,
}

/// Everything.
pub(crate) struct World {
    pub(crate) now_ns: u64,
    pub(crate) end_ns: u64,
    pub(crate) plan: Plan,
    pub(crate) bug: Option<Bug>,
    pub(crate) random: Random,
    pub(crate) agenda: Agenda<Event>,
    pub(crate) log: Log,
    pub(crate) boot: Boot,
    pub(crate) sources: PerMedium<Source>,
    pub(crate) capture: Option<Capture>,
    pub(crate) writer: Writer,
    pub(crate) conditions: Conditions,
    pub(crate) disk: Disk,
    /// The highest number of records of the session that was announced.
    pub(crate) announced: u64,
    /// When the machine slept last, the end of it.
    pub(crate) woke_ns: u64,
    /// Since when no fragment has found room.
    pub(crate) dropping_since_ns: Option<u64>,
    /// Something of the storage failed since the recording was asked for.
    pub(crate) is_storage_suspect: bool,
    /// Another storage took over since a recording was last asked for.
    pub(crate) is_on_second: bool,
    pub(crate) alarms: AlarmWatch,
    pub(crate) answers: AnswerWatch,
    pub(crate) coverage: CoverageWatch,
    /// When the recording was ended, if all that came before was on its way to the disk.
    pub(crate) ended_ns: Option<u64>,
    pub(crate) sessions: SessionWatch,
    pub(crate) resume: ResumeWatch,
    pub(crate) hole: HoleWatch,
    pub(crate) report: Report,
    pub(crate) violation: Option<Violation>,
}

impl World {
    fn new(run: Run, log: Log) -> World {
        let mut plan = Plan::of(run.seed);
        if let Some(bug) = run.bug {
            bug.alter(&mut plan);
        }
        let recorder = Recorder::new(plan.rules.clone());
        let boot = Boot { number: 0, zero_ns: 0, is_up: false, ready_ns: None, recorder, wake_ns: None };
        let mut world = World {
            now_ns: 0,
            end_ns: run.length_ns,
            plan,
            bug: run.bug,
            random: Random::new(run.seed.wrapping_add(1) << 20),
            agenda: Agenda::new(),
            log,
            boot,
            sources: PerMedium::default(),
            capture: None,
            writer: Writer::default(),
            conditions: Conditions::default(),
            disk: Disk::default(),
            announced: 0,
            woke_ns: 0,
            dropping_since_ns: None,
            is_storage_suspect: false,
            is_on_second: false,
            alarms: AlarmWatch::default(),
            answers: AnswerWatch::default(),
            coverage: CoverageWatch::default(),
            ended_ns: None,
            sessions: SessionWatch::default(),
            resume: ResumeWatch::default(),
            hole: HoleWatch::default(),
            report: Report::default(),
            violation: None,
        };
        world.log.say(0, || format!("seed {}: {:?}", run.seed, world.plan));
        world.begin();
        world
    }

    fn begin(&mut self) {
        self.put(0, Event::On);
        self.put(MINUTE / 4, Event::Press);
        for mishap in Mishap::ALL {
            self.put_next(mishap);
        }
    }

    /// Puts down what comes after a while.
    pub(crate) fn put(&mut self, after_ns: u64, event: Event) {
        self.agenda.put(self.now_ns + after_ns, event);
    }

    fn run(&mut self) {
        while let Some((at_ns, event)) = self.agenda.pop() {
            // What was due while the machine slept comes when it is awake.
            let now_ns = self.now_ns.max(at_ns);
            if now_ns >= self.end_ns {
                break;
            }
            self.now_ns = now_ns;
            self.happen(event);
            let verdict = self.check();
            self.judge(verdict);
            if self.violation.is_some() {
                break;
            }
        }
        self.report.simulated_ns = if self.violation.is_some() { self.now_ns } else { self.end_ns };
        let verdict = self.check_at_end();
        self.judge(verdict);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Strike(mishap) => self.strike(mishap),
            Event::Over(mishap) => self.over(mishap),
            Event::On => self.switch_on(),
            Event::Ready(boot) if boot == self.boot.number => self.ready(),
            Event::Wake(boot) if boot == self.boot.number => self.wake(),
            Event::Look(boot) if boot == self.boot.number => self.look(),
            Event::NotOpened(boot) if boot == self.boot.number => self.session_refused(),
            Event::Answer(medium, opening) if self.is_open(medium, opening) => self.source_answers(medium),
            Event::Silence(medium, opening, since_ns) if self.is_open(medium, opening) => {
                self.silence(medium, since_ns)
            }
            Event::Error(medium, opening) if self.is_open(medium, opening) => self.error(medium),
            Event::Rate(opening) if self.is_open(Medium::Video, opening) => self.rate(),
            Event::End(medium, opening) if self.is_open(medium, opening) => self.source_ends(medium),
            Event::Chunk(session) if session == self.writer.session => self.chunk_due(),
            Event::Written(number) => self.written(number),
            Event::Stalled(number) => self.stalled(number),
            Event::Drained(session) if session == self.writer.session => self.drained(),
            Event::Press => self.press(),
            _ => {}
        }
    }

    fn is_open(&self, medium: Medium, opening: u32) -> bool {
        self.sources[medium].is_open && self.sources[medium].opening == opening
    }

    /// Notes what is not as it must be.
    pub(crate) fn judge(&mut self, verdict: Verdict) {
        if let Err((invariant, detail)) = verdict
            && self.violation.is_none()
        {
            self.log.say(self.now_ns, || format!("VIOLATED {}: {detail}", invariant.name()));
            self.violation = Some(Violation { invariant, at_ns: self.now_ns, detail });
        }
    }

    fn check(&mut self) -> Verdict {
        let now_ns = self.now_ns;
        let bounds = [OUTBOX_FRAGMENTS_MAX, ORDERS_FRAGMENTS_MAX, ENTRIES_MAX];
        let fill = self.writer.fill();
        let holds = fill.iter().zip(bounds).all(|(fill, bound)| *fill <= bound);
        must(holds, Invariant::Bounded, || format!("outbox, orders and entries hold {fill:?} of {bounds:?}"))?;
        if self.boot.ready_ns.is_none() {
            return Ok(());
        }
        self.watch_sources()?;
        self.watch_storage();
        self.alarms.check(now_ns)?;
        self.answers.check(now_ns)?;
        self.resume.check(self.well_ns(), now_ns)?;
        let Some(capture) = self.capture.as_ref().filter(|capture| capture.is_open && !capture.is_ended) else {
            return Ok(());
        };
        self.coverage.entered()?;
        if capture.is_caught_up { self.coverage.check(now_ns) } else { Ok(()) }
    }

    fn check_at_end(&mut self) -> Verdict {
        // While the recorder is off the index may be behind; the next start brings it up.
        if self.boot.ready_ns.is_some() {
            self.check_disk()?;
        }
        self.report.losses.check()
    }

    /// Reads what is on the disk.
    pub(crate) fn check_disk(&mut self) -> Verdict {
        self.disk.check().map_err(|detail| (Invariant::Chain, detail))?;
        self.disk.compare_index().map_err(|detail| (Invariant::LedgerAndIndex, detail))
    }
}
