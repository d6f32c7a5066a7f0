#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Every header of the program compiles alone, and twice (headers.py BUILD_FOLDER [COMPILER])."""
import concurrent.futures
import json
import pathlib
import shlex
import subprocess
import sys

from lint import SPDX, run

BUILD = pathlib.Path(sys.argv[1]).resolve()
CC = sys.argv[2:] or ["gcc"]


def include_flags():
    """All -I and -isystem of the build: where dependencies and generated headers are."""
    flags = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        for at, word in enumerate(words):
            for option in ("-I", "-isystem"):
                if word.startswith(option):
                    folder = word.removeprefix(option) or words[at + 1]
                    flags["-isystem" + str((BUILD / folder).resolve())] = True
    return list(flags)


def compile_alone(root, name):
    source = f'#include "{name}"\n#include "{name}"\n'
    done = subprocess.run(
        [*CC, "-std=gnu2x", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wno-unused-function", "-Werror",
         "-fsyntax-only", "-x", "c", f"-I{root}", *include_flags(), "-"],
        input=source, cwd=root, capture_output=True, text=True)
    return f"{name}: does not compile alone:\n{done.stderr}" if done.returncode else None


def check(root, files):
    names = [name for name in files if name.endswith(".h") and not name.startswith("tests/")]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield from filter(None, pool.map(lambda name: compile_alone(root, name), names))


GOOD = SPDX + "#pragma once\n#include <stdint.h>\nstruct a {\n\tuint8_t b;\n};\n"
run(check, good={"a.h": GOOD},
    bad=[{"a.h": GOOD.replace("#include <stdint.h>\n", "")}, {"a.h": GOOD.replace("#pragma once\n", "")}])
