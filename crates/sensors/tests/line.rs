// SPDX-License-Identifier: MIT OR Apache-2.0
//! A reader on a pseudo-terminal, which the kernel has as it has a serial line: speeds are set, lines are cut and come back, two
//! receivers speak one after the other. What could break: a line that is pulled and never found again, an epoch that is lost or
//! told twice on the way, a reader that cannot be stopped.
//!
//! A device is a link to the terminal; to pull the line is to close the side of the receiver.

// Each helper may fail anywhere.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use sensors::gnss::{Constellation, Epoch, Event, Quality, Reader, Setup, State};
use support::{line, log, parse, reference};

/// Nothing here takes as long.
const LIMIT: Duration = Duration::from_secs(30);

/// The side of the receiver.
struct Line {
    side: File,
    path: PathBuf,
}

impl Line {
    fn new() -> Self {
        let side: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&side).unwrap();
        unlockpt(&side).unwrap();
        // A terminal begins as one for people, who would have what is said before it is opened echoed and edited.
        let mut settings = tcgetattr(&side).unwrap();
        settings.make_raw();
        tcsetattr(&side, OptionalActions::Now, &settings).unwrap();
        let path = PathBuf::from(ptsname(&side, Vec::new()).unwrap().into_string().unwrap());
        Self { side: side.into(), path }
    }

    fn say(&mut self, bytes: &[u8]) {
        self.side.write_all(bytes).unwrap();
    }

    /// The speed to which the other side has set the line.
    fn baud(&self) -> u32 {
        tcgetattr(self.side.as_fd()).unwrap().output_speed()
    }
}

/// A folder with a device in it, and a reader of that device.
struct Bench {
    folder: tempfile::TempDir,
    reader: Reader,
    events: Receiver<Event>,
    began: Instant,
    /// What was told on the way to what was waited for.
    states: Vec<State>,
    epochs: Vec<(Epoch, u64)>,
}

impl Bench {
    fn new(baud: Option<u32>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let device = folder.path().join("gnss").into_os_string().into_string().unwrap();
        let ((sender, events), began) = (channel(), Instant::now());
        let clock = move || began.elapsed().as_nanos() as u64;
        let hear = move |event| drop(sender.send(event));
        let reader = Reader::start(Setup { device, reference: reference(), baud }, clock, hear).unwrap();
        Self { folder, reader, events, began, states: Vec::new(), epochs: Vec::new() }
    }

    /// A bench with a line.
    fn with_line(baud: Option<u32>) -> (Self, Line) {
        let (mut bench, line) = (Self::new(baud), Line::new());
        bench.plug(&line);
        bench.until(|state| matches!(state, State::Searching { .. }));
        (bench, line)
    }

    fn plug(&self, line: &Line) {
        symlink(&line.path, self.folder.path().join("gnss")).unwrap();
    }

    fn pull(&self, line: Line) {
        std::fs::remove_file(self.folder.path().join("gnss")).unwrap();
        drop(line);
    }

    /// Takes the next event, and tells the state if it is one.
    fn next(&mut self) -> Option<State> {
        let left = LIMIT.saturating_sub(self.began.elapsed());
        match self.events.recv_timeout(left) {
            Ok(Event::State(state)) => {
                self.states.push(state.clone());
                Some(state)
            }
            Ok(Event::Epoch { epoch, arrived_ns }) => {
                self.epochs.push((epoch, arrived_ns));
                None
            }
            Err(error) => panic!("{error}: {:?}, {} epochs", self.states, self.epochs.len()),
        }
    }

    /// Waits for a state.
    fn until(&mut self, is_wanted: impl Fn(&State) -> bool) -> State {
        loop {
            if let Some(state) = self.next().filter(&is_wanted) {
                return state;
            }
        }
    }

    fn until_epochs(&mut self, count: usize) {
        while self.epochs.len() < count {
            self.next();
        }
    }

    fn now_ns(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    /// Stops the reader and takes what was told until then.
    fn stop(mut self) -> Vec<Epoch> {
        self.reader.stop();
        while let Ok(event) = self.events.try_recv() {
            if let Event::Epoch { epoch, arrived_ns } = event {
                self.epochs.push((epoch, arrived_ns));
            }
        }
        self.epochs.into_iter().map(|(epoch, _)| epoch).collect()
    }
}

/// The bytes of a log from one epoch to the next.
fn bursts(log: &[u8]) -> Vec<Vec<u8>> {
    let (epochs, _) = parse(log);
    let starts = epochs.iter().map(|epoch| epoch.first_byte as usize);
    let ends = starts.clone().skip(1).chain([log.len()]);
    starts.zip(ends).map(|(start, end)| log[start..end].to_vec()).collect()
}

fn is_receiving(state: &State) -> bool {
    matches!(state, State::Receiving { .. })
}

#[test]
fn a_paced_log_is_read_as_it_is_written() {
    let (mut bench, mut line) = Bench::with_line(None);
    let expected = parse(&log("two-constellations.nmea")).0;
    for (number, burst) in bursts(&log("two-constellations.nmea")).iter().enumerate() {
        burst.chunks(200).for_each(|piece| line.say(piece));
        // The next moment comes when this one has been read, as in life: an epoch ends with the next, or when the line is idle.
        bench.until_epochs(number);
    }
    bench.until_epochs(60);
    let baud = 9600;
    assert_eq!(bench.states.last(), Some(&State::Receiving { baud }));
    assert_eq!(bench.stop(), expected);
}

#[test]
fn an_epoch_arrives_with_its_first_byte_and_is_told_when_the_line_is_idle() {
    let (mut bench, mut device) = Bench::with_line(Some(9600));
    for second in 0..3 {
        let before_ns = bench.now_ns();
        let sentences = [format!("GNGGA,12000{second},,,,,0,,,,,,,,"), format!("GNZDA,12000{second},01,06,2026,,")];
        device.say(&sentences.map(|text| line(&text)).concat());
        bench.until_epochs(second + 1);
        let (epoch, arrived_ns) = bench.epochs[second];
        assert!(epoch.sentences == 2 && arrived_ns >= before_ns);
        assert!(bench.now_ns() - arrived_ns >= 250_000_000, "told by idleness, and not before");
    }
}

#[test]
fn a_line_that_is_pulled_and_put_back_goes_on() {
    let mut bench = Bench::new(None);
    bench.until(|state| matches!(state, State::Missing { .. }));
    let bursts = bursts(&log("cold-and-drive.nmea"));
    for part in bursts[..120].chunks(40) {
        let mut line = Line::new();
        bench.plug(&line);
        part.iter().for_each(|burst| line.say(burst));
        line.say(b"$GNRMC,cut in the midd");
        // The last is told when the line is idle: so all that was said has been read.
        let wanted = bench.epochs.len() + 40;
        bench.until_epochs(wanted);
        bench.pull(line);
        bench.until(|state| matches!(state, State::Missing { .. }));
    }
    assert_eq!(bench.reader.counts().malformed, 3);
    let told: Vec<_> = bench.stop().into_iter().map(|epoch| epoch.fix).collect();
    let expected: Vec<_> = parse(&bursts[..120].concat()).0.into_iter().map(|epoch| epoch.fix).collect();
    assert!(told == expected, "nothing lost, nothing twice");
}

#[test]
fn two_receivers_take_turns() {
    let (mut bench, mut first) = Bench::with_line(None);
    first.say(&bursts(&log("two-constellations.nmea"))[..5].concat());
    bench.until(is_receiving);
    bench.until_epochs(5);
    bench.pull(first);
    bench.until(|state| matches!(state, State::Missing { .. }));
    let mut second = Line::new();
    bench.plug(&second);
    second.say(&bursts(&log("mixed.bin"))[..5].concat());
    bench.until(is_receiving);
    bench.until_epochs(10);
    let epochs = bench.stop();
    let beidou = |epoch: &Epoch| epoch.fix.used.map(|used| used.of(Constellation::Beidou));
    assert_eq!((epochs.len(), beidou(&epochs[0]), beidou(&epochs[5])), (10, Some(9), None));
    assert_eq!((epochs[4].fix.quality, epochs[5].fix.quality), (Quality::Gnss, Quality::Float));
}

#[test]
fn noise_between_sentences_costs_none_of_them() {
    let (mut bench, mut device) = Bench::with_line(None);
    for second in 0..20_u8 {
        let noise: Vec<_> = (0..100).map(|at: u8| at.wrapping_mul(37).wrapping_add(second * 11)).collect();
        device.say(&noise);
        device.say(b"\n");
        device.say(&line(&format!("GNGGA,1200{second:02},,,,,0,,,,,,,,")));
    }
    bench.until_epochs(20);
    let counts = bench.reader.counts();
    assert!(counts.sentences == 20 && counts.garbage_bytes + counts.line_bytes > 2_000, "{counts:?}");
}

/// What a receiver that speaks at another speed looks like.
fn garble(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte.reverse_bits() | 0x80).collect()
}

#[test]
fn the_speed_is_found_and_tried_first_the_next_time() {
    let (mut bench, mut device) = Bench::with_line(None);
    let sentence = line("GNVTG,,,,,,,,,N");
    let speak = |bench: &mut Bench, device: &mut Line| {
        while bench.states.last().is_none_or(|state| !is_receiving(state)) {
            let said = if device.baud() == 38_400 { sentence.clone() } else { garble(&sentence) };
            device.say(&said.repeat(20));
            std::thread::sleep(Duration::from_millis(20));
            bench.states.extend(bench.events.try_iter().filter_map(|event| match event {
                Event::State(state) => Some(state),
                Event::Epoch { .. } => None,
            }));
            assert!(bench.began.elapsed() < LIMIT, "{:?}", bench.states);
        }
    };
    speak(&mut bench, &mut device);
    let searching = |baud| State::Searching { baud };
    let found = [9600, 115_200, 38_400].map(searching).into_iter().chain([State::Receiving { baud: 38_400 }]);
    assert_eq!(bench.states[bench.states.len() - 4..], found.collect::<Vec<_>>());
    bench.pull(device);
    bench.until(|state| matches!(state, State::Missing { .. }));
    let mut device = Line::new();
    bench.plug(&device);
    assert_eq!(bench.until(|_| true), searching(38_400));
    speak(&mut bench, &mut device);
    assert_eq!(bench.states.last(), Some(&State::Receiving { baud: 38_400 }));
}

#[test]
fn a_line_on_which_nothing_comes_is_silent() {
    let (mut bench, mut device) = Bench::with_line(None);
    bench.until(|state| *state == State::Silent);
    device.say(&line("GNVTG,,,,,,,,,N").repeat(3));
    bench.until(is_receiving);
}

#[test]
fn what_is_no_serial_device_is_missing() {
    let mut bench = Bench::new(None);
    let State::Missing { reason } = bench.until(|_| true) else { panic!("{:?}", bench.states) };
    assert!(reason.contains("No such file"), "{reason}");
    std::fs::write(bench.folder.path().join("gnss"), "$GNRMC").unwrap();
    let State::Missing { reason } = bench.until(|_| true) else { panic!("{:?}", bench.states) };
    assert!(!reason.contains("No such file"), "{reason}");
}

#[test]
fn a_reader_stops_at_once_and_lets_go_of_its_device() {
    for bench in [Bench::new(None), Bench::with_line(None).0] {
        let begin = Instant::now();
        bench.stop();
        assert!(begin.elapsed() < Duration::from_secs(5));
    }
    let (bench, mut device) = Bench::with_line(None);
    device.say(b"$GNVTG");
    let events = bench.stop();
    assert_eq!(events, []);
    assert!(serialport::new(device.path.to_str().unwrap(), 9600).open_native().is_ok());
}
