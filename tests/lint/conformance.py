#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Each normative statement of the specifications has an id, and each id a test in docs/conformance.md.

`--write` makes the page anew from the statements and the tests that it names already; new statements get
a `?`, for which a test is to be written in. Where the page has conflict markers it keeps the tests of both sides.
"""
import json
import pathlib
import re
import sys

from lint import ROOT, run, text

PAGE = "docs/conformance.md"
SPECS = {"MG": "multigram/SPEC.md", "SW": "switch/SPEC.md"}
OPEN = 0  # statements that have no test yet; may only fall
SHORT = 96
HEAD = """# Conformance

Each normative statement of [multigram/SPEC.md](../multigram/SPEC.md) and [switch/SPEC.md](../switch/SPEC.md), and what fails
when it is broken. Below `tests/`: a Criterion test (`file:name`), a Go test, a rule that the Go edge tries from outside
(`probe.go:text`), an invariant of a simulator (`sim_….c:text`), a vector (`vectors/folder:name`), or a check of a script of real
packets (`script.sh:text`).

Written by `tests/lint/conformance.py --write` but for the last column, which is yours; the lint `conformance` holds it against specifications and tests.
"""
WORD = re.compile(r"\b(MUST|SHALL|SHOULD|REQUIRED|RECOMMENDED|MAY|OPTIONAL)\b")
ID = r"(?:MG|SW)-\d+(?:\.\d+)?-\d+"
SENTENCE = re.compile(r'(?<=[.!?])[")]*\s+(?=[A-Z`*(\[|])')


def blocks(source):
    """(line number, text) of paragraphs, list items and table rows; without fenced code."""
    fenced, start, lines = False, 0, []
    for number, line in enumerate(source.splitlines() + [""], 1):
        fence = line.startswith("```")
        fresh = fence or not line.strip() or re.match(r"\s*- |\||#", line)
        if lines and (fresh or fenced or lines[0].startswith("#")):
            yield start, " ".join(lines)
            lines = []
        fenced ^= fence
        if fenced or fence or not line.strip():
            continue
        start = start if lines else number
        lines.append(line.strip())


def statements(prefix, source, found):
    """{id: text}; what is wrong goes to found."""
    out = {}
    for number, block in blocks(source):
        if "to be read as in BCP 14" in block:
            continue
        parts = re.split(rf"\[({ID})\]", block)
        if WORD.search(parts[0]):
            found.append(f"{number}: a normative word without an id: {parts[0][:90]}")
        for name, rest in zip(parts[1::2], parts[2::2]):
            said = rest.strip(" |")
            first, *others = SENTENCE.split(said)
            if not name.startswith(prefix + "-"):
                found.append(f"{number}: {name} is not an id of this specification")
            if name in out:
                found.append(f"{number}: {name} is there twice")
            if not WORD.search(first):
                found.append(f"{number}: {name} has no normative word in its first sentence")
            if any(WORD.search(other) for other in others):
                found.append(f"{number}: a normative word without an id, behind {name}")
            out[name] = said
    return out


def short(said):
    said = SENTENCE.split(re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", said))[0].replace("\\|", "|").replace("|", "\\|")
    return said if len(said) <= SHORT else said[:SHORT].rsplit(" ", 1)[0].rstrip("\\,; ") + " …"


def rows(page):
    """[(id, tests)]"""
    return re.findall(rf"^\| ({ID}) \|(?:.*[^\\\n])?\| (.*?) \|$", page, re.M)


def sort_key(name):
    return [int(part) for part in re.findall(r"\d+", name)]


def page(all_statements, tests):
    out = HEAD
    for prefix, path in SPECS.items():
        out += f"\n## {path}\n\n| id | statement | test |\n|---|---|---|\n"
        for name, said in all_statements.items():
            if name.startswith(prefix):
                out += f"| {name} | {short(said)} | {tests.get(name, '?')} |\n"
    return out


def registered(root, folder, *names):
    """Whether the folder's meson.build names one of these."""
    path = root / "tests" / folder / "meson.build"
    source = re.sub(r"#.*", "", path.read_text()) if path.exists() else ""
    return any(f"'{name}'" in source for name in names)


def missing(root, test):
    """Why this test is none, or None."""
    where, _, name = test.partition(":")
    folder, _, file = where.rpartition("/")
    if folder == "vectors" and name:
        path = root / file / "vectors.json"
        known = json.loads(path.read_text())["vectors"] if path.exists() else []
        if name not in [vector["name"] for vector in known]:
            return f"no vector {name} in {file}/vectors.json"
        return None if registered(root, folder, file) else "not in tests/vectors/meson.build"
    path = root / "tests" / where
    if not path.is_file():
        return "no such file"
    source, stem = path.read_text(), path.stem
    if file.startswith("test_") and path.suffix == ".c":
        if not re.search(rf"^(Parameterized)?Test\(\s*\w+,\s*{re.escape(name)}\b", source, re.M):
            return "no such test in the file"
        return None if registered(root, folder, stem.removeprefix("test_"), stem, file) else "not in meson.build"
    if folder == "interop/multigram-go":
        wanted = f"func {name}(" if file.endswith("_test.go") else name
        if not name or wanted not in source:
            return "no such test or rule in the file"
        return None if registered(root, "interop", "go_tests" if file.endswith("_test.go") else "rules") else "not in meson.build"
    if name not in re.sub(r"\s*\n\s*\*? ?", " ", source):
        return "no such text in the file"
    if not name:
        return "say which invariant" if path.suffix == ".c" else "say which check of the script"
    return None if registered(root, folder, stem, file) else "not in meson.build"


def read(root, files):
    found, all_statements = [], {}
    for prefix, path in SPECS.items():
        here = []
        if path in files:
            all_statements.update(statements(prefix, text(root, path), here))
        found += [f"{path}:{line}" for line in here]
    return found, all_statements


def mentioned(root, files, all_statements):
    for path in files:
        if path in SPECS.values() or path.endswith((".c", ".h", ".go", ".sh", ".lua")) or path.startswith("docs/"):
            for name in set(re.findall(rf"\b{ID}\b", text(root, path))):
                if name not in all_statements:
                    yield f"{path}: {name} is in no specification"


def check(root, files):
    found, all_statements = read(root, files)
    yield from found
    if len(all_statements) == 0:
        yield "no statement found"
    if PAGE not in files:
        yield f"no {PAGE}"
        return
    yield from mentioned(root, files, all_statements)
    tests, unknown = {}, 0
    for name, cell in rows(text(root, PAGE)):
        if name in tests:
            yield f"{PAGE}: {name} is there twice"
        tests[name] = cell
    for name, cell in tests.items():
        if cell == "?":
            unknown += 1
            continue
        named = re.findall(r"`([^`]+)`", cell)
        if not named:
            yield f"{PAGE}: {name}: no test"
        for test in named:
            why = missing(root, test)
            if why:
                yield f"{PAGE}: {name}: {test}: {why}"
    for name in all_statements.keys() - tests.keys():
        yield f"{PAGE}: no row for {name}; run tests/lint/conformance.py --write, and name a test that fails without it"
    allowed = OPEN if root == ROOT else 0
    if unknown > allowed:
        yield f"{PAGE}: {unknown} statements without a test (?), allowed are {allowed}: " + ", ".join(
            name for name, cell in tests.items() if cell == "?")
    elif unknown < allowed:
        yield f"tests/lint/conformance.py: OPEN can fall to {unknown}"
    if text(root, PAGE) != page(all_statements, tests):
        yield f"{PAGE}: differs from the specifications; run tests/lint/conformance.py --write"


if sys.argv[1:] == ["--write"]:
    files = list(SPECS.values())
    kept = {}
    for known, cell in rows((ROOT / PAGE).read_text() if (ROOT / PAGE).exists() else ""):
        named = re.findall(r"`[^`]+`", kept.get(known, "") + cell)
        real = [test for test in dict.fromkeys(named) if not missing(ROOT, test.strip("`"))]
        kept[known] = ", ".join(real or dict.fromkeys(named)) or "?"
    (ROOT / PAGE).write_text(page(read(ROOT, files)[1], kept))
    sys.exit()

MG = """# A
The word MUST is to be read as in BCP 14.
- [MG-2-1] A frame MUST be short. It may be empty.
- [MG-2-2] A frame SHOULD be sent,
  soon. See MG-2-1.

```
a fence: MUST
```
"""
SW = "| id | step |\n|---|---|\n| [SW-3.1-1] | It MUST be dropped, | `reason` |\n"
UNIT, NET, GO = "tests/unit/a/test_b.c", "tests/netns/c.sh", "tests/interop/multigram-go/"
TESTS = {"MG-2-1": "`unit/a/test_b.c:short_is_short`, `vectors/multigram:offer`",
         "MG-2-2": "`netns/c.sh:it does not come`, `interop/multigram-go/probe.go:2 it is sent`",
         "SW-3.1-1": "`interop/multigram-go/x_test.go:TestDrop`, `sim/sim_d.c:none is kept`"}
GOOD = {
    SPECS["MG"]: MG, SPECS["SW"]: SW,
    PAGE: page({"MG-2-1": "A frame MUST be short.", "MG-2-2": "A frame SHOULD be sent, soon.",
                "SW-3.1-1": "It MUST be dropped, | `reason`"}, TESTS),
    UNIT: "Test(b, short_is_short)\n{\n}\n", "tests/unit/a/meson.build": "foreach stem : ['b']\n",
    "tests/netns/c.sh": "it || fail 'it does not come'\n", "tests/netns/meson.build": "foreach stem : ['c']\n",
    GO + "probe.go": 'p.rule(ok, "2 it is sent", got)\n', GO + "x_test.go": "func TestDrop(t *testing.T) {\n}\n",
    "tests/interop/meson.build": "['go_tests', 'rules']\n",
    "tests/sim/sim_d.c": "/* none is\n * kept */\nnone is kept\n", "tests/sim/meson.build": "'sim_d.c'\n",
    "multigram/vectors.json": '{"vectors": [{"name": "offer"}]}', "tests/vectors/meson.build": "['multigram']\n",
}


def changed(name, old, new):
    assert old in GOOD[name], (name, old)
    return {name: GOOD[name].replace(old, new)}


run(check, good=GOOD, bad=[
    changed(SPECS["MG"], "[MG-2-2] ", ""),  # a statement without an id
    changed(SPECS["MG"], "It may be empty.", "It MAY be empty."),  # a second sentence
    changed(SPECS["MG"], "# A\n", "# A\nA node SHOULD sleep.\n\n"),
    changed(SPECS["MG"], "MUST be short", "is short"),
    changed(SPECS["MG"], "[MG-2-2]", "[MG-2-1]"),
    changed(SPECS["MG"], "See MG-2-1", "See MG-2-7"),
    changed(SPECS["MG"], "[MG-2-2]", "[SW-2-2]"),
    changed(SPECS["MG"], "- [MG-2-2]", "- [MG-2-3] A frame MUST end.\n- [MG-2-2]"),  # no row
    changed(SPECS["SW"], "| [SW-3.1-1] |", "| [SW-3.1-1] | Or MAY not. |"),
    changed(SPECS["SW"], "[SW-3.1-1] | ", ""),
    {SPECS["MG"]: "", SPECS["SW"]: "", PAGE: page({}, {})},
    changed(PAGE, "| MG-2-2 |", "| MG-2-9 |"),
    changed(PAGE, TESTS["MG-2-2"], "?"),
    changed(PAGE, TESTS["MG-2-2"], "by reading"),
    changed(PAGE, "A frame MUST be short", "A frame MUST be long"),
    changed(UNIT, "short_is_short", "short_is_long"),
    changed(UNIT, "Test(b, short_is_short)", "/* Test(b, short_is_short) */"),
    changed("tests/unit/a/meson.build", "['b']", "[]  # 'b'"),
    changed("tests/netns/meson.build", "['c']", "[]"),
    changed("tests/netns/c.sh", "not come", "not go"),
    changed(PAGE, "c.sh:it does not come", "c.sh"),
    changed(GO + "probe.go", "2 it is sent", "2 it is not"),
    changed(GO + "x_test.go", "TestDrop", "TestDropped"),
    changed("tests/interop/meson.build", "'rules'", "'rule'"),
    changed("tests/sim/sim_d.c", "none is kept\n", "all are kept\n") | {"tests/sim/meson.build": "'sim_e.c'\n"},
    changed("tests/sim/meson.build", "sim_d.c", "sim_e.c"),
    changed("multigram/vectors.json", "offer", "answer"),
    changed("tests/vectors/meson.build", "multigram", "switch"),
])
