// SPDX-License-Identifier: MIT OR Apache-2.0
//! The recorder as a whole: the real daemon on a private bus, the real command line, real footage, and other people's
//! programs (ffmpeg, GStreamer, Chromium) looking at what came of it. Nothing in here links to the recorder's crates.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

mod clocks;
mod continuity;
mod errors;
mod json;
mod life;
mod live;
mod playback;
mod record_command;
mod replay;
mod second_storage;
mod service;
mod silence;
mod soak;
mod sound;
mod storage;
mod verifier;
