// SPDX-License-Identifier: MIT OR Apache-2.0
//! Lists microphones with their levels, and checks one before it is used, through ALSA.
//!
//! Must not know capture.

use std::ffi::CString;

use alsa::card;
use alsa::ctl::{Ctl, DeviceIter};
use alsa::device_name::HintIter;
use alsa::mixer::{Mixer, Selem, SelemChannelId};
use alsa::{Direction, PCM};

use crate::error::MediaError;

/// One source of sound.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Microphone {
    /// What to put after `alsa:`.
    pub device: String,
    /// What it calls itself.
    pub name: String,
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
    /// The same in decibels, where the card knows.
    pub decibel: Option<f32>,
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
                device: format!("hw:{index},{device}"),
                name: format!("{name}: {}", info.get_name().unwrap_or_default()),
                levels: levels.clone(),
                problem: None,
            })
        })
        .collect()
}

fn broken(index: i32, name: String, error: &alsa::Error) -> Microphone {
    let problem = Some(error.to_string());
    Microphone { device: format!("hw:{index}"), name, levels: Vec::new(), problem }
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
        decibel: control.get_capture_vol_db(channel).ok().map(alsa::mixer::MilliBel::to_db),
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
            Some(Microphone { device: hint.name?, name, ..Microphone::default() })
        })
        .filter(|microphone| microphone.device != "null")
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
