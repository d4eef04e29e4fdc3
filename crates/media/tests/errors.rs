// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a source that cannot be opened hangs, starts half, or fails with a message
//! that names neither the device nor the remedy.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::Arc;

use media::{MediaError, Medium, Pace, Settings};
use support::{NO_RING, ffmpeg, fixture, open_all, replay, settings, studio, wanted};

fn error(settings: &Settings) -> MediaError {
    let (studio, notices) = studio(NO_RING);
    let error = open_all(&studio, settings).expect_err("it opened");
    let failed = *wanted(settings).last().unwrap();
    assert!(!studio.is_up(failed));
    drop(studio);
    assert_eq!(notices.iter().collect::<Vec<_>>(), [], "whoever opens is told, and nobody else");
    error
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
fn a_good_source_stays_open_when_the_other_fails() {
    let (studio, _notices) = studio(NO_RING);
    let both = settings(Some("test:"), Some("replay:/nowhere/a.mp4"), Pace::Real, false);
    assert!(matches!(open_all(&studio, &both), Err(MediaError::Unreadable { .. })));
    assert!(studio.is_up(Medium::Video) && !studio.is_up(Medium::Audio));
    studio.photo().unwrap();
}

#[test]
fn a_recording_is_refused_where_a_source_is_not_open_or_another_runs() {
    let (studio, _notices) = studio(NO_RING);
    let both = settings(Some("test:"), Some("test:"), Pace::Real, false);
    studio.open(Medium::Video, &both).unwrap();
    let refused =
        |media: &[Medium]| studio.record(media, &[], &both, Arc::new(|_| ())).err().map(|error| error.to_string());
    assert_eq!(refused(&wanted(&both)), Some("audio: no source is open; it failed or was not opened".to_owned()));
    assert_eq!(refused(&[]), Some("recording: neither video nor audio is wanted".to_owned()));
    let recording = studio.record(&[Medium::Video], &[], &both, Arc::new(|_| ())).unwrap();
    assert_eq!(refused(&[Medium::Video]), Some("recording: another recording has not ended".to_owned()));
    recording.end();
    assert_eq!(refused(&[Medium::Video]), None);
}
