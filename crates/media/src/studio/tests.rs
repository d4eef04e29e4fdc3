// SPDX-License-Identifier: MIT OR Apache-2.0
//! The studio with real live pipelines that are made to fail.

mod returns;
mod ring;
mod times;
