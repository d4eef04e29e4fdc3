// SPDX-License-Identifier: MIT OR Apache-2.0
use super::super::Parser;
use super::super::checksums::xor;
use super::super::fix::{Dimension, Position};
use super::super::satellites::Constellation;
use super::*;

fn reference() -> Date {
    Date::new(2026, 3, 1).unwrap()
}

fn line(text: &str) -> String {
    format!("${text}*{:02X}\r\n", xor(text.as_bytes()))
}

/// The epochs of these sentences, the last of them flushed.
fn epochs(texts: &[&str]) -> Vec<Epoch> {
    let (mut parser, mut epochs) = (Parser::new(reference()), Vec::new());
    texts.iter().for_each(|text| parser.push(line(text).as_bytes(), |epoch| epochs.push(epoch)));
    assert_eq!(parser.counts().sentences, texts.len() as u64, "{:?}", parser.counts());
    epochs.extend(parser.flush());
    epochs
}

/// The only epoch of these sentences.
fn fix(texts: &[&str]) -> Fix {
    let epochs = epochs(texts);
    assert_eq!(epochs.len(), 1, "{epochs:?}");
    epochs[0].fix
}

fn quality(texts: &[&str]) -> Quality {
    fix(texts).quality
}

const RMC: &str = "GNRMC,120000.00,A,3112.00000,N,12130.00000,E,36.000,90.0,280226,,,A,V";
const GGA: &str = "GNGGA,120000.00,3112.00006,N,12130.00006,E,2,09,0.9,12.5,M,10.1,M,,";
const GSA_GPS: &str = "GNGSA,A,3,01,04,,,,,,,,,,,1.8,0.9,1.6,1";
const GSA_BEIDOU: &str = "GNGSA,A,3,08,13,16,,,,,,,,,,1.8,0.9,1.6,4";
const VOID_RMC: &str = "GNRMC,120000.00,V,3112.00000,N,12130.00000,E,0.0,90.0,280226,,,N,V";

#[test]
fn an_epoch_is_all_that_was_said_of_one_time() {
    let views = ["GBGSV,1,1,01,08,62,034,08,1", "GPGSV,1,1,01,01,62,034,08,1"];
    let epochs = epochs(&[RMC, GGA, GSA_GPS, GSA_BEIDOU, views[0], views[1]]);
    let [epoch] = epochs[..] else { panic!("{epochs:?}") };
    assert_eq!((epoch.sentences, epoch.first_byte), (6, 0));
    let fix = epoch.fix;
    assert_eq!((fix.quality, fix.dimension), (Quality::Differential, Some(Dimension::Three)));
    assert_eq!((fix.altitude_m, fix.geoid_separation_m, fix.course_deg), (Some(12.5), Some(10.1), Some(90.0)));
    assert!((fix.speed_mps.unwrap() - 18.52).abs() < 1e-9);
    assert_eq!((fix.pdop, fix.hdop, fix.vdop, fix.used_count), (Some(1.8), Some(0.9), Some(1.6), Some(9)));
    let used = fix.used.unwrap();
    assert_eq!((used.of(Constellation::Gps), used.of(Constellation::Beidou), used.total()), (2, 3, 5));
    assert_eq!(fix.in_view.unwrap().total(), 2);
    assert_eq!(fix.utc_ns(), Some(1_772_280_000_000_000_000));
    assert_eq!(fix.weeks_early, Some(1024), "the day before the reference");
}

#[test]
fn another_time_ends_an_epoch() {
    let later = GGA.replace("120000.00", "120000.10");
    let epochs = epochs(&[RMC, GSA_GPS, &later, GSA_BEIDOU]);
    let told = |epoch: &Epoch| (epoch.sentences, epoch.fix.time.unwrap().ns() / 1_000_000);
    assert_eq!(epochs.iter().map(told).collect::<Vec<_>>(), [(2, 43_200_000), (2, 43_200_100)]);
    assert_eq!(epochs[1].first_byte, (line(RMC).len() + line(GSA_GPS).len()) as u64);
}

#[test]
fn times_are_the_same_however_they_are_written() {
    assert_eq!(
        epochs(&["GPGGA,120000,,,,,0,,,,,,,,", "GPRMC,120000.000,V,,,,,,,,,,N", "GPGLL,,,,,120000.0,V"]).len(),
        1
    );
}

#[test]
fn a_time_that_stands_still_gives_epochs_all_the_same() {
    assert_eq!(epochs(&[RMC, GGA, RMC, GGA, RMC, GGA]).len(), 3);
}

#[test]
fn a_receiver_without_a_time_gives_epochs_all_the_same() {
    let gsa = "GNGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99,1";
    let cold = ["GNRMC,,V,,,,,,,,,,N,V", "GNVTG,,,,,,,,,N", "GNGGA,,,,,,0,00,99.99,,,,,,", gsa];
    let epochs = epochs(&[cold, cold].concat());
    assert_eq!(epochs.len(), 2);
    for epoch in epochs {
        assert_eq!((epoch.sentences, epoch.fix.quality), (4, Quality::NoFix));
        assert_eq!((epoch.fix.time, epoch.fix.utc_ns(), epoch.fix.dimension), (None, None, Some(Dimension::NoFix)));
    }
}

#[test]
fn two_talkers_speak_of_one_epoch() {
    assert_eq!(epochs(&["GPGLL,,,,,120000,V", "GLGLL,,,,,120000,V", "GNGLL,,,,,120000,V"]).len(), 1);
    let gns = "GNGNS,120000,,,,,AN,05,0.9,12.5,10.1,,";
    assert_eq!(epochs(&[gns, gns, gns]).len(), 1);
}

#[test]
fn sentences_without_a_time_belong_to_what_is_open() {
    let epochs = epochs(&[GSA_GPS, RMC, "GNVTG,,T,,M,1.0,N,,K,A"]);
    assert_eq!((epochs.len(), epochs[0].sentences), (1, 3));
}

#[test]
fn an_epoch_that_nothing_ends_has_an_end() {
    let texts = vec![GSA_GPS; 2 * usize::from(EPOCH_SENTENCES_MAX) + 1];
    let sentences: Vec<_> = epochs(&texts).iter().map(|epoch| epoch.sentences).collect();
    assert_eq!(sentences, [EPOCH_SENTENCES_MAX, EPOCH_SENTENCES_MAX, 1]);
}

#[test]
fn one_that_says_no_fix_is_believed() {
    for texts in [[VOID_RMC, GGA], [GGA, VOID_RMC]] {
        let fix = fix(&texts);
        assert_eq!((fix.quality, fix.position, fix.altitude_m), (Quality::NoFix, None, None));
        assert_eq!((fix.speed_mps, fix.course_deg), (None, None));
        assert!(fix.utc_ns().is_some(), "the time is said all the same");
    }
    assert_eq!(quality(&[GSA_GPS, "GNZDA,120000,28,02,2026,,"]), Quality::NoFix);
}

#[test]
fn doubt_goes_before_trust_and_gga_before_the_others() {
    let mode = |letter: &str| RMC.replace(",A,V", &format!(",{letter},V"));
    assert_eq!(quality(&[GGA, &mode("E")]), Quality::Estimated);
    assert_eq!(quality(&[&mode("M"), GGA]), Quality::Manual);
    assert_eq!(quality(&[&mode("S"), GGA]), Quality::Simulated);
    assert_eq!(quality(&[&mode("R"), GGA]), Quality::Differential);
    assert_eq!(quality(&[GGA, &mode("R")]), Quality::Differential);
    assert_eq!(quality(&[&mode("R"), "GNVTG,,,,,,,,,A"]), Quality::Rtk);
}

#[test]
fn a_constellation_that_is_not_used_takes_no_dimension_away() {
    assert_eq!(fix(&[GGA, GSA_GPS, "BDGSA,A,1,,,,,,,,,,,,,,,"]).dimension, Some(Dimension::Three));
}

#[test]
fn the_position_is_that_with_the_most_digits() {
    let gll = "GNGLL,3100.0,N,12100.0,E,120000.00,A,A";
    let expected = Some(Position { latitude_deg: 31.0 + 12.00006 / 60.0, longitude_deg: 121.0 + 30.00006 / 60.0 });
    assert_eq!([fix(&[GGA, RMC, gll]).position, fix(&[gll, RMC, GGA]).position], [expected; 2]);
}

#[test]
fn the_date_with_four_digits_goes_before() {
    let zda = "GNZDA,120000.00,01,03,2026,00,00";
    let expected = Date::new(2026, 3, 1);
    assert_eq!([fix(&[RMC, zda]).date, fix(&[zda, RMC]).date], [expected; 2]);
    assert_eq!(fix(&[RMC, zda]).weeks_early, None);
}

#[test]
fn weeks_that_rolled_over_are_flagged_and_not_corrected() {
    let fix = fix(&["GPRMC,120000,A,3112.0,N,12130.0,E,0.0,,240207,,,A"]);
    assert_eq!((fix.date, fix.weeks_early), (Date::new(2007, 2, 24), Some(1024)));
    assert_eq!(fix.utc_ns(), Some(1_172_318_400_000_000_000));
    let unfolded_s = Date::new(2026, 10, 10).unwrap().days() * 86_400 + 12 * 3_600;
    assert_eq!(fix.unfolded_utc_ns(), Some(unfolded_s * 1_000_000_000));
}

#[test]
fn a_leap_second_has_the_number_of_the_next() {
    let at = |time: &str, date: &str| fix(&[&format!("GPRMC,{time},A,3112.0,N,12130.0,E,0.0,,{date},,,A")]);
    let (leap, next) = (at("235960", "311216"), at("000000", "010117"));
    assert_eq!(leap.utc_ns(), next.utc_ns());
    assert!(leap.time.unwrap().is_leap_second() && !next.time.unwrap().is_leap_second());
}

/// A parser to which these were pushed, and then flushed.
fn flushed(texts: &[&str]) -> (Parser, Option<Epoch>) {
    let mut parser = Parser::new(reference());
    texts.iter().for_each(|text| parser.push(line(text).as_bytes(), |epoch| panic!("{epoch:?}")));
    let epoch = parser.flush();
    (parser, epoch)
}

#[test]
fn what_comes_after_its_epoch_was_told_is_late() {
    let (mut parser, epoch) = flushed(&[RMC]);
    assert_eq!(epoch.unwrap().sentences, 1);
    parser.push(line(GGA).as_bytes(), |epoch| panic!("{epoch:?}"));
    assert_eq!((parser.counts().late, parser.flush()), (1, None));
}

#[test]
fn a_time_that_stands_still_is_not_late() {
    let (mut parser, _) = flushed(&[RMC]);
    let mut push = |text| parser.push(line(text).as_bytes(), |epoch| panic!("{epoch:?}"));
    [GGA, RMC, GGA].into_iter().for_each(&mut push);
    assert_eq!((parser.counts().late, parser.flush().unwrap().sentences), (1, 2));
}

#[test]
fn after_a_flush_the_next_time_begins_an_epoch() {
    let (mut parser, _) = flushed(&[RMC, GGA]);
    let later = RMC.replace("120000", "120001");
    [&*later, GSA_GPS].iter().for_each(|text| parser.push(line(text).as_bytes(), |epoch| panic!("{epoch:?}")));
    assert_eq!((parser.counts().late, parser.flush().unwrap().sentences), (0, 2));
}

#[test]
fn nothing_is_late_behind_a_cut() {
    let mut parser = Parser::new(reference());
    for _ in 0..2 {
        parser.push(line(RMC).as_bytes(), |epoch| panic!("{epoch:?}"));
        let mut epochs = 0;
        parser.cut(|_| epochs += 1);
        assert_eq!(epochs, 1);
        parser.push(line(GGA).as_bytes(), |epoch| panic!("{epoch:?}"));
        parser.cut(drop);
    }
    assert_eq!(parser.counts().late, 0);
}
