// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: someone verifies while the recorder works, and what it writes meanwhile is called tampered.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::footage::Footage;
use common::{Device, Recording, close, jpeg};
use evidence::verify::{Options, Overall, Report, verify};
use std::num::NonZeroUsize;
use std::sync::Mutex;
use store::SessionWriter;

/// Verifies the device's evidence folder; as soon as a segment's first bytes are read, `happens` happens.
fn verify_while(device: &Device, happens: impl FnOnce() + Send) -> Report {
    let history = device.history();
    let happens = Mutex::new(Some(happens));
    let progress = |_| {
        if let Some(happens) = happens.lock().unwrap().take() {
            happens();
        }
    };
    let options = Options { history: Some(&history), jobs: NonZeroUsize::new(2).unwrap(), progress: &progress };
    let report = verify(device.evidence(), &options).unwrap();
    assert!(happens.lock().unwrap().is_none(), "nothing was read of a segment");
    report
}

fn recording() -> Recording {
    Recording::new(Footage::BOTH, 10, 4)
}

fn begun(device: &Device) -> (std::sync::Arc<store::Evidence>, SessionWriter) {
    let evidence = device.open();
    let mut writer = device.begin(&evidence, &recording());
    device.feed(&mut writer, &recording());
    (evidence, writer)
}

#[test]
fn a_session_that_ends_meanwhile_is_intact() {
    let device = Device::new();
    let (evidence, mut writer) = begun(&device);
    let report = verify_while(&device, || {
        writer.add_photo(&jpeg(1)).unwrap();
        writer.finish("stop", None).unwrap();
    });
    assert_eq!(report.overall, Overall::Intact, "{:#?}", report.findings);
    close(evidence);
}

#[test]
fn photos_taken_meanwhile_do_not_make_a_running_session_more_than_incomplete() {
    let device = Device::new();
    let (evidence, mut writer) = begun(&device);
    let report = verify_while(&device, || {
        writer.add_photo(&jpeg(1)).unwrap();
        device.photo_outside(&evidence, 2);
    });
    assert_eq!(report.overall, Overall::Incomplete, "{:#?}", report.findings);
    writer.finish("stop", None).unwrap();
    close(evidence);
}

#[test]
fn a_session_that_begins_meanwhile_is_looked_at_as_well() {
    let device = Device::with_one_session();
    let evidence = device.open();
    let report = verify_while(&device, || {
        device.record(&evidence, &recording());
    });
    assert_eq!((report.overall, report.sessions.len()), (Overall::Intact, 2), "{:#?}", report.findings);
    close(evidence);
}
