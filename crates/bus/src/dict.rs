// SPDX-License-Identifier: MIT OR Apache-2.0
//! `a{sv}`: written with borrowed keys, read key by key with each type checked.

use std::collections::HashMap;
use std::str::FromStr;

use zbus::{ObjectPath, OwnedObjectPath, OwnedVariant, Variant};

use crate::types::Counters;
use crate::{IdError, SessionId};

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

/// Takes a text that stands for something.
pub(crate) fn take_parsed<T: FromStr>(dict: &mut Dict, key: &'static str) -> Result<T, BadField> {
    let text: String = take(dict, key)?;
    text.parse().map_err(|_| BadField(key))
}

/// A text that may be empty for "none".
pub(crate) fn optional_text(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// Takes an object that stands for a session; "/" is none.
pub(crate) fn take_session(dict: &mut Dict, key: &'static str) -> Result<Option<SessionId>, BadField> {
    let path: OwnedObjectPath = take(dict, key)?;
    optional_session(path.as_str()).map_err(|_| BadField(key))
}

/// The session that an object stands for; "/" is none.
pub(crate) fn optional_session(path: &str) -> Result<Option<SessionId>, IdError> {
    match path {
        "/" => Ok(None),
        path => SessionId::from_object_path(path).map(Some),
    }
}

/// The object that stands for a session, or "/".
pub(crate) fn session_path(session: Option<SessionId>) -> OwnedObjectPath {
    const NO_SESSION_PATH: ObjectPath<'static> = ObjectPath::from_static_str_unchecked("/");
    session.map_or_else(|| NO_SESSION_PATH.into(), SessionId::object_path)
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
