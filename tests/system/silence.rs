// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sources that stop giving anything and say nothing.
//!
//! What could break: nobody notices (the recording seems to go on, and its verdict is "intact"), or the silence of one source
//! takes the other with it; a hole in footage is covered by its last picture.

use crate::support::bench::{Bench, WITH_GAPS};
use crate::support::footage::{live, replay, silent_card};
use crate::support::process::quietly;
use std::process::Command;

#[test]
fn a_card_that_hangs_is_on_record_and_the_pictures_go_on() {
    let bench = Bench::new(live()).with(&["audio.source=alsa:paced"]);
    let card = silent_card(&bench.path("plugged"));
    let bench = bench.with_environment(card);
    let daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    watch.until_chunk(2);
    std::fs::remove_file(bench.path("plugged")).unwrap();
    let before = watch.chunks().len() as u64;
    watch.until_chunk(before + 10);
    let session = bench.ctl(&["stop"]).good();
    assert_eq!(session["cause"], "stop");
    assert_eq!(daemon.stop(), 0);
    let verdict = bench.verify_all();
    assert_eq!(verdict.short(), WITH_GAPS, "{}", verdict.report);
    let gaps = verdict.report["gaps"].to_string();
    assert!(gaps.contains("paced: no packet for 2 s") && !gaps.contains("video"), "{gaps}");
    bench.assert_invariants();
}

#[test]
fn a_hole_in_the_picture_is_a_gap() {
    let bench = Bench::new(["recording.media=video", "replay.pace=fast", "replay.repeat=false"]);
    let file = bench.path("hole.mp4");
    let mut make = Command::new("ffmpeg");
    make.args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=160x120:r=30", "-frames:v", "120"]);
    make.args([
        "-vf",
        "setpts=PTS+gte(N\\,60)*5/TB",
        "-vsync",
        "passthrough",
        "-c:v",
        "libx264",
        "-bf",
        "0",
        "-g",
        "30",
    ])
    .arg(&file);
    quietly(make);
    let bench = bench.with(&replay(&file).iter().map(String::as_str).collect::<Vec<_>>());
    let daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    assert_eq!(watch.until_ended(), "source-ended");
    assert_eq!(daemon.stop(), 0);
    let verdict = bench.verify_all();
    assert_eq!(verdict.short(), WITH_GAPS, "{}", verdict.report);
    let gaps = verdict.report["gaps"].as_array().unwrap();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(gaps[0]["recorded"], false, "nothing on record says why: {gaps:?}");
    let bounds = ["from_ns", "to_ns"].map(|bound| gaps[0][bound].as_u64().unwrap());
    assert_eq!(bounds, [2_000_000_000, 7_000_000_000]);
    bench.assert_invariants();
}
