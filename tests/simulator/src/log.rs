// SPDX-License-Identifier: MIT OR Apache-2.0
//! What happened, line by line, for those who look for the reason. Off while seeds are only run.

use crate::plan::{DAY, HOUR, MINUTE, MS, SECOND};
use std::collections::VecDeque;

/// How many of the last lines are kept for the report of a failure.
const TAIL_LINES: usize = 120;

/// Where lines go.
pub(crate) enum Log {
    /// Nowhere.
    Off,
    /// To the standard output.
    Print,
    /// The last ones are kept.
    Tail(VecDeque<String>),
}

impl Log {
    pub(crate) fn tail() -> Log {
        Log::Tail(VecDeque::new())
    }

    /// Writes a line; it is not made where nobody reads it.
    pub(crate) fn say(&mut self, now_ns: u64, line: impl FnOnce() -> String) {
        match self {
            Log::Off => {}
            Log::Print => println!("{} {}", moment(now_ns), line()),
            Log::Tail(lines) => {
                if lines.len() == TAIL_LINES {
                    lines.pop_front();
                }
                lines.push_back(format!("{} {}", moment(now_ns), line()));
            }
        }
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        match self {
            Log::Tail(lines) => lines.into(),
            Log::Off | Log::Print => Vec::new(),
        }
    }
}

/// Day, hour, minute, second, millisecond and nanosecond.
pub(crate) fn moment(ns: u64) -> String {
    let (day, hour, minute) = (ns / DAY, ns % DAY / HOUR, ns % HOUR / MINUTE);
    let (second, ms, rest) = (ns % MINUTE / SECOND, ns % SECOND / MS, ns % MS);
    format!("{day}d {hour:02}:{minute:02}:{second:02}.{ms:03}_{rest:06}")
}
