// SPDX-License-Identifier: MIT OR Apache-2.0
//! The independent verifier agrees.
//!
//! What could break: the recorder and `docs/format.md` drift apart. The verifier in `tests/verifier`, written from that page
//! alone, then judges real recordings or tampered copies of them otherwise than `sealcamctl verify` does.

use crate::support::bench::Bench;
use crate::support::footage::{fixture, replay};
use crate::support::process::{finish, tied};
use crate::support::programs::{root, sealcamctl};
use rustix::process::Signal;

/// Thousands of copies are judged, each by both and several ways.
const CASES_AT_LEAST: u32 = 1000;

#[test]
fn two_verifiers_agree_on_a_real_recording_and_on_tampered_copies() {
    let settings = ["replay.repeat=true", "recording.chunk_ms=250", "evidence.segment_s=1"];
    let bench = Bench::new(replay(&fixture())).with(&settings);
    let mut daemon = bench.start();
    bench.ctl(&["photo"]).good();
    for media in ["video+audio", "audio"] {
        let mut watch = bench.watch();
        bench.ctl(&["start", "--media", media]).good();
        // Not at the beginning: it would be the same picture as the first photo.
        watch.until_chunk(3);
        if media == "video+audio" {
            bench.ctl(&["photo"]).good();
        }
        watch.until_chunk(5);
        bench.ctl(&["stop"]).good();
    }
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    watch.until_chunk(2);
    daemon.signal(Signal::KILL);
    daemon.exit();
    assert_eq!(bench.start().stop(), 0);

    let mut agree = tied("/usr/bin/python3");
    agree.arg(root().join("tests/verifier/agree.py")).arg(sealcamctl()).arg(bench.evidence()).arg(bench.keys());
    agree.args(["--flips", "4"]);
    let ended = finish(agree);
    assert_eq!(ended.code, 0, "{}\n{}", ended.out, ended.error);
    let passed = ended.out.lines().find_map(|line| line.strip_suffix(" passed, 0 failed"));
    let passed: u32 = passed.unwrap_or_else(|| panic!("{}", ended.out)).parse().unwrap();
    assert!(passed >= CASES_AT_LEAST, "only {passed} cases");
}
