// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the recorder raises an alarm about (`docs/design/continuity.md`), its form on the bus, and its name in the journal.

use serde::{Deserialize, Serialize};

use crate::dict::{BadField, Dict, Reply, take, take_parsed};
use crate::types::words;

words! {
    /// What an alarm is about.
    AlarmKind {
        /// A wanted camera is gone.
        Camera = "camera",
        /// A wanted microphone is gone.
        Microphone = "microphone",
        /// The camera gives far fewer frames than it says.
        FrameRate = "frame-rate",
        /// A write has not returned for a second.
        StorageStalled = "storage-stalled",
        /// A write failed.
        StorageFailed = "storage-failed",
        /// Nothing more can be recorded.
        StorageFull = "storage-full",
        /// There will soon be no room.
        StorageLow = "storage-low",
        /// No second storage is left to go on with.
        SecondStorage = "second-storage",
        /// A queue was full and something was dropped.
        Queue = "queue",
        /// UTC was set.
        Clock = "clock",
        /// The battery is nearly empty.
        Power = "power",
    }
}

impl AlarmKind {
    /// The `MESSAGE_ID` of its journal entry, by which `systemd/sealcam.catalog` explains it. It never changes.
    pub const fn message_id(self) -> &'static str {
        match self {
            Self::Camera => "4aa161f52e124b268fdb11740267c482",
            Self::Microphone => "d58ec452ec0c4a48916e1d418bfa3610",
            Self::FrameRate => "e87a6fd422724c6ba5cc817768546b90",
            Self::StorageStalled => "1457e4b03a814812ab5390688c99f0e9",
            Self::StorageFailed => "0889e90c170942418b75e56fcee0e724",
            Self::StorageFull => "4fba95d68a8e4c6685b3d4e3e0717ca2",
            Self::StorageLow => "52218f2bfdf64510a8f1abde463f95d5",
            Self::SecondStorage => "406275a4b9a8423d84272e2bfd444e86",
            Self::Queue => "4f2b49d6f2314dacad206d7c4976c248",
            Self::Clock => "f210eacff8c84b1fad0e3bd15e0469c5",
            Self::Power => "c4cab4ad3efd490ca3ad6d0c6f27b001",
        }
    }
}

/// An alarm that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmInfo {
    /// What it is about.
    pub kind: AlarmKind,
    /// What happened, in one line.
    pub detail: String,
    /// UTC when it was raised.
    pub since_utc_ns: i64,
}

impl AlarmInfo {
    /// The alarm as it goes over the bus.
    pub(crate) fn to_reply(&self) -> Reply {
        Reply::from([
            ("kind", self.kind.as_str().into()),
            ("detail", self.detail.clone().into()),
            ("since_utc_ns", self.since_utc_ns.into()),
        ])
    }

    /// The alarm as it came over the bus.
    pub(crate) fn from_dict(mut dict: Dict) -> Result<Self, BadField> {
        Ok(Self {
            kind: take_parsed(&mut dict, "kind")?,
            detail: take(&mut dict, "detail")?,
            since_utc_ns: take(&mut dict, "since_utc_ns")?,
        })
    }
}
