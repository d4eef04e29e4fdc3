// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a verification says in words. The words here are English, for programs and logs; who speaks to people in
//! another language has a text for each of these.

use crate::SessionId;
use std::fmt;

macro_rules! details {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $({ $($field:ident: $type:ty),* })? => $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each is explained by its text")]
        pub enum $name {
            $(#[doc = $text] $variant $({ $($field: $type),* })?,)*
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant $({ $($field),* })? => write!(f, $text),)*
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

details! {
    /// What is wrong at one place.
    Detail {
        // A segment.
        Unreadable { reason: String } => "it cannot be read: {reason}",
        NoRecord => "no Sealcam record is in this file",
        NoStart => "the segment has no session-start entry that is rightly signed: nothing names its key",
        NoSegmentEnd => "the segment has no end record: it was cut off or is still being recorded",
        Tail { offset: u64, length: u64 } => "{length} bytes from byte {offset} on are covered by no record",
        RecordBroken { offset: u64, reason: String } => "its record at byte {offset} cannot be trusted: {reason}",
        RecordKey { offset: u64 } => "its record at byte {offset} is signed by another key than the session's",
        OtherSession { session: SessionId } => "it belongs to session {session}",
        OtherSegment { segment: u32 } => "it belongs to segment {segment}",
        BehindSegmentEnd => "it stands behind the segment's end",
        NotAfterStart => "it does not follow the session-start entry in this file",
        OutOfOrder { seq: u64, last: u64 } => "record {seq} stands behind record {last}",
        NotLinked => "it is not linked to the record before it",
        NotAtOffset => "it does not stand where it was recorded",
        BeginningRemoved => "the beginning of the segment is not there",
        RecordsRemoved { missing: u64 } => "{missing} records are missing here",
        OutOfShape { from: u64, to: u64 } => "its boxes are out of shape (bytes {from}–{to})",
        BytesAltered { from: u64, to: u64 } => "its bytes are not those that were signed (bytes {from}–{to})",
        More { count: usize } => "{count} more problems in this file",

        // A session.
        StartAbsent => "the session's start is not on record here",
        EndAbsent => "the session has no end: it was cut off or is still being recorded",
        SegmentOfOtherSession => "the segment belongs to another session",
        SegmentsBefore { segment: String, missing: u64 } => "segments before {segment} with {missing} records are missing",
        RecordsBetween { before: String, segment: String, missing: u64 } =>
            "{missing} records between {before} and {segment} are missing",
        SegmentRepeats { before: String } => "it repeats what is in {before}",
        SegmentNotLinked { before: String } => "it is not linked to {before}",
        LastRecordsAbsent { missing: u64, records: u64 } => "the last {missing} of {records} records are missing",
        MoreRecords => "there are more records than the session's end counts",
        LastRecordDiffers => "the last record is not the one that the session's end names",

        // Entries.
        EntryBroken { number: u64, reason: String } => "entry {number} cannot be trusted: {reason}",
        EntryCutOff { offset: u64 } => "the entry at byte {offset} is cut off by the end of the file",
        EntryRepeated { number: u64 } => "entry {number} stands in it already",
        NoEntry { offset: u64, length: u64 } => "{length} bytes from byte {offset} on are no entry",
        MoreNoEntries => "it was not read on behind so much that is no entry",
        EntriesAbsent => "the session's entries are not there",
        EntriesUnfinished => "it ends before the ledger's entries of the session do",
        EntriesAltered => "the entries differ from the ledger's",
        EntriesOutOfOrder => "its entries are out of order",
        ForeignEntry { seq: u64 } => "entry {seq}, which it holds, does not name its session",
        SecondEntry { seq: u64, kind: String } => "the session has a second {kind} entry, entry {seq}",
        EntryKey { seq: u64, kind: String } =>
            "entry {seq}, a {kind} entry, is signed by another key than the session's start",
        InterruptionTwice { seq: u64 } => "entry {seq} begins an interruption that was begun before",
        InterruptionNotOpen { seq: u64 } => "entry {seq} ends an interruption that is not open in its session",
        InterruptionUnknown { seq: u64 } => "entry {seq} explains an interruption that is not on record",

        // The ledger.
        LedgerAbsent => "the ledger is not there",
        LedgerEmpty => "the ledger is empty",
        LedgerBroken { reason: String } => "{reason}",
        RolledBack { seq: u64 } => "entry {seq}, which the key history has, is not in the ledger: it was cut or rolled back",
        SessionAbsent { session: SessionId } => "session {session} is in the ledger, but its folder is not there",
        SessionUnknown => "the ledger knows no such session",
        FolderName { folder: String } => "the session's folder is no plain name: {folder:?}",
        FolderTaken { session: SessionId } => "session {session} names the folder of another session",

        // A photo.
        PhotoAbsent => "the photo is not there",
        PhotoAltered => "the photo's bytes are not those that were signed",
        PhotoNotEntered => "a record says that this photo was taken, but no entry of the session speaks of it",
        PhotoUnknown => "no entry speaks of this photo",
        PhotoPath { seq: u64, file: String } => "entry {seq} names a photo where none belongs: {file:?}",
        SidecarAbsent => "the photo's entry is not there",
        SidecarBroken { reason: String } => "the photo's entry cannot be trusted: {reason}",
        SidecarAltered => "the photo's entry differs from the session's or the ledger's",
        SidecarOfOtherKind { kind: String } => "it holds a {kind} entry, not a photo's",
    }
}

details! {
    /// Why something was not captured, as recorded.
    Cause {
        Pause => "nothing was captured",
        Lost { count: u64 } => "{count} lost",
        Recorded { words: String } => "{words}",
        Ended { cause: String } => "{cause}",
        Interrupted { cause: String } => "{cause}",
        InterruptedBy { cause: String, detail: String } => "{cause}: {detail}",
        MoreGaps { count: u64 } => "{count} more gaps in this file, up to here",
    }
}

details! {
    /// Why keys are not trusted.
    Distrust {
        OtherDevice { seq: u64, device: crate::Hash } => "entry {seq} belongs to device {device}",
        OtherKey { seq: u64 } => "entry {seq} is signed by another key than the device had then",
    }
}
