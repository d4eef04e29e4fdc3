// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes in, epochs and counts out. Pure: no thread, no clock, no device.

use super::date::Date;
use super::epochs::{Epoch, Epochs, Late};
use super::frames::{self, FRAME_BYTES_MAX, Frame};
use super::sentence::{self, Refused};

/// So much is looked at in one go.
const PIECE_BYTES: usize = 4096;

/// What came on a line. Every byte is in one of `line_bytes`, `foreign_bytes` and `garbage_bytes`, or still pending; every line in one
/// of `sentences`, `checksum_faults`, `malformed`, `unknown` and `overlong`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sentences that were read.
    pub sentences: u64,
    /// Those of them that came when their epoch had been flushed, and were dropped.
    pub late: u64,
    /// Lines of which the checksum does not fit.
    pub checksum_faults: u64,
    /// Lines that were cut, have no checksum, or say what cannot be.
    pub malformed: u64,
    /// Lines that are whole and of a talker or a kind that is not read.
    pub unknown: u64,
    /// Lines that did not end in time.
    pub overlong: u64,
    /// Whole frames of UBX and RTCM 3.
    pub foreign_frames: u64,
    /// Bytes of lines, with their ends.
    pub line_bytes: u64,
    /// Bytes of frames of UBX and RTCM 3.
    pub foreign_bytes: u64,
    /// Bytes of anything else.
    pub garbage_bytes: u64,
}

impl Counts {
    /// All bytes that were judged.
    pub fn bytes(&self) -> u64 {
        self.line_bytes + self.foreign_bytes + self.garbage_bytes
    }

    /// All lines, good and bad.
    pub fn lines(&self) -> u64 {
        self.sentences + self.checksum_faults + self.malformed + self.unknown + self.overlong
    }

    /// Lines that were whole by their checksum, whatever they said: proof that the line speaks NMEA 0183 at this speed.
    pub fn whole_lines(&self) -> u64 {
        self.sentences + self.unknown
    }
}

/// Reads the stream of one receiver, NMEA 0183 to version 4.11. It takes any bytes in pieces of any size; how they are cut
/// changes nothing.
pub struct Parser {
    reference: Date,
    /// What is not judged yet: at most the longest frame and a piece.
    pending: Vec<u8>,
    counts: Counts,
    epochs: Epochs,
}

impl Parser {
    /// `reference` is a day before which no receiver can be, such as that of the build: years of two digits are read against it,
    /// and a date before it is flagged ([`super::Fix::weeks_early`]).
    pub fn new(reference: Date) -> Self {
        let pending = Vec::with_capacity(FRAME_BYTES_MAX + PIECE_BYTES);
        Self { reference, pending, counts: Counts::default(), epochs: Epochs::new(reference) }
    }

    /// Takes the next bytes, and gives the epochs that end in them.
    pub fn push(&mut self, bytes: &[u8], mut give: impl FnMut(Epoch)) {
        for piece in bytes.chunks(PIECE_BYTES) {
            self.pending.extend_from_slice(piece);
            self.judge(frames::first, &mut give);
        }
    }

    /// Ends the epoch that is open without waiting for the next: the line is idle, so nothing more should come of it. What
    /// comes of it all the same is late. A sentence that has begun stays pending.
    pub fn flush(&mut self) -> Option<Epoch> {
        self.epochs.flush()
    }

    /// The line is gone: what has begun will not be completed. Ends the epoch that is open, too.
    pub fn cut(&mut self, mut give: impl FnMut(Epoch)) {
        self.judge(|bytes| frames::first(bytes).or_else(|| frames::last(bytes)), &mut give);
        self.epochs.cut().into_iter().for_each(give);
    }

    /// What came so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// How many bytes wait for more before they can be judged.
    pub fn pending_bytes(&self) -> usize {
        self.pending.len()
    }

    /// Where in the stream the oldest byte lies that an epoch still to be given may begin with.
    pub fn oldest_byte(&self) -> u64 {
        self.epochs.first_byte().unwrap_or(self.counts.bytes())
    }

    fn judge(&mut self, first: impl Fn(&[u8]) -> Option<(Frame<'_>, usize)>, give: &mut impl FnMut(Epoch)) {
        let mut pending = std::mem::take(&mut self.pending);
        let mut judged = 0;
        while let Some((frame, length)) = first(&pending[judged..]) {
            self.take(&frame, length as u64).into_iter().for_each(&mut *give);
            judged += length;
        }
        pending.drain(..judged);
        self.pending = pending;
    }

    fn take(&mut self, frame: &Frame<'_>, length: u64) -> Option<Epoch> {
        let first_byte = self.counts.bytes();
        self.count(frame, length);
        match frame {
            Frame::Line(line) => self.read(line, first_byte),
            _ => None,
        }
    }

    fn count(&mut self, frame: &Frame<'_>, length: u64) {
        let counts = &mut self.counts;
        match frame {
            Frame::Line(_) | Frame::Cut | Frame::Overlong => counts.line_bytes += length,
            Frame::Foreign => counts.foreign_bytes += length,
            Frame::Garbage => counts.garbage_bytes += length,
        }
        match frame {
            Frame::Cut => counts.malformed += 1,
            Frame::Overlong => counts.overlong += 1,
            Frame::Foreign => counts.foreign_frames += 1,
            Frame::Line(_) | Frame::Garbage => {}
        }
    }

    fn read(&mut self, line: &[u8], first_byte: u64) -> Option<Epoch> {
        let counts = &mut self.counts;
        let sentence = match sentence::read(line, self.reference) {
            Ok(sentence) => sentence,
            Err(refused) => {
                counts.refuse(&refused);
                return None;
            }
        };
        counts.sentences += 1;
        match self.epochs.add(&sentence, first_byte) {
            Ok(ended) => ended,
            Err(Late) => {
                counts.late += 1;
                None
            }
        }
    }
}

impl Counts {
    fn refuse(&mut self, refused: &Refused) {
        match refused {
            Refused::Checksum => self.checksum_faults += 1,
            Refused::Malformed => self.malformed += 1,
            Refused::Unknown => self.unknown += 1,
        }
    }
}

#[cfg(test)]
mod tests;
