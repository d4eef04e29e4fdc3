// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where and when the recorder is, as its sensors say it: GNSS receivers on a serial line.
//!
//! What a sensor says is handed on as it was said, with doubts beside it; nothing is corrected. This crate knows serial lines
//! and NMEA 0183. It must not know sessions, records, signatures or D-Bus.

pub mod gnss;
