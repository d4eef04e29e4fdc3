# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs what is measured: the daemon on a private bus, and its peers. Knows no figure and no limit."""

import json
import os
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
READY_LIMIT_S = 20
ANSWER_LIMIT_S = 60

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow own_prefix="org.sealcam"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
"""


class BenchError(Exception):
    """A measurement that could not be made, and why."""


@dataclass
class Usage:
    """What a process cost."""

    cpu_s: float
    wall_s: float
    status: int


def run_to_end(command, limit_s=900):
    """Runs a command and says what it cost, its own threads and children included."""
    begin = time.monotonic()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    watchdog = threading.Timer(limit_s, process.kill)
    watchdog.start()
    words = process.stderr.read().decode(errors="replace")
    usage = reap(process, begin)
    watchdog.cancel()
    if usage.status != 0:
        raise BenchError(f"{command[0]} ended with {usage.status}: {last_line(words)}")
    return usage


def reap(process, begin):
    """Waits for the process's end."""
    _, status, resources = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Usage(resources.ru_utime + resources.ru_stime, time.monotonic() - begin, process.returncode)


def last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no words"


def wait_until(holds, what, limit_s=READY_LIMIT_S, every_s=0.05):
    """Waits until `holds()`; fails at the limit."""
    deadline = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > deadline:
            raise BenchError(f"{what}: not within {limit_s} s")
        time.sleep(every_s)


class Recorder:
    """The daemon on its own bus, from `with` to its end; then `usage` and `peak_rss_kib` hold. With `device` it begins with
    what is in that folder: `evidence` and `state`, of which nothing is in memory."""

    def __init__(self, device=None, **settings):
        self.device = device
        self.settings = {key.replace("__", "."): value for key, value in settings.items()}
        self.ready_s = None
        self.read_bytes = None
        self.usage = None
        self.peak_rss_kib = None

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="sealcam-bench.", dir=ROOT / "target")
        folder = Path(self._folder.name)
        self.evidence, self.state, self.log = folder / "evidence", folder / "state", folder / "log"
        self.address = f"unix:path={folder}/bus"
        try:
            if self.device:
                copy_with_holes(self.device, folder)
            self._start_bus(folder)
            self._start_daemon()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_):
        self.end()
        if getattr(self, "_bus", None):
            self._bus.terminate()
            self._bus.wait()
        self._folder.cleanup()

    def _start_bus(self, folder):
        config = folder / "bus.conf"
        config.write_text(BUS_CONFIG.format(socket=folder / "bus"))
        self._bus = subprocess.Popen(
            ["dbus-daemon", f"--config-file={config}", "--nofork", "--nosyslog"], stderr=subprocess.DEVNULL
        )
        wait_until((folder / "bus").is_socket, "the private bus")

    def _start_daemon(self):
        settings = {"evidence.folder": self.evidence, "evidence.state": self.state, **self.settings}
        words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
        environment = {k: v for k, v in os.environ.items() if k not in ("JOURNAL_STREAM", "NOTIFY_SOCKET")}
        environment["SEALCAM_LOG"] = "info,sealcam::latency=debug"
        self._begin = time.monotonic()
        with open(self.log, "ab") as log:
            self._daemon = subprocess.Popen(
                [PROGRAMS / "sealcamd", "--bus", self.address, *words], stdout=log, stderr=log, env=environment
            )
        wait_until(self._is_ready, "the daemon")
        self.ready_s = time.monotonic() - self._begin
        self.read_bytes = read_bytes(self._daemon.pid)

    def _is_ready(self):
        self._check_alive()
        answer = self._run("status", check=False)
        return answer.returncode == 0 and json.loads(answer.stdout)["state"] != "starting"

    def _check_alive(self):
        if not Path(f"/proc/{self._daemon.pid}/status").read_text().split("State:\t")[1].startswith("Z"):
            return
        raise BenchError(f"sealcamd ended: {last_line(self.log.read_text(errors='replace'))}")

    def _run(self, *words, check=True):
        command = [str(word) for word in (PROGRAMS / "sealcamctl", "--bus", self.address, "--json", *words)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_LIMIT_S, check=False)
        if check and result.returncode != 0:
            raise BenchError(f"sealcamctl {words[0]}: {last_line(result.stdout + result.stderr)}")
        return result

    def ask(self, *words):
        """Runs sealcamctl; its JSON answer."""
        return json.loads(self._run(*words).stdout)

    def watch(self):
        """Begins to note what the daemon announces."""
        return Watch(self.address)

    def record(self, seconds):
        """Records for a time; the session as it then is."""
        self.ask("start")
        time.sleep(seconds)
        return self.stop()

    def record_to_the_end(self, limit_s=600):
        """Records until the footage is at its end; the session as it then is."""
        with self.watch() as watch:
            self.ask("start")
            deadline = time.monotonic() + limit_s
            while not watch.is_over() and time.monotonic() < deadline:
                self._check_alive()
                time.sleep(0.1)
        return self.stop()

    def stop(self):
        """Stops, if there is something to stop; the last session."""
        self._run("stop", check=False)
        return self.ask("show", "last")

    def export_keys(self, file):
        self._run("key", "export", file, "--evidence", self.evidence)

    def kill(self):
        """Kills the daemon, as if it had crashed; UTC of that moment."""
        self._daemon.kill()
        killed_ns = time.time_ns()
        self._daemon.wait()
        return killed_ns

    def start_again(self):
        """Starts the daemon once more, on what there is."""
        self._start_daemon()

    def end(self):
        """Ends the daemon; the evidence stays until the `with` is left."""
        daemon, self._daemon = getattr(self, "_daemon", None), None
        if daemon is None:
            return
        self.peak_rss_kib = peak_rss_kib(daemon.pid)
        daemon.terminate()
        watchdog = threading.Timer(READY_LIMIT_S, daemon.kill)
        watchdog.start()
        self.usage = reap(daemon, self._begin)
        watchdog.cancel()


def copy_with_holes(source, target):
    """Copies what is in a folder, with its holes, and sees that nothing of it stays in memory."""
    words = ["cp", "--archive", "--sparse=always", f"{source}/.", str(target)]
    if run_to_end(words).status == 0:
        os.sync()
    for file in Path(target).rglob("*"):
        if file.is_file():
            with open(file, "rb") as stream:
                os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_bytes(pid):
    """How much the process has read so far, from wherever it came."""
    counters = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
    return int(counters["rchar"])


def peak_rss_kib(pid):
    """The process's own peak: unlike ru_maxrss it knows nothing of who started it."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return None


class Watch:
    """What `sealcamctl status --watch` tells, each event with the UTC of its arrival."""

    # Footage that gives nothing for so long is at its end.
    QUIET_LIMIT_S = 5

    def __init__(self, address):
        self.events = []
        command = [PROGRAMS / "sealcamctl", "--bus", address, "--json", "status", "--watch"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._last = time.monotonic()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self.events.append((time.time_ns(), json.loads(line)))
            self._last = time.monotonic()

    def chunks(self):
        return [(at, event) for at, event in list(self.events) if event.get("event") == "chunk_recorded"]

    def is_over(self):
        ended = any(event.get("event") == "session_ended" for _, event in list(self.events))
        return ended or (self.chunks() and time.monotonic() - self._last > self.QUIET_LIMIT_S)

    def __enter__(self):
        wait_until(lambda: self.events, "sealcamctl status --watch")
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()
        self._reader.join()
