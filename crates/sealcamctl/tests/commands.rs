// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a command that says other than the recorder did, an exit code or a JSON key that scripts rely on, a text in the wrong
//! language. The real program runs against a service on a real private bus.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../bus/tests/common/mod.rs"]
mod common;

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use bus::{BusError, ErrorKind, SessionInfo};
use common::{Bench, PrivateBus, alarm, ended_interruption, ended_session, interruption, interruption_id, session_id};
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
    for page in [
        "sealcamctl.1",
        "sealcamctl-start.1",
        "sealcamctl-verify.1",
        "sealcamctl-timeline.1",
        "sealcamctl-key-export.1",
    ] {
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
        assert!(code == 0 && ["devices", "timeline", "explain"].iter().all(|word| out.contains(word)), "{shell}");
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

/// A recorder with a session that has three interruptions, one of which an officer explained, and one that goes on with it.
async fn interrupted() -> Bench {
    let later = SessionInfo { continues: Some(session_id(1)), ..ended_session(2) };
    let bench = Bench::with_sessions(vec![ended_session(1), later]).await;
    bench.control.state().interruptions = vec![
        ended_interruption(0x10, session_id(1)),
        interruption(0x11, session_id(1)),
        interruption(0x20, session_id(2)),
    ];
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn interruptions_are_told_with_cause_and_length() {
    let bench = interrupted().await;
    let (code, out, _) = run(&bench, &["interruptions"]).await;
    let rows: Vec<&str> = out.lines().collect();
    assert_eq!((code, rows.len()), (0, 4), "{out}");
    assert!(rows[0].starts_with("Interruption") && rows[0].contains("Session   Began"), "{out}");
    let began = "01010101  2026-09-21 14:13:24 UTC";
    assert_eq!(
        rows[1],
        format!(
            "{}  {began}  0:01:30.000  video, sound  power cut: no frame for 2 s | 007: other cause: The fuse.",
            interruption_id(0x10)
        )
    );
    assert_eq!(
        rows[2],
        format!("{}  {began}  not over     video         camera failed: no frame for 2 s", interruption_id(0x11))
    );
    let (_, out, _) = run(&bench, &["interruptions", "--session", "02"]).await;
    assert!(out.lines().count() == 2 && out.contains(&interruption_id(0x20).to_string()), "{out}");
    let (_, all) = json(&bench, &["interruptions", "--session", "last"]).await;
    assert_eq!(all["interruptions"][0]["from"]["utc_ns"], 1_790_000_004_000_000_000_i64);
    assert_eq!((&all["interruptions"][0]["to"], &all["interruptions"][0]["told"]), (&Value::Null, &Value::Null));
    for unknown in ["ff", &session_id(9).to_string()] {
        let (code, _, error) = run(&bench, &["interruptions", "--session", unknown]).await;
        assert!(code == 1 && error.contains("no session"), "{error}");
    }
    let (_, out, _) = run(&Bench::start().await, &["interruptions"]).await;
    assert_eq!(out, "No interruptions.\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_shown_with_its_interruptions_and_what_it_continues() {
    let bench = interrupted().await;
    let (_, out, _) = run(&bench, &["show", "last"]).await;
    let interruption = "Interruption     2026-09-21 14:13:24 UTC, not over, video: camera failed: no frame for 2 s\n";
    assert!(out.contains(&format!("Continues        {}\n", session_id(1))) && out.contains(interruption), "{out}");
    let (_, shown) = json(&bench, &["show", "01"]).await;
    assert_eq!((&shown["continues"], &shown["interruptions"]), (&Value::Null, &2.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interruption_is_explained_by_the_beginning_of_its_id() {
    let bench = interrupted().await;
    let explain = |id: &'static str| {
        let bench = &bench;
        async move { run(bench, &["explain", id, "--cause", "weather", "--officer", "007", "--text", "Hail.\n"]).await }
    };
    let (code, out, error) = explain("2020").await;
    let id = interruption_id(0x20);
    assert_eq!((code, out), (0, format!("The account of interruption {id} is in the ledger\n")), "{error}");
    let told = bench.control.state().interruptions[2].told.clone().unwrap();
    assert_eq!((told.cause.as_str(), told.officer.as_str(), told.text.as_str()), ("weather", "007", "Hail.\n"));
    // What an officer wrote cannot break a line.
    let (_, out, _) = run(&bench, &["interruptions", "--session", "02"]).await;
    assert!(out.ends_with("camera failed: no frame for 2 s | 007: weather: Hail.\\n\n"), "{out}");
    let (code, _, error) = explain("1").await;
    assert!(code == 1 && error.contains(&interruption_id(0x10).to_string()), "{error}");
    for unknown in ["ff", "09090909090909090909090909090909"] {
        let (code, _, error) = explain(unknown).await;
        assert!(code == 23 && error.contains("no") && error.contains(unknown), "{error}");
    }
    let (code, _, error) = run(&bench, &["explain", "20", "--cause", "camera", "--text", "-"]).await;
    assert!(code == 2 && error.contains("place-changed"), "{error}");
    let (code, _, error) = run(&bench, &["explain", "20", "--cause", "other", "--text", " "]).await;
    assert!(code == 12 && error.contains("option \"text\""), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_tells_alarms_and_the_room_that_is_left() {
    let bench = Bench::start().await;
    let (_, out, _) = run(&bench, &["status"]).await;
    for line in ["Alarm             none", "Room for          unknown", "Pre-record holds  0:00:30.000"] {
        assert!(out.contains(&format!("{line}\n")), "{line} in\n{out}");
    }
    bench.control.state().storage_minutes = Some(89);
    bench.control.raise(alarm());
    let (_, out, _) = run(&bench, &["status"]).await;
    let line = "Alarm             camera gone: no frame for 2 s (since 2026-09-21 14:13:26 UTC)\n";
    assert!(out.contains(line) && out.contains("Room for          89 min\n"), "{out}");
    let (_, status) = json(&bench, &["status"]).await;
    assert_eq!((&status["alarms"][0]["kind"], &status["storage_minutes"]), (&"camera".into(), &89.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn alarms_and_interruptions_are_watched_as_they_come() {
    let bench = Bench::with_sessions(vec![ended_session(1)]).await;
    let mut child = program(&bench.bus.address, &["status", "--watch"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    tokio::task::block_in_place(|| lines.find(|line| line.as_ref().unwrap().starts_with("Evidence folder")));
    bench.control.state().storage_minutes = Some(15);
    bench.control.raise(alarm());
    bench.control.begin_interruption(interruption(1, session_id(1)));
    bench.control.end_interruption(ended_interruption(1, session_id(1)));
    bench.control.quiet(bus::AlarmKind::Camera);
    let (id, session) = (interruption_id(1), session_id(1));
    let expected = [
        "Alarm: camera gone (no frame for 2 s)".to_owned(),
        "Room for 15 min".to_owned(),
        format!("Interruption {id} of session {session} began: camera failed"),
        format!("Interruption {id} of session {session} is over"),
        "Alarm over: camera gone".to_owned(),
    ];
    let printed: Vec<String> = tokio::task::block_in_place(|| lines.map_while(Result::ok).take(5).collect());
    assert_eq!(printed, expected);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_is_drawn_as_wide_as_the_terminal_is() {
    let bench = interrupted().await;
    let (code, out, error) = run(&bench, &["timeline", "01"]).await;
    let bars: Vec<&str> = out.lines().filter(|line| line.contains('█') && !line.contains("recorded")).collect();
    assert_eq!((code, bars.len(), error.as_str()), (0, 2, ""), "{out}");
    assert!(bars.iter().all(|bar| bar.chars().count() == 79 && bar.contains("▒███")), "{out}");
    assert!(!out.contains('\u{1b}') && out.contains("1  0:00:04.000 (2026-09-21 14:13:24 UTC), 0:01:30.000"), "{out}");
    // `script` gives it a terminal to draw on.
    let on_terminal = |variables: &'static str| {
        let draw = format!("stty rows 24 cols 61; {variables} {} timeline 01", env!("CARGO_BIN_EXE_sealcamctl"));
        let mut command = Command::new("script");
        command.args(["--quiet", "--return", "--command", &draw, "/dev/null"]).env("SEALCAM_LANG", "en");
        command.env("SEALCAM_BUS", &bench.bus.address).env("TERM", "xterm-256color");
        command
    };
    let (_, out, _) = parts(finish(on_terminal("NO_COLOR=1")).await);
    let bar = out.lines().find(|line| line.starts_with("Video  ▒")).unwrap();
    assert_eq!(bar.trim_end().chars().count(), 60, "{out}");
    let (_, out, _) = parts(finish(on_terminal("")).await);
    assert!(out.contains("Video  \u{1b}[38;5;117m▒"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_is_written_as_a_picture_and_as_json() {
    let bench = interrupted().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("timeline.svg");
    let (code, out, _) = run(&bench, &["timeline", "last", "--svg", file.to_str().unwrap()]).await;
    assert_eq!((code, out), (0, format!("picture written to {}\n", file.display())));
    let picture = std::fs::read_to_string(&file).unwrap();
    assert!(picture.starts_with("<svg ") && picture.contains(&session_id(2).to_string()), "{picture}");
    let (_, timeline) = json(&bench, &["timeline", "last"]).await;
    assert_eq!(
        (&timeline["chunks"][0]["to_ns"], &timeline["pressed_ns"]),
        (&10_000_000_000_u64.into(), &1_000_000_000.into())
    );
    let interruption = &timeline["interruptions"][0];
    assert_eq!((&interruption["from_ns"], &interruption["cause"]), (&4_000_000_000_u64.into(), &"camera".into()));
    assert_eq!((&timeline["continues"], &timeline["cause"]), (&session_id(1).to_string().into(), &"stopped".into()));
    let (code, _, error) = run(&bench, &["timeline", "last", "--svg", "/proc/none/a.svg"]).await;
    assert!(code == 1 && error.contains("/proc/none/a.svg"), "{error}");
    let (code, _, error) = run(&bench, &["timeline", "ff"]).await;
    assert!(code == 1 && error.contains("no session ff"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_without_an_index_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    for arguments in [&["interruptions", "--evidence", path][..], &["timeline", "last", "--evidence", path]] {
        // No bus is asked.
        let (code, out, error) = parts(finish(program("unix:path=/nonexistent", arguments)).await);
        assert!(code == 1 && out.is_empty() && error.contains(path), "{error}");
    }
}
