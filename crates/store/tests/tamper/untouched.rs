// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: an untouched recording that raises an alarm.

use crate::common::footage::Footage;
use crate::common::{Device, Recording, close, copy_tree, files, sessions, verdict};
use crate::stage::{Stage, UNTOUCHED};
use evidence::record::{Event, Medium};
use evidence::verify::Report;

#[test]
fn every_part_is_intact_with_and_without_the_keys() {
    let stage = Stage::new();
    for (history, trust) in [(None, "unchecked"), (Some(&UNTOUCHED.history), "trusted")] {
        assert_eq!(stage.evidence_line(history), format!(".... .... .. | intact | {trust}"));
        let session = verdict::report(&stage.session, history);
        assert_eq!(verdict::line(&session), format!(".... .... .. | intact | {trust}"));
        for (n, letters) in ["....", "....", ".."].into_iter().enumerate() {
            let lone = verdict::report(&stage.segment(n), history);
            assert_eq!(verdict::line(&lone), format!("{letters} | intact | {trust}"), "segment {n}");
        }
        for photo in [stage.photo(), stage.photo_outside()] {
            assert_eq!(verdict::line(&verdict::report(&photo, history)), format!(" | intact | {trust}"));
        }
    }
}

#[test]
fn copies_elsewhere_and_under_other_names_are_intact() {
    let stage = Stage::new();
    let (folder, file) = (stage.aside("copy"), stage.aside("film.mp4"));
    copy_tree(&stage.session, &folder);
    std::fs::copy(stage.segment(1), &file).unwrap();
    for path in [folder, file] {
        let report = verdict::report(&path, Some(&UNTOUCHED.history));
        assert_eq!((verdict::overall(&report), verdict::trust(&report)), ("intact", "trusted"), "{}", path.display());
    }
}

#[test]
fn sound_alone_picture_alone_and_an_empty_session_are_intact() {
    let device = Device::new();
    let evidence = device.open();
    for footage in [Footage::SOUND, Footage::VIDEO] {
        device.record(&evidence, &Recording::new(footage, 6, 4));
    }
    device.record(&evidence, &Recording::new(Footage::BOTH, 0, 4));
    close(evidence);
    let report = verdict::report(device.evidence(), None);
    assert_eq!(verdict::overall(&report), "intact", "{:?}", report.findings);
    let empty = verdict::report(&sessions(device.evidence())[2], None);
    assert_eq!(verdict::line(&empty), " | intact | unchecked");
}

#[test]
fn what_the_record_says_was_not_captured_is_a_gap_and_no_damage() {
    for (name, lost, cause) in [("lost", Some((5, 2)), "stop"), ("failed", None, "source-failed")] {
        let device = Device::new();
        let evidence = device.open();
        device.record(&evidence, &Recording { lost, cause, ..Recording::new(Footage::BOTH, 8, 4) });
        close(evidence);
        let report = verdict::report(device.evidence(), None);
        assert_eq!(verdict::line(&report), ".... .... | gaps | unchecked", "{name}");
    }
}

/// A session that pauses for a second over a change of segment, with what an event tells of the pause.
fn paused(told: Option<Event>) -> Report {
    let device = Device::new();
    let evidence = device.open();
    let recording = Recording::new(Footage::BOTH, 4, 4);
    let mut writer = device.begin(&evidence, &recording);
    let init = recording.footage.init();
    for n in 0..4 {
        writer.append(&init, recording.footage.fragment(n)).unwrap();
    }
    told.into_iter().for_each(|event| writer.note(event));
    for n in 6..8 {
        writer.append(&init, recording.footage.fragment(n)).unwrap();
    }
    writer.finish("stop", None).unwrap();
    close(evidence);
    assert_eq!(files(&sessions(device.evidence())[0], "mp4").len(), 2);
    verdict::report(device.evidence(), None)
}

#[test]
fn a_pause_over_a_segment_boundary_is_a_gap() {
    let report = paused(None);
    assert_eq!(verdict::line(&report), ".... .. | gaps | unchecked");
    assert_eq!(report.missing.gaps, 2, "{:?}", report.gaps);
}

#[test]
fn a_pause_is_missing_unless_an_event_tells_of_it() {
    for (medium, missing) in [(None, 0), (Some(Medium::Video), 1), (Some(Medium::Audio), 1)] {
        for event in ["lost", "source-failed"] {
            let report = paused(Some(Event { event: event.into(), medium, detail: "gone".into() }));
            assert_eq!(verdict::line(&report), ".... .. | gaps | unchecked");
            let told = report.gaps.iter().filter(|gap| !gap.recorded).map(|gap| gap.medium);
            assert!(
                told.clone().count() == missing && told.clone().all(|of| of != medium),
                "{event} {:?}",
                report.gaps
            );
            assert_eq!(report.missing.gaps, missing as u64);
        }
    }
    let other = Event { event: "joined".into(), medium: None, detail: String::new() };
    assert_eq!(paused(Some(other)).missing.gaps, 2);
}

#[test]
fn many_segments_stay_in_order_whatever_their_names() {
    let device = Device::new();
    let evidence = device.open();
    device.record(&evidence, &Recording::new(Footage { gop_chunks: 1, ..Footage::SOUND }, 24, 2));
    close(evidence);
    let folder = &sessions(device.evidence())[0];
    for (n, path) in files(folder, "mp4").into_iter().enumerate() {
        std::fs::rename(&path, folder.join(format!("{}.mp4", (n * 7) % 12))).unwrap();
    }
    let report = verdict::report(device.evidence(), None);
    assert_eq!(verdict::overall(&report), "intact", "{:?}", report.findings);
}
