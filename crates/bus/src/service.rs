// SPDX-License-Identifier: MIT OR Apache-2.0
//! The service: puts a recorder on a bus.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use zbus::Connection;
use zbus::fdo::{ObjectManager, RequestNameFlags};

use crate::control::Control;
use crate::notify::{Events, Notifier};
use crate::publish::{PublishError, Publisher};
use crate::recorder_object::{Recorder, RecorderObject};
use crate::{BUS_NAME, BusAddress, BusError, RECORDER_PATH};

/// Why the recorder could not be put on the bus.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The bus cannot be reached.
    #[error("the {address} bus cannot be reached: {reason}")]
    NoBus {
        /// The bus.
        address: BusAddress,
        /// Why.
        reason: String,
    },
    /// Another process has the name.
    #[error("another process on the {address} bus has the name {BUS_NAME}: is a recorder already running?")]
    NameTaken {
        /// The bus.
        address: BusAddress,
    },
    /// The policy of the bus does not let this process have the name.
    #[error("the policy of the {address} bus does not let this process own {BUS_NAME}: {source}")]
    NotAllowed {
        /// The bus.
        address: BusAddress,
        /// What the bus says.
        source: zbus::Error,
    },
    /// The recorder does not tell its sessions.
    #[error("the recorder's sessions cannot be listed: {0}")]
    Control(BusError),
    /// The bus does something unexpected.
    #[error("the {address} bus: {source}")]
    Bus {
        /// The bus.
        address: BusAddress,
        /// What.
        source: zbus::Error,
    },
}

/// A recorder on a bus. Dropping it without [`close`](Self::close) leaves the bus without a word.
#[derive(Debug)]
pub struct Service {
    connection: Connection,
    notifier: Notifier,
    publisher: JoinHandle<()>,
}

/// The name on a bus, before there is a recorder to answer. Who asks meanwhile waits. Dropping it gives the name back.
pub struct Claim {
    connection: Connection,
    address: BusAddress,
    recorder: watch::Sender<Option<Recorder>>,
}

/// Connects to a bus and takes the name, so that whoever finds it taken has touched nothing yet.
pub async fn claim(address: &BusAddress) -> Result<Claim, ServeError> {
    let no_bus = |reason| ServeError::NoBus { address: address.clone(), reason };
    let connection = address.connect().await.map_err(no_bus)?;
    let (recorder, waiting) = watch::channel(None);
    let added = connection.object_server().at(RECORDER_PATH, RecorderObject::new(waiting)).await;
    added.map_err(|source| ServeError::Bus { address: address.clone(), source })?;
    request_name(&connection, address).await?;
    Ok(Claim { connection, address: address.clone(), recorder })
}

impl Claim {
    /// Lets a recorder answer, those first who have waited; gives its sessions their objects, and then lists them.
    pub async fn serve(self, control: Arc<dyn Control>, events: Events) -> Result<Service, ServeError> {
        let Claim { connection, address, recorder } = self;
        let unexpected = |source| ServeError::Bus { address: address.clone(), source };
        let notifier = events.notifier.clone();
        // Before any object is added: whoever waits with a property read keeps them from being added.
        recorder.send_replace(Some(Recorder { control: Arc::clone(&control), notifier: notifier.clone() }));
        let mut publisher = Publisher::new(connection.clone(), control);
        publisher.resync().await.map_err(|error| match error {
            PublishError::Control(error) => ServeError::Control(error),
            PublishError::Bus(error) => unexpected(error),
        })?;
        // The last, so that nobody is given half a list.
        connection.object_server().at(RECORDER_PATH, ObjectManager).await.map_err(unexpected)?;
        Ok(Service { connection, notifier, publisher: tokio::spawn(publisher.run(events)) })
    }
}

/// Claims the name and serves at once.
pub async fn serve(address: &BusAddress, control: Arc<dyn Control>, events: Events) -> Result<Service, ServeError> {
    claim(address).await?.serve(control, events).await
}

impl Service {
    /// Publishes what is still waiting, gives the name back and leaves the bus.
    pub async fn close(self) {
        self.notifier.settle(None).await;
        if let Err(error) = self.connection.release_name(BUS_NAME).await {
            tracing::warn!(%error, "the bus name could not be given back");
        }
        self.publisher.abort();
        // An error is the cancellation just asked for.
        let _ = self.publisher.await;
        self.connection.graceful_shutdown().await;
    }

    /// Waits until the bus is gone. Recording goes on without it; whoever waits may serve again.
    pub async fn bus_gone(&self) {
        self.connection.closed().await;
    }
}

async fn request_name(connection: &Connection, address: &BusAddress) -> Result<(), ServeError> {
    // Without `ReplaceExisting` and `AllowReplacement`: neither take the name from anyone nor let it be taken.
    let result = connection.request_name_with_flags(BUS_NAME, RequestNameFlags::DO_NOT_QUEUE).await;
    let address = address.clone();
    match result {
        Ok(_) => Ok(()),
        Err(zbus::Error::NameTaken) => Err(ServeError::NameTaken { address }),
        Err(source) if is_denied(&source) => Err(ServeError::NotAllowed { address, source }),
        Err(source) => Err(ServeError::Bus { address, source }),
    }
}

/// Whether the bus refused for want of permission.
pub(crate) fn is_denied(error: &zbus::Error) -> bool {
    matches!(error, zbus::Error::FDO(error) if matches!(**error, zbus::fdo::Error::AccessDenied(_)))
}
