// SPDX-License-Identifier: MIT OR Apache-2.0
//! The life of the process: evidence folder, engine, bus, ready, signals, and the way down.

use crate::config::Config;
use crate::control::Desk;
use crate::engine::{Engine, INBOX_CAPACITY_MESSAGES, Inbox, Message};
use crate::live::Live;
use crate::open::Opener;
use crate::supervision::{Heartbeat, WITHOUT_BUS_POLL, feed_watchdog, notify};
use crate::traces::Traces;
use anyhow::{Context, Result, bail};
use bus::{BusAddress, Claim, Notifier, RecorderState, Service};
use evidence::entry::BootBody;
use recorder::Input;
use sd_notify::NotifyState;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::clock::SystemClock;
use store::{Evidence, Place, Recovered};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// How long the way down may take: a start under way is waited for (trials of encoders, then the sources' first frames, up to
/// `recording.start_timeout_ms`), the media side may take 30 s to deliver what is in flight, then the session is closed.
/// `TimeoutStopSec` of the unit is longer.
pub(crate) const SHUTDOWN_LIMIT: Duration = Duration::from_secs(140);

/// Runs the recorder until it is told to end. The bus comes first: who finds its name taken touches no evidence.
pub(crate) fn run(config: Config, address: &BusAddress) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let claim = runtime.block_on(bus::claim(address))?;
    media::init().context("the media framework does not start")?;
    let evidence = Arc::new(open_evidence(&config)?);
    let outcome = runtime.block_on(serve_until_end(config, Arc::clone(&evidence), claim));
    runtime.shutdown_timeout(Duration::from_secs(1));
    if !outcome.as_ref().is_err_and(|error| error.is::<Unfinished>()) {
        evidence.shut_down("requested").context("the end could not be entered in the ledger")?;
    }
    outcome
}

/// The way down came to no end: evidence may still be written, so the end is not entered. The next start closes what is open.
#[derive(Debug, thiserror::Error)]
enum Unfinished {
    #[error("the recording could not be closed within {} s; the next start closes it", SHUTDOWN_LIMIT.as_secs())]
    TooLong,
    #[error("the engine broke down; the log says where, and the next start closes the recording")]
    EngineGone,
}

fn open_evidence(config: &Config) -> Result<Evidence> {
    let place = Place { evidence: config.evidence.folder.clone(), state: config.evidence.state.clone() };
    let software = concat!("sealcamd ", env!("CARGO_PKG_VERSION")).to_owned();
    let clock = SystemClock::new().context("the kernel's clocks cannot be read")?;
    let boot = BootBody { software, config: config.hash };
    let traces = Traces::before(&place);
    let opened = Evidence::open(&place, boot, Arc::new(clock), &mut |_| ());
    let (evidence, recovered) = opened.inspect_err(|error| traces.remove_after(error))?;
    tracing::info!(folder = %place.evidence.display(), device = %evidence.device(), "evidence folder opened");
    recovered.iter().for_each(report_recovered);
    Ok(evidence)
}

fn report_recovered(recovered: &Recovered) {
    tracing::warn!(
        session = %recovered.session,
        chunks = recovered.end.chunks,
        torn_bytes = recovered.torn_bytes,
        lost_chunks = recovered.lost_chunks,
        cause = recovered.cause,
        detail = recovered.detail,
        "a session that was cut off is closed at its last whole chunk"
    );
}

async fn serve_until_end(config: Config, evidence: Arc<Evidence>, claim: Claim) -> Result<()> {
    let (notifier, events) = Notifier::channel();
    let (sender, messages) = sync_channel(INBOX_CAPACITY_MESSAGES);
    let inbox = Inbox(sender);
    let live = Arc::new(Live::new(evidence.folder(), &config.device.id));
    let sources = vec![config.video.source.to_string(), config.audio.source.to_string()];
    let opening = Arc::new(Mutex::new(()));
    if let Some(error) = evidence.fault() {
        tracing::error!(%error, "nothing can be recorded");
        inbox.tell(Message::Input(Input::StorageFailed(error.to_string())));
    }
    let opener = Opener {
        config: Arc::new(config),
        evidence,
        live: Arc::clone(&live),
        notifier,
        inbox: inbox.clone(),
        sources: Arc::clone(&opening),
    };
    let mut signals = Signals::new()?;
    let heartbeat = Heartbeat::new();
    let down = start_engine(opener, messages, heartbeat.clone())?;
    let desk = Arc::new(Desk { inbox: inbox.clone(), live: Arc::clone(&live), sources, opening });
    let served = claim.serve(desk, events).await;
    let result = match &served {
        Ok(service) => be_alive(service, &live, &mut signals, heartbeat).await,
        Err(_) => Ok(()),
    };
    inbox.tell(Message::Input(Input::Shutdown));
    let down = tokio::time::timeout(SHUTDOWN_LIMIT, down).await.map_err(|_| Unfinished::TooLong)?;
    down.map_err(|_| Unfinished::EngineGone)?;
    served?.close().await;
    result
}

/// From ready to stopping, as systemd sees it.
async fn be_alive(service: &Service, live: &Live, signals: &mut Signals, heartbeat: Heartbeat) -> Result<()> {
    let watchdog = tokio::spawn(feed_watchdog(heartbeat));
    notify(NotifyState::Ready);
    let result = wait(service, live, signals).await;
    watchdog.abort();
    // An error is the cancellation just asked for.
    let _ = watchdog.await;
    notify(NotifyState::Stopping);
    result
}

fn start_engine(opener: Opener, messages: Receiver<Message>, heartbeat: Heartbeat) -> Result<oneshot::Receiver<()>> {
    let (done, down) = oneshot::channel();
    let engine = Engine::new(opener)?;
    std::thread::Builder::new().name("engine".into()).spawn(move || {
        engine.run(&messages, &heartbeat);
        let _ = done.send(());
    })?;
    Ok(down)
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Signals> {
        Ok(Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn any(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Waits for a signal. If the bus goes, a running recording goes on; the process ends when nothing is recorded, so that
/// its supervisor starts it again on a bus.
async fn wait(service: &Service, live: &Live, signals: &mut Signals) -> Result<()> {
    tokio::select! {
        () = signals.any() => return Ok(()),
        () = service.bus_gone() => tracing::error!("the bus is gone; a running recording goes on without it"),
    }
    while !matches!(live.status().state, RecorderState::Standby | RecorderState::Faulted) {
        tokio::select! {
            () = signals.any() => return Ok(()),
            () = tokio::time::sleep(WITHOUT_BUS_POLL) => {}
        }
    }
    bail!("the bus is gone")
}
