// SPDX-License-Identifier: MIT OR Apache-2.0
//! When the frames of a file are handed on: each when it is due, or when a recording takes it.

use std::collections::VecDeque;
use std::time::Duration;

use gstreamer as gst;

use crate::event::Medium;
use crate::frame::Frame;
use crate::inlet::{Failure, Inlet};
use crate::notice::FailureKind;
use crate::replay::Player;
use crate::router::{Offer, Turn};
use crate::settings::Pace;
use crate::sync::lock;

/// Frames that may come before the first one of the other track.
const HELD_FRAMES_MAX: usize = 4096;

/// Where the frames of a file go.
#[derive(Default)]
pub(super) struct Held {
    /// What came before each track had its first frame, if the file waits to be recorded.
    things: VecDeque<Thing>,
    seen: Vec<Medium>,
    is_complete: bool,
    /// Of which recording the file's place on the time line is, and where its time 0 lies there.
    origin: Option<(u64, i64)>,
}

enum Thing {
    Frame(Medium, gst::Caps, Frame),
    End(Medium),
}

impl Player {
    pub(super) fn inlet(&self, medium: Medium) -> Option<Inlet> {
        lock(&self.inlets).iter().find(|inlet| inlet.medium() == medium).cloned()
    }

    /// Hands a frame on. Its times are the file's.
    pub(super) fn deliver(&self, medium: Medium, caps: &gst::Caps, frame: Frame) -> Result<(), gst::FlowError> {
        if self.plan.settings.is_live() {
            self.give_when_due(medium, caps, frame)
        } else if lock(&self.held).is_complete {
            self.give_in_turn(medium, caps, frame)
        } else {
            self.hold(medium, caps, frame)
        }
    }

    /// As a camera gives it: now or never.
    fn give_when_due(&self, medium: Medium, caps: &gst::CapsRef, frame: Frame) -> Result<(), gst::FlowError> {
        let now = Turn { number: 0, from_ns: self.router.time().now_ns() };
        let frame = self.place(frame, now);
        self.wait_due(frame.pts_ns);
        match self.inlet(medium) {
            _ if self.stop.is_set() => Err(gst::FlowError::Flushing),
            Some(inlet) => inlet.push(caps, frame),
            None => Ok(()),
        }
    }

    /// When a recording takes it.
    fn give_in_turn(&self, medium: Medium, caps: &gst::CapsRef, frame: Frame) -> Result<(), gst::FlowError> {
        let Some(inlet) = self.inlet(medium) else { return Ok(()) };
        loop {
            let turn = self.router.wait_turn(&self.plan.media, || self.stop.is_set());
            let turn = turn.ok_or(gst::FlowError::Flushing)?;
            let frame = self.place(frame.clone(), turn);
            if self.plan.settings.pace == Pace::Real {
                self.wait_due(frame.pts_ns);
            }
            match inlet.offer(turn, caps, frame) {
                Offer::Taken => return Ok(()),
                Offer::NotNow => {}
                Offer::Over => return Err(gst::FlowError::Eos),
            }
        }
    }

    /// The frame on the common time line. The file begins there when its first frame comes; if it waited for another
    /// recording, it goes on there when that one begins.
    fn place(&self, frame: Frame, turn: Turn) -> Frame {
        let mut held = lock(&self.held);
        let origin_ns = match held.origin {
            Some((number, origin_ns)) if number == turn.number => origin_ns,
            Some(_) => turn.from_ns - frame.pts_ns,
            None => turn.from_ns,
        };
        held.origin = Some((turn.number, origin_ns));
        frame.later_by(origin_ns)
    }

    /// Against the one clock of all sources, so lateness never adds up.
    fn wait_due(&self, pts_ns: i64) {
        let ahead_ns = pts_ns - self.router.time().now_ns();
        if let Ok(ahead_ns) = u64::try_from(ahead_ns) {
            self.stop.wait(Duration::from_nanos(ahead_ns));
        }
    }

    /// The file is up when each of its tracks has a frame; until then what comes is held.
    fn hold(&self, medium: Medium, caps: &gst::Caps, frame: Frame) -> Result<(), gst::FlowError> {
        let mut held = lock(&self.held);
        let is_first = !held.seen.contains(&medium);
        if is_first && medium == Medium::Video && !frame.key {
            return Ok(());
        }
        held.things.push_back(Thing::Frame(medium, caps.clone(), frame));
        if is_first {
            held.seen.push(medium);
        }
        held.is_complete = self.plan.media.iter().all(|medium| held.seen.contains(medium));
        let (is_complete, is_full) = (held.is_complete, held.things.len() > HELD_FRAMES_MAX);
        drop(held);
        if is_complete {
            return self.release();
        }
        if is_full {
            return Err(self.refuse_to_hold(medium));
        }
        Ok(())
    }

    /// All tracks have begun: says so, and hands on what was held.
    fn release(&self) -> Result<(), gst::FlowError> {
        let things = std::mem::take(&mut lock(&self.held).things);
        for thing in &things {
            if let Thing::Frame(medium, caps, _) = thing {
                self.inlet(*medium).iter().for_each(|inlet| inlet.show(caps));
            }
        }
        for thing in things {
            match thing {
                Thing::Frame(medium, caps, frame) => self.give_in_turn(medium, &caps, frame)?,
                Thing::End(medium) => self.end_track(medium),
            }
        }
        Ok(())
    }

    /// Whether this track has begun and waits for the other one's first frame.
    pub(super) fn is_held(&self, medium: Medium) -> bool {
        let held = lock(&self.held);
        !held.is_complete && held.seen.contains(&medium)
    }

    fn refuse_to_hold(&self, medium: Medium) -> gst::FlowError {
        let path = self.plan.path.display();
        let reason = format!("{path}: {HELD_FRAMES_MAX} {medium} frames before the other track's first");
        for inlet in lock(&self.inlets).iter() {
            inlet.fail(Failure { kind: FailureKind::Gone, reason: reason.clone(), error: None });
        }
        gst::FlowError::Error
    }

    /// This track came to its end, behind everything that is held of it.
    pub(super) fn end_track(&self, medium: Medium) {
        let mut held = lock(&self.held);
        if !self.plan.settings.is_live() && !held.is_complete {
            return held.things.push_back(Thing::End(medium));
        }
        drop(held);
        self.inlet(medium).iter().for_each(Inlet::end);
    }
}
