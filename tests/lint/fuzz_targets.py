#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Each fuzz target says on line one what it targets, has a committed corpus, and is built."""
import re

from lint import SPDX, run, text


def check(root, files):
    built = text(root, "tests/fuzz/meson.build")
    stems = [re.fullmatch(r"tests/fuzz/fuzz_(\w+)\.c", name) for name in files]
    for stem in [found[1] for found in stems if found]:
        name = f"tests/fuzz/fuzz_{stem}.c"
        if not re.match(r"/\* Targets: \S.*\*/\n", text(root, name)):
            yield f"{name}:1: must be /* Targets: what it feeds. */"
        if not any(file.startswith(f"tests/fuzz/corpus/{stem}/") for file in files):
            yield f"{name}: no corpus in tests/fuzz/corpus/{stem}/"
        if f"'{stem}'" not in built:
            yield f"{name}: not in the list of tests/fuzz/meson.build"


GOOD = {"tests/fuzz/meson.build": "fuzz_targets = [{ 'stem': 'a' }]\n",
        "tests/fuzz/fuzz_a.c": "/* Targets: a_read. */\n" + SPDX, "tests/fuzz/corpus/a/one": "x"}
run(check, good=GOOD,
    bad=[{"tests/fuzz/fuzz_a.c": SPDX}, {"tests/fuzz/meson.build": ""},
         {"tests/fuzz/meson.build": "'b'", "tests/fuzz/fuzz_b.c": GOOD["tests/fuzz/fuzz_a.c"]}])
