// SPDX-License-Identifier: MIT OR Apache-2.0
//! The program that is cut: a small recording through the real store. It says on its standard output what it was told is
//! durable, in the moment in which it was told.

use crate::common::footage::Footage;
use crate::common::{Device, Recording, close, entries, files, jpeg, sessions};
use crate::trace::SAID;
use evidence::Hash;
use evidence::record::Medium;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::{Evidence, SessionWriter};

const CHUNKS_A_SEGMENT: u64 = 2;

/// Records in a new folder below `parent`, which stays.
pub fn record_below(parent: &Path) {
    let device = Device::on_disk(parent);
    say(&format!("home {}", device.evidence().parent().unwrap().display()));
    first_run(&device);
    run_that_is_killed(&device);
    run_that_recovers(&device);
    run_without_index(&device);
    say("end");
    std::mem::forget(device);
}

/// In one write, past what the test harness captures.
fn say(text: &str) {
    std::io::stdout().write_all(format!("{SAID}{text}\n").as_bytes()).unwrap();
}

/// All entries of the ledger are durable when a call of the store is over.
fn say_entries(device: &Device) {
    say(&format!("entries {}", entries(device.evidence()).len()));
}

fn open(device: &Device) -> Arc<Evidence> {
    let evidence = device.open();
    say_entries(device);
    evidence
}

fn shut_down(device: &Device, evidence: Arc<Evidence>) {
    close(evidence);
    say_entries(device);
}

/// Two sessions with a roll, a photo, an interruption and its account, a step of the clock, and a photo outside.
fn first_run(device: &Device) {
    let evidence = open(device);
    let mut writer = begin(device, &evidence, Footage::BOTH);
    feed(device, &mut writer, Footage::BOTH, 0..2);
    let photo = writer.add_photo(&jpeg(1)).unwrap();
    say_photo(device, &photo.path, photo.hash);
    feed(device, &mut writer, Footage::BOTH, 2..4);
    let id = device.interrupt(&mut writer, "camera", &[Medium::Video]);
    say_entries(device);
    feed(device, &mut writer, Footage::SOUND, 4..6);
    writer.end_interruption(id, device.clock.boot_in_ms(0)).unwrap();
    say_entries(device);
    feed(device, &mut writer, Footage::BOTH, 6..7);
    writer.finish("stop", None).unwrap();
    say_entries(device);
    evidence.enter_clock_step(-1_000_000_000).unwrap();
    evidence.explain(id, "obstruction", "110233", "a hand before the lens").unwrap();
    say_entries(device);
    let path = device.photo_outside(&evidence, 2);
    say_photo(device, &path, Hash::of(&jpeg(2)));
    let mut writer = begin(device, &evidence, Footage::VIDEO);
    feed(device, &mut writer, Footage::VIDEO, 0..1);
    writer.finish("stop", None).unwrap();
    say_entries(device);
    shut_down(device, evidence);
}

/// Ends without a word, with half a chunk behind what is whole.
fn run_that_is_killed(device: &Device) {
    let evidence = open(device);
    let mut writer = begin(device, &evidence, Footage::SOUND);
    feed(device, &mut writer, Footage::SOUND, 0..3);
    device.interrupt(&mut writer, "microphone", &[Medium::Audio]);
    say_entries(device);
    drop((writer, evidence));
    let half = Footage::SOUND.fragment(3);
    let mut segment = fs::File::options().append(true).open(newest_segment(device)).unwrap();
    segment.write_all(&half[..half.len() / 2]).unwrap();
}

fn run_that_recovers(device: &Device) {
    let evidence = open(device);
    shut_down(device, evidence);
}

fn run_without_index(device: &Device) {
    fs::write(device.evidence().join("index.sqlite"), [7; 5000]).unwrap();
    let evidence = open(device);
    shut_down(device, evidence);
}

fn begin(device: &Device, evidence: &Arc<Evidence>, footage: Footage) -> SessionWriter {
    device.clock.advance_ms(10_000);
    let writer = device.begin(evidence, &Recording::new(footage, 0, CHUNKS_A_SEGMENT));
    say_entries(device);
    writer
}

fn feed(device: &Device, writer: &mut SessionWriter, footage: Footage, chunks: std::ops::Range<u64>) {
    let init = footage.init();
    for n in chunks {
        device.clock.advance_ms(500);
        let record = writer.append(&init, footage.fragment(n)).unwrap().record;
        let path = newest_segment(device);
        let path = path.strip_prefix(device.evidence()).unwrap().display();
        say(&format!("chunk {path} {} {} {}", record.offset, record.length, record.media));
    }
}

fn say_photo(device: &Device, path: &Path, hash: Hash) {
    say(&format!("photo {} {hash}", path.strip_prefix(device.evidence()).unwrap().display()));
    say_entries(device);
}

fn newest_segment(device: &Device) -> PathBuf {
    files(sessions(device.evidence()).last().unwrap(), "mp4").pop().unwrap()
}
