#!/usr/bin/python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Makes evidence with interruptions, from the page alone, that agree.py can tamper with.

    sample.py FOLDER

writes FOLDER/evidence and FOLDER/keys.cbor.
"""

import os
import sys

sys.dont_write_bytecode = True

from made import Made, MadeSession  # noqa: E402


def session(made, name, segments, **start):
    """A session of some segments with two chunks each; in each segment something is interrupted."""
    one = MadeSession(made, name, pressed=made.ticks, **start)
    made.photo(f"sessions/{name}/photos/", "a.jpg", one)
    for number in range(segments):
        one.open()
        events = [{"event": "photo", "detail": "a.jpg"}, {"event": "battery", "detail": "61 discharging"}]
        one.chunk(events=events)
        one.interruption(f"{name}/{number}", known=("device", "officer")[number % 2])
        one.chunk(events=[{"event": "source-failed", "medium": "video", "detail": "the camera is gone"}])
        if number:
            one.interruption_end(f"{name}/{number}")
        one.close()
    return one


def sample():
    """Two sessions, one of which goes on with the other, with accounts of what was interrupted."""
    made = Made("sample")
    made.begin()
    one = session(made, "one", 3)
    one.finish(cause="storage-full", pressed=made.ticks)
    made.note("one/1")
    made.new_key("session-end")
    made.entry("clock-step", {"step": -1_500_000_000})
    made.photo("photos/", "b.jpg")
    two = session(made, "two", 2, continues=one.id)
    made.note("two/0", cause="weather")
    two.finish()
    made.new_key("session-end")
    made.note("one/1", cause="weather", text="it was the rain")
    made.entry("shutdown", {"reason": "off"})
    return made


def main():
    if len(sys.argv) != 2:
        print("usage: sample.py FOLDER", file=sys.stderr)
        return 2
    made = sample()
    made.write(os.path.join(sys.argv[1], "evidence"))
    with open(os.path.join(sys.argv[1], "keys.cbor"), "wb") as file:
        file.write(made.keys())
    return 0


if __name__ == "__main__":
    sys.exit(main())
