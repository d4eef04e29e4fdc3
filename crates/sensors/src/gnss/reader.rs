// SPDX-License-Identifier: MIT OR Apache-2.0
//! A thread that reads a receiver on a serial device, through whatever becomes of the device.
//!
//! Nothing is queued: epochs and states are handed over by the thread itself, one after the other. While it waits for who
//! hears them, the kernel keeps what comes (4096 bytes on most lines) and drops the rest, which costs sentences.

use std::convert::Infallible;
use std::io::{self, ErrorKind, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serialport::{ClearBuffer, SerialPort, TTYPort};

use super::arrivals::Arrivals;
use super::date::Date;
use super::epochs::Epoch;
use super::hunt::{Heard, Hunt, Step};
use super::parser::{Counts, Parser};

const MS: u64 = 1_000_000;

/// So long it is waited for the first byte, before it is looked whether the reader is to stop.
const READ_TIMEOUT: Duration = Duration::from_millis(50);
/// Bytes come in bursts. The first of a burst is read as soon as it is there, the others no more often than this: at 9600 baud,
/// there would be a wake-up for each of 960 bytes a second.
const PACE: Duration = Duration::from_millis(10);
/// What is read in one go at most.
const READ_BYTES: usize = 4096;
/// Nothing more comes of an epoch when the line is idle for so long.
const IDLE_NS: u64 = 250 * MS;
/// Every device has this speed; what it is to have is set when it is open.
const OPEN_BAUD: u32 = 9600;
/// How long to wait before a device that is missing is opened again: at first, the second time, and so on.
const BACKOFF_MS: [u64; 4] = [250, 500, 1_000, 2_000];

/// What is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// The path of the serial device.
    pub device: String,
    /// See [`Parser::new`].
    pub reference: Date,
    /// The speed in bits a second that was right the last time; it is tried first.
    pub baud: Option<u32>,
}

/// What becomes of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The device is not there, or cannot be used. It is opened again after a while.
    Missing {
        /// Why, in words.
        reason: String,
    },
    /// It is not known whether there is a receiver, and at which speed.
    Searching {
        /// The speed that is tried, in bits a second.
        baud: u32,
    },
    /// The device is there, and nothing comes.
    Silent,
    /// Sentences come.
    Receiving {
        /// At this speed, in bits a second.
        baud: u32,
    },
}

/// What a reader tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The state has changed.
    State(State),
    /// The receiver has spoken of a moment.
    Epoch {
        /// What it said.
        epoch: Epoch,
        /// When the first byte of it was there, by the clock that was given: at most 10 ms too late, unless the machine was
        /// busy.
        arrived_ns: u64,
    },
}

/// Reads a receiver until it is stopped or dropped.
pub struct Reader {
    counts: Arc<Mutex<Counts>>,
    /// Dropped to stop the thread: nothing is ever sent.
    stop: Option<SyncSender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    /// Starts the thread. `clock` says the boot time in nanoseconds; `hear` is told everything, and must not take long. The device
    /// need not be there.
    ///
    /// # Errors
    ///
    /// If there can be no thread.
    pub fn start(
        setup: Setup,
        clock: impl Fn() -> u64 + Send + 'static,
        hear: impl FnMut(Event) + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, stopped) = sync_channel(0);
        let counts = Arc::new(Mutex::new(Counts::default()));
        let mut work = Work {
            hunt: Hunt::new(setup.baud),
            parser: Parser::new(setup.reference),
            device: setup.device,
            arrivals: Arrivals::default(),
            received: 0,
            state: None,
            counts: Arc::clone(&counts),
            stopped,
            clock,
            hear,
        };
        let thread = std::thread::Builder::new().name("gnss".to_owned()).spawn(move || work.run())?;
        Ok(Self { counts, stop: Some(stop), thread: Some(thread) })
    }

    /// What came on the line since the start, also from receivers that are gone.
    pub fn counts(&self) -> Counts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops reading. When this returns, the device is closed and nothing more will be told. Must not be called by who hears.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // If who hears has panicked, the log has it.
            let _ = thread.join();
        }
    }
}

/// Why a line is not read any more.
enum End {
    Stopped,
    /// It is gone, for this reason.
    Gone(String),
}

/// What the thread has.
struct Work<Clock, Hear> {
    device: String,
    hunt: Hunt,
    parser: Parser,
    arrivals: Arrivals,
    /// Bytes that were given to the parser.
    received: u64,
    /// What was told last.
    state: Option<State>,
    counts: Arc<Mutex<Counts>>,
    stopped: Receiver<Infallible>,
    clock: Clock,
    hear: Hear,
}

impl<Clock: Fn() -> u64, Hear: FnMut(Event)> Work<Clock, Hear> {
    fn run(&mut self) {
        let mut failures = 0;
        loop {
            let end = self.open().map_or_else(End::Gone, |mut line| self.serve(&mut line));
            if self.hunt.is_receiving() {
                failures = 0;
            }
            self.cut();
            match end {
                End::Stopped => return,
                End::Gone(reason) => self.tell(State::Missing { reason }),
            }
            self.hunt.restart();
            let wait = Duration::from_millis(BACKOFF_MS[failures.min(BACKOFF_MS.len() - 1)]);
            failures += 1;
            if self.stops_within(wait) {
                return;
            }
        }
    }

    fn open(&mut self) -> Result<TTYPort, String> {
        let settings = serialport::new(&self.device, OPEN_BAUD).timeout(READ_TIMEOUT);
        let mut line = settings.open_native().map_err(|error| error.to_string())?;
        self.set(&mut line, self.hunt.baud())?;
        let state = self.hunt.begin((self.clock)(), self.heard());
        self.tell(state);
        Ok(line)
    }

    fn set(&mut self, line: &mut TTYPort, baud: u32) -> Result<(), String> {
        line.set_baud_rate(baud).map_err(|error| {
            self.hunt.refuse();
            format!("{baud} bit/s: {error}")
        })
    }

    /// Reads until the line is gone or the reader stopped.
    fn serve(&mut self, line: &mut TTYPort) -> End {
        let mut buffer = [0; READ_BYTES];
        let mut last_ns = (self.clock)();
        loop {
            let read = read(line, &mut buffer).and_then(|bytes| {
                let now_ns = (self.clock)();
                self.attend(bytes, now_ns, &mut last_ns);
                self.look(line, now_ns).map(|()| bytes.len())
            });
            let wait = match read {
                Ok(0) => Duration::ZERO,
                Ok(_) => PACE,
                Err(reason) => return End::Gone(reason),
            };
            if self.stops_within(wait) {
                return End::Stopped;
            }
        }
    }

    /// Takes what was read, or nothing; something was read last at `last_ns`.
    fn attend(&mut self, bytes: &[u8], now_ns: u64, last_ns: &mut u64) {
        if !bytes.is_empty() {
            *last_ns = now_ns;
            self.take(bytes, now_ns);
        } else if now_ns.saturating_sub(*last_ns) >= IDLE_NS {
            self.flush(now_ns);
        }
    }

    fn take(&mut self, bytes: &[u8], now_ns: u64) {
        self.arrivals.note(self.received, now_ns);
        self.received += bytes.len() as u64;
        let (arrivals, hear) = (&self.arrivals, &mut self.hear);
        self.parser.push(bytes, |epoch| hear(event(epoch, arrivals, now_ns)));
        self.arrivals.forget_before(self.parser.oldest_byte());
        self.publish();
    }

    fn flush(&mut self, now_ns: u64) {
        if let Some(epoch) = self.parser.flush() {
            (self.hear)(event(epoch, &self.arrivals, now_ns));
        }
    }

    /// What has begun on the line will not go on.
    fn cut(&mut self) {
        let now_ns = (self.clock)();
        let (arrivals, hear) = (&self.arrivals, &mut self.hear);
        self.parser.cut(|epoch| hear(event(epoch, arrivals, now_ns)));
        self.publish();
    }

    fn look(&mut self, line: &mut TTYPort, now_ns: u64) -> Result<(), String> {
        match self.hunt.look(now_ns, self.heard()) {
            Step::Stay => {}
            Step::Tell(state) => self.tell(state),
            Step::Try(baud) => {
                self.set(line, baud)?;
                // What came at another speed.
                line.clear(ClearBuffer::Input).map_err(|error| error.to_string())?;
                self.cut();
                self.tell(State::Searching { baud });
            }
        }
        Ok(())
    }

    fn heard(&self) -> Heard {
        let counts = self.parser.counts();
        let noise_bytes = counts.line_bytes + counts.garbage_bytes;
        Heard { bytes: self.received, noise_bytes, lines: counts.whole_lines() }
    }

    fn tell(&mut self, state: State) {
        if self.state.as_ref() != Some(&state) {
            self.state = Some(state.clone());
            (self.hear)(Event::State(state));
        }
    }

    fn publish(&self) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner) = *self.parser.counts();
    }

    fn stops_within(&self, wait: Duration) -> bool {
        !matches!(self.stopped.recv_timeout(wait), Err(RecvTimeoutError::Timeout))
    }
}

fn event(epoch: Epoch, arrivals: &Arrivals, now_ns: u64) -> Event {
    Event::Epoch { epoch, arrived_ns: arrivals.of(epoch.first_byte, now_ns) }
}

/// What is there, as soon as there is something; nothing if nothing comes for a while.
fn read<'a>(line: &mut TTYPort, buffer: &'a mut [u8]) -> Result<&'a [u8], String> {
    match line.read(buffer) {
        Ok(0) => Err("end of file".to_owned()),
        Ok(length) => Ok(&buffer[..length]),
        Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted) => Ok(&[]),
        Err(error) => Err(error.to_string()),
    }
}
