// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a change that nobody hears of, an object that is not there when its signal comes, a property that is announced
//! though nothing changed, a recorder that waits for a bus.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::Duration;

use bus::{AlarmInfo, RecorderState, StartOptions, Watch, WatchEvent};
use common::{Bench, alarm, ended_interruption, ended_session, interruption, interruption_id, session_id};
use futures_util::StreamExt;
use zbus::fdo::{ObjectManagerProxy, PropertiesProxy};

async fn next(watch: &mut Watch) -> WatchEvent {
    tokio::time::timeout(Duration::from_secs(5), watch.next()).await.expect("an event within 5 s").unwrap()
}

fn changed(state: Option<RecorderState>, session: Option<Option<bus::SessionId>>) -> WatchEvent {
    WatchEvent::Changed { state, fault: None, current_session: session, alarms: None, storage_minutes: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_announced_in_order() {
    let bench = Bench::start().await;
    let client = bench.client().await;
    let mut watch = client.watch().await.unwrap();
    let session = client.start(&StartOptions::default()).await.unwrap();
    assert_eq!(next(&mut watch).await, WatchEvent::SessionStarted { session });
    assert_eq!(next(&mut watch).await, changed(Some(RecorderState::Recording), Some(Some(session))));
    let chunk = bench.control.record_chunk();
    assert_eq!(next(&mut watch).await, WatchEvent::ChunkRecorded(chunk));
    client.take_photo().await.unwrap();
    assert_eq!(next(&mut watch).await, WatchEvent::PhotoTaken { file: "photo-1.jpg".into() });
    client.stop().await.unwrap();
    assert_eq!(next(&mut watch).await, WatchEvent::SessionEnded { session, cause: "stopped".into() });
    assert_eq!(next(&mut watch).await, changed(Some(RecorderState::Standby), Some(None)));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_changed_is_announced() {
    let bench = Bench::start().await;
    let connection = zbus::connection::Builder::address(bench.bus.address.as_str()).build().await.unwrap();
    let properties = PropertiesProxy::new(&connection, bus::BUS_NAME, bus::RECORDER_PATH).await.unwrap();
    let mut changes = properties.receive_properties_changed().await.unwrap();
    let mut watch = bench.client().await.watch().await.unwrap();
    bench.notifier.state_changed();
    // Answered after what was told before it.
    bench.client().await.take_photo().await.unwrap();
    bench.control.state().fault = Some("the camera is gone".into());
    bench.notifier.state_changed();
    let change = changes.next().await.unwrap();
    let mut names: Vec<String> = change.args().unwrap().changed_properties().keys().map(ToString::to_string).collect();
    names.sort();
    assert_eq!(names, ["Fault", "State"]);
    assert_eq!(next(&mut watch).await, WatchEvent::PhotoTaken { file: "photo-1.jpg".into() });
    let fault = Some(Some("the camera is gone".into()));
    let mut expected = changed(Some(RecorderState::Faulted), None);
    if let WatchEvent::Changed { fault: told, .. } = &mut expected {
        *told = fault;
    }
    assert_eq!(next(&mut watch).await, expected);
}

/// What is announced where nothing but alarms and minutes changed.
fn stands(alarms: Option<Vec<bus::AlarmInfo>>, storage_minutes: Option<Option<u64>>) -> WatchEvent {
    WatchEvent::Changed { state: None, fault: None, current_session: None, alarms, storage_minutes }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_is_announced_with_the_property_until_it_is_quiet() {
    let bench = Bench::start().await;
    let client = bench.client().await;
    let mut watch = client.watch().await.unwrap();
    bench.control.raise(alarm());
    let AlarmInfo { kind, detail, .. } = alarm();
    assert_eq!(next(&mut watch).await, WatchEvent::AlarmRaised { kind, detail });
    assert_eq!(next(&mut watch).await, stands(Some(vec![alarm()]), None));
    assert_eq!(client.status().await.unwrap().alarms, [alarm()]);
    bench.control.quiet(kind);
    assert_eq!(next(&mut watch).await, WatchEvent::AlarmQuiet { kind });
    assert_eq!(next(&mut watch).await, stands(Some(Vec::new()), None));
    assert_eq!(client.status().await.unwrap().alarms, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_minutes_left_are_announced_when_they_change() {
    let bench = Bench::start().await;
    let client = bench.client().await;
    let mut watch = client.watch().await.unwrap();
    for (minutes, times) in [(Some(90), 2), (Some(89), 1), (None, 2)] {
        bench.control.state().storage_minutes = minutes;
        (0..times).for_each(|_| bench.notifier.state_changed());
        assert_eq!(next(&mut watch).await, stands(None, Some(minutes)));
        assert_eq!(client.status().await.unwrap().storage_minutes, minutes);
    }
    // Nothing was announced a second time.
    client.take_photo().await.unwrap();
    assert_eq!(next(&mut watch).await, WatchEvent::PhotoTaken { file: "photo-1.jpg".into() });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interruption_is_announced_and_counted() {
    let bench = Bench::start().await;
    let client = bench.client().await;
    let session = client.start(&StartOptions::default()).await.unwrap();
    let connection = zbus::connection::Builder::address(bench.bus.address.as_str()).build().await.unwrap();
    let properties = PropertiesProxy::new(&connection, bus::BUS_NAME, session.object_path()).await.unwrap();
    let mut changes = properties.receive_properties_changed().await.unwrap();
    let mut watch = client.watch().await.unwrap();
    bench.control.begin_interruption(interruption(1, session));
    let (id, cause) = (interruption_id(1), "camera".into());
    assert_eq!(next(&mut watch).await, WatchEvent::InterruptionBegan { interruption: id, session, cause });
    let change = changes.next().await.unwrap();
    let args = change.args().unwrap();
    assert_eq!(args.interface_name().as_str(), bus::SESSION_INTERFACE);
    assert_eq!(args.changed_properties()["Interruptions"], 1u64.into());
    assert_eq!(client.session(session).await.unwrap().interruptions, 1);
    bench.control.end_interruption(ended_interruption(1, session));
    assert_eq!(next(&mut watch).await, WatchEvent::InterruptionEnded { interruption: id, session });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_start_is_not_told_yet_has_its_object_when_start_returns() {
    let bench = Bench::start().await;
    bench.control.state().silent = true;
    let client = bench.client().await;
    let session = client.start(&StartOptions::default()).await.unwrap();
    assert_eq!(client.session(session).await.unwrap().id, session);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_has_its_object_when_start_returns_and_tells_its_end() {
    let bench = Bench::with_sessions(vec![ended_session(1)]).await;
    let client = bench.client().await;
    let connection = zbus::connection::Builder::address(bench.bus.address.as_str()).build().await.unwrap();
    let manager = ObjectManagerProxy::new(&connection, bus::BUS_NAME, bus::RECORDER_PATH).await.unwrap();
    let mut added = manager.receive_interfaces_added().await.unwrap();
    let session = client.start(&StartOptions::default()).await.unwrap();
    assert_eq!(client.session(session).await.unwrap().ended_utc_ns, None);
    let signal = added.next().await.unwrap();
    assert_eq!(signal.args().unwrap().object_path().as_str(), session.object_path().as_str());

    let properties = PropertiesProxy::new(&connection, bus::BUS_NAME, session.object_path()).await.unwrap();
    let mut changes = properties.receive_properties_changed().await.unwrap();
    client.stop().await.unwrap();
    let change = changes.next().await.unwrap();
    let args = change.args().unwrap();
    let mut names: Vec<&str> = args.changed_properties().keys().copied().collect();
    names.sort_unstable();
    assert_eq!((args.interface_name().as_str(), names), (bus::SESSION_INTERFACE, vec!["Cause", "EndedUtcNs"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_session_loses_its_object() {
    let bench = Bench::with_sessions(vec![ended_session(1), ended_session(2)]).await;
    let client = bench.client().await;
    bench.notifier.session_removed(session_id(1));
    bench.notifier.session_removed(session_id(1));
    // Answered after what was told before it.
    client.take_photo().await.unwrap();
    assert_eq!(client.sessions().await.unwrap(), [ended_session(2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_full_queue_dropped_is_made_good() {
    let bench = Bench::start().await;
    let client = bench.client().await;
    let connection = zbus::connection::Builder::address(bench.bus.address.as_str()).build().await.unwrap();
    let manager = ObjectManagerProxy::new(&connection, bus::BUS_NAME, bus::RECORDER_PATH).await.unwrap();
    let mut added = manager.receive_interfaces_added().await.unwrap();
    // While the recorder's state is held, the publisher stands still.
    {
        let mut state = bench.control.state();
        for _ in 0..=bus::QUEUE_CAPACITY_EVENTS + 1 {
            bench.notifier.state_changed();
        }
        state.sessions.push(ended_session(7));
        bench.notifier.session_started(session_id(7));
    }
    assert!(bench.notifier.dropped_events() > 0);
    client.take_photo().await.unwrap();
    let signal =
        tokio::time::timeout(Duration::from_secs(5), added.next()).await.expect("an object within 5 s").unwrap();
    assert_eq!(signal.args().unwrap().object_path().as_str(), session_id(7).object_path().as_str());
    assert_eq!(client.sessions().await.unwrap(), [ended_session(7)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_of_anyone_else_is_not_believed() {
    let bench = Bench::start().await;
    let client = bench.client().await;
    let mut watch = client.watch().await.unwrap();
    let stranger = zbus::connection::Builder::address(bench.bus.address.as_str()).build().await.unwrap();
    let body = (session_id(9).object_path(), "forged");
    for number in 0..9 {
        // Directed at each of the first connections of the bus, the watcher's among them.
        let to = format!(":1.{number}");
        let signal = "SessionEnded";
        stranger
            .emit_signal(Some(to.as_str()), bus::RECORDER_PATH, bus::RECORDER_INTERFACE, signal, &body)
            .await
            .unwrap();
    }
    let session = client.start(&StartOptions::default()).await.unwrap();
    assert_eq!(next(&mut watch).await, WatchEvent::SessionStarted { session });
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_publishes_what_waits_and_gives_the_name_back() {
    let bench = Bench::start().await;
    let client = bench.client().await;
    let mut watch = client.watch().await.unwrap();
    let session = client.start(&StartOptions::default()).await.unwrap();
    let chunk = bench.control.record_chunk();
    bench.service.close().await;
    let mut seen = Vec::new();
    while seen.last() != Some(&WatchEvent::RecorderGone) {
        seen.push(next(&mut watch).await);
    }
    assert!(seen.contains(&WatchEvent::SessionStarted { session }) && seen.contains(&WatchEvent::ChunkRecorded(chunk)));
    assert!(client.status().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_dies_is_noticed_and_telling_goes_on() {
    let bench = Bench::start().await;
    let Bench { bus, notifier, service, .. } = bench;
    drop(bus);
    tokio::time::timeout(Duration::from_secs(5), service.bus_gone()).await.expect("noticed within 5 s");
    notifier.state_changed();
    tokio::time::timeout(Duration::from_secs(5), service.close()).await.expect("closed within 5 s");
}
