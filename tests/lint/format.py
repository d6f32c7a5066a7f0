#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""clang-format has nothing to change in any C file, and has torn no comment's lines."""
import re
import shutil
import subprocess
import sys

from lint import ROOT, SKIP, of_c, run, text

if not shutil.which("clang-format"):
    print("skip: no clang-format; scripts/setup installs it")
    sys.exit(SKIP)


def check(root, files):
    names = of_c(files)
    if not names:
        return
    done = subprocess.run(["clang-format", f"--style=file:{ROOT}/.clang-format", "--dry-run", *names],
                          cwd=root, capture_output=True, text=True)
    for line in done.stderr.split("\n"):
        if ": warning:" in line or ": error:" in line:
            yield line
    for name in names:
        # What it makes of a comment's line that it broke within indented text.
        for torn in re.finditer(r"^ \*\w.*", text(root, name), re.M):
            yield f"{name}: a comment's line that was torn, give it fewer words:{torn[0]}"


run(check, good={"a.c": "int a(void)\n{\n\treturn 1;\n}\n"},
    bad=[{"a.c": "int a(void) {\n    return 1;\n}\n"}, {"a.c": "/*\n *\tone two\n *three\n */\n"}])
