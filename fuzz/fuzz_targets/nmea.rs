// SPDX-License-Identifier: MIT OR Apache-2.0
//! Any bytes on the line of a receiver: nothing panics, every byte is counted once, cuts change nothing, and what is said of a
//! fix can be.
//!
//! The first byte of the input says how the rest is meant: in which pieces it comes; and whether its lines are given a start, a
//! checksum and an end here, as they are seldom found by chance.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sensors::gnss::{Arrival, Counts, Date, Epoch, Limits, Parser, Plausibility, Utc};

fuzz_target!(|input: &[u8]| {
    let Some((mode, bytes)) = input.split_first() else { return };
    let bytes = if mode & 1 == 1 { sentences(bytes) } else { bytes.to_vec() };
    let (epochs, counts) = parse(&bytes, bytes.len().max(1));
    assert_eq!(counts.bytes(), bytes.len() as u64);
    assert!((epochs, counts) == parse(&bytes, usize::from(mode >> 1) + 1));
});

/// Each line as a sentence that is whole.
fn sentences(bytes: &[u8]) -> Vec<u8> {
    let sentence = |line: &[u8]| {
        let sum = line.iter().fold(0, |sum, byte| sum ^ byte);
        [b"$", line, format!("*{sum:02X}\r\n").as_bytes()].concat()
    };
    bytes.split(|byte| *byte == b'\n').flat_map(sentence).collect()
}

fn parse(bytes: &[u8], piece_bytes: usize) -> (Vec<Epoch>, Counts) {
    let mut parser = Parser::new(Date::new(2026, 1, 1).unwrap());
    let (mut epochs, mut plausibility) = (Vec::new(), Plausibility::new(Limits::default()));
    let mut give = |epoch: Epoch| {
        judge(&epoch, &mut plausibility);
        epochs.push(epoch);
    };
    for piece in bytes.chunks(piece_bytes) {
        parser.push(piece, &mut give);
    }
    parser.cut(&mut give);
    let counts = *parser.counts();
    (epochs, counts)
}

fn judge(epoch: &Epoch, plausibility: &mut Plausibility) {
    let fix = &epoch.fix;
    let numbers = [fix.altitude_m, fix.geoid_separation_m, fix.speed_mps, fix.course_deg, fix.pdop, fix.hdop, fix.vdop];
    assert!(numbers.into_iter().flatten().all(f64::is_finite));
    assert!(fix.position.is_none_or(|at| at.latitude_deg.abs() <= 90.0 && at.longitude_deg.abs() <= 180.0));
    assert!(fix.is_fix() || fix.position.is_none());
    let utc = fix.unfolded_utc_ns().map(|ns| Utc { ns, bound_ns: 0 });
    plausibility.check(fix, Arrival { boot_ns: epoch.first_byte, utc });
}
