// SPDX-License-Identifier: MIT OR Apache-2.0
use super::*;

fn parser() -> Parser {
    Parser::new(Date::new(2026, 3, 1).unwrap())
}

/// All that comes of these bytes; the line is gone behind them.
fn counts(bytes: &[u8]) -> Counts {
    let mut parser = parser();
    parser.push(bytes, drop);
    parser.cut(drop);
    *parser.counts()
}

#[test]
fn everything_is_counted() {
    let overlong = [b"$", &[b'x'; 2000][..]].concat();
    let pieces: [&[u8]; 9] = [
        b"\0\xff",
        b"$GNVTG,,,,,,,,,N*2E\r\n",
        b"$GNVTG,,,,,,,,,N*2F\n",
        b"$GPTXT,01,01,01,ANTENNA OK*35\r\n",
        b"$GNVTG,,,,",
        b"$GNVTG,,,,,,,,,X*38\n",
        b"\xb5\x62\x0a\x04\x00\x00\x0e\x34",
        &overlong,
        b"$GNV",
    ];
    let counts = counts(&pieces.concat());
    let frames = 1024 + 21 + 20 + 31 + 10 + 20 + 4;
    let expected = Counts {
        sentences: 1,
        late: 0,
        checksum_faults: 1,
        malformed: 3,
        unknown: 1,
        overlong: 1,
        foreign_frames: 1,
        line_bytes: frames,
        foreign_bytes: 8,
        garbage_bytes: 2 + 2001 - 1024,
    };
    assert_eq!(counts, expected);
    assert_eq!((counts.bytes(), counts.lines(), counts.whole_lines()), (frames + 8 + 979, 7, 2));
}

#[test]
fn what_has_begun_is_pending_until_the_line_is_cut() {
    let mut parser = parser();
    parser.push(b"\xb5\x62\x01\x07\xff\x00$GNVTG,,,,,,,,,N*2E\r\n", drop);
    assert_eq!((parser.pending_bytes(), parser.counts().bytes()), (27, 0));
    let mut epochs = 0;
    parser.cut(|_| epochs += 1);
    assert_eq!((parser.pending_bytes(), parser.counts().bytes()), (0, 27));
    assert_eq!((parser.counts().sentences, parser.counts().garbage_bytes, epochs), (1, 6, 1));
}

#[test]
fn a_flush_leaves_a_sentence_that_has_begun() {
    let mut parser = parser();
    parser.push(b"$GNVTG,,,,", drop);
    assert_eq!(parser.flush(), None);
    parser.push(b",,,,,N*2E\r\n", drop);
    assert_eq!((parser.counts().sentences, parser.counts().malformed), (1, 0));
}

#[test]
fn the_oldest_byte_is_that_of_the_open_epoch() {
    let mut parser = parser();
    parser.push(b"xyz$GNV", drop);
    assert_eq!(parser.oldest_byte(), 3);
    parser.push(b"TG,,,,,,,,,N*2E\r\n$GNV", drop);
    assert_eq!(parser.oldest_byte(), 3);
    assert_eq!(parser.flush().unwrap().first_byte, 3);
    assert_eq!(parser.oldest_byte(), 24);
}

#[test]
fn hostile_bytes_take_no_memory() {
    let mut parser = parser();
    for hostile in [&[0xb5, 0x62, 1, 7, 0, 16][..], b"$", b"\xd3\x03", b"\n"] {
        for _ in 0..3_000 {
            parser.push(hostile, drop);
        }
        assert!(parser.pending.capacity() <= 2 * (FRAME_BYTES_MAX + PIECE_BYTES));
        assert!(parser.pending_bytes() < FRAME_BYTES_MAX);
    }
}
