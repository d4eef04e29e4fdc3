// SPDX-License-Identifier: MIT OR Apache-2.0
//! A device and what the daemon has open of it. Frames are not counted one by one: a source gives, or it does not, and what
//! it gave is a stretch of time.

/// A camera or a microphone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source {
    /// It is not there.
    pub(crate) is_unplugged: bool,
    /// It gives nothing, and no error.
    pub(crate) is_silent: bool,
    /// It will give nothing when it is opened the next time.
    pub(crate) is_born_broken: bool,
    /// It will take long to give when it is opened the next time.
    pub(crate) is_sluggish: bool,
    /// It gives half its frames.
    pub(crate) is_half_rate: bool,
    /// How often it was opened; what comes late of an earlier opening is of no account.
    pub(crate) opening: u32,
    /// The daemon has it open.
    pub(crate) is_open: bool,
    /// This opening has not come back yet.
    pub(crate) is_hanging: bool,
    /// This opening gives nothing, whatever the device does now.
    pub(crate) is_mute: bool,
    /// This opening has given its first frame.
    pub(crate) has_given: bool,
    /// This opening came to its end.
    pub(crate) has_ended: bool,
    /// It has been giving since then without a pause.
    pub(crate) giving_since_ns: Option<u64>,
    /// Its last frame ended then; while it gives, it goes on.
    pub(crate) last_ns: u64,
    /// The daemon was told of half the frames.
    pub(crate) is_rate_told: bool,
    /// Nothing hinders it since then.
    pub(crate) well_since_ns: u64,
}

impl Source {
    pub(crate) fn gives(&self) -> bool {
        self.giving_since_ns.is_some()
    }

    /// Whether the device would give if it were opened now.
    pub(crate) fn is_well(&self) -> bool {
        !self.is_unplugged && !self.is_silent && !self.is_born_broken && !self.is_sluggish
    }

    pub(crate) fn open(&mut self) {
        self.opening += 1;
        (self.is_open, self.is_hanging) = (true, true);
        self.is_mute = self.is_born_broken;
        (self.has_given, self.has_ended, self.is_rate_told) = (false, false, false);
    }

    /// Takes up giving. False if it does already, or cannot.
    pub(crate) fn give(&mut self, now_ns: u64) -> bool {
        let is_able = !self.is_unplugged && !self.is_silent && !self.is_mute;
        let begins = self.is_open && !self.is_hanging && !self.has_ended && is_able && !self.gives();
        if begins {
            self.giving_since_ns = Some(now_ns);
        }
        begins
    }

    /// Gives no more. False if it did not.
    pub(crate) fn pause(&mut self, now_ns: u64) -> bool {
        let did = self.giving_since_ns.take().is_some();
        if did {
            self.last_ns = now_ns;
        }
        did
    }

    /// The daemon has nothing open of it any more.
    pub(crate) fn close(&mut self, now_ns: u64) {
        self.is_open = false;
        self.pause(now_ns);
    }
}
