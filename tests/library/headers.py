#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Each installed header compiles alone, and twice, as C and C++, without a warning: headers.py FOLDER."""
import concurrent.futures
import pathlib
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(sys.argv[1])
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wundef", "-Werror"]
C = ["-Wstrict-prototypes", "-Wc++-compat"]
COMPILERS = [
    ["gcc", "-std=c11", "-xc", *C], ["gcc", "-std=c17", "-xc", *C], ["gcc", "-std=gnu2x", "-xc", *C],
    ["clang", "-std=c11", "-xc", *C], ["clang", "-std=gnu2x", "-xc", *C],
    ["g++", "-std=c++17", "-xc++"], ["g++", "-std=c++20", "-xc++"],
    ["clang++", "-std=c++17", "-xc++"], ["clang++", "-std=c++20", "-xc++"],
]


def complaint(folder, name, compiler):
    source = f"#include <viaduct/{name}>\n#include <viaduct/{name}>\nint used;\n"
    # -I, not -isystem: of system headers compilers would not tell.
    done = subprocess.run([*compiler, *WARNINGS, "-fsyntax-only", f"-I{folder}", "-"], input=source,
                          capture_output=True, text=True)
    return f"{' '.join(compiler[:2])} <viaduct/{name}>:\n{done.stderr}" if done.returncode else None


def complaints(folder):
    jobs = [(folder, header.name, compiler) for header in sorted((folder / "viaduct").glob("*.h"))
            for compiler in COMPILERS]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return len(jobs), list(filter(None, pool.map(lambda job: complaint(*job), jobs)))


for planted in ("#pragma once\nint f(int class);\n", "#pragma once\n#include <viaduct/gone.h>\n", "struct a { int b; };\n",
                "#pragma once\nenum [[nodiscard]] a { B };\n"):
    with tempfile.TemporaryDirectory() as temp:
        header = pathlib.Path(temp, "viaduct", "a.h")
        header.parent.mkdir()
        header.write_text(planted)
        if not complaints(pathlib.Path(temp))[1]:
            sys.exit(f"headers: self-test: does not see what is wrong in {planted!r}")
count, found = complaints(FOLDER)
print(*found, sep="\n")
print(f"headers: {len(found)} of {count} fail")
sys.exit(1 if found or not count else 0)
