// SPDX-License-Identifier: MIT OR Apache-2.0
//! The officer: begins recordings, stops them, and presses the wrong button now and then.

use crate::world::{Event, World};
use recorder::{Input, Media, Medium, State};

impl World {
    pub(crate) fn press(&mut self) {
        let after_ns = self.random.around(self.plan.press_ns());
        self.put(after_ns, Event::Press);
        if self.boot.is_up {
            self.press_what(self.boot.recorder.state());
        }
    }

    fn press_what(&mut self, state: State) {
        let dice = self.random.below(100);
        match (state, dice) {
            (State::Starting | State::Standby | State::Faulted(_) | State::Down, 0..90) => self.press_start(),
            (State::Recording | State::Degraded | State::Interrupted, 0..30) | (_, 0..10) => self.press_stop(),
            (_, 10..15) => self.press_start(),
            _ => {}
        }
    }

    fn press_start(&mut self) {
        let media = match self.random.below(10) {
            0 => Media::from(Medium::Video),
            1 => Media::from(Medium::Audio),
            2 if self.random.percent(5) => Media::NONE,
            _ => Media::BOTH,
        };
        self.tell(Input::Start { media });
    }

    fn press_stop(&mut self) {
        self.tell(Input::Stop);
        if self.random.percent(20) {
            self.tell(Input::Stop);
        }
    }
}
