// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the machine does, told as a person would tell it: at this moment this is said to it, and this it answers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bench;
mod conditions;
mod diagram;
mod interruptions;
mod properties;
mod recording;
mod sources;
mod storage;
mod words;
