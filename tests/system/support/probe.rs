// SPDX-License-Identifier: MIT OR Apache-2.0
//! What other people's programs say about a file: ffmpeg and GStreamer.

use crate::support::process::{limited, quietly};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The hashes of all packets of a recording, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Packets {
    /// Of the pictures.
    pub(crate) video: Vec<String>,
    /// Of the sound.
    pub(crate) audio: Vec<String>,
}

impl Packets {
    /// All packets of these files, one file after the other.
    pub(crate) fn of<'a>(files: impl IntoIterator<Item = &'a PathBuf>) -> Packets {
        let mut all = Packets::default();
        files.into_iter().for_each(|file| all.read(file));
        all
    }

    fn read(&mut self, file: &Path) {
        let mut probe = limited("ffprobe");
        probe.args(["-v", "error", "-show_entries", "packet=codec_type,data_hash", "-show_data_hash", "md5"]);
        let said: Value = serde_json::from_str(&quietly({
            probe.args(["-of", "json"]).arg(file);
            probe
        }))
        .unwrap();
        for packet in said["packets"].as_array().unwrap() {
            let hash = packet["data_hash"].as_str().unwrap().to_owned();
            match packet["codec_type"].as_str() {
                Some("video") => self.video.push(hash),
                Some("audio") => self.audio.push(hash),
                other => panic!("{}: a packet of {other:?}", file.display()),
            }
        }
    }
}

/// How many packets each stream of a file has, counted by reading it: (pictures, sound).
pub(crate) fn counts(file: &Path) -> (u64, u64) {
    let mut probe = limited("ffprobe");
    probe.args(["-v", "error", "-count_packets", "-show_entries", "stream=codec_type,nb_read_packets", "-of", "json"]);
    let said: Value = serde_json::from_str(&quietly({
        probe.arg(file);
        probe
    }))
    .unwrap();
    let count = |kind: &str| {
        let streams = said["streams"].as_array().unwrap().iter().filter(|stream| stream["codec_type"] == kind);
        streams.map(|stream| stream["nb_read_packets"].as_str().unwrap().parse::<u64>().unwrap()).sum()
    };
    (count("video"), count("audio"))
}

/// At which time a player begins the file, in seconds.
pub(crate) fn start_time(file: &Path) -> f64 {
    let mut probe = limited("ffprobe");
    probe.args(["-v", "error", "-show_entries", "format=start_time", "-of", "csv=p=0"]).arg(file);
    quietly(probe).trim().parse().unwrap()
}

/// ffmpeg decodes the file alone, every frame, without a word.
pub(crate) fn assert_decodes(file: &Path) {
    let mut decode = limited("ffmpeg");
    decode.args(["-nostdin", "-v", "error", "-xerror", "-i"]).arg(file).args(["-f", "null", "-"]);
    assert_eq!(quietly(decode), "");
}

/// GStreamer decodes the files, each alone, both tracks to their end.
pub(crate) fn assert_gstreamer_plays(files: &[PathBuf]) {
    for some in files.chunks(8) {
        let mut launch = limited("gst-launch-1.0");
        launch.arg("--quiet");
        for (number, file) in some.iter().enumerate() {
            let (name, from) = (format!("name=d{number}"), format!("d{number}."));
            launch.arg("filesrc").arg(format!("location={}", file.display())).args(["!", "qtdemux", &name]);
            launch.args([&from, "!", "queue", "!", "h264parse", "!", "avdec_h264", "!", "fakesink"]);
            launch.args([&from, "!", "queue", "!", "aacparse", "!", "avdec_aac", "!", "fakesink"]);
        }
        quietly(launch);
    }
}

/// The sound of a file as samples: mono, 48 kHz.
pub(crate) fn samples(file: &Path) -> Vec<i16> {
    let mut decode = limited("ffmpeg");
    decode.args(["-nostdin", "-v", "error", "-i"]).arg(file).args(["-f", "s16le", "-ac", "1", "-ar", "48000", "-"]);
    let output = decode.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.chunks_exact(2).map(|bytes| i16::from_le_bytes([bytes[0], bytes[1]])).collect()
}
