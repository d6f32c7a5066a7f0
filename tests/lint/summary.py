#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""scripts/lib/summary.py counts cases, tells why a test was skipped, and fails where it must."""
import json
import pathlib
import subprocess
import sys
import tempfile

from lint import ROOT

CRITERION = "[\x1b[0;34m====\x1b[0m] Synthesis: Tested: \x1b[0;34m{}\x1b[0m | Passing: {} | Failing: {} | Crashing: {} "


def entry(result, stdout="", stderr="", name="t"):
    return {"name": name, "result": result, "stdout": stdout, "stderr": stderr}


def summary(entries, *options):
    with tempfile.TemporaryDirectory() as temp:
        log = pathlib.Path(temp) / "log.json"
        log.write_text("".join(json.dumps(item) + "\n" for item in entries))
        done = subprocess.run([ROOT / "scripts/lib/summary.py", *options, f"gcc={log}"],
                              capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines()


def expect(got, code, last, *lines):
    if got[0] != code or got[1][-1] != last or any(line not in got[1] for line in lines):
        sys.exit(f"summary: got {got}, not {code}, {last}, {lines}")


GOOD = entry("OK", stderr=CRITERION.format(8, 8, 0, 0))
expect(summary([GOOD, entry("OK")]), 0, "9 passed, 0 failed, 0 skipped")
expect(summary([GOOD, entry("SKIP", "skip: not root; run as root\n")]), 0,
       "8 passed, 0 failed, 1 skipped", "skip: gcc: t: not root; run as root")
expect(summary([entry("FAIL", stderr=CRITERION.format(8, 5, 2, 1))]), 1, "5 passed, 3 failed, 0 skipped")
expect(summary([entry("OK", stderr=CRITERION.format(0, 0, 0, 0))]), 1, "0 passed, 1 failed, 0 skipped")
expect(summary([GOOD, entry("TIMEOUT", name="slow")]), 1, "8 passed, 1 failed, 0 skipped",
       "failed: gcc: slow: timeout")
# Fails for another reason than its cases (a sanitizer at the end): still a failure.
expect(summary([entry("FAIL", stderr=CRITERION.format(8, 8, 0, 0))]), 1, "8 passed, 1 failed, 0 skipped")
expect(summary([GOOD], "--failed", "1"), 1, "8 passed, 1 failed, 0 skipped")
expect(summary([GOOD], "absent.json"), 1, "8 passed, 1 failed, 0 skipped", "failed: absent.json: did not run")
expect(summary([]), 1, "0 passed, 0 failed, 0 skipped")
print("summary: ok")
