// SPDX-License-Identifier: MIT OR Apache-2.0
//! Live sources, encoded on the way.
//!
//! What could break: tracks that end at different times (their lengths differ by more than a chunk), a chunk longer than
//! a second, an encoder whose stream no player takes (ffmpeg complains), the choice of media (a track too many or too few).

use crate::support::bench::{Bench, INTACT};
use crate::support::footage::live;
use crate::support::mp4::{Medium, Run, runs_of};
use crate::support::probe;
use serde_json::Value;

const CHUNK_NS: u64 = 500_000_000;
const LENGTH_NS: u64 = 3_000_000_000;

/// Records about three seconds; gives the session. Everything that holds for any recording is asserted.
fn record(bench: &Bench, media: &str) -> Value {
    let daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start", "--media", media]).good();
    watch.until("chunk_recorded", |event| event["recorded_up_to_ns"].as_u64().unwrap() >= LENGTH_NS);
    let session = bench.ctl(&["stop"]).good();
    assert_eq!(daemon.stop(), 0);
    assert_eq!(session["cause"], "stop");
    assert_eq!(bench.verify_all().short(), INTACT);
    bench.assert_invariants();
    for file in bench.segments(&session) {
        probe::assert_decodes(&file);
        let counts = probe::counts(&file);
        assert_eq!((&session["video_frames"], &session["audio_packets"]), (&counts.0.into(), &counts.1.into()));
    }
    session
}

/// The length of a track; every chunk of it is short.
fn length_ns(bench: &Bench, session: &Value, medium: Medium) -> u64 {
    let runs: Vec<Run> = bench.segments(session).iter().flat_map(|file| runs_of(file, medium)).collect();
    assert!(runs.iter().all(|run| run.duration_ns() <= 1_000_000_000), "{runs:?}");
    runs.iter().map(Run::duration_ns).sum()
}

#[test]
fn pictures_and_sound_end_together() {
    for encoder in ["x264enc", "openh264enc"] {
        let encoders = format!(r#"video.encoders=["{encoder}"]"#);
        let bench = Bench::new(live()).with(&[&encoders]);
        let session = record(&bench, "video+audio");
        let (video, audio) = (length_ns(&bench, &session, Medium::Video), length_ns(&bench, &session, Medium::Audio));
        assert!(video >= LENGTH_NS - CHUNK_NS, "{encoder}: {video} ns of pictures");
        assert!(video.abs_diff(audio) <= CHUNK_NS, "{encoder}: {video} ns of pictures, {audio} ns of sound");
    }
}

#[test]
fn pictures_alone() {
    let bench = Bench::new(live());
    let session = record(&bench, "video");
    assert_eq!(session["audio_packets"], 0);
    assert!(length_ns(&bench, &session, Medium::Video) >= LENGTH_NS - CHUNK_NS);
}

#[test]
fn sound_alone() {
    let bench = Bench::new(live());
    let session = record(&bench, "audio");
    assert_eq!(session["video_frames"], 0);
    assert!(length_ns(&bench, &session, Medium::Audio) >= LENGTH_NS - CHUNK_NS);
}
