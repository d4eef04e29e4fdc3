// SPDX-License-Identifier: MIT OR Apache-2.0
//! Cameras and microphones in the words of the bus.

use bus::{ControlInfo, DeviceInfo, DeviceKind, FormatInfo};
use media::{Camera, CameraControl, CameraFormat, CaptureLevel, Microphone, Rate};

/// Lists the cameras and microphones of this machine. `in_use` are the sources that are being recorded.
pub(crate) fn list(in_use: &[String]) -> Vec<DeviceInfo> {
    let cameras = media::cameras().into_iter().map(camera);
    let mut devices: Vec<_> = cameras.chain(media::microphones().into_iter().map(microphone)).collect();
    for device in &mut devices {
        device.in_use = in_use.contains(&device.source);
    }
    devices
}

fn camera(camera: Camera) -> DeviceInfo {
    DeviceInfo {
        kind: DeviceKind::Camera,
        source: format!("v4l2:{}", camera.path.display()),
        name: if camera.driver.is_empty() { camera.name } else { format!("{} ({})", camera.name, camera.driver) },
        in_use: false,
        problem: camera.problem,
        formats: camera.formats.into_iter().flat_map(formats).collect(),
        controls: camera.controls.into_iter().filter_map(control).collect(),
    }
}

fn formats(format: CameraFormat) -> impl Iterator<Item = FormatInfo> {
    format.sizes.into_iter().map(move |size| FormatInfo {
        encoding: format.fourcc.clone(),
        width_px: Some(size.width),
        height_px: Some(size.height),
        frames_per_second: size.rates.into_iter().map(frames_per_second).collect(),
        ..FormatInfo::default()
    })
}

fn frames_per_second(rate: Rate) -> f64 {
    f64::from(rate.frames) / f64::from(rate.seconds.max(1))
}

fn control(control: CameraControl) -> Option<ControlInfo> {
    let CameraControl { name, minimum, maximum, value, .. } = control;
    Some(ControlInfo { name, minimum, maximum, value: value? })
}

fn microphone(microphone: Microphone) -> DeviceInfo {
    let (rates_hz, channels_max) = (microphone.rates_hz, Some(microphone.channels_max));
    let format = |encoding| FormatInfo { encoding, rates_hz: rates_hz.clone(), channels_max, ..FormatInfo::default() };
    DeviceInfo {
        kind: DeviceKind::Microphone,
        source: format!("alsa:{}", microphone.device),
        name: microphone.name,
        in_use: false,
        problem: microphone.problem,
        formats: microphone.encodings.into_iter().map(format).collect(),
        controls: microphone.levels.into_iter().map(level).collect(),
    }
}

fn level(level: CaptureLevel) -> ControlInfo {
    let name = if level.enabled { format!("{} (%)", level.name) } else { format!("{} (%, muted)", level.name) };
    ControlInfo { name, minimum: 0, maximum: 100, value: i64::from(level.percent) }
}
