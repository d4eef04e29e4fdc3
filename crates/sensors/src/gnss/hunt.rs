// SPDX-License-Identifier: MIT OR Apache-2.0
//! At which speed a receiver speaks, and whether it does. Pure: what was heard and the time in, what to do out. Must not know the
//! line.
//!
//! A speed is tried once bytes come: as long as none do, nothing speaks against it. At a wrong one, there are bytes and no lines
//! with a right checksum.

use super::reader::State;

const MS: u64 = 1_000_000;

/// Speeds in bits a second, in the order in which they are tried: those of the factory first.
const BAUDS: [u32; 7] = [9600, 115_200, 38_400, 57_600, 4800, 19_200, 230_400];

/// So many whole lines are no accident.
const LINES_ENOUGH: u64 = 2;
/// A receiver that speaks once a second has said two lines by then, also at 4800 baud.
const TRIAL_NS: u64 = 1_500 * MS;
/// So many bytes of noise without two whole lines are a wrong speed: at a right one there may be some before the first line.
const TRIAL_NOISE_BYTES: u64 = 2048;
/// A receiver that says nothing for so long is silent.
const SILENT_NS: u64 = 3_000 * MS;

/// What was heard since the reader was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) bytes: u64,
    /// Those of them that are in no whole frame of UBX or RTCM 3, of which there may be many between two lines.
    pub(super) noise_bytes: u64,
    /// Lines with a right checksum.
    pub(super) lines: u64,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing.
    Stay,
    /// The state has changed.
    Tell(State),
    /// The line is to be set to this speed, and searched at it.
    Try(u32),
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Nothing was heard at this speed since then.
    Waiting { since_ns: u64, is_told: bool },
    /// Bytes come since then, and it is not known yet of what.
    Trying { since_ns: u64, before: Heard },
    /// Lines come; what was heard up to the last, and when that was.
    Receiving { last_ns: u64, last: Heard },
}

/// Searches one line.
pub(super) struct Hunt {
    bauds: Vec<u32>,
    /// Which of them the line is set to.
    current: usize,
    phase: Phase,
    /// What was heard when it was looked at last.
    heard: Heard,
}

impl Hunt {
    /// `good` is the speed that was right the last time, if there is one.
    pub(super) fn new(good: Option<u32>) -> Self {
        let mut hunt = Self {
            bauds: BAUDS.to_vec(),
            current: 0,
            phase: Phase::Waiting { since_ns: 0, is_told: false },
            heard: Heard::default(),
        };
        hunt.prefer(good);
        hunt
    }

    fn prefer(&mut self, good: Option<u32>) {
        let others = BAUDS.into_iter().filter(|baud| Some(*baud) != good);
        self.bauds = good.into_iter().chain(others).collect();
        self.current = 0;
    }

    /// The speed that the line is to have.
    pub(super) fn baud(&self) -> u32 {
        self.bauds[self.current]
    }

    /// The line was opened at that speed. What was heard before was of another.
    pub(super) fn begin(&mut self, now_ns: u64, heard: Heard) -> State {
        (self.phase, self.heard) = (Phase::Waiting { since_ns: now_ns, is_told: false }, heard);
        State::Searching { baud: self.baud() }
    }

    /// The line is gone: on the next, the speed that was right is tried first.
    pub(super) fn restart(&mut self) {
        (self.current, self.phase) = (0, Phase::Waiting { since_ns: 0, is_told: false });
    }

    /// The device does not take this speed: it is not tried again until another was right.
    pub(super) fn refuse(&mut self) {
        if self.bauds.len() > 1 {
            self.bauds.remove(self.current);
            self.current %= self.bauds.len();
        }
    }

    /// Whether lines come.
    pub(super) fn is_receiving(&self) -> bool {
        matches!(self.phase, Phase::Receiving { .. })
    }

    /// Looks at what was heard by now.
    pub(super) fn look(&mut self, now_ns: u64, heard: Heard) -> Step {
        let before = std::mem::replace(&mut self.heard, heard);
        match self.phase {
            Phase::Waiting { .. } if heard.bytes > before.bytes => self.hear(now_ns, before),
            Phase::Waiting { since_ns, is_told: false } if now_ns.saturating_sub(since_ns) >= SILENT_NS => {
                self.silence(now_ns)
            }
            Phase::Waiting { .. } => Step::Stay,
            Phase::Trying { since_ns, before } => self.try_on(now_ns, now_ns.saturating_sub(since_ns), before),
            Phase::Receiving { last_ns, last } => self.receive(now_ns, now_ns.saturating_sub(last_ns), last),
        }
    }

    fn hear(&mut self, now_ns: u64, before: Heard) -> Step {
        let was_silent = matches!(self.phase, Phase::Waiting { is_told: true, .. });
        self.phase = Phase::Trying { since_ns: now_ns, before };
        match self.try_on(now_ns, 0, before) {
            Step::Stay if was_silent => Step::Tell(State::Searching { baud: self.baud() }),
            step => step,
        }
    }

    fn silence(&mut self, now_ns: u64) -> Step {
        self.phase = Phase::Waiting { since_ns: now_ns, is_told: true };
        Step::Tell(State::Silent)
    }

    fn try_on(&mut self, now_ns: u64, tried_ns: u64, before: Heard) -> Step {
        if self.heard.lines - before.lines >= LINES_ENOUGH {
            let baud = self.baud();
            self.prefer(Some(baud));
            self.phase = Phase::Receiving { last_ns: now_ns, last: self.heard };
            return Step::Tell(State::Receiving { baud });
        }
        if tried_ns < TRIAL_NS && self.heard.noise_bytes - before.noise_bytes < TRIAL_NOISE_BYTES {
            return Step::Stay;
        }
        self.current = (self.current + 1) % self.bauds.len();
        self.phase = Phase::Waiting { since_ns: now_ns, is_told: false };
        Step::Try(self.baud())
    }

    fn receive(&mut self, now_ns: u64, without_ns: u64, last: Heard) -> Step {
        if self.heard.lines > last.lines {
            self.phase = Phase::Receiving { last_ns: now_ns, last: self.heard };
            return Step::Stay;
        }
        if without_ns < SILENT_NS {
            return Step::Stay;
        }
        if self.heard.bytes == last.bytes {
            return self.silence(now_ns);
        }
        self.phase = Phase::Trying { since_ns: now_ns, before: self.heard };
        Step::Tell(State::Searching { baud: self.baud() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_NS: u64 = 1_000 * MS;

    /// A receiver at a speed of its own, that says five lines each second, and a hunt at 10 looks a second.
    struct Bench {
        hunt: Hunt,
        baud: u32,
        is_noise: bool,
        now_ns: u64,
        heard: Heard,
        told: Vec<(u64, State)>,
    }

    impl Bench {
        fn new(speaks: u32, good: Option<u32>) -> Self {
            let mut hunt = Hunt::new(good);
            let state = hunt.begin(0, Heard::default());
            Self { baud: speaks, is_noise: true, hunt, now_ns: 0, heard: Heard::default(), told: vec![(0, state)] }
        }

        fn run(&mut self, seconds: u64, bytes_per_look: u64) {
            for _ in 0..seconds * 10 {
                self.now_ns += SECOND_NS / 10;
                self.heard.bytes += bytes_per_look;
                self.heard.noise_bytes += if self.is_noise { bytes_per_look } else { 0 };
                let is_heard = self.hunt.baud() == self.baud && bytes_per_look > 0;
                self.heard.lines += u64::from(is_heard && self.now_ns.is_multiple_of(SECOND_NS / 5));
                match self.hunt.look(self.now_ns, self.heard) {
                    Step::Stay => {}
                    Step::Tell(state) => self.told.push((self.now_ns / SECOND_NS, state)),
                    Step::Try(baud) => self.told.push((self.now_ns / SECOND_NS, State::Searching { baud })),
                }
            }
        }

        fn states(&self) -> Vec<State> {
            self.told.iter().map(|(_, state)| state.clone()).collect()
        }
    }

    fn searching(baud: u32) -> State {
        State::Searching { baud }
    }

    #[test]
    fn each_speed_is_found_within_seconds() {
        for baud in BAUDS {
            let mut bench = Bench::new(baud, None);
            bench.run(15, 100);
            let place = BAUDS.iter().position(|other| *other == baud).unwrap();
            let mut expected: Vec<_> = BAUDS[..=place].iter().map(|baud| searching(*baud)).collect();
            expected.push(State::Receiving { baud });
            assert_eq!(bench.states(), expected);
            assert!(bench.told.last().unwrap().0 <= 12);
        }
    }

    #[test]
    fn the_speed_that_was_right_is_tried_first() {
        for good in [57_600, 460_800] {
            let mut bench = Bench::new(good, Some(good));
            bench.run(2, 100);
            assert_eq!(bench.states(), [searching(good), State::Receiving { baud: good }]);
            assert_eq!(bench.hunt.begin(bench.now_ns, bench.heard), searching(good));
        }
    }

    #[test]
    fn a_speed_that_was_right_comes_before_those_of_the_factory() {
        let mut bench = Bench::new(115_200, None);
        bench.run(5, 100);
        bench.baud = 0;
        bench.run(8, 100);
        assert_eq!(bench.states()[3..6], [115_200, 9600, 38_400].map(searching));
        bench.hunt.restart();
        assert_eq!(bench.hunt.baud(), 115_200);
    }

    #[test]
    fn a_line_that_is_gone_is_received_no_more() {
        let mut bench = Bench::new(9600, None);
        bench.run(5, 100);
        assert!(bench.hunt.is_receiving());
        bench.hunt.restart();
        assert!(!bench.hunt.is_receiving(), "else a device that is missing would be tried again without a longer wait");
    }

    #[test]
    fn a_speed_that_is_refused_is_passed_over() {
        let mut hunt = Hunt::new(Some(12_345));
        hunt.refuse();
        hunt.restart();
        assert_eq!(hunt.baud(), 9600);
        (0..20).for_each(|_| hunt.refuse());
        assert_eq!(hunt.baud(), 230_400);
    }

    #[test]
    fn many_bytes_need_no_time() {
        let mut bench = Bench::new(115_200, None);
        bench.run(2, 600);
        assert_eq!(bench.states(), [searching(9600), searching(115_200), State::Receiving { baud: 115_200 }]);
        assert_eq!(bench.told[1].0, 0);
    }

    #[test]
    fn foreign_frames_are_no_noise() {
        let mut bench = Bench::new(9600, None);
        bench.is_noise = false;
        bench.run(2, 20_000);
        assert_eq!(bench.states(), [searching(9600), State::Receiving { baud: 9600 }]);
    }

    #[test]
    fn silence_changes_no_speed() {
        let mut bench = Bench::new(9600, None);
        bench.run(60, 0);
        assert_eq!(bench.told, [(0, searching(9600)), (3, State::Silent)]);
        bench.run(2, 100);
        assert_eq!(bench.states()[2..], [searching(9600), State::Receiving { baud: 9600 }]);
    }

    #[test]
    fn a_receiver_that_falls_silent_is_told_once() {
        let mut bench = Bench::new(9600, None);
        bench.run(5, 100);
        bench.run(20, 0);
        assert_eq!(bench.states(), [searching(9600), State::Receiving { baud: 9600 }, State::Silent]);
        bench.run(5, 100);
        assert_eq!(bench.states()[3..], [searching(9600), State::Receiving { baud: 9600 }]);
    }

    #[test]
    fn a_receiver_that_changes_its_speed_is_found_again() {
        let mut bench = Bench::new(9600, None);
        bench.run(5, 100);
        bench.baud = 38_400;
        bench.run(12, 100);
        let expected = [9600, 115_200, 38_400].map(searching);
        assert_eq!(bench.states()[2..5], expected);
        assert_eq!(bench.states()[5..], [State::Receiving { baud: 38_400 }]);
    }

    #[test]
    fn noise_is_searched_without_end_and_without_silence() {
        let mut bench = Bench::new(0, None);
        bench.run(60, 5);
        assert!(bench.states().iter().all(|state| matches!(state, State::Searching { .. })));
        assert!((30..45).contains(&bench.told.len()), "{}", bench.told.len());
    }
}
