#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Who may include whom (docs/architecture.md, Folders).

Includes of ours are written from the root. A folder sees itself and the folders listed for it; only
the folders listed for a library see that library's headers.
"""
import re

from lint import SPDX, of_c, run, text

PAGE = "docs/architecture.md"
CONTROL = {"base", "multigram", "switch", "dht"}
SEES = {
    "base": set(),
    "multigram": {"base"},
    "switch": {"base", "multigram"},
    "dht": {"base"},
    "dataplane": {"base", "multigram", "switch"},
    "controlplane/proto": CONTROL,
    "controlplane/loop": CONTROL | {"controlplane/proto"},
    "controlplane/host": CONTROL | {"controlplane/proto", "controlplane/loop"},
    "controlplane/route": CONTROL | {"controlplane/proto", "controlplane/loop"},
    "controlplane/api": CONTROL | {"controlplane/proto", "controlplane/loop", "controlplane/route"},
    "controlplane/daemon": CONTROL | {"dataplane", "controlplane/proto", "controlplane/loop",
                                      "controlplane/host", "controlplane/route", "controlplane/api"},
}
# Folders that are not of the program: they see everything, but the program does not see them.
OUTSIDE = ("bench", "examples", "tests")
LIBRARIES = {
    re.compile(r"rte_"): {"dataplane", "bench", "tests"},
    re.compile(r"urcu"): {"switch", "dataplane", "controlplane/route", "controlplane/loop",
                          "controlplane/daemon", "bench", "tests"},
    re.compile(r"uv\.h"): {"controlplane/loop", "controlplane/host", "controlplane/api",
                           "controlplane/daemon", "examples", "tests"},
    re.compile(r"ares\.h"): {"controlplane/loop"},
    re.compile(r"openssl/|secp256k1"): {"controlplane/proto", "bench", "tests"},
    re.compile(r"sys/socket\.h|sys/epoll\.h|libmnl/"): {
        "dataplane", "controlplane/loop", "controlplane/host", "controlplane/api",
        "controlplane/daemon", "bench", "tests"},
}


def folder_of(name):
    parts = name.split("/")
    if parts[0] == "controlplane" and len(parts) > 2:
        return "/".join(parts[:2])
    return parts[0]


def check_include(folder, name, line, quoted, target):
    if quoted:
        if "/" not in target and target.endswith(".pb-c.h"):
            return  # generated beside the file that includes it
        if "/" not in target:
            yield f'{name}:{line}: "{target}": write it from the root'
            return
        if folder == "examples":
            yield f"{name}:{line}: examples are programs of users: <viaduct/….h>, not {target}"
            return
        to = folder_of(target)
        if folder in SEES and to != folder and to not in SEES[folder]:
            yield f"{name}:{line}: {folder}/ may not include {target}"
        return
    for pattern, allowed in LIBRARIES.items():
        if pattern.match(target) and folder not in allowed:
            yield f"{name}:{line}: {folder}/ may not include <{target}>"


def check_page(root):
    block = text(root, PAGE).split("## Folders", 1)[-1].split("```")[1]
    rows = {row for line in block.split("\n") for row in re.findall(r"^ *([a-z/]+)/", line)}
    for folder in SEES:
        if folder.rsplit("/", 1)[-1] not in rows:
            yield f"{PAGE}: Folders has no row of {folder}/"


def check(root, files):
    if PAGE in files:
        yield from check_page(root)
    for name in of_c(files):
        folder = folder_of(name)
        if folder not in SEES and folder not in OUTSIDE:
            yield f"{name}: {folder}/ is not in the table of folders; add it there and here"
            continue
        for line, content in enumerate(text(root, name).split("\n"), 1):
            found = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', content)
            if found:
                yield from check_include(folder, name, line, found[1] == '"', found[2])


run(check,
    good={"switch/a.c": SPDX + '#include <stdint.h>\n#include "base/bytes.h"\n#include "switch/a.h"\n',
          "controlplane/daemon/main.c": SPDX + '#include "dataplane/dataplane.h"\n',
          "tests/unit/base/test_a.c": SPDX + '#include "base/bytes.h"\n'},
    bad=[{"base/a.c": '#include "switch/link.h"\n'},
         {"switch/a.c": '#include "dataplane/dataplane.h"\n'},
         {"switch/a.c": "#include <rte_mbuf.h>\n"},
         {"switch/a.c": '# include "controlplane/proto/noise.h"\n'},
         {"dataplane/a.c": '#include "controlplane/route/route.h"\n'},
         {"controlplane/route/a.c": '#include "dataplane/dataplane.h"\n'},
         {"controlplane/proto/a.c": '#include "controlplane/loop/loop.h"\n'},
         {"controlplane/proto/a.c": "#include <uv.h>\n"},
         {"base/a.c": "#include <openssl/evp.h>\n"},
         {"multigram/a.c": "#include <sys/socket.h>\n"},
         {"base/a.c": '#include "bytes.h"\n'},
         {"base/a.c": '#include "tests/unit/x.h"\n'},
         {"examples/a.c": '#include "base/bytes.h"\n'},
         {"elsewhere/a.c": SPDX},
         {PAGE: "## Folders\n```\nbase/ what\n```\n"}])
