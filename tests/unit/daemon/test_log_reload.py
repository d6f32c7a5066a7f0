#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The log's format is that of the configuration reloaded last."""
import json
import tempfile

from rig import Daemon

HOST = "{ listen: [ /ip4/127.0.0.1/tcp/0 ] }"


def is_json(line):
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def last_line():
    return a.said().strip().split("\n")[-1]


with tempfile.TemporaryDirectory() as directory:
    a = Daemon(directory, "a", HOST)
    a.reload(HOST)
    assert not is_json(last_line()), a.said()
    a.reload(HOST + "\nlog: { format: json }")
    assert is_json(last_line()) and "reloaded" in last_line(), a.said()
    a.reload(HOST + "\nlog: { format: text }")
    assert not is_json(last_line()), a.said()
    a.end()
