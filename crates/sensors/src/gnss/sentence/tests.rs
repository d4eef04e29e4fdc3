// SPDX-License-Identifier: MIT OR Apache-2.0
use super::*;
use Constellation::*;

fn reference() -> Date {
    Date::new(2026, 3, 1).unwrap()
}

/// Reads a sentence that is given its checksum here.
fn said(text: &str) -> Result<Content, Refused> {
    let line = format!("{text}*{:02X}", xor(text.as_bytes()));
    read(line.as_bytes(), reference()).map(|sentence| sentence.content)
}

fn malformed(text: &str) {
    assert_eq!(said(text), Err(Refused::Malformed), "{text}");
}

fn quality(text: &str) -> Option<Quality> {
    said(text).unwrap().quality
}

fn count(set: Option<SatelliteSet>, constellation: Constellation) -> u8 {
    set.unwrap().count().of(constellation)
}

fn ns(content: &Content) -> u64 {
    content.time.unwrap().ns()
}

#[test]
fn gga_says_where_and_how_well() {
    let content = said("GNGGA,060538.50,3116.78185,N,12031.84742,E,5,12,0.82,17.4,M,9.1,M,1.0,0000").unwrap();
    assert_eq!(ns(&content), 21_938_500_000_000);
    let position = content.position.unwrap();
    assert!((position.latitude_deg - 31.279_697_5).abs() < 1e-12);
    assert!((position.longitude_deg - 120.530_790_333_333).abs() < 1e-12);
    assert_eq!((content.quality, content.used_count, content.hdop), (Some(Quality::Float), Some(12), Some(0.82)));
    assert_eq!((content.altitude_m, content.geoid_separation_m), (Some(17.4), Some(9.1)));
    assert_eq!(content.correction_age_s, Some(1.0));
}

#[test]
fn gga_of_a_receiver_without_a_fix_says_no_fix() {
    let content = said("GNGGA,,,,,,0,00,99.99,,,,,,").unwrap();
    assert_eq!((content.time, content.position, content.quality), (None, None, Some(Quality::NoFix)));
    assert_eq!(quality("GNGGA,,,,,,,,,,,,,,"), Some(Quality::NoFix));
}

#[test]
fn each_digit_of_quality_is_known() {
    use Quality::*;
    let of = |digit| quality(&format!("GPGGA,,,,,,{digit},,,,,,,,")).unwrap();
    let qualities = [NoFix, Gnss, Differential, Pps, Rtk, Float, Estimated, Manual, Simulated, Differential];
    (0..10).zip(qualities).for_each(|(digit, quality)| assert_eq!(of(digit), quality));
    malformed("GPGGA,,,,,,A,,,,,,,,");
    malformed("GPGGA,,,,,,10,,,,,,,,");
}

#[test]
fn rmc_says_how_fast_and_when() {
    let content = said("GNRMC,060536.00,A,3116.78116,N,12031.84786,E,10.000,322.05,110620,5.1,W,D,V").unwrap();
    assert!((content.speed_mps.unwrap() - 5.144_444).abs() < 1e-6);
    assert_eq!(content.course_deg, Some(322.05));
    assert_eq!((content.date, content.quality), (Date::new(2020, 6, 11), Some(Quality::Differential)));
}

#[test]
fn rmc_is_read_in_all_its_lengths() {
    let start = "GPRMC,120000,A,3112.0,N,12130.0,E,0.0,,280226,,";
    assert_eq!(quality(start), Some(Quality::Gnss));
    assert_eq!(quality(&format!("{start},E")), Some(Quality::Estimated));
    assert_eq!(quality(&format!("{start},F,V")), Some(Quality::Float));
    malformed("GPRMC,120000,A,3112.0,N,12130.0,E,0.0,,280226,");
    malformed(&format!("{start},X"));
}

#[test]
fn what_is_void_is_no_fix_whatever_its_mode() {
    assert_eq!(quality("GNRMC,,V,,,,,,,,,,N,V"), Some(Quality::NoFix));
    assert_eq!(quality("GNRMC,120000,V,3112.0,N,12130.0,E,,,,,,E"), Some(Quality::NoFix));
    assert_eq!(quality("GNRMC,120000,,3112.0,N,12130.0,E,,,,,,A"), Some(Quality::NoFix));
    assert_eq!(quality("GNGLL,,,,,021637.000,V,N"), Some(Quality::NoFix));
    malformed("GNRMC,120000,B,3112.0,N,12130.0,E,,,,,,A");
}

#[test]
fn years_of_two_digits_are_read_against_the_reference() {
    let date = |date| said(&format!("GPRMC,120000,A,,,,,,,{date},,")).map(|content| content.date);
    assert_eq!(date("311299"), Ok(Date::new(1999, 12, 31)));
    assert_eq!(date("060180"), Ok(Date::new(1980, 1, 6)));
    assert_eq!(date("280226"), Ok(Date::new(2026, 2, 28)));
    for bad in ["290226", "000126", "011326", "11226", "1112026", "-10126"] {
        assert_eq!(date(bad), Err(Refused::Malformed), "{bad}");
    }
}

#[test]
fn a_leap_second_is_a_time() {
    for text in ["GPRMC,235960.250,A,,,,,,,311216,,", "GPZDA,235960.250,31,12,2016,00,00", "GPGLL,,,,,235960.250,A"] {
        let time = said(text).unwrap().time.unwrap();
        assert!(time.is_leap_second() && time.ns() == 86_400_250_000_000, "{text}");
    }
    malformed("GPZDA,125960,31,12,2016,00,00");
}

#[test]
fn zda_has_the_whole_year() {
    assert_eq!(said("GNZDA,021637.000,25,10,2022,00,00").unwrap().date, Date::new(2022, 10, 25));
    assert_eq!(said("GPZDA,,,,,,").unwrap(), Content::default());
    malformed("GNZDA,021637.000,25,10,1979,00,00");
    malformed("GNZDA,021637.000,25,,2022,00,00");
    malformed("GNZDA,021637.000,25,300,2022,00,00");
}

#[test]
fn gns_has_a_mode_for_each_constellation() {
    use Quality::*;
    let of = |modes| said(&format!("GNGNS,014035.00,4332.69262,S,17235.48549,E,{modes},13,0.9,25.63,11.24,,,V"));
    let qualities = ["NN", "AN", "NDNNN", "RRNRNN", "EA", "NS"].map(|modes| of(modes).unwrap().quality.unwrap());
    assert_eq!(qualities, [NoFix, Gnss, Differential, Rtk, Gnss, Simulated]);
    assert_eq!(of("").unwrap().quality, None);
    assert_eq!(of("AX"), Err(Refused::Malformed));
    let content = of("RR").unwrap();
    assert_eq!((content.altitude_m, content.geoid_separation_m), (Some(25.63), Some(11.24)));
    assert_eq!(content.used_count, Some(13));
    assert!(content.position.unwrap().latitude_deg < 0.0);
}

#[test]
fn gll_says_where_and_when() {
    let content = said("GNGLL,3116.78185,N,12031.84742,E,060538.00,A,A").unwrap();
    assert_eq!((ns(&content), content.quality), (21_938_000_000_000, Some(Quality::Gnss)));
    assert!(content.position.is_some());
    malformed("GPGLL,3116.78185,N,12031.84742,E");
}

#[test]
fn vtg_says_how_fast() {
    let content = said("GNVTG,90.5,T,,M,1.0,N,1.852,K,A").unwrap();
    assert!((content.speed_mps.unwrap() - 0.514_444).abs() < 1e-6);
    assert_eq!((content.course_deg, content.quality), (Some(90.5), Some(Quality::Gnss)));
    assert_eq!(said("GNVTG,,T,,M,,N,36.0,K").unwrap().speed_mps, Some(10.0));
    assert_eq!(said("GNVTG,,,,,,,,,N").unwrap().quality, Some(Quality::NoFix));
    malformed("GNVTG,,T,,M,-1.0,N,,K");
    malformed("GNVTG,361,T,,M,1.0,N,,K");
    malformed("GNVTG,90.5,90.5,1.0,1.9");
}

#[test]
fn gsa_lists_what_is_used() {
    let content = said("GNGSA,A,3,17,06,28,19,46,,,,,,,,4.00,1.82,3.56,1").unwrap();
    assert_eq!((count(content.used, Gps), count(content.used, Sbas)), (4, 1));
    assert_eq!((content.dimension, content.pdop), (Some(Dimension::Three), Some(4.0)));
    assert_eq!((content.hdop, content.vdop), (Some(1.82), Some(3.56)));
}

#[test]
fn gsa_knows_the_constellation_by_system_talker_or_number() {
    let used = |text, constellation| count(said(text).unwrap().used, constellation);
    assert_eq!(used("GNGSA,A,3,08,13,,,,,,,,,,,4.0,1.8,3.5,4", Beidou), 2);
    assert_eq!(used("BDGSA,A,3,08,13,,,,,,,,,,,4.0,1.8,3.5", Beidou), 2);
    assert_eq!(used("GQGSA,A,2,01,,,,,,,,,,,,4.0,1.8,3.5", Qzss), 1);
    assert_eq!(used("GNGSA,A,3,66,72,,,,,,,,,,,4.0,1.8,3.5", Glonass), 2);
    assert_eq!(used("GPGSA,A,1,,,,,,,,,,,,,,,", Gps), 0);
    malformed("GPGSA,A,4,,,,,,,,,,,,,,,");
    malformed("GPGSA,A,3,01,02,4.0,1.8,3.5");
}

#[test]
fn gsv_lists_what_is_in_view() {
    let view = |text| said(text).unwrap().in_view;
    let full = view("GPGSV,3,1,11,01,16,050,18,02,,,35,46,44,061,30,194,37,260,32");
    assert_eq!((count(full, Gps), count(full, Sbas), count(full, Qzss)), (2, 1, 1));
    assert_eq!(view("GPGSV,1,1,00").unwrap().count().total(), 0);
    assert_eq!(view("GBGSV,1,1,01,28,,,31").unwrap().count().of(Beidou), 1);
    assert_eq!(view("GPGSV,1,1,01,28,,,31,,,,,,,,,,,,").unwrap().count().total(), 1);
}

#[test]
fn the_signal_at_the_end_of_gsv_is_no_satellite() {
    let view = |text| said(text).unwrap().in_view.unwrap().count().total();
    assert_eq!(view("GAGSV,1,1,01,33,62,034,08,7"), 1);
    assert_eq!(view("GPGSV,1,1,00,0"), 0);
    assert_eq!(view("GPGSV,1,1,04,01,,,,02,,,,03,,,,04,,,,B"), 4);
    malformed("GPGSV,1,1,04,01,,,,02,,,,03,,,,04,,,,05,,,");
    malformed("GPGSV,1,1,04,01,,,,XX");
    malformed("GPGSV,1,1,01,01,62,034");
}

#[test]
fn gsv_is_one_of_several() {
    for bad in ["GPGSV,1,2,00", "GPGSV,1,0,00", "GPGSV,,,", "GPGSV,1"] {
        malformed(bad);
    }
}

#[test]
fn what_cannot_be_is_malformed() {
    for bad in [
        "GNGGA,120000.00,9912.0000,N,19130.0000,E,1,08,0.9,545.4,M,46.9,M,,",
        "GNGGA,120000.00,3199.0000,N,12130.0000,E,1,08,0.9,545.4,M,46.9,M,,",
        "GNGGA,120000.00,3112.0000,N,12130.0000,E,1,08,nan,545.4,M,46.9,M,,",
        "GNGGA,120000.00,3112.0000,N,12130.0000,E,1,08,0.9,1e300,M,inf,M,,",
        "GNGGA,120000.00,3112.0000,N,12130.0000,E,1,08,0.9,545.4,F,46.9,M,,",
        "GNGGA,120000.00,3112.0000,N,12130.0000,E,1",
        "GNGGA",
        "GN-GGA,",
        "",
        ",",
    ] {
        malformed(bad);
    }
}

#[test]
fn checksums_are_judged_before_anything_else() {
    let read = |line: &str| read(line.as_bytes(), reference()).map(|sentence| sentence.kind);
    assert_eq!(read("GNVTG,,,,,,,,,N*2E"), Ok(Kind::Vtg));
    assert_eq!(read("GNVTG,,,,,,,,,N*2e"), Ok(Kind::Vtg));
    assert_eq!(read("GNVTG,,,,,,,,,N*2F"), Err(Refused::Checksum));
    assert_eq!(read("GNVTG,1,,,,,,,,N*2E"), Err(Refused::Checksum));
    for bad in ["GNVTG,,,,,,,,,N", "GNVTG,,,,,,,,,N*2", "GNVTG,,,,,,,,,N*2G", "*", "*00"] {
        assert_eq!(read(bad), Err(Refused::Malformed), "{bad}");
    }
}

#[test]
fn what_does_not_concern_us_is_unknown() {
    for unknown in
        ["GPTXT,01,01,01,ANTENNA OK", "PUBX,00", "AIVDM,1,1", "IIRMC,", "GNGST,", "GPGPQ,RMC", "PMTK001", "P"]
    {
        assert_eq!(said(unknown), Err(Refused::Unknown), "{unknown}");
    }
}

#[test]
fn all_talkers_are_heard() {
    for (name, constellation) in TALKERS {
        let line = format!("{}VTG,,,,,,,,,N", String::from_utf8_lossy(&name));
        assert!(said(&line).is_ok(), "{line}");
        assert_eq!(Talker::of(name).unwrap().constellation, constellation);
    }
}
