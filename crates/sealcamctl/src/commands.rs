// SPDX-License-Identifier: MIT OR Apache-2.0
//! The commands that ask the recorder for something.

use bus::{
    BusAddress, Client, DeviceInfo, ExplainOptions, InterruptionId, Media, SessionId, SessionInfo, StartOptions,
};
use serde::Serialize;
use tokio::runtime::Runtime;

use crate::cli::{InterruptionsArgs, Request, TimelineArgs};
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::Output;
use crate::recorded::Recorded;
use crate::{interruptions, pick, summary, timeline, watch};

#[derive(Serialize)]
struct Started {
    session: SessionId,
}

#[derive(Serialize)]
struct Photo {
    file: String,
    sha256: String,
}

#[derive(Serialize)]
struct Sessions {
    sessions: Vec<SessionInfo>,
}

#[derive(Serialize)]
struct Devices {
    devices: Vec<DeviceInfo>,
}

#[derive(Serialize)]
struct Explained {
    interruption: InterruptionId,
}

/// Asks the recorder on a bus.
pub(crate) fn run(bus: &BusAddress, request: &Request, output: &Output) -> Result<Exit, CommandError> {
    runtime()?.block_on(async {
        let client = Client::connect(bus).await?;
        ask(&client, request, output).await
    })
}

/// Lists the interruptions that a recorder or a folder knows.
pub(crate) fn interruptions(
    bus: &BusAddress,
    arguments: &InterruptionsArgs,
    output: &Output,
) -> Result<Exit, CommandError> {
    runtime()?.block_on(async {
        let recorded = Recorded::of(bus, arguments.evidence.as_deref()).await?;
        interruptions::run(&recorded, arguments, output).await
    })
}

/// Draws what a recorder or a folder knows of a session.
pub(crate) fn timeline(bus: &BusAddress, arguments: &TimelineArgs, output: &Output) -> Result<Exit, CommandError> {
    runtime()?.block_on(async {
        let recorded = Recorded::of(bus, arguments.evidence.as_deref()).await?;
        timeline::run(&recorded, arguments, output).await
    })
}

fn runtime() -> Result<Runtime, CommandError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CommandError::Runtime)
}

async fn ask(client: &Client, request: &Request, output: &Output) -> Result<Exit, CommandError> {
    match request {
        Request::Start { officer, media } => start(client, officer.as_deref(), *media, output).await,
        Request::Stop => stop(client, output).await,
        Request::Status { watch: false } => output.result(&client.status().await?, summary::status),
        Request::Status { watch: true } => watch::run(client, output).await,
        Request::Photo => photo(client, output).await,
        Request::Sessions => sessions(client, output).await,
        Request::Show { session } => show(client, session, output).await,
        Request::Devices => devices(client, output).await,
        Request::Explain { interruption, cause, officer, text } => {
            let options = ExplainOptions { cause: *cause, officer: officer.clone(), text: text.clone() };
            explain(client, interruption, &options, output).await
        }
    }
}

async fn start(
    client: &Client,
    officer: Option<&str>,
    media: Option<Media>,
    output: &Output,
) -> Result<Exit, CommandError> {
    let options = StartOptions { officer: officer.map(str::to_owned), media };
    let started = Started { session: client.start(&options).await? };
    output.result(&started, |lang, started| lang.started(started.session))
}

async fn stop(client: &Client, output: &Output) -> Result<Exit, CommandError> {
    let session = client.stop().await?;
    output.result(&client.session(session).await?, summary::session)
}

async fn photo(client: &Client, output: &Output) -> Result<Exit, CommandError> {
    let taken = client.take_photo().await?;
    let folder = client.status().await?.evidence_folder;
    let sha256 = taken.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    let photo = Photo { file: taken.file, sha256 };
    output.result(&photo, |lang, photo| summary::photo(lang, &folder, &photo.file, &photo.sha256))
}

async fn sessions(client: &Client, output: &Output) -> Result<Exit, CommandError> {
    let sessions = Sessions { sessions: client.sessions().await? };
    output.result(&sessions, |lang, all| summary::sessions(lang, &all.sessions))
}

async fn show(client: &Client, wanted: &str, output: &Output) -> Result<Exit, CommandError> {
    let id = Recorded::Recorder(client.clone()).session(wanted).await?;
    let session = client.session(id).await?;
    let interruptions = if output.json { Vec::new() } else { client.interruptions(Some(id)).await? };
    output.result(&session, |lang, session| summary::session_with(lang, session, &interruptions))
}

async fn explain(
    client: &Client,
    wanted: &str,
    options: &ExplainOptions,
    output: &Output,
) -> Result<Exit, CommandError> {
    let id = match wanted.parse() {
        Ok(id) => id,
        Err(_) => {
            let known: Vec<InterruptionId> = client.interruptions(None).await?.into_iter().map(|one| one.id).collect();
            pick::interruption(&known, wanted)?
        }
    };
    client.explain(id, options).await?;
    let explained = Explained { interruption: id };
    output.result(&explained, |lang, explained| lang.entered(explained.interruption))
}

async fn devices(client: &Client, output: &Output) -> Result<Exit, CommandError> {
    let devices = Devices { devices: client.devices().await? };
    output.result(&devices, |lang, all| summary::devices(lang, &all.devices))
}
