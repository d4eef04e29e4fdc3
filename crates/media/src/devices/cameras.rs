// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lists cameras with their formats and controls, through V4L2.
//!
//! Must not know which mode capture will take.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use v4l::Device;
use v4l::capability::Flags;
use v4l::control::{Type, Value};
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;
use v4l::video::Capture as _;

use crate::error::MediaError;
use crate::modes::{Coding, Mode, Rate, Wanted};

/// One camera.
#[derive(Debug, Clone, Default)]
pub struct Camera {
    /// Device node.
    pub path: PathBuf,
    /// What it calls itself.
    pub name: String,
    /// Kernel driver.
    pub driver: String,
    /// What it can deliver.
    pub formats: Vec<CameraFormat>,
    /// What can be set.
    pub controls: Vec<CameraControl>,
    /// Why this entry is incomplete, if it is.
    pub problem: Option<String>,
}

/// One pixel format or codec of a camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraFormat {
    /// Four letters, such as `MJPG`.
    pub fourcc: String,
    /// Its sizes.
    pub sizes: Vec<CameraSize>,
}

/// One size of a format, with its frame rates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraSize {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames per second.
    pub rates: Vec<Rate>,
}

/// One thing that can be set, such as the exposure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraControl {
    /// The driver's name.
    pub name: String,
    /// Lowest value.
    pub minimum: i64,
    /// Highest value.
    pub maximum: i64,
    /// Value now, where it can be read as a number.
    pub value: Option<i64>,
}

/// All cameras. A device with a problem is listed with it.
pub fn cameras() -> Vec<Camera> {
    let mut nodes = v4l::context::enum_devices();
    nodes.sort_by_key(v4l::context::Node::index);
    nodes.iter().filter_map(|node| guarded(node.path())).collect()
}

/// The driver library panics on some drivers' answers; such a device is listed with that problem.
fn guarded(path: &Path) -> Option<Camera> {
    let broken = |problem: String| Some(Camera { path: path.to_owned(), problem: Some(problem), ..Camera::default() });
    match catch_unwind(AssertUnwindSafe(|| describe(path))) {
        Ok(Ok(camera)) => camera,
        Ok(Err(error)) => broken(error.to_string()),
        Err(_) => broken("its driver gives answers that cannot be read".to_owned()),
    }
}

/// `None` if the node is not a camera but, say, a codec or its metadata.
fn describe(path: &Path) -> io::Result<Option<Camera>> {
    let device = Device::with_path(path)?;
    let caps = match device.query_caps() {
        Err(error) if error.raw_os_error() == Some(ENOTTY) => return Ok(None),
        other => other?,
    };
    if !caps.capabilities.intersects(Flags::VIDEO_CAPTURE | Flags::VIDEO_CAPTURE_MPLANE) {
        return Ok(None);
    }
    let mut problem = None;
    let formats = keep(formats(&device), &mut problem);
    let controls = keep(controls(&device), &mut problem);
    if formats.is_empty() && problem.is_none() {
        return Ok(None);
    }
    Ok(Some(Camera { path: path.to_owned(), name: caps.card, driver: caps.driver, formats, controls, problem }))
}

fn keep<T>(result: io::Result<Vec<T>>, problem: &mut Option<String>) -> Vec<T> {
    result.unwrap_or_else(|error| {
        problem.get_or_insert(error.to_string());
        Vec::new()
    })
}

fn formats(device: &Device) -> io::Result<Vec<CameraFormat>> {
    let found = device.enum_formats()?;
    found
        .into_iter()
        .map(|format| {
            Ok(CameraFormat {
                fourcc: format.fourcc.to_string().trim_end().to_owned(),
                sizes: sizes(device, format.fourcc)?,
            })
        })
        .collect()
}

fn sizes(device: &Device, fourcc: v4l::FourCC) -> io::Result<Vec<CameraSize>> {
    let mut sizes = Vec::new();
    for found in device.enum_framesizes(fourcc)? {
        for (width, height) in discrete(found.size) {
            let rates = rates(device, fourcc, width, height);
            sizes.push(CameraSize { width, height, rates });
        }
    }
    Ok(sizes)
}

/// Usual sizes to name where a camera takes any.
const USUAL_SIZES: [(u32, u32); 7] =
    [(1920, 1080), (1280, 720), (640, 480), (640, 360), (320, 240), (320, 180), (160, 120)];

fn discrete(size: FrameSizeEnum) -> Vec<(u32, u32)> {
    match size {
        FrameSizeEnum::Discrete(size) => vec![(size.width, size.height)],
        FrameSizeEnum::Stepwise(range) => {
            let fits = |(width, height): &(u32, u32)| {
                (range.min_width..=range.max_width).contains(width)
                    && (range.min_height..=range.max_height).contains(height)
            };
            let largest = (range.max_width, range.max_height);
            let usual = USUAL_SIZES.into_iter().filter(fits);
            std::iter::once(largest).chain(usual.filter(|size| *size != largest)).collect()
        }
    }
}

/// A driver that lists no intervals still delivers; then the list is empty.
fn rates(device: &Device, fourcc: v4l::FourCC, width: u32, height: u32) -> Vec<Rate> {
    let intervals = device.enum_frameintervals(fourcc, width, height).unwrap_or_default();
    let mut rates = Vec::new();
    for found in intervals {
        let interval = match found.interval {
            FrameIntervalEnum::Discrete(interval) => interval,
            FrameIntervalEnum::Stepwise(range) => range.min,
        };
        if interval.numerator > 0 {
            rates.push(Rate { frames: interval.denominator, seconds: interval.numerator });
        }
    }
    rates
}

fn controls(device: &Device) -> io::Result<Vec<CameraControl>> {
    let found = device.query_controls()?;
    let settable = found.into_iter().filter(|control| control.typ != Type::CtrlClass);
    Ok(settable
        .map(|control| CameraControl {
            value: control_value(device, control.id),
            name: control.name,
            minimum: control.minimum,
            maximum: control.maximum,
        })
        .collect())
}

fn control_value(device: &Device, id: u32) -> Option<i64> {
    match device.control(id).ok()?.value {
        Value::Integer(value) => Some(value),
        Value::Boolean(value) => Some(i64::from(value)),
        _ => None,
    }
}

/// What this camera can do, as far as this recorder can use it.
pub(crate) fn modes_of(path: &Path, wanted: Wanted) -> Result<Vec<Mode>, MediaError> {
    check(path)?;
    let camera = guarded(path).ok_or_else(|| not_a_camera(path))?;
    if let (Some(problem), true) = (&camera.problem, camera.formats.is_empty()) {
        return Err(MediaError::pipeline(path.display().to_string(), problem));
    }
    Ok(camera.formats.iter().flat_map(|format| format_modes(format, wanted)).collect())
}

fn format_modes(format: &CameraFormat, wanted: Wanted) -> Vec<Mode> {
    let Some(coding) = coding(&format.fourcc) else { return Vec::new() };
    let unlisted = [Rate { frames: wanted.frame_rate, seconds: 1 }];
    let mut modes = Vec::new();
    for size in &format.sizes {
        let rates = if size.rates.is_empty() { &unlisted[..] } else { &size.rates };
        modes.extend(rates.iter().map(|rate| Mode {
            coding: coding.clone(),
            width: size.width,
            height: size.height,
            rate: *rate,
        }));
    }
    modes
}

/// V4L2's four letters to what GStreamer calls it; unknown ones are not used.
fn coding(fourcc: &str) -> Option<Coding> {
    let raw = |name: &str| Some(Coding::Raw(name.to_owned()));
    match fourcc {
        "H264" => Some(Coding::H264),
        "MJPG" | "JPEG" => Some(Coding::Mjpeg),
        "YUYV" => raw("YUY2"),
        "UYVY" => raw("UYVY"),
        "NV12" | "NM12" => raw("NV12"),
        "YU12" | "YM12" => raw("I420"),
        "YV12" => raw("YV12"),
        "RGB3" => raw("RGB"),
        "BGR3" => raw("BGR"),
        "GREY" => raw("GRAY8"),
        _ => None,
    }
}

/// What a device says that knows nothing of video.
const ENOTTY: i32 = 25;
const ENODEV: i32 = 19;
const ENXIO: i32 = 6;

/// Opens the node once, for an error that says what is wrong.
fn check(path: &Path) -> Result<(), MediaError> {
    let device = path.display().to_string();
    match std::fs::OpenOptions::new().read(true).write(true).open(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(match (error.kind(), error.raw_os_error()) {
            (io::ErrorKind::NotFound, _) | (_, Some(ENODEV | ENXIO)) => MediaError::Missing { device },
            (io::ErrorKind::PermissionDenied, _) => MediaError::Refused { device },
            (io::ErrorKind::ResourceBusy, _) => MediaError::Busy { device },
            _ => MediaError::pipeline(device, error),
        }),
    }
}

fn not_a_camera(path: &Path) -> MediaError {
    MediaError::Unsupported {
        origin: path.display().to_string(),
        reason: "is not a camera; see the device list for one".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_given_even_with_no_camera() {
        for camera in cameras() {
            assert!(camera.path.starts_with("/dev"));
        }
    }

    #[test]
    fn a_file_that_is_no_camera_is_said_to_be_none() {
        let wanted = Wanted { width: 640, height: 480, frame_rate: 30 };
        let error = modes_of(Path::new("/dev/null"), wanted).unwrap_err();
        assert!(error.to_string().starts_with("/dev/null"), "{error}");
        let missing = modes_of(Path::new("/dev/video99"), wanted).unwrap_err();
        assert!(matches!(missing, MediaError::Missing { .. }), "{missing}");
    }

    #[test]
    fn a_format_without_listed_rates_is_tried_at_the_wanted_one() {
        let size = CameraSize { width: 640, height: 480, rates: Vec::new() };
        let format = CameraFormat { fourcc: "YUYV".to_owned(), sizes: vec![size] };
        let modes = format_modes(&format, Wanted { width: 640, height: 480, frame_rate: 25 });
        assert_eq!(modes[0].rate, Rate { frames: 25, seconds: 1 });
    }
}
