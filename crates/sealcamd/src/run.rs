// SPDX-License-Identifier: MIT OR Apache-2.0
//! The life of the process: evidence folder, engine, bus, ready, signals, and the way down.

use crate::alarms::AlarmBoard;
use crate::capture::{message, ring};
use crate::config::Config;
use crate::control::Desk;
use crate::engine::{Engine, INBOX_CAPACITY_MESSAGES, Inbox, Message};
use crate::live::Live;
use crate::monitor;
use crate::open::Opener;
use crate::supervision::{Heartbeat, WITHOUT_BUS_POLL, feed_watchdog, notify};
use crate::traces::Traces;
use anyhow::{Context, Result, bail};
use bus::{BusAddress, Claim, Events, Notifier, RecorderState, Service};
use evidence::entry::BootBody;
use media::Studio;
use recorder::Input;
use sd_notify::NotifyState;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::clock::SystemClock;
use store::index::Index;
use store::{Evidence, Place, Progress, Recovered, StoreError, Work};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// How long the way down may take: a start under way is waited for (trials of encoders, then the sources' first frames, up to
/// `recording.start_timeout_ms`), the media side may take 30 s to deliver what is in flight, then the session is closed.
/// `TimeoutStopSec` of the unit is longer.
pub(crate) const SHUTDOWN_LIMIT: Duration = Duration::from_secs(140);

/// By how much a start that reads long is given more time, in microseconds.
const START_EXTENSION_US: u32 = 30_000_000;

/// Runs the recorder until it is told to end. The bus comes first: who finds its name taken touches no evidence.
pub(crate) fn run(config: Config, address: &BusAddress) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let claim = runtime.block_on(bus::claim(address))?;
    media::init().context("the media framework does not start")?;
    let storage = open_storage(&config)?;
    let outcome = runtime.block_on(serve_until_end(config, &storage, claim));
    runtime.shutdown_timeout(Duration::from_secs(1));
    if !outcome.as_ref().is_err_and(|error| error.is::<Unfinished>()) {
        for evidence in storage.all() {
            evidence.shut_down("requested").context("the end could not be entered in the ledger")?;
        }
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

/// The evidence folders of a recorder, and what a power cut or crash cut off in them.
struct Storage {
    first: Arc<Evidence>,
    second: Option<Arc<Evidence>>,
    /// Why the second cannot be used, if one is configured.
    lacks_second: Option<String>,
    cut_off: Vec<Recovered>,
}

impl Storage {
    fn all(&self) -> Vec<Arc<Evidence>> {
        std::iter::once(&self.first).chain(&self.second).map(Arc::clone).collect()
    }

    /// The recording that is to go on: the last one that was cut off, if that was not long ago and it did not go on already
    /// on the other storage.
    fn to_resume(&self, config: &Config) -> Option<Recovered> {
        let limit_ns = u64::from(config.recording.resume_within_s) * 1_000_000_000;
        let is_recent = |cut_off: &&Recovered| cut_off.without_ns.is_some_and(|without_ns| without_ns < limit_ns);
        let went_on = |cut_off: &Recovered| self.all().iter().any(|evidence| goes_on_in(evidence.folder(), cut_off));
        self.cut_off.iter().rfind(|cut_off| !went_on(cut_off)).filter(is_recent).cloned()
    }
}

/// Whether a session in this folder goes on with the one that was cut off. Where nobody can tell, it is better recorded.
fn goes_on_in(folder: &Path, cut_off: &Recovered) -> bool {
    let found = Index::open_read_only(folder).and_then(|index| past::continued_by(&index, cut_off.session));
    found.inspect_err(|error| tracing::warn!(%error, "the index cannot be read")).is_ok_and(|found| found.is_some())
}

fn open_storage(config: &Config) -> Result<Storage> {
    let (first, mut cut_off) = open_evidence(config, &config.evidence.place)?;
    let (mut second, mut lacks_second) = (None, None);
    match config.evidence.fallback.as_ref().map(|place| open_evidence(config, place)) {
        Some(Ok((opened, recovered))) => {
            cut_off.extend(recovered);
            second = Some(Arc::new(opened));
        }
        Some(Err(error)) => lacks_second = Some(format!("{error:#}")),
        None => {}
    }
    Ok(Storage { first: Arc::new(first), second, lacks_second, cut_off })
}

fn open_evidence(config: &Config, place: &Place) -> Result<(Evidence, Vec<Recovered>)> {
    let software = concat!("sealcamd ", env!("CARGO_PKG_VERSION")).to_owned();
    let clock = SystemClock::new().context("the kernel's clocks cannot be read")?;
    let boot = BootBody { software, config: config.hash };
    let traces = Traces::before(place);
    let opened = Evidence::open(place, boot, Arc::new(clock), &mut tell_progress);
    let (evidence, recovered) = opened.inspect_err(|error| traces.remove_after(error))?;
    tracing::info!(folder = %place.evidence.display(), device = %evidence.device(), "evidence folder opened");
    recovered.iter().for_each(report_recovered);
    Ok((evidence, recovered))
}

/// systemd shows the status, and gives a start that tells it the time it needs.
fn tell_progress(progress: Progress) {
    let work = match progress.what {
        Work::Indexing => "bringing the index up to the files",
        Work::Closing => "closing recordings that were cut off",
    };
    let percent = progress.done.saturating_mul(100) / progress.of.max(1);
    notify(NotifyState::Status(&format!("{work}: {percent} %")));
    notify(NotifyState::ExtendTimeoutUsec(START_EXTENSION_US));
}

fn report_recovered(recovered: &Recovered) {
    let end = &recovered.end;
    tracing::warn!(
        session = %end.session,
        chunks = end.chunks,
        torn_bytes = recovered.torn_bytes,
        lost_chunks = recovered.lost_chunks,
        cause = recovered.cause,
        "a session that was cut off is closed at its last whole chunk"
    );
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
        evidence: Arc::clone(&storage.first),
        fallback: storage.second.clone(),
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
    if let Some(error) = opener.evidence.fault() {
        tracing::error!(%error, "nothing can be recorded");
        inbox.tell(storage_failed(&error));
    }
    if let Some(reason) = storage.lacks_second.clone() {
        inbox.tell(Message::Input(Input::SecondStorageMissing { reason }));
    }
    let mut signals = Signals::new()?;
    let heartbeat = Heartbeat::new();
    monitor::start(&opener)?;
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

fn storage_failed(error: &StoreError) -> Message {
    Message::Input(Input::StorageFailed { is_full: error.is_full(), reason: error.to_string() })
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
