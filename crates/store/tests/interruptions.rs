// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a stretch that was not captured is not on record, or not with its cause, or twice; what an officer says
//! of it is lost, or makes a ledger that nobody can read any more.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::footage::Footage;
use common::{Device, Recording, close, entries, files, jpeg, sessions, verdict};
use evidence::InterruptionId;
use evidence::entry::{Body, SessionEndBody, SessionStartBody};
use evidence::interruption::Known;
use evidence::record::{Event, Medium};
use evidence::time::TimeSource;
use evidence::verify::{Gap, Report};
use std::fs;
use std::sync::Arc;
use store::index::{Index, InterruptionRow};
use store::{Evidence, NewInterruption, SessionWriter, StoreError};

const SECOND_NS: u64 = 1_000_000_000;

/// One that begins now, to be changed or refused.
fn interruption(device: &Device, cause: &str, media: &[Medium]) -> NewInterruption {
    NewInterruption {
        cause: cause.into(),
        known: Known::Device,
        media: media.to_vec(),
        from_boot_ns: device.clock.now().boot_ns,
        detail: "unplugged".into(),
    }
}

/// Records 2 s of both, 2 s of sound while the camera is gone, and 1 s of both.
fn record_without_camera(device: &Device, evidence: &Arc<Evidence>) -> (SessionWriter, InterruptionId) {
    let mut writer = device.begin(evidence, &Recording::new(Footage::BOTH, 0, 4));
    device.feed_some(&mut writer, &Footage::BOTH, 0, 4);
    let id = device.interrupt(&mut writer, "camera", &[Medium::Video]);
    writer.note(Event { event: "source-failed".into(), medium: Some(Medium::Video), detail: "unplugged".into() });
    device.feed_some(&mut writer, &Footage::SOUND, 4, 8);
    writer.end_interruption(id, device.clock.now().boot_ns).unwrap();
    device.feed_some(&mut writer, &Footage::BOTH, 8, 10);
    (writer, id)
}

/// Gaps as `medium from to cause`, times in seconds.
fn gaps(report: &Report) -> Vec<String> {
    let seconds = |ns: Option<u64>| ns.map_or("-".into(), |ns| format!("{}", ns as f64 / SECOND_NS as f64));
    let line = |gap: &Gap| {
        let medium = gap.medium.map_or("all".into(), |medium| format!("{medium:?}").to_lowercase());
        format!("{medium} {} {} {}", seconds(gap.from_ns), seconds(gap.to_ns), gap.cause)
    };
    report.gaps.iter().map(line).collect()
}

fn rows(device: &Device) -> Vec<InterruptionRow> {
    Index::open_read_only(device.evidence()).unwrap().interruptions(None).unwrap()
}

fn kinds(device: &Device) -> Vec<String> {
    entries(device.evidence()).iter().map(|entry| entry.entry.body.kind().to_owned()).collect()
}

fn start_and_end(device: &Device) -> (SessionStartBody, SessionEndBody) {
    let (mut start, mut end) = (None, None);
    for entry in entries(device.evidence()) {
        match entry.entry.body {
            Body::SessionStart(body) => start = Some(body),
            Body::SessionEnd(body) => end = Some(body),
            _ => {}
        }
    }
    (start.unwrap(), end.unwrap())
}

#[test]
fn an_interruption_is_one_recorded_gap_with_its_cause_and_its_times() {
    let device = Device::new();
    let evidence = device.open();
    let (writer, id) = record_without_camera(&device, &evidence);
    let session = writer.id();
    writer.finish("stop", None).unwrap();
    close(evidence);
    for path in [device.evidence(), &sessions(device.evidence())[0]] {
        let report = verdict::report(path, Some(&device.history()));
        assert_eq!((verdict::overall(&report), verdict::trust(&report)), ("gaps", "trusted"), "{:?}", report.findings);
        assert_eq!(gaps(&report), ["video 2 4 camera: unplugged"]);
    }
    let [row] = rows(&device).try_into().unwrap();
    assert_eq!((row.id, row.session, row.known.as_str(), row.media), (id, session, "device", vec![Medium::Video]));
    let (from, to) = (row.from, row.to.unwrap());
    assert_eq!((to.boot_ns - from.boot_ns, to.utc_ns - from.utc_ns), (2 * SECOND_NS, 2 * SECOND_NS as i64));
    assert_eq!((row.duration_ns, row.detail.as_str(), row.told), (Some(2 * SECOND_NS), "unplugged", None));
    assert_eq!([row.statement, row.report, row.account], ["none", "none", "none"]);
    assert_eq!(
        kinds(&device)[3..],
        ["session-start", "interruption", "interruption-end", "session-end", "key", "shutdown"]
    );
}

#[test]
fn gaps_beside_an_interruption_are_still_named() {
    let device = Device::new();
    let evidence = device.open();
    let (mut writer, _) = record_without_camera(&device, &evidence);
    device.feed_some(&mut writer, &Footage::SOUND, 10, 14);
    device.feed_some(&mut writer, &Footage::BOTH, 14, 15);
    writer.note_lost(Medium::Audio, 2, "too slow");
    device.feed_some(&mut writer, &Footage::BOTH, 15, 16);
    writer.finish("source-failed", None).unwrap();
    close(evidence);
    let report = verdict::report(device.evidence(), None);
    let expected = [
        "video 2 4 camera: unplugged",
        "video 5 7 nothing was captured",
        "audio 7.5 7.5 2: too slow",
        "audio 7.509333333 7.509333333 2 lost",
        "all 8 8 source-failed",
    ];
    assert_eq!(gaps(&report), expected);
    let missing: Vec<_> = report.gaps.iter().filter(|gap| !gap.recorded).map(|gap| gap.cause.to_string()).collect();
    assert_eq!(missing, ["nothing was captured"]);
    assert_eq!((report.missing.video_ns, report.missing.audio_ns), (2 * SECOND_NS, 0));
}

#[test]
fn an_end_of_all_media_within_an_interruption_is_not_named_twice() {
    for (media, named) in [(vec![Medium::Video, Medium::Audio], 2), (vec![Medium::Video], 2)] {
        let device = Device::new();
        let evidence = device.open();
        let mut writer = device.begin(&evidence, &Recording::new(Footage::BOTH, 0, 4));
        device.feed_some(&mut writer, &Footage::BOTH, 0, 4);
        device.interrupt(&mut writer, "storage", &media);
        device.clock.advance_ms(9_000);
        writer.finish("storage-failed", None).unwrap();
        close(evidence);
        let report = verdict::report(device.evidence(), None);
        let told = gaps(&report);
        let of_all = told.iter().filter(|gap| gap.starts_with("all")).count();
        assert_eq!((told.len(), of_all), (named, usize::from(media.len() == 1)), "{told:?}");
        assert!(told.contains(&"video 2 11 storage: unplugged".to_owned()), "{told:?}");
    }
}

#[test]
fn what_is_open_when_the_session_ends_is_over_then() {
    let device = Device::new();
    let evidence = device.open();
    let mut writer = device.begin(&evidence, &Recording::new(Footage::BOTH, 0, 4));
    device.feed_some(&mut writer, &Footage::BOTH, 0, 2);
    for (cause, medium) in [("camera", Medium::Video), ("microphone", Medium::Audio)] {
        device.interrupt(&mut writer, cause, &[medium]);
        device.clock.advance_ms(1_000);
    }
    writer.finish("stop", None).unwrap();
    close(evidence);
    let ends: Vec<_> = rows(&device).into_iter().map(|row| row.duration_ns).collect();
    assert_eq!(ends, [Some(2 * SECOND_NS), Some(SECOND_NS)]);
    let report = verdict::report(device.evidence(), None);
    assert_eq!(gaps(&report), ["video 1 3 camera: unplugged", "audio 2 3 microphone: unplugged"]);
}

#[test]
fn moments_that_are_over_are_told_in_all_clocks_although_utc_was_set_since() {
    let device = Device::new();
    let evidence = device.open();
    let mut writer = device.begin(&evidence, &Recording::new(Footage::BOTH, 0, 4));
    device.feed_some(&mut writer, &Footage::BOTH, 0, 2);
    let from = device.clock.now();
    device.clock.advance_ms(3_000);
    device.clock.step_utc_ms(-60_000);
    evidence.enter_clock_step(-60 * SECOND_NS as i64).unwrap();
    let late = NewInterruption { from_boot_ns: from.boot_ns, ..interruption(&device, "suspend", &[Medium::Video]) };
    let id = writer.begin_interruption(late).unwrap();
    writer.end_interruption(id, device.clock.boot_in_ms(-1_000)).unwrap();
    writer.finish("stop", None).unwrap();
    close(evidence);
    let [row] = rows(&device).try_into().unwrap();
    assert_eq!((row.from.boot_ns, row.from.boot_id), (from.boot_ns.0, from.boot_id));
    assert_eq!((row.from.utc_ns, row.duration_ns), (from.utc_ns.0 - 60 * SECOND_NS as i64, Some(2 * SECOND_NS)));
    let index = Index::open_read_only(device.evidence()).unwrap();
    let [step] = index.clock_steps().unwrap().try_into().unwrap();
    assert_eq!((step.step_ns, step.at.boot_ns), (-60 * SECOND_NS as i64, from.boot_ns.0 + 3 * SECOND_NS));
    let seq = entries(device.evidence()).iter().position(|entry| entry.entry.body.kind() == "clock-step").unwrap();
    assert_eq!(step.seq, seq as u64);
}

#[test]
fn an_officers_account_is_taken_of_what_is_on_record_and_the_last_one_holds() {
    let device = Device::new();
    let evidence = device.open();
    let (writer, id) = record_without_camera(&device, &evidence);
    evidence.explain(id, "obstruction", "110233", "a hand before the lens").unwrap();
    writer.finish("stop", None).unwrap();
    close(evidence);
    let evidence = device.open();
    evidence.explain(id, "weather", "110234", "暴雨").unwrap();
    let unknown = InterruptionId([9; 16]);
    assert!(matches!(evidence.explain(unknown, "other", "", ""), Err(StoreError::NoInterruption(id)) if id == unknown));
    let long = "雨".repeat(store::interruption::MAX_ACCOUNT_BYTES / 3);
    assert!(matches!(evidence.explain(id, "other", "", &long), Err(StoreError::AccountTooLong)));
    close(evidence);
    let [row] = rows(&device).try_into().unwrap();
    let told = row.told.unwrap();
    assert_eq!((told.cause.as_str(), told.officer.as_str(), told.text.as_str()), ("weather", "110234", "暴雨"));
    assert_eq!((row.cause.as_str(), row.account.as_str(), row.statement.as_str()), ("camera", "given", "none"));
    let report = verdict::report(device.evidence(), Some(&device.history()));
    assert_eq!((verdict::overall(&report), verdict::trust(&report)), ("gaps", "trusted"), "{:?}", report.findings);
}

#[test]
fn the_longest_account_can_be_read_again() {
    let device = Device::new();
    let evidence = device.open();
    let (writer, id) = record_without_camera(&device, &evidence);
    writer.finish("stop", None).unwrap();
    let text = "\u{1}".repeat(store::interruption::MAX_ACCOUNT_BYTES - 5);
    evidence.explain(id, "other", "", &text).unwrap();
    close(evidence);
    close(device.open());
    assert_eq!(rows(&device)[0].told.as_ref().unwrap().text, text);
    assert_eq!(verdict::overall(&verdict::report(device.evidence(), None)), "gaps");
}

#[test]
fn an_account_is_taken_without_an_index_too() {
    let device = Device::new();
    let evidence = device.open();
    let (writer, id) = record_without_camera(&device, &evidence);
    writer.finish("stop", None).unwrap();
    close(evidence);
    let index = device.evidence().join("index.sqlite");
    fs::remove_file(&index).unwrap();
    fs::create_dir_all(index.join("in the way")).unwrap();
    let evidence = device.open();
    evidence.explain(id, "other", "110233", "told later").unwrap();
    let unknown = evidence.explain(InterruptionId([9; 16]), "other", "", "");
    assert!(matches!(unknown, Err(StoreError::NoInterruption(_))), "{unknown:?}");
    fs::remove_dir_all(&index).unwrap();
    close(evidence);
    assert_eq!(rows(&device)[0].told.as_ref().unwrap().text, "told later");
}

#[test]
fn what_cannot_be_put_on_record_is_refused_and_spoils_nothing() {
    let device = Device::new();
    let evidence = device.open();
    let (mut writer, over) = record_without_camera(&device, &evidence);
    let now = device.clock.now().boot_ns;
    assert!(matches!(writer.begin_interruption(interruption(&device, "camera", &[])), Err(StoreError::NoMedium)));
    for id in [over, InterruptionId([9; 16])] {
        assert!(matches!(writer.end_interruption(id, now), Err(StoreError::NoInterruption(of)) if of == id));
    }
    let long = NewInterruption { detail: "x".repeat(70_000), ..interruption(&device, "camera", &[Medium::Video]) };
    assert!(writer.begin_interruption(long).is_err());
    device.interrupt(&mut writer, "storage", &[Medium::Audio, Medium::Video, Medium::Audio]);
    writer.finish("stop", None).unwrap();
    close(evidence);
    close(device.open());
    assert_eq!(rows(&device).last().unwrap().media, [Medium::Video, Medium::Audio]);
    assert_eq!(verdict::overall(&verdict::report(device.evidence(), None)), "gaps");
}

#[test]
fn a_copy_that_could_not_be_written_is_written_at_the_end_or_at_the_next_start() {
    for mended in [true, false] {
        let device = Device::new();
        let evidence = device.open();
        let mut writer = device.begin(&evidence, &Recording::new(Footage::BOTH, 0, 4));
        device.feed_some(&mut writer, &Footage::BOTH, 0, 2);
        let session = sessions(device.evidence())[0].clone();
        let copies = session.join("session.cbor");
        fs::remove_file(&copies).unwrap();
        fs::create_dir(&copies).unwrap();
        let id = device.interrupt(&mut writer, "camera", &[Medium::Video]);
        if mended {
            fs::remove_dir(&copies).unwrap();
        }
        writer.end_interruption(id, device.clock.now().boot_ns).unwrap();
        writer.add_photo(&jpeg(1)).unwrap();
        writer.finish("stop", None).unwrap();
        close(evidence);
        if !mended {
            fs::remove_dir(&copies).unwrap();
            close(device.open());
        }
        for path in [device.evidence(), &session] {
            let report = verdict::report(path, None);
            assert_eq!((verdict::overall(&report), gaps(&report).len()), ("gaps", 1), "{:?}", report.findings);
        }
        assert_eq!(files(&session.join("photos"), "cose").len(), 1);
    }
}

/// The `start` events of a device's records, with the number of the chunk.
fn start_events(device: &Device) -> Vec<(u64, String)> {
    let session = &sessions(device.evidence())[0];
    let pieces = files(session, "mp4").into_iter().map(|path| common::pieces::Pieces::read(&path));
    let records = pieces.flat_map(|pieces| pieces.chunks).map(|chunk| common::pieces::record_in(&chunk.seal));
    let events = records.flat_map(|record| record.events.into_iter().map(move |event| (record.chunk, event)));
    events.filter(|(_, event)| event.event == "start").map(|(chunk, event)| (chunk, event.detail)).collect()
}

#[test]
fn the_moment_of_the_button_is_in_the_start_and_in_the_record_of_its_chunk() {
    let cases = [
        (Some(0), vec![(0, "0")]),
        (Some(1_700), vec![(3, "1700000000")]),
        (Some(2_000), vec![(4, "2000000000")]),
        (Some(-20), vec![]),
        (Some(60_000), vec![]),
        (None, vec![]),
    ];
    for (pressed_ms, expected) in cases {
        let device = Device::new();
        let evidence = device.open();
        let pressed_boot_ns = pressed_ms.map(|ms| device.clock.boot_in_ms(ms));
        let continues = Some(evidence::SessionId([3; 16]));
        let recording = Recording::new(Footage::VIDEO, 0, 4);
        let plan = store::NewSession { pressed_boot_ns, continues, ..recording.plan(&device.clock) };
        let mut writer = SessionWriter::begin(Arc::clone(&evidence), plan).unwrap();
        device.feed_some(&mut writer, &Footage::VIDEO, 0, 8);
        let stopped = device.clock.boot_in_ms(-300);
        writer.finish("stop", Some(stopped)).unwrap();
        close(evidence);
        let told: Vec<_> = start_events(&device);
        assert_eq!(told.iter().map(|(n, text)| (*n, text.as_str())).collect::<Vec<_>>(), expected, "{pressed_ms:?}");
        let (start, end) = start_and_end(&device);
        assert_eq!((start.pressed_boot_ns, start.continues), (pressed_boot_ns, continues));
        assert_eq!(end.pressed_boot_ns, Some(stopped));
        let index = Index::open_read_only(device.evidence()).unwrap();
        let [row] = index.sessions().unwrap().try_into().unwrap();
        assert_eq!((row.pressed_boot_ns, row.continues), (pressed_boot_ns.map(|at| at.0), continues));
        assert_eq!((row.zero_boot_ns, row.boot_id), (start.zero_boot_ns.0, device.clock.now().boot_id));
        assert_eq!(verdict::overall(&verdict::report(device.evidence(), None)), "intact");
    }
}

#[test]
fn the_index_tells_when_each_chunk_was_recorded() {
    let device = Device::new();
    let evidence = device.open();
    let (writer, _) = record_without_camera(&device, &evidence);
    let session = writer.id();
    writer.finish("stop", None).unwrap();
    close(evidence);
    let times = Index::open_read_only(device.evidence()).unwrap().chunk_times(session).unwrap();
    let video: Vec<_> = times.iter().map(|chunk| chunk.video_frames).collect();
    assert_eq!(video, [5, 5, 5, 5, 0, 0, 0, 0, 5, 5]);
    assert!(times.iter().all(|chunk| chunk.audio_packets > 20));
    assert_eq!(times.iter().map(|chunk| chunk.chunk).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
    assert_eq!(times.iter().map(|chunk| chunk.segment).collect::<Vec<_>>(), [1, 1, 1, 1, 2, 2, 2, 2, 3, 3]);
    assert_eq!((times[9].from_ns, times[9].utc_ns - times[0].utc_ns), (4_500_000_000, 4_500_000_000));
}
