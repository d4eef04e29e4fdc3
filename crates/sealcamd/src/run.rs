// SPDX-License-Identifier: MIT OR Apache-2.0
//! The life of the process: evidence folder, engine, bus, ready, signals, and the way down.

use crate::config::Config;
use crate::control::Desk;
use crate::engine::{Engine, INBOX_CAPACITY_MESSAGES, Inbox, Message};
use crate::live::Live;
use crate::open::Opener;
use crate::supervision::{Heartbeat, WITHOUT_BUS_POLL, feed_watchdog, notify};
use anyhow::{Context, Result, bail};
use bus::{BusAddress, Notifier, RecorderState, Service, serve};
use evidence::entry::BootBody;
use recorder::Input;
use sd_notify::NotifyState;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use store::clock::SystemClock;
use store::{Evidence, Place, Recovered};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// Runs the recorder until it is told to end.
pub(crate) fn run(config: Config, address: &BusAddress) -> Result<()> {
    media::init().context("the media framework does not start")?;
    let evidence = Arc::new(open_evidence(&config)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let outcome = runtime.block_on(serve_until_end(config, Arc::clone(&evidence), address));
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    shut_down(evidence)?;
    outcome
}

fn open_evidence(config: &Config) -> Result<Evidence> {
    let place = Place { evidence: config.evidence.folder.clone(), state: config.evidence.state.clone() };
    let software = concat!("sealcamd ", env!("CARGO_PKG_VERSION")).to_owned();
    let clock = SystemClock::new().context("the kernel's clocks cannot be read")?;
    let boot = BootBody { software, config: config.hash };
    let (evidence, recovered) = Evidence::open(&place, boot, Arc::new(clock))?;
    tracing::info!(folder = %place.evidence.display(), device = %evidence.device(), "evidence folder opened");
    recovered.iter().for_each(report_recovered);
    Ok(evidence)
}

fn report_recovered(recovered: &Recovered) {
    let end = &recovered.end;
    tracing::warn!(
        session = %end.session,
        chunks = end.chunks,
        torn_bytes = recovered.torn_bytes,
        "a session that was cut off is closed at its last whole chunk"
    );
}

/// Enters the end in the ledger. Threads that still hold the folder are taking pipelines apart and write nothing.
fn shut_down(evidence: Arc<Evidence>) -> Result<()> {
    evidence.shut_down("requested").context("the end could not be entered in the ledger")
}

async fn serve_until_end(config: Config, evidence: Arc<Evidence>, address: &BusAddress) -> Result<()> {
    let (notifier, events) = Notifier::channel();
    let (sender, messages) = sync_channel(INBOX_CAPACITY_MESSAGES);
    let inbox = Inbox(sender);
    let live = Arc::new(Live::new(evidence.folder(), &config.device.id)?);
    let sources = vec![config.video.source.to_string(), config.audio.source.to_string()];
    let opener = Opener {
        config: Arc::new(config),
        evidence,
        live: Arc::clone(&live),
        notifier,
        inbox: inbox.clone(),
        sources: Arc::new(Mutex::new(())),
    };
    let heartbeat = Heartbeat::default();
    let mut signals = Signals::new()?;
    let desk = Arc::new(Desk { inbox: inbox.clone(), live: Arc::clone(&live), sources });
    let service = serve(address, desk, events).await?;
    let down = start_engine(opener, messages, heartbeat.clone())?;
    let watchdog = tokio::spawn(feed_watchdog(heartbeat));
    notify(NotifyState::Ready);
    let result = wait(&service, &live, &mut signals).await;
    notify(NotifyState::Stopping);
    inbox.tell(Message::Input(Input::Shutdown));
    let engine_ended = down.await;
    watchdog.abort();
    service.close().await;
    engine_ended.context("the engine ended without closing the recorder")?;
    result
}

fn start_engine(opener: Opener, messages: Receiver<Message>, heartbeat: Heartbeat) -> Result<oneshot::Receiver<()>> {
    let (done, down) = oneshot::channel();
    let engine = Engine::new(opener);
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
