#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Every header of the program compiles alone, and twice (headers.py BUILD_FOLDER [COMPILER])."""
import concurrent.futures
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

from lint import SPDX, run

BUILD = pathlib.Path(sys.argv[1]).resolve()
CC = [*(["ccache"] if shutil.which("ccache") else []), *(sys.argv[2:] or ["gcc"])]


def include_flags():
    """All -I and -isystem of the build: where dependencies and generated headers are."""
    flags = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        for at, word in enumerate(words):
            for option in ("-I", "-isystem"):
                if word.startswith(option):
                    flags["-isystem" + (word.removeprefix(option) or words[at + 1])] = True
    return list(flags)


def compile_alone(root, name, folder, flags):
    """From the build folder, by relative paths: then ccache knows it in any clone."""
    source = folder / (name.replace("/", "-") + ".c")
    source.write_text(f'#include "{name}"\n#include "{name}"\n')
    done = subprocess.run(
        [*CC, "-std=gnu2x", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wno-unused-function", "-Werror",
         f"-I{os.path.relpath(root, BUILD)}", *flags, "-c", os.path.relpath(source, BUILD),
         "-o", os.path.relpath(source.with_suffix(".o"), BUILD)],
        cwd=BUILD, capture_output=True, text=True)
    return f"{name}: does not compile alone:\n{done.stderr}" if done.returncode else None


def check(root, files):
    names = [name for name in files if name.endswith(".h") and not name.startswith("tests/")]
    folder = BUILD / "headers"
    folder.mkdir(exist_ok=True)
    flags = include_flags()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield from filter(None, pool.map(lambda name: compile_alone(root, name, folder, flags), names))


GOOD = SPDX + "#pragma once\n#include <stdint.h>\nstruct a {\n\tuint8_t b;\n};\n"
run(check, good={"a.h": GOOD},
    bad=[{"a.h": GOOD.replace("#include <stdint.h>\n", "")}, {"a.h": GOOD.replace("#pragma once\n", "")}])
