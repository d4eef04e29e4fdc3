// SPDX-License-Identifier: MIT OR Apache-2.0
//! What cameras and microphones this machine has.
//!
//! Must not know capture: lists, checks, and never fails as a whole because of one device.

pub(crate) mod cameras;
pub(crate) mod microphones;
