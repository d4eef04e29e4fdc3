// SPDX-License-Identifier: MIT OR Apache-2.0
//! The writing side of a session's chain: numbers, links and signs its records.

use crate::cbor;
use crate::cose::{self, EnvelopeError};
use crate::mp4;
use crate::record::{DIGEST, Event, Record, RecordKind, Track};
use crate::sign::Signer;
use crate::time::Clock;
use crate::{FORMAT_VERSION, Hash, SessionId};

/// Media bytes that a record covers.
pub struct Covered<'a> {
    /// Where in the file they begin.
    pub offset: u64,
    /// How many there are.
    pub length: u64,
    /// Their hash.
    pub media: Hash,
    /// What they hold.
    pub tracks: Vec<Track>,
    /// What happened since the record before.
    pub events: &'a [Event],
}

/// A record, signed, and the box that carries it.
pub struct Sealed {
    /// What was signed.
    pub record: Record,
    /// The `uuid` box to append behind the covered bytes.
    pub bytes: Vec<u8>,
}

/// The chain of one session as it grows.
pub struct SessionChain {
    session: SessionId,
    signer: Box<dyn Signer>,
    seq: u64,
    chunk: u64,
    last: Hash,
}

impl SessionChain {
    /// A chain that hangs on the session-start entry whose envelope has the hash `start`.
    #[must_use]
    pub fn new(session: SessionId, signer: Box<dyn Signer>, start: Hash) -> SessionChain {
        SessionChain { session, signer, seq: 0, chunk: 0, last: start }
    }

    /// Hash of the last link.
    #[must_use]
    pub fn last(&self) -> Hash {
        self.last
    }

    /// How many records there are.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.seq
    }

    /// How many chunks there are.
    #[must_use]
    pub fn chunks(&self) -> u64 {
        self.chunk
    }

    /// Signs the record of the next chunk.
    ///
    /// # Errors
    /// [`EnvelopeError`] if the envelope cannot be written.
    pub fn chunk(&mut self, segment: u32, covered: Covered<'_>, clock: Clock) -> Result<Sealed, EnvelopeError> {
        let sealed = self.seal(RecordKind::Chunk, segment, covered, clock)?;
        self.chunk += 1;
        Ok(sealed)
    }

    /// Signs the record that closes a segment whose length is `offset`.
    ///
    /// # Errors
    /// [`EnvelopeError`] if the envelope cannot be written.
    pub fn segment_end(
        &mut self,
        segment: u32,
        offset: u64,
        events: &[Event],
        clock: Clock,
    ) -> Result<Sealed, EnvelopeError> {
        let nothing = Covered { offset, length: 0, media: Hash::of(&[]), tracks: Vec::new(), events };
        self.seal(RecordKind::SegmentEnd, segment, nothing, clock)
    }

    fn seal(
        &mut self,
        kind: RecordKind,
        segment: u32,
        covered: Covered<'_>,
        clock: Clock,
    ) -> Result<Sealed, EnvelopeError> {
        let record = Record {
            v: FORMAT_VERSION,
            kind,
            session: self.session,
            seq: self.seq,
            segment,
            chunk: self.chunk,
            prev: self.last,
            offset: covered.offset,
            length: covered.length,
            digest: DIGEST.into(),
            media: covered.media,
            tracks: covered.tracks,
            clock,
            events: covered.events.to_vec(),
        };
        let payload = cbor::encode(&record).map_err(|e| EnvelopeError::Syntax(e.to_string()))?;
        let envelope = cose::seal(self.signer.as_ref(), payload)?;
        self.seq += 1;
        self.last = Hash::of(&envelope);
        Ok(Sealed { record, bytes: mp4::record_box(&envelope) })
    }
}
