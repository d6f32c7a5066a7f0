#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""clang-tidy (.clang-tidy) over every C file of the program (tidy.py BUILD_FOLDER [--whole]).

Nearly all of its time is clang's analyser walking the paths of each function. It stops after NODES
states of one, which is a sixth of clang's own limit; --whole leaves it that. A file that was clean
is looked at again when it, a header it includes, its options, .clang-tidy or clang-tidy changed.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import seen
from lint import ROOT, SKIP, run

BUILD = pathlib.Path(sys.argv[1]).resolve()
NODES = 40_000
BUDGET = [] if "--whole" in sys.argv[2:] else [
    f"--extra-arg={word}" for word in ("-Xclang", "-analyzer-config", "-Xclang", f"max-nodes={NODES}")]
if not shutil.which("clang-tidy"):
    print("skip: no clang-tidy; scripts/setup installs it")
    sys.exit(SKIP)
CONFIG = ROOT / ".clang-tidy"
VERSION = subprocess.run(["clang-tidy", "--version"], capture_output=True, text=True).stdout


def tidy(arguments):
    done = subprocess.run(["clang-tidy", "--quiet", f"--config-file={CONFIG}",
                           *BUDGET, *arguments], capture_output=True, text=True)
    found = re.findall(r"^(.*(?:warning|error): .*)$", done.stdout, re.M)
    if done.returncode and not found:
        found = [f"clang-tidy {arguments[-1]}: {done.stderr.strip()[-400:]}"]
    return sorted(set(found))


def compiled_once():
    """How each file of the program is compiled; its tests have macros that clang-tidy does not like.

    One that belongs to two programs is compiled twice, and its second reading within one
    clang-tidy finds va_start where the first left it: a warning about nothing. So one each.
    """
    entries = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if path.is_relative_to(ROOT) and not path.is_relative_to(BUILD) \
                and not path.is_relative_to(ROOT / "tests"):
            entries.setdefault(str(path), entry)
    return entries


def relative(root, line):
    """clang-tidy names files by way of the build folder; people want them from the root."""
    path, colon, rest = line.partition(":")
    path = os.path.normpath(BUILD / path)
    return path.removeprefix(str(root) + "/") + colon + rest


def check(root, files):
    with tempfile.TemporaryDirectory() as database:
        if root == ROOT:
            entries = compiled_once()
            (pathlib.Path(database) / "compile_commands.json").write_text(json.dumps(list(entries.values())))
            read = seen.read_by(BUILD)
            jobs = [(["-p", database, name], key_of(entry, read)) for name, entry in entries.items()]
            seen.forget_old()
        else:
            jobs = [([str(root / name), "--", "-std=gnu2x"], None) for name in files]
        yield from findings(root, jobs)


def key_of(entry, read):
    """None: nobody knows what it includes."""
    files = read.get(entry.get("output"))
    words = [VERSION, *BUDGET, entry["command"], CONFIG.read_text(), pathlib.Path(__file__).read_text()]
    return files and seen.key(words, files)


def look(job):
    arguments, key = job
    if key and seen.is_clean(key):
        return []
    found = tidy(arguments)
    if key and not found:
        seen.keep_clean(key)
    return found


def findings(root, jobs):
    told = set()
    # Two at a time: the machine that tests has two cores.
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for found in pool.map(look, jobs):
            for line in found:
                if line not in told:  # one in a header comes once for each file that includes it
                    told.add(line)
                    yield relative(root, line)


GOOD = "#include <string.h>\nint f(const int *p);\nint f(const int *p)\n{\n\treturn *p;\n}\n"
run(check, good={"a.c": GOOD},
    bad=[{"a.c": GOOD.replace("return *p", "int *q = 0;\n\treturn *q + *p")},
         {"a.c": GOOD.replace("return *p", "char t[4];\n\tmemset(t, 300, sizeof t);\n\treturn *p + t[0]")}])
