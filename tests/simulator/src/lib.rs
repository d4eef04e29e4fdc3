// SPDX-License-Identifier: MIT OR Apache-2.0
//! The recorder's state machine in a simulated world: devices, storage, power, clock and an officer, all by chance, and the
//! chance by a seed. What must hold is checked at every step.
//!
//! The machine is the real one. The world around it is a model of what `docs/design/continuity.md` and
//! `docs/design/storage.md` promise of the other parts: how the media side cuts fragments, how the writer makes them durable,
//! what a power cut leaves. Whether these parts keep their promises is for their own tests to show.

mod agenda;
mod bug;
mod buttons;
mod capture;
mod daemon;
mod devices;
mod disk;
mod log;
mod mishaps;
mod plan;
mod power;
mod random;
mod report;
mod source;
mod storing;
mod watch;
mod world;
mod writer;

pub use bug::Bug;
pub use report::Report;
pub use watch::{Invariant, Losses, Violation, Worst};
pub use world::{Outcome, Run};
