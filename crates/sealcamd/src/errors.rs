// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which kind of bus error each failure is.

use bus::{BusError, ErrorKind};
use media::MediaError;
use recorder::{NotStarted, Refusal};
use store::StoreError;

pub(crate) fn refused(refusal: Refusal) -> BusError {
    let kind = match refusal {
        Refusal::AlreadyRecording => ErrorKind::AlreadyRecording,
        Refusal::NotRecording => ErrorKind::NotRecording,
        Refusal::NoMedia => ErrorKind::InvalidOption,
        Refusal::StorageFull => ErrorKind::StorageFailed,
        Refusal::NotReady => ErrorKind::Internal,
        Refusal::ShuttingDown => ErrorKind::ShuttingDown,
    };
    match refusal {
        Refusal::StorageFull => BusError::new(kind, format!("{refusal}; free some space or exchange the storage")),
        _ => BusError::new(kind, refusal),
    }
}

pub(crate) fn not_started(why: &NotStarted) -> BusError {
    let kind = match why {
        NotStarted::Source { .. } => ErrorKind::DeviceFailed,
        NotStarted::Session(_) => ErrorKind::Internal,
        NotStarted::Storage(_) => ErrorKind::StorageFailed,
        NotStarted::Stopped => ErrorKind::NotRecording,
        NotStarted::ShuttingDown => ErrorKind::ShuttingDown,
    };
    BusError::new(kind, why)
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
        MediaError::Missing { .. } => ErrorKind::DeviceMissing,
        MediaError::Busy { .. } => ErrorKind::DeviceBusy,
        MediaError::NoEncoder { .. } => ErrorKind::NoEncoder,
        MediaError::Unreadable { .. } | MediaError::NotMp4 { .. } | MediaError::Unsupported { .. } => {
            ErrorKind::SourceUnusable
        }
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
    fn a_file_is_no_device() {
        let (path, reason) = ("notes.txt".into(), "no atom".into());
        let error = from_media(&MediaError::NotMp4 { path, reason });
        assert_eq!(error.kind(), ErrorKind::SourceUnusable);
        assert_eq!(error.message(), "notes.txt: is no MP4, or a damaged one: no atom");
    }

    #[test]
    fn where_only_a_restart_helps_it_is_said() {
        let error = from_store(&StoreError::Latched("/evidence/ledger.cbor".into()));
        assert_eq!(error.kind(), ErrorKind::StorageFailed);
        assert!(error.message().ends_with("then restart the recorder"), "{error}");
    }
}
