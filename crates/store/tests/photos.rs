// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a photo that is in the ledger, but of which a copy could not be written, makes an untouched recording
//! look tampered; a photo takes the place of another file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::footage::Footage;
use common::{Device, Recording, close, files, jpeg, sessions, verdict};
use std::fs;
use std::path::{Path, PathBuf};
use store::SessionWriter;

/// Records a session in which one photo is taken while `spoil` is in force, and one behind it.
fn record_with(device: &Device, spoil: Change, mend: Change) {
    let evidence = device.open();
    let recording = Recording::new(Footage::SOUND, 2, 4).with_photos(&[2]);
    let mut writer = device.begin(&evidence, &recording);
    device.feed(&mut writer, &recording);
    let session = sessions(device.evidence()).pop().unwrap();
    spoil(&session);
    assert!(writer.add_photo(&jpeg(7)).is_err());
    mend(&session);
    more(device, &mut writer, &recording);
    writer.finish("stop", None).unwrap();
    close(evidence);
}

fn more(device: &Device, writer: &mut SessionWriter, recording: &Recording) {
    writer.append(&recording.footage.init(), recording.footage.fragment(2)).unwrap();
    device.clock.advance_ms(2000);
    writer.add_photo(&jpeg(8)).unwrap();
}

fn photo(session: &Path, number: u32, rest: &str) -> PathBuf {
    let first = files(&session.join("photos"), "jpg")[0].clone();
    let name = first.file_name().unwrap().to_str().unwrap().replace("_0001.jpg", &format!("_{number:04}.jpg{rest}"));
    first.with_file_name(name)
}

type Change = fn(&Path);

const SPOILS: [(&str, Change, Change); 3] = [
    (
        "the copies of the session's entries",
        |session| fs::rename(session.join("session.cbor"), session.join("away")).unwrap(),
        |session| fs::rename(session.join("away"), session.join("session.cbor")).unwrap(),
    ),
    (
        "the copy beside the photo",
        |session| fs::create_dir(photo(session, 2, ".cose")).unwrap(),
        |session| fs::remove_dir(photo(session, 2, ".cose")).unwrap(),
    ),
    (
        "both",
        |session| {
            fs::create_dir(photo(session, 2, ".cose")).unwrap();
            fs::rename(session.join("session.cbor"), session.join("away")).unwrap();
        },
        |session| {
            fs::remove_dir(photo(session, 2, ".cose")).unwrap();
            fs::remove_file(session.join("away")).unwrap();
        },
    ),
];

#[test]
fn a_copy_that_could_not_be_written_is_written_at_the_end_of_the_session() {
    for (name, spoil, mend) in SPOILS {
        let device = Device::new();
        record_with(&device, spoil, mend);
        let session = sessions(device.evidence()).pop().unwrap();
        for path in [device.evidence(), &session] {
            let report = verdict::report(path, None);
            assert_eq!(verdict::overall(&report), "intact", "{name}: {:?}", report.findings);
        }
        assert_eq!(files(&session.join("photos"), "jpg").len(), 3);
    }
}

#[test]
fn a_copy_that_could_not_be_written_to_the_end_is_written_at_the_next_start() {
    for (name, spoil, mend) in SPOILS {
        let device = Device::new();
        record_with(&device, spoil, |_| ());
        mend(&sessions(device.evidence()).pop().unwrap());
        close(device.open());
        let report = verdict::report(device.evidence(), None);
        assert_eq!(verdict::overall(&report), "intact", "{name}: {:?}", report.findings);
    }
}

#[test]
fn a_photo_does_not_take_the_name_of_another_file() {
    let device = Device::new();
    let evidence = device.open();
    let template = "{device}-{number}".parse().unwrap();
    let photos = device.evidence().join("photos");
    fs::create_dir(&photos).unwrap();
    fs::write(photos.join("SC-1-0001.jpg"), b"of a stranger").unwrap();
    fs::write(photos.join("SC-1-0002.jpg.part"), b"of a photo that was cut off").unwrap();
    let stored = evidence.add_photo(&jpeg(1), "", "SC-1", &template).unwrap();
    assert_eq!(stored.path, photos.join("SC-1-0003.jpg"));
    assert_eq!(fs::read(photos.join("SC-1-0001.jpg")).unwrap(), b"of a stranger");
    assert_eq!(fs::read(photos.join("SC-1-0002.jpg.part")).unwrap(), b"of a photo that was cut off");
    let stored = evidence.add_photo(&jpeg(2), "", "SC-1", &template).unwrap();
    assert_eq!(stored.path, photos.join("SC-1-0004.jpg"));
}
