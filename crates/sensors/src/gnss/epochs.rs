// SPDX-License-Identifier: MIT OR Apache-2.0
//! Puts sentences together that speak of the same moment.
//!
//! An epoch begins with the first sentence behind the one before, and ends when a sentence comes with another time of the day;
//! or, as a receiver may have no time or say the same one forever, when one that it has already comes again: of the same kind
//! by the same talker. Sentences without a time (GSA, GSV, VTG) belong to the epoch that is open.
//!
//! **What the sentences of an epoch contradict each other in:** it has no fix if only one of them says so, as receivers mark
//! with that what they would not have used. Else what is estimated, entered or simulated is so if only one says it. Else GGA
//! is believed before GNS, RMC and the others; likewise in the position, of which it has the most digits. The date of ZDA, with
//! its four digits, goes before that of RMC.

use super::date::{Date, TimeOfDay};
use super::fix::{Fix, Quality};
use super::satellites::SatelliteSet;
use super::sentence::{Content, Kind, Sentence};

/// No receiver sends more for one epoch; one that says no time and nothing twice would never end it.
const EPOCH_SENTENCES_MAX: u16 = 256;

/// What a receiver said of one moment, and where in the stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Where its first byte lies in the stream, counted from 0.
    pub first_byte: u64,
    /// How many sentences it was said in.
    pub sentences: u16,
    /// What was said.
    pub fix: Fix,
}

/// The epoch that is open, and what must be known of the one before.
pub(super) struct Epochs {
    reference: Date,
    open: Option<Open>,
    /// An epoch that was told before its end was seen: what still comes of it is late.
    told: Option<(TimeOfDay, Seen)>,
}

/// The epoch of a sentence was told already.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Late;

impl Epochs {
    pub(super) fn new(reference: Date) -> Self {
        Self { reference, open: None, told: None }
    }

    /// Adds a sentence, and gives the epoch that it ended, if any.
    pub(super) fn add(&mut self, sentence: &Sentence, first_byte: u64) -> Result<Option<Epoch>, Late> {
        if self.is_late(sentence) {
            return Err(Late);
        }
        let ended = self.open.take_if(|open| open.is_ended_by(sentence));
        self.open.get_or_insert_with(|| Open::new(first_byte)).add(sentence);
        Ok(ended.map(|open| open.finish(self.reference)))
    }

    fn is_late(&mut self, sentence: &Sentence) -> bool {
        let (Some(time), Some((told, seen))) = (sentence.content.time, &mut self.told) else { return false };
        let is_late = time == *told && !seen.has(sentence);
        seen.note(sentence);
        if !is_late {
            self.told = None;
        }
        is_late
    }

    /// Ends the epoch that is open, if there is one.
    pub(super) fn flush(&mut self) -> Option<Epoch> {
        let open = self.open.take()?;
        self.told = open.time.map(|time| (time, open.seen));
        Some(open.finish(self.reference))
    }

    /// Ends the epoch that is open, if there is one; what comes then is of another receiver, for all that is known.
    pub(super) fn cut(&mut self) -> Option<Epoch> {
        let ended = self.flush();
        self.told = None;
        ended
    }

    /// Where the epoch that is open begins.
    pub(super) fn first_byte(&self) -> Option<u64> {
        self.open.as_ref().map(|open| open.first_byte)
    }
}

/// Which sentences with a time have come, by kind and talker.
#[derive(Clone, Copy, Default)]
struct Seen {
    bits: u32,
}

impl Seen {
    /// GNS may come once for each constellation, also under one talker: that one comes again means nothing.
    fn bit(sentence: &Sentence) -> u32 {
        match sentence.kind {
            Kind::Gga | Kind::Rmc | Kind::Gll | Kind::Zda => {
                1 << (sentence.kind as u32 * 8 + u32::from(sentence.talker.index))
            }
            _ => 0,
        }
    }

    fn has(self, sentence: &Sentence) -> bool {
        self.bits & Self::bit(sentence) != 0
    }

    fn note(&mut self, sentence: &Sentence) {
        self.bits |= Self::bit(sentence);
    }
}

/// An epoch of which more may come.
struct Open {
    first_byte: u64,
    sentences: u16,
    time: Option<TimeOfDay>,
    seen: Seen,
    fix: Fix,
    /// What the fix says is of a sentence with this weight.
    quality_weight: Option<(u8, u8)>,
    position_weight: u8,
    date_is_whole: bool,
    used: Option<SatelliteSet>,
    in_view: Option<SatelliteSet>,
}

impl Open {
    fn new(first_byte: u64) -> Self {
        Self {
            first_byte,
            sentences: 0,
            time: None,
            seen: Seen::default(),
            fix: Fix::NOTHING,
            quality_weight: None,
            position_weight: 0,
            date_is_whole: false,
            used: None,
            in_view: None,
        }
    }

    fn is_ended_by(&self, sentence: &Sentence) -> bool {
        let is_other_time = self.time.is_some_and(|own| sentence.content.time.is_some_and(|time| time != own));
        is_other_time || self.seen.has(sentence) || self.sentences >= EPOCH_SENTENCES_MAX
    }

    fn add(&mut self, sentence: &Sentence) {
        let (kind, content) = (sentence.kind, &sentence.content);
        self.sentences += 1;
        self.seen.note(sentence);
        self.time = self.time.or(content.time);
        self.add_quality(kind, content.quality);
        self.add_position(kind, content);
        self.add_date(kind, content.date);
        self.add_satellites(content);
        self.add_numbers(content);
    }

    fn add_quality(&mut self, kind: Kind, quality: Option<Quality>) {
        let Some(quality) = quality else { return };
        let weight = Some((doubt(quality), weight(kind)));
        if weight > self.quality_weight {
            (self.fix.quality, self.quality_weight) = (quality, weight);
        }
    }

    fn add_position(&mut self, kind: Kind, content: &Content) {
        if content.position.is_some() && weight(kind) >= self.position_weight {
            (self.fix.position, self.position_weight) = (content.position, weight(kind));
        }
    }

    fn add_date(&mut self, kind: Kind, date: Option<Date>) {
        if date.is_some() && !self.date_is_whole {
            (self.fix.date, self.date_is_whole) = (date, kind == Kind::Zda);
        }
    }

    fn add_satellites(&mut self, content: &Content) {
        for (own, others) in [(&mut self.used, &content.used), (&mut self.in_view, &content.in_view)] {
            if let Some(others) = others {
                own.get_or_insert_default().add(others);
            }
        }
    }

    fn add_numbers(&mut self, content: &Content) {
        let fix = &mut self.fix;
        // A constellation that is not used may have a GSA of its own that says no fix.
        fix.dimension = fix.dimension.max(content.dimension);
        set(&mut fix.altitude_m, content.altitude_m);
        set(&mut fix.geoid_separation_m, content.geoid_separation_m);
        set(&mut fix.speed_mps, content.speed_mps);
        set(&mut fix.course_deg, content.course_deg);
        set(&mut fix.pdop, content.pdop);
        set(&mut fix.hdop, content.hdop);
        set(&mut fix.vdop, content.vdop);
        set(&mut fix.correction_age_s, content.correction_age_s);
        set(&mut fix.used_count, content.used_count);
    }

    fn finish(self, reference: Date) -> Epoch {
        let mut fix = self.fix;
        fix.time = self.time;
        fix.used = self.used.map(|set| set.count());
        fix.in_view = self.in_view.map(|set| set.count());
        fix.weeks_early = fix.date.and_then(|date| date.weeks_early(reference));
        if !fix.is_fix() {
            (fix.position, fix.altitude_m, fix.speed_mps, fix.course_deg) = (None, None, None, None);
        }
        Epoch { first_byte: self.first_byte, sentences: self.sentences, fix }
    }
}

fn set<T: Copy>(own: &mut Option<T>, said: Option<T>) {
    *own = said.or(*own);
}

/// How much a quality is to be doubted: whoever doubts most is believed.
fn doubt(quality: Quality) -> u8 {
    match quality {
        Quality::NoFix => 4,
        Quality::Simulated => 3,
        Quality::Manual => 2,
        Quality::Estimated => 1,
        _ => 0,
    }
}

fn weight(kind: Kind) -> u8 {
    match kind {
        Kind::Gga => 3,
        Kind::Gns => 2,
        Kind::Rmc => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
