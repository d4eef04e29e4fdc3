// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an interruption is put down to.

use std::fmt;

/// The cause of an interruption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The camera is gone, or gives nothing.
    Camera,
    /// The microphone is gone, or gives nothing.
    Microphone,
    /// What encodes their data failed.
    Encoder,
    /// The storage did not keep up, or failed.
    Storage,
    /// The recorder itself failed.
    Recorder,
    /// The power went and no battery reading says why.
    Power,
    /// The battery was exhausted.
    Battery,
    /// There was no room.
    StorageFull,
    /// The machine slept.
    Suspend,
    /// An officer says: the device was damaged.
    Damage,
    /// An officer says: the weather.
    Weather,
    /// An officer says: someone was in the way.
    Obstruction,
    /// An officer says: the place of the inspection changed.
    PlaceChanged,
    /// An officer says: something else.
    Other,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 14] = [
        Fault::Camera,
        Fault::Microphone,
        Fault::Encoder,
        Fault::Storage,
        Fault::Recorder,
        Fault::Power,
        Fault::Battery,
        Fault::StorageFull,
        Fault::Suspend,
        Fault::Damage,
        Fault::Weather,
        Fault::Obstruction,
        Fault::PlaceChanged,
        Fault::Other,
    ];

    /// The word in the ledger (`docs/design/continuity.md`, interruptions).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Fault::Camera => "camera",
            Fault::Microphone => "microphone",
            Fault::Encoder => "encoder",
            Fault::Storage => "storage",
            Fault::Recorder => "recorder",
            Fault::Power => "power",
            Fault::Battery => "battery",
            Fault::StorageFull => "storage-full",
            Fault::Suspend => "suspend",
            Fault::Damage => "damage",
            Fault::Weather => "weather",
            Fault::Obstruction => "obstruction",
            Fault::PlaceChanged => "place-changed",
            Fault::Other => "other",
        }
    }

    /// Whether the device can tell it by itself. The others are an officer's word.
    #[must_use]
    pub fn is_known_by_device(self) -> bool {
        !matches!(self, Fault::Damage | Fault::Weather | Fault::Obstruction | Fault::PlaceChanged | Fault::Other)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
