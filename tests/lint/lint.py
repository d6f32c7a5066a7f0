# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What the lints share.

A lint is a function `check(root, files)` that yields one line for each finding, and a few planted
examples. `run` first holds the function against the examples: `good` must yield nothing, each of
`bad` something; so a lint that has stopped seeing fails, instead of passing for ever. Then the tree.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIP = 77
SPDX = "/* SPDX-License-Identifier: Apache-2.0 OR MIT */\n"


def tree(root):
    """Paths of the project's files relative to `root`: tracked, or new and not ignored."""
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        capture_output=True, text=True)
    if listed.returncode == 0:
        names = [name for name in listed.stdout.split("\0") if name]
    else:  # a source archive
        names = [str(path.relative_to(root)) for path in root.rglob("*")
                 if not re.match(r"(build[^/]*|\.git)/", str(path.relative_to(root)))]
    return sorted({name for name in names if (root / name).is_file()})


def of_c(files):
    return [name for name in files if name.endswith((".c", ".h"))]


def text(root, name):
    return (root / name).read_text(encoding="utf-8", errors="replace")


def findings(check, planted):
    with tempfile.TemporaryDirectory() as temp:
        root = pathlib.Path(temp)
        for name, content in planted.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content)
        return list(check(root, sorted(planted)))


def run(check, good, bad):
    """`good`: {name: text}; `bad`: a list of the same, each laid over `good`."""
    name = pathlib.Path(sys.argv[0]).stem
    os.nice(10)  # tests that wait for packets run beside the lints
    found = findings(check, good)
    if found:
        sys.exit(f"{name}: self-test: finds fault with the good example: {found}")
    for example in bad:
        if not findings(check, {**good, **example}):
            sys.exit(f"{name}: self-test: does not see what is wrong in {example}")
    found = list(check(ROOT, tree(ROOT)))
    for line in found:
        print(line)
    print(f"{name}: {len(found)} findings; saw {len(bad)} of {len(bad)} planted ones")
    sys.exit(1 if found else 0)
