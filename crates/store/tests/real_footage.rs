// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a roll loses or repeats a frame or a packet, or a segment that no player can open by itself. Shown on
//! a real recording, counted and decoded by ffmpeg.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::footage::Footage;
use common::{Device, Recording, close, files, sessions, verdict};
use evidence::mp4::{Fragment, Init, boxes};
use evidence::record::Medium;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

fn run(program: &str, before: &[&str], path: &Path, after: &[&str]) -> String {
    let done = Command::new(program).args(before).arg(path).args(after).output().unwrap();
    let error = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && error.is_empty(), "{program} {}: {error}", path.display());
    String::from_utf8(done.stdout).unwrap()
}

/// The fixture as fragments of about half a second.
fn fragmented(folder: &Path) -> (Arc<[u8]>, Vec<Vec<u8>>) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/street-34s.mp4");
    let path = folder.join("fragmented.mp4");
    let flags = ["-c", "copy", "-movflags", "frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "500000"];
    run("ffmpeg", &["-v", "error", "-i"], &fixture, &[&flags, [path.to_str().unwrap()].as_slice()].concat());
    split(&std::fs::read(path).unwrap())
}

fn split(bytes: &[u8]) -> (Arc<[u8]>, Vec<Vec<u8>>) {
    let (mut init, mut fragments) = (Vec::new(), Vec::<Vec<u8>>::new());
    for found in boxes(bytes, 0).unwrap() {
        let whole = &bytes[found.content_offset - 8..found.content_offset + found.content.len()];
        match &found.name {
            b"ftyp" | b"moov" => init.extend_from_slice(whole),
            b"moof" => fragments.push(whole.to_vec()),
            b"mdat" => fragments.last_mut().unwrap().extend_from_slice(whole),
            _ => {}
        }
    }
    (init.into(), fragments)
}

/// Records the fragments with a segment every few seconds; gives the segments and what went in.
fn record(device: &Device, init: &Arc<[u8]>, fragments: &[Vec<u8>]) -> (Vec<PathBuf>, [u64; 2]) {
    let evidence = device.open();
    let mut writer = device.begin(&evidence, &Recording::new(Footage::BOTH, 0, 8));
    let mut fed = [0, 0];
    for fragment in fragments {
        for run in Fragment::parse(fragment, &Init::parse(init).unwrap()).unwrap().runs {
            fed[usize::from(run.medium == Medium::Audio)] += run.samples;
        }
        writer.append(init, fragment.clone()).unwrap();
    }
    writer.finish("source-ended", None).unwrap();
    close(evidence);
    (files(&sessions(device.evidence())[0], "mp4"), fed)
}

fn packets(path: &Path, stream: &str) -> u64 {
    let count = ["-v", "error", "-count_packets", "-select_streams", stream];
    let show = ["-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"];
    run("ffprobe", &[count.as_slice(), &show].concat(), path, &[]).trim().trim_end_matches(',').parse().unwrap()
}

fn begins_at(path: &Path, stream: &str) -> f64 {
    let show = ["-v", "error", "-select_streams", stream, "-show_entries", "packet=pts_time", "-of", "csv=p=0"];
    let text = run("ffprobe", &[show.as_slice(), &["-read_intervals", "%+#1"]].concat(), path, &[]);
    text.lines().next().unwrap().trim_end_matches(',').parse().unwrap()
}

#[test]
fn every_frame_and_packet_is_there_once_over_many_rolls_and_each_file_plays_alone() {
    let device = Device::new();
    let (init, fragments) = fragmented(device.evidence().parent().unwrap());
    let (segments, fed) = record(&device, &init, &fragments);
    assert!(segments.len() > 5, "{} segments", segments.len());
    assert_eq!(fed, [340, 1595]);
    let sum = |stream: &str| segments.iter().map(|path| packets(path, stream)).sum::<u64>();
    assert_eq!([sum("v"), sum("a")], fed);
    for path in &segments {
        assert!(begins_at(path, "v") < 0.3 && begins_at(path, "a") < 0.3, "{}", path.display());
        run("ffmpeg", &["-v", "error", "-i"], path, &["-f", "null", "-"]);
    }
    let report = verdict::report(device.evidence(), Some(&device.history()));
    assert_eq!((verdict::overall(&report), verdict::trust(&report)), ("intact", "trusted"), "{:?}", report.findings);
    assert_eq!([report.totals.video_frames, report.totals.audio_packets], fed);
}
