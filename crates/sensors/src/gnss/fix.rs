// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a receiver says of one moment.

use super::date::{Date, NS_PER_DAY, TimeOfDay};
use super::satellites::Satellites;

/// What a receiver said of one moment, in all its sentences together. What it did not say is None; that it has no fix is said,
/// by [`Quality::NoFix`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fix {
    /// What kind of fix it is.
    pub quality: Quality,
    /// In how many dimensions, by GSA.
    pub dimension: Option<Dimension>,
    /// Where. None where there is no fix: what a receiver says all the same is where it was once.
    pub position: Option<Position>,
    /// Height above mean sea level in metres. None where there is no fix.
    pub altitude_m: Option<f64>,
    /// Height of the geoid above the ellipsoid in metres; added to the altitude it gives the height above the ellipsoid.
    pub geoid_separation_m: Option<f64>,
    /// Speed over ground in metres a second. None where there is no fix.
    pub speed_mps: Option<f64>,
    /// Course over ground in degrees from true north. None where there is no fix.
    pub course_deg: Option<f64>,
    /// Dilution of precision of the position. Many receivers say 99.99 where there is none.
    pub pdop: Option<f64>,
    /// Of the horizontal position.
    pub hdop: Option<f64>,
    /// Of the height.
    pub vdop: Option<f64>,
    /// Age of the corrections in seconds.
    pub correction_age_s: Option<f64>,
    /// How many satellites the fix is made of, by GGA or GNS. Some receivers stop at 12.
    pub used_count: Option<u16>,
    /// Those that the fix is made of, by GSA.
    pub used: Option<Satellites>,
    /// Those in view, by GSV. Many receivers send it every few epochs only.
    pub in_view: Option<Satellites>,
    /// UTC time of the day.
    pub time: Option<TimeOfDay>,
    /// UTC date, as it was said; see [`Fix::weeks_early`].
    pub date: Option<Date>,
    /// The date lies before the reference date; so many weeks later it would not. The receiver's count of weeks may have rolled
    /// over, or it does not know the time yet.
    pub weeks_early: Option<u16>,
}

impl Fix {
    /// Nothing said.
    pub(super) const NOTHING: Self = Self {
        quality: Quality::NoFix,
        dimension: None,
        position: None,
        altitude_m: None,
        geoid_separation_m: None,
        speed_mps: None,
        course_deg: None,
        pdop: None,
        hdop: None,
        vdop: None,
        correction_age_s: None,
        used_count: None,
        used: None,
        in_view: None,
        time: None,
        date: None,
        weeks_early: None,
    };

    /// Whether there is a fix of any kind.
    pub fn is_fix(&self) -> bool {
        self.quality != Quality::NoFix
    }

    /// The time in nanoseconds since 1970, as the receiver says it, where it says the date. As everywhere in POSIX, a
    /// leap second has the numbers of the second after it; [`TimeOfDay::is_leap_second`] tells them apart.
    pub fn utc_ns(&self) -> Option<i64> {
        Some(self.date?.days() * NS_PER_DAY + self.time?.ns() as i64)
    }

    /// The same, with the weeks added by which the date may be early. Only who knows from elsewhere about what time it is can
    /// say whether it is right.
    pub fn unfolded_utc_ns(&self) -> Option<i64> {
        let weeks = i64::from(self.weeks_early.unwrap_or(0));
        Some(self.utc_ns()? + weeks * 7 * NS_PER_DAY)
    }
}

/// A place on the WGS 84 ellipsoid, or the one that the receiver uses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// Degrees north, -90 to 90.
    pub latitude_deg: f64,
    /// Degrees east, -180 to 180.
    pub longitude_deg: f64,
}

/// What kind of fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quality {
    /// The receiver has none, or says that it is not to be used.
    NoFix,
    /// Satellites alone.
    Gnss,
    /// With corrections, also of SBAS.
    Differential,
    /// Precise positioning service, or precise point positioning.
    Pps,
    /// Real-time kinematic, whole numbers of cycles.
    Rtk,
    /// Real-time kinematic, not yet whole.
    Float,
    /// Estimated from what was before (dead reckoning).
    Estimated,
    /// Entered by hand.
    Manual,
    /// Made up by the receiver.
    Simulated,
}

/// In how many dimensions a fix is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// There is none.
    NoFix,
    /// Latitude and longitude.
    Two,
    /// And height.
    Three,
}
