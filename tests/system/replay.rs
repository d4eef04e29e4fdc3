// SPDX-License-Identifier: MIT OR Apache-2.0
//! Footage goes through unchanged, over many rolls.
//!
//! What could break: a roll that loses, repeats or re-encodes a frame or a packet (the counts or the packets' hashes
//! differ from the footage), a segment that leans on the one before (a player finds no key frame, or begins late), counters
//! that are not what was stored, a segment that only proves itself beside the others.

use crate::support::bench::{Bench, INTACT};
use crate::support::footage::{FIXTURE_FRAMES, FIXTURE_PACKETS, fixture, footage, replay};
use crate::support::mp4;
use crate::support::probe::{self, Packets};
use serde_json::Value;

/// Records footage as fast as it goes, to its end; gives the session.
fn record_to_end(bench: &Bench) -> Value {
    let daemon = bench.start();
    let mut watch = bench.watch();
    let started = bench.ctl(&["start", "--officer", "4711"]).good();
    assert_eq!(watch.until_ended(), "source-ended");
    let session = bench.last();
    assert_eq!((&session["id"], &session["cause"]), (&started["session"], &"source-ended".into()));
    assert_eq!(daemon.stop(), 0);
    session
}

#[test]
fn every_frame_and_packet_of_the_footage_is_in_the_segments_once_and_unchanged() {
    let bench = Bench::new(replay(&fixture())).with(&["replay.pace=fast", "evidence.segment_s=1"]);
    let session = record_to_end(&bench);
    let segments = bench.segments(&session);
    assert!(segments.len() > 20, "only {} segments", segments.len());

    let counts = segments.iter().map(|file| probe::counts(file));
    let counts = counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert_eq!(counts, (FIXTURE_FRAMES, FIXTURE_PACKETS));
    assert_eq!(session["video_frames"], FIXTURE_FRAMES);
    assert_eq!(session["audio_packets"], FIXTURE_PACKETS);
    assert!(Packets::of(&segments) == Packets::of([&fixture()]), "the packets are not those of the footage, in order");

    for file in &segments {
        let start = probe::start_time(file);
        assert!((0.0..0.1).contains(&start), "{} begins at {start} s", file.display());
        probe::assert_decodes(file);
    }
    probe::assert_gstreamer_plays(&segments);

    let verdict = bench.verify_all();
    assert_eq!(verdict.short(), INTACT, "{}", verdict.report);
    assert_eq!((verdict.total("video_frames"), verdict.total("audio_packets")), counts);
    assert_eq!(verdict.total("segments"), segments.len() as u64);

    let alone = bench.path("taken-away.mp4");
    std::fs::copy(&segments[7], &alone).unwrap();
    assert_eq!(bench.verify(&alone).short(), INTACT);

    bench.assert_invariants();
    let evidence = bench.evidence();
    std::fs::remove_file(evidence.join("index.sqlite")).unwrap();
    bench.ctl(&["reindex", "--evidence", evidence.to_str().unwrap()]).good();
    bench.assert_invariants();
    let daemon = bench.start();
    assert_eq!(bench.last(), session, "the rebuilt index tells another story");
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn chunks_stay_short_where_key_frames_are_ten_seconds_apart() {
    let file = footage("gop10s.mp4");
    let bench = Bench::new(replay(&file)).with(&["replay.pace=fast", "evidence.segment_s=5"]);
    let session = record_to_end(&bench);
    let segments = bench.segments(&session);
    assert_eq!(segments.len(), 6, "a segment begins at each key frame");
    for run in segments.iter().flat_map(|file| mp4::runs(file)) {
        assert!(run.duration_ns() <= 1_000_000_000, "a chunk lasts {} ns", run.duration_ns());
    }
    assert!(Packets::of(&segments) == Packets::of([&file]));
    assert_eq!(bench.verify_all().short(), INTACT);
    bench.assert_invariants();
}
