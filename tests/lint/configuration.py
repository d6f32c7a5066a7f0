#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""docs/configuration.md is what the daemon prints; `configuration.py VIADUCTD --write` makes it anew."""
import subprocess
import sys

from lint import ROOT

page = ROOT / "docs/configuration.md"
wanted = subprocess.run([sys.argv[1], "--config-reference"], capture_output=True, text=True, check=True).stdout
if len(wanted.splitlines()) < 20:
    sys.exit(f"configuration: the daemon prints no reference:\n{wanted}")
if sys.argv[2:] == ["--write"]:
    page.write_text(wanted)
elif not page.exists() or page.read_text() != wanted:
    sys.exit(f"configuration: docs/configuration.md differs from the daemon's table of keys; "
             f"run tests/lint/configuration.py {sys.argv[1]} --write")
