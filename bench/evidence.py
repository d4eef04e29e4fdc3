# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reads what a run left on disk: boxes of the segment files, and the log."""

import re
import sqlite3
import struct
import subprocess
from contextlib import closing
from pathlib import Path

from running import BenchError


def segments(folder):
    """The segment files of the evidence folder, in order of their names."""
    found = sorted(Path(folder).rglob("*.mp4"))
    if not found:
        raise BenchError("no segment file was written")
    return found


def top_level_boxes(file):
    """(type, length) of each top-level box."""
    size, offset = file.stat().st_size, 0
    with open(file, "rb") as stream:
        while offset < size:
            stream.seek(offset)
            length, kind = struct.unpack(">I4s", stream.read(8))
            if length == 1:
                length = struct.unpack(">Q", stream.read(8))[0]
            if length < 8 or offset + length > size:
                raise BenchError(f"{file.name}: no whole box at {offset}")
            yield kind.decode("latin-1"), length
            offset += length


def signed_share(folder):
    """Bytes of the signed records, and of the ledger, for each byte that is stored."""
    records = total = 0
    for file in segments(folder):
        total += file.stat().st_size
        records += sum(length for kind, length in top_level_boxes(file) if kind == "uuid")
    ledgers = sum(file.stat().st_size for file in Path(folder).glob("ledger*"))
    return (records + ledgers) / (total + ledgers)


def plays(file):
    """Whether a player decodes it without a word."""
    command = ["ffmpeg", "-v", "error", "-xerror", "-i", file, "-f", "null", "-"]
    result = subprocess.run(command, capture_output=True, check=False)
    return result.returncode == 0 and not result.stderr


def last_cause(folder):
    """Why the last session ended, by the index."""
    with closing(sqlite3.connect(Path(folder) / "index.sqlite")) as index:
        return index.execute("SELECT cause FROM sessions ORDER BY started_utc_ns DESC LIMIT 1").fetchone()[0]


def latencies_ms(log):
    """Last frame captured to chunk durable, signed and indexed, as the daemon logged it: one figure a chunk."""
    found = re.findall(r"last_frame_boot_ns=(\d+) durable_boot_ns=(\d+)", Path(log).read_text(errors="replace"))
    if not found:
        raise BenchError("the daemon logged no durable chunk")
    return [(int(durable) - int(last_frame)) / 1e6 for last_frame, durable in found]


def percentile(values, share):
    """The value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
