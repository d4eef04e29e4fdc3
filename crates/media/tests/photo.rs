// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a photo that is no JPEG, has the wrong size, is not the current picture, or
//! disturbs the recording it is taken from.

#![allow(clippy::unwrap_used)]

mod support;

use std::process::Command;
use std::time::{Duration, Instant};

use media::{Event, Medium, Pace};
use support::{
    NO_RING, TEST_LIMIT, boot_ns, ffmpeg, fixture, open_all, record, replay, ring_of, settings, studio, wait_until,
};

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
    let (studio, _notices) = studio(NO_RING);
    let source = replay(&fixture());
    let jpeg = studio.take_photo(&settings(Some(&source), None, Pace::Fast, false)).unwrap();
    assert_eq!(size(&jpeg), "mjpeg,768,576,1");
    let began = Instant::now();
    let wanted = settings(Some("test:"), Some("test:"), Pace::Fast, false);
    assert_eq!(size(&studio.take_photo(&wanted).unwrap()), "mjpeg,320,180,1");
    assert!(began.elapsed() > Duration::from_millis(800), "a camera settles first");
    assert!(!studio.is_up(Medium::Video) && !studio.is_up(Medium::Audio), "it is closed again");
}

#[test]
fn of_a_camera_that_is_open_it_is_taken_at_once() {
    let (studio, _notices) = studio(NO_RING);
    let wanted = settings(Some("test:"), None, Pace::Real, false);
    studio.open(Medium::Video, &wanted).unwrap();
    assert_eq!(size(&studio.take_photo(&wanted).unwrap()), "mjpeg,320,180,1");
    assert!(studio.is_up(Medium::Video), "it stays open");
}

#[test]
fn what_a_photo_saw_is_in_no_recording() {
    let (studio, _notices) = studio(ring_of(60));
    let wanted = settings(Some("test:"), None, Pace::Real, false);
    studio.take_photo(&wanted).unwrap();
    let between_ns = boot_ns();
    studio.open(Medium::Video, &wanted).unwrap();
    let (recording, _events) = record(&studio, &wanted);
    assert!(recording.zero_ns() >= between_ns);
}

#[test]
fn during_a_recording_which_goes_on() {
    let source = replay(&fixture());
    let wanted = settings(Some(&source), Some(&source), Pace::Real, false);
    let (studio, _notices) = studio(NO_RING);
    open_all(&studio, &wanted).unwrap();
    let (recording, events) = record(&studio, &wanted);
    wait_until(&recording, |count| count.video.muxed >= 3);
    let early = studio.photo().unwrap();
    wait_until(&recording, |count| count.video.muxed >= 18);
    let late = studio.photo().unwrap();
    recording.end();
    assert_eq!((size(&early), size(&late)), (size(&early), "mjpeg,768,576,1".to_owned()));
    assert_ne!(early, late);
    let events: Vec<Event> = events.try_iter().collect();
    assert!(matches!(events.last(), Some(Event::Finished)));
    assert!(!events.iter().any(|event| matches!(event, Event::Lost { .. })));
}

#[test]
fn without_a_picture_there_is_no_photo() {
    let (studio, _notices) = studio(NO_RING);
    open_all(&studio, &settings(None, Some("test:"), Pace::Real, false)).unwrap();
    let text = studio.photo().unwrap_err().to_string();
    assert!(text.contains("no picture"), "{text}");
}

#[test]
fn behind_the_end_of_the_picture_there_is_no_photo() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("short.mp4");
    ffmpeg("-f lavfi -t 1 -i testsrc2=s=160x120:r=25 -f lavfi -t 20 -i sine=r=48000 -c:v libx264 -c:a aac", &file);
    let source = replay(&file);
    let wanted = settings(Some(&source), Some(&source), Pace::Real, false);
    let (studio, _notices) = studio(NO_RING);
    open_all(&studio, &wanted).unwrap();
    let (recording, events) = record(&studio, &wanted);
    wait_until(&recording, |count| count.video.muxed > 0);
    studio.photo().unwrap();
    while !matches!(events.recv_timeout(TEST_LIMIT).unwrap(), Event::Ended { medium: Medium::Video }) {}
    let text = studio.photo().unwrap_err().to_string();
    assert!(text.contains("no picture is being captured"), "{text}");
}
