#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""-Wthread-safety sees a function of one thread called from another (base/thread.h).

The clang build of scripts/test holds the whole program to it; this shows that it would notice.
"""
import shutil
import subprocess
import sys

from lint import ROOT, SKIP

SOURCE = """
#include "base/thread.h"
void publish(void) ON_CONTROL;
void worker(void *unused);
void worker(void *unused)
{
	(void)unused;
	%s
	publish();
}
"""

if not shutil.which("clang"):
    print("skip: no clang; scripts/setup installs it")
    sys.exit(SKIP)


def compiles(role):
    done = subprocess.run(
        ["clang", "-std=gnu2x", "-Wthread-safety", "-Werror", "-fsyntax-only", f"-I{ROOT}", "-x", "c", "-"],
        input=SOURCE % role, capture_output=True, text=True)
    return done.returncode == 0, done.stderr


ok, why = compiles("vd_role_control();")
if not ok:
    sys.exit(f"thread_safety: the right role is refused:\n{why}")
for role in ("", "vd_role_worker();", "vd_role_stream();"):
    ok, why = compiles(role)
    if ok or "thread-safety" not in why:
        sys.exit(f"thread_safety: a call from the wrong thread passes ({role or 'no role'})")
print("thread_safety: 3 of 3 planted calls from the wrong thread are seen")
