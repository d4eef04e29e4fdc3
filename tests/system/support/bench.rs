// SPDX-License-Identifier: MIT OR Apache-2.0
//! A place for evidence, a bus, and the daemon on both. Readiness is what the daemon itself tells; nothing sleeps.

use crate::support::bus::Bus;
use crate::support::mounts::Disk;
use crate::support::process::{Ended, PATIENCE, Running, finish, limited, tied};
use crate::support::programs::{sealcamctl, sealcamd};
use crate::support::watch::Watch;
use rustix::process::Signal;
use serde_json::Value;
use std::cell::Cell;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Everything that one test has to itself.
pub(crate) struct Bench {
    /// The bus.
    pub(crate) bus: Bus,
    folder: TempDir,
    settings: Vec<String>,
    environment: Vec<(String, OsString)>,
    prefix: Vec<String>,
    starts: Cell<u32>,
}

/// A running daemon.
pub(crate) struct Daemon {
    process: Running,
    notified: UnixDatagram,
}

/// What `sealcamctl --json` said.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Exit code.
    pub(crate) code: i32,
    /// The document.
    pub(crate) json: Value,
}

impl Answer {
    /// The document of a command that succeeded.
    pub(crate) fn good(self) -> Value {
        assert_eq!(self.code, 0, "{}", self.json);
        self.json
    }
}

/// What `sealcamctl verify` said.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// Exit code.
    pub(crate) code: i32,
    /// The report.
    pub(crate) report: Value,
}

impl Verdict {
    /// Exit code and verdict, to compare.
    pub(crate) fn short(&self) -> (i32, &str) {
        (self.code, self.report["overall"].as_str().unwrap())
    }

    /// One of the totals.
    pub(crate) fn total(&self, what: &str) -> u64 {
        self.report["totals"][what].as_u64().unwrap()
    }
}

/// Verified, every key trusted.
pub(crate) const INTACT: (i32, &str) = (0, "intact");
/// Verified likewise; the record says that something was not captured.
pub(crate) const WITH_GAPS: (i32, &str) = (3, "intact-with-gaps");

/// A recorder that records what it is asked to and no more: most tests count what is recorded.
fn plain() -> impl Iterator<Item = String> {
    ["recording.prerecord_s=0", "recording.resume_within_s=0"].into_iter().map(str::to_owned)
}

impl Bench {
    /// A new place and a new bus.
    pub(crate) fn new(settings: impl IntoIterator<Item = impl Into<String>>) -> Bench {
        Bench {
            bus: Bus::start(),
            folder: tempfile::Builder::new().prefix("sealcam-test-").tempdir().unwrap(),
            settings: plain().chain(settings.into_iter().map(Into::into)).collect(),
            environment: Vec::new(),
            prefix: Vec::new(),
            starts: Cell::new(0),
        }
    }

    /// With more settings.
    pub(crate) fn with(mut self, settings: &[&str]) -> Bench {
        self.settings.extend(settings.iter().map(|setting| (*setting).to_owned()));
        self
    }

    /// With environment variables for the daemon.
    pub(crate) fn with_environment(mut self, variables: Vec<(String, PathBuf)>) -> Bench {
        self.environment.extend(variables.into_iter().map(|(name, value)| (name, value.into_os_string())));
        self
    }

    /// Everything on this disk from now on.
    pub(crate) fn on_disk(mut self, disk: &Disk) -> Bench {
        self.prefix = disk.prefix();
        self
    }

    /// A path of the test's own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where evidence is kept.
    pub(crate) fn evidence(&self) -> PathBuf {
        self.path("place/evidence")
    }

    /// What all daemons of this bench logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Starts the daemon and waits until it says that it is ready.
    pub(crate) fn start(&self) -> Daemon {
        let (mut process, notified) = self.spawn();
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match told(&notified) {
                Some(word) if word == "READY=1" => return Daemon { process, notified },
                _ if process.exit_within(Duration::ZERO).is_none() => {}
                _ => break,
            }
        }
        panic!("the daemon did not become ready:\n{}", self.log());
    }

    /// Starts a daemon that must not come up; gives its exit code and the line in which it says why.
    pub(crate) fn refused(&self) -> (i32, String) {
        let before = self.log().len();
        let (mut process, _notified) = self.spawn();
        let code = process.exit();
        let log = self.log().split_off(before);
        let errors: Vec<_> = log.lines().filter(|line| line.contains(" ERROR ")).collect();
        assert_eq!(errors.len(), 1, "not one clear line:\n{log}");
        assert!(!log.contains("panicked"), "{log}");
        (code, errors[0].to_owned())
    }

    fn spawn(&self) -> (Running, UnixDatagram) {
        let number = self.starts.replace(self.starts.get() + 1);
        let socket = self.path(&format!("notify-{number}"));
        let notified = UnixDatagram::bind(&socket).unwrap();
        notified.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let log: File = OpenOptions::new().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = self.command(tied, &sealcamd());
        for name in ["JOURNAL_STREAM", "WATCHDOG_USEC", "WATCHDOG_PID", "SEALCAM_LOG"] {
            command.env_remove(name);
        }
        command.env("NOTIFY_SOCKET", socket).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.args(["--bus", &self.bus.address]);
        let place = self.path("place");
        for part in ["folder=evidence", "state=state"].map(|part| part.split_once('=').unwrap()) {
            command.arg("--set").arg(format!("evidence.{}={}", part.0, place.join(part.1).display()));
        }
        command.args(self.settings.iter().flat_map(|setting| ["--set", setting]));
        command.stdout(log.try_clone().unwrap()).stderr(log);
        std::fs::create_dir_all(place).unwrap();
        (Running::new(command.spawn().unwrap()), notified)
    }

    /// A program where this bench's disk is seen.
    fn command(&self, start: impl Fn(OsString) -> Command, program: &Path) -> Command {
        let mut words = self.prefix.iter().map(OsString::from).chain([program.as_os_str().to_owned()]);
        let mut command = start(words.next().unwrap());
        command.args(words);
        command
    }

    /// Runs `sealcamctl --json` and reads its one document.
    pub(crate) fn ctl(&self, arguments: &[&str]) -> Answer {
        let ended = finish(self.ctl_command(arguments));
        let json = serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
        Answer { code: ended.code, json }
    }

    /// The command line as a program that is not yet run.
    pub(crate) fn ctl_command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(limited, &sealcamctl());
        command.args(["--json", "--bus", &self.bus.address]).args(arguments);
        command
    }

    /// Runs `sealcamctl` as people do: exit code, text and error line.
    pub(crate) fn ctl_text(&self, arguments: &[&str]) -> Ended {
        let mut command = self.command(limited, &sealcamctl());
        command.env("SEALCAM_LANG", "en").args(["--bus", &self.bus.address]).args(arguments);
        finish(command)
    }

    /// Begins to watch what is announced.
    pub(crate) fn watch(&self) -> Watch {
        Watch::start(&self.bus.address)
    }

    /// Exports the device's public keys as they are now.
    pub(crate) fn keys(&self) -> PathBuf {
        let keys = self.path("keys");
        let (file, evidence) = (keys.display().to_string(), self.evidence().display().to_string());
        let ended = self.ctl_text(&["key", "export", &file, "--evidence", &evidence]);
        assert_eq!(ended.code, 0, "{}", ended.error);
        keys
    }

    /// Verifies a path with the keys as they are now.
    pub(crate) fn verify(&self, path: &Path) -> Verdict {
        let keys = self.keys();
        let answer = self.ctl(&["verify", path.to_str().unwrap(), "--key", keys.to_str().unwrap()]);
        let report = answer.json["reports"][0].clone();
        assert_eq!(report["trust"]["trust"], "trusted", "{}", answer.json);
        Verdict { code: answer.code, report }
    }

    /// Verifies all evidence.
    pub(crate) fn verify_all(&self) -> Verdict {
        self.verify(&self.evidence())
    }

    /// Every invariant of the evidence folder holds.
    pub(crate) fn assert_invariants(&self) {
        let answer = self.ctl(&["check", "--evidence", self.evidence().to_str().unwrap()]);
        let invariants = answer.json["invariants"].as_array().unwrap_or_else(|| panic!("{answer:?}"));
        let broken: Vec<_> = invariants.iter().filter(|invariant| invariant["holds"] != true).collect();
        assert!(broken.is_empty() && answer.code == 0 && invariants.len() >= 8, "{broken:?}");
    }

    /// The last session as the recorder tells it.
    pub(crate) fn last(&self) -> Value {
        self.ctl(&["show", "last"]).good()
    }

    /// The segment files of a session, in order, as paths.
    pub(crate) fn segments(&self, session: &Value) -> Vec<PathBuf> {
        let folder = PathBuf::from(session["folder"].as_str().unwrap());
        let files = session["segments"].as_array().unwrap().iter();
        files.map(|segment| folder.join(Path::new(segment["file"].as_str().unwrap()).file_name().unwrap())).collect()
    }

    /// Names of the session folders that there are.
    pub(crate) fn session_folders(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.evidence().join("sessions")).into_iter().flatten();
        names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    /// The bytes of the ledger, none if there is none.
    pub(crate) fn ledger(&self) -> Vec<u8> {
        std::fs::read(self.evidence().join("ledger.cbor")).unwrap_or_default()
    }
}

impl Daemon {
    /// Asks it to end, as systemd does; gives its exit code.
    pub(crate) fn stop(mut self) -> i32 {
        self.process.signal(Signal::TERM);
        self.process.exit()
    }

    /// Sends a signal.
    pub(crate) fn signal(&mut self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Waits until it ends by itself.
    pub(crate) fn exit(&mut self) -> i32 {
        self.process.exit()
    }

    /// Waits until it tells systemd this.
    pub(crate) fn until_told(&mut self, word: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.told() {
                Some(said) if said == word => return,
                Some(_) => {}
                None => assert!(Instant::now() < deadline && self.lives(), "{word} was not told"),
            }
        }
    }

    /// What it tells systemd next, if it tells something within a moment.
    pub(crate) fn told(&mut self) -> Option<String> {
        told(&self.notified)
    }

    /// Waits until it has a thread whose name begins so.
    pub(crate) fn until_thread(&mut self, name: &str) {
        self.process.until_thread(name);
    }

    /// Whether it still runs.
    pub(crate) fn lives(&mut self) -> bool {
        self.process.exit_within(Duration::ZERO).is_none()
    }
}

/// One notification.
fn told(notified: &UnixDatagram) -> Option<String> {
    let mut bytes = [0; 256];
    let length = notified.recv(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes[..length]).trim_end().to_owned())
}

impl Drop for Bench {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of the daemon\n{}", self.log());
        }
    }
}
