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
    BusError::new(ErrorKind::StorageFailed, storage(error))
}

/// A storage error, with what helps where another try does not.
pub(crate) fn storage(error: &StoreError) -> String {
    match error {
        StoreError::Latched(_) => format!("{error}; see to the storage, then restart the recorder"),
        _ => error.to_string(),
    }
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

/// Neither in a recording nor free.
pub(crate) fn camera_in_transit() -> BusError {
    BusError::new(ErrorKind::DeviceBusy, "the camera is being opened or closed; try again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_only_a_restart_helps_it_is_said() {
        let error = from_store(&StoreError::Latched("/evidence/ledger.cbor".into()));
        assert_eq!(error.kind(), ErrorKind::StorageFailed);
        assert!(error.message().ends_with("then restart the recorder"), "{error}");
    }
}
