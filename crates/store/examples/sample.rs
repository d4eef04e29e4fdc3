// SPDX-License-Identifier: MIT OR Apache-2.0
//! Makes a small evidence folder from synthetic footage, with the device's key history beside it:
//!
//! ```text
//! cargo run -p sealcam-store --example sample -- DIR [--gaps]
//! ```
//!
//! Three sessions (picture and sound, sound alone, picture alone) of several segments, photos in and outside a session.
//! With `--gaps` the third session has lost frames on record.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../tests/common/mod.rs"]
mod common;

use common::footage::Footage;
use common::{Device, Recording, close, copy_tree};
use std::path::PathBuf;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (flags, folders): (Vec<_>, Vec<_>) = arguments.into_iter().partition(|text| text.starts_with("--"));
    let [folder] = folders.as_slice() else { panic!("usage: sample DIR [--gaps]") };
    let folder = PathBuf::from(folder);
    assert!(!folder.join("evidence").exists(), "{} has an evidence folder already", folder.display());
    let device = record(flags.iter().any(|flag| flag == "--gaps"));
    copy_tree(device.evidence(), &folder.join("evidence"));
    std::fs::write(folder.join("keys.cbor"), device.history().encode()).expect("the key history can be written");
}

fn record(gaps: bool) -> Device {
    let device = Device::new();
    let evidence = device.open();
    device.record(&evidence, &Recording::new(Footage::BOTH, 10, 4).with_photos(&[3]));
    device.photo_outside(&evidence, 100);
    device.record(&evidence, &Recording::new(Footage::SOUND, 6, 4));
    close(evidence);
    let evidence = device.open();
    let lost = gaps.then_some((3, 2));
    device.record(&evidence, &Recording { lost, ..Recording::new(Footage::VIDEO, 7, 4) });
    device.photo_outside(&evidence, 101);
    close(evidence);
    device
}
