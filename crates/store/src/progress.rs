// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tells how far a start has come that has to read segments.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// What a start has to read segments for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// To bring the index up to the files.
    Indexing,
    /// To close sessions that were cut off.
    Closing,
}

/// How far a start has come with one kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Which.
    pub what: Work,
    /// How many bytes of segments were read.
    pub done: u64,
    /// How many are to be read.
    pub of: u64,
}

/// Who is told.
pub type Tell<'a> = dyn FnMut(Progress) + 'a;

/// How much is read between two calls.
const STEP_BYTES: u64 = 4 * 1024 * 1024;

/// Counts what is read for one kind of work.
pub(crate) struct Meter<'a> {
    tell: &'a mut Tell<'a>,
    progress: Progress,
    told: u64,
}

impl<'a> Meter<'a> {
    /// Begins work that has to read `of` bytes.
    pub(crate) fn new(what: Work, of: u64, tell: &'a mut Tell<'a>) -> Meter<'a> {
        let progress = Progress { what, done: 0, of };
        tell(progress);
        Meter { tell, progress, told: 0 }
    }

    /// Heads of boxes are read more than once.
    fn add(&mut self, bytes: u64) {
        let progress = &mut self.progress;
        progress.done = progress.done.saturating_add(bytes).min(progress.of);
        if progress.done - self.told >= STEP_BYTES {
            self.told = progress.done;
            (self.tell)(*progress);
        }
    }

    /// The work is done.
    pub(crate) fn end(self) {
        (self.tell)(Progress { done: self.progress.of, ..self.progress });
    }
}

/// A file whose reading is counted.
pub(crate) struct Metered<'a, 'b> {
    pub(crate) file: File,
    pub(crate) meter: &'a mut Meter<'b>,
}

impl Read for Metered<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.meter.add(read as u64);
        Ok(read)
    }
}

impl Seek for Metered<'_, '_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
