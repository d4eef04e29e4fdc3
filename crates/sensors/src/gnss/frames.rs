// SPDX-License-Identifier: MIT OR Apache-2.0
//! Cuts a stream of bytes into frames: lines of NMEA 0183, frames of UBX and RTCM 3, and what is none of these.
//!
//! What a frame is depends on its own bytes and on the first that end it, never on how many of them are there yet: so the way
//! in which a stream comes in pieces changes nothing. Must not know what a line says.
//!
//! A frame that turns out to be none costs its first byte only, and the search goes on with the next. So no sentence is lost
//! inside what looked like the start of something longer.

use super::checksums::{crc24q, fletcher};

/// A longer line is none. NMEA 0183 allows 82 bytes; proprietary lists of satellites (PUBX,03) take up to 700.
pub(super) const LINE_BYTES_MAX: usize = 1024;

/// UBX states lengths up to 65,535. What receivers send unasked stays below (UBX-RXM-RAWX, 100 measurements: 3,216 bytes);
/// a false start must not hold up what follows for longer.
const UBX_PAYLOAD_BYTES_MAX: usize = 4096;
/// B5 62, class, identity, length; and the sum at the end.
const UBX_HEADER_BYTES: usize = 6;
const UBX_SUM_BYTES: usize = 2;

/// D3, six bits of 0, ten of length; and the sum at the end.
const RTCM_HEADER_BYTES: usize = 3;
const RTCM_SUM_BYTES: usize = 3;

/// The longest frame there can be.
pub(super) const FRAME_BYTES_MAX: usize = UBX_HEADER_BYTES + UBX_PAYLOAD_BYTES_MAX + UBX_SUM_BYTES;

/// What the first bytes of a stream are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// What stands between the start and the end of a line.
    Line(&'a [u8]),
    /// The start of a line that was cut: by the start of another, or by a byte that no line has.
    Cut,
    /// The start of a line that has no end within `LINE_BYTES_MAX`.
    Overlong,
    /// A whole frame of UBX or RTCM 3.
    Foreign,
    /// Nothing of these.
    Garbage,
}

/// The first frame and its length in bytes, which is never 0. None: more bytes are needed to tell.
pub(super) fn first(bytes: &[u8]) -> Option<(Frame<'_>, usize)> {
    match bytes.first()? {
        b'$' | b'!' => line(bytes),
        0xb5 => ubx(bytes),
        0xd3 => rtcm(bytes),
        _ => Some((Frame::Garbage, garbage(bytes))),
    }
}

/// The first frame when no more bytes will come. None: there are none.
pub(super) fn last(bytes: &[u8]) -> Option<(Frame<'_>, usize)> {
    let (start, rest) = bytes.split_first()?;
    let text = rest.iter().take_while(|byte| is_text(**byte)).count();
    Some(if is_start(*start) { (Frame::Cut, 1 + text) } else { (Frame::Garbage, 1) })
}

fn line(bytes: &[u8]) -> Option<(Frame<'_>, usize)> {
    let text = &bytes[1..bytes.len().min(LINE_BYTES_MAX)];
    let Some(end) = text.iter().position(|byte| !is_text(*byte)) else {
        return (bytes.len() >= LINE_BYTES_MAX).then_some((Frame::Overlong, LINE_BYTES_MAX));
    };
    let (content, rest) = text.split_at(end);
    match rest {
        [b'\n', ..] => Some((Frame::Line(content), end + 2)),
        [b'\r', b'\n', ..] => Some((Frame::Line(content), end + 3)),
        [b'\r'] if bytes.len() < LINE_BYTES_MAX => None,
        _ => Some((Frame::Cut, end + 1)),
    }
}

/// What may stand inside a line: printable ASCII that starts no other.
fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !is_start(byte)
}

fn ubx(bytes: &[u8]) -> Option<(Frame<'_>, usize)> {
    let Some(header) = bytes.first_chunk::<UBX_HEADER_BYTES>() else {
        return (bytes.len() > 1 && bytes[1] != 0x62).then_some((Frame::Garbage, 1));
    };
    let payload_bytes = usize::from(u16::from_le_bytes([header[4], header[5]]));
    if header[1] != 0x62 || payload_bytes > UBX_PAYLOAD_BYTES_MAX {
        return Some((Frame::Garbage, 1));
    }
    let covered = bytes.get(2..UBX_HEADER_BYTES + payload_bytes)?;
    let sum = bytes.get(UBX_HEADER_BYTES + payload_bytes..)?.first_chunk::<UBX_SUM_BYTES>()?;
    Some(foreign(fletcher(covered) == *sum, UBX_HEADER_BYTES + payload_bytes + UBX_SUM_BYTES))
}

fn rtcm(bytes: &[u8]) -> Option<(Frame<'_>, usize)> {
    let [_, high, ..] = bytes else { return None };
    if high & 0b1111_1100 != 0 {
        return Some((Frame::Garbage, 1));
    }
    let payload_bytes = usize::from(u16::from_be_bytes([*high, *bytes.get(2)?]));
    let length = RTCM_HEADER_BYTES + payload_bytes + RTCM_SUM_BYTES;
    let frame = bytes.get(..length)?;
    Some(foreign(crc24q(frame) == 0, length))
}

fn foreign(is_whole: bool, length: usize) -> (Frame<'static>, usize) {
    if is_whole { (Frame::Foreign, length) } else { (Frame::Garbage, 1) }
}

/// How many bytes there are before the next that may start something.
fn garbage(bytes: &[u8]) -> usize {
    let starts = |byte: &u8| is_start(*byte) || matches!(byte, 0xb5 | 0xd3);
    bytes.iter().position(starts).unwrap_or(bytes.len())
}

fn is_start(byte: u8) -> bool {
    matches!(byte, b'$' | b'!')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ubx_frame(payload: &[u8]) -> Vec<u8> {
        let length = (payload.len() as u16).to_le_bytes();
        let covered = [&[0x01, 0x07], &length[..], payload].concat();
        let sum = fletcher(&covered);
        [&[0xb5, 0x62], &covered[..], &sum].concat()
    }

    fn rtcm_frame(payload: &[u8]) -> Vec<u8> {
        let length = (payload.len() as u16).to_be_bytes();
        let covered = [&[0xd3], &length[..], payload].concat();
        let sum = crc24q(&covered).to_be_bytes();
        [&covered[..], &sum[1..]].concat()
    }

    /// Every beginning of `bytes` but the whole leaves the question open.
    fn needs_all(bytes: &[u8]) {
        for length in 0..bytes.len() {
            assert_eq!(first(&bytes[..length]), None, "{length} of {bytes:02x?}");
        }
    }

    #[test]
    fn lines_end_with_lf_and_with_cr_lf() {
        assert_eq!(first(b"$GPTXT,a*00\nx"), Some((Frame::Line(b"GPTXT,a*00"), 12)));
        assert_eq!(first(b"!AIVDM*00\r\n"), Some((Frame::Line(b"AIVDM*00"), 11)));
        assert_eq!(first(b"$\n"), Some((Frame::Line(b""), 2)));
        needs_all(b"!AIVDM*00\r\n");
    }

    #[test]
    fn a_line_is_cut_by_the_next_and_by_what_is_no_text() {
        for cut in [b"$GPG$GPG".as_slice(), b"$GPG!AIV", b"$GPG\x00", b"$GPG\xb5\x62", b"$GPG\r$", b"$GPG\x7f"] {
            assert_eq!(first(cut), Some((Frame::Cut, 4)), "{cut:?}");
        }
    }

    #[test]
    fn a_line_has_a_longest() {
        let line = |length: usize, end: &str| format!("${}{end}", "a".repeat(length - 1 - end.len())).into_bytes();
        assert!(matches!(first(&line(LINE_BYTES_MAX, "\n")), Some((Frame::Line(_), LINE_BYTES_MAX))));
        assert!(matches!(first(&line(LINE_BYTES_MAX, "\r\n")), Some((Frame::Line(_), LINE_BYTES_MAX))));
        assert_eq!(first(&line(LINE_BYTES_MAX + 1, "\n")), Some((Frame::Overlong, LINE_BYTES_MAX)));
        assert_eq!(first(&line(LINE_BYTES_MAX + 1, "\r\n")), Some((Frame::Cut, LINE_BYTES_MAX - 1)));
        assert_eq!(first(&line(LINE_BYTES_MAX, "\r\n")[..LINE_BYTES_MAX - 1]), None);
    }

    #[test]
    fn ubx_is_skipped_as_a_whole() {
        for payload in [b"".as_slice(), b"$GNRMC,not a line*00\r\n", &[0; UBX_PAYLOAD_BYTES_MAX]] {
            let frame = ubx_frame(payload);
            assert_eq!(first(&[&frame[..], b"$"].concat()), Some((Frame::Foreign, frame.len())));
            needs_all(&frame);
        }
    }

    #[test]
    fn rtcm_is_skipped_as_a_whole() {
        for payload in [b"".as_slice(), b"\x3e\xd0$GP", &[0xff; 1023]] {
            let frame = rtcm_frame(payload);
            assert_eq!(first(&[&frame[..], b"$"].concat()), Some((Frame::Foreign, frame.len())));
            needs_all(&frame);
        }
    }

    #[test]
    fn a_false_start_costs_one_byte() {
        let mut ubx = ubx_frame(b"payload");
        *ubx.last_mut().unwrap() ^= 1;
        let mut rtcm = rtcm_frame(b"payload");
        rtcm[5] ^= 1;
        let long = [0xb5, 0x62, 1, 7, 0x01, 0x10];
        for bytes in [&ubx[..], &rtcm, &long, &[0xb5, 0x61], &[0xd3, 0x04]] {
            assert_eq!(first(bytes), Some((Frame::Garbage, 1)), "{bytes:02x?}");
        }
    }

    #[test]
    fn garbage_goes_up_to_the_next_start() {
        assert_eq!(first(b"\r\nabc$"), Some((Frame::Garbage, 5)));
        assert_eq!(first(b"abc"), Some((Frame::Garbage, 3)));
        assert_eq!(first(b"\0\0\xb5"), Some((Frame::Garbage, 2)));
    }

    #[test]
    fn what_is_not_completed_is_no_frame() {
        assert_eq!(last(b"$GNRMC,12\r"), Some((Frame::Cut, 9)));
        assert_eq!(last(b"\xb5\x62\x01"), Some((Frame::Garbage, 1)));
        assert_eq!(last(b""), None);
    }
}
