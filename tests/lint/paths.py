#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""No path of the machine that someone happened to work on."""
import re

from lint import run, text

# Home folders with a name, scratch build folders, mounted work trees.
MACHINE = re.compile(r"(?<![\w.$}/])/(home/[a-z]\w*|Users/\w+|root/\w+|work/\w+|tmp/b-\w+|mnt/\w+)")


def check(root, files):
    for name in files:
        if name.startswith("tests/fuzz/corpus/") or name == "tests/lint/paths.py":
            continue
        for line, content in enumerate(text(root, name).split("\n"), 1):
            found = MACHINE.search(content)
            if found:
                yield f"{name}:{line}: {found[0]}: a path of one machine"


run(check, good={"a.md": "see /var/lib/viaduct and $HOME/x and tests/mnt/a\n"},
    bad=[{"a.md": "cd /home/jane/viaduct\n"}, {"a.c": '"/mnt/here"\n'}, {"a": "x=/Users/jo/y\n"}])
