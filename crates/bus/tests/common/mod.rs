// SPDX-License-Identifier: MIT OR Apache-2.0
//! A private bus by the real `dbus-daemon`, and a recorder in memory that behaves as the contract says.
#![allow(dead_code, missing_docs, unreachable_pub)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};

use bus::{
    Account, AlarmInfo, AlarmKind, BootId, BusAddress, BusError, ChunkInfo, ChunkSpan, Control, ControlFuture,
    ControlInfo, Counters, DeviceInfo, DeviceKind, Duty, ErrorKind, ExplainOptions, FormatInfo, InterruptionId,
    InterruptionInfo, Known, Medium, Moment, Notifier, PhotoInfo, PlacedInterruption, RecorderState, RecorderStatus,
    SegmentInfo, Service, SessionId, SessionInfo, StartOptions, Timeline,
};

const CONFIG: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=FOLDER</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
    POLICY
  </policy>
</busconfig>
"#;

/// A message bus of its own; it ends with the value.
pub struct PrivateBus {
    pub address: String,
    daemon: Child,
    _folder: tempfile::TempDir,
}

impl PrivateBus {
    pub fn start() -> Self {
        Self::with_policy("")
    }

    pub fn with_policy(policy: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("bus.conf");
        let text = CONFIG.replace("FOLDER", folder.path().to_str().unwrap()).replace("POLICY", policy);
        std::fs::write(&config, text).unwrap();
        let mut daemon = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--print-address"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(daemon.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { address: address.trim().to_owned(), daemon, _folder: folder }
    }

    pub fn bus_address(&self) -> BusAddress {
        self.address.parse().unwrap()
    }

    /// Runs a program against this bus without blocking the service: (succeeded, stdout, stderr).
    pub async fn run(&self, program: &str, arguments: &[&str]) -> (bool, String, String) {
        let mut command = Command::new(program);
        command.args(arguments).env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    }

    pub async fn busctl(&self, arguments: &[&str]) -> (bool, String, String) {
        let address = format!("--address={}", self.address);
        let all: Vec<&str> = [address.as_str()].into_iter().chain(arguments.iter().copied()).collect();
        self.run("busctl", &all).await
    }
}

impl Drop for PrivateBus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

#[derive(Default)]
pub struct State {
    pub sessions: Vec<SessionInfo>,
    pub open: Option<SessionId>,
    pub options: Vec<StartOptions>,
    pub fault: Option<String>,
    /// What the next request fails with.
    pub failure: Option<BusError>,
    pub photos: u32,
    /// Whether the start of a session is not told.
    pub silent: bool,
    pub alarms: Vec<AlarmInfo>,
    pub storage_minutes: Option<u64>,
    pub interruptions: Vec<InterruptionInfo>,
}

/// The recorder in memory.
pub struct TestControl {
    pub state: Mutex<State>,
    notifier: Notifier,
}

pub fn session_id(number: u8) -> SessionId {
    SessionId::from_bytes([number; 16])
}

pub fn session(number: u8) -> SessionInfo {
    SessionInfo {
        id: session_id(number),
        officer: "012345".into(),
        folder: format!("/evidence/session-{number}"),
        started_utc_ns: 1_790_000_000_000_000_000 + i64::from(number),
        ended_utc_ns: None,
        cause: None,
        duration_ns: 0,
        chunks: 0,
        video_frames: 0,
        audio_packets: 0,
        bytes: 0,
        signed_bytes: 0,
        segments: Vec::new(),
        photos: Vec::new(),
        continues: None,
        interruptions: 0,
    }
}

pub fn ended_session(number: u8) -> SessionInfo {
    SessionInfo {
        ended_utc_ns: Some(1_790_000_010_000_000_000 + i64::from(number)),
        cause: Some("stopped".into()),
        duration_ns: 10_000_000_000,
        chunks: 20,
        video_frames: 300,
        audio_packets: 469,
        bytes: 5_000_000,
        signed_bytes: 12_000,
        segments: vec![SegmentInfo { number: 1, file: "a_0001.mp4".into(), chunks: 20, bytes: 5_000_000 }],
        ..session(number)
    }
}

pub fn interruption_id(number: u8) -> InterruptionId {
    InterruptionId::from_bytes([number; 16])
}

fn moment(boot: u8, boot_ns: u64, utc_ns: i64) -> Moment {
    Moment { utc_ns, boot_ns, boot_id: BootId::from_bytes([boot; 16]) }
}

/// The camera of a session is gone from its fourth second on.
pub fn interruption(number: u8, session: SessionId) -> InterruptionInfo {
    InterruptionInfo {
        id: interruption_id(number),
        session,
        cause: "camera".into(),
        known: Known::Device,
        media: vec![Medium::Video],
        detail: "no frame for 2 s".into(),
        from: moment(1, 64_000_000_000, 1_790_000_004_000_000_000),
        to: None,
        duration_ns: None,
        statement: Duty::None,
        report: Duty::None,
        account: Duty::None,
        told: None,
    }
}

/// One that was over in another boot, and that an officer explained.
pub fn ended_interruption(number: u8, session: SessionId) -> InterruptionInfo {
    InterruptionInfo {
        cause: "power".into(),
        media: vec![Medium::Video, Medium::Audio],
        to: Some(moment(2, 9_000_000_000, 1_790_000_094_000_000_000)),
        duration_ns: Some(90_000_000_000),
        account: Duty::Given,
        told: Some(Account { cause: "other".into(), officer: "007".into(), text: "The fuse.".into() }),
        ..interruption(number, session)
    }
}

pub fn alarm() -> AlarmInfo {
    let since_utc_ns = 1_790_000_006_000_000_000;
    AlarmInfo { kind: AlarmKind::Camera, detail: "no frame for 2 s".into(), since_utc_ns }
}

impl TestControl {
    pub fn new(notifier: Notifier) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), notifier })
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The next chunk of the open session is durable.
    pub fn record_chunk(&self) -> ChunkInfo {
        let mut state = self.state();
        let open = state.open.unwrap();
        let session = state.sessions.iter_mut().find(|session| session.id == open).unwrap();
        session.chunks += 1;
        session.video_frames += 15;
        session.audio_packets += 24;
        session.duration_ns += 500_000_000;
        session.bytes += 250_000;
        session.signed_bytes += 600;
        let (chunks, bytes) = (session.chunks, session.bytes);
        session.segments = vec![SegmentInfo { number: 1, file: "a_0001.mp4".into(), chunks, bytes }];
        let chunk = ChunkInfo {
            session: open,
            segment: 1,
            chunk: session.chunks,
            recorded_up_to_ns: session.duration_ns,
            utc_ns: session.started_utc_ns + 500_000_000,
        };
        drop(state);
        self.notifier.chunk_recorded(chunk);
        chunk
    }

    pub fn raise(&self, alarm: AlarmInfo) {
        self.state().alarms.push(alarm.clone());
        self.notifier.alarm_raised(alarm);
    }

    pub fn quiet(&self, kind: AlarmKind) {
        self.state().alarms.retain(|alarm| alarm.kind != kind);
        self.notifier.alarm_quiet(kind);
    }

    pub fn begin_interruption(&self, begun: InterruptionInfo) {
        let (id, session, cause) = (begun.id, begun.session, begun.cause.clone());
        self.state().interruptions.push(begun);
        self.notifier.interruption_began(id, session, cause);
    }

    pub fn end_interruption(&self, ended: InterruptionInfo) {
        let (id, session) = (ended.id, ended.session);
        self.state().interruptions.retain(|one| one.id != id);
        self.state().interruptions.push(ended);
        self.notifier.interruption_ended(id, session);
    }

    fn session_now(&self, id: SessionId) -> Option<SessionInfo> {
        let state = self.state();
        let interruptions = state.interruptions.iter().filter(|one| one.session == id).count() as u64;
        let found = state.sessions.iter().find(|session| session.id == id);
        found.map(|session| SessionInfo { interruptions, ..session.clone() })
    }

    fn known(&self, id: SessionId) -> Result<SessionInfo, BusError> {
        self.session_now(id)
            .ok_or_else(|| BusError::new(ErrorKind::UnknownSession, format!("no session {id} is known")))
    }

    fn interruptions_now(&self, session: Option<SessionId>) -> Result<Vec<InterruptionInfo>, BusError> {
        session.map_or(Ok(()), |id| self.known(id).map(drop))?;
        let wanted = |one: &&InterruptionInfo| session.is_none_or(|id| id == one.session);
        Ok(self.state().interruptions.iter().filter(wanted).cloned().collect())
    }

    fn explain_now(&self, id: InterruptionId, options: ExplainOptions) -> Result<(), BusError> {
        let mut state = self.state();
        state.failure.take().map_or(Ok(()), Err)?;
        let unknown = || BusError::new(ErrorKind::UnknownInterruption, format!("no interruption {id} is known"));
        let found = state.interruptions.iter_mut().find(|one| one.id == id).ok_or_else(unknown)?;
        let officer = options.officer.unwrap_or_default();
        found.told = Some(Account { cause: options.cause.to_string(), officer, text: options.text });
        found.account = Duty::Given;
        Ok(())
    }

    fn timeline_now(&self, id: SessionId) -> Result<Timeline, BusError> {
        let session = self.known(id)?;
        let zero = moment(1, 60_000_000_000, session.started_utc_ns);
        let place = |info| PlacedInterruption::place(info, &zero);
        let interruptions: Vec<_> = self.interruptions_now(Some(id))?.into_iter().map(place).collect();
        let whole = ChunkSpan { from_ns: 0, to_ns: session.duration_ns, video: true, audio: true };
        Ok(Timeline {
            session: id,
            zero_utc_ns: session.started_utc_ns,
            pressed_ns: Some(1_000_000_000),
            now_ns: session.cause.is_none().then_some(session.duration_ns),
            cause: session.cause,
            chunks: Some(whole).filter(|span| span.to_ns > 0).into_iter().collect(),
            interruptions,
            continues: session.continues,
            continued_by: None,
        })
    }

    fn start_now(&self, options: StartOptions) -> Result<SessionId, BusError> {
        let mut state = self.state();
        state.failure.take().map_or(Ok(()), Err)?;
        if let Some(open) = state.open {
            return Err(BusError::new(ErrorKind::AlreadyRecording, format!("session {open} is being recorded")));
        }
        let number = u8::try_from(state.sessions.len()).unwrap() + 1;
        let officer = options.officer.clone().unwrap_or_default();
        state.sessions.push(SessionInfo { officer, ..session(number) });
        state.options.push(options);
        state.open = Some(session_id(number));
        if !state.silent {
            self.notifier.session_started(session_id(number));
        }
        Ok(session_id(number))
    }

    fn stop_now(&self) -> Result<SessionId, BusError> {
        let mut state = self.state();
        state.failure.take().map_or(Ok(()), Err)?;
        let open = state.open.ok_or_else(|| BusError::new(ErrorKind::NotRecording, "nothing is being recorded"))?;
        state.open = None;
        let session = state.sessions.iter_mut().find(|session| session.id == open).unwrap();
        session.ended_utc_ns = Some(session.started_utc_ns + 10_000_000_000);
        session.cause = Some("stopped".into());
        self.notifier.session_ended(open, "stopped");
        Ok(open)
    }

    fn take_photo_now(&self) -> Result<PhotoInfo, BusError> {
        let mut state = self.state();
        state.failure.take().map_or(Ok(()), Err)?;
        state.photos += 1;
        let file = format!("photo-{}.jpg", state.photos);
        let open = state.open;
        if let Some(session) = state.sessions.iter_mut().find(|session| Some(session.id) == open) {
            session.photos.push(file.clone());
        }
        let photo = PhotoInfo { file, sha256: [0xab; 32], session: open };
        self.notifier.photo_taken(photo.clone());
        Ok(photo)
    }

    fn status_now(&self) -> RecorderStatus {
        let state = self.state();
        let counted = state.sessions.last().cloned().unwrap_or_else(|| session(0));
        let recorder_state = if state.open.is_some() { RecorderState::Recording } else { RecorderState::Standby };
        RecorderStatus {
            state: if state.fault.is_some() { RecorderState::Faulted } else { recorder_state },
            fault: state.fault.clone(),
            current_session: state.open,
            counters: Counters {
                video_frames: counted.video_frames,
                audio_packets: counted.audio_packets,
                video_lost: 1,
                audio_lost: 2,
                chunks: counted.chunks,
                segments: counted.segments.len() as u64,
                bytes: counted.bytes,
                duration_ns: counted.duration_ns,
            },
            recorded_up_to_ns: counted.duration_ns,
            alarms: state.alarms.clone(),
            storage_minutes: state.storage_minutes,
            prerecord_ns: 30_000_000_000,
            device_id: "SC-0001".into(),
            version: "0.1.0".into(),
            evidence_folder: "/evidence".into(),
        }
    }
}

pub fn devices() -> Vec<DeviceInfo> {
    let camera = DeviceInfo {
        kind: DeviceKind::Camera,
        source: "v4l2:/dev/video0".into(),
        name: "HD Camera".into(),
        in_use: true,
        problem: None,
        formats: vec![FormatInfo {
            encoding: "MJPG".into(),
            width_px: Some(1920),
            height_px: Some(1080),
            frames_per_second: vec![30.0, 15.0],
            ..FormatInfo::default()
        }],
        controls: vec![ControlInfo { name: "Exposure".into(), minimum: -4, maximum: 4, value: 0 }],
    };
    let format = FormatInfo {
        encoding: "S16_LE".into(),
        rates_hz: vec![44_100, 48_000],
        channels_max: Some(2),
        ..FormatInfo::default()
    };
    let microphone = DeviceInfo {
        kind: DeviceKind::Microphone,
        source: "alsa:hw:0".into(),
        name: "USB Audio".into(),
        in_use: false,
        problem: Some("held by another program".into()),
        formats: vec![format],
        controls: Vec::new(),
    };
    vec![camera, microphone]
}

impl Control for TestControl {
    fn start(&self, options: StartOptions) -> ControlFuture<'_, SessionId> {
        Box::pin(async move { self.start_now(options) })
    }

    fn stop(&self) -> ControlFuture<'_, SessionId> {
        Box::pin(async { self.stop_now() })
    }

    fn take_photo(&self) -> ControlFuture<'_, PhotoInfo> {
        Box::pin(async { self.take_photo_now() })
    }

    fn devices(&self) -> ControlFuture<'_, Vec<DeviceInfo>> {
        Box::pin(async { Ok(devices()) })
    }

    fn status(&self) -> ControlFuture<'_, RecorderStatus> {
        Box::pin(async { Ok(self.status_now()) })
    }

    fn sessions(&self) -> ControlFuture<'_, Vec<SessionInfo>> {
        let ids: Vec<SessionId> = self.state().sessions.iter().map(|session| session.id).collect();
        Box::pin(async move { Ok(ids.into_iter().filter_map(|id| self.session_now(id)).collect()) })
    }

    fn session(&self, id: SessionId) -> ControlFuture<'_, SessionInfo> {
        Box::pin(
            async move { self.session_now(id).ok_or_else(|| BusError::internal(format!("session {id} is not known"))) },
        )
    }

    fn interruptions(&self, session: Option<SessionId>) -> ControlFuture<'_, Vec<InterruptionInfo>> {
        Box::pin(async move { self.interruptions_now(session) })
    }

    fn explain(&self, interruption: InterruptionId, options: ExplainOptions) -> ControlFuture<'_, ()> {
        Box::pin(async move { self.explain_now(interruption, options) })
    }

    fn timeline(&self, session: SessionId) -> ControlFuture<'_, Timeline> {
        Box::pin(async move { self.timeline_now(session) })
    }
}

/// A recorder on a bus of its own.
pub struct Bench {
    pub bus: PrivateBus,
    pub control: Arc<TestControl>,
    pub notifier: Notifier,
    pub service: Service,
}

impl Bench {
    pub async fn start() -> Self {
        Self::with_sessions(Vec::new()).await
    }

    pub async fn with_sessions(sessions: Vec<SessionInfo>) -> Self {
        let bus = PrivateBus::start();
        let (notifier, events) = Notifier::channel();
        let control = TestControl::new(notifier.clone());
        control.state().sessions = sessions;
        let service = bus::serve(&bus.bus_address(), control.clone(), events).await.unwrap();
        Self { bus, control, notifier, service }
    }

    pub async fn client(&self) -> bus::Client {
        bus::Client::connect(&self.bus.bus_address()).await.unwrap()
    }
}
