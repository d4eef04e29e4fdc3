// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which satellites a receiver speaks of, counted by constellation.
//!
//! A receiver may list a satellite several times in one epoch: once for each signal (GSV since NMEA 4.10), or under two talkers.
//! It counts once.

/// A constellation of satellites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Constellation {
    /// GPS, United States.
    Gps,
    /// GLONASS, Russia.
    Glonass,
    /// Galileo, European Union.
    Galileo,
    /// BeiDou, China.
    Beidou,
    /// QZSS, Japan.
    Qzss,
    /// NavIC, India.
    Navic,
    /// Satellites that augment the others: WAAS, EGNOS, BDSBAS and their like.
    Sbas,
}

impl Constellation {
    /// All of them, in the order of their system identities in NMEA 4.11.
    pub const ALL: [Self; 7] =
        [Self::Gps, Self::Glonass, Self::Galileo, Self::Beidou, Self::Qzss, Self::Navic, Self::Sbas];

    /// By the field at the end of GSA, from NMEA 4.10 on.
    pub(super) fn of_system(identity: u16) -> Option<Self> {
        Self::ALL[..6].get(usize::from(identity).checked_sub(1)?).copied()
    }

    /// That of a satellite which was listed for one constellation, or for any. Receivers list others under GPS: those that
    /// augment it, and before NMEA 4.10 all. None: there is no such number.
    pub(super) fn of_satellite(listed: Option<Self>, number: u16) -> Option<Self> {
        match (listed, number) {
            (Some(constellation), _) if constellation != Self::Gps => Some(constellation),
            (_, 1..=32) => Some(Self::Gps),
            (_, 33..=64 | 120..=158) => Some(Self::Sbas),
            (_, 65..=99) => Some(Self::Glonass),
            (_, 193..=200) => Some(Self::Qzss),
            (_, 201..=263 | 401..=463) => Some(Self::Beidou),
            (_, 301..=336) => Some(Self::Galileo),
            _ => listed,
        }
    }
}

/// How many satellites of each constellation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Satellites {
    counts: [u8; Constellation::ALL.len()],
}

impl Satellites {
    /// How many of one constellation.
    pub fn of(&self, constellation: Constellation) -> u8 {
        self.counts[constellation as usize]
    }

    /// How many of all.
    pub fn total(&self) -> u16 {
        self.counts.iter().map(|count| u16::from(*count)).sum()
    }
}

/// The satellites themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SatelliteSet {
    numbers: [u128; Constellation::ALL.len()],
}

impl SatelliteSet {
    /// A receiver numbers the satellites of one constellation in one way, at less than 128 places: so no two share a bit.
    pub(super) fn insert(&mut self, constellation: Constellation, number: u16) {
        self.numbers[constellation as usize] |= 1 << (number % 128);
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.numbers.iter_mut().zip(other.numbers).for_each(|(own, others)| *own |= others);
    }

    pub(super) fn count(&self) -> Satellites {
        Satellites { counts: self.numbers.map(|numbers| numbers.count_ones() as u8) }
    }
}

#[cfg(test)]
mod tests {
    use super::Constellation::*;
    use super::*;

    #[test]
    fn systems_are_those_of_nmea() {
        assert_eq!([1, 4, 6].map(Constellation::of_system), [Some(Gps), Some(Beidou), Some(Navic)]);
        assert_eq!([0, 7].map(Constellation::of_system), [None, None]);
    }

    #[test]
    fn what_is_listed_under_gps_is_told_by_its_number() {
        let of = |number| Constellation::of_satellite(Some(Gps), number);
        assert_eq!([of(1), of(46), of(131), of(70)], [Some(Gps), Some(Sbas), Some(Sbas), Some(Glonass)]);
        assert_eq!([of(194), of(210), of(301), of(999)], [Some(Qzss), Some(Beidou), Some(Galileo), Some(Gps)]);
        assert_eq!(Constellation::of_satellite(None, 999), None);
        assert_eq!(Constellation::of_satellite(Some(Beidou), 33), Some(Beidou));
    }

    #[test]
    fn a_satellite_counts_once() {
        let mut set = SatelliteSet::default();
        for (constellation, number) in [(Gps, 3), (Gps, 32), (Gps, 3), (Beidou, 3)] {
            set.insert(constellation, number);
        }
        let mut other = SatelliteSet::default();
        other.insert(Gps, 32);
        set.add(&other);
        let count = set.count();
        assert_eq!((count.of(Gps), count.of(Beidou), count.of(Galileo), count.total()), (2, 1, 0, 3));
    }
}
