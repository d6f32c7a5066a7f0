#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""docs/drops.md explains every drop reason of switch/drop.h by switch/advice.h, and no other; `--write` makes it anew."""
import re
import sys
import textwrap

from lint import ROOT, run, text

TABLE, ADVICE, PAGE = "switch/drop.h", "switch/advice.h", "docs/drops.md"
HEAD = """# Drop reasons

Why a packet stopped. Each reason is a counter of every worker, a row of `viaduct stats`, and a value of the label
`reason` of `viaduct_drops_total`. `viaduct stats --explain` tells the paragraphs below of those that occurred, and
`viaduct capture --drop REASON` shows the packets. Made from `switch/drop.h` and `switch/advice.h`
(`tests/lint/drops.py --write`).

What the host sends faster than an edge's worker takes it, the kernel drops before, in the queue of the TUN: such packets
are `tun_overflows` of `viaduct -o json stats`, and `viaduct_tun_overflows_total`. A longer queue takes longer bursts
(`ip link set viaduct0 txqueuelen 5000`); more than that takes another worker.

| reason | what happened, and what to look at |
|---|---|
"""


def literals(source):
    return "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', source))


def page(root):
    rows = re.findall(r'^\s*X\((\w+),[\s\\]*"(\w+)",[\s\\]*"((?:[^"\\]|\\.)*)"\)', text(root, TABLE), re.M)
    advice = {symbol: literals(rest) for symbol, rest in
              re.findall(r'^\tX\((\w+),[ \t\\]*\n?(.*?)\)[ \t]*(?:\\\n|\n|$)', text(root, ADVICE), re.M | re.S)}
    out = HEAD + "".join(f"| `{name}` | {what} |\n" for _, name, what in rows)
    for symbol, name, _ in rows:
        out += f"\n## {name}\n" + textwrap.fill(advice.get(symbol, "?"), 120, break_on_hyphens=False) + "\n"
    return out, [symbol for symbol, _, _ in rows], advice


def check(root, files):
    wanted, symbols, advice = page(root)
    if not symbols:
        yield f"{TABLE}: no rows found"
    for symbol in symbols:
        if not advice.get(symbol):
            yield f"{ADVICE}: no paragraph about {symbol}"
    for symbol in advice.keys() - set(symbols):
        yield f"{ADVICE}: {symbol} is no reason of {TABLE}"
    if PAGE not in files or text(root, PAGE) != wanted:
        yield f"{PAGE}: differs from {TABLE} and {ADVICE}; run tests/lint/drops.py --write"


if sys.argv[1:] == ["--write"]:
    (ROOT / PAGE).write_text(page(ROOT)[0])
    sys.exit()
ROWS = '#define SW_DROPS(X) \\\n\tX(BAD, "bad", "it was bad") \\\n\tX(FULL, "full", "it was full")\n'
SAID = '#define SW_ADVICE(X) \\\n\tX(BAD, \\\n\t  "mend " \\\n\t  "it") \\\n\tX(FULL, "empty it")\n'
GOOD = HEAD + "| `bad` | it was bad |\n| `full` | it was full |\n\n## bad\nmend it\n\n## full\nempty it\n"
run(check, good={TABLE: ROWS, ADVICE: SAID, PAGE: GOOD},
    bad=[{PAGE: GOOD.replace("| `full` | it was full |\n", "")}, {PAGE: GOOD.replace("was bad", "is")},
         {TABLE: ROWS.replace("full", "gone")}, {TABLE: ""}, {PAGE: GOOD.replace("mend", "leave")},
         {ADVICE: SAID.replace("FULL", "EMPTY")}, {ADVICE: SAID.replace('"empty it"', '""')}])
