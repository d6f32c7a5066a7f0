#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Every source file names its licence: C on line one (fuzz targets: line two), scripts near the top."""
from lint import SPDX, of_c, run, text

LINE = SPDX.strip()


def check(root, files):
    for name in of_c(files):
        at = 1 if name.startswith("tests/fuzz/fuzz_") else 0
        lines = text(root, name).split("\n")
        if LINE not in lines[at:at + 1] and LINE not in lines[:1]:
            yield f"{name}:{at + 1}: must be {LINE}"
    for name in files:
        if name.endswith((".py", ".sh", "meson.build")) and not name.startswith("tests/unit"):
            if "SPDX-License-Identifier: Apache-2.0 OR MIT" not in text(root, name)[:400] \
                    and not name.endswith("meson.build"):
                yield f"{name}:1: no SPDX-License-Identifier: Apache-2.0 OR MIT"


run(check,
    good={"base/a.c": SPDX + "int a;\n", "tests/fuzz/fuzz_a.c": "/* Targets: a. */\n" + SPDX,
          "x.py": "# SPDX-License-Identifier: Apache-2.0 OR MIT\n"},
    bad=[{"base/a.c": "int a;\n"}, {"base/a.h": "\n" + SPDX}, {"x.py": "pass\n"}])
