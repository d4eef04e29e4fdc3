// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a source that cannot be opened hangs, starts half, or fails with a message
//! that names neither the device nor the remedy.

#![allow(clippy::panic)]

mod support;

use std::path::Path;
use std::sync::Arc;

use media::{Capture, Event, MediaError, Pace, Settings};
use support::{ffmpeg, fixture, replay, settings};

fn error(settings: &Settings) -> MediaError {
    let silent = |event: Event| panic!("{event:?} though start failed");
    match Capture::start(settings, Arc::new(silent)) {
        Ok(_) => panic!("it started"),
        Err(error) => error,
    }
}

fn check(settings: &Settings, fits: fn(&MediaError) -> bool, words: &[&str]) {
    let error = error(settings);
    let text = error.to_string();
    assert!(fits(&error), "{error:?}");
    assert!(words.iter().all(|word| text.contains(word)), "{text}");
    assert!(!text.contains('\n'), "{text}");
}

fn video(source: &str) -> Settings {
    settings(Some(source), None, Pace::Fast, false)
}

fn audio(source: &str) -> Settings {
    settings(None, Some(source), Pace::Fast, false)
}

#[test]
fn missing_devices() {
    let missing = |error: &MediaError| matches!(error, MediaError::Missing { .. });
    check(&video("v4l2:/dev/video9"), missing, &["/dev/video9", "plug it in"]);
    check(&audio("alsa:hw:7"), missing, &["hw:7", "plug it in"]);
}

#[test]
fn files_that_cannot_be_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let unreadable = |error: &MediaError| matches!(error, MediaError::Unreadable { .. });
    check(&video("replay:/nowhere/a.mp4"), unreadable, &["/nowhere/a.mp4", "No such file"]);
    check(&video(&replay(dir.path())), unreadable, &["not a file"]);
    let not_mp4 = |error: &MediaError| matches!(error, MediaError::NotMp4 { .. });
    let text = dir.path().join("text.mp4");
    std::fs::write(&text, "This is no film, however long one looks at it.\n".repeat(99)).unwrap();
    check(&video(&replay(&text)), not_mp4, &["text.mp4", "is no MP4"]);
    let cut = dir.path().join("cut.mp4");
    std::fs::write(&cut, &std::fs::read(fixture()).unwrap()[..100_000]).unwrap();
    check(&video(&replay(&cut)), not_mp4, &["cut.mp4", "a damaged one"]);
    let empty = dir.path().join("empty.mp4");
    std::fs::write(&empty, "").unwrap();
    check(&video(&replay(&empty)), not_mp4, &["empty.mp4", "is no MP4"]);
}

#[test]
fn other_codecs_and_missing_tracks() {
    let dir = tempfile::tempdir().unwrap();
    let unsupported = |error: &MediaError| matches!(error, MediaError::Unsupported { .. });
    let make = |coding: &str, name: &str| {
        let file = dir.path().join(name);
        ffmpeg(coding, &file);
        file
    };
    let other = make("-f lavfi -i testsrc2=s=160x120:r=10 -t 1 -c:v mpeg4", "other.mp4");
    check(&video(&replay(&other)), unsupported, &["other.mp4", "H.264"]);
    let silent = make("-f lavfi -i testsrc2=s=160x120:r=10 -t 1 -c:v libx264", "silent.mp4");
    let source = replay(&silent);
    let both = settings(Some(&source), Some(&source), Pace::Fast, false);
    check(&both, unsupported, &["silent.mp4", "no audio"]);
}

#[test]
fn wrong_kinds_patterns_and_encoders() {
    let unsupported = |error: &MediaError| matches!(error, MediaError::Unsupported { .. });
    check(&video("alsa:hw:0"), unsupported, &["hw:0", "no picture"]);
    check(&audio("v4l2:/dev/video0"), unsupported, &["/dev/video0", "no sound"]);
    check(&video("test:nonsense"), unsupported, &["test:nonsense", "smpte", "ball"]);
    check(&audio("test:nonsense"), unsupported, &["test:nonsense", "sine"]);
    let mut strange = video("test:");
    strange.video.as_mut().unwrap().encoders = vec!["magicenc".to_owned()];
    let none = |error: &MediaError| matches!(error, MediaError::NoEncoder { .. });
    check(&strange, none, &["magicenc"]);
}

#[test]
fn a_rate_that_no_encoder_takes_is_said_in_one_readable_line() {
    let mut odd = audio("test:");
    odd.audio.as_mut().unwrap().rate_hz = 12_345;
    let text = error(&odd).to_string();
    assert!(text.len() < 400 && !text.contains(" ! ") && !text.contains('\n'), "{} bytes: {text}", text.len());
    assert!(text.starts_with("no working audio encoder; tried fdkaacenc"), "{text}");
}

#[test]
fn a_good_source_is_closed_again_when_the_other_fails() {
    let both = settings(Some("test:"), Some("replay:/nowhere/a.mp4"), Pace::Real, false);
    assert!(matches!(error(&both), MediaError::Unreadable { .. }));
    assert!(Path::new(&fixture()).exists());
}
