// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the recorder announces, line by line, with the moment at which each line came.

use crate::support::process::{PATIENCE, Running, tied};
use crate::support::programs::sealcamctl;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

/// A running `sealcamctl status --watch --json`.
pub(crate) struct Watch {
    events: Receiver<(Instant, Value)>,
    seen: Vec<(Instant, Value)>,
    _process: Running,
}

/// A chunk as it was announced.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    /// When the announcement came.
    pub(crate) at: Instant,
    /// Number of the chunk in the session.
    pub(crate) number: u64,
    /// Media time up to which all is durable.
    pub(crate) up_to_ns: u64,
}

impl Watch {
    /// Begins to watch; nothing that is announced from now on is missed.
    pub(crate) fn start(address: &str) -> Watch {
        let mut command = tied(sealcamctl());
        command.args(["--bus", address, "--json", "status", "--watch"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, events) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
                if sender.send((Instant::now(), event)).is_err() {
                    return;
                }
            }
        });
        let mut watch = Watch { events, seen: Vec::new(), _process: Running::new(child) };
        watch.until("status", |_| true);
        watch
    }

    /// Waits for an event of this name that fits.
    pub(crate) fn until(&mut self, name: &str, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let deadline = self.events.recv_timeout(PATIENCE);
            let (at, event) = deadline.unwrap_or_else(|_| panic!("no {name} came; the last were {:?}", self.last()));
            self.seen.push((at, event.clone()));
            if event["event"] == name && fits(&event) {
                return event;
            }
        }
    }

    /// Waits until this chunk is announced.
    pub(crate) fn until_chunk(&mut self, number: u64) {
        self.until("chunk_recorded", |event| event["chunk"].as_u64().unwrap() >= number);
    }

    /// Waits until the session has ended; says why it did.
    pub(crate) fn until_ended(&mut self) -> String {
        self.until("session_ended", |_| true)["cause"].as_str().unwrap().to_owned()
    }

    /// Waits until the recorder is gone, so that nothing more can be announced.
    pub(crate) fn until_gone(&mut self) {
        self.until("recorder_gone", |_| true);
    }

    /// All chunks announced so far.
    pub(crate) fn chunks(&self) -> Vec<Chunk> {
        let recorded = self.seen.iter().filter(|(_, event)| event["event"] == "chunk_recorded");
        recorded
            .map(|(at, event)| Chunk {
                at: *at,
                number: event["chunk"].as_u64().unwrap(),
                up_to_ns: event["recorded_up_to_ns"].as_u64().unwrap(),
            })
            .collect()
    }

    fn last(&self) -> Vec<&Value> {
        self.seen.iter().rev().take(5).map(|(_, event)| event).collect()
    }
}
