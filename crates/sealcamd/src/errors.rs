// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which kind of bus error each failure is.

use bus::{BusError, ErrorKind};
use media::MediaError;
use recorder::Refusal;
use store::StoreError;

pub(crate) fn refused(refusal: Refusal) -> BusError {
    let kind = match refusal {
        Refusal::AlreadyRecording => ErrorKind::AlreadyRecording,
        Refusal::NotRecording => ErrorKind::NotRecording,
        Refusal::ShuttingDown => ErrorKind::ShuttingDown,
    };
    BusError::new(kind, refusal)
}

pub(crate) fn from_store(error: &StoreError) -> BusError {
    BusError::new(ErrorKind::StorageFailed, error)
}

pub(crate) fn from_media(error: &MediaError) -> BusError {
    let kind = match error {
        MediaError::Missing { .. } | MediaError::Unreadable { .. } => ErrorKind::DeviceMissing,
        MediaError::Busy { .. } => ErrorKind::DeviceBusy,
        MediaError::NoEncoder { .. } => ErrorKind::NoEncoder,
        _ => ErrorKind::DeviceFailed,
    };
    BusError::new(kind, error)
}
