#!/usr/bin/python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Do two verifiers agree?

    agree.py SEALCAMCTL EVIDENCE KEYS [--seed N] [--flips N] [--only TEXT] [--problems] [--keep DIR]

Makes tampered copies of the given evidence, makes evidence of its own that is signed and wrong, and holds the verdict
of `SEALCAMCTL verify --json` against that of verify.py on each: overall verdict, trust, exit code, what is missing, and
the letters of every segment. Where the page leaves no doubt the overall verdict is held against the expected one as well.
With `-` for SEALCAMCTL only verify.py runs, against the expected verdicts.
"""

import argparse
import concurrent.futures
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import traceback

sys.dont_write_bytecode = True

import cases_made  # noqa: E402
import cases_tampered  # noqa: E402
import verify  # noqa: E402

TIME_LIMIT = 20
OVERALL = {"intact-with-gaps": "intact, with recorded gaps"}


class Answer:
    """What a verifier said about a path."""

    def __init__(self, said, letters, noise=None, gaps=()):
        self.said = said
        self.letters = letters
        # (medium, begin, end, whether it is recorded) of each gap that is listed.
        self.gaps = sorted(gaps, key=repr)
        self.noise = noise


def ask_verify_py(path, keys, problems):
    """verify.py's answer, asked within this process: starting it thousands of times takes long."""
    try:
        history = verify.load_history(keys) if keys else None
        report = verify.verify(path, history)
    except (OSError, ValueError):
        return Answer({"exit": 1}, {})
    except Exception:  # whatever it is, it is a bug
        return Answer({"exit": "traceback"}, {}, "verify.py: " + traceback.format_exc().strip().splitlines()[-1])
    said = {"exit": report.exit_code, "overall": report.overall, "trust": report.trust.answer}
    said["missing"] = report.missing
    if problems:
        said["problems"] = sorted(report.problems)
    return Answer(said, report.verdicts, gaps=[(*gap[:3], gap[4]) for gap in report.gaps])


def ask_sealcamctl(program, path, keys, problems):
    """The answer of `sealcamctl verify --json`."""
    command = [program, "verify", "--json", path] + (["--key", keys] if keys else [])
    try:
        done = subprocess.run(command, capture_output=True, timeout=TIME_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return Answer({"exit": "no answer in time"}, {})
    said, letters, noise, gaps = {"exit": done.returncode}, {}, None, []
    errors = done.stderr.decode("utf-8", "replace")
    if "panicked" in errors or done.returncode < 0 or done.returncode > 7:
        noise = "sealcamctl: " + (errors.strip().splitlines() or ["died"])[0]
    text = done.stdout.decode("utf-8", "replace").strip()
    try:
        (report,) = json.loads(text).get("reports", [{}]) if text else [{}]
        if "overall" in report:
            said["overall"] = OVERALL.get(report["overall"], report["overall"])
            said["trust"] = report["trust"]["trust"].replace("-", " ")
            said["missing"] = report["missing"]
            if problems:
                said["problems"] = sorted({finding["problem"] for finding in report["findings"]})
        gaps = [
            (gap["medium"], gap.get("from_ns"), gap.get("to_ns"), gap["recorded"]) for gap in report.get("gaps", [])
        ]
        for session in report.get("sessions", []):
            for segment in session["segments"]:
                name = os.path.relpath(segment["path"], path if os.path.isdir(path) else os.path.dirname(path))
                letters[name] = segment["verdicts"]
    except (ValueError, KeyError, TypeError, AttributeError) as why:
        noise = noise or f"sealcamctl: {why!r} in {text[:60]!r}"
    return Answer(said, letters, noise, gaps)


def _short(letters):
    """Letters to be read by people: of a long run only its length."""
    return letters and re.sub(r"(.)\1{20,}", lambda run: f"{run[1]}*{len(run[0])}", letters)


def differences(one, two, with_letters):
    """What two answers do not have in common."""
    found = []
    for name in sorted(set(one.said) | set(two.said)):
        left, right = one.said.get(name), two.said.get(name)
        if left != right:
            found.append(f"{name}: {left!r} / {right!r}")
    if not with_letters:
        return found
    for name in sorted(set(one.letters) | set(two.letters)):
        # A file without a letter may as well not be named.
        left, right = (_short(answer.letters.get(name) or None) for answer in (one, two))
        if left != right:
            found.append(f"letters of {os.path.basename(name)}: {left!r} / {right!r}")
    return found


def judge(options, path, keys, target):
    """The disagreements about one path."""
    ours = ask_verify_py(path, keys, options.problems)
    found = [ours.noise] if ours.noise else []
    for name, expected in (("overall", target.expected), ("trust", target.trust)):
        said = ours.said.get(name, cases_tampered.NOTHING)
        if expected not in (None, said):
            found.append(f"expected {expected!r}, verify.py says {said!r}")
    if target.gaps is not None and ours.gaps != sorted(target.gaps, key=repr):
        found.append(f"expected gaps {target.gaps}, verify.py lists {ours.gaps}")
    if options.sealcamctl != "-":
        theirs = ask_sealcamctl(options.sealcamctl, path, keys, options.problems)
        found += [theirs.noise] if theirs.noise else []
        found += differences(ours, theirs, not options.verdicts)
        if target.gaps is not None and theirs.gaps != sorted(target.gaps, key=repr):
            found.append(f"expected gaps {target.gaps}, sealcamctl lists {theirs.gaps}")
    return found


def remove(folder):
    """Removes a folder with what is in it, also where nobody may read or search."""
    for at, names, _ in os.walk(folder):
        for path in (os.path.join(at, name) for name in names):
            if not os.path.islink(path):
                os.chmod(path, 0o700)
    shutil.rmtree(folder)


CASES = {}


def prepare(options):
    """The cases, by name; every worker makes its own."""
    rng = random.Random(options.seed)
    CASES.clear()
    for case in cases_tampered.cases(options, rng) + cases_made.cases():
        assert case.name not in CASES, f"two cases named {case.name}"
        CASES[case.name] = case


def run(options, name, scratch):
    """(name, number of paths judged, disagreements) of one case."""
    where = os.path.join(scratch, name.replace("/", "_").replace(" ", "_"))
    os.makedirs(where)
    root, keys = os.path.join(where, "evidence"), os.path.join(where, "keys.cbor")
    found = []
    try:
        targets = CASES[name].make(options, root, keys)
    except Exception:  # a mistake in the case must not end the run
        return name, 0, ["cannot be made: " + traceback.format_exc().strip().splitlines()[-1]]
    for target in targets:
        path = os.path.normpath(os.path.join(root, target.path))
        for line in judge(options, path, keys if target.keys else None, target):
            found.append(f"{target.path}{'' if target.keys else ' (no keys)'}: {line}")
    if not options.keep:
        remove(where)
    return name, len(targets), found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sealcamctl", metavar="SEALCAMCTL")
    parser.add_argument("evidence", metavar="EVIDENCE")
    parser.add_argument("keys", metavar="KEYS")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--flips", type=int, default=120, help="how many random flips, cuts and insertions of each")
    parser.add_argument("--only", default="", help="only the cases with this text in their name")
    parser.add_argument("--problems", action="store_true", help="compare the kinds of problems as well")
    parser.add_argument("--verdicts", action="store_true", help="compare verdict, trust and exit code, but no letters")
    parser.add_argument("--keep", metavar="DIR", help="keep the copies there")
    options = parser.parse_args()
    prepare(options)
    names = [name for name in CASES if options.only in name]
    scratch = options.keep or tempfile.mkdtemp(prefix="agree-")
    os.makedirs(scratch, exist_ok=True)
    passed = failed = judged = 0
    try:
        workers = concurrent.futures.ProcessPoolExecutor(initializer=prepare, initargs=(options,))
        with workers:
            answers = workers.map(run, *zip(*((options, name, scratch) for name in names)), chunksize=8)
            for name, paths, found in answers:
                judged += paths
                passed, failed = passed + (not found), failed + bool(found)
                for line in found:
                    print(f"DISAGREE {name}: {line}", flush=True)
    finally:
        if not options.keep:
            shutil.rmtree(scratch, ignore_errors=True)
    print(f"{judged} paths judged, verify.py on the left of each /")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
