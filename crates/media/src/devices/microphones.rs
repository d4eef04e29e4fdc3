// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lists microphones with their levels, and checks one before it is used, through ALSA.
//!
//! Must not know capture.

use std::ffi::CString;

use alsa::card;
use alsa::ctl::{Ctl, DeviceIter};
use alsa::device_name::HintIter;
use alsa::mixer::{Mixer, Selem, SelemChannelId};
use alsa::pcm::{Format, HwParams};
use alsa::{Direction, PCM};

use crate::error::MediaError;

/// Sample formats that sound cards give.
const ENCODINGS: [Format; 6] =
    [Format::U8, Format::S16LE, Format::S243LE, Format::S24LE, Format::S32LE, Format::FloatLE];
/// Sample rates to name where a card takes any.
const USUAL_RATES_HZ: [u32; 10] = [8000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000];

/// One source of sound.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Microphone {
    /// What to put after `alsa:`.
    pub device: String,
    /// What it calls itself.
    pub name: String,
    /// ALSA's names of the sample formats it gives; none if it cannot be asked, as while it is in use.
    pub encodings: Vec<String>,
    /// The usual sample rates among those it gives.
    pub rates_hz: Vec<u32>,
    /// The most channels it gives.
    pub channels_max: u32,
    /// Capture levels of its card.
    pub levels: Vec<CaptureLevel>,
    /// Why this entry is incomplete, if it is.
    pub problem: Option<String>,
}

/// One level that can be set.
#[derive(Debug, Clone, PartialEq)]
pub struct CaptureLevel {
    /// The mixer's name for it.
    pub name: String,
    /// How far it is up.
    pub percent: u32,
    /// Whether it is switched on.
    pub enabled: bool,
}

/// All sources of sound: cards, then names from ALSA's configuration. One with a problem is listed
/// with it.
pub fn microphones() -> Vec<Microphone> {
    quietly(|| {
        let mut found = Vec::new();
        for card in card::Iter::new().flatten() {
            found.extend(card_microphones(&card));
        }
        found.extend(named_microphones());
        found
    })
}

/// ALSA writes its errors to stderr unless told otherwise; ours are in the results.
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    let silenced = alsa::Output::local_error_handler();
    let result = work();
    drop(silenced);
    result
}

fn card_microphones(card: &alsa::Card) -> Vec<Microphone> {
    let index = card.get_index();
    let name = card.get_name().unwrap_or_default();
    let control = match Ctl::from_card(card, true) {
        Ok(control) => control,
        Err(error) => return vec![broken(index, name, &error)],
    };
    let levels = levels(index).unwrap_or_default();
    let devices = DeviceIter::new(&control).filter_map(|device| u32::try_from(device).ok());
    devices
        .filter_map(|device| {
            let info = control.pcm_info(device, 0, Direction::Capture).ok()?;
            Some(Microphone {
                name: format!("{name}: {}", info.get_name().unwrap_or_default()),
                levels: levels.clone(),
                ..asked(format!("hw:{index},{device}"))
            })
        })
        .collect()
}

/// What a device says that it gives. It is opened for that, and closed again.
fn asked(device: String) -> Microphone {
    let (encodings, rates_hz, channels_max) = formats(&device).unwrap_or_default();
    Microphone { device, encodings, rates_hz, channels_max, ..Microphone::default() }
}

fn formats(device: &str) -> Option<(Vec<String>, Vec<u32>, u32)> {
    let pcm = PCM::open(&CString::new(device).ok()?, Direction::Capture, true).ok()?;
    let params = HwParams::any(&pcm).ok()?;
    let encodings = ENCODINGS.into_iter().filter(|format| params.test_format(*format).is_ok());
    let rates_hz = USUAL_RATES_HZ.into_iter().filter(|rate_hz| params.test_rate(*rate_hz).is_ok());
    Some((encodings.map(|format| format.to_string()).collect(), rates_hz.collect(), params.get_channels_max().ok()?))
}

fn broken(index: i32, name: String, error: &alsa::Error) -> Microphone {
    Microphone { device: format!("hw:{index}"), name, problem: Some(error.to_string()), ..Microphone::default() }
}

fn levels(index: i32) -> alsa::Result<Vec<CaptureLevel>> {
    let mixer = Mixer::new(&format!("hw:{index}"), true)?;
    Ok(mixer.iter().filter_map(Selem::new).filter_map(|control| level(&control)).collect())
}

fn level(control: &Selem<'_>) -> Option<CaptureLevel> {
    if !control.has_capture_volume() {
        return None;
    }
    let channel = SelemChannelId::mono();
    let (low, high) = control.get_capture_volume_range();
    let value = control.get_capture_volume(channel).ok()?;
    let switched = !control.has_capture_switch() || control.get_capture_switch(channel).is_ok_and(|on| on != 0);
    Some(CaptureLevel {
        name: control.get_id().get_name().unwrap_or_default().to_owned(),
        percent: percent(value, low, high),
        enabled: switched,
    })
}

fn percent(value: i64, low: i64, high: i64) -> u32 {
    let range = (high - low).max(1);
    u32::try_from(((value - low) * 100 + range / 2) / range).unwrap_or(0)
}

/// Devices that exist by configuration only, such as `default`.
fn named_microphones() -> Vec<Microphone> {
    let Ok(hints) = HintIter::new_str(None, "pcm") else { return Vec::new() };
    hints
        .filter(|hint| hint.direction != Some(Direction::Playback))
        .filter_map(|hint| {
            let name = hint.desc.unwrap_or_default().replace('\n', ", ");
            let device = hint.name.filter(|device| device != "null")?;
            Some(Microphone { name, ..asked(device) })
        })
        .collect()
}

/// Opens the device once, for an error that says what is wrong.
pub(crate) fn check(device: &str) -> Result<(), MediaError> {
    const ENOENT: i32 = 2;
    const ENXIO: i32 = 6;
    const EACCES: i32 = 13;
    const EBUSY: i32 = 16;
    const ENODEV: i32 = 19;
    let named = device.to_owned();
    let Ok(name) = CString::new(device) else {
        return Err(MediaError::Missing { device: named });
    };
    let opened = quietly(|| PCM::open(&name, Direction::Capture, true).map(|_| ()));
    opened.map_err(|error| match error.errno() {
        ENOENT | ENXIO | ENODEV => MediaError::Missing { device: named },
        EBUSY => MediaError::Busy { device: named },
        EACCES => MediaError::Refused { device: named },
        _ => MediaError::pipeline(named, error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_given_even_with_no_card() {
        assert!(microphones().iter().all(|microphone| !microphone.device.is_empty()));
    }

    #[test]
    fn a_missing_card_is_missing() {
        let error = check("hw:29").unwrap_err();
        assert!(matches!(error, MediaError::Missing { .. }), "{error}");
    }

    #[test]
    fn percent_is_of_the_range() {
        assert_eq!(percent(-10, -20, 0), 50);
        assert_eq!(percent(3, 3, 3), 0);
    }
}
