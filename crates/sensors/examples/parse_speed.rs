// SPDX-License-Identifier: MIT OR Apache-2.0
//! How fast the parser is: reads a file, parses it over and over for a second or so, prints sentences a second.
//!
//! `cargo run --release -p sealcam-sensors --example parse_speed -- FILE`

use std::error::Error;
use std::time::{Duration, Instant};

use sensors::gnss::{Counts, Date, Parser};

const SPAN: Duration = Duration::from_secs(2);
/// As a serial line would give it, at the most.
const READ_BYTES: usize = 4096;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("which file?")?;
    let log = std::fs::read(path)?;
    let reference = Date::new(2026, 1, 1).ok_or("no such day")?;
    let (mut parser, mut epochs, begin) = (Parser::new(reference), 0_u64, Instant::now());
    while begin.elapsed() < SPAN {
        log.chunks(READ_BYTES).for_each(|bytes| parser.push(bytes, |_| epochs += 1));
    }
    print(parser.counts(), epochs, begin.elapsed().as_secs_f64());
    Ok(())
}

fn print(counts: &Counts, epochs: u64, seconds: f64) {
    let (sentences, bytes) = (counts.whole_lines() as f64 / seconds, counts.bytes() as f64 / seconds);
    println!("{sentences:.0} sentences/s, {:.0} epochs/s, {:.1} MB/s", epochs as f64 / seconds, bytes / 1e6);
    println!("{counts:?}");
}
