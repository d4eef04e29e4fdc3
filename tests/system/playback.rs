// SPDX-License-Identifier: MIT OR Apache-2.0
//! A segment plays where people look at it: in a browser.
//!
//! What could break: a fragmented MP4 that ffmpeg forgives and Chromium does not (an error on the page, a duration that is
//! not known, a picture that never moves).

use crate::support::bench::Bench;
use crate::support::footage::{FIXTURE_SIZE, fixture, replay};
use crate::support::process::{PATIENCE, Running, tied};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::channel;

const PAGE: &str = r#"<!DOCTYPE html><video id="v" autoplay muted></video><script>
const v = document.getElementById("v");
const say = (word, more) => console.log("segment " + word + " " + [v.videoWidth, v.videoHeight, ...more].join(" "));
v.addEventListener("error", () => say("failed", [v.error.code, v.error.message]));
v.addEventListener("timeupdate", () => { if (v.currentTime > 1) { v.pause(); say("played", [v.duration]); } });
v.src = "FILE";
</script>"#;

fn chromium(page: &Path, profile: &Path) -> Child {
    let mut command = tied("chromium");
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio"]);
    command.args(["--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required"]);
    command.args(["--enable-logging=stderr", "--v=0", "--remote-debugging-port=0"]);
    command.arg(format!("--user-data-dir={}", profile.display())).arg(format!("file://{}", page.display()));
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// What the page says first.
fn shown(page: &Path, profile: &Path) -> String {
    let mut child = chromium(page, profile);
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let (sender, said) = channel();
    std::thread::spawn(move || {
        // Read to the end: a browser whose log nobody reads stops.
        for line in lines.map_while(Result::ok) {
            if let Some(at) = line.find("\"segment ") {
                let _ = sender.send(line[at + 1..].split('"').next().unwrap_or_default().to_owned());
            }
        }
    });
    let mut browser = Running::new(child);
    let said = said.recv_timeout(PATIENCE).unwrap_or_else(|_| "nothing".into());
    // Asked first, so that its helpers end with it.
    browser.signal(rustix::process::Signal::TERM);
    let _ = browser.exit_within(PATIENCE);
    said
}

#[test]
fn a_segment_plays_in_chromium() {
    let bench = Bench::new(replay(&fixture())).with(&["replay.pace=fast", "evidence.segment_s=5"]);
    let daemon = bench.start();
    let mut watch = bench.watch();
    bench.ctl(&["start"]).good();
    watch.until_ended();
    let segments = bench.segments(&bench.last());
    assert_eq!(daemon.stop(), 0);
    let page = bench.path("page.html");
    std::fs::write(&page, PAGE.replace("FILE", &format!("file://{}", segments[2].display()))).unwrap();
    let said = shown(&page, &bench.path("chromium"));
    let words: Vec<_> = said.split(' ').collect();
    let (width, height) = FIXTURE_SIZE;
    assert_eq!(words[1..4], ["played", &width.to_string(), &height.to_string()], "{said}");
    let duration_s: f64 = words[4].parse().unwrap();
    assert!((4.9..5.2).contains(&duration_s), "{said}");
}
