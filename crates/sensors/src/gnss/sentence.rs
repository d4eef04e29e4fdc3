// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a line of NMEA 0183 says. Must not know other lines.
//!
//! The fields are read here and in `fields.rs`, without the `nmea` crate. Version 0.8 of it was tried. It refuses times with
//! second 60, GNS with modes of more than three constellations, and GGA of quality 9; it reads the years 83 to 99 as those of
//! the 20th century; and it accepts what cannot be: latitudes of 99°, 99 minutes, negative speeds, courses of 910°, NaN,
//! infinite heights. What was left of it would have been half a parser, watched over by another half.

use super::checksums::xor;
use super::date::{Date, TimeOfDay};
use super::fields::{Fields, Malformed, Said, whole};
use super::fix::{Dimension, Position, Quality};
use super::satellites::{Constellation, SatelliteSet};

/// Why a line says nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Its checksum is not that of its content.
    Checksum,
    /// It has no checksum, or says what cannot be.
    Malformed,
    /// It is whole, and of a talker or a kind that does not concern us.
    Unknown,
}

impl From<Malformed> for Refused {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// Who speaks: a constellation, or several together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Talker {
    /// Its place in `TALKERS`.
    pub(super) index: u8,
    constellation: Option<Constellation>,
}

const TALKERS: [([u8; 2], Option<Constellation>); 8] = [
    (*b"GN", None),
    (*b"GP", Some(Constellation::Gps)),
    (*b"GL", Some(Constellation::Glonass)),
    (*b"GA", Some(Constellation::Galileo)),
    (*b"GB", Some(Constellation::Beidou)),
    (*b"BD", Some(Constellation::Beidou)),
    (*b"GQ", Some(Constellation::Qzss)),
    (*b"GI", Some(Constellation::Navic)),
];

impl Talker {
    fn of(name: [u8; 2]) -> Option<Self> {
        let index = TALKERS.iter().position(|(talker, _)| *talker == name)?;
        Some(Self { index: index as u8, constellation: TALKERS[index].1 })
    }
}

/// The kinds of sentence that are read. Those that say a time come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Gga,
    Rmc,
    Gll,
    Zda,
    Gns,
    Vtg,
    Gsa,
    Gsv,
}

impl Kind {
    fn of(name: [u8; 3]) -> Option<Self> {
        Some(match &name {
            b"GGA" => Self::Gga,
            b"RMC" => Self::Rmc,
            b"GLL" => Self::Gll,
            b"ZDA" => Self::Zda,
            b"GNS" => Self::Gns,
            b"VTG" => Self::Vtg,
            b"GSA" => Self::Gsa,
            b"GSV" => Self::Gsv,
            _ => return None,
        })
    }
}

/// A sentence, and what it says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sentence {
    pub(super) talker: Talker,
    pub(super) kind: Kind,
    pub(super) content: Content,
}

/// What any sentence may say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Content {
    pub(super) time: Option<TimeOfDay>,
    pub(super) date: Option<Date>,
    pub(super) quality: Option<Quality>,
    pub(super) dimension: Option<Dimension>,
    pub(super) position: Option<Position>,
    pub(super) altitude_m: Option<f64>,
    pub(super) geoid_separation_m: Option<f64>,
    pub(super) speed_mps: Option<f64>,
    pub(super) course_deg: Option<f64>,
    pub(super) pdop: Option<f64>,
    pub(super) hdop: Option<f64>,
    pub(super) vdop: Option<f64>,
    pub(super) correction_age_s: Option<f64>,
    pub(super) used_count: Option<u16>,
    pub(super) used: Option<SatelliteSet>,
    pub(super) in_view: Option<SatelliteSet>,
}

/// Reads what stands between the start and the end of a line. `reference` is the day against which years are read.
pub(super) fn read(line: &[u8], reference: Date) -> Result<Sentence, Refused> {
    let text = checked(line)?;
    let (address, fields) = text.split_at(text.iter().position(|byte| *byte == b',').unwrap_or(text.len()));
    if address.is_empty() || !address.iter().all(u8::is_ascii_alphanumeric) {
        return Err(Refused::Malformed);
    }
    let [a, b, kind @ ..] = address else { return Err(Refused::Unknown) };
    let talker = Talker::of([*a, *b]).ok_or(Refused::Unknown)?;
    let kind = kind.try_into().ok().and_then(Kind::of).ok_or(Refused::Unknown)?;
    let fields = Fields::new(fields.get(1..).ok_or(Refused::Malformed)?);
    Ok(Sentence { talker, kind, content: content(kind, talker, fields, reference)? })
}

/// The line without its checksum, which must be there.
fn checked(line: &[u8]) -> Result<&[u8], Refused> {
    let [text @ .., b'*', high, low] = line else { return Err(Refused::Malformed) };
    let stated = hex(*high)? << 4 | hex(*low)?;
    if stated == xor(text) { Ok(text) } else { Err(Refused::Checksum) }
}

fn hex(digit: u8) -> Result<u8, Malformed> {
    char::from(digit).to_digit(16).map(|value| value as u8).ok_or(Malformed)
}

fn content(kind: Kind, talker: Talker, fields: Fields<'_>, reference: Date) -> Result<Content, Malformed> {
    match kind {
        Kind::Gga => gga(fields),
        Kind::Rmc => rmc(fields, reference),
        Kind::Gll => gll(fields),
        Kind::Zda => zda(fields),
        Kind::Gns => gns(fields),
        Kind::Vtg => vtg(fields),
        Kind::Gsa => gsa(fields, talker),
        Kind::Gsv => gsv(fields, talker),
    }
}

/// `time,position,quality,used,HDOP,altitude,M,separation,M,age,station`
fn gga(mut fields: Fields<'_>) -> Result<Content, Malformed> {
    let mut content = Content { time: fields.time()?, position: fields.position()?, ..Content::default() };
    content.quality = Some(fields.letter()?.map_or(Ok(Quality::NoFix), quality_of_digit)?);
    content.used_count = fields.whole()?;
    content.hdop = fields.positive()?;
    content.altitude_m = fields.number()?;
    fields.unit(b'M')?;
    content.geoid_separation_m = fields.number()?;
    fields.unit(b'M')?;
    content.correction_age_s = fields.positive()?;
    Ok(content)
}

fn quality_of_digit(digit: u8) -> Result<Quality, Malformed> {
    Ok(match digit {
        b'0' => Quality::NoFix,
        b'1' => Quality::Gnss,
        // 9 is in no standard; NovAtel's receivers say it of corrections by SBAS.
        b'2' | b'9' => Quality::Differential,
        b'3' => Quality::Pps,
        b'4' => Quality::Rtk,
        b'5' => Quality::Float,
        b'6' => Quality::Estimated,
        b'7' => Quality::Manual,
        b'8' => Quality::Simulated,
        _ => return Err(Malformed),
    })
}

/// `time,status,position,knots,course,date,variation,side,mode,...`
fn rmc(mut fields: Fields<'_>, reference: Date) -> Result<Content, Malformed> {
    let (time, status) = (fields.time()?, fields.letter()?);
    let mut content = Content { time, position: fields.position()?, ..Content::default() };
    content.speed_mps = fields.positive()?.map(of_knots);
    content.course_deg = fields.course()?;
    content.date = date_of_two_digits(fields.day_month_year()?, reference)?;
    let (_variation, _side) = (fields.text()?, fields.text()?);
    content.quality = Some(quality_of_status(status, fields.added_letter()?)?);
    Ok(content)
}

fn of_knots(knots: f64) -> f64 {
    knots * 1852.0 / 3600.0
}

fn date_of_two_digits(digits: Option<[u8; 3]>, reference: Date) -> Said<Date> {
    let date = digits.map(|[day, month, year]| Date::of_two_digits(year, month, day, reference).ok_or(Malformed));
    date.transpose()
}

/// Of a status, and of the mode that later versions have added. What is not said to be valid is not.
fn quality_of_status(status: Option<u8>, mode: Option<u8>) -> Result<Quality, Malformed> {
    let quality = mode.map_or(Ok(Quality::Gnss), quality_of_mode)?;
    match status {
        Some(b'A') => Ok(quality),
        Some(b'V') | None => Ok(Quality::NoFix),
        Some(_) => Err(Malformed),
    }
}

fn quality_of_mode(mode: u8) -> Result<Quality, Malformed> {
    Ok(match mode {
        b'N' => Quality::NoFix,
        b'A' => Quality::Gnss,
        b'D' => Quality::Differential,
        b'P' => Quality::Pps,
        b'R' => Quality::Rtk,
        b'F' => Quality::Float,
        b'E' => Quality::Estimated,
        b'M' => Quality::Manual,
        b'S' => Quality::Simulated,
        _ => return Err(Malformed),
    })
}

/// `position,time,status,mode`
fn gll(mut fields: Fields<'_>) -> Result<Content, Malformed> {
    let (position, time, status) = (fields.position()?, fields.time()?, fields.letter()?);
    let quality = Some(quality_of_status(status, fields.added_letter()?)?);
    Ok(Content { time, position, quality, ..Content::default() })
}

/// `time,day,month,year,...`
fn zda(mut fields: Fields<'_>) -> Result<Content, Malformed> {
    let (time, day, month, year) = (fields.time()?, fields.whole()?, fields.whole()?, fields.whole()?);
    let date = match (year, month, day) {
        (None, None, None) => None,
        (Some(year), Some(month), Some(day)) => Some(date(year, month, day)?),
        _ => return Err(Malformed),
    };
    Ok(Content { time, date, ..Content::default() })
}

fn date(year: u16, month: u16, day: u16) -> Result<Date, Malformed> {
    let (Ok(month), Ok(day)) = (month.try_into(), day.try_into()) else { return Err(Malformed) };
    Date::new(year, month, day).ok_or(Malformed)
}

/// `time,position,modes,used,HDOP,altitude,separation,age,...`
fn gns(mut fields: Fields<'_>) -> Result<Content, Malformed> {
    let mut content = Content { time: fields.time()?, position: fields.position()?, ..Content::default() };
    content.quality = quality_of_modes(fields.text()?)?;
    content.used_count = fields.whole()?;
    content.hdop = fields.positive()?;
    content.altitude_m = fields.number()?;
    content.geoid_separation_m = fields.number()?;
    content.correction_age_s = fields.positive()?;
    Ok(content)
}

/// One letter for each constellation; the best of them is that of the fix.
fn quality_of_modes(modes: &[u8]) -> Said<Quality> {
    const BEST_FIRST: &[u8] = b"RFPDAEMSN";
    let place = |mode: &u8| BEST_FIRST.iter().position(|other| other == mode).ok_or(Malformed);
    let best = modes.iter().map(place).collect::<Result<Vec<_>, _>>()?.into_iter().min();
    best.map(|place| quality_of_mode(BEST_FIRST[place])).transpose()
}

/// `course,T,course,M,knots,N,km/h,K,mode`
fn vtg(mut fields: Fields<'_>) -> Result<Content, Malformed> {
    let mut content = Content { course_deg: fields.course()?, ..Content::default() };
    fields.unit(b'T')?;
    fields.course()?;
    fields.unit(b'M')?;
    let knots = fields.positive()?;
    fields.unit(b'N')?;
    let kmh = fields.positive()?;
    fields.unit(b'K')?;
    content.speed_mps = knots.map(of_knots).or(kmh.map(|kmh| kmh / 3.6));
    content.quality = fields.added_letter()?.map(quality_of_mode).transpose()?;
    Ok(content)
}

/// `selection,dimension,12 satellites,PDOP,HDOP,VDOP,system`
fn gsa(mut fields: Fields<'_>, talker: Talker) -> Result<Content, Malformed> {
    fields.letter()?;
    let dimension = fields.letter()?.map(dimension_of_digit).transpose()?;
    let mut numbers = [None; 12];
    for number in &mut numbers {
        *number = fields.whole()?;
    }
    let (pdop, hdop, vdop) = (fields.positive()?, fields.positive()?, fields.positive()?);
    let system = fields.added_letter()?.map(hex).transpose()?;
    let listed = system.and_then(|system| Constellation::of_system(system.into())).or(talker.constellation);
    let used = Some(set(listed, numbers.into_iter().flatten()));
    Ok(Content { dimension, used, pdop, hdop, vdop, ..Content::default() })
}

fn dimension_of_digit(digit: u8) -> Result<Dimension, Malformed> {
    match digit {
        b'1' => Ok(Dimension::NoFix),
        b'2' => Ok(Dimension::Two),
        b'3' => Ok(Dimension::Three),
        _ => Err(Malformed),
    }
}

fn set(listed: Option<Constellation>, numbers: impl Iterator<Item = u16>) -> SatelliteSet {
    let mut set = SatelliteSet::default();
    for number in numbers {
        if let Some(constellation) = Constellation::of_satellite(listed, number) {
            set.insert(constellation, number);
        }
    }
    set
}

/// `sentences,sentence,in view,4 satellites of 4 fields,signal`
fn gsv(mut fields: Fields<'_>, talker: Talker) -> Result<Content, Malformed> {
    let (sentences, sentence, _in_view) = (fields.whole()?, fields.whole()?, fields.whole()?);
    if sentence.is_none() || sentence > sentences || sentence == Some(0) {
        return Err(Malformed);
    }
    let mut numbers = [None; 4];
    let mut slots = numbers.iter_mut();
    while let Some(first) = fields.optional() {
        let Some(_elevation) = fields.optional() else { return signal(first, numbers, talker) };
        let (_azimuth, _signal_db) = (fields.text()?, fields.text()?);
        *slots.next().ok_or(Malformed)? = whole(first)?;
    }
    Ok(in_view(numbers, talker))
}

/// The field that is left over behind all satellites, from NMEA 4.10 on, is the signal on which they are seen.
fn signal(field: &[u8], numbers: [Option<u16>; 4], talker: Talker) -> Result<Content, Malformed> {
    match field {
        [] => {}
        [signal] => drop(hex(*signal)?),
        _ => return Err(Malformed),
    }
    Ok(in_view(numbers, talker))
}

fn in_view(numbers: [Option<u16>; 4], talker: Talker) -> Content {
    let in_view = Some(set(talker.constellation, numbers.into_iter().flatten()));
    Content { in_view, ..Content::default() }
}

#[cfg(test)]
mod tests;
