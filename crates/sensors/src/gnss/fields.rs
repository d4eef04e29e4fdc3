// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fields of a sentence: what each may hold, and nothing else. A field that is empty says nothing.

use super::date::TimeOfDay;
use super::fix::Position;

/// A sentence that is whole by its checksum, and says what cannot be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// What a field says, if it says anything.
pub(super) type Said<T> = Result<Option<T>, Malformed>;

/// The fields that were not read yet.
#[derive(Clone)]
pub(super) struct Fields<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { rest: Some(text) }
    }

    /// The next, if there is one.
    pub(super) fn optional(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let end = rest.iter().position(|byte| *byte == b',');
        self.rest = end.map(|end| &rest[end + 1..]);
        Some(&rest[..end.unwrap_or(rest.len())])
    }

    pub(super) fn text(&mut self) -> Result<&'a [u8], Malformed> {
        self.optional().ok_or(Malformed)
    }

    /// A single letter.
    pub(super) fn letter(&mut self) -> Said<u8> {
        match self.text()? {
            [] => Ok(None),
            [letter] => Ok(Some(*letter)),
            _ => Err(Malformed),
        }
    }

    /// A single letter that later versions of the standard have added.
    pub(super) fn added_letter(&mut self) -> Said<u8> {
        if self.rest.is_some() { self.letter() } else { Ok(None) }
    }

    /// A letter that can be one only, as units are; or none.
    pub(super) fn unit(&mut self, unit: u8) -> Result<(), Malformed> {
        if self.letter()?.is_none_or(|letter| letter == unit) { Ok(()) } else { Err(Malformed) }
    }

    /// A whole number of at most four digits.
    pub(super) fn whole(&mut self) -> Said<u16> {
        whole(self.text()?)
    }

    /// A number that is not negative.
    pub(super) fn positive(&mut self) -> Said<f64> {
        let number = decimal(self.text()?)?;
        if number.is_some_and(|number| number.is_negative) { Err(Malformed) } else { Ok(number.map(Decimal::value)) }
    }

    /// Any number.
    pub(super) fn number(&mut self) -> Said<f64> {
        Ok(decimal(self.text()?)?.map(Decimal::value))
    }

    /// Degrees from north, up to 360.
    pub(super) fn course(&mut self) -> Said<f64> {
        within(self.positive()?, 360.0)
    }

    /// `hhmmss`, with a fraction of any length.
    pub(super) fn time(&mut self) -> Said<TimeOfDay> {
        let text = self.text()?;
        if text.is_empty() {
            return Ok(None);
        }
        let (clock, fraction) = text.split_at_checked(6).ok_or(Malformed)?;
        let [hour, minute, second] = pairs(clock)?;
        let time = TimeOfDay::new(hour, minute, second, fraction_ns(fraction)?);
        time.map(Some).ok_or(Malformed)
    }

    /// `ddmmyy`.
    pub(super) fn day_month_year(&mut self) -> Said<[u8; 3]> {
        match self.text()? {
            [] => Ok(None),
            text => pairs(text).map(Some),
        }
    }

    /// `ddmm.mm,N,dddmm.mm,E`.
    pub(super) fn position(&mut self) -> Said<Position> {
        let latitude = self.coordinate(90.0, *b"NS")?;
        let longitude = self.coordinate(180.0, *b"EW")?;
        match (latitude, longitude) {
            (Some(latitude_deg), Some(longitude_deg)) => Ok(Some(Position { latitude_deg, longitude_deg })),
            (None, None) => Ok(None),
            _ => Err(Malformed),
        }
    }

    /// Degrees; the side is known by its letter, and the second one is negative.
    fn coordinate(&mut self, max_deg: f64, [positive, negative]: [u8; 2]) -> Said<f64> {
        let (number, side) = (decimal(self.text()?)?, self.letter()?);
        let Some(number) = number else { return Ok(None) };
        let degrees = within(Some(number.degrees()?), max_deg)?;
        match side {
            Some(side) if side == positive => Ok(degrees),
            Some(side) if side == negative => Ok(degrees.map(|degrees| -degrees)),
            _ => Err(Malformed),
        }
    }
}

fn within(number: Option<f64>, max: f64) -> Said<f64> {
    if number.is_some_and(|number| number > max) { Err(Malformed) } else { Ok(number) }
}

/// A whole number of at most four digits.
pub(super) fn whole(text: &[u8]) -> Said<u16> {
    match text.len() {
        0 => Ok(None),
        1..=4 => text.iter().try_fold(0, |number, byte| Ok(number * 10 + u16::from(digit(*byte)?))).map(Some),
        _ => Err(Malformed),
    }
}

fn digit(byte: u8) -> Result<u8, Malformed> {
    if byte.is_ascii_digit() { Ok(byte - b'0') } else { Err(Malformed) }
}

/// Six digits as three numbers.
fn pairs(text: &[u8]) -> Result<[u8; 3], Malformed> {
    let [a, b, c, d, e, f] = text else { return Err(Malformed) };
    let pair = |tens: &u8, ones: &u8| Ok(digit(*tens)? * 10 + digit(*ones)?);
    Ok([pair(a, b)?, pair(c, d)?, pair(e, f)?])
}

/// Nothing, or a point and digits, of which those below a nanosecond are dropped.
fn fraction_ns(text: &[u8]) -> Result<u32, Malformed> {
    let digits = match text {
        [] => return Ok(0),
        [b'.', digits @ ..] => digits,
        _ => return Err(Malformed),
    };
    let (mut ns, mut unit_ns) = (0, 100_000_000);
    for byte in digits {
        ns += u32::from(digit(*byte)?) * unit_ns;
        unit_ns /= 10;
    }
    Ok(ns)
}

/// A number as it is written: exact, finite, and without exponent.
#[derive(Clone, Copy)]
struct Decimal {
    is_negative: bool,
    digits: u64,
    decimals: usize,
}

/// So many digits fit; receivers send up to 13.
const DIGITS_MAX: usize = 18;
const POWERS_OF_10: [u64; DIGITS_MAX + 1] = powers_of_10();

const fn powers_of_10() -> [u64; DIGITS_MAX + 1] {
    let mut powers = [1; DIGITS_MAX + 1];
    let mut index = 1;
    while index < powers.len() {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
}

fn decimal(text: &[u8]) -> Said<Decimal> {
    let (is_negative, text) = match text {
        [] => return Ok(None),
        [b'-', text @ ..] => (true, text),
        text => (false, text),
    };
    let point = text.iter().position(|byte| *byte == b'.');
    let decimals = point.map_or(0, |point| text.len() - point - 1);
    let count = text.len() - usize::from(point.is_some());
    if !(1..=DIGITS_MAX).contains(&count) {
        return Err(Malformed);
    }
    let mut digits = 0;
    for (_, byte) in text.iter().enumerate().filter(|(index, _)| Some(*index) != point) {
        digits = digits * 10 + u64::from(digit(*byte)?);
    }
    Ok(Some(Decimal { is_negative, digits, decimals }))
}

impl Decimal {
    fn value(self) -> f64 {
        let value = self.digits as f64 / POWERS_OF_10[self.decimals] as f64;
        if self.is_negative { -value } else { value }
    }

    /// Of degrees and minutes, written together.
    fn degrees(self) -> Result<f64, Malformed> {
        let per_degree = POWERS_OF_10[self.decimals].checked_mul(100).ok_or(Malformed)?;
        let minutes = (self.digits % per_degree) as f64 / POWERS_OF_10[self.decimals] as f64;
        let is_valid = !self.is_negative && minutes < 60.0;
        let degrees = (self.digits / per_degree) as f64 + minutes / 60.0;
        if is_valid { Ok(degrees) } else { Err(Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Fields<'_> {
        Fields::new(text.as_bytes())
    }

    #[test]
    fn fields_end_with_the_text() {
        let mut fields = fields("a,,b");
        let texts: Vec<_> = std::iter::from_fn(|| fields.optional()).collect();
        assert_eq!(texts, [b"a".as_slice(), b"", b"b"]);
        assert_eq!(fields.text(), Err(Malformed));
        assert_eq!(fields.added_letter(), Ok(None));
    }

    #[test]
    fn numbers_are_digits_and_a_point() {
        let number = |text| fields(text).number();
        assert_eq!([number("0.027"), number("-17.1"), number("")], [Ok(Some(0.027)), Ok(Some(-17.1)), Ok(None)]);
        assert_eq!([number("5."), number(".5"), number("-0")], [Ok(Some(5.0)), Ok(Some(0.5)), Ok(Some(0.0))]);
        let bad = ["nan", "inf", "1e300", "+1", "--1", "-", ".", "1.2.3", " 1", "0x1", "1234567890123456789"];
        bad.iter().for_each(|text| assert_eq!(number(text), Err(Malformed), "{text}"));
        assert_eq!(fields("-0.1").positive(), Err(Malformed));
    }

    #[test]
    fn whole_numbers_have_no_sign() {
        assert_eq!([whole(b"0012"), whole(b"9999"), whole(b"")], [Ok(Some(12)), Ok(Some(9999)), Ok(None)]);
        [b"12345".as_slice(), b"-1", b"1.0", b"x"].iter().for_each(|text| assert_eq!(whole(text), Err(Malformed)));
    }

    #[test]
    fn times_have_a_fraction_of_any_length() {
        let ns = |text| fields(text).time().map(|time| time.map(TimeOfDay::ns));
        assert_eq!([ns("000001"), ns("000001."), ns("")], [Ok(Some(1_000_000_000)), Ok(Some(1_000_000_000)), Ok(None)]);
        assert_eq!(ns("000000.0010000019999"), Ok(Some(1_000_001)));
        let bad = ["12345", "1234567", "12345.6", "126000", "250000", "120060", "123456.x", "-12345"];
        bad.iter().for_each(|text| assert_eq!(ns(text), Err(Malformed), "{text}"));
    }

    #[test]
    fn positions_are_within_the_globe() {
        let position = |text| fields(text).position().map(|at| at.map(|at| (at.latitude_deg, at.longitude_deg)));
        assert_eq!(position("3112.0,N,12130.0,E"), Ok(Some((31.2, 121.5))));
        assert_eq!(position("3112.0,S,12130.0,W"), Ok(Some((-31.2, -121.5))));
        assert_eq!(position("9000,N,18000.000,W"), Ok(Some((90.0, -180.0))));
        assert_eq!([position(",,,"), position(",N,,E")], [Ok(None), Ok(None)]);
        let bad =
            ["9000.01,N,0,E", "0,N,18000.1,E", "3160,N,0,E", "-31,N,0,E", "31,N,,", "31,,0,E", "31,E,0,N", "31,N,0"];
        bad.iter().for_each(|text| assert_eq!(position(text), Err(Malformed), "{text}"));
    }

    #[test]
    fn letters_are_single() {
        assert_eq!(
            [fields("A").letter(), fields("").letter(), fields("AB").letter()],
            [Ok(Some(b'A')), Ok(None), Err(Malformed)]
        );
        assert_eq!(
            [fields("M").unit(b'M'), fields("").unit(b'M'), fields("F").unit(b'M')],
            [Ok(()), Ok(()), Err(Malformed)]
        );
        assert_eq!([fields("360").course(), fields("360.1").course()], [Ok(Some(360.0)), Err(Malformed)]);
    }
}
