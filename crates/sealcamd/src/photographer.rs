// SPDX-License-Identifier: MIT OR Apache-2.0
//! Takes photos, one after the other, in a thread of its own: during a recording from what is being recorded, outside one
//! by opening the camera for it.

use crate::errors::{camera_in_transit, from_media, from_store};
use crate::open::Opener;
use crate::worker::Worker;
use crate::writer::{Order, Orders, photo_info};
use bus::{BusError, ErrorKind, PhotoInfo, RecorderState};
use media::Capture;
use std::sync::{Arc, PoisonError};
use tokio::sync::oneshot;

/// How many photos may wait behind the one that is being taken.
pub(crate) const PHOTOS_MAX: usize = 4;

/// Takes photos.
pub(crate) struct Photographer(Worker<Wanted>);

/// A photo that someone waits for.
struct Wanted {
    of: Subject,
    answer: oneshot::Sender<Result<PhotoInfo, BusError>>,
}

/// Of what a photo is taken.
pub(crate) enum Subject {
    /// Of what is being recorded.
    Session(Arc<Capture>, Orders),
    /// Of what the camera sees when it is opened for it.
    Camera,
}

impl Photographer {
    pub(crate) fn start(opener: Opener) -> std::io::Result<Photographer> {
        let take = move |wanted: Wanted| {
            let photo = take(&opener, &wanted.of);
            // The one who asked may be gone; the photo is stored all the same.
            let _ = wanted.answer.send(photo);
        };
        Worker::start("photo", PHOTOS_MAX, take).map(Photographer)
    }

    /// Takes a photo when those before it are taken.
    pub(crate) fn take(&self, of: Subject, answer: oneshot::Sender<Result<PhotoInfo, BusError>>) {
        if let Err(wanted) = self.0.give(Wanted { of, answer }) {
            let problem = format!("{PHOTOS_MAX} photos are already waiting to be taken; try again");
            let _ = wanted.answer.send(Err(BusError::new(ErrorKind::DeviceBusy, problem)));
        }
    }

    /// Waits for the photo in hand. Those behind it are not taken: who waits for them hears that the recorder goes down.
    pub(crate) fn end(self) {
        self.0.end();
    }
}

fn take(opener: &Opener, of: &Subject) -> Result<PhotoInfo, BusError> {
    let photo = match of {
        Subject::Session(capture, orders) => photo_in_session(capture, orders),
        Subject::Camera => photo_alone(opener),
    }?;
    opener.notifier.photo_taken(photo.clone());
    Ok(photo)
}

fn photo_in_session(capture: &Capture, orders: &Orders) -> Result<PhotoInfo, BusError> {
    let jpeg = capture.photo().map_err(|error| from_media(&error))?;
    let (done, stored) = oneshot::channel();
    let closed = |_| BusError::new(ErrorKind::NotRecording, "the recording ended before the photo could be stored");
    orders.send(Order::Photo(jpeg, done)).map_err(|_| closed(()))?;
    stored.blocking_recv().map_err(|_| closed(()))?.map_err(|error| from_store(&error))
}

fn photo_alone(opener: &Opener) -> Result<PhotoInfo, BusError> {
    let _sources = opener.sources.lock().unwrap_or_else(PoisonError::into_inner);
    // A recording may have been started since it was asked for: the sources are that one's then.
    if !matches!(opener.live.status().state, RecorderState::Standby | RecorderState::Faulted) {
        return Err(camera_in_transit());
    }
    let settings = opener.config.settings(bus::Media::Video);
    let jpeg = media::take_photo(&settings).map_err(|error| from_media(&error))?;
    let (label, names) = (&opener.config.device.id, &opener.config.evidence.names);
    let stored = opener.evidence.add_photo(&jpeg, "", label, names).map_err(|error| from_store(&error))?;
    Ok(photo_info(&stored, None, &opener.live))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::tests::opener;

    #[test]
    fn a_photo_that_waited_until_a_recording_began_is_not_taken_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let (opener, _messages) = opener(folder.path());
        let photographer = Photographer::start(opener.clone()).unwrap();
        let sources = opener.sources.lock().unwrap();
        let (answer, answered) = oneshot::channel();
        photographer.take(Subject::Camera, answer);
        opener.live.set_state(RecorderState::Recording, None);
        drop(sources);
        assert_eq!(answered.blocking_recv().unwrap().unwrap_err(), camera_in_transit());
    }
}
