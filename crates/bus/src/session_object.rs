// SPDX-License-Identifier: MIT OR Apache-2.0
//! The objects with the interface `org.sealcam.Session1`, one for each session. Its members are documented in
//! `interfaces/org.sealcam.Session1.xml`. Nothing is kept here: each read asks the recorder.

use std::sync::Arc;

use zbus::{OwnedObjectPath, interface};

use crate::control::Control;
use crate::dict::session_path;
use crate::{BusError, SegmentInfo, SessionId, SessionInfo};

pub(crate) struct SessionObject {
    pub(crate) id: SessionId,
    pub(crate) control: Arc<dyn Control>,
}

/// A segment as it goes over the bus.
pub(crate) type SegmentTuple = (u32, String, u64, u64);

impl SessionObject {
    async fn info(&self) -> Result<SessionInfo, BusError> {
        self.control.session(self.id).await
    }
}

fn segment_tuple(segment: SegmentInfo) -> SegmentTuple {
    (segment.number, segment.file, segment.chunks, segment.bytes)
}

#[interface(name = "org.sealcam.Session1", introspection_docs = false)]
impl SessionObject {
    #[zbus(property(emits_changed_signal = "const"))]
    async fn id(&self) -> String {
        self.id.to_string()
    }

    #[zbus(property(emits_changed_signal = "const"))]
    async fn officer(&self) -> Result<String, BusError> {
        Ok(self.info().await?.officer)
    }

    #[zbus(property(emits_changed_signal = "const"))]
    async fn folder(&self) -> Result<String, BusError> {
        Ok(self.info().await?.folder)
    }

    #[zbus(property(emits_changed_signal = "const"))]
    async fn started_utc_ns(&self) -> Result<i64, BusError> {
        Ok(self.info().await?.started_utc_ns)
    }

    #[zbus(property)]
    async fn ended_utc_ns(&self) -> Result<i64, BusError> {
        Ok(self.info().await?.ended_utc_ns.unwrap_or_default())
    }

    #[zbus(property)]
    async fn cause(&self) -> Result<String, BusError> {
        Ok(self.info().await?.cause.unwrap_or_default())
    }

    #[zbus(property(emits_changed_signal = "false"))]
    async fn duration_ns(&self) -> Result<u64, BusError> {
        Ok(self.info().await?.duration_ns)
    }

    #[zbus(property(emits_changed_signal = "false"))]
    async fn chunks(&self) -> Result<u64, BusError> {
        Ok(self.info().await?.chunks)
    }

    #[zbus(property(emits_changed_signal = "false"))]
    async fn video_frames(&self) -> Result<u64, BusError> {
        Ok(self.info().await?.video_frames)
    }

    #[zbus(property(emits_changed_signal = "false"))]
    async fn audio_packets(&self) -> Result<u64, BusError> {
        Ok(self.info().await?.audio_packets)
    }

    #[zbus(property(emits_changed_signal = "false"))]
    async fn bytes(&self) -> Result<u64, BusError> {
        Ok(self.info().await?.bytes)
    }

    #[zbus(property(emits_changed_signal = "false"))]
    async fn signed_bytes(&self) -> Result<u64, BusError> {
        Ok(self.info().await?.signed_bytes)
    }

    #[zbus(property(emits_changed_signal = "false"))]
    async fn segments(&self) -> Result<Vec<SegmentTuple>, BusError> {
        Ok(self.info().await?.segments.into_iter().map(segment_tuple).collect())
    }

    #[zbus(property)]
    async fn photos(&self) -> Result<Vec<String>, BusError> {
        Ok(self.info().await?.photos)
    }

    #[zbus(property(emits_changed_signal = "const"))]
    async fn continues(&self) -> Result<OwnedObjectPath, BusError> {
        Ok(session_path(self.info().await?.continues))
    }

    #[zbus(property)]
    async fn interruptions(&self) -> Result<u64, BusError> {
        Ok(self.info().await?.interruptions)
    }
}
