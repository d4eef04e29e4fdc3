// SPDX-License-Identifier: MIT OR Apache-2.0
//! The commands that ask the recorder for something.

use bus::{BusAddress, Client, DeviceInfo, Media, SessionId, SessionInfo, StartOptions};
use serde::Serialize;

use crate::cli::Request;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::Output;
use crate::{summary, watch};

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

/// Asks the recorder on a bus.
pub(crate) fn run(bus: &BusAddress, request: &Request, output: &Output) -> Result<Exit, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CommandError::Runtime)?;
    runtime.block_on(async {
        let client = Client::connect(bus).await?;
        ask(&client, request, output).await
    })
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
    let session = match wanted.parse() {
        Ok(id) => client.session(id).await?,
        Err(_) => chosen(client.sessions().await?, wanted)?,
    };
    output.result(&session, summary::session)
}

async fn devices(client: &Client, output: &Output) -> Result<Exit, CommandError> {
    let devices = Devices { devices: client.devices().await? };
    output.result(&devices, |lang, all| summary::devices(lang, &all.devices))
}

/// The session that is meant by "last" or by the beginning of its id. The sessions come with the oldest first.
fn chosen(mut sessions: Vec<SessionInfo>, wanted: &str) -> Result<SessionInfo, CommandError> {
    let none = || CommandError::NoSession { wanted: wanted.to_owned() };
    if wanted == "last" {
        return sessions.pop().ok_or_else(none);
    }
    sessions.retain(|session| !wanted.is_empty() && session.id.to_string().starts_with(wanted));
    if sessions.len() > 1 {
        let matches = sessions.iter().map(|session| session.id.to_string()).collect::<Vec<_>>().join(", ");
        return Err(CommandError::AmbiguousSession { wanted: wanted.to_owned(), matches });
    }
    sessions.pop().ok_or_else(none)
}
