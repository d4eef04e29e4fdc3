// SPDX-License-Identifier: MIT OR Apache-2.0
//! What only a fault brings about, against docs/json.md. `tests/system/json.rs` compares the rest with the real recorder.
//!
//! What could break: a field of an alarm, an interruption or a timeline that is renamed, added or gone without the page.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../bus/tests/common/mod.rs"]
mod common;
#[allow(dead_code)]
#[path = "../../../tests/system/support/json_page.rs"]
mod json_page;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use common::{Bench, alarm, ended_interruption, ended_session, interruption, session_id};
use json_page::Page;
use serde_json::Value;

fn page() -> Page {
    Page::read(include_str!("../../../docs/json.md"))
}

fn program(bench: &Bench, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealcamctl"));
    command.arg("--json").args(arguments).env("SEALCAM_BUS", &bench.bus.address);
    command
}

async fn json(bench: &Bench, arguments: &[&str]) -> Value {
    let mut command = program(bench, arguments);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_of_interruptions_is_on_the_page() {
    let (mut page, bench) = (page(), Bench::with_sessions(vec![ended_session(1)]).await);
    bench.control.state().interruptions =
        vec![interruption(0x10, session_id(1)), ended_interruption(0x20, session_id(1))];
    bench.control.state().alarms = vec![alarm()];
    let explained = ["explain", "10", "--cause", "damage", "--text", "It fell."];
    page.compare("explain", &json(&bench, &explained).await);
    for (section, arguments) in [
        ("interruptions", &["interruptions"][..]),
        ("timeline", &["timeline", "last"]),
        ("stop-show", &["show", "last"]),
        ("status", &["status"]),
        ("errors", &["explain", "30", "--cause", "damage", "--text", "It fell."]),
    ] {
        page.compare(section, &json(&bench, arguments).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_announced_of_faults_is_on_the_page() {
    let (mut page, bench) = (page(), Bench::with_sessions(vec![ended_session(1)]).await);
    let mut child = program(&bench, &["status", "--watch"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut until = |event: &str| -> Value {
        let documents = lines.by_ref().map(|line| serde_json::from_str(&line.unwrap()).unwrap());
        tokio::task::block_in_place(|| documents.into_iter().find(|one: &Value| one["event"] == event).unwrap())
    };
    page.compare("event-status", &until("status"));
    bench.control.state().storage_minutes = Some(15);
    bench.control.raise(alarm());
    page.compare("event-alarm_raised", &until("alarm_raised"));
    let changed = until("changed");
    assert!(changed["alarms"][0].is_object() && changed["storage_minutes"] == 15, "{changed}");
    page.compare("event-changed", &changed);
    bench.control.quiet(alarm().kind);
    page.compare("event-alarm_quiet", &until("alarm_quiet"));
    bench.control.begin_interruption(interruption(1, session_id(1)));
    page.compare("event-interruption_began", &until("interruption_began"));
    bench.control.end_interruption(ended_interruption(1, session_id(1)));
    page.compare("event-interruption_ended", &until("interruption_ended"));
    child.kill().unwrap();
    child.wait().unwrap();
}
