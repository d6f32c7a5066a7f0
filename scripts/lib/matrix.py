#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Prints the matrix of scripts/interop: matrix.py TESTLOG.json

Tests are named `interop PEER CASE`: a row for each case, a column for each peer. A line `note: …` of a test's output
stands below, once.
"""
import json
import pathlib
import sys

WORDS = {"OK": "ok", "SKIP": "skip"}


def notes_of(entry):
    """What a test says of itself for the reader of the matrix."""
    lines = (entry.get("stdout") or "").splitlines()
    return dict.fromkeys(line.removeprefix("note: ") for line in lines if line.startswith("note: "))


def rows_of(lines):
    """Results by case and peer, both in the order of the log, and the notes."""
    cases, peers, notes = {}, {}, []
    for line in lines:
        entry = json.loads(line)
        words = entry["name"].split(" / ")[-1].split()
        if len(words) == 3 and words[0] == "interop":
            peers[words[1]] = True
            cases.setdefault(words[2], {})[words[1]] = WORDS.get(entry["result"], "FAILED")
            notes += [f"{words[1]} {words[2]}: {note}" for note in notes_of(entry)]
    return cases, list(peers), notes


def main(arguments):
    cases, peers, notes = rows_of(pathlib.Path(arguments[0]).read_text().splitlines())
    width = max(map(len, [*cases, "case"])) + 2
    print("case".ljust(width) + "".join(peer.ljust(8) for peer in peers).rstrip())
    for case, results in cases.items():
        print(case.ljust(width) + "".join(results.get(peer, "-").ljust(8) for peer in peers).rstrip())
    print(*notes, sep="\n", end="\n" if notes else "")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
