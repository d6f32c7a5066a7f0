#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""check.py PROGRAM FOLDER FILE: the program makes FOLDER's vectors just as they are in FILE."""
import difflib
import json
import pathlib
import subprocess
import sys

program, folder, path = sys.argv[1:]
made = subprocess.run([program, folder], capture_output=True, text=True, check=True).stdout
kept = pathlib.Path(path).read_text()
assert all(v["name"] and len(v["description"]) > 10 for v in json.loads(made)["vectors"])
if made != kept:
    sys.stdout.writelines(difflib.unified_diff(kept.splitlines(True), made.splitlines(True), path, "made now"))
    print(f"{path} differs from what the code makes. Is the change of the wire meant? {program} {folder} >{path}")
    sys.exit(1)
