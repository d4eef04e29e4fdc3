// SPDX-License-Identifier: MIT OR Apache-2.0
//! Takes photos, one after the other, in a thread of its own: during a recording from what is being recorded, outside one
//! by opening the camera for it.

use crate::errors::{camera_in_transit, from_media, from_store};
use crate::live::Live;
use crate::open::Opener;
use crate::orders::{Order, Orders};
use crate::worker::Worker;
use bus::{BusError, ErrorKind, PhotoInfo, RecorderState, SessionId};
use store::StoredPhoto;
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
    Session(Orders),
    /// Of what the camera sees, which is opened for it if it is not open.
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
        Subject::Session(orders) => photo_in_session(opener, orders),
        Subject::Camera => photo_alone(opener),
    }?;
    opener.notifier.photo_taken(photo.clone());
    Ok(photo)
}

fn photo_in_session(opener: &Opener, orders: &Orders) -> Result<PhotoInfo, BusError> {
    let jpeg = opener.studio.photo().map_err(|error| from_media(&error))?;
    let session = opener.live.status().current_session;
    let (done, stored) = oneshot::channel();
    let closed = || BusError::new(ErrorKind::NotRecording, "the recording ended before the photo could be stored");
    orders.tell(Order::Photo(jpeg, done)).map_err(|_| closed())?;
    let stored = stored.blocking_recv().map_err(|_| closed())?.map_err(|error| from_store(&error))?;
    Ok(photo_info(&stored, session, &opener.live))
}

fn photo_alone(opener: &Opener) -> Result<PhotoInfo, BusError> {
    let jpeg =
        opener.studio.take_photo(&opener.config.settings(bus::Media::Video)).map_err(|error| from_media(&error))?;
    // A recording may have been started since it was asked for: a photo is part of it then, or of none.
    let status = opener.live.status();
    if status.current_session.is_some() || status.state == RecorderState::Opening {
        return Err(camera_in_transit());
    }
    let (label, names) = (&opener.config.device.id, &opener.config.evidence.names);
    let stored = opener.evidence.add_photo(&jpeg, "", label, names).map_err(|error| from_store(&error))?;
    Ok(photo_info(&stored, None, &opener.live))
}

/// A stored photo as the bus tells it.
fn photo_info(photo: &StoredPhoto, session: Option<SessionId>, live: &Live) -> PhotoInfo {
    let folders = live.folders();
    let below = folders.iter().find_map(|folder| photo.path.strip_prefix(folder).ok());
    let file = below.unwrap_or(&photo.path).to_string_lossy().into_owned();
    PhotoInfo { file, sha256: photo.hash.0, session }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::tests::opener;

    #[test]
    fn a_photo_that_waited_until_a_recording_began_is_not_taken_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let (opener, _messages) = opener(folder.path());
        opener.live.set_state(&recorder::State::Opening);
        assert_eq!(photo_alone(&opener).unwrap_err(), camera_in_transit());
        opener.live.set_state(&recorder::State::Standby);
        assert!(photo_alone(&opener).is_ok());
        assert_eq!(opener.live.status().state, RecorderState::Standby);
    }
}
