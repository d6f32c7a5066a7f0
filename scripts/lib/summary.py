#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Sums up test runs: summary.py [--failed N] [LABEL=]TESTLOG.json…

Reads Meson's testlog.json. A Criterion program counts with each of its cases, any other test as one.
Prints why each skipped test was skipped, which ones failed, and last `N passed, N failed, N skipped`.
"""
import json
import pathlib
import re
import sys

SYNTHESIS = re.compile(r"Synthesis:.*Tested:.*?(\d+).*?Passing:.*?(\d+).*?Failing:.*?(\d+).*?Crashing:.*?(\d+)")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def output_of(entry):
    return COLOUR.sub("", (entry.get("stdout") or "") + "\n" + (entry.get("stderr") or ""))


def reason_of(output):
    found = re.search(r"^\s*(?:skip|cannot|.*: cannot): *(.+)$", output, re.M | re.I)
    return found[1] if found else "does not say why"


def counts(entry):
    """Passed, failed and skipped cases of one test."""
    if entry["result"] == "SKIP":
        return 0, 0, 1
    ok = entry["result"] in ("OK", "EXPECTEDFAIL")
    found = SYNTHESIS.search(output_of(entry))
    if not found:
        return (1, 0, 0) if ok else (0, 1, 0)
    tested, passing, failing, crashing = (int(number) for number in found.groups())
    if ok and tested == 0:
        return 0, 1, 0  # a program without tests is a mistake
    return passing, failing + crashing if ok or failing + crashing else 1, 0


def main(arguments):
    passed = failed = skipped = 0
    if arguments[:1] == ["--failed"]:
        failed, arguments = int(arguments[1]), arguments[2:]
    for argument in arguments:
        label, _, name = argument.rpartition("=")
        path = pathlib.Path(name)
        if not path.exists():
            print(f"failed: {label or name}: did not run")
            failed += 1
            continue
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            test = f"{label}: {entry['name']}" if label else entry["name"]
            got = counts(entry)
            passed, failed, skipped = passed + got[0], failed + got[1], skipped + got[2]
            if got[1]:
                print(f"failed: {test}: {entry['result'].lower()}")
            if got[2]:
                print(f"skip: {test}: {reason_of(output_of(entry))}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
