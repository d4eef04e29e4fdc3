// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads the battery from the kernel's power_supply class (`Documentation/ABI/testing/sysfs-class-power`), again and again. In
//! a thread of its own: it must be read as well where a storage does not answer.

use crate::engine::{Inbox, Message};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the kernel shows power supplies.
pub(crate) const POWER_SUPPLIES: &str = "/sys/class/power_supply";

/// How often to read: an alarm may take 3 s.
const EVERY: Duration = Duration::from_secs(2);

/// Starts to tell what the battery below `folder` says.
pub(crate) fn start(folder: PathBuf, inbox: Inbox) -> std::io::Result<()> {
    let tell = move || loop {
        if let Some(Battery { percent, is_discharging }) = Battery::read(&folder) {
            inbox.tell(Message::Battery { percent, is_discharging });
        }
        std::thread::sleep(EVERY);
    };
    std::thread::Builder::new().name("battery".into()).spawn(tell).map(drop)
}

/// A battery at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Battery {
    /// What is left, in percent.
    pub(crate) percent: u8,
    /// Whether it gets less.
    pub(crate) is_discharging: bool,
}

impl Battery {
    /// The system's battery with the most left, of those below `folder`; `None` if there is none that says so.
    pub(crate) fn read(folder: &Path) -> Option<Battery> {
        let supplies = fs::read_dir(folder).ok()?.flatten();
        supplies.filter_map(|supply| Battery::of(&supply.path())).max_by_key(|battery| battery.percent)
    }

    fn of(supply: &Path) -> Option<Battery> {
        let word = |name| fs::read_to_string(supply.join(name)).map(|text| text.trim().to_owned()).ok();
        // A supply that feeds a device, such as a mouse, is none of the system's.
        if word("type")? != "Battery" || word("scope").is_some_and(|scope| scope == "Device") {
            return None;
        }
        let percent = word("capacity")?.parse().ok().filter(|percent| *percent <= 100)?;
        Some(Battery { percent, is_discharging: word("status")? == "Discharging" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supply(folder: &Path, name: &str, files: &[(&str, &str)]) {
        fs::create_dir_all(folder.join(name)).unwrap();
        files.iter().for_each(|(file, text)| fs::write(folder.join(name).join(file), format!("{text}\n")).unwrap());
    }

    #[test]
    fn the_systems_battery_is_found_among_other_supplies() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Battery::read(folder.path()), None);
        supply(folder.path(), "AC", &[("type", "Mains"), ("online", "0")]);
        supply(
            folder.path(),
            "mouse",
            &[("type", "Battery"), ("scope", "Device"), ("capacity", "90"), ("status", "Discharging")],
        );
        supply(folder.path(), "broken", &[("type", "Battery"), ("capacity", "400"), ("status", "Full")]);
        assert_eq!(Battery::read(folder.path()), None);
        supply(folder.path(), "BAT0", &[("type", "Battery"), ("capacity", "7"), ("status", "Discharging")]);
        assert_eq!(Battery::read(folder.path()), Some(Battery { percent: 7, is_discharging: true }));
        supply(folder.path(), "BAT1", &[("type", "Battery"), ("capacity", "55"), ("status", "Charging")]);
        assert_eq!(Battery::read(folder.path()), Some(Battery { percent: 55, is_discharging: false }));
    }

    #[test]
    fn a_battery_that_changes_is_told_in_time_for_its_alarm() {
        let folder = tempfile::tempdir().unwrap();
        let is_at = |percent| {
            supply(folder.path(), "BAT0", &[("type", "Battery"), ("capacity", percent), ("status", "Discharging")])
        };
        is_at("80");
        let (sender, told) = std::sync::mpsc::sync_channel(8);
        start(folder.path().to_owned(), Inbox(sender)).unwrap();
        let percent = || match told.recv_timeout(Duration::from_secs(3)) {
            Ok(Message::Battery { percent, .. }) => percent,
            _ => panic!("the battery was not told within 3 s"),
        };
        assert_eq!(percent(), 80);
        is_at("7");
        assert_eq!(percent(), 7);
    }

    #[test]
    fn a_folder_that_is_not_there_is_no_battery() {
        assert_eq!(Battery::read(Path::new("/nowhere")), None);
    }
}
