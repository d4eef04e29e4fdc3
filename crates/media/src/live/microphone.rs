// SPDX-License-Identifier: MIT OR Apache-2.0
//! Describes the pipeline of a microphone or a test tone.
//!
//! Must not run it.

use crate::devices::microphones;
use crate::encoder::{AudioTask, audio_encoder};
use crate::error::MediaError;
use crate::event::Medium;
use crate::live::LivePlan;
use crate::live::test_source::known_nick;
use crate::settings::AudioSettings;
use crate::source::Source;

/// What ALSA may hold before it drops.
const ALSA_BUFFER_US: u32 = 500_000;
/// How much ALSA delivers at once.
const ALSA_PERIOD_US: u32 = 10_000;
/// Sound that may wait for the encoder.
const RAW_QUEUE_NS: u64 = 1_000_000_000;
const SINK: &str = "appsink name=out sync=false async=false max-buffers=1";

/// A test tone.
pub(crate) fn test_plan(settings: &AudioSettings, wave: &str) -> Result<LivePlan, MediaError> {
    let wave = if wave.is_empty() { "ticks" } else { wave };
    let wave = known_nick("audiotestsrc", "wave", wave, &settings.source)?;
    let samples = u64::from(settings.rate_hz) * u64::from(ALSA_PERIOD_US) / 1_000_000;
    let source = format!("audiotestsrc name=src is-live=true wave={wave} samplesperbuffer={}", samples.max(1));
    plan(settings, &source, None)
}

/// A microphone.
pub(crate) fn alsa_plan(settings: &AudioSettings, device: &str) -> Result<LivePlan, MediaError> {
    microphones::check(device)?;
    // As a clock the device would stop all time when unplugged.
    let source = format!(
        "alsasrc name=src provide-clock=false use-driver-timestamps=false buffer-time={ALSA_BUFFER_US} latency-time={ALSA_PERIOD_US}"
    );
    plan(settings, &source, Some(device.to_owned()))
}

fn plan(settings: &AudioSettings, source: &str, device: Option<String>) -> Result<LivePlan, MediaError> {
    let task = AudioTask { rate_hz: settings.rate_hz, channels: settings.channels, bitrate_bps: settings.bitrate_bps };
    let encoder = audio_encoder(&settings.encoders, &task)?;
    let queue = format!("queue name=raw max-size-buffers=0 max-size-bytes=0 max-size-time={RAW_QUEUE_NS}");
    Ok(LivePlan {
        source: Source::clone(&settings.source),
        medium: Medium::Audio,
        description: format!("{source} ! {queue} ! {} ! {SINK}", encoder.parts),
        encoder: encoder.name,
        device,
    })
}
