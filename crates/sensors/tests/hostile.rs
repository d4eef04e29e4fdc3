// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any bytes at all on the line: nothing panics, every byte is counted once, and it changes nothing how the stream is cut into
//! pieces. What could break: a frame that is judged by how much of it is there; a bound that is off by one.

mod support;

use proptest::prelude::*;
use sensors::gnss::Parser;
use support::{line, log, parse, parse_pieces, reference};

/// Bytes that are likely to mean something.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let logs = ["cold-and-drive.nmea", "two-constellations.nmea", "mixed.bin"].map(log);
    let of_a_log = (0..logs.len(), any::<prop::sample::Index>(), 1..400_usize).prop_map(move |(log, at, length)| {
        let at = at.index(logs[log].len());
        logs[log][at..logs[log].len().min(at + length)].to_vec()
    });
    let starts = prop::sample::select(vec![
        &b"$"[..],
        b"!",
        b"\xb5\x62",
        b"\xd3\0",
        b"\r\n",
        b"$GNRMC,",
        b"*",
        b"\xb5b\x01\x07\x10\0",
    ]);
    prop_oneof![
        4 => of_a_log,
        2 => starts.prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..64),
        1 => sentence(),
        1 => (any::<u8>(), 0..3_000_usize).prop_map(|(byte, count)| vec![byte; count]),
    ]
}

/// A sentence that is whole by its checksum, of fields that may be anything.
fn sentence() -> impl Strategy<Value = Vec<u8>> {
    let talker = prop::sample::select(vec!["GN", "GP", "GL", "GA", "GB", "BD", "GQ", "GI", "XX"]);
    let kind = prop::sample::select(vec!["RMC", "GGA", "GNS", "GSA", "GSV", "GLL", "VTG", "ZDA", "TXT"]);
    let field = prop_oneof![
        3 => "[0-9]{0,6}(\\.[0-9]{0,4})?",
        2 => "[AVNESWMDKT1-9]?",
        1 => "-?[0-9]{0,25}\\.?[0-9]{0,25}",
        1 => "[ \"#%-~]{0,8}",
        1 => Just("235960.999999999999".to_owned()),
    ];
    (talker, kind, prop::collection::vec(field, 0..24))
        .prop_map(|(talker, kind, fields)| line(&format!("{talker}{kind},{}", fields.join(","))))
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(fragment(), 0..16).prop_map(|fragments| fragments.concat())
}

/// A stream in pieces, of which some may be empty.
fn pieces<'a>(stream: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
    cuts.extend([0, stream.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_byte_is_counted_once(stream in stream()) {
        let mut parser = Parser::new(reference());
        parser.push(&stream, drop);
        let counted = parser.counts().bytes() + parser.pending_bytes() as u64;
        prop_assert_eq!(counted, stream.len() as u64);
        parser.cut(drop);
        prop_assert_eq!((parser.counts().bytes(), parser.pending_bytes()), (stream.len() as u64, 0));
    }

    #[test]
    fn cuts_change_nothing(stream in stream(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40)) {
        let whole = parse(&stream);
        prop_assert_eq!(&parse_pieces(pieces(&stream, &cuts)), &whole);
        prop_assert_eq!(&parse_pieces(stream.chunks(1)), &whole);
    }

    #[test]
    fn sentences_of_anything_say_what_can_be(sentences in prop::collection::vec(sentence(), 0..16)) {
        let (epochs, counts) = parse(&sentences.concat());
        prop_assert_eq!(counts.lines(), sentences.len() as u64);
        prop_assert_eq!(counts.checksum_faults, 0);
        for epoch in epochs {
            let fix = epoch.fix;
            let numbers = [fix.altitude_m, fix.geoid_separation_m, fix.speed_mps, fix.course_deg, fix.pdop, fix.hdop, fix.vdop];
            prop_assert!(numbers.into_iter().flatten().all(f64::is_finite));
            prop_assert!(fix.position.is_none_or(|at| at.latitude_deg.abs() <= 90.0 && at.longitude_deg.abs() <= 180.0));
            prop_assert!(fix.is_fix() || fix.position.is_none());
            prop_assert!(fix.unfolded_utc_ns().is_none_or(|ns| ns > 0));
        }
    }

    #[test]
    fn epochs_lie_where_they_begin(stream in stream()) {
        let (epochs, counts) = parse(&stream);
        prop_assert!(epochs.is_sorted_by(|a, b| a.first_byte < b.first_byte));
        for epoch in &epochs {
            prop_assert!(matches!(stream[epoch.first_byte as usize], b'$' | b'!'));
        }
        let sentences: u64 = epochs.iter().map(|epoch| u64::from(epoch.sentences)).sum();
        prop_assert_eq!(sentences + counts.late, counts.sentences);
    }
}
