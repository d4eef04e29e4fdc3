// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a photo that is no JPEG, has the wrong size, is not the current picture, or
//! disturbs the recording it is taken from.

#![allow(clippy::unwrap_used)]

mod support;

use std::process::Command;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use media::{Capture, Event, Medium, Pace, take_photo};
use support::{TEST_LIMIT, ffmpeg, fixture, replay, settings, wait_until};

/// Decodes the picture and returns its size.
fn size(jpeg: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("photo.jpg");
    std::fs::write(&file, jpeg).unwrap();
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-count_frames"])
        .args(["-show_entries", "stream=codec_name,width,height,nb_read_frames", "-of", "csv=p=0"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn outside_a_recording() {
    let source = replay(&fixture());
    let jpeg = take_photo(&settings(Some(&source), None, Pace::Fast, false)).unwrap();
    assert_eq!(size(&jpeg), "mjpeg,768,576,1");
    let jpeg = take_photo(&settings(Some("test:"), Some("test:"), Pace::Fast, false)).unwrap();
    assert_eq!(size(&jpeg), "mjpeg,320,180,1");
}

#[test]
fn during_a_recording_which_goes_on() {
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let store = move |event: Event| seen.lock().unwrap().push(event);
    let source = replay(&fixture());
    let wanted = settings(Some(&source), Some(&source), Pace::Real, false);
    let capture = Capture::start(&wanted, Arc::new(store)).unwrap();
    wait_until(&capture, |count| count.video.muxed >= 3);
    let early = capture.photo().unwrap();
    wait_until(&capture, |count| count.video.muxed >= 18);
    let late = capture.photo().unwrap();
    capture.stop();
    assert_eq!((size(&early), size(&late)), (size(&early), "mjpeg,768,576,1".to_owned()));
    assert_ne!(early, late);
    let events = events.lock().unwrap();
    assert!(matches!(events.last(), Some(Event::Finished)));
    assert!(!events.iter().any(|event| matches!(event, Event::Lost { .. })));
}

#[test]
fn without_a_picture_there_is_no_photo() {
    let sound = settings(None, Some("test:"), Pace::Real, false);
    let capture = Capture::start(&sound, Arc::new(|_| {})).unwrap();
    let text = capture.photo().unwrap_err().to_string();
    assert!(text.contains("no picture"), "{text}");
}

#[test]
fn behind_the_end_of_the_picture_there_is_no_photo() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("short.mp4");
    ffmpeg("-f lavfi -t 1 -i testsrc2=s=160x120:r=25 -f lavfi -t 20 -i sine=r=48000 -c:v libx264 -c:a aac", &file);
    let (sender, events) = channel();
    let sender = Mutex::new(sender);
    let source = replay(&file);
    let wanted = settings(Some(&source), Some(&source), Pace::Real, false);
    // The receiver may be gone at the end.
    let send = move |event| sender.lock().unwrap().send(event).unwrap_or_default();
    let capture = Capture::start(&wanted, Arc::new(send)).unwrap();
    capture.photo().unwrap();
    while !matches!(events.recv_timeout(TEST_LIMIT).unwrap(), Event::Ended { medium: Medium::Video }) {}
    let text = capture.photo().unwrap_err().to_string();
    assert!(text.contains("no picture is being captured"), "{text}");
}
