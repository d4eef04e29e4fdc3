// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds an encoder that works here, by letting each encode one frame of the wanted size.
//!
//! An encoder's plugin being installed says nothing: the device behind it may be missing or may
//! refuse the size. Must not know sources.

use gstreamer as gst;
use gstreamer::prelude::*;

use crate::error::MediaError;
use crate::event::Medium;
use crate::pipeline;

/// Encoding the trial frame may take no longer.
const TRIAL_LIMIT: gst::ClockTime = gst::ClockTime::from_seconds(5);
/// What goes into the trial. One is enough to see that the device is there and takes the size, and more is work at each start.
const TRIAL_FRAMES: u32 = 1;
/// Samples in each trial buffer: what AAC takes for one packet.
const TRIAL_SAMPLES: u32 = 1024;

/// A working encoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Encoder {
    pub(crate) name: String,
    /// Its part of a pipeline description, from raw to encoded.
    pub(crate) parts: String,
}

/// What the picture encoder is to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VideoTask {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) frame_rate: u32,
    pub(crate) bitrate_bps: u32,
    pub(crate) key_interval_ms: u32,
}

impl VideoTask {
    fn key_interval_frames(&self) -> u32 {
        (u64::from(self.key_interval_ms) * u64::from(self.frame_rate) / 1000).max(1) as u32
    }

    fn bitrate_kbps(&self) -> u32 {
        (self.bitrate_bps / 1000).max(1)
    }
}

/// What the sound encoder is to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AudioTask {
    pub(crate) rate_hz: u32,
    pub(crate) channels: u32,
    pub(crate) bitrate_bps: u32,
}

/// The first picture encoder in the list that works.
pub(crate) fn video_encoder(names: &[String], task: &VideoTask) -> Result<Encoder, MediaError> {
    let source = format!(
        "videotestsrc pattern=black num-buffers={TRIAL_FRAMES} ! video/x-raw,format=I420,width={},height={},framerate={}/1",
        task.width, task.height, task.frame_rate
    );
    first_working(Medium::Video, names, &source, |name| video_parts(name, task))
}

/// The first sound encoder in the list that works.
pub(crate) fn audio_encoder(names: &[String], task: &AudioTask) -> Result<Encoder, MediaError> {
    let source = format!(
        "audiotestsrc samplesperbuffer={TRIAL_SAMPLES} num-buffers={TRIAL_FRAMES} ! audio/x-raw,rate={},channels={}",
        task.rate_hz, task.channels
    );
    first_working(Medium::Audio, names, &source, |name| audio_parts(name, task))
}

fn first_working(
    medium: Medium,
    names: &[String],
    source: &str,
    parts_of: impl Fn(&str) -> Option<String>,
) -> Result<Encoder, MediaError> {
    let mut tried = Vec::new();
    for name in names {
        let parts = parts_of(name);
        match parts.as_deref().map(|parts| try_encoder(name, source, parts)) {
            Some(Ok(())) => {
                return Ok(Encoder { name: name.clone(), parts: parts.unwrap_or_default() });
            }
            Some(Err(reason)) => tried.push(format!("{name} ({reason})")),
            None => tried.push(format!("{name} (not known to this recorder)")),
        }
    }
    Err(MediaError::NoEncoder { medium, tried: tried.join(", ") })
}

/// The parts between raw frames and the appsink, per encoder.
fn video_parts(name: &str, task: &VideoTask) -> Option<String> {
    let (key, kbps, bps) = (task.key_interval_frames(), task.bitrate_kbps(), task.bitrate_bps);
    let encoder = match name {
        // Without scene cuts, key frames come when they are wanted: chunks begin with them.
        "x264enc" => format!(
            "x264enc tune=zerolatency speed-preset=veryfast bframes=0 option-string=scenecut=0 bitrate={kbps} key-int-max={key}"
        ),
        "openh264enc" => format!("openh264enc rate-control=bitrate complexity=low bitrate={bps} gop-size={key}"),
        "vah264enc" => {
            format!("vah264enc rate-control=cbr b-frames=0 bitrate={kbps} key-int-max={key}")
        }
        // The driver ignores requests for key frames and needs a level in its caps.
        "v4l2h264enc" => format!(
            "v4l2h264enc extra-controls=\"controls,video_bitrate_mode=0,video_bitrate={bps},h264_i_frame_period={key},repeat_sequence_header=1\" ! video/x-h264,profile=high,level=(string){}",
            level(task)
        ),
        _ => return None,
    };
    Some(format!("videoconvert ! {encoder} ! {VIDEO_OUT}"))
}

/// From any H.264 to the form MP4 wants.
pub(crate) const VIDEO_OUT: &str = "h264parse ! video/x-h264,stream-format=avc,alignment=au";

/// The lowest H.264 level for the number of macroblocks per second.
fn level(task: &VideoTask) -> &'static str {
    let blocks = task.width.div_ceil(16) * task.height.div_ceil(16);
    match u64::from(blocks) * u64::from(task.frame_rate) {
        0..=40_500 => "3",
        40_501..=108_000 => "3.1",
        108_001..=216_000 => "3.2",
        216_001..=245_760 => "4.1",
        _ => "4.2",
    }
}

fn audio_parts(name: &str, task: &AudioTask) -> Option<String> {
    let bps = task.bitrate_bps;
    let encoder = match name {
        "fdkaacenc" | "avenc_aac" | "voaacenc" => format!("{name} bitrate={bps}"),
        _ => return None,
    };
    Some(format!(
        "audioconvert ! audioresample ! audio/x-raw,rate={},channels={} ! {encoder} ! aacparse ! audio/mpeg,mpegversion=4,stream-format=raw",
        task.rate_hz, task.channels
    ))
}

fn try_encoder(name: &str, source: &str, parts: &str) -> Result<(), String> {
    if gst::ElementFactory::find(name).is_none() {
        return Err("not installed".to_owned());
    }
    // Else the end would wait until the frames are taken, and they are counted after the end.
    let sink = "appsink name=out sync=false wait-on-eos=false";
    let pipeline = pipeline::build(&format!("{source} ! {parts} ! {sink}")).map_err(|error| error.reason())?;
    let outcome = run_trial(&pipeline);
    pipeline::shut(&pipeline);
    outcome
}

fn run_trial(pipeline: &gst::Pipeline) -> Result<(), String> {
    let bus = pipeline.bus().ok_or("no bus")?;
    if let Err(error) = pipeline::play(pipeline) {
        return Err(bus_error(&bus, gst::ClockTime::ZERO).unwrap_or_else(|| error.to_string()));
    }
    if let Some(reason) = bus_error(&bus, TRIAL_LIMIT) {
        return Err(reason);
    }
    let sink = pipeline::appsink(pipeline, "out").map_err(|error| error.to_string())?;
    sink.try_pull_sample(gst::ClockTime::ZERO).map(|_| ()).ok_or_else(|| "gave no frame".to_owned())
}

/// Waits for the end; `Some` if it was not a good one.
fn bus_error(bus: &gst::Bus, limit: gst::ClockTime) -> Option<String> {
    let ends = [gst::MessageType::Eos, gst::MessageType::Error];
    match bus.timed_pop_filtered(limit, &ends) {
        None => Some(format!("not done within {} s", limit.seconds())),
        Some(message) => match message.view() {
            gst::MessageView::Error(error) => Some(pipeline::reason_of(error)),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: VideoTask =
        VideoTask { width: 320, height: 180, frame_rate: 10, bitrate_bps: 300_000, key_interval_ms: 1000 };

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_first_that_works_is_taken() {
        crate::init().unwrap();
        let found = video_encoder(&names(&["nosuchenc", "v4l2h264enc", "x264enc"]), &TASK);
        assert_eq!(found.unwrap().name, "x264enc");
    }

    #[test]
    fn the_known_software_encoders_work() {
        crate::init().unwrap();
        for name in ["x264enc", "openh264enc"] {
            assert_eq!(video_encoder(&names(&[name]), &TASK).unwrap().name, name);
        }
        let task = AudioTask { rate_hz: 48_000, channels: 1, bitrate_bps: 64_000 };
        for name in ["avenc_aac", "voaacenc"] {
            assert_eq!(audio_encoder(&names(&[name]), &task).unwrap().name, name);
        }
    }

    #[test]
    fn none_working_says_why_for_each() {
        crate::init().unwrap();
        let error = video_encoder(&names(&["nosuchenc", "v4l2h264enc"]), &TASK).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("nosuchenc (not known") && text.contains("v4l2h264enc ("), "{text}");
    }

    #[test]
    fn levels_grow_with_the_picture() {
        let at = |width, height, frame_rate| level(&VideoTask { width, height, frame_rate, ..TASK });
        assert_eq!(at(640, 360, 30), "3");
        assert_eq!(at(1280, 720, 30), "3.1");
        assert_eq!(at(1920, 1080, 30), "4.1");
    }
}
