// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a sync that is missing or comes too late, so that a power cut at one moment takes what had been
//! announced, or leaves what the recorder cannot open or the verifier calls tampered.
//!
//! A small recording through the real store runs under `strace`, which shows every write, sync, rename and removal, those
//! of SQLite too. In front of each of them the power is cut, in several ways; each state that this may leave is made anew
//! on a real disk, recovered and judged. The store knows nothing of it.
//!
//! CRASH_MIXES=100 cuts in a hundred more ways at each operation instead of in two.

#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod cuts;
mod disk;
mod judge;
mod recording;
mod trace;

use cuts::{BASIC, Cut, Story};
use disk::{Disk, Op};
use evidence::Hash;
use judge::{Ledger, Promised};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

const RECORD_BELOW: &str = "SEALCAM_TEST_RECORD_BELOW";
const NAME: &str = "a_power_cut_at_any_operation_loses_nothing_that_was_announced";

/// With more than these the rest is not tried.
const ENOUGH_FAILURES: usize = 20;

/// The recording, and where its files are.
fn traced_recording(below: &Path) -> (Vec<Op>, PathBuf) {
    let log = below.join("strace.log");
    let homes = below.join("homes");
    fs::create_dir(&homes).unwrap();
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", NAME, "--test-threads=1"]).env(RECORD_BELOW, &homes);
    let ops = trace::run(&mut program, &log);
    let home = fs::read_dir(&homes).unwrap().next().expect("a home").unwrap().path();
    (ops, home)
}

/// What stands in a real folder, file by file. The shared memory of SQLite is written without calls of the system.
fn assert_same_files(disk: &Disk, home: &Path) {
    let files = disk.files();
    for (path, bytes) in files.iter().filter(|(path, _)| !path.ends_with("-shm")) {
        let real = fs::read(home.join(path.trim_start_matches('/'))).unwrap();
        assert!(real == *bytes, "{path} is not as the log tells");
    }
    let real = Command::new("find").arg(home).args(["-type", "f", "!", "-name", "RESERVE"]).output().unwrap().stdout;
    assert_eq!(String::from_utf8(real).unwrap().lines().count(), files.len());
}

/// All cuts of one recording, and what came of them.
struct Trial {
    story: Story,
    ledger: Ledger,
    cuts: Vec<Cut>,
    next: AtomicUsize,
    /// States that were judged, each with how much had been promised: what differs in neither is judged once.
    judged: Mutex<BTreeSet<(Hash, usize)>>,
    failures: Mutex<Vec<(usize, String)>>,
}

impl Trial {
    fn new(story: Story) -> Trial {
        let mixes = std::env::var("CRASH_MIXES").map_or(2, |text| text.parse().expect("CRASH_MIXES is a number"));
        let ledger = Ledger::new(story.all().read("evidence/ledger.cbor").expect("a ledger").to_vec());
        let cuts = BASIC.into_iter().chain((0..mixes).map(Cut::Mixed)).collect();
        let (next, judged, failures) = Default::default();
        Trial { story, ledger, cuts, next, judged, failures }
    }

    fn run(&self) {
        let threads = std::thread::available_parallelism().unwrap().get();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| while self.cut_next() {});
            }
        });
    }

    fn cut_next(&self) -> bool {
        let cut_at = self.next.fetch_add(1, Ordering::Relaxed);
        if cut_at > self.story.ops.len() || self.failures.lock().unwrap().len() > ENOUGH_FAILURES {
            return false;
        }
        let promised = Promised::by(self.story.said(cut_at));
        for cut in &self.cuts {
            self.cut(cut_at, *cut, &promised);
        }
        true
    }

    fn cut(&self, cut_at: usize, cut: Cut, promised: &Promised) {
        let disk = self.story.cut(cut_at, cut);
        if self.judged.lock().unwrap().insert((disk.fingerprint(), promised.amount()))
            && let Err(why) = judge::judge(&disk, promised, &self.ledger)
        {
            self.failures.lock().unwrap().push((cut_at, format!("cut {cut:?} in front of operation {cut_at}: {why}")));
        }
    }

    /// The last operations in front of a cut.
    fn before(&self, cut_at: usize) -> String {
        let ops = self.story.ops.iter().enumerate().take(cut_at).skip(cut_at.saturating_sub(8));
        ops.map(|(n, op)| format!("    {n} {}\n", self.in_words(op))).collect()
    }

    fn in_words(&self, op: &Op) -> String {
        let name = op.node().map_or("", |node| self.story.name_of(node));
        match op {
            Op::Write { at, bytes, .. } => format!("{name}: write {} bytes at {at}", bytes.len()),
            Op::Resize { length, .. } => format!("{name}: resize to {length}"),
            Op::Names { changes, .. } => format!("{name}/: names {changes:?}"),
            Op::Sync(_) => format!("{name}: sync"),
            Op::Said(text) => format!("said: {text}"),
        }
    }

    fn report(self, began: Instant) {
        let mut failures = self.failures.lock().unwrap().clone();
        failures.sort();
        let (ops, judged) = (self.story.ops.len(), self.judged.lock().unwrap().len());
        let states = (ops + 1) * self.cuts.len();
        let seconds = began.elapsed().as_secs();
        println!("{ops} operations, {states} cuts, {judged} different states, {seconds} s");
        let shown = failures.iter().take(8).map(|(cut_at, why)| format!("{why:.1500}\n{}", self.before(*cut_at)));
        let shown: String = shown.collect();
        assert!(failures.is_empty(), "{} of {judged} states:\n{shown}", failures.len());
        assert!(judged > ops, "hardly anything was cut");
    }
}

#[test]
fn a_power_cut_at_any_operation_loses_nothing_that_was_announced() {
    if let Some(parent) = std::env::var_os(RECORD_BELOW) {
        return recording::record_below(Path::new(&parent));
    }
    let began = Instant::now();
    let below = common::temporary();
    let (ops, home) = traced_recording(below.path());
    let story = Story::new(ops);
    assert_same_files(&story.all(), &home);
    let trial = Trial::new(story);
    trial.run();
    trial.report(began);
}
