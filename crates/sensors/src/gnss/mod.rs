// SPDX-License-Identifier: MIT OR Apache-2.0
//! GNSS receivers that speak NMEA 0183 on a serial line.
//!
//! A [`Parser`] makes epochs of bytes. [`Plausibility`] looks whether they can be. Both are pure. A [`Reader`] has the serial
//! device, a parser and a thread, and hands on what comes.

mod arrivals;
mod checksums;
mod date;
mod epochs;
mod fields;
mod fix;
mod frames;
mod hunt;
mod parser;
mod plausibility;
mod reader;
mod satellites;
mod sentence;

pub use date::{Date, TimeOfDay};
pub use epochs::Epoch;
pub use fix::{Dimension, Fix, Position, Quality};
pub use parser::{Counts, Parser};
pub use plausibility::{Arrival, Doubt, Limits, Plausibility, Utc};
pub use reader::{Event, Reader, Setup, State};
pub use satellites::{Constellation, Satellites};
