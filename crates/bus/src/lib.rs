// SPDX-License-Identifier: MIT OR Apache-2.0
//! The D-Bus contract of the recorder: its two interfaces, the service behind them, the client in front of them, and the typed
//! errors between the two.
//!
//! `interfaces/*.xml` is the contract; a test compares it with what a live service says about itself. This crate must not
//! know how anything is recorded: the daemon implements [`Control`], and tells what happened through a [`Notifier`].

mod address;
mod alarm;
mod client;
mod control;
mod device;
mod dict;
mod error;
mod id;
mod interruption;
mod notify;
mod options;
mod proxy;
mod publish;
mod recorder_object;
mod service;
mod session_object;
mod timeline;
mod types;
mod watch;

pub use address::{BusAddress, BusAddressError};
pub use alarm::{AlarmInfo, AlarmKind};
pub use client::{Client, ClientError};
pub use control::{Control, ControlFuture};
pub use device::{ControlInfo, DeviceInfo, DeviceKind, FormatInfo};
pub use error::{BusError, EXIT_ACCESS_DENIED, EXIT_NO_RECORDER, ErrorKind};
pub use id::{BootId, IdError, InterruptionId, SessionId};
pub use interruption::{Account, Duty, ExplainOptions, InterruptionInfo, Known, Medium, Moment, OfficerCause};
pub use notify::{Events, Notifier, QUEUE_CAPACITY_EVENTS};
pub use options::{OFFICER_MAX_CHARACTERS, TEXT_MAX_CHARACTERS};
pub use proxy::{Recorder1Proxy, Session1Proxy};
pub use service::{Claim, ServeError, Service, claim, serve};
pub use timeline::{ChunkSpan, PlacedInterruption, Timeline};
pub use types::{
    ChunkInfo, Counters, Media, PhotoInfo, RecorderState, RecorderStatus, SegmentInfo, SessionInfo, StartOptions,
    UnknownWord,
};
pub use watch::{Watch, WatchEvent};

/// The well-known bus name of the recorder.
pub const BUS_NAME: &str = "org.sealcam.Recorder1";
/// The object with the interface `org.sealcam.Recorder1` and the object manager.
pub const RECORDER_PATH: &str = "/org/sealcam/Recorder1";
/// The interface of the recorder.
pub const RECORDER_INTERFACE: &str = "org.sealcam.Recorder1";
/// The interface of a session.
pub const SESSION_INTERFACE: &str = "org.sealcam.Session1";
/// The documented contract of the recorder's interface.
pub const RECORDER_XML: &str = include_str!("../interfaces/org.sealcam.Recorder1.xml");
/// The documented contract of a session's interface.
pub const SESSION_XML: &str = include_str!("../interfaces/org.sealcam.Session1.xml");
