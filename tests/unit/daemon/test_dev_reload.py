#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Under --dev SIGHUP reads the file over what --dev started from: neither port nor key is missed."""
import tempfile

from rig import ENVIRONMENT, Daemon


class Dev(Daemon):
    options = ("--dev",)

    def configure(self, host):
        with open(self.name + ".yaml", "w", encoding="utf-8") as file:
            file.write(f"host: {host}\n")


with tempfile.TemporaryDirectory() as directory:
    ENVIRONMENT["XDG_RUNTIME_DIR"] = directory
    a = Dev(directory, "a", "{ perf: false }")
    a.reload("{ perf: true }")
    assert "config: reloaded" in a.said() and "after a restart" not in a.said(), a.said()
    a.end()
