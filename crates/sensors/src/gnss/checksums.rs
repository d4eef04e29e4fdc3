// SPDX-License-Identifier: MIT OR Apache-2.0
//! The three checksums that are found on a receiver's line.

/// NMEA 0183: all bytes between the start and `*`, exclusive or.
pub(super) fn xor(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}

/// UBX: the 8-bit Fletcher sum of RFC 1145, over class, identity, length and payload.
pub(super) fn fletcher(bytes: &[u8]) -> [u8; 2] {
    bytes.iter().fold([0, 0], |[a, b]: [u8; 2], byte| {
        let a = a.wrapping_add(*byte);
        [a, b.wrapping_add(a)]
    })
}

/// RTCM 3: CRC-24Q, over header and payload. Over header, payload and sum it is 0.
pub(super) fn crc24q(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |crc, byte| {
        let index = (crc >> 16) as u8 ^ byte;
        ((crc << 8) ^ CRC24Q[usize::from(index)]) & 0x00ff_ffff
    })
}

const CRC24Q: [u32; 256] = crc24q_table();

const fn crc24q_table() -> [u32; 256] {
    const POLYNOMIAL: u32 = 0x0186_4cfb;
    let mut table = [0; 256];
    let mut index = 0;
    while index < table.len() {
        let mut crc = (index as u32) << 16;
        let mut bit = 0;
        while bit < 8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= POLYNOMIAL;
            }
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xor_is_what_receivers_send() {
        assert_eq!(xor(b"GNGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99,1"), 0x33);
    }

    /// The poll of UBX-MON-VER, as every u-blox manual has it: B5 62 0A 04 00 00 0E 34.
    #[test]
    fn fletcher_is_that_of_ubx() {
        assert_eq!(fletcher(&[0x0a, 0x04, 0, 0]), [0x0e, 0x34]);
    }

    /// CRC-24/LTE-A of the catalogue of CRCs has the same polynomial and start; its check value is known.
    #[test]
    fn crc_is_that_of_rtcm() {
        assert_eq!(crc24q(b"123456789"), 0xcd_e703);
        let message = [0xd3, 0x00, 0x02, 0x3e, 0xd0];
        let sum = crc24q(&message).to_be_bytes();
        assert_eq!(crc24q(&[&message[..], &sum[1..]].concat()), 0);
    }
}
