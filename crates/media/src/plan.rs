// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which source is to be opened for a medium, and how.
//!
//! Checks settings; must not open anything for longer than to look at it.

use std::path::Path;

use crate::error::MediaError;
use crate::event::Medium;
use crate::live::{LivePlan, camera, microphone};
use crate::replay::ReplayPlan;
use crate::settings::Settings;
use crate::source::Source;

/// A source that is checked but not opened.
pub(crate) enum Plan {
    Live(LivePlan),
    Replay(ReplayPlan),
}

/// Whether this medium can be kept open while nothing is recorded: a camera or microphone can, and a file that stands for
/// one, played at its own pace again and again.
pub fn can_stand_by(settings: &Settings, medium: Medium) -> bool {
    source(settings, medium).is_some_and(|source| match source {
        Source::V4l2(_) | Source::Alsa(_) | Source::Test(_) => true,
        Source::Replay(_) => settings.replay.is_live(),
    })
}

/// The file that both media are to come from, if it is the same.
pub(crate) fn shared_file(settings: &Settings) -> Option<&Path> {
    match (source(settings, Medium::Video)?, source(settings, Medium::Audio)?) {
        (Source::Replay(video), Source::Replay(audio)) if video == audio => Some(video),
        _ => None,
    }
}

pub(crate) fn plan(settings: &Settings, medium: Medium) -> Result<Plan, MediaError> {
    let unwanted = || MediaError::pipeline("opening", format!("no {medium} is wanted"));
    match medium {
        Medium::Video => plan_video(settings).unwrap_or_else(|| Err(unwanted())),
        Medium::Audio => plan_audio(settings).unwrap_or_else(|| Err(unwanted())),
    }
}

fn plan_video(settings: &Settings) -> Option<Result<Plan, MediaError>> {
    let video = settings.video.as_ref()?;
    Some(match &video.source {
        Source::V4l2(path) => camera::camera_plan(video, path).map(Plan::Live),
        Source::Test(pattern) => camera::test_plan(video, pattern).map(Plan::Live),
        Source::Replay(path) => Ok(Plan::Replay(replay_plan(settings, path, &[Medium::Video]))),
        Source::Alsa(device) => Err(wrong_medium(device, "a microphone gives no picture")),
    })
}

fn plan_audio(settings: &Settings) -> Option<Result<Plan, MediaError>> {
    let audio = settings.audio.as_ref()?;
    Some(match &audio.source {
        Source::Alsa(device) => microphone::alsa_plan(audio, device).map(Plan::Live),
        Source::Test(wave) => microphone::test_plan(audio, wave).map(Plan::Live),
        Source::Replay(path) => Ok(Plan::Replay(replay_plan(settings, path, &[Medium::Audio]))),
        Source::V4l2(path) => {
            let device = path.display().to_string();
            Err(wrong_medium(&device, "a camera gives no sound; name an alsa: source"))
        }
    })
}

pub(crate) fn replay_plan(settings: &Settings, path: &Path, media: &[Medium]) -> ReplayPlan {
    ReplayPlan { path: path.to_owned(), media: media.to_vec(), settings: settings.replay }
}

fn source(settings: &Settings, medium: Medium) -> Option<&Source> {
    match medium {
        Medium::Video => settings.video.as_ref().map(|video| &video.source),
        Medium::Audio => settings.audio.as_ref().map(|audio| &audio.source),
    }
}

fn wrong_medium(device: &str, reason: &str) -> MediaError {
    MediaError::Unsupported { origin: device.to_owned(), reason: reason.to_owned() }
}
