#!/usr/bin/python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Verifies Sealcam evidence. Written from docs/format.md alone; see README.md."""

import argparse
import json
import sys

sys.dont_write_bytecode = True

from folder import verify  # noqa: E402
from ledger import History  # noqa: E402
from segment import open_regular  # noqa: E402

# Of several paths, the worst counts.
SEVERITY = (0, 3, 7, 6, 4, 5, 1)


def clean(text):
    """Text that cannot steer a terminal."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in str(text))


def moment(time):
    """A media time in seconds."""
    return "?" if time is None else f"{time // 10**9}.{time % 10**9:09}"


def missing(counted):
    """What is said beside the verdict of gaps that are missing; nothing if none is."""
    if not counted["gaps"]:
        return ""
    video, audio = (moment(counted[name]) for name in ("video_ns", "audio_ns"))
    return f"; gaps that nothing on record explains: {counted['gaps']}, video {video} s, audio {audio} s"


def show(report):
    print(f"{clean(report.path)}: {report.scope}")
    for name, letters in report.verdicts.items():
        print(f"  {clean(name)}")
        for at in range(0, len(letters), 100):
            print(f"    {letters[at : at + 100]}")
    for finding in report.findings:
        chunk = "" if finding["chunk"] is None else f", chunk {finding['chunk']}"
        print(f"  {finding['problem']}: {clean(finding['path'] or '-')}{chunk}: {clean(finding['detail'])}")
    for medium, begin, end, cause, recorded in report.gaps:
        kind = "recorded gap" if recorded else "missing"
        print(f"  {kind}: {medium or 'recording'}, {moment(begin)} to {moment(end)}: {clean(cause)}")
    if report.left_out:
        print(f"  and {report.left_out} more")
    print(f"  verdict: {report.overall}{missing(report.missing)}")
    print(f"  keys: {report.trust.answer}")


def as_json(report):
    return {
        "path": clean(report.path),
        "scope": report.scope,
        "overall": report.overall,
        "trust": report.trust.answer,
        "verdicts": {clean(name): letters for name, letters in report.verdicts.items()},
        "findings": [
            {**finding, "path": finding["path"] and clean(finding["path"]), "detail": clean(finding["detail"])}
            for finding in report.findings
        ],
        "gaps": [
            {"medium": medium, "from_ns": begin, "to_ns": end, "recorded": recorded, "cause": clean(cause)}
            for medium, begin, end, cause, recorded in report.gaps
        ],
        "missing": report.missing,
    }


def load_history(path):
    """The key history in a file. OSError or ValueError if there is none in it."""
    with open_regular(path) as file:
        return History(file)


def main():
    parser = argparse.ArgumentParser(description="Verifies Sealcam evidence: a segment, a photo, a session or all.")
    parser.add_argument("path", nargs="+", metavar="PATH")
    parser.add_argument("--key", metavar="FILE", help="the key history of the device")
    parser.add_argument("--json", action="store_true", help="one JSON object a path, one a line")
    options = parser.parse_args()
    history = None
    if options.key is not None:
        try:
            history = load_history(options.key)
        except (OSError, ValueError) as why:
            print(f"verify: key history: {clean(why)}", file=sys.stderr)
            return 1
    code = 0
    for path in options.path:
        try:
            report = verify(path, history)
        except (OSError, ValueError, MemoryError) as why:
            print(f"verify: {clean(path)}: cannot be read: {clean(why)}", file=sys.stderr)
            code = 1
            continue
        if options.json:
            print(json.dumps(as_json(report), ensure_ascii=True))
        else:
            show(report)
        code = max(code, report.exit_code, key=SEVERITY.index)
    return code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
