#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""shellcheck over every shell script."""
import shutil
import subprocess
import sys

from lint import SKIP, run, text

if not shutil.which("shellcheck"):
    print("skip: no shellcheck; scripts/setup installs it")
    sys.exit(SKIP)


def is_shell(root, name):
    return name.endswith(".sh") or text(root, name)[:20].startswith(("#!/bin/sh", "#!/bin/bash"))


def check(root, files):
    names = [name for name in files if not name.endswith((".c", ".h", ".py", ".md")) and is_shell(root, name)]
    if not names:
        return
    done = subprocess.run(["shellcheck", "-x", "-f", "gcc", *names], cwd=root,
                          capture_output=True, text=True)
    yield from done.stdout.splitlines()


run(check, good={"a": '#!/bin/sh\nset -eu\necho "$1"\n'}, bad=[{"a": "#!/bin/sh\ncd $1\nrm $2\n"}])
