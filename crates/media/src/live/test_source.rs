// SPDX-License-Identifier: MIT OR Apache-2.0
//! What GStreamer's test sources can show and play.
//!
//! Must not know settings.

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;

use crate::error::MediaError;
use crate::source::Source;

/// Checks the name of a pattern or wave against what the element knows.
pub(crate) fn known_nick(element: &str, property: &str, nick: &str, source: &Source) -> Result<String, MediaError> {
    let fail = |reason: String| MediaError::Unsupported { origin: source.to_string(), reason };
    let made = gst::ElementFactory::make(element).build();
    let made = made.map_err(|_| fail(format!("{element} is not installed")))?;
    let kind = made.find_property(property).map(|spec| spec.value_type());
    let class = kind.and_then(glib::EnumClass::with_type);
    let class = class.ok_or_else(|| fail(format!("{element} has no {property}")))?;
    if class.value_by_nick(nick).is_some() {
        return Ok(nick.to_owned());
    }
    let known: Vec<&str> = class.values().iter().map(|value| value.nick()).collect();
    Err(fail(format!("no such {property}; known are {}", known.join(", "))))
}
