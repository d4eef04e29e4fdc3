// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a session that was cut off does not say since when nothing was recorded, for how long or why, or says it
//! twice after another cut; what had been durable and is gone is passed over; a start reads again what it need not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::clock::ScriptedClock;
use common::footage::Footage;
use common::pieces::Pieces;
use common::{Device, Frozen, Recording, close, entries, files, sessions, verdict};
use evidence::Hash;
use evidence::entry::{Body, BootBody};
use evidence::interruption::Known;
use evidence::record::{Event, Medium};
use evidence::time::TimeSource;
use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::index::{Index, InterruptionRow};
use store::{Evidence, NewInterruption, NewSession, Progress, Recovered, SessionWriter, Work};

const SECOND_NS: u64 = 1_000_000_000;
const TINY: Footage = Footage { frame_bytes: 16, ..Footage::BOTH };

/// A device that lost power with one session open and `chunks` chunks written, four a segment; `more` is done at the end.
fn cut_off(chunks: u64, more: impl FnOnce(&Device, &mut SessionWriter)) -> Frozen {
    let device = Device::new();
    let evidence = device.open();
    let mut writer = device.begin(&evidence, &Recording::new(TINY, chunks, 4));
    device.feed_some(&mut writer, &TINY, 0, chunks);
    more(&device, &mut writer);
    device.freeze()
}

fn note_battery(writer: &mut SessionWriter, detail: &str) {
    writer.note(Event { event: "battery".into(), medium: None, detail: detail.into() });
}

/// Starts a device that was cut off, and ends it in order.
fn recover(device: &Device) -> Recovered {
    let (evidence, recovered) = device.try_open().unwrap();
    close(evidence);
    let [recovered] = recovered.try_into().unwrap();
    recovered
}

fn rows(device: &Device) -> Vec<InterruptionRow> {
    Index::open_read_only(device.evidence()).unwrap().interruptions(None).unwrap()
}

fn segments(device: &Device) -> Vec<PathBuf> {
    files(&sessions(device.evidence())[0], "mp4")
}

fn assert_sound(device: &Device) {
    let report = verdict::report(device.evidence(), Some(&device.history()));
    assert_eq!((verdict::overall(&report), verdict::trust(&report)), ("gaps", "trusted"), "{:?}", report.findings);
    assert_eq!(store::check::check(device.evidence(), NonZeroUsize::MIN).unwrap(), []);
}

#[test]
fn the_hole_is_on_record_from_the_last_picture_to_the_start_and_what_goes_on_is_told() {
    let frozen = cut_off(6, |_, _| ());
    // The hour of a device that wakes in the same boot began at the scripted clock's beginning, 3 s of it before the cut.
    for (device, cause, detail) in [
        (frozen.wake(), "recorder", "59 min 57 s without recording"),
        (frozen.wake_rebooted(), "power", "59 min 57 s without recording"),
    ] {
        let start = entries(device.evidence())[3].clone();
        let recovered = recover(&device);
        assert_eq!((recovered.cause.as_str(), recovered.detail.as_str()), (cause, detail));
        assert_eq!((recovered.officer.as_str(), recovered.media), ("110233", vec![Medium::Video, Medium::Audio]));
        assert_eq!((recovered.lost_chunks, recovered.end.chunks), (0, 6));
        assert_eq!(Some(recovered.session), start.entry.body.session());
        let [row] = rows(&device).try_into().unwrap();
        assert_eq!((row.cause.as_str(), row.known.as_str(), row.detail.as_str()), (cause, "device", detail));
        assert_eq!((row.session, row.media.len()), (recovered.session, 2));
        let (began, now) = (&start.entry.clock, device.clock.now());
        assert_eq!((row.from.boot_ns, row.from.boot_id), (began.boot_ns.0 + 3 * SECOND_NS, began.boot_id));
        assert_eq!(row.from.utc_ns, began.utc_ns.0 + 3 * SECOND_NS as i64);
        let to = row.to.unwrap();
        assert_eq!((to.boot_ns, to.boot_id, to.utc_ns), (now.boot_ns.0, now.boot_id, now.utc_ns.0));
        assert_eq!(row.duration_ns, Some(3597 * SECOND_NS));
        assert_sound(&device);
        let report = verdict::report(device.evidence(), None);
        let told: Vec<_> = report.gaps.iter().map(|gap| (gap.medium, gap.from_ns, gap.to_ns)).collect();
        let to_ns = (cause == "recorder").then_some(3600 * SECOND_NS);
        let from_ns = Some(3 * SECOND_NS);
        assert_eq!(told, [Medium::Video, Medium::Audio].map(|medium| (Some(medium), from_ns, to_ns)), "{cause}");
    }
}

#[test]
fn the_cause_is_what_boot_and_battery_tell() {
    let cases: [(&[&str], &str); 6] = [
        (&[], "power"),
        (&["5 discharging"], "battery"),
        (&["6 discharging"], "power"),
        (&["3 charging"], "power"),
        (&["80 discharging", "4 discharging"], "battery"),
        (&["4 discharging", "80 charging"], "power"),
    ];
    for (details, expected) in cases {
        let told = |_: &Device, writer: &mut SessionWriter| details.iter().for_each(|d| note_battery(writer, d));
        // Each in a record of its own.
        let device = cut_off(1, |device, writer| {
            for (n, detail) in (1..).zip(details) {
                note_battery(writer, detail);
                device.feed_some(writer, &TINY, n, n + 1);
            }
        });
        assert_eq!(recover(&device.wake_rebooted()).cause, expected, "{details:?}");
        assert_eq!(recover(&device.wake()).cause, "recorder", "{details:?}");
        // In a segment that is not read again, and in the record of its end.
        for (before, after) in [(3, 7), (4, 5)] {
            let frozen = cut_off(before, |device, writer| {
                told(device, writer);
                device.feed_some(writer, &TINY, before, after);
            });
            let device = frozen.wake_rebooted();
            assert_eq!(recover(&device).cause, expected, "{details:?} {before}");
            let device = frozen.wake_rebooted();
            fs::remove_file(device.evidence().join("index.sqlite")).unwrap();
            assert_eq!(recover(&device).cause, expected, "{details:?} {before}, no index");
        }
    }
}

#[test]
fn a_record_that_was_signed_late_does_not_make_the_hole_shorter() {
    let frozen = cut_off(4, |device, writer| {
        // The card stalls.
        device.clock.advance_ms(9_000);
        writer.append(&TINY.init(), TINY.fragment(4)).unwrap();
    });
    let device = frozen.wake_rebooted();
    let began = entries(device.evidence())[3].entry.clock.boot_ns.0;
    recover(&device);
    let row = &rows(&device)[0];
    // The last packet ends a little behind the last picture.
    assert_eq!((row.from.boot_ns - began) / 100_000_000, 25);
    assert_sound(&device);
}

#[test]
fn a_session_without_a_chunk_is_a_hole_from_its_first_moment_on() {
    for before_ms in [0, 30_000] {
        let device = Device::new();
        let evidence = device.open();
        let zero_boot_ns = device.clock.boot_in_ms(-before_ms);
        let plan = NewSession { zero_boot_ns, ..Recording::new(TINY, 0, 4).plan(&device.clock) };
        let writer = SessionWriter::begin(Arc::clone(&evidence), plan).unwrap();
        let device = device.freeze().wake_rebooted();
        drop(writer);
        let recovered = recover(&device);
        assert_eq!((recovered.end.chunks, recovered.lost_chunks), (0, 0));
        assert_eq!(rows(&device)[0].from.boot_ns, zero_boot_ns.0);
        assert_sound(&device);
    }
}

#[test]
fn nobody_says_how_long_if_utc_was_set_back() {
    let device = cut_off(3, |_, _| ()).wake_rebooted();
    device.clock.step_utc_ms(-7_200_000);
    assert_eq!(recover(&device).detail, "UTC was set back: nobody knows how long nothing was recorded");
    assert_eq!(rows(&device)[0].duration_ns, None);
    assert_sound(&device);
}

#[test]
fn interruptions_that_were_open_are_over_where_the_recorder_was_last_seen() {
    let begin = |device: &Device, writer: &mut SessionWriter, medium, ago_ms: i64| {
        let from_boot_ns = device.clock.boot_in_ms(-ago_ms);
        let (cause, detail) = ("camera".into(), String::new());
        let new = NewInterruption { cause, known: Known::Device, media: vec![medium], from_boot_ns, detail };
        writer.begin_interruption(new).unwrap();
    };
    let frozen = cut_off(4, |device, writer| {
        begin(device, writer, Medium::Video, 0);
        device.feed_some(writer, &Footage { video: false, ..TINY }, 4, 8);
        device.clock.advance_ms(3_000);
        begin(device, writer, Medium::Audio, 3_000);
    });
    let device = frozen.wake_rebooted();
    let began = entries(device.evidence())[3].entry.clock.boot_ns.0;
    recover(&device);
    let told: Vec<_> = rows(&device)
        .iter()
        .map(|row| {
            let (from, to) = (row.from, row.to.unwrap());
            let to_s = (to.boot_id == from.boot_id).then(|| (to.boot_ns - began) / SECOND_NS);
            (row.cause.clone(), row.media.len(), (from.boot_ns - began) / SECOND_NS, to_s)
        })
        .collect();
    let camera = |from, to| ("camera".to_owned(), 1, from, Some(to));
    assert_eq!(told, [camera(2, 7), camera(4, 7), ("power".into(), 2, 4, None)]);
    assert_sound(&device);
}

#[test]
fn a_recovery_that_is_cut_off_anywhere_is_made_again_with_the_same_result() {
    let frozen = cut_off(6, |device, writer| {
        device.interrupt(writer, "camera", &[Medium::Video]);
    });
    let first = frozen.wake_rebooted();
    let before = entries(first.evidence()).len();
    let recovered = recover(&first);
    let all = entries(first.evidence());
    let kinds: Vec<_> = all[before..].iter().map(|entry| entry.entry.body.kind()).collect();
    let closing = ["interruption-end", "interruption", "interruption-end", "session-end"];
    assert_eq!(kinds, [&closing[..], &["boot", "key", "shutdown"]].concat());
    for entered in 0..closing.len() {
        for torn in [0, 1, all[before + entered].bytes.len() - 1] {
            let whole: Vec<u8> = all[..before + entered].iter().flat_map(|entry| entry.bytes.clone()).collect();
            let device = frozen.wake_rebooted();
            let ledger = [whole, all[before + entered].bytes[..torn].to_vec()].concat();
            fs::write(device.evidence().join("ledger.cbor"), ledger).unwrap();
            device.clock.reboot();
            let again = recover(&device);
            assert_eq!((again.cause, again.end), (recovered.cause.clone(), recovered.end.clone()), "{entered} {torn}");
            let told: Vec<_> = rows(&device).into_iter().map(|row| (row.cause, row.from, row.to.is_some())).collect();
            let expected: Vec<_> = rows(&first).into_iter().map(|row| (row.cause, row.from, true)).collect();
            assert_eq!(told, expected, "{entered} {torn}");
            assert_sound(&device);
        }
    }
}

#[test]
fn a_recovered_session_has_the_copies_of_all_its_entries() {
    let device = cut_off(4, |_, writer| drop(writer.add_photo(&common::jpeg(1)).unwrap())).wake_rebooted();
    recover(&device);
    let own = entries(device.evidence()).into_iter().filter(|entry| entry.entry.body.session().is_some());
    let own: Vec<u8> = own.flat_map(|entry| entry.bytes).collect();
    assert_eq!(fs::read(sessions(device.evidence())[0].join("session.cbor")).unwrap(), own);
    assert_eq!(verdict::overall(&verdict::report(&sessions(device.evidence())[0], None)), "gaps");
}

/// Where the chunks of a segment end.
fn chunk_ends(path: &Path) -> Vec<usize> {
    Pieces::read(path).chunk_ends()
}

fn truncate(path: &Path, length: usize) {
    fs::File::options().write(true).open(path).unwrap().set_len(length as u64).unwrap();
}

fn zero(path: &Path, range: std::ops::Range<usize>) {
    let mut bytes = fs::read(path).unwrap();
    bytes[range].fill(0);
    fs::write(path, bytes).unwrap();
}

fn zero_from(path: &Path, from: usize) {
    zero(path, from..fs::metadata(path).unwrap().len() as usize);
}

#[test]
fn chunks_that_had_been_durable_and_are_gone_are_counted() {
    let frozen = cut_off(7, |_, _| ());
    type Loss = fn(&Device);
    let losses: [(&str, Loss, u64, u64); 6] = [
        ("nothing", |_| (), 7, 0),
        ("the last chunk", |d| truncate(&segments(d)[1], chunk_ends(&segments(d)[1])[1] + 9), 6, 1),
        ("the last two", |d| truncate(&segments(d)[1], chunk_ends(&segments(d)[1])[0]), 5, 2),
        ("the last segment", |d| fs::remove_file(&segments(d)[1]).unwrap(), 4, 3),
        ("all segments", |d| segments(d).iter().for_each(|path| fs::remove_file(path).unwrap()), 0, 7),
        ("the bytes of two", |d| zero_from(&segments(d)[1], chunk_ends(&segments(d)[1])[0] + 9), 5, 2),
    ];
    for (name, lose, there, lost) in losses {
        let device = frozen.wake_rebooted();
        lose(&device);
        let recovered = recover(&device);
        assert_eq!((recovered.end.chunks, recovered.lost_chunks), (there, lost), "{name}");
        let says = ["", "; 1 chunk that was durable is", "; 2 chunks that were durable are"];
        let says = says.get(lost as usize).copied().unwrap_or(" chunks that were durable are not there any more");
        assert!(rows(&device)[0].detail.contains(says), "{name}: {}", rows(&device)[0].detail);
        assert_eq!(rows(&device)[0].detail.contains("durable"), lost > 0, "{name}");
        assert_sound(&device);
    }
}

#[test]
fn without_an_index_the_torn_bytes_tell_of_chunks_that_had_been_durable() {
    let frozen = cut_off(7, |_, _| ());
    // The record of one is in the torn bytes as well if it was in flight.
    for (damaged, lost) in [(1, 0), (2, 1), (3, 2)] {
        let device = frozen.wake_rebooted();
        fs::remove_file(device.evidence().join("index.sqlite")).unwrap();
        let path = &segments(&device)[1];
        let pieces = Pieces::read(path);
        let mut at = pieces.init.len() + pieces.start.len();
        for (n, chunk) in pieces.chunks.iter().enumerate() {
            if n >= 3 - damaged {
                zero(path, at + 200..at + chunk.media.len());
            }
            at += chunk.media.len() + chunk.seal.len();
        }
        let recovered = recover(&device);
        assert_eq!((recovered.end.chunks, recovered.lost_chunks), (7 - damaged as u64, lost), "{damaged}");
        assert_sound(&device);
    }
}

/// Starts a device and gives what it told of its progress.
fn progress(device: &Device) -> Vec<Progress> {
    let mut told = Vec::new();
    let boot = BootBody { software: "sealcam test".into(), config: Hash::of(b"a configuration") };
    let clock: Arc<ScriptedClock> = Arc::clone(&device.clock);
    let opened = Evidence::open(&device.place, boot, clock, &mut |progress| told.push(progress));
    close(Arc::new(opened.unwrap().0));
    told
}

fn length(paths: &[PathBuf]) -> u64 {
    paths.iter().map(|path| fs::metadata(path).unwrap().len()).sum()
}

#[test]
fn a_start_reads_only_what_is_open_or_newer_than_the_index_and_tells_how_far_it_is() {
    let frozen = cut_off(10, |_, _| ());
    let device = frozen.wake_rebooted();
    let told = |what, of| [0, of].map(|done| Progress { what, done, of });
    let last = length(&segments(&device)[2..]);
    assert_eq!(progress(&device), told(Work::Closing, last));
    assert_eq!(progress(&device), []);
    assert_sound(&device);
    let index = device.evidence().join("index.sqlite");
    fs::remove_file(&index).unwrap();
    assert_eq!(progress(&device), told(Work::Indexing, length(&segments(&device))));
    assert_sound(&device);
    let device = frozen.wake_rebooted();
    fs::remove_file(device.evidence().join("index.sqlite")).unwrap();
    assert_eq!(progress(&device), told(Work::Closing, length(&segments(&device))));
    assert_sound(&device);
}

#[test]
fn a_large_segment_is_told_in_steps() {
    let device = Device::new();
    let evidence = device.open();
    let large = Footage { frame_bytes: 600_000, ..Footage::BOTH };
    let mut writer = device.begin(&evidence, &Recording::new(large, 0, 40));
    device.feed_some(&mut writer, &large, 0, 8);
    let device = device.freeze().wake_rebooted();
    let of = length(&segments(&device));
    let told = progress(&device);
    assert!(told.len() > 5 && told.is_sorted_by_key(|progress| progress.done), "{told:?}");
    assert!(told.iter().all(|progress| progress.of == of && progress.done <= of));
    assert_eq!(told.last().unwrap().done, of);
}

#[test]
fn a_segment_that_is_not_what_the_index_knows_is_read_again() {
    let frozen = cut_off(10, |_, _| ());
    type Change = fn(&Device);
    let changes: [(&str, usize, Change); 6] = [
        ("a segment cut short", 0, |d| truncate(&segments(d)[0], chunk_ends(&segments(d)[0])[2])),
        ("a segment gone", 0, |d| fs::remove_file(&segments(d)[0]).unwrap()),
        ("a segment renamed", 0, |d| fs::rename(&segments(d)[1], segments(d)[1].with_file_name("x.mp4")).unwrap()),
        ("a segment exchanged", 0, |d| assert!(fs::copy(&segments(d)[0], &segments(d)[1]).is_ok())),
        ("bytes behind a segment", 1, |d| {
            let bytes = fs::read(&segments(d)[0]).unwrap();
            fs::write(&segments(d)[0], [bytes.as_slice(), &[0; 40]].concat()).unwrap();
        }),
        ("a row that is missing", 0, |d| {
            let db = rusqlite::Connection::open(d.evidence().join("index.sqlite")).unwrap();
            db.execute_batch("DELETE FROM chunks WHERE segment = 1 AND chunk = 1").unwrap();
        }),
    ];
    for (name, torn, change) in changes {
        let device = frozen.wake_rebooted();
        change(&device);
        close(device.open());
        let seventh = store::check::check(device.evidence(), NonZeroUsize::MIN).unwrap();
        let seventh: Vec<_> = seventh.into_iter().filter(|violation| violation.invariant == 7).collect();
        assert_eq!(seventh, [], "{name}");
        assert_eq!(files(&sessions(device.evidence())[0], "torn").len(), torn, "{name}");
        let end = entries(device.evidence()).into_iter().find_map(|entry| match entry.entry.body {
            Body::SessionEnd(end) => Some((end.chunks, end.cause)),
            _ => None,
        });
        assert_eq!(end, Some((10, "recovered".into())), "{name}");
    }
}
