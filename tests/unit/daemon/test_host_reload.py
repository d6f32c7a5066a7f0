#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What of the libp2p host a reload changes: a connected peer is told, by push."""
import json
import tempfile

from rig import Daemon, wait_for

PERF = "/perf/1.0.0"
MORE = "/ip4/127.0.0.1/tcp/4999"


def knows(protocols, addresses):
    """Whether a knows of b those that are True, and not those that are False."""
    known = json.loads(a.ask("-o", "json", "peers", "--known")[1])["known"]
    return bool(known) and all((text in known[0]["protocols"]) == wanted for text, wanted in protocols.items()) and all(
        (text in known[0]["addresses"]) == wanted for text, wanted in addresses.items())


def learns(protocols, addresses):
    wait_for(lambda: knows(protocols, addresses), lambda: a.ask("-o", "json", "peers", "--known"))


for threads in (0, 2):
    with tempfile.TemporaryDirectory() as directory:
        host = f"listen: [ /ip4/127.0.0.1/tcp/0 ], threads: {threads}"
        a = Daemon(directory, "a", f"{{ {host} }}")
        b = Daemon(directory, "b", f"{{ {host} }}")
        assert a.ask("connect", *b.tcp())[0] == 0
        learns({"/ipfs/ping/1.0.0": True, PERF: False}, {MORE: False})
        b.reload(f"{{ {host}, perf: true }}")
        learns({PERF: True}, {MORE: False})
        b.reload(f"{{ {host}, perf: true, announce_also: [ {MORE} ] }}")
        learns({PERF: True}, {MORE: True})
        b.reload(f"{{ {host} }}")
        learns({"/ipfs/ping/1.0.0": True, PERF: False}, {MORE: False})
        assert [peer["peer"] for peer in a.peers()] == [b.peer]  # still the one connection
        a.end()
        b.end()
