// SPDX-License-Identifier: MIT OR Apache-2.0
//! `a{sv}`: written with borrowed keys, read key by key with each type checked.

use std::collections::HashMap;

use zbus::{OwnedVariant, Variant};

use crate::types::Counters;

/// An `a{sv}` that came over the bus.
pub(crate) type Dict = HashMap<String, OwnedVariant>;
/// An `a{sv}` that goes over the bus.
pub(crate) type Reply = HashMap<&'static str, Variant<'static>>;

/// A key that should be there with a certain type, and is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is missing or has an unknown form")]
pub(crate) struct BadField(pub(crate) &'static str);

/// Takes a value that must be there.
pub(crate) fn take<T: TryFrom<OwnedVariant>>(dict: &mut Dict, key: &'static str) -> Result<T, BadField> {
    take_optional(dict, key)?.ok_or(BadField(key))
}

/// Takes a value that may be absent.
pub(crate) fn take_optional<T: TryFrom<OwnedVariant>>(
    dict: &mut Dict,
    key: &'static str,
) -> Result<Option<T>, BadField> {
    dict.remove(key).map(|value| T::try_from(value).map_err(|_| BadField(key))).transpose()
}

/// Takes an `aa{sv}`, each part read by `read`.
pub(crate) fn take_list<T>(
    dict: &mut Dict,
    key: &'static str,
    read: fn(Dict) -> Result<T, BadField>,
) -> Result<Vec<T>, BadField> {
    let parts: Vec<Dict> = take(dict, key)?;
    parts.into_iter().map(read).collect()
}

macro_rules! counters {
    ($($field:ident),*) => {
        impl Counters {
            /// The counters as they go over the bus.
            pub(crate) fn to_reply(self) -> Reply {
                Reply::from([$((stringify!($field), self.$field.into()),)*])
            }

            /// The counters as they came over the bus.
            pub(crate) fn from_dict(mut dict: Dict) -> Result<Self, BadField> {
                Ok(Self { $($field: take(&mut dict, stringify!($field))?,)* })
            }
        }
    };
}
counters!(video_frames, audio_packets, video_lost, audio_lost, chunks, segments, bytes, duration_ns);
