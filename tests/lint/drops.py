#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""docs/drops.md explains every drop reason of switch/drop.h, and no other; `--write` makes it anew."""
import re
import sys

from lint import ROOT, run, text

TABLE, PAGE = "switch/drop.h", "docs/drops.md"
HEAD = """# Drop reasons

Why a packet stopped. Each reason is a counter of every worker, a row of `viaduct stats`, and a value of the label
`reason` of `viaduct_drops_total`. The list is made from the table in `switch/drop.h` (`tests/lint/drops.py --write`).

| reason | what happened, and what to look at |
|---|---|
"""


def page(root):
    rows = re.findall(r'^\s*X\(\w+,\s*"(\w+)",\s*"((?:[^"\\]|\\.)*)"\)', text(root, TABLE), re.M)
    return HEAD + "".join(f"| `{name}` | {what} |\n" for name, what in rows), len(rows)


def check(root, files):
    wanted, count = page(root)
    if not count:
        yield f"{TABLE}: no rows found"
    if PAGE not in files or text(root, PAGE) != wanted:
        yield f"{PAGE}: differs from {TABLE}; run tests/lint/drops.py --write"


if sys.argv[1:] == ["--write"]:
    (ROOT / PAGE).write_text(page(ROOT)[0])
    sys.exit()
ROWS = '#define SW_DROPS(X) \\\n\tX(BAD, "bad", "it was bad") \\\n\tX(FULL, "full", "it was full")\n'
GOOD = HEAD + "| `bad` | it was bad |\n| `full` | it was full |\n"
run(check, good={TABLE: ROWS, PAGE: GOOD},
    bad=[{PAGE: GOOD.replace("| `full` | it was full |\n", "")}, {PAGE: GOOD.replace("was bad", "is")},
         {TABLE: ROWS.replace("full", "gone")}, {TABLE: ""}])
