// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the service asks of the recorder.

use std::pin::Pin;

use crate::{
    BusError, DeviceInfo, ExplainOptions, InterruptionId, InterruptionInfo, PhotoInfo, RecorderStatus, SessionId,
    SessionInfo, StartOptions, Timeline,
};

/// An answer that may take its time: `Box::pin(async move { ... })`.
pub type ControlFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, BusError>> + Send + 'a>>;

/// The recorder as the bus sees it.
///
/// Calls come at any time and at once; a slow `stop` keeps no one from reading the status. `status` is asked once for each
/// property that is read, `session` likewise: both answer at once, from memory or an index, not from the media files. While such
/// a read waits, no session object can be added, and then nobody is answered: they must not wait for a recording to end.
pub trait Control: Send + Sync + 'static {
    /// Starts a recording; answers when the session is open and in the ledger.
    fn start(&self, options: StartOptions) -> ControlFuture<'_, SessionId>;
    /// Stops the recording; answers when it is closed, durable and in the ledger.
    fn stop(&self) -> ControlFuture<'_, SessionId>;
    /// Takes a photo; answers when it is durable and signed.
    fn take_photo(&self) -> ControlFuture<'_, PhotoInfo>;
    /// The cameras and microphones of this machine.
    fn devices(&self) -> ControlFuture<'_, Vec<DeviceInfo>>;
    /// The recorder now.
    fn status(&self) -> ControlFuture<'_, RecorderStatus>;
    /// The sessions that are known, the open one included.
    fn sessions(&self) -> ControlFuture<'_, Vec<SessionInfo>>;
    /// One session now.
    fn session(&self, id: SessionId) -> ControlFuture<'_, SessionInfo>;
    /// The interruptions of a session, or of all, in the order of the ledger. A session that is not known is
    /// [`UnknownSession`](crate::ErrorKind::UnknownSession).
    fn interruptions(&self, session: Option<SessionId>) -> ControlFuture<'_, Vec<InterruptionInfo>>;
    /// Enters what an officer says of an interruption; answers when it is in the ledger. One that is not known is
    /// [`UnknownInterruption`](crate::ErrorKind::UnknownInterruption).
    fn explain(&self, interruption: InterruptionId, options: ExplainOptions) -> ControlFuture<'_, ()>;
    /// What of a session was recorded when. One that is not known is [`UnknownSession`](crate::ErrorKind::UnknownSession).
    fn timeline(&self, session: SessionId) -> ControlFuture<'_, Timeline>;
}
