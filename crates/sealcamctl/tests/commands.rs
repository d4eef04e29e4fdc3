// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a command that says other than the recorder did, an exit code or a JSON key that scripts rely on, a text in the wrong
//! language. The real program runs against a service on a real private bus.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../bus/tests/common/mod.rs"]
mod common;

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use bus::{BusError, ErrorKind};
use common::{Bench, PrivateBus, ended_session, session_id};
use serde_json::Value;

fn program(address: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealcamctl"));
    command.args(arguments).env("SEALCAM_BUS", address).env("SEALCAM_LANG", "en");
    command
}

async fn finish(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap()
}

/// Runs a command: exit code, standard output, standard error.
async fn run(bench: &Bench, arguments: &[&str]) -> (i32, String, String) {
    parts(finish(program(&bench.bus.address, arguments)).await)
}

fn parts(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

async fn json(bench: &Bench, arguments: &[&str]) -> (i32, Value) {
    let all: Vec<&str> = ["--json"].iter().chain(arguments).copied().collect();
    let (code, out, error) = run(bench, &all).await;
    assert_eq!((out.lines().count(), error.as_str()), (1, ""), "{out}");
    (code, serde_json::from_str(&out).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_from_start_to_show() {
    let bench = Bench::start().await;
    let id = session_id(1).to_string();
    let (code, out, _) = run(&bench, &["start", "--officer", "007", "--media", "video"]).await;
    assert_eq!((code, out), (0, format!("Recording: session {id}\n")));
    for _ in 0..20 {
        bench.control.record_chunk();
    }
    let (code, out, _) = run(&bench, &["photo"]).await;
    assert!(code == 0 && out.contains("/evidence/photo-1.jpg") && out.contains("abababab"), "{out}");
    let (code, stopped, _) = run(&bench, &["stop"]).await;
    assert_eq!(code, 0);
    for line in [
        "Officer          007",
        "Duration         0:00:10.000",
        "Video frames     300",
        "Audio packets    480",
        "Chunks           20",
        "Size             5.00 MB (5000000 bytes)",
        "Signed overhead  12000 bytes (0.240 %)",
        "Folder           /evidence/session-1",
        "File             a_0001.mp4 (chunks: 20, 5000000 bytes)",
        "Photo            photo-1.jpg",
    ] {
        assert!(stopped.contains(&format!("{line}\n")), "{line} in\n{stopped}");
    }
    for session in ["last", &id, &id[..3]] {
        assert_eq!(run(&bench, &["show", session]).await, (0, stopped.clone(), String::new()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_one_document_with_stable_keys() {
    let bench = Bench::with_sessions(vec![ended_session(1)]).await;
    let (code, status) = json(&bench, &["status"]).await;
    assert_eq!((code, &status["state"], &status["counters"]["video_frames"]), (0, &"standby".into(), &300.into()));
    assert_eq!(status["current_session"], Value::Null);
    let (_, shown) = json(&bench, &["show", "last"]).await;
    assert_eq!((&shown["signed_bytes"], &shown["segments"][0]["file"]), (&12_000.into(), &"a_0001.mp4".into()));
    let (_, all) = json(&bench, &["sessions"]).await;
    assert_eq!(all["sessions"][0], shown);
    let (_, devices) = json(&bench, &["devices"]).await;
    assert_eq!(devices["devices"][1]["formats"][0]["rates_hz"][1], 48_000);
    let (code, error) = json(&bench, &["stop"]).await;
    assert_eq!((code, &error["error"]["kind"], &error["error"]["exit_code"]), (11, &"NotRecording".into(), &11.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_error_of_the_recorder_is_one_line_and_its_code() {
    let bench = Bench::start().await;
    for kind in ErrorKind::ALL {
        bench.control.state().failure = Some(BusError::new(*kind, "because"));
        let (code, out, error) = run(&bench, &["start"]).await;
        assert_eq!((code, out.as_str(), error.lines().count()), (i32::from(kind.exit_code()), "", 1), "{error}");
        assert!(error.ends_with(": because\n"), "{error}");
    }
    let (_, out, _) = run(&bench, &["start"]).await;
    let (code, _, error) = run(&bench, &["start"]).await;
    let id = session_id(1);
    assert!(code == 10 && out.contains(&id.to_string()), "{out}");
    assert_eq!(error, format!("sealcamctl: session {id} is being recorded\n"));
    let (code, _, error) = run(&bench, &["start", "--officer", ""]).await;
    assert!(code == 12 && error.contains("1 to 64 characters"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_recorder_and_no_bus_say_what_to_do() {
    let bus = PrivateBus::start();
    let (code, _, error) = parts(finish(program(&bus.address, &["status"])).await);
    assert!(code == 20 && error.lines().count() == 1 && error.contains("systemctl start sealcamd"), "{error}");
    assert!(error.contains("--bus or SEALCAM_BUS: session, or an address"), "{error}");
    let (code, _, error) = parts(finish(program("unix:path=/nonexistent", &["status"])).await);
    assert!(code == 20 && error.lines().count() == 1, "{error}");
    assert!(error.contains("--bus or SEALCAM_BUS: session, or an address"), "{error}");
    for word in ["/nonexistent", "No such file", "os error", "reached"] {
        assert_eq!(error.matches(word).count(), 1, "{word} in {error}");
    }
    let (code, _, error) = parts(finish(program("sytem", &["status"])).await);
    assert!(code == 2 && error.contains("allowed are system, session"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_not_clear_is_refused() {
    let bench = Bench::with_sessions(vec![ended_session(0x10), ended_session(0x11)]).await;
    let (code, _, error) = run(&bench, &["show", "1"]).await;
    assert!(code == 1 && error.contains(&session_id(0x11).to_string()), "{error}");
    let unknown = session_id(9).to_string();
    for wanted in ["ff", "", &unknown] {
        let (code, _, error) = run(&bench, &["show", wanted]).await;
        assert!(code == 1 && error.contains("no session"), "{error}");
    }
    let (_, out, _) = run(&bench, &["sessions"]).await;
    assert_eq!(out.lines().count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn chinese_is_spoken_where_it_is_asked_for() {
    let bench = Bench::start().await;
    let mut command = program(&bench.bus.address, &["status"]);
    command.env_remove("SEALCAM_LANG").env("LC_ALL", "zh_CN.UTF-8");
    let (_, out, _) = parts(finish(command).await);
    assert!(out.contains("状态") && out.contains("待机"), "{out}");
    let mut command = program(&bench.bus.address, &["stop"]);
    command.env("SEALCAM_LANG", "zh");
    let (code, _, error) = parts(finish(command).await);
    assert!(code == 11 && error.contains("当前未录制"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_prints_a_line_for_each_change_until_interrupted() {
    let bench = Bench::start().await;
    let mut child =
        program(&bench.bus.address, &["--json", "status", "--watch"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let mut events = tokio::task::block_in_place(|| vec![next()]);
    let client = bench.client().await;
    client.start(&bus::StartOptions::default()).await.unwrap();
    bench.control.record_chunk();
    client.stop().await.unwrap();
    tokio::task::block_in_place(|| events.extend((0..5).map(|_| next())));
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["status", "session_started", "changed", "chunk_recorded", "session_ended", "changed"]);
    assert_eq!(events[3]["recorded_up_to_ns"], 500_000_000);
    assert_eq!(events[5]["current_session"], Value::Null);
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_completions_are_made_for_all_commands() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    assert_eq!(finish(program("system", &["man", path])).await.status.code(), Some(0));
    for page in ["sealcamctl.1", "sealcamctl-start.1", "sealcamctl-verify.1", "sealcamctl-key-export.1"] {
        assert!(folder.path().join(page).is_file(), "{page}");
    }
    let main = std::fs::read_to_string(folder.path().join("sealcamctl.1")).unwrap();
    assert!(main.contains("AlreadyRecording"), "{main}");
    let verify = std::fs::read_to_string(folder.path().join("sealcamctl-verify.1")).unwrap();
    assert!(verify.contains("verify\\fR [OPTIONS] <PATH>...\n"), "{verify}");
    for page in [main, verify] {
        let (_, environment) = page.split_once(".SH ENVIRONMENT").unwrap();
        assert!(environment.contains("SEALCAM_BUS") && environment.contains("SEALCAM_LANG"), "{page}");
        assert!(!page.contains(".SH EXTRA"), "{page}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let (code, out, _) = parts(finish(program("system", &["completions", shell])).await);
        assert!(code == 0 && out.contains("devices"), "{shell}");
    }
    let (code, _, error) = parts(finish(program("system", &["man", "/proc/none/pages"])).await);
    assert!(code == 1 && error.lines().count() == 1 && error.contains("/proc/none/pages"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_in_the_units_of_the_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.mp4");
    std::fs::write(&file, vec![0; 1_000_000]).unwrap();
    // `script` gives it a terminal to draw on.
    let mut command = Command::new("script");
    let verify = format!("{} verify {}", env!("CARGO_BIN_EXE_sealcamctl"), file.display());
    command
        .args(["--quiet", "--return", "--command", &verify, "/dev/null"])
        .env("SEALCAM_LANG", "en")
        .env("TERM", "xterm");
    let (code, out, _) = parts(finish(command).await);
    assert!(code == 6 && out.contains("/1.00 MB ") && out.contains("chunks: 0, 1.00 MB"), "{out}");
    assert!(!out.contains("iB"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_key_history_is_told_and_how_to_make_one() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("segment.mp4");
    std::fs::write(&film, b"\0\0\0\x1cftypiso6\0\0\0\0").unwrap();
    let film = film.display().to_string();
    for key in [film.as_str(), "/dev/null", "/dev/zero"] {
        let (code, out, error) = parts(finish(program("system", &["verify", &film, "--key", key])).await);
        assert_eq!((code, out.as_str()), (1, ""));
        let said = format!("sealcamctl: {key}: this is no key history: `sealcamctl key export FILE` makes one\n");
        assert_eq!(error, said);
    }
    let mut command = program("system", &["verify", &film, "--key", &film]);
    command.env("SEALCAM_LANG", "zh");
    let (_, _, error) = parts(finish(command).await);
    assert!(error.contains("不是公钥历史") && error.contains("key export"), "{error}");
}
