#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What a private network has of its own: addresses that are told, with SIGHUP too; peers that are remembered."""
import os
import secrets
import subprocess
import tempfile

from rig import ENVIRONMENT, VIADUCTD, Daemon, wait_for


def make_key(name):
    path = f"{directory}/{name}"
    with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
        file.write(f"/key/swarm/psk/1.0.0/\n/base16/\n{secrets.token_hex(32)}")
    return path


def host(key, *more):
    """In both networks; the announcements of the public one are nobody's business in the other."""
    rows = ", ".join(("name: n", f"key: {key}", "listen: [ /ip4/127.0.0.1/tcp/0 ]", *more))
    return ("{ listen: [ /ip4/127.0.0.1/tcp/0 ], announce: [ /dns4/public.test/tcp/1 ], "
            f"networks: [ {{ {rows} }} ] }}")


def a_knows(addresses, connected):
    wait_for(lambda: a.known(b) == (addresses, connected), lambda: (a.known(b), addresses))


with tempfile.TemporaryDirectory() as directory:
    psk = make_key("psk")
    state = f"state: {directory}/a.peers"
    a = Daemon(directory, "a", host(psk, state))
    b = Daemon(directory, "b", host(psk, "announce: [ /dns4/b.test/tcp/1 ]", "announce_also: [ /dns4/also.test/tcp/1 ]"))
    status, said = a.ask("connect", "--network", "n", b.tcp()[1])
    assert status == 0, said
    a_knows(["/dns4/b.test/tcp/1", "/dns4/also.test/tcp/1"], True)

    # With SIGHUP, without a restart.
    b.reload(host(psk, "announce: [ /dns4/c.test/tcp/1 ]"))
    a_knows(["/dns4/c.test/tcp/1"], True)
    b.reload(host(psk, 'no_announce: [ "127.0.0.0/8" ]', "announce_also: [ /dns4/d.test/tcp/1 ]"))
    a_knows(["/dns4/d.test/tcp/1"], True)
    assert "only after a restart" not in b.said(), b.said()
    b.reload(host(make_key("another")))
    assert "key=host.networks" in b.said(), b.said()

    # Remembered.
    b.end()
    a.end()
    a.start()
    a_knows(["/dns4/d.test/tcp/1"], False)
    assert "peers known from before network=n peers=1" in a.said(), a.said()
    a.end()

    # In no other network.
    for other in (host(make_key("third"), state), f"{{ listen: [ /ip4/127.0.0.1/tcp/0 ], {state} }}"):
        a.configure(other)
        done = subprocess.run([VIADUCTD, "--config", a.name + ".yaml"], capture_output=True, text=True, timeout=60,
                              env=ENVIRONMENT, check=False)
        assert done.returncode == 1 and "of another network; name another file" in done.stderr, done
        assert ("host.networks n: state: " if "networks" in other else "host.state: ") in done.stderr, done
