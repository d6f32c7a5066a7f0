#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The corpus replayer runs every file and its neighbours, and fails where it must."""
import pathlib
import subprocess
import sys
import tempfile


def replay(program, folder):
    done = subprocess.run([program, folder], capture_output=True, text=True)
    return done.returncode, done.stdout


with tempfile.TemporaryDirectory() as temp:
    program, folder = sys.argv[1], pathlib.Path(temp)
    code, _ = replay(program, folder)
    assert code != 0, "an empty corpus must fail"
    code, _ = replay(program, folder / "absent")
    assert code != 0, "an absent corpus must fail"
    (folder / "a").write_bytes(b"xyz")
    (folder / "empty").write_bytes(b"")
    code, out = replay(program, folder)
    assert code == 0, out
    assert "replay: 2 files, 8 inputs" in out, out  # xyz, 3 prefixes, 3 flips; and the empty one
    # One bit away from a crash: only the flips find it. 'c' is 0x63, 'b' is 0x62.
    (folder / "b").write_bytes(b"brash")
    code, _ = replay(program, folder)
    assert code != 0, "a crash one bit away must be found"
print("replay: ok")
