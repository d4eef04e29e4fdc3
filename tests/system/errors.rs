// SPDX-License-Identifier: MIT OR Apache-2.0
//! Everything that a person can get wrong, or find broken, before anything is recorded.
//!
//! What could break: an error that does not say what to do, or says it in ten lines; an exit code that scripts rely on; a
//! failed start that leaves a session folder or an entry in the ledger behind; a daemon that takes a folder that is not its own.

use crate::support::bench::{Bench, INTACT};
use crate::support::bus::Bus;
use crate::support::footage::{fixture, footage, live, replay, sound_card};
use crate::support::mounts::Disk;
use crate::support::nobody::Nobody;
use crate::support::process::{finish, limited, quietly};
use crate::support::programs::sealcamd;
use std::path::{Path, PathBuf};

/// A start that must fail with this exit code, in one line with these words, and leave nothing behind.
fn assert_start_fails(bench: &Bench, media: &str, code: i32, words: &[&str]) {
    let daemon = bench.start();
    assert_start_fails_now(bench, media, code, words);
    assert_eq!(daemon.stop(), 0);
    assert_eq!(bench.verify_all().short(), INTACT);
    bench.assert_invariants();
}

fn assert_start_fails_now(bench: &Bench, media: &str, code: i32, words: &[&str]) {
    let ledger = bench.ledger();
    let said = bench.ctl_text(&["start", "--media", media]);
    let line = said.error.trim_end();
    assert_eq!((said.code, line.lines().count(), said.out.as_str()), (code, 1, ""), "{said:?}");
    for word in words {
        assert!(line.contains(word), "{word:?} is not in {line:?}");
    }
    let status = bench.ctl(&["status"]).good();
    assert_eq!((&status["state"], &status["fault"]), (&"standby".into(), &serde_json::Value::Null));
    assert!(bench.session_folders().is_empty(), "{:?}", bench.session_folders());
    assert!(bench.ledger() == ledger, "the ledger has changed");
}

#[test]
fn a_folder_that_may_not_be_searched_hides_nothing() {
    let bench = Bench::new(replay(&fixture()));
    let daemon = bench.start();
    bench.ctl(&["start"]).good();
    bench.ctl(&["photo"]).good();
    bench.ctl(&["stop"]).good();
    assert_eq!(daemon.stop(), 0);
    let session = Path::new("sessions").join(&bench.session_folders()[0]);
    let nobody = Nobody::with_copy_of(&bench.evidence());
    assert_eq!(nobody.verify().code, 0);
    for closed in [Path::new("sessions"), &session, &session.join("photos")] {
        let said = nobody.verify_without_searching(closed);
        assert_eq!((said.code, said.error.contains(&*closed.to_string_lossy())), (1, true), "{said:?}");
    }
}

#[test]
fn a_missing_camera() {
    let bench = Bench::new(live()).with(&["video.source=v4l2:/dev/video99"]);
    assert_start_fails(&bench, "video+audio", 13, &["/dev/video99: no such device"]);
}

#[test]
fn what_is_not_a_camera() {
    let bench = Bench::new(live()).with(&["video.source=v4l2:/dev/null"]);
    assert_start_fails(&bench, "video", 22, &["source unusable", "/dev/null", "not a camera"]);
}

#[test]
fn a_missing_sound_card() {
    let bench = Bench::new(live()).with(&["audio.source=alsa:paced"]);
    let card = sound_card(&bench.path("plugged"));
    let bench = bench.with_environment(card);
    std::fs::remove_file(bench.path("plugged")).unwrap();
    assert_start_fails(&bench, "video+audio", 13, &["paced: no such device"]);
    let bench = Bench::new(live()).with(&["audio.source=alsa:hw:7"]);
    assert_start_fails(&bench, "audio", 13, &["hw:7: no such device"]);
}

#[test]
fn a_busy_sound_card() {
    let holder = Bench::new(live()).with(&["audio.source=alsa:paced"]);
    let mut card = sound_card(&holder.path("plugged"));
    card.push(("SEALCAM_ALSA_EXCLUSIVE".into(), "yes".into()));
    let holder = holder.with_environment(card.clone());
    let other = Bench::new(live()).with(&["audio.source=alsa:paced"]).with_environment(card);
    let (first, second) = (holder.start(), other.start());
    holder.ctl(&["start", "--media", "audio"]).good();
    assert_start_fails_now(&other, "audio", 14, &["paced: busy; stop the program"]);
    holder.ctl(&["stop"]).good();
    assert_eq!((first.stop(), second.stop()), (0, 0));
    assert_eq!(holder.verify_all().short(), INTACT);
}

#[test]
fn footage_that_cannot_be_replayed() {
    let bench = Bench::new(replay(Path::new("/nowhere/at-all.mp4")));
    assert_start_fails(&bench, "video+audio", 22, &["/nowhere/at-all.mp4", "cannot be read", "No such file"]);
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.mp4");
    std::fs::write(&text, "this is not footage\n".repeat(100)).unwrap();
    assert_start_fails(&Bench::new(replay(&text)), "video+audio", 22, &["source unusable", "text.mp4", "is no MP4"]);
    let cut = folder.path().join("cut.mp4");
    std::fs::write(&cut, &std::fs::read(fixture()).unwrap()[..20]).unwrap();
    assert_start_fails(&Bench::new(replay(&cut)), "video+audio", 22, &["cut.mp4", "a damaged one"]);
    let silent = replay(&footage("silent.mp4"));
    assert_start_fails(&Bench::new(silent), "video+audio", 22, &["silent.mp4", "has no audio track"]);
}

#[test]
fn a_folder_that_cannot_be_written() {
    let bench = Bench::new(live());
    std::fs::create_dir_all(bench.path("place")).unwrap();
    let disk = Disk::mount(&bench.path("place"), "ro,size=1m");
    let bench = bench.on_disk(&disk);
    let (code, line) = bench.refused();
    assert!(line.contains("place/evidence") && line.contains("Read-only file system"), "{line}");
    assert_eq!(code, 1);
}

#[test]
fn a_folder_below_a_file() {
    let bench = Bench::new(live());
    std::fs::create_dir_all(bench.path("place")).unwrap();
    std::fs::write(bench.path("place/evidence"), "a file").unwrap();
    let (code, line) = bench.refused();
    assert!(line.contains("place/evidence"), "{line}");
    assert_eq!(code, 1);
    assert_eq!(std::fs::read(bench.path("place/evidence")).unwrap(), b"a file");
    assert!(!bench.path("place/state").exists(), "a key was made for a folder that cannot be used");
}

#[test]
fn a_configuration_with_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sealcam.toml");
    let cases = [
        ("[video]\nhight = 720\n", ":2:1:", ["hight", "height"]),
        ("\n[recording]\n  chunk_ms = 5000\n", ":3:3:", ["5000", "allowed is 100 to"]),
        ("[device]\nid = \"no spaces\"\n", ":2:1:", ["no spaces", "letters"]),
        ("[audio]\nrate_hz = \"fast\"\n", ":2:1:", ["rate_hz", "allowed is 8000, 11025"]),
        ("video = { encoders = [\"magic\"] }\n", ":1:23:", ["magic", "x264enc"]),
        ("[device\n", ":1:", ["expected", "]"]),
    ];
    for (text, place, words) in cases {
        std::fs::write(&file, text).unwrap();
        let (code, line) = check_config(&file);
        assert_eq!((code, line.trim_end().lines().count()), (78, 1), "{line}");
        assert!(line.contains(&format!("sealcam.toml{place}")), "{place} is not in {line}");
        assert!(words.iter().all(|word| line.contains(word)), "{words:?} are not in {line}");
    }
    let (code, line) = check_config(&folder.path().join("none.toml"));
    assert!(code == 78 && line.contains("none.toml") && line.contains("No such file"), "{line}");
}

#[test]
fn a_good_configuration_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sealcam.toml");
    std::fs::write(&file, "[recording]\nchunk_ms = 250\n").unwrap();
    let path = file.to_str().unwrap();
    let defaults = "good: the built-in defaults (--config FILE checks a file)";
    for (arguments, said) in [
        (vec!["--config", path], format!("good: {path}\n")),
        (vec![], format!("{defaults}\n")),
        (vec!["--set", "video.source=test:"], format!("{defaults}, values overridden with --set: 1\n")),
    ] {
        let mut command = limited(sealcamd());
        command.arg("--check-config").args(arguments);
        assert_eq!(quietly(command), said);
    }
}

fn check_config(file: &PathBuf) -> (i32, String) {
    let mut command = limited(sealcamd());
    command.args(["--check-config", "--config"]).arg(file);
    let ended = finish(command);
    (ended.code, ended.error)
}

#[test]
fn a_folder_that_another_recorder_has() {
    let mut bench = Bench::new(live());
    let daemon = bench.start();
    let ledger = bench.ledger();
    let first = std::mem::replace(&mut bench.bus, Bus::start());
    let (code, line) = bench.refused();
    assert!(code == 1 && line.contains("in use by another recorder"), "{code}: {line}");
    assert!(bench.ledger() == ledger, "the ledger has changed");
    bench.bus = first;
    assert_eq!(daemon.stop(), 0);
    assert_eq!(bench.verify_all().short(), INTACT);
}

#[test]
fn the_evidence_of_another_device() {
    let bench = Bench::new(live());
    assert_eq!(bench.start().stop(), 0);
    let ledger = bench.ledger();
    std::fs::rename(bench.path("place/state"), bench.path("other-state")).unwrap();
    let (code, line) = bench.refused();
    assert!(code == 1 && line.contains("evidence of device") && line.contains("another folder"), "{code}: {line}");
    assert!(bench.ledger() == ledger, "the ledger has changed");
    assert!(!bench.path("place/state").exists(), "a key was made for the evidence of another device");
    std::fs::rename(bench.path("other-state"), bench.path("place/state")).unwrap();
    assert_eq!(bench.start().stop(), 0);
    assert_eq!(bench.verify_all().short(), INTACT);
}

#[test]
fn a_folder_where_the_evidence_should_be_mounted() {
    let bench = Bench::new(live());
    assert_eq!(bench.start().stop(), 0);
    std::fs::rename(bench.evidence(), bench.path("unmounted")).unwrap();
    for is_there in [false, true] {
        if is_there {
            std::fs::create_dir(bench.evidence()).unwrap();
        }
        let (code, line) = bench.refused();
        assert!(code == 1 && line.contains("has no ledger"), "{code}: {line}");
        let left = std::fs::read_dir(bench.evidence()).map(|entries| entries.count()).ok();
        assert_eq!(left, is_there.then_some(0), "the refused start left something behind");
    }
    std::fs::remove_dir(bench.evidence()).unwrap();
    std::fs::rename(bench.path("unmounted"), bench.evidence()).unwrap();
    assert_eq!(bench.start().stop(), 0);
    assert_eq!(bench.verify_all().short(), INTACT);
}

#[test]
fn a_bus_that_has_a_recorder() {
    let first = Bench::new(live());
    let daemon = first.start();
    let mut second = Bench::new(live());
    let own = std::mem::replace(&mut second.bus, Bus::start());
    drop(own);
    second.bus.address.clone_from(&first.bus.address);
    let (code, line) = second.refused();
    assert!(code == 1 && line.contains("org.sealcam.Recorder1"), "{code}: {line}");
    assert!(!second.path("place/evidence").exists() && !second.path("place/state").exists());
    assert_eq!(first.ctl(&["status"]).good()["state"], "standby");
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn a_bus_that_has_another_recorder_leaves_the_evidence_alone() {
    let mut bench = Bench::new(live());
    assert_eq!(bench.start().stop(), 0);
    let (ledger, other) = (bench.ledger(), Bench::new(live()));
    let daemon = other.start();
    let own = std::mem::replace(&mut bench.bus, Bus::start());
    bench.bus.address.clone_from(&other.bus.address);
    assert_eq!(bench.refused().0, 1);
    assert!(bench.ledger() == ledger, "a start that was refused is in the ledger");
    drop(own);
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn no_bus() {
    let mut bench = Bench::new(live());
    bench.bus.end();
    let (code, line) = bench.refused();
    assert_eq!(
        (code, line.matches(&bench.bus.address).count(), line.matches("(os error").count()),
        (1, 1, 1),
        "{line}"
    );
    assert!(!bench.path("place/evidence").exists() && !bench.path("place/state").exists());
    let said = bench.ctl_text(&["status"]);
    assert_eq!((said.code, said.error.trim_end().lines().count()), (20, 1), "{said:?}");
    assert!(said.error.contains("cannot be reached") && said.error.matches("(os error").count() == 1, "{said:?}");
}

#[test]
fn no_recorder_on_the_bus() {
    let bench = Bench::new(live());
    let said = bench.ctl_text(&["start"]);
    assert_eq!((said.code, said.error.trim_end().lines().count()), (20, 1), "{said:?}");
    assert!(said.error.contains("no recorder"), "{said:?}");
}
