// SPDX-License-Identifier: MIT OR Apache-2.0
//! The evidence folders of a recorder: opened at the start, with what a power cut or crash cut off in them, and closed at the
//! end. Knows not how anything is recorded.

use crate::config::Config;
use crate::supervision::notify;
use crate::traces::Traces;
use anyhow::{Context, Result, bail};
use evidence::SessionId;
use evidence::entry::BootBody;
use recorder::Input;
use sd_notify::NotifyState;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::clock::SystemClock;
use store::index::Index;
use store::{Evidence, Place, Progress, Recovered, StoreError, Work};

/// By how much a start that reads long is given more time, in microseconds.
const START_EXTENSION_US: u32 = 30_000_000;

const SECOND_NS: u64 = 1_000_000_000;

/// The evidence folders that can be used.
pub(crate) struct Storage {
    /// Where each recording is tried first: on the second storage if the first cannot be used.
    pub(crate) evidence: Arc<Evidence>,
    /// Where it goes on when that fails.
    pub(crate) fallback: Option<Arc<Evidence>>,
    lacks: Option<Lack>,
    cut_off: Vec<CutOff>,
}

/// Which of two storages cannot be used, and why.
enum Lack {
    First(StoreError),
    Second(StoreError),
}

/// An evidence folder as it was found.
type Found = (Evidence, Vec<Recovered>);

/// A recording that a power cut or crash cut off.
#[derive(Clone)]
struct CutOff {
    recovered: Recovered,
    folder: PathBuf,
}

impl Storage {
    /// Opens the folders. Where the first storage is broken, the second one does alone; where a person must see to the first,
    /// nothing does.
    pub(crate) fn open(config: &Config) -> Result<Storage> {
        let clock = Arc::new(SystemClock::new().context("the kernel's clocks cannot be read")?);
        let open = |place| open_evidence(config, place, &clock);
        let fallback = config.evidence.fallback.as_ref();
        match open(&config.evidence.place) {
            Ok(first) => Ok(Storage::with_first(first, fallback.map(open))),
            Err(error) => match fallback.filter(|_| is_broken(&error)) {
                Some(second) => Storage::without_first(error, open(second)),
                None => Err(error.into()),
            },
        }
    }

    fn with_first(first: Found, second: Option<Result<Found, StoreError>>) -> Storage {
        match second {
            Some(Ok(second)) => Storage::of(first, Some(second), None),
            Some(Err(error)) => Storage::of(first, None, Some(Lack::Second(error))),
            None => Storage::of(first, None, None),
        }
    }

    fn without_first(error: StoreError, second: Result<Found, StoreError>) -> Result<Storage> {
        match second {
            Ok(second) => {
                tracing::error!(%error, "the first storage cannot be used; the recorder runs on the second alone");
                Ok(Storage::of(second, None, Some(Lack::First(error))))
            }
            Err(second) => bail!("{error}; nor can the second storage be used: {second}"),
        }
    }

    fn of(evidence: Found, fallback: Option<Found>, lacks: Option<Lack>) -> Storage {
        let cut_off = std::iter::once(&evidence).chain(&fallback).flat_map(cut_off).collect();
        let fallback = fallback.map(|(fallback, _)| Arc::new(fallback));
        Storage { evidence: Arc::new(evidence.0), fallback, lacks, cut_off }
    }

    pub(crate) fn all(&self) -> Vec<Arc<Evidence>> {
        std::iter::once(&self.evidence).chain(&self.fallback).map(Arc::clone).collect()
    }

    /// What is wrong with them, for the state machine.
    pub(crate) fn troubles(&self) -> Vec<Input> {
        self.lacks.iter().flat_map(Lack::inputs).chain(self.fault()).collect()
    }

    /// Why nothing can be recorded where it is tried first. It matters less where the other takes recordings.
    fn fault(&self) -> Option<Input> {
        let error = self.evidence.fault()?;
        if self.fallback.as_ref().is_some_and(|fallback| fallback.fault().is_none()) {
            return Some(fell_over(&error));
        }
        tracing::error!(%error, "nothing can be recorded");
        Some(Input::StorageFailed { is_full: error.is_full(), reason: error.to_string() })
    }

    /// The recording that is to go on: of those that were cut off not long ago and did not go on already, on whichever
    /// storage, the last.
    pub(crate) fn to_resume(&self, config: &Config) -> Option<Recovered> {
        let is_meant =
            |one: &&CutOff| one.is_within(config.recording.resume_within_s) && !self.goes_on(one.recovered.session);
        let last = self.cut_off.iter().filter(is_meant).max_by_key(|one| one.at_utc_ns())?;
        Some(last.recovered.clone())
    }

    /// Whether a session goes on with this one. Where nobody can tell, it is better recorded.
    fn goes_on(&self, session: SessionId) -> bool {
        let goes_on_in = |folder| ask(folder, |index| past::continued_by(index, session)).is_some();
        self.all().iter().any(|evidence| goes_on_in(evidence.folder()))
    }

    /// Enters the orderly end in each, whatever becomes of the others. The first comes last: it may be one that failed and
    /// never answers.
    pub(crate) fn shut_down(&self) -> Result<(), StoreError> {
        let ends: Vec<_> = self.all().iter().rev().map(|evidence| evidence.shut_down("requested")).collect();
        ends.into_iter().rev().collect()
    }
}

impl Lack {
    fn inputs(&self) -> Vec<Input> {
        match self {
            // Only another start comes back to the first: no recording is to quiet the alarm.
            Lack::First(error) => vec![fell_over(error), Input::SecondStorageMissing { reason: error.to_string() }],
            Lack::Second(error) => vec![Input::SecondStorageMissing { reason: error.to_string() }],
        }
    }
}

fn fell_over(error: &StoreError) -> Input {
    Input::StorageFellOver { is_full: error.is_full(), reason: error.to_string() }
}

impl CutOff {
    /// Whether it was cut off no longer ago than that. Where UTC was set back since, as at each start of a board whose clock
    /// does not outlast the power, nobody knows; it is better recorded.
    fn is_within(&self, limit_s: u32) -> bool {
        self.recovered.without_ns.unwrap_or(0) < u64::from(limit_s) * SECOND_NS
    }

    /// When the last thing of it was captured, as far as the index knows.
    fn at_utc_ns(&self) -> Option<i64> {
        let session = Some(self.recovered.session);
        ask(&self.folder, |index| Ok(index.interruptions(session)?.pop())).map(|last| last.from.utc_ns)
    }
}

fn cut_off((evidence, recovered): &Found) -> Vec<CutOff> {
    let folder = evidence.folder();
    recovered.iter().map(|recovered| CutOff { recovered: recovered.clone(), folder: folder.into() }).collect()
}

/// Asks the index of a folder.
fn ask<T>(folder: &Path, question: impl FnOnce(&Index) -> Result<Option<T>, StoreError>) -> Option<T> {
    let answer = Index::open_read_only(folder).and_then(|index| question(&index));
    answer.inspect_err(|error| tracing::warn!(%error, "the index cannot be read")).ok().flatten()
}

/// Whether the storage does not work, or is not there. One that is in use, another device's, or not as it was left is not
/// broken: a person must see to it first.
fn is_broken(error: &StoreError) -> bool {
    match error {
        StoreError::Io { .. } | StoreError::Index { .. } | StoreError::Full(_) | StoreError::Latched(_) => true,
        // As the folder looks in which a card is not mounted.
        StoreError::LedgerMissing { .. } => true,
        _ => false,
    }
}

fn open_evidence(config: &Config, place: &Place, clock: &Arc<SystemClock>) -> Result<Found, StoreError> {
    let software = concat!("sealcamd ", env!("CARGO_PKG_VERSION")).to_owned();
    let boot = BootBody { software, config: config.hash };
    let traces = Traces::before(place);
    let opened = Evidence::open(place, boot, Arc::clone(clock) as _, &mut tell_progress);
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

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::entry::SourceBody;
    use evidence::record::Medium;
    use evidence::time::{BootNs, Clock, TimeSource, UtcNs, UtcSource};
    use evidence::{BootId, LEDGER_FILE};
    use store::{NewSession, SessionWriter};
    use tempfile::TempDir;

    const MINUTE_S: i64 = 60;

    /// A clock that stands.
    struct Standing(Clock);

    impl TimeSource for Standing {
        fn now(&self) -> Clock {
            self.0.clone()
        }
    }

    /// In a boot of its own: a power cut is between any two.
    fn at(utc_s: i64) -> Arc<dyn TimeSource> {
        let boot_id = BootId(u128::from(utc_s.unsigned_abs()).to_be_bytes());
        let utc_ns = UtcNs(utc_s * 1_000_000_000);
        Arc::new(Standing(Clock { boot_ns: BootNs(0), boot_id, utc_ns, source: UtcSource::Synchronised, error_ns: 0 }))
    }

    fn place(root: &TempDir, name: &str) -> Place {
        Place { evidence: root.path().join(name), state: root.path().join(format!("{name}-state")) }
    }

    fn open(place: &Place, clock: Arc<dyn TimeSource>) -> Found {
        let boot = BootBody { software: "test".into(), config: evidence::Hash::ZERO };
        Evidence::open(place, boot, clock, &mut |_| ()).unwrap()
    }

    /// Begins a recording at a moment; one that is dropped was cut off then.
    fn begun(place: &Place, utc_s: i64, continues: Option<SessionId>) -> SessionWriter {
        let source =
            SourceBody { medium: Medium::Video, source: "test:".into(), encoder: "".into(), format: "".into() };
        let plan = NewSession {
            officer: "".into(),
            label: "SC0001".into(),
            sources: vec![source],
            zero_boot_ns: BootNs(0),
            pressed_boot_ns: None,
            continues,
            template: Config::load(None, &[]).unwrap().evidence.names,
            roll_ns: u64::MAX,
            roll_bytes: u64::MAX,
        };
        SessionWriter::begin(Arc::new(open(place, at(utc_s)).0), plan).unwrap()
    }

    fn cut_off(place: &Place, utc_s: i64, continues: Option<SessionId>) -> SessionId {
        begun(place, utc_s, continues).id()
    }

    /// What a start at that moment goes on with, within so many seconds.
    fn resumed(places: [&Place; 2], utc_s: i64, within_s: u32) -> Option<SessionId> {
        let [first, second] = places.map(|place| open(place, at(utc_s)));
        let config = Config::load(None, &[format!("recording.resume_within_s={within_s}")]).unwrap();
        Storage::of(first, Some(second), None).to_resume(&config).map(|recovered| recovered.session)
    }

    #[test]
    fn what_was_cut_off_last_goes_on_on_whichever_storage_it_was() {
        let root = TempDir::new().unwrap();
        let (first, second) = (place(&root, "first"), place(&root, "second"));
        cut_off(&second, 20 * MINUTE_S, None);
        let last = cut_off(&first, 21 * MINUTE_S, None);
        assert_eq!(resumed([&first, &second], 22 * MINUTE_S, 600), Some(last));
    }

    #[test]
    fn one_that_was_cut_off_long_ago_does_not_hide_one_that_was_not() {
        let root = TempDir::new().unwrap();
        let (first, second) = (place(&root, "first"), place(&root, "second"));
        cut_off(&second, 20 * MINUTE_S, None);
        let last = cut_off(&first, 220 * MINUTE_S, None);
        assert_eq!(resumed([&first, &second], 221 * MINUTE_S, 600), Some(last));
        assert_eq!(resumed([&first, &second], 222 * MINUTE_S, 600), None);
    }

    #[test]
    fn what_went_on_already_does_not_go_on_again() {
        let root = TempDir::new().unwrap();
        let (first, second) = (place(&root, "first"), place(&root, "second"));
        let left = cut_off(&first, 20 * MINUTE_S, None);
        begun(&second, 21 * MINUTE_S, Some(left)).finish("stop", None).unwrap();
        assert_eq!(resumed([&first, &second], 22 * MINUTE_S, 600), None);
    }

    #[test]
    fn where_the_clock_was_set_back_nobody_knows_and_the_recording_goes_on() {
        let root = TempDir::new().unwrap();
        let (first, second) = (place(&root, "first"), place(&root, "second"));
        let last = cut_off(&first, 21 * MINUTE_S, None);
        assert_eq!(resumed([&first, &second], MINUTE_S, 600), Some(last));
        cut_off(&first, 21 * MINUTE_S, None);
        assert_eq!(resumed([&first, &second], 2 * MINUTE_S, 0), None);
    }

    #[test]
    fn the_second_is_shut_down_before_the_first() {
        let root = TempDir::new().unwrap();
        let clock = Arc::new(SystemClock::new().unwrap());
        let places = ["first", "second"].map(|name| place(&root, name));
        let [first, second] = places.each_ref().map(|place| open(place, Arc::clone(&clock) as _));
        Storage::of(first, Some(second), None).shut_down().unwrap();
        let [first, second] = places.map(|place| {
            let entries = evidence::ledger::open_sequence(&std::fs::read(place.evidence.join(LEDGER_FILE)).unwrap()).0;
            entries.last().unwrap().entry.clock.boot_ns
        });
        assert!(second < first, "{second:?}, {first:?}");
    }

    #[test]
    fn what_a_person_must_see_to_is_not_broken() {
        let folder = PathBuf::from("/evidence");
        let io = StoreError::Io {
            action: "open",
            path: folder.clone(),
            source: std::io::ErrorKind::ReadOnlyFilesystem.into(),
        };
        let device = evidence::Hash::ZERO;
        let foreign = StoreError::Foreign { folder: folder.clone(), state: folder.clone(), device };
        let missing = StoreError::LedgerMissing { folder: folder.clone(), state: folder.clone(), device };
        assert!(is_broken(&io) && is_broken(&missing));
        assert!(!is_broken(&foreign) && !is_broken(&StoreError::Locked(folder)));
    }
}
