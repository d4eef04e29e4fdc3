// SPDX-License-Identifier: MIT OR Apache-2.0
//! `status --watch`: the status, then each change and each chunk, until interrupted.

use bus::{Client, RecorderStatus, Watch, WatchEvent};
use serde::Serialize;

use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::Output;
use crate::text::{Lang, shown};
use crate::{summary, units};

#[derive(Serialize)]
#[serde(tag = "event", rename = "status")]
struct StatusLine {
    #[serde(flatten)]
    status: RecorderStatus,
}

/// Prints until interrupted, or until the bus is gone.
pub(crate) async fn run(client: &Client, output: &Output) -> Result<Exit, CommandError> {
    // Watch first, ask then: nothing falls between the two.
    let mut events = client.watch().await?;
    print_status(client, output).await?;
    tokio::select! {
        result = follow(client, &mut events, output) => result,
        interrupted = tokio::signal::ctrl_c() => interrupted.map(|()| Exit::Ok).map_err(CommandError::Runtime),
    }
}

async fn follow(client: &Client, events: &mut Watch, output: &Output) -> Result<Exit, CommandError> {
    while let Some(event) = events.next().await {
        // What changed may be told already.
        if output.json || !text(output.lang, &event).is_empty() {
            output.result(&event, text)?;
        }
        if event == WatchEvent::RecorderAppeared {
            print_status(client, output).await?;
        }
    }
    // The bus is gone: asking says so.
    client.status().await?;
    Ok(Exit::Failure)
}

async fn print_status(client: &Client, output: &Output) -> Result<(), CommandError> {
    let line = StatusLine { status: client.status().await? };
    output.result(&line, |lang, line| summary::status(lang, &line.status)).map(|_| ())
}

fn text(lang: Lang, event: &WatchEvent) -> String {
    match event {
        // Alarms are told as they come and go.
        WatchEvent::Changed { state, fault, current_session, alarms: _, storage_minutes } => {
            let lines = [
                state.map(|state| lang.watch_state(lang.state(state))),
                fault.as_ref().map(|fault| lang.watch_fault(or_none(lang, fault.as_ref()))),
                current_session.map(|session| lang.watch_session(or_none(lang, session.as_ref()))),
                storage_minutes.map(|minutes| lang.watch_minutes(lang.minutes_left(minutes))),
            ];
            lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
        }
        WatchEvent::ChunkRecorded(chunk) => {
            lang.watch_chunk(chunk.segment, chunk.chunk, units::duration(chunk.recorded_up_to_ns))
        }
        WatchEvent::SessionStarted { session } => lang.watch_started(session),
        WatchEvent::SessionEnded { session, cause } => lang.watch_ended(session, lang.end_cause(cause)),
        WatchEvent::PhotoTaken { file } => lang.watch_photo(file),
        WatchEvent::AlarmRaised { kind, detail } => lang.watch_alarm(lang.alarm(*kind), shown(detail)),
        WatchEvent::AlarmQuiet { kind } => lang.watch_quiet(lang.alarm(*kind)),
        WatchEvent::InterruptionBegan { interruption, session, cause } => {
            lang.watch_interrupted(interruption, session, lang.interruption_cause(cause))
        }
        WatchEvent::InterruptionEnded { interruption, session } => lang.watch_resumed(interruption, session),
        WatchEvent::RecorderAppeared => lang.watch_appeared(),
        WatchEvent::RecorderGone => lang.watch_gone(),
        newer => format!("{newer:?}"),
    }
}

fn or_none(lang: Lang, value: Option<&impl ToString>) -> String {
    value.map_or_else(|| lang.none(), ToString::to_string)
}
