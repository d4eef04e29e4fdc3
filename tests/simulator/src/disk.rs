// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is durable: the ledger, the records of the sessions, and the index, which may be behind. Only what was synced is in
//! here; a power cut takes nothing of it but the index's latest rows.

use crate::capture::Fragment;
use crate::random::{Random, mix};
use recorder::{Cause, Fault, Media, Medium, PerMedium};

/// What an entry of the ledger says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// The recorder started.
    Boot,
    /// A session begins.
    Start { session: u64, media: Media, from_ns: PerMedium<u64> },
    /// A session is over.
    End { session: u64, records: u64, last: u64, cause: Option<Cause> },
    /// Something is missing from now on; number 0 is what a cut left.
    Begin { session: u64, number: u64, fault: Fault, media: Media, from_ns: u64 },
    /// It is there again.
    Over { session: u64, number: u64, to_ns: u64 },
    /// UTC was set.
    Step { step_ns: i64 },
}

impl Body {
    fn session(self) -> Option<u64> {
        match self {
            Body::Boot | Body::Step { .. } => None,
            Body::Start { session, .. }
            | Body::End { session, .. }
            | Body::Begin { session, .. }
            | Body::Over { session, .. } => Some(session),
        }
    }
}

/// An entry of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    seq: u64,
    prev: u64,
    body: Body,
}

impl Entry {
    fn hash(&self) -> u64 {
        mix(mix(self.seq ^ self.prev.rotate_left(17)) ^ self.body.session().unwrap_or(u64::MAX))
    }
}

/// What a cut left of a session: from the last frame that is there to the start that closed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hole {
    pub(crate) media: Media,
    pub(crate) from_ns: u64,
    pub(crate) to_ns: u64,
}

/// A chunk's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) seq: u64,
    pub(crate) prev: u64,
    pub(crate) media: u64,
}

impl Record {
    pub(crate) fn hash(&self) -> u64 {
        mix(mix(self.seq ^ self.prev.rotate_left(23)) ^ self.media)
    }
}

/// A session's row in the index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Row {
    session: u64,
    records: u64,
    interruptions: u64,
    over: u64,
    is_ended: bool,
}

/// A session's files.
#[derive(Clone, Debug, Default)]
struct Files {
    session: u64,
    media: Media,
    /// Where the last frame that is there ends.
    last_ns: u64,
    first: u64,
    records: Vec<Record>,
}

impl Files {
    fn last(&self) -> u64 {
        self.records.last().map_or(self.first, Record::hash)
    }

    /// The first record that is not linked to the one before it.
    fn broken_at(&self) -> Option<u64> {
        let prevs = std::iter::once(self.first).chain(self.records.iter().map(Record::hash));
        let is_linked = |(seq, record, prev): (u64, &Record, u64)| record.seq == seq && record.prev == prev;
        let mut links = (0..).zip(&self.records).zip(prevs).map(|((seq, record), prev)| (seq, record, prev));
        links.find(|link| !is_linked(*link)).map(|(seq, ..)| seq)
    }
}

/// The storage's content.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    entries: u64,
    last_entry: u64,
    checked_entries: u64,
    checked_last: u64,
    /// Entries of sessions that were not compared with the index yet.
    ledger: Vec<Entry>,
    files: Files,
    /// Sessions that are over and were not compared yet, with their number of records.
    closed: Vec<(u64, u64)>,
    index: Vec<Row>,
    sessions: u64,
    is_open: bool,
}

impl Disk {
    /// The number of the next session.
    pub(crate) fn next_session(&self) -> u64 {
        self.sessions + 1
    }

    /// The session that has no end, if there is one.
    pub(crate) fn open_session(&self) -> Option<u64> {
        self.is_open.then_some(self.files.session)
    }

    pub(crate) fn records(&self) -> u64 {
        self.files.records.len() as u64
    }

    /// What the next record of the session names as the one before it.
    pub(crate) fn last_record(&self) -> u64 {
        self.files.last()
    }

    /// Makes an entry durable, and indexes it.
    pub(crate) fn enter(&mut self, body: Body, is_indexed: bool) {
        let entry = Entry { seq: self.entries, prev: self.last_entry, body };
        (self.entries, self.last_entry) = (self.entries + 1, entry.hash());
        self.ledger.push(entry);
        match body {
            Body::Start { session, media, from_ns } => {
                self.begin(session, media, from_ns.video.min(from_ns.audio));
            }
            Body::End { .. } => self.is_open = false,
            _ => {}
        }
        if is_indexed {
            apply(&mut self.index, body);
        }
    }

    fn begin(&mut self, session: u64, media: Media, zero_ns: u64) {
        if self.files.session != 0 {
            self.closed.push((self.files.session, self.records()));
        }
        let mut records = std::mem::take(&mut self.files.records);
        records.clear();
        self.files = Files { session, media, last_ns: zero_ns, first: self.last_entry, records };
        (self.sessions, self.is_open) = (session, true);
    }

    /// Makes a chunk durable, and indexes it.
    pub(crate) fn append(&mut self, record: Record, fragment: &Fragment, is_indexed: bool) {
        let ends_ns = Medium::ALL.into_iter().map(|medium| fragment.spans[medium].to_ns);
        self.files.last_ns = ends_ns.fold(self.files.last_ns, u64::max);
        self.files.records.push(record);
        if let Some(row) = self.index.last_mut().filter(|_| is_indexed) {
            row.records += 1;
        }
    }

    /// Whether the last record is linked to the one before it.
    pub(crate) fn is_last_linked(&self) -> bool {
        match self.files.records.as_slice() {
            [] => true,
            [only] => only.seq == 0 && only.prev == self.files.first,
            [.., before, last] => last.seq == before.seq + 1 && last.prev == before.hash(),
        }
    }

    /// What storage that lies does at a cut.
    pub(crate) fn lose_record(&mut self) {
        self.files.records.pop();
    }

    /// What a recovery does that does not look where the last frame ends.
    pub(crate) fn forget_last_frame(&mut self, now_ns: u64) {
        self.files.last_ns = now_ns;
    }

    /// A cut: the index may lose its latest rows, those of the session that has no end.
    pub(crate) fn cut(&mut self, random: &mut Random) {
        let open = self.open_session();
        if let Some(row) = self.index.pop_if(|row| Some(row.session) == open)
            && random.percent(90)
        {
            let records = row.records.saturating_sub(random.below(4));
            self.index.push(Row { records, ..row });
        }
    }

    /// A start: closes the session that has no end and says what is missing of it; brings the index up to the files.
    pub(crate) fn recover(&mut self, to_ns: u64) -> Option<Hole> {
        let hole = self.open_session().map(|_| Hole { media: self.files.media, from_ns: self.files.last_ns, to_ns });
        hole.into_iter().for_each(|hole| self.enter_hole(hole));
        self.close_open();
        hole
    }

    fn enter_hole(&mut self, hole: Hole) {
        let (session, Hole { media, from_ns, to_ns }) = (self.files.session, hole);
        self.enter(Body::Begin { session, number: 0, fault: Fault::Power, media, from_ns }, false);
        self.enter(Body::Over { session, number: 0, to_ns }, false);
    }

    /// Closes the session that has no end.
    pub(crate) fn close_open(&mut self) {
        if let Some(session) = self.open_session() {
            let (records, last) = (self.records(), self.last_record());
            self.enter(Body::End { session, records, last, cause: None }, false);
        }
        self.catch_up();
    }

    /// Reads the last session anew; the others were known as ended.
    fn catch_up(&mut self) {
        let last = self.files.session;
        self.index.retain(|row| row.session != last);
        if last != 0 {
            let records = self.records();
            let bodies = self.ledger.iter().map(|entry| entry.body).filter(|body| body.session() == Some(last));
            let mut rows = Vec::new();
            bodies.for_each(|body| apply(&mut rows, body));
            rows.iter_mut().for_each(|row: &mut Row| row.records = records);
            self.index.extend(rows);
        }
    }

    /// Reads everything that was not read since the last time: what is wrong, by number of entry, record or session.
    pub(crate) fn check(&mut self) -> Result<(), String> {
        if let Some(seq) = self.files.broken_at() {
            return Err(format!("record {seq} of session {} is not linked", self.files.session));
        }
        let first = self.ledger.partition_point(|entry| entry.seq < self.checked_entries);
        for entry in &self.ledger[first..] {
            if (entry.seq, entry.prev) != (self.checked_entries, self.checked_last) {
                return Err(format!("entry {} is not linked", entry.seq));
            }
            (self.checked_entries, self.checked_last) = (entry.seq + 1, entry.hash());
        }
        Ok(())
    }

    /// Builds the index from ledger and files and compares it with the one that was kept. What agreed and is over is not
    /// looked at again.
    pub(crate) fn compare_index(&mut self) -> Result<(), String> {
        let mut rows = Vec::new();
        self.ledger.iter().for_each(|entry| apply(&mut rows, entry.body));
        for row in &mut rows {
            let closed = self.closed.iter().find(|(session, _)| *session == row.session);
            row.records = closed.map_or(self.files.records.len() as u64, |(_, records)| *records);
        }
        if rows != self.index {
            let pairs = rows.iter().zip(&self.index).find(|(built, kept)| built != kept);
            return Err(format!("{} rows from the files, {} in the index; {pairs:?}", rows.len(), self.index.len()));
        }
        let last = self.files.session;
        self.closed.clear();
        self.index.retain(|row| row.session == last);
        self.ledger.retain(|entry| entry.body.session() == Some(last));
        Ok(())
    }
}

/// What an entry does to the index.
fn apply(rows: &mut Vec<Row>, body: Body) {
    if let Body::Start { session, .. } = body {
        rows.push(Row { session, ..Row::default() });
    }
    let row = body.session().and_then(|session| rows.iter_mut().rev().find(|row| row.session == session));
    match (row, body) {
        (Some(row), Body::End { .. }) => row.is_ended = true,
        (Some(row), Body::Begin { .. }) => row.interruptions += 1,
        (Some(row), Body::Over { .. }) => row.over += 1,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(disk: &Disk) -> Record {
        Record { seq: disk.records(), prev: disk.last_record(), media: 7 }
    }

    fn start(disk: &Disk) -> Body {
        Body::Start { session: disk.next_session(), media: Media::BOTH, from_ns: PerMedium::default() }
    }

    fn recorded(chunks: u64) -> Disk {
        let mut disk = Disk::default();
        disk.enter(Body::Boot, true);
        disk.enter(start(&disk), true);
        (0..chunks).for_each(|_| disk.append(record(&disk), &Fragment::default(), true));
        disk
    }

    #[test]
    fn what_was_recorded_is_right_also_after_a_cut() {
        let mut disk = recorded(5);
        (0..9).for_each(|seed| {
            disk.cut(&mut Random::new(seed));
            assert_eq!(disk.recover(9), Some(Hole { media: Media::BOTH, from_ns: 0, to_ns: 9 }));
            assert_eq!((disk.check(), disk.compare_index(), disk.open_session()), (Ok(()), Ok(()), None));
            disk.enter(start(&disk), true);
            disk.append(record(&disk), &Fragment::default(), true);
        });
    }

    #[test]
    fn a_record_that_is_missing_or_a_row_that_is_behind_is_found() {
        let mut disk = recorded(5);
        disk.append(Record { seq: 6, ..record(&disk) }, &Fragment::default(), true);
        assert!(!disk.is_last_linked() && disk.check().is_err());
        let mut disk = recorded(5);
        disk.append(record(&disk), &Fragment::default(), false);
        assert!(disk.compare_index().is_err());
    }
}
