#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A daemon that is told to end while clients ask it and signals come: it ends well, whoever is in the middle."""
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading

from rig import Daemon, make_key

CLIENTS = 4
BATCH = b"".join(b'{"command":"%s","args":[]}\n' % name for name in
                 (b"id", b"status", b"links", b"sessions", b"routes", b"stats", b"peers", b"version"))


def ask_on(path):
    """Until it hangs up."""
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(path)
        connected.release()
        try:
            while one.send(BATCH) and one.recv(1 << 16):
                pass
        except OSError:
            pass


def reload_often(daemon):
    """Until it has ended."""
    while True:
        try:
            daemon.process.wait(0.02)
            return
        except subprocess.TimeoutExpired:
            daemon.process.send_signal(signal.SIGHUP)


for threads in (0, 2):
    for _ in range(2):
        with tempfile.TemporaryDirectory() as directory:
            host = f"listen: [ /ip4/127.0.0.1/tcp/0 ], threads: {threads}"
            a = Daemon(directory, "a", f"{{ {host} }}")
            b = Daemon(directory, "b", f"{{ {host} }}")
            assert a.ask("connect", *b.tcp())[0] == 0
            connected = threading.Semaphore(0)
            crowd = [threading.Thread(daemon=True, target=ask_on, args=(a.name + ".sock",)) for _ in range(CLIENTS)]
            crowd.append(threading.Thread(daemon=True, target=reload_often, args=(a,)))
            for one in crowd:
                one.start()
            for _ in range(CLIENTS):
                connected.acquire()
            a.end()
            for one in crowd:
                one.join()
            b.end()

# As many dials as may wait, and one more request, held back until the first is answered: each is told.
WAITING = 16
with tempfile.TemporaryDirectory() as directory:
    with open(f"{directory}/swarm.key", "w", encoding="utf-8") as key:
        key.write("/key/swarm/psk/1.0.0/\n/base16/\n" + "ab" * 32 + "\n")
    os.chmod(key.name, 0o600)
    listen = "listen: [ /ip4/127.0.0.1/tcp/0 ]"
    a = Daemon(directory, "a", f"{{ {listen}, networks: [ {{ name: other, key: {key.name}, {listen} }} ] }}")
    with socket.create_server(("127.0.0.1", 0)) as silence, socket.socket(socket.AF_UNIX) as client:
        nobody = f"/ip4/127.0.0.1/tcp/{silence.getsockname()[1]}/p2p/{make_key(directory + '/nobody.key')}"
        client.connect(a.name + ".sock")
        for arguments in [[nobody, "other"]] * WAITING + [[nobody]]:
            client.send(json.dumps({"command": "connect", "args": arguments}).encode() + b"\n")
        dialled = silence.accept()[0]
        a.ask("status")  # so that it read the others
        a.end()
        answers = client.makefile().readlines()
        dialled.close()
        assert len(answers) == WAITING + 1 and all("error" in json.loads(answer) for answer in answers), answers
