// SPDX-License-Identifier: MIT OR Apache-2.0
//! Picture and sound: one of them, a set of them, or a value for each.

use std::fmt;
use std::ops::{Index, IndexMut};

/// What a source gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Medium {
    /// The picture.
    Video,
    /// The sound.
    Audio,
}

impl Medium {
    /// Both, in the order in which everything is done.
    pub const ALL: [Medium; 2] = [Medium::Video, Medium::Audio];

    /// The word in ledger and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Medium::Video => "video",
            Medium::Audio => "audio",
        }
    }
}

impl fmt::Display for Medium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of media.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Media {
    video: bool,
    audio: bool,
}

impl Media {
    /// None of them.
    pub const NONE: Media = Media { video: false, audio: false };
    /// Picture and sound.
    pub const BOTH: Media = Media { video: true, audio: true };

    /// Whether the medium is one of them.
    #[must_use]
    pub fn contains(self, medium: Medium) -> bool {
        match medium {
            Medium::Video => self.video,
            Medium::Audio => self.audio,
        }
    }

    /// These and the medium.
    #[must_use]
    pub fn with(self, medium: Medium) -> Media {
        match medium {
            Medium::Video => Media { video: true, ..self },
            Medium::Audio => Media { audio: true, ..self },
        }
    }

    /// These but the medium.
    #[must_use]
    pub fn without(self, medium: Medium) -> Media {
        match medium {
            Medium::Video => Media { video: false, ..self },
            Medium::Audio => Media { audio: false, ..self },
        }
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = Medium> {
        Medium::ALL.into_iter().filter(move |medium| self.contains(*medium))
    }

    /// Whether it is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Media::NONE
    }
}

impl From<Medium> for Media {
    fn from(medium: Medium) -> Media {
        Media::NONE.with(medium)
    }
}

impl FromIterator<Medium> for Media {
    fn from_iter<I: IntoIterator<Item = Medium>>(media: I) -> Media {
        media.into_iter().fold(Media::NONE, Media::with)
    }
}

/// One value for each medium.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PerMedium<T> {
    /// Of the picture.
    pub video: T,
    /// Of the sound.
    pub audio: T,
}

impl<T> Index<Medium> for PerMedium<T> {
    type Output = T;

    fn index(&self, medium: Medium) -> &T {
        match medium {
            Medium::Video => &self.video,
            Medium::Audio => &self.audio,
        }
    }
}

impl<T> IndexMut<Medium> for PerMedium<T> {
    fn index_mut(&mut self, medium: Medium) -> &mut T {
        match medium {
            Medium::Video => &mut self.video,
            Medium::Audio => &mut self.audio,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_not_taken_out() {
        let video = Media::from(Medium::Video);
        assert!(video.contains(Medium::Video) && !video.contains(Medium::Audio));
        assert_eq!(video.with(Medium::Audio), Media::BOTH);
        assert!(video.without(Medium::Video).is_empty());
        assert_eq!(Media::BOTH.iter().collect::<Vec<_>>(), Medium::ALL);
        assert_eq!(Medium::ALL.into_iter().collect::<Media>(), Media::BOTH);
    }
}
