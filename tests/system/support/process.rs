// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs that run for a while and programs that run to their end. None outlives the thread that started it.

use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long anything may take that should take a moment, on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What a program said, and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Exit code, or 128 and the signal.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) error: String,
}

/// A program that dies with the thread that starts it, whatever happens to the test.
pub(crate) fn tied(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// A program that is ended when it takes too long, and then fails.
pub(crate) fn limited(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    let seconds = PATIENCE.as_secs().to_string();
    command.args(["--pdeathsig", "TERM", "--", "timeout", "--kill-after=5", &seconds]).arg(program);
    command
}

/// Runs a program to its end.
pub(crate) fn finish(mut command: Command) -> Ended {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended { code: code(output.status), out: text(output.stdout), error: text(output.stderr) }
}

/// Runs a program that must succeed and say nothing on standard error; gives its standard output.
pub(crate) fn quietly(command: Command) -> String {
    let words = format!("{command:?}");
    let ended = finish(command);
    assert!(ended.code == 0 && ended.error.is_empty(), "{words}\nended with {}: {}", ended.code, ended.error);
    ended.out
}

/// The exit code as a shell gives it.
pub(crate) fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

/// A running program.
pub(crate) struct Running {
    pid: Pid,
    exits: Receiver<ExitStatus>,
    ended: Option<ExitStatus>,
}

impl Running {
    /// Takes charge of a program.
    pub(crate) fn new(mut child: Child) -> Running {
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        let (sender, exits) = channel();
        std::thread::spawn(move || {
            let _ = sender.send(child.wait().unwrap());
        });
        Running { pid, exits, ended: None }
    }

    /// Whether it has ended, waiting so long for it.
    pub(crate) fn exit_within(&mut self, limit: Duration) -> Option<i32> {
        if self.ended.is_none() {
            self.ended = match self.exits.recv_timeout(limit) {
                Ok(status) => Some(status),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => panic!("nobody waits for process {:?}", self.pid),
            };
        }
        self.ended.map(code)
    }

    /// Waits until it ends.
    pub(crate) fn exit(&mut self) -> i32 {
        self.exit_within(PATIENCE).unwrap_or_else(|| panic!("process {:?} does not end", self.pid))
    }

    /// Waits until it has a thread whose name begins so.
    pub(crate) fn until_thread(&mut self, name: &str) {
        let deadline = Instant::now() + PATIENCE;
        let tasks = format!("/proc/{}/task", self.pid.as_raw_nonzero());
        let has_thread = || {
            let names = std::fs::read_dir(&tasks).into_iter().flatten().flatten();
            names.flat_map(|task| std::fs::read_to_string(task.path().join("comm"))).any(|one| one.starts_with(name))
        };
        while !has_thread() {
            assert!(Instant::now() < deadline && self.exit_within(Duration::from_millis(5)).is_none(), "no {name}");
        }
    }

    /// Sends a signal, unless it has ended.
    pub(crate) fn signal(&mut self, signal: Signal) {
        if self.exit_within(Duration::ZERO).is_none() {
            kill_process(self.pid, signal).unwrap();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.exit_within(Duration::ZERO).is_none() {
            let _ = kill_process(self.pid, Signal::KILL);
            let _ = self.exits.recv_timeout(PATIENCE);
        }
    }
}
