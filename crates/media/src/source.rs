// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where pictures and sound come from, as written in configuration.
//!
//! Only names: must not know how any of them is opened.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::error::SourceError;

/// One source of one medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `v4l2:/dev/video0`: a camera.
    V4l2(PathBuf),
    /// `alsa:hw:0`: a microphone.
    Alsa(String),
    /// `replay:FILE`: an MP4 recorded earlier, passed through.
    Replay(PathBuf),
    /// `test:` or `test:PATTERN`: a live test picture or tone.
    Test(String),
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let unknown = || SourceError(text.to_owned());
        let (kind, rest) = text.split_once(':').ok_or_else(unknown)?;
        match (kind, rest) {
            ("test", pattern) => Ok(Self::Test(pattern.to_owned())),
            (_, "") => Err(unknown()),
            ("v4l2", device) => Ok(Self::V4l2(device.into())),
            ("alsa", device) => Ok(Self::Alsa(device.to_owned())),
            ("replay", file) => Ok(Self::Replay(file.into())),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4l2(device) => write!(f, "v4l2:{}", device.display()),
            Self::Alsa(device) => write!(f, "alsa:{device}"),
            Self::Replay(file) => write!(f, "replay:{}", file.display()),
            Self::Test(pattern) => write!(f, "test:{pattern}"),
        }
    }
}

impl Source {
    /// The device or file alone, for messages.
    pub(crate) fn device(&self) -> String {
        match self {
            Self::V4l2(path) | Self::Replay(path) => path.display().to_string(),
            Self::Alsa(device) => device.clone(),
            Self::Test(_) => self.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_back_as_written() {
        for text in ["v4l2:/dev/video0", "alsa:hw:0,1", "replay:a b.mp4", "test:", "test:ball"] {
            let source: Source = text.parse().unwrap();
            assert_eq!(source.to_string(), text);
        }
    }

    #[test]
    fn a_wrong_one_says_what_is_allowed() {
        for text in ["", "v4l2", "v4l2:", "alsa:", "replay:", "rtsp://x", "/dev/video0"] {
            let error = text.parse::<Source>().unwrap_err().to_string();
            assert!(error.contains("replay:FILE") && error.contains(text), "{error}");
        }
    }
}
