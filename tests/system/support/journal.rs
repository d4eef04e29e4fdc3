// SPDX-License-Identifier: MIT OR Apache-2.0
//! The journal's end of its native protocol: a datagram socket where journald's is, on a disk that only the daemon sees.

use crate::support::bench::Bench;
use crate::support::mounts::Disk;
use crate::support::process::PATIENCE;
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Takes what is logged.
pub(crate) struct Journal {
    socket: UnixDatagram,
    _disk: Disk,
}

impl Journal {
    /// Lets the daemon of this bench log to a journal: its standard error is what systemd says goes there.
    pub(crate) fn of(bench: Bench) -> (Bench, Journal) {
        let folder = bench.path("journal");
        std::fs::create_dir(&folder).unwrap();
        let socket = UnixDatagram::bind(folder.join("socket")).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let disk = Disk::mount(Path::new("/run"), "size=1m");
        disk.bind(&folder, Path::new("/run/systemd/journal"));
        std::fs::write(bench.path("log"), "").unwrap();
        let log = std::fs::metadata(bench.path("log")).unwrap();
        let stream = PathBuf::from(format!("{}:{}", log.dev(), log.ino()));
        let bench = bench.on_disk(&disk).with_environment(vec![("JOURNAL_STREAM".into(), stream)]);
        (bench, Journal { socket, _disk: disk })
    }

    /// Waits for an entry with this field, and gives all its fields.
    pub(crate) fn until(&self, name: &str, value: &str) -> HashMap<String, String> {
        let deadline = Instant::now() + PATIENCE;
        let mut bytes = vec![0; 64 << 10];
        while Instant::now() < deadline {
            let Ok(length) = self.socket.recv(&mut bytes) else { continue };
            let entry = fields(&bytes[..length]);
            if entry.get(name).is_some_and(|found| found == value) {
                return entry;
            }
        }
        panic!("no entry with {name}={value}");
    }
}

/// `NAME=value` lines, or a name alone, then the value's length in eight bytes, the value and a line's end.
fn fields(mut entry: &[u8]) -> HashMap<String, String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut fields = HashMap::new();
    while let Some(end) = entry.iter().position(|byte| *byte == b'\n') {
        let (line, rest) = (&entry[..end], &entry[end + 1..]);
        entry = match line.iter().position(|byte| *byte == b'=') {
            Some(at) => {
                fields.insert(text(&line[..at]), text(&line[at + 1..]));
                rest
            }
            None => {
                let length = usize::try_from(u64::from_le_bytes(rest[..8].try_into().unwrap())).unwrap();
                fields.insert(text(line), text(&rest[8..8 + length]));
                &rest[8 + length + 1..]
            }
        };
    }
    fields
}
