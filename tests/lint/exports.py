#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""library/symbols.txt is what the public headers (library/headers.txt) declare; `--write` makes it anew.

It is a file of its own, so that a change of what the library promises is seen in review.
"""
import re
import sys

from lint import ROOT, SPDX, run, text

LIST, HEADERS = "library/symbols.txt", "library/headers.txt"


def declared(source):
    """Functions declared, inline ones excepted."""
    source = re.sub(r"/\*.*?\*/|//[^\n]*|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", "", source, flags=re.S | re.M)
    while "{" in source:  # innermost first: bodies end a statement; members and enumerators do not
        source, count = re.subn(r"(\)?)\s*\{[^{}]*\}", lambda found: ");" if found[1] else " ", source)
        if not count:
            break
    for statement in re.split(r";", source):
        found = re.search(r"(\w+)\s*\((?!\s*\*)", statement)
        if found and not re.search(r"\btypedef\b|\bstatic\b|\bstatic_assert\b", statement):
            yield found[1]


def wanted(root):
    names = set()
    for header in text(root, HEADERS).split():
        template = root / (header + ".in")
        names.update(declared(text(root, header + ".in" if template.exists() else header)))
    return "".join(name + "\n" for name in sorted(names))


def check(root, files):
    if HEADERS not in files or not wanted(root):
        yield f"{HEADERS}: nothing found"
    elif LIST not in files or text(root, LIST) != wanted(root):
        yield f"{LIST}: differs from the headers of {HEADERS}; run tests/lint/exports.py --write"


if sys.argv[1:] == ["--write"]:
    (ROOT / LIST).write_text(wanted(ROOT))
    sys.exit()
A = SPDX + """#include "b.h" /* void a_not(void); */
enum [[nodiscard]] e { A_ONE = 1 };
typedef void (*a_fn)(int a);
struct a { void (*call)(int); };
static_assert(sizeof(int) == 4, "int");
static inline int a_inline(int b) { if (b) { a_called(); } return 1; }
const char *a_text(int b, char out[A_ONE]);
enum e a_fail(struct a *a, void (*fn)(void *context),
	      void *context);
"""
run(check, good={HEADERS: "a.h\n", "a.h": A, LIST: "a_fail\na_text\n"},
    bad=[{LIST: "a_text\n"}, {LIST: "a_fail\na_not\na_text\n"}, {HEADERS: ""}, {"a.h": A + "void a_new(void);\n"},
         {"a.h": A.replace("enum e a_fail", "enum e a_other")}])
