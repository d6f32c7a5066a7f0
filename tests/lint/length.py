#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""No function above 100 lines, no file above 800 (a test: 1,200); the usual is 10 and 200."""
from lint import of_c, run, text

FUNCTION, FILE, TEST = 100, 800, 1200


def check(root, files):
    for name in of_c(files):
        lines = text(root, name).split("\n")
        if len(lines) > (TEST if name.startswith("tests/") else FILE):
            yield f"{name}: {len(lines)} lines; split it"
        start = None
        for at, content in enumerate(lines, 1):
            if content == "{":
                start = at
            elif content == "}" and start is not None:
                if at - start > FUNCTION:
                    yield f"{name}:{start}: a function of {at - start} lines; split it"
                start = None


def function(lines):
    return "void f(void)\n{\n" + "\tg();\n" * lines + "}\n"


run(check, good={"a.c": function(40)}, bad=[{"a.c": function(101)}, {"a.h": "int a;\n" * 801}, {"tests/a.c": "int a;\n" * 1201}])
