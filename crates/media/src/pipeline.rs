// SPDX-License-Identifier: MIT OR Apache-2.0
//! Small tools for GStreamer pipelines: build, change state within a time limit, take frames.
//!
//! Must not know which source or mux it serves.

use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use crate::error::MediaError;
use crate::sync::{lock, wait_while};

/// No state change may take longer; a driver that hangs must not hang the recorder.
const STATE_CHANGE_LIMIT: Duration = Duration::from_secs(10);
/// Taking a pipeline down may take no longer; after that it is left behind.
const TEARDOWN_LIMIT: Duration = Duration::from_secs(3);

/// Builds a pipeline from its description.
pub(crate) fn build(description: &str) -> Result<gst::Pipeline, MediaError> {
    let fail = |reason: String| {
        tracing::debug!(description, reason, "this pipeline cannot be built");
        MediaError::pipeline("building the pipeline", reason)
    };
    gst::parse::launch(description)
        .map_err(|error| fail(reason(&error, "")))?
        .downcast::<gst::Pipeline>()
        .map_err(|_| fail("is a single element".to_owned()))
}

/// The element of this name in a pipeline.
pub(crate) fn element(pipeline: &gst::Pipeline, name: &str) -> Result<gst::Element, MediaError> {
    let missing = || MediaError::pipeline(format!("element '{name}'"), "is not in the pipeline");
    pipeline.by_name(name).ok_or_else(missing)
}

/// The appsink of this name in a pipeline.
pub(crate) fn appsink(pipeline: &gst::Pipeline, name: &str) -> Result<gst_app::AppSink, MediaError> {
    let wrong = |_| MediaError::pipeline(format!("element '{name}'"), "is no appsink");
    element(pipeline, name)?.downcast().map_err(wrong)
}

/// The state changes of one device that have not come to an end. A driver may hold one for ever; as long as it does, the
/// device is not opened again, so that no more than one is ever held.
#[derive(Clone, Default)]
pub(crate) struct Changes(Arc<(Mutex<usize>, Condvar)>);

impl Changes {
    fn begin(&self) {
        *lock(&self.0.0) += 1;
    }

    fn end(&self) {
        *lock(&self.0.0) -= 1;
        self.0.1.notify_all();
    }

    /// Whether all are done, waiting for it at most `limit`.
    pub(crate) fn wait_done(&self, limit: Duration) -> bool {
        *wait_while(lock(&self.0.0), &self.0.1, limit, |count| *count > 0) == 0
    }
}

/// Starts a pipeline, within a time limit.
pub(crate) fn play(pipeline: &gst::Pipeline) -> Result<(), MediaError> {
    play_device(pipeline, &Changes::default())
}

/// The same for a pipeline with a device.
pub(crate) fn play_device(pipeline: &gst::Pipeline, changes: &Changes) -> Result<(), MediaError> {
    let fail = |reason| MediaError::pipeline("starting the pipeline", reason);
    match change_state(pipeline, gst::State::Playing, STATE_CHANGE_LIMIT, changes) {
        Some(true) => Ok(()),
        Some(false) => Err(fail("an element refused")),
        None => Err(fail("no answer from the device")),
    }
}

/// Takes a pipeline down. If that hangs, leaves it behind and says so in the log.
pub(crate) fn shut(pipeline: &gst::Pipeline) {
    shut_device(pipeline, &Changes::default());
}

/// The same for a pipeline with a device.
pub(crate) fn shut_device(pipeline: &gst::Pipeline, changes: &Changes) {
    if change_state(pipeline, gst::State::Null, TEARDOWN_LIMIT, changes).is_none() {
        tracing::error!(pipeline = %pipeline.name(), "does not stop; it is left behind");
    }
}

/// Takes a pipeline down from one of its own threads: another thread does it.
pub(crate) fn shut_device_later(pipeline: &gst::Pipeline, changes: &Changes) {
    let (pipeline, changes) = (pipeline.clone(), changes.clone());
    std::thread::spawn(move || shut_device(&pipeline, &changes));
}

/// `None` if the change is not done in time.
fn change_state(pipeline: &gst::Pipeline, state: gst::State, limit: Duration, changes: &Changes) -> Option<bool> {
    let (done, waiting) = mpsc::channel();
    let (pipeline, changes) = (pipeline.clone(), changes.clone());
    changes.begin();
    std::thread::spawn(move || {
        let changed = pipeline.set_state(state).is_ok();
        changes.end();
        // A receiver that gave up waiting is no error here.
        let _ = done.send(changed);
    });
    waiting.recv_timeout(limit).ok()
}

/// What an error message on the bus says, in one line; where it came from is for the debug log.
pub(crate) fn reason_of(error: &gst::message::Error) -> String {
    reason(&error.error(), &error.debug().unwrap_or_default())
}

/// An error with the detail that helps, which is the last line of its debug text.
pub(crate) fn reason(error: &gst::glib::Error, details: &str) -> String {
    tracing::debug!(%error, details, "GStreamer error");
    let detail = details.lines().last().unwrap_or_default().trim();
    let text = error.to_string();
    let text = text.lines().next().unwrap_or_default().trim().trim_end_matches('.').to_owned();
    if detail.is_empty() || detail.contains(&text) { text } else { format!("{text} ({detail})") }
}

/// The value of a pad's or sample's integer field.
pub(crate) fn caps_u32(caps: &gst::CapsRef, field: &str) -> u32 {
    caps.structure(0)
        .and_then(|fields| fields.get::<i32>(field).ok())
        .and_then(|value| u32::try_from(value).ok())
        .unwrap_or(0)
}

/// The value of a text field.
pub(crate) fn caps_text(caps: &gst::CapsRef, field: &str) -> Option<String> {
    caps.structure(0).and_then(|fields| fields.get::<String>(field).ok())
}

/// The value of a fraction field such as the frame rate.
pub(crate) fn caps_fraction(caps: &gst::CapsRef, field: &str) -> Option<(u32, u32)> {
    let fraction = caps.structure(0)?.get::<gst::Fraction>(field).ok()?;
    Some((u32::try_from(fraction.numer()).ok()?, u32::try_from(fraction.denom()).ok()?))
}
