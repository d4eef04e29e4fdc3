// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the configuration asks of the state machine.

use crate::medium::Media;

/// The rules a recorder goes by. They do not change while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Which sources are kept open in standby, for the pre-record.
    pub standby: Media,
    /// Which of them are held for a recording that begins: all but the sound where that is private.
    pub held: Media,
    /// Whether a source that failed is opened again: a live one is, a replay is not.
    pub repeatable: bool,
    /// How long the recording goes on after a stop.
    pub post_ns: u64,
    /// How long an opened source may take to its first frame; one that takes longer has failed.
    pub start_timeout_ns: u64,
    /// At how many minutes left on the storage to warn, in any order.
    pub warn_min: Vec<u32>,
    /// Room that recordings leave alone, so that their ends can be written.
    pub reserve_bytes: u64,
}
