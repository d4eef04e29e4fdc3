// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: the index says something else than the files, and a rebuilt one something else than the one that was
//! written while recording.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::footage::Footage;
use common::{Device, Recording, close, files, sessions};
use evidence::record::Medium;
use evidence::time::TimeSource;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use std::fs;
use std::path::Path;
use store::reindex::reindex;

/// All tables, a line a row. The connection is closed again, so no log of it stays.
fn dump(evidence: &Path) -> String {
    let path = evidence.join("index.sqlite");
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let named = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let names: Vec<String> = db.prepare(named).unwrap().query_map([], |row| row.get(0)).unwrap().flatten().collect();
    names.iter().map(|name| format!("{name}\n{}", rows(&db, name))).collect()
}

fn rows(db: &Connection, table: &str) -> String {
    let mut statement = db.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2, 3")).unwrap();
    let columns = statement.column_count();
    let line = |row: &rusqlite::Row<'_>| -> rusqlite::Result<String> {
        Ok((0..columns).map(|n| shown(row.get_ref(n).unwrap())).collect::<Vec<_>>().join(" "))
    };
    let lines: Vec<String> = statement.query_map([], line).unwrap().map(|line| line.unwrap() + "\n").collect();
    lines.concat()
}

fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        other => format!("{other:?}"),
    }
}

/// Sessions that roll, a photo in and outside, lost frames, and one that was cut off and recovered.
fn busy_device() -> Device {
    let device = Device::with_one_session();
    let evidence = device.open();
    device.record(&evidence, &Recording { lost: Some((3, 7)), ..Recording::new(Footage::VIDEO, 9, 2) });
    let recording = Recording::new(Footage::BOTH, 6, 4).with_photos(&[5, 6]);
    let mut writer = device.begin(&evidence, &recording);
    device.feed(&mut writer, &recording);
    let over = device.interrupt(&mut writer, "microphone", &[Medium::Audio]);
    device.clock.advance_ms(700);
    writer.end_interruption(over, device.clock.now().boot_ns).unwrap();
    device.interrupt(&mut writer, "storage", &[Medium::Video, Medium::Audio]);
    evidence.enter_clock_step(12_000_000_000).unwrap();
    evidence.explain(over, "damage", "110233", "it fell").unwrap();
    drop((writer, evidence));
    device.clock.reboot();
    let evidence = device.open();
    evidence.explain(over, "other", "110233", "it was thrown").unwrap();
    close(evidence);
    device
}

#[test]
fn a_rebuilt_index_is_the_one_written_while_recording() {
    let device = busy_device();
    let live = dump(device.evidence());
    assert!(live.matches('\n').count() > 50 && live.contains("recovered"), "{live}");
    assert!(["it was thrown", "power", "12000000000"].into_iter().all(|told| live.contains(told)), "{live}");
    reindex(device.evidence()).unwrap();
    assert_eq!(dump(device.evidence()), live);
}

#[test]
fn an_index_that_is_lost_broken_behind_or_of_another_version_is_rebuilt_at_the_start() {
    let device = busy_device();
    let path = device.evidence().join("index.sqlite");
    let sql = |sql: &str| Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let spoil: [(&str, &dyn Fn()); 7] = [
        ("removed", &|| fs::remove_file(&path).unwrap()),
        ("empty", &|| fs::write(&path, []).unwrap()),
        ("noise", &|| fs::write(&path, common::footage::noise(5, 9000)).unwrap()),
        ("another version", &|| sql("PRAGMA user_version = 99")),
        ("the version before", &|| sql("PRAGMA user_version = 1; DROP TABLE interruptions")),
        ("another ledger", &|| sql("UPDATE ledger SET hash = zeroblob(32)")),
        ("behind by entries", &|| sql("DELETE FROM ledger WHERE seq > (SELECT max(seq) - 2 FROM ledger)")),
    ];
    for (name, spoil) in spoil {
        spoil();
        close(device.open());
        let opened = dump(device.evidence());
        reindex(device.evidence()).unwrap();
        assert_eq!(dump(device.evidence()), opened, "{name}");
    }
}

#[test]
fn an_index_that_missed_the_last_session_catches_up() {
    let device = Device::with_one_session();
    let old = fs::read(device.evidence().join("index.sqlite")).unwrap();
    let evidence = device.open();
    device.record(&evidence, &Recording::new(Footage::SOUND, 6, 4).with_photos(&[1]));
    close(evidence);
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(device.evidence().join(format!("index.sqlite{suffix}")));
    }
    fs::write(device.evidence().join("index.sqlite"), old).unwrap();
    close(device.open());
    let opened = dump(device.evidence());
    reindex(device.evidence()).unwrap();
    assert_eq!(dump(device.evidence()), opened);
}

#[test]
fn an_index_that_fails_while_recording_stops_nothing_and_has_no_hole_afterwards() {
    for table in ["photos", "chunks", "ledger", "interruptions"] {
        let device = Device::with_one_session();
        let evidence = device.open();
        let recording = Recording::new(Footage::SOUND, 6, 4).with_photos(&[2, 4]);
        let mut writer = device.begin(&evidence, &recording);
        let db = Connection::open(device.evidence().join("index.sqlite")).unwrap();
        db.execute_batch(&format!("ALTER TABLE {table} RENAME TO away")).unwrap();
        device.feed(&mut writer, &recording);
        let id = device.interrupt(&mut writer, "microphone", &[Medium::Audio]);
        writer.end_interruption(id, device.clock.now().boot_ns).unwrap();
        db.execute_batch(&format!("ALTER TABLE away RENAME TO {table}")).unwrap();
        drop(db);
        assert_eq!(writer.finish("stop", None).unwrap().chunks, 6);
        let ended = dump(device.evidence());
        close(evidence);
        let closed = dump(device.evidence());
        assert!(closed.starts_with("chunks") && ended.lines().count() + 1 == closed.lines().count(), "{ended}");
        reindex(device.evidence()).unwrap();
        assert_eq!(dump(device.evidence()), closed, "{table}");
        assert_eq!(store::check::check(device.evidence(), std::num::NonZeroUsize::MIN).unwrap(), [], "{table}");
    }
}

#[test]
fn an_index_with_a_hole_is_rebuilt_at_the_start() {
    let device = busy_device();
    let db = Connection::open(device.evidence().join("index.sqlite")).unwrap();
    db.execute_batch("DELETE FROM ledger WHERE kind = 'photo'; DELETE FROM photos").unwrap();
    drop(db);
    close(device.open());
    let opened = dump(device.evidence());
    reindex(device.evidence()).unwrap();
    assert_eq!(dump(device.evidence()), opened);
}

#[test]
fn a_place_where_no_index_can_be_does_not_stop_the_recorder() {
    let device = Device::with_one_session();
    let path = device.evidence().join("index.sqlite");
    fs::remove_file(&path).unwrap();
    fs::create_dir_all(path.join("in the way")).unwrap();
    let evidence = device.open();
    device.record(&evidence, &Recording::new(Footage::SOUND, 3, 4).with_photos(&[1, 2]));
    device.photo_outside(&evidence, 1);
    fs::remove_dir_all(&path).unwrap();
    close(evidence);
    assert_eq!(store::check::check(device.evidence(), std::num::NonZeroUsize::MIN).unwrap(), []);
}

#[test]
fn what_a_stranger_puts_beside_the_segments_stops_neither_index_nor_start() {
    let device = Device::with_one_session();
    let before = dump(device.evidence());
    let folder = sessions(device.evidence())[0].clone();
    let segment = files(&folder, "mp4").remove(1);
    fs::copy(&segment, folder.join("a-copy.mp4")).unwrap();
    fs::write(folder.join("noise.mp4"), common::footage::noise(1, 5000)).unwrap();
    let stranger = Device::with_one_session();
    fs::copy(files(&sessions(stranger.evidence())[0], "mp4").remove(0), folder.join("stranger.mp4")).unwrap();
    reindex(device.evidence()).unwrap();
    let name = segment.file_name().unwrap().to_str().unwrap();
    assert_eq!(dump(device.evidence()).replace("a-copy.mp4", name), before);
    close(device.open());
}
