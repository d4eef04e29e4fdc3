// SPDX-License-Identifier: MIT OR Apache-2.0
//! What could break: a change to a recording that no verdict shows, or one shown at the wrong place; and an untouched
//! recording that is called tampered. Each case is one line: what is done, and what the verdicts must then be.

#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod folder;
mod interrupted;
mod keys;
mod lone;
mod stage;
mod untouched;
