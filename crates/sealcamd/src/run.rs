// SPDX-License-Identifier: MIT OR Apache-2.0
//! The life of the process: evidence folders, engine, bus, ready, signals, and the way down.

use crate::alarms::AlarmBoard;
use crate::battery::{self, POWER_SUPPLIES};
use crate::capture::{message, ring};
use crate::config::Config;
use crate::control::Desk;
use crate::engine::{Engine, INBOX_CAPACITY_MESSAGES, Inbox, Message};
use crate::live::Live;
use crate::monitor;
use crate::open::Opener;
use crate::storage::Storage;
use crate::supervision::{Heartbeat, WITHOUT_BUS_POLL, feed_watchdog, notify};
use anyhow::{Context, Result, bail};
use bus::{BusAddress, Claim, Events, Notifier, RecorderState, Service};
use media::Studio;
use recorder::Input;
use sd_notify::NotifyState;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::Recovered;
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
    let storage = Storage::open(&config)?;
    let outcome = runtime.block_on(serve_until_end(config, &storage, claim));
    runtime.shutdown_timeout(Duration::from_secs(1));
    if !outcome.as_ref().is_err_and(|error| error.is::<Unfinished>()) {
        storage.shut_down().context("the end could not be entered in the ledger")?;
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

/// Everything that runs, and what it is asked by.
struct House {
    opener: Opener,
    desk: Arc<Desk>,
    events: Events,
    messages: Receiver<Message>,
}

fn furnish(config: Config, storage: &Storage) -> Result<House> {
    let (notifier, events) = Notifier::channel();
    let (sender, messages) = sync_channel(INBOX_CAPACITY_MESSAGES);
    let (inbox, config) = (Inbox(sender), Arc::new(config));
    let evidence = storage.all();
    let folders: Vec<_> = evidence.iter().map(|evidence| evidence.folder()).collect();
    let live = Arc::new(Live::new(&folders, &config.device.id));
    let told = inbox.clone();
    let studio = Studio::new(ring(&config), Arc::new(move |notice| told.tell(message(notice))))?;
    let opener = Opener {
        studio: Arc::new(studio),
        evidence: Arc::clone(&storage.evidence),
        fallback: storage.fallback.clone(),
        alarms: Arc::new(AlarmBoard::new(Arc::clone(&live), notifier.clone())),
        live: Arc::clone(&live),
        notifier,
        inbox: inbox.clone(),
        cards: Arc::new(Mutex::new(())),
        config,
    };
    let in_use = Box::new(in_use(&opener));
    let desk = Arc::new(Desk { inbox, live, evidence, in_use, cards: Arc::clone(&opener.cards) });
    Ok(House { opener, desk, events, messages })
}

/// Tells which of the configured sources are open.
fn in_use(opener: &Opener) -> impl Fn() -> Vec<String> + Send + Sync + use<> {
    let (studio, config) = (Arc::clone(&opener.studio), Arc::clone(&opener.config));
    move || {
        let video = (media::Medium::Video, config.video.source.to_string());
        let audio = (media::Medium::Audio, config.audio.source.to_string());
        [video, audio].into_iter().filter(|(medium, _)| studio.is_up(*medium)).map(|(_, source)| source).collect()
    }
}

async fn serve_until_end(config: Config, storage: &Storage, claim: Claim) -> Result<()> {
    let cut_off = storage.to_resume(&config);
    let House { opener, desk, events, messages } = furnish(config, storage)?;
    let (inbox, live) = (opener.inbox.clone(), Arc::clone(&opener.live));
    storage.troubles().into_iter().for_each(|trouble| inbox.tell(Message::Input(trouble)));
    let mut signals = Signals::new()?;
    let heartbeat = Heartbeat::new();
    monitor::start(&opener)?;
    battery::start(POWER_SUPPLIES.into(), inbox.clone())?;
    let down = start_engine(opener, messages, heartbeat.clone(), cut_off)?;
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

fn start_engine(
    opener: Opener,
    messages: Receiver<Message>,
    heartbeat: Heartbeat,
    cut_off: Option<Recovered>,
) -> Result<oneshot::Receiver<()>> {
    let (done, down) = oneshot::channel();
    let engine = Engine::new(opener)?;
    std::thread::Builder::new().name("engine".into()).spawn(move || {
        engine.run(&messages, &heartbeat, cut_off.as_ref());
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
