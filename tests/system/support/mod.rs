// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the tests stand on. Nothing here knows what a test is about.

pub(crate) mod bench;
pub(crate) mod bus;
pub(crate) mod footage;
pub(crate) mod journal;
pub(crate) mod json_page;
pub(crate) mod mounts;
pub(crate) mod mp4;
pub(crate) mod nobody;
pub(crate) mod probe;
pub(crate) mod process;
pub(crate) mod programs;
pub(crate) mod watch;
