// SPDX-License-Identifier: MIT OR Apache-2.0
//! The two interfaces as the caller sees them. Their members are documented in `interfaces/*.xml`.

use std::collections::HashMap;

use zbus::{ObjectPath, OwnedObjectPath, OwnedVariant, Variant, proxy};

/// The recorder: interface `org.sealcam.Recorder1`.
#[proxy(
    interface = "org.sealcam.Recorder1",
    default_service = "org.sealcam.Recorder1",
    default_path = "/org/sealcam/Recorder1"
)]
pub trait Recorder1 {
    /// Starts a recording.
    fn start(&self, options: HashMap<&str, Variant<'_>>) -> zbus::Result<OwnedObjectPath>;
    /// Stops the recording.
    fn stop(&self) -> zbus::Result<OwnedObjectPath>;
    /// Takes a photo.
    fn take_photo(&self, options: HashMap<&str, Variant<'_>>) -> zbus::Result<(String, Vec<u8>)>;
    /// The cameras and microphones.
    fn list_devices(&self) -> zbus::Result<Vec<HashMap<String, OwnedVariant>>>;
    /// The interruptions of a session, or of all.
    fn list_interruptions(
        &self,
        options: HashMap<&str, Variant<'_>>,
    ) -> zbus::Result<Vec<HashMap<String, OwnedVariant>>>;
    /// Enters what an officer says of an interruption.
    fn explain(&self, interruption: &str, options: HashMap<&str, Variant<'_>>) -> zbus::Result<()>;
    /// What of a session was recorded when.
    fn timeline(&self, session: ObjectPath<'_>) -> zbus::Result<HashMap<String, OwnedVariant>>;

    /// What the recorder is doing.
    #[zbus(property)]
    fn state(&self) -> zbus::Result<String>;
    /// What is wrong.
    #[zbus(property)]
    fn fault(&self) -> zbus::Result<String>;
    /// The open session, or "/".
    #[zbus(property)]
    fn current_session(&self) -> zbus::Result<OwnedObjectPath>;
    /// Counts of the open session, else of the last.
    #[zbus(property(emits_changed_signal = "false"))]
    fn counters(&self) -> zbus::Result<HashMap<String, OwnedVariant>>;
    /// Media time up to which that session is durable.
    #[zbus(property(emits_changed_signal = "false"))]
    fn recorded_up_to(&self) -> zbus::Result<u64>;
    /// The alarms that stand.
    #[zbus(property)]
    fn alarms(&self) -> zbus::Result<Vec<HashMap<String, OwnedVariant>>>;
    /// Minutes that can still be recorded; the largest number: unknown.
    #[zbus(property)]
    fn storage_minutes(&self) -> zbus::Result<u64>;
    /// How much the pre-record holds.
    #[zbus(property(emits_changed_signal = "false"))]
    fn pre_record_ns(&self) -> zbus::Result<u64>;
    /// The device's name.
    #[zbus(property(emits_changed_signal = "const"))]
    fn device_id(&self) -> zbus::Result<String>;
    /// The recorder's version.
    #[zbus(property(emits_changed_signal = "const"))]
    fn version(&self) -> zbus::Result<String>;
    /// The evidence folder.
    #[zbus(property(emits_changed_signal = "const"))]
    fn evidence_folder(&self) -> zbus::Result<String>;

    /// A chunk is durable, signed and indexed.
    #[zbus(signal)]
    fn chunk_recorded(
        &self,
        session: ObjectPath<'_>,
        segment: u32,
        chunk: u64,
        recorded_up_to_ns: u64,
        utc_ns: i64,
    ) -> zbus::Result<()>;
    /// A session is open.
    #[zbus(signal)]
    fn session_started(&self, session: ObjectPath<'_>) -> zbus::Result<()>;
    /// A session is closed.
    #[zbus(signal)]
    fn session_ended(&self, session: ObjectPath<'_>, cause: &str) -> zbus::Result<()>;
    /// A photo is durable and signed.
    #[zbus(signal)]
    fn photo_taken(&self, file: &str) -> zbus::Result<()>;
    /// An alarm is raised.
    #[zbus(signal)]
    fn alarm_raised(&self, kind: &str, detail: &str) -> zbus::Result<()>;
    /// An alarm is over.
    #[zbus(signal)]
    fn alarm_quiet(&self, kind: &str) -> zbus::Result<()>;
    /// An interruption began.
    #[zbus(signal)]
    fn interruption_began(&self, interruption: &str, session: ObjectPath<'_>, cause: &str) -> zbus::Result<()>;
    /// An interruption is over.
    #[zbus(signal)]
    fn interruption_ended(&self, interruption: &str, session: ObjectPath<'_>) -> zbus::Result<()>;
}

/// One recording: interface `org.sealcam.Session1`.
#[proxy(interface = "org.sealcam.Session1", default_service = "org.sealcam.Recorder1", assume_defaults = false)]
pub trait Session1 {
    /// The session id.
    #[zbus(property(emits_changed_signal = "const"))]
    fn id(&self) -> zbus::Result<String>;
    /// Who recorded.
    #[zbus(property(emits_changed_signal = "const"))]
    fn officer(&self) -> zbus::Result<String>;
    /// Its folder.
    #[zbus(property(emits_changed_signal = "const"))]
    fn folder(&self) -> zbus::Result<String>;
    /// UTC of the start.
    #[zbus(property(emits_changed_signal = "const"))]
    fn started_utc_ns(&self) -> zbus::Result<i64>;
    /// UTC of the end, or 0.
    #[zbus(property)]
    fn ended_utc_ns(&self) -> zbus::Result<i64>;
    /// Why it ended, or nothing.
    #[zbus(property)]
    fn cause(&self) -> zbus::Result<String>;
    /// Length of the media.
    #[zbus(property(emits_changed_signal = "false"))]
    fn duration_ns(&self) -> zbus::Result<u64>;
    /// Durable chunks.
    #[zbus(property(emits_changed_signal = "false"))]
    fn chunks(&self) -> zbus::Result<u64>;
    /// Video frames in them.
    #[zbus(property(emits_changed_signal = "false"))]
    fn video_frames(&self) -> zbus::Result<u64>;
    /// Audio packets in them.
    #[zbus(property(emits_changed_signal = "false"))]
    fn audio_packets(&self) -> zbus::Result<u64>;
    /// Bytes of the segment files.
    #[zbus(property(emits_changed_signal = "false"))]
    fn bytes(&self) -> zbus::Result<u64>;
    /// Bytes of the signed records among them.
    #[zbus(property(emits_changed_signal = "false"))]
    fn signed_bytes(&self) -> zbus::Result<u64>;
    /// The segment files: number, file name, chunks, bytes.
    #[zbus(property(emits_changed_signal = "false"))]
    fn segments(&self) -> zbus::Result<Vec<(u32, String, u64, u64)>>;
    /// Photos taken during it.
    #[zbus(property)]
    fn photos(&self) -> zbus::Result<Vec<String>>;
    /// The session that it goes on with, or "/".
    #[zbus(property(emits_changed_signal = "const"))]
    fn continues(&self) -> zbus::Result<OwnedObjectPath>;
    /// How many interruptions it has.
    #[zbus(property)]
    fn interruptions(&self) -> zbus::Result<u64>;
}
