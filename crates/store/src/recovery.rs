// SPDX-License-Identifier: MIT OR Apache-2.0
//! Closes a session that a power cut or crash left open: files are cut back to their last whole record, the bytes behind
//! it are kept aside, and the ledger is told how far the session came and what interrupted it.

use crate::StoreError;
use crate::copies::{by_session, complete_copy, write_copies};
use crate::cut_off::{CutOff, indexed_chunks};
use crate::files::{create_folder, cut_back, rename, torn_name};
use crate::folder::Books;
use crate::progress::{Meter, Tell, Work};
use crate::reindex::{ended_by, replace_rows, start_of};
use crate::scan::{Plan, Scanned};
use evidence::entry::{Body, SessionEndBody, SessionStartBody};
use evidence::interruption::{InterruptionBody, InterruptionEndBody, Known};
use evidence::ledger::SignedEntry;
use evidence::record::{Medium, RecordKind};
use evidence::time::Clock;
use evidence::{InterruptionId, SESSIONS_FOLDER, SessionId};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

/// A session that was closed at the start, with what is needed to go on with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The session.
    pub session: SessionId,
    /// Who recorded; empty if nobody said.
    pub officer: String,
    /// What it recorded.
    pub media: Vec<Medium>,
    /// Why it was cut off, as entered in the ledger: `recorder`, `battery` or `power`.
    pub cause: String,
    /// What is known beside that.
    pub detail: String,
    /// How long nothing was recorded, in nanoseconds, where the clocks say.
    pub without_ns: Option<u64>,
    /// How many chunks were durable once and are not there any more. None, unless the storage lied or was tampered with.
    pub lost_chunks: u64,
    /// How many bytes of a chunk that was never announced were set aside.
    pub torn_bytes: u64,
    /// Its end as entered in the ledger.
    pub end: SessionEndBody,
}

/// A session that has a start and no end in the ledger.
struct Open<'a> {
    start: &'a SignedEntry,
    body: &'a SessionStartBody,
    /// All its entries, the start first.
    own: Vec<SignedEntry>,
    plan: Plan,
}

/// Closes every session that has a start and no end in the ledger, and adds each to `closed`.
pub(crate) fn close_open_sessions(
    root: &Path,
    books: &mut Books,
    entries: &[SignedEntry],
    tell: &mut Tell<'_>,
    closed: &mut Vec<Recovered>,
) -> Result<(), StoreError> {
    remove_unnamed_folders(root, entries);
    let sessions = by_session(entries);
    sessions.values().try_for_each(|own| complete_copy(root, &books.reserve, own))?;
    let ended: BTreeSet<_> = entries.iter().filter_map(ended_by).collect();
    let mut open = Vec::new();
    for (start, body) in entries.iter().filter_map(start_of).filter(|(_, body)| !ended.contains(&body.session)) {
        let folder = root.join(SESSIONS_FOLDER).join(&body.folder);
        create_folder(&folder)?;
        let own = sessions.get(&body.session).into_iter().flatten().map(|entry| (*entry).clone()).collect();
        open.push(Open { start, body, own, plan: Plan::of(books.index(), start, &folder)? });
    }
    if open.is_empty() {
        return Ok(());
    }
    let mut meter = Meter::new(Work::Closing, open.iter().map(|one| one.plan.bytes).sum(), tell);
    for one in open {
        closed.push(close_session(root, books, one, &mut meter)?);
    }
    meter.end();
    Ok(())
}

/// A session whose start a power cut kept from the ledger has left an empty folder. One that is not empty stays.
fn remove_unnamed_folders(root: &Path, entries: &[SignedEntry]) {
    let named: BTreeSet<&OsStr> = entries.iter().filter_map(start_of).map(|(_, body)| body.folder.as_ref()).collect();
    for found in fs::read_dir(root.join(SESSIONS_FOLDER)).into_iter().flatten().flatten() {
        if !named.contains(found.file_name().as_os_str()) {
            let _ = fs::remove_dir(found.path());
        }
    }
}

fn close_session(
    root: &Path,
    books: &mut Books,
    open: Open<'_>,
    meter: &mut Meter<'_>,
) -> Result<Recovered, StoreError> {
    let Open { start, body, mut own, plan } = open;
    let folder = root.join(SESSIONS_FOLDER).join(&body.folder);
    let indexed = indexed_chunks(books.index(), body.session);
    let scans = plan.read(meter)?;
    let torn_bytes = scans.iter().map(|scan| set_torn_aside(scan, start)).sum::<Result<u64, _>>()?;
    // Before the end is entered: from then on nobody would look at the files again.
    books.note(|index| index.together(|| replace_rows(index, start, &scans)));
    let scans: Vec<_> = scans.iter().filter(|scan| scan.start == Some(start.hash)).collect();
    let cut_off = CutOff::of((start, body), &own, &scans, books.index(), indexed);
    let without_ns = cut_off.without_ns(&books.clock.now());
    let end = end_body(body, start, &scans);
    books.reserve.closing(|| write_copies(&folder, &own.iter().collect::<Vec<_>>()))?;
    let interruption = enter_interruption(books, body.session, &mut own, &cut_off)?;
    own.push(books.enter_closing(&Body::SessionEnd(end.clone()))?);
    books.reserve.closing(|| write_copies(&folder, &own.iter().collect::<Vec<_>>()))?;
    let (cause, detail) = interruption.map_or_else(Default::default, |body| (body.cause, body.detail));
    Ok(Recovered {
        session: body.session,
        officer: body.officer.clone(),
        media: cut_off.media,
        cause,
        detail,
        without_ns,
        lost_chunks: cut_off.lost_chunks,
        torn_bytes,
        end,
    })
}

/// Enters the ends of the interruptions that were open, and the interruption that the session's being cut off is, with its
/// end. An earlier start may have been cut off on the way: what it entered stands.
fn enter_interruption(
    books: &mut Books,
    session: SessionId,
    own: &mut Vec<SignedEntry>,
    cut_off: &CutOff,
) -> Result<Option<InterruptionBody>, StoreError> {
    let entered = own.iter().rev().find_map(|signed| match &signed.entry.body {
        Body::Interruption(body) if (&body.from, &body.media) == (&cut_off.from, &cut_off.media) => Some(body.clone()),
        _ => None,
    });
    let this = entered.as_ref().map(|body| body.id);
    for id in open_interruptions(own).into_iter().filter(|id| Some(*id) != this) {
        own.push(books.enter_closing(&end_of(id, session, &cut_off.seen))?);
    }
    let interruption = match entered {
        Some(body) => body,
        // A session that was to record nothing cannot be interrupted.
        None if cut_off.media.is_empty() => return Ok(None),
        None => {
            let body = body_of(session, cut_off, &books.now());
            own.push(books.enter_closing(&Body::Interruption(body.clone()))?);
            body
        }
    };
    if open_interruptions(own).contains(&interruption.id) {
        let now = books.now();
        own.push(books.enter_closing(&end_of(interruption.id, session, &now))?);
    }
    Ok(Some(interruption))
}

fn body_of(session: SessionId, cut_off: &CutOff, now: &Clock) -> InterruptionBody {
    InterruptionBody {
        id: crate::interruption::new_id(),
        session,
        cause: cut_off.cause(now).into(),
        known: Known::Device,
        media: cut_off.media.clone(),
        from: cut_off.from.clone(),
        detail: cut_off.detail(now),
    }
}

fn end_of(id: InterruptionId, session: SessionId, to: &Clock) -> Body {
    Body::InterruptionEnd(InterruptionEndBody { id, session, to: to.clone() })
}

/// The interruptions among a session's entries that have no end, in their order.
fn open_interruptions(own: &[SignedEntry]) -> Vec<InterruptionId> {
    let ended = |id| own.iter().any(|e| matches!(&e.entry.body, Body::InterruptionEnd(end) if end.id == id));
    let begun = own.iter().filter_map(|signed| match &signed.entry.body {
        Body::Interruption(body) => Some(body.id),
        _ => None,
    });
    begun.filter(|id| !ended(*id)).collect()
}

/// Keeps what stands behind a segment's last whole record in a file beside it, and cuts it off the segment.
fn set_torn_aside(scan: &Scanned, start: &SignedEntry) -> Result<u64, StoreError> {
    let length = scan.tail.offset + scan.tail.length;
    let kept = last_own_end(scan, start);
    if kept < length || kept == 0 {
        cut_segment(&scan.path, kept)?;
    }
    Ok(length - kept)
}

/// Cuts a segment back to its last record. One that has none is no segment.
pub(crate) fn cut_segment(path: &Path, kept: u64) -> Result<(), StoreError> {
    match kept {
        0 => rename(path, &torn_name(path, 0)),
        _ => cut_back(path, kept),
    }
}

fn last_own_end(scan: &Scanned, start: &SignedEntry) -> u64 {
    let own = scan.start == Some(start.hash);
    scan.records.last().filter(|_| own).map_or(0, |found| found.end)
}

/// `scans` are the session's own segments.
fn end_body(start: &SessionStartBody, entry: &SignedEntry, scans: &[&Scanned]) -> SessionEndBody {
    let own = scans.iter().filter(|scan| !scan.records.is_empty());
    let last = own.clone().filter_map(|scan| scan.records.last()).max_by_key(|found| found.record.seq);
    let is_chunk = |kind| u64::from(kind == RecordKind::Chunk);
    SessionEndBody {
        session: start.session,
        cause: "recovered".into(),
        segments: u32::try_from(own.count()).unwrap_or(u32::MAX),
        chunks: last.map_or(0, |found| found.record.chunk + is_chunk(found.record.kind)),
        records: last.map_or(0, |found| found.record.seq + 1),
        last: last.map_or(entry.hash, |found| found.hash),
        pressed_boot_ns: None,
    }
}
