#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Measures the recorder against peers in the same run, and prints each figure beside its limit.

    make bench                                everything, about 30 minutes
    make bench BENCH="--only replay verify"   some of it
    make bench BENCH=--quick                  one round each, shorter recordings: a look, not a result

Rounds of recorder and peer alternate, so that both see the same machine; ratios are medians over the rounds.
BENCH_X264 holds the peer's x264enc settings, which must be those that the recorder uses.
Exits with 1 if a figure misses its limit or could not be measured. The figures also go to target/bench.json.
"""

import argparse
import json
import os
import random
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import evidence
from running import PROGRAMS, ROOT, BenchError, Recorder, run_to_end, wait_until

FOOTAGE = ROOT / "target" / "footage" / "1080p30-4M-600s.mp4"
FOOTAGE_FRAMES = 18_000
SEGMENT_NS = 300_000_000_000
PEER_MUXER = "muxer=mp4mux fragment-duration=500"
X264 = os.environ.get("BENCH_X264", "tune=zerolatency speed-preset=veryfast bframes=0 option-string=scenecut=0")
BITRATE_BPS = 4_000_000
FRAME_RATE = 30
RATE_HZ = 48_000
AUDIO_BUFFER_SAMPLES = 1024


@dataclass
class Figure:
    """One line of the table. `limit` is the most, or with `least` the least, that is good enough; none: only to be known."""

    name: str
    value: float | None
    limit: float | None
    unit: str = ""
    least: bool = False
    problem: str = ""

    def is_good(self):
        if self.value is None or self.limit is None:
            return self.value is not None
        return self.value >= self.limit if self.least else self.value <= self.limit

    def row(self):
        measured = "not measured" if self.value is None else f"{self.value:.3g}{self.unit}"
        limit = "" if self.limit is None else f"{'≥' if self.least else '≤'} {self.limit:g}{self.unit}"
        verdict = "ok" if self.is_good() else (self.problem or "MISSED")
        return self.name, measured, limit, verdict


# --- Peers ------------------------------------------------------------------


def gst_launch(words):
    return run_to_end(["gst-launch-1.0", "-q", *words])


def in_peer_folder(run):
    """Runs the peer in a folder of its own; checks that it really wrote fragments."""
    with tempfile.TemporaryDirectory(prefix="bench-peer.", dir=ROOT / "target") as folder:
        usage = run(folder)
        kinds = {kind for file in Path(folder).glob("*.mp4") for kind, _ in evidence.top_level_boxes(file)}
    if "moof" not in kinds:
        raise BenchError("the peer wrote no fragmented file")
    return usage


def splitmuxsink(folder):
    return ["splitmuxsink", "name=s", f"location={folder}/%02d.mp4", f"max-size-time={SEGMENT_NS}", PEER_MUXER]


def peer_replay():
    source = ["filesrc", f"location={FOOTAGE}", "!", "qtdemux", "name=d"]
    video = "d.video_0 ! h264parse ! queue ! s.video".split()
    audio = "d.audio_0 ! aacparse ! queue ! s.audio_0".split()
    return in_peer_folder(lambda folder: gst_launch([*source, *splitmuxsink(folder), *video, *audio]))


def peer_live(width, height, seconds):
    frames = seconds * FRAME_RATE
    packets = seconds * RATE_HZ // AUDIO_BUFFER_SAMPLES
    video = (
        f"videotestsrc is-live=true num-buffers={frames} ! video/x-raw,format=I420,width={width},height={height},"
        f"framerate={FRAME_RATE}/1 ! videoconvert ! "
        f"x264enc {X264} bitrate={BITRATE_BPS // 1000} key-int-max={FRAME_RATE} ! h264parse ! queue ! s.video"
    )
    audio = (
        f"audiotestsrc is-live=true num-buffers={packets} samplesperbuffer={AUDIO_BUFFER_SAMPLES} ! "
        f"audio/x-raw,rate={RATE_HZ},channels=1 ! audioconvert ! avenc_aac bitrate=96000 ! aacparse ! queue ! s.audio_0"
    )
    return in_peer_folder(
        lambda folder: gst_launch([*splitmuxsink(folder), *shlex.split(video), *shlex.split(audio)])
    )


# --- The recorder -----------------------------------------------------------


def replaying():
    source = f"replay:{FOOTAGE}"
    return Recorder(video__source=source, audio__source=source, replay__pace="fast", replay__repeat="false")


def live(width, height, prerecord_s=0):
    """Without a pre-record, which captures in standby too, unless that is what is measured."""
    return Recorder(
        recording__prerecord_s=prerecord_s,
        video__source="test:",
        audio__source="test:sine",
        audio__encoders='["avenc_aac"]',
        video__width=width,
        video__height=height,
        video__frame_rate=FRAME_RATE,
        video__bitrate_bps=BITRATE_BPS,
        video__encoders='["x264enc"]',
    )


def replay_whole_footage(recorder):
    session = recorder.record_to_the_end()
    if session["video_frames"] != FOOTAGE_FRAMES:
        raise BenchError(f"{session['video_frames']} of {FOOTAGE_FRAMES} frames were recorded")
    return session


# --- Measurements -----------------------------------------------------------


def measure_replay(options):
    """CPU against splitmuxsink, peak memory, and what the proof costs, at 1080p30."""
    ratios, peaks_mib, shares = [], [], []
    for _ in range(options.rounds):
        with replaying() as recorder:
            replay_whole_footage(recorder)
            recorder.end()
            shares.append(evidence.signed_share(recorder.evidence))
        peaks_mib.append(recorder.peak_rss_kib / 1024)
        ratios.append(recorder.usage.cpu_s / peer_replay().cpu_s)
    yield statistics.median(ratios)
    yield max(peaks_mib)
    yield max(shares) * 100


def measure_live(options):
    """CPU for each frame against splitmuxsink, with the same encoder at work in both."""
    ratios = []
    for _ in range(options.rounds):
        with live(1280, 720) as recorder:
            frames = recorder.record(options.live_s)["video_frames"]
            recorder.end()
        peer = peer_live(1280, 720, options.live_s)
        ratios.append((recorder.usage.cpu_s / frames) / (peer.cpu_s / (options.live_s * FRAME_RATE)))
    yield statistics.median(ratios)


def measure_latency(options):
    """From the last frame of a chunk to the chunk durable, and to its announcement at a D-Bus client."""
    trails_s = []
    for width, height in ((640, 360), (1280, 720)):
        with live(width, height) as recorder, recorder.watch() as watch:
            recorder.record(options.latency_s)
            trails_s += [(at - event["utc_ns"]) / 1e9 for at, event in watch.chunks()]
            recorder.end()
            latencies_ms = evidence.latencies_ms(recorder.log)
        yield statistics.median(latencies_ms)
        yield evidence.percentile(latencies_ms, 0.99)
    if not trails_s:
        raise BenchError("no chunk was announced")
    yield max(trails_s)


def verify_command(jobs, keys, files):
    return [PROGRAMS / "sealcamctl", "verify", "--jobs", jobs, "--key", keys, *files]


def measure_verify(options):
    """Against openssl's digest of the same file, by CPU time; and two jobs against one, by the clock."""
    with replaying() as recorder:
        replay_whole_footage(recorder)
        recorder.end()
        keys = Path(recorder.evidence).parent / "keys"
        recorder.export_keys(keys)
        files = evidence.segments(recorder.evidence)[:2]
        if len(files) < 2:
            raise BenchError("two segment files are needed")
        single, double = [], []
        for _ in range(options.verify_rounds):
            ours = run_to_end(verify_command(1, keys, files[:1]))
            theirs = run_to_end(["openssl", "dgst", "-sha256", files[0]])
            single.append(theirs.cpu_s / ours.cpu_s)
            one, two = (run_to_end(verify_command(jobs, keys, files)) for jobs in (1, 2))
            double.append(one.wall_s / two.wall_s)
    yield statistics.median(single)
    yield statistics.median(double)


def large_device(gigabytes):
    """A device that lost power in the last of many sessions, in memory where there is such a place."""
    memory = Path("/dev/shm")
    folder = tempfile.TemporaryDirectory(prefix="sealcam-bench.", dir=memory if memory.is_dir() else ROOT / "target")
    try:
        run_to_end([PROGRAMS / "examples" / "large", folder.name, gigabytes])
    except BaseException:
        folder.cleanup()
        raise
    return folder


def measure_recovery(options):
    """From the start of the daemon to its first answer: the index is checked, the session that was cut off is closed."""
    with large_device(options.large_gb) as device:
        with Recorder(device=device, video__source="test:", audio__source="test:") as recorder:
            recorder.end()
            cause = evidence.last_cause(recorder.evidence)
    if cause != "recovered":
        raise BenchError(f"the last session ended by {cause}")
    yield recorder.ready_s
    yield recorder.read_bytes / 1e6


def until(watch, holds, what, limit_s=30):
    """The first announcement that fits, with the UTC of its arrival."""
    found = []

    def is_there():
        found[:] = [(at, event) for at, event in list(watch.events) if holds(at, event)][:1]
        return found

    wait_until(is_there, what, limit_s, every_s=0.005)
    return found[0]


def start_once(recorder, standby_s):
    """Starts after a time in standby: seconds from the request to the state, to the first durable chunk, and until all
    that was captured before the request is durable."""
    time.sleep(standby_s)
    with recorder.watch() as watch:
        pressed_ns = time.time_ns()
        recorder.ask("start")

        def reached(kind, holds, what):
            fits = lambda at, event: at > pressed_ns and event["event"] == kind and holds(event)
            return (until(watch, fits, what)[0] - pressed_ns) / 1e9

        yield reached("changed", lambda event: event.get("state") == "recording", "the state")
        yield reached("chunk_recorded", lambda event: True, "the first chunk")
        yield reached("chunk_recorded", lambda event: event["utc_ns"] >= pressed_ns, "the end of the pre-record")
    recorder.stop()


def measure_start(options):
    """From the request to record, as a D-Bus client sees it, with what standby holds of the time before."""
    with live(1280, 720) as recorder:
        cold = [list(start_once(recorder, 1)) for _ in range(options.rounds)]
    with live(1280, 720, prerecord_s=30) as recorder:
        warm = [list(start_once(recorder, options.standby_s)) for _ in range(options.rounds)]
    yield max(first_chunk for _, first_chunk, _ in cold)
    yield from (max(figures) for figures in zip(*warm))


def kill_once(recorder, chance):
    """Kills the recorder while it records, and starts it again: how much of what was captured by then is not there, and
    how long it takes until something of the next session is. All is there that was announced."""
    with recorder.watch() as watch:
        until(watch, lambda at, event: event["event"] == "chunk_recorded", "a chunk")
        time.sleep(chance.uniform(0, 1.5))
        killed_ns = recorder.kill()
        wait_until(lambda: any(event["event"] == "recorder_gone" for _, event in list(watch.events)), "the end")
        announced = watch.chunks()[-1][1]
        recorder.start_again()
        is_next = lambda at, event: event["event"] == "chunk_recorded" and event["session"] != announced["session"]
        again_s = (until(watch, is_next, "a chunk of the next session")[0] - killed_ns) / 1e9
    session = next(s for s in recorder.ask("sessions")["sessions"] if s["id"] == announced["session"])
    zero_ns = recorder.ask("timeline", session["id"])["zero_utc_ns"]
    if session["chunks"] <= announced["chunk"]:
        raise BenchError(f"chunk {announced['chunk']} of {session['id']} was announced and is lost")
    return (killed_ns - zero_ns - session["duration_ns"]) / 1e9, again_s


def measure_kills(options):
    """Killed at random moments, again and again; it goes on by itself each time."""
    chance = random.Random(options.kills)
    with live(640, 360, prerecord_s=2) as recorder:
        recorder.ask("start")
        lost_s, again_s = zip(*(kill_once(recorder, chance) for _ in range(options.kills)))
        recorder.stop()
        recorder.end()
        files = evidence.segments(recorder.evidence)
        unplayable = [file for file in files if not evidence.plays(file)]
        keys = Path(recorder.evidence).parent / "keys"
        recorder.export_keys(keys)
        verify = [PROGRAMS / "sealcamctl", "verify", "--key", keys, recorder.evidence]
        verified = subprocess.run(verify, stdout=subprocess.DEVNULL, check=False).returncode
    yield statistics.median(lost_s)
    yield max(lost_s)
    yield max(again_s)
    yield len(unplayable)
    yield 0 if verified in (0, 3) else 1


def measure_simulation(options):
    """The state machine through days of faults and power cuts; a violation ends it."""
    command = [PROGRAMS / "simulator", "--seeds", f"0..{options.days}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise BenchError(result.stdout.splitlines()[-2])
    number = lambda label: float(re.search(rf"^{label} +([\d.]+)", result.stdout, re.MULTILINE).group(1))
    yield number("cuts") / 1e6
    yield float(re.search(r"lost by a cut +median (\d+)", result.stdout).group(1))
    yield number("  nothing held back")
    yield number("speed")


MEASUREMENTS = {
    "replay": (
        measure_replay,
        [
            Figure("CPU, 600 s of 1080p30 replayed, against GStreamer's own splitmuxsink", None, 1.10, " ×"),
            Figure("peak memory, the same", None, 64, " MiB"),
            Figure("signed records and ledger, share of the bytes", None, 0.5, " %"),
        ],
    ),
    "live": (
        measure_live,
        [Figure("CPU, live x264 720p30, against the same", None, 1.03, " ×")],
    ),
    "latency": (
        measure_latency,
        [
            Figure("last frame to durable, 360p, median", None, 120, " ms"),
            Figure("last frame to durable, 360p, p99", None, 300, " ms"),
            Figure("last frame to durable, 720p, median", None, 120, " ms"),
            Figure("last frame to durable, 720p, p99", None, 300, " ms"),
            Figure("announced behind the last instant of a chunk, worst", None, 1, " s"),
        ],
    ),
    "verify": (
        measure_verify,
        [
            Figure("verification speed, one job, to openssl sha256", None, 0.8, " ×", least=True),
            Figure("verification speed, two jobs to one", None, 1.5, " ×", least=True),
        ],
    ),
    "recovery": (
        measure_recovery,
        [
            Figure("start on 64 GB whose last session was cut off, to ready", None, 10, " s"),
            Figure("read at that start, a segment of 150 MB among it", None, 500, " MB"),
        ],
    ),
    "start": (
        measure_start,
        [
            Figure("request to the first durable chunk, 720p, camera closed, worst", None, 0.8, " s"),
            Figure("the same with a pre-record: to the state recording, worst", None, 0.2, " s"),
            Figure("to the first durable chunk, worst", None, 0.8, " s"),
            Figure("to all of 30 s of pre-record durable, worst", None, None, " s"),
        ],
    ),
    "kills": (
        measure_kills,
        [
            Figure("lost by SIGKILL while recording, median", None, 0.6, " s"),
            Figure("lost by SIGKILL while recording, worst", None, 1, " s"),
            # The unit waits 0.25 s of the 3 s.
            Figure("from SIGKILL to a durable chunk of the next session, started at once, worst", None, 2.75, " s"),
            Figure("files that do not play after that", None, 0),
            Figure("problems that verification finds in them", None, 0),
        ],
    ),
    "simulation": (
        measure_simulation,
        [
            Figure("simulated cuts without a violation", None, 1, " million", least=True),
            Figure("lost by a simulated cut, median", None, 600, " ms"),
            Figure("lost by a simulated cut where no write stands still, worst", None, 1000, " ms"),
            Figure("simulated days a second of one core", None, 1, "", least=True),
        ],
    ),
}


def measure(name, options):
    """Fills in the figures of one measurement, as far as it comes."""
    run, figures = MEASUREMENTS[name]
    print(f"measuring {name} ...", file=sys.stderr)
    try:
        for figure, value in zip(figures, run(options)):
            figure.value = value
    except (BenchError, OSError, KeyError, ValueError, subprocess.SubprocessError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        for figure in figures:
            figure.problem = figure.problem or ("" if figure.value is not None else f"failed: {error}")
    return figures


def print_table(figures):
    rows = [("figure", "measured", "limit", "")] + [figure.row() for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for name, measured, limit, verdict in rows:
        print(f"{name:<{widths[0]}}  {measured:>{widths[1]}}  {limit:>{widths[2]}}  {verdict}")


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=MEASUREMENTS, default=list(MEASUREMENTS))
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    options.rounds = 1 if options.quick else 3
    # Long enough that the start of either process counts for little.
    options.live_s = 10 if options.quick else 60
    options.latency_s = 10 if options.quick else 30
    options.verify_rounds = 3 if options.quick else 7
    options.large_gb = 4 if options.quick else 64
    options.standby_s = 5 if options.quick else 32
    options.kills = 10 if options.quick else 200
    options.days = 20 if options.quick else 1000
    return options


def main():
    options = read_options()
    for program in ("gst-launch-1.0", "gst-inspect-1.0", "dbus-daemon", "openssl"):
        if not shutil.which(program):
            sys.exit(f"bench: {program} is missing: run `make bench`, which installs it")
    # Fills GStreamer's registry, so that no measured process has to.
    subprocess.run(["gst-inspect-1.0", "x264enc"], stdout=subprocess.DEVNULL, check=True)
    figures = [figure for name in options.only for figure in measure(name, options)]
    print_table(figures)
    (ROOT / "target" / "bench.json").write_text(json.dumps([asdict(figure) for figure in figures], indent=1))
    return 0 if all(figure.is_good() for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
