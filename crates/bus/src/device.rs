// SPDX-License-Identifier: MIT OR Apache-2.0
//! Cameras and microphones as `ListDevices` gives them, and their form on the bus.

use serde::{Deserialize, Serialize};

use crate::dict::{BadField, Dict, Reply, take, take_list, take_optional, take_parsed};
use crate::types::words;

words! {
    /// What a device captures.
    DeviceKind {
        /// Pictures.
        Camera = "camera",
        /// Sound.
        Microphone = "microphone",
    }
}

/// A way in which a device can capture.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FormatInfo {
    /// The device's word for the encoding: `MJPG`, `YUYV`, `S16_LE`.
    pub encoding: String,
    /// Width of the picture.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub width_px: Option<u32>,
    /// Height of the picture.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub height_px: Option<u32>,
    /// Frame rates of a camera.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub frames_per_second: Vec<f64>,
    /// Sample rates of a microphone.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rates_hz: Vec<u32>,
    /// The most channels a microphone gives.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub channels_max: Option<u32>,
}

/// Something that can be set on a device: exposure, infrared, capture level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlInfo {
    /// The device's name for it.
    pub name: String,
    /// The lowest value.
    pub minimum: i64,
    /// The highest value.
    pub maximum: i64,
    /// The value now.
    pub value: i64,
}

/// A camera or a microphone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// What it captures.
    pub kind: DeviceKind,
    /// How the configuration names it: `v4l2:/dev/video0`, `alsa:hw:0`.
    pub source: String,
    /// What the device calls itself.
    pub name: String,
    /// Whether the recorder records from it.
    pub in_use: bool,
    /// Why it cannot be used now.
    pub problem: Option<String>,
    /// How it can capture.
    pub formats: Vec<FormatInfo>,
    /// What can be set on it.
    pub controls: Vec<ControlInfo>,
}

impl FormatInfo {
    fn to_reply(&self) -> Reply {
        let mut reply = Reply::from([("encoding", self.encoding.clone().into())]);
        reply.extend(self.width_px.map(|px| ("width_px", px.into())));
        reply.extend(self.height_px.map(|px| ("height_px", px.into())));
        if !self.frames_per_second.is_empty() {
            reply.insert("frames_per_second", self.frames_per_second.clone().into());
        }
        if !self.rates_hz.is_empty() {
            reply.insert("rates_hz", self.rates_hz.clone().into());
        }
        reply.extend(self.channels_max.map(|count| ("channels_max", count.into())));
        reply
    }

    fn from_dict(mut dict: Dict) -> Result<Self, BadField> {
        Ok(Self {
            encoding: take(&mut dict, "encoding")?,
            width_px: take_optional(&mut dict, "width_px")?,
            height_px: take_optional(&mut dict, "height_px")?,
            frames_per_second: take_optional(&mut dict, "frames_per_second")?.unwrap_or_default(),
            rates_hz: take_optional(&mut dict, "rates_hz")?.unwrap_or_default(),
            channels_max: take_optional(&mut dict, "channels_max")?,
        })
    }
}

impl ControlInfo {
    fn to_reply(&self) -> Reply {
        Reply::from([
            ("name", self.name.clone().into()),
            ("minimum", self.minimum.into()),
            ("maximum", self.maximum.into()),
            ("value", self.value.into()),
        ])
    }

    fn from_dict(mut dict: Dict) -> Result<Self, BadField> {
        Ok(Self {
            name: take(&mut dict, "name")?,
            minimum: take(&mut dict, "minimum")?,
            maximum: take(&mut dict, "maximum")?,
            value: take(&mut dict, "value")?,
        })
    }
}

impl DeviceInfo {
    /// The device as it goes over the bus.
    pub(crate) fn to_reply(&self) -> Reply {
        let formats: Vec<Reply> = self.formats.iter().map(FormatInfo::to_reply).collect();
        let controls: Vec<Reply> = self.controls.iter().map(ControlInfo::to_reply).collect();
        Reply::from([
            ("kind", self.kind.as_str().into()),
            ("source", self.source.clone().into()),
            ("name", self.name.clone().into()),
            ("in_use", self.in_use.into()),
            ("problem", self.problem.clone().unwrap_or_default().into()),
            ("formats", formats.into()),
            ("controls", controls.into()),
        ])
    }

    /// The device as it came over the bus.
    pub(crate) fn from_dict(mut dict: Dict) -> Result<Self, BadField> {
        let problem: String = take(&mut dict, "problem")?;
        Ok(Self {
            kind: take_parsed(&mut dict, "kind")?,
            source: take(&mut dict, "source")?,
            name: take(&mut dict, "name")?,
            in_use: take(&mut dict, "in_use")?,
            problem: Some(problem).filter(|problem| !problem.is_empty()),
            formats: take_list(&mut dict, "formats", FormatInfo::from_dict)?,
            controls: take_list(&mut dict, "controls", ControlInfo::from_dict)?,
        })
    }
}
