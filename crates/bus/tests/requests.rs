// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a request that other people's tools cannot make, an error without its name, an option that is ignored.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use bus::{
    BusError, Client, ClientError, Duty, ErrorKind, ExplainOptions, Media, Notifier, OfficerCause, RecorderState,
    ServeError, SessionId, SessionInfo, StartOptions,
};
use common::{
    Bench, PrivateBus, TestControl, devices, ended_interruption, ended_session, interruption, interruption_id,
    session_id,
};

const RECORDER: [&str; 3] = [bus::BUS_NAME, bus::RECORDER_PATH, bus::RECORDER_INTERFACE];

async fn call(bench: &Bench, rest: &[&str]) -> (bool, String, String) {
    let arguments: Vec<&str> = ["call", "--json=short"].iter().chain(&RECORDER).chain(rest).copied().collect();
    bench.bus.busctl(&arguments).await
}

async fn gdbus(bench: &Bench, method: &str, rest: &[&str]) -> (bool, String, String) {
    let fixed = ["call", "--address", &bench.bus.address, "--dest", bus::BUS_NAME, "--object-path", bus::RECORDER_PATH];
    let arguments: Vec<&str> = fixed.iter().chain(&["--method", method]).chain(rest).copied().collect();
    bench.bus.run("gdbus", &arguments).await
}

#[tokio::test(flavor = "multi_thread")]
async fn busctl_starts_asks_and_stops() {
    let bench = Bench::start().await;
    let (ok, out, error) = call(&bench, &["Start", "a{sv}", "2", "officer", "s", "007", "media", "s", "audio"]).await;
    assert!(ok, "{error}");
    assert!(out.contains(session_id(1).object_path().as_str()), "{out}");
    let expected = StartOptions { officer: Some("007".into()), media: Some(Media::Audio) };
    assert_eq!(bench.control.state().options, [expected]);

    let get = ["get-property", RECORDER[0], RECORDER[1], RECORDER[2], "State", "CurrentSession", "Counters"];
    let (ok, out, _) = bench.bus.busctl(&get).await;
    assert!(ok && out.contains("s \"recording\"") && out.contains("\"audio_packets\" t 0"), "{out}");
    let (ok, out, error) = call(&bench, &["TakePhoto", "a{sv}", "0"]).await;
    assert!(ok && out.contains("photo-1.jpg") && out.contains("171"), "{out}{error}");
    let (ok, _, error) = call(&bench, &["Stop"]).await;
    assert!(ok, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn gdbus_starts_introspects_and_sees_typed_errors() {
    let bench = Bench::start().await;
    let (ok, out, error) = gdbus(&bench, "org.sealcam.Recorder1.Start", &["{'media': <'video'>}"]).await;
    assert!(ok && out.contains("objectpath"), "{out}{error}");
    let (ok, _, error) = gdbus(&bench, "org.sealcam.Recorder1.Start", &["@a{sv} {}"]).await;
    assert!(!ok && error.contains("org.sealcam.Error.AlreadyRecording"), "{error}");
    let (ok, out, error) = gdbus(&bench, "org.freedesktop.DBus.ObjectManager.GetManagedObjects", &[]).await;
    assert!(ok && out.contains(session_id(1).object_path().as_str()), "{out}{error}");
    let (ok, out, error) = gdbus(&bench, "org.sealcam.Recorder1.ListDevices", &[]).await;
    assert!(ok && out.contains("'source': <'v4l2:/dev/video0'>"), "{out}{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_or_mistyped_option_is_refused_by_name() {
    let bench = Bench::start().await;
    for (options, named) in [
        (["1", "oficer", "s", "007"], "option \"oficer\" is unknown"),
        (["1", "officer", "u", "7"], "option \"officer\" has type u"),
        (["1", "media", "s", "4k"], "option \"media\" is \"4k\""),
    ] {
        let rest: Vec<&str> = ["Start", "a{sv}"].into_iter().chain(options).collect();
        let (ok, _, error) = call(&bench, &rest).await;
        assert!(!ok && error.contains(named) && error.contains("allowed"), "{error}");
    }
    assert!(bench.control.state().options.is_empty());
    let (ok, _, error) = gdbus(&bench, "org.sealcam.Recorder1.TakePhoto", &["{'flash': <true>}"]).await;
    assert!(!ok && error.contains("org.sealcam.Error.InvalidOption"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_error_keeps_its_name_and_message() {
    let bench = Bench::start().await;
    let client = bench.client().await;
    for kind in ErrorKind::ALL {
        let failure = BusError::new(*kind, format!("it is {kind:?}"));
        bench.control.state().failure = Some(failure.clone());
        let (_, _, error) = gdbus(&bench, "org.sealcam.Recorder1.Stop", &[]).await;
        assert!(error.contains(&format!("{}: it is {kind:?}", kind.dbus_name())), "{error}");
        bench.control.state().failure = Some(failure.clone());
        match client.stop().await.unwrap_err() {
            ClientError::Recorder(error) => assert_eq!(error, failure),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_reads_what_the_recorder_tells() {
    let bench = Bench::with_sessions(vec![ended_session(1), ended_session(2)]).await;
    let client = bench.client().await;
    assert_eq!(client.sessions().await.unwrap(), [ended_session(1), ended_session(2)]);
    assert_eq!(client.session(session_id(2)).await.unwrap(), ended_session(2));
    assert_eq!(client.devices().await.unwrap(), devices());
    let status = client.status().await.unwrap();
    assert_eq!(
        (status.state, status.current_session, status.counters.video_frames),
        (RecorderState::Standby, None, 300)
    );
    assert_eq!(status.counters.audio_lost, 2);
    let unknown = client.session(session_id(9)).await.unwrap_err();
    assert!(matches!(unknown, ClientError::UnknownSession(id) if id == session_id(9)), "{unknown:?}");
    let photo = client.take_photo().await.unwrap();
    assert_eq!((photo.file.as_str(), photo.sha256), ("photo-1.jpg", [0xab; 32]));
}

/// A recorder with two sessions, each with interruptions; the second goes on with the first.
async fn interrupted() -> Bench {
    let later = SessionInfo { continues: Some(session_id(1)), ..ended_session(2) };
    let bench = Bench::with_sessions(vec![ended_session(1), later]).await;
    bench.control.state().interruptions =
        vec![ended_interruption(1, session_id(1)), interruption(2, session_id(1)), interruption(3, session_id(2))];
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn interruptions_are_listed_as_the_recorder_tells_them() {
    let bench = interrupted().await;
    let client = bench.client().await;
    let all = bench.control.state().interruptions.clone();
    assert_eq!(client.interruptions(None).await.unwrap(), all);
    assert_eq!(client.interruptions(Some(session_id(1))).await.unwrap(), all[..2]);
    let later = client.session(session_id(2)).await.unwrap();
    assert_eq!((later.continues, later.interruptions), (Some(session_id(1)), 1));
    let unknown = client.interruptions(Some(session_id(9))).await.unwrap_err();
    assert!(matches!(unknown, ClientError::UnknownSession(id) if id == session_id(9)), "{unknown:?}");
    // As another program sees it: what is not known is absent.
    let (ok, out, _) = call(&bench, &["ListInterruptions", "a{sv}", "0"]).await;
    let listed: serde_json::Value = serde_json::from_str(&out).unwrap();
    let (ended, open) = (&listed["data"][0][0], &listed["data"][0][1]);
    assert!(ok && ended["to_utc_ns"]["data"] == 1_790_000_094_000_000_000_i64, "{out}");
    assert_eq!((&ended["officer_cause"]["data"], &ended["media"]["data"][1]), (&"other".into(), &"audio".into()));
    for absent in ["to_utc_ns", "to_boot_ns", "to_boot_id", "duration_ns", "officer_cause", "officer", "text"] {
        assert!(ended.get(absent).is_some() && open.get(absent).is_none(), "{absent}: {out}");
    }
}

fn kind(error: &ClientError) -> Option<ErrorKind> {
    match error {
        ClientError::Recorder(error) => Some(error.kind()),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_explains_an_interruption_that_is_known() {
    let bench = interrupted().await;
    let client = bench.client().await;
    let text = "The party held the lens shut.".to_owned();
    let options = ExplainOptions { cause: OfficerCause::Obstruction, officer: Some("012345".into()), text };
    client.explain(interruption_id(3), &options).await.unwrap();
    let told = client.interruptions(Some(session_id(2))).await.unwrap().remove(0);
    let account = told.told.unwrap();
    assert_eq!((account.cause.as_str(), account.officer.as_str()), ("obstruction", "012345"));
    assert_eq!((account.text, told.account, told.cause.as_str()), (options.text.clone(), Duty::Given, "camera"));
    let unknown = client.explain(interruption_id(9), &options).await.unwrap_err();
    assert_eq!(kind(&unknown), Some(ErrorKind::UnknownInterruption));
    for (id, options, name) in [
        ("03", "{'cause': <'damage'>, 'text': <'why'>}", "UnknownInterruption: \"03\" is no interruption"),
        (&*interruption_id(3).to_string(), "{'cause': <'damage'>}", "InvalidOption: option \"text\" is missing"),
        (&*interruption_id(3).to_string(), "{'cause': <'camera'>, 'text': <'why'>}", "InvalidOption: option \"cause\""),
    ] {
        let (ok, _, error) = gdbus(&bench, "org.sealcam.Recorder1.Explain", &[id, options]).await;
        assert!(!ok && error.contains(&format!("org.sealcam.Error.{name}")), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timeline_goes_over_the_bus_as_it_is() {
    let bench = interrupted().await;
    let client = bench.client().await;
    let open = client.start(&StartOptions::default()).await.unwrap();
    for session in [session_id(1), session_id(2), open] {
        let told = bus::Control::timeline(&*bench.control, session).await.unwrap();
        assert_eq!(client.timeline(session).await.unwrap(), told);
    }
    let timeline = client.timeline(session_id(1)).await.unwrap();
    let placed: Vec<_> = timeline.interruptions.iter().map(|one| (one.from_ns, one.to_ns)).collect();
    assert_eq!(placed, [(4_000_000_000, Some(94_000_000_000)), (4_000_000_000, None)]);
    assert_eq!(client.timeline(session_id(2)).await.unwrap().continues, Some(session_id(1)));
    let unknown = client.timeline(SessionId::from_bytes([9; 16])).await.unwrap_err();
    assert!(matches!(unknown, ClientError::UnknownSession(_)), "{unknown:?}");
    let (ok, _, error) = gdbus(&bench, "org.sealcam.Recorder1.Timeline", &["/org/sealcam/Recorder1"]).await;
    assert!(!ok && error.contains("org.sealcam.Error.UnknownSession"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_told_apart_from_no_bus() {
    let bus = PrivateBus::start();
    let client = Client::connect(&bus.bus_address()).await.unwrap();
    for error in [client.status().await.unwrap_err(), client.stop().await.unwrap_err()] {
        assert!(matches!(error, ClientError::NoRecorder { .. }), "{error:?}");
        assert_eq!(error.exit_code(), bus::EXIT_NO_RECORDER);
    }
    let nowhere = "unix:path=/nonexistent/bus".parse().unwrap();
    let error = Client::connect(&nowhere).await.unwrap_err();
    assert!(matches!(error, ClientError::NoBus { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "the unix:path=/nonexistent/bus bus cannot be reached: No such file or directory (os error 2)"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_name_is_left_with_its_owner() {
    let bench = Bench::start().await;
    let (notifier, events) = Notifier::channel();
    let rival = bus::serve(&bench.bus.bus_address(), TestControl::new(notifier), events).await;
    assert!(matches!(rival, Err(ServeError::NameTaken { .. })), "{rival:?}");
    bench.client().await.status().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_before_the_recorder_is_open_waits_for_it() {
    let bus = PrivateBus::start();
    let claim = bus::claim(&bus.bus_address()).await.unwrap();
    let client = Client::connect(&bus.bus_address()).await.unwrap();
    let (asked, starting) = (client.clone(), client.clone());
    let status = tokio::spawn(async move { asked.status().await });
    let start = tokio::spawn(async move { starting.start(&StartOptions::default()).await });
    // This alone does not wait.
    let sessions = client.sessions().await;
    assert!(matches!(sessions, Err(ClientError::NoRecorder { .. })), "{sessions:?}");
    assert!(!status.is_finished() && !start.is_finished());
    let (notifier, events) = Notifier::channel();
    let control = TestControl::new(notifier);
    control.state().sessions = vec![ended_session(1)];
    let service = claim.serve(control, events).await.unwrap();
    assert_eq!(status.await.unwrap().unwrap().device_id, "SC-0001");
    let started = start.await.unwrap().unwrap();
    let known: Vec<_> = client.sessions().await.unwrap().into_iter().map(|session| session.id).collect();
    assert_eq!(known, [session_id(1), started]);
    service.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorder_that_is_never_open_gives_the_name_back() {
    let bus = PrivateBus::start();
    let claim = bus::claim(&bus.bus_address()).await.unwrap();
    let taken = bus::claim(&bus.bus_address()).await.err();
    assert!(matches!(taken, Some(ServeError::NameTaken { .. })), "{taken:?}");
    let client = Client::connect(&bus.bus_address()).await.unwrap();
    let mut watch = client.watch().await.unwrap();
    let waiting = tokio::spawn(async move { client.start(&StartOptions::default()).await });
    drop(claim);
    let gone = tokio::time::timeout(std::time::Duration::from_secs(5), watch.next()).await;
    assert_eq!(gone.expect("an event within 5 s"), Some(bus::WatchEvent::RecorderGone));
    let refused = waiting.await.unwrap();
    assert!(refused.is_err(), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_forbids_the_name_is_told() {
    let bus = PrivateBus::with_policy("<deny own=\"org.sealcam.Recorder1\"/>");
    let (notifier, events) = Notifier::channel();
    let served = bus::serve(&bus.bus_address(), TestControl::new(notifier), events).await;
    assert!(matches!(served, Err(ServeError::NotAllowed { .. })), "{served:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_forbids_the_request_is_told() {
    let bus = PrivateBus::with_policy("<deny send_interface=\"org.sealcam.Recorder1\" send_member=\"Start\"/>");
    let (notifier, events) = Notifier::channel();
    let _service = bus::serve(&bus.bus_address(), TestControl::new(notifier), events).await.unwrap();
    let client = Client::connect(&bus.bus_address()).await.unwrap();
    let error = client.start(&StartOptions::default()).await.unwrap_err();
    assert!(matches!(error, ClientError::AccessDenied { .. }), "{error:?}");
    assert_eq!(error.exit_code(), bus::EXIT_ACCESS_DENIED);
}
