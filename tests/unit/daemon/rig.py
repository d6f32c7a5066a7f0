# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Daemons on loopback, for tests of the programs: test_*.py VIADUCTD VIADUCT."""
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import time

VIADUCTD, VIADUCT = sys.argv[1:3]
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("VIADUCT_")} | {"VIADUCT_USER": "root"}


def closed_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(met, explain):
    until = time.monotonic() + 20
    while not met():
        assert time.monotonic() < until, explain()
        time.sleep(0.02)  # between two looks


def make_key(file):
    """Its peer id."""
    return subprocess.run([VIADUCT, "key", "gen", file], capture_output=True, text=True, check=True).stdout.strip()


class Daemon:
    options = ()

    def __init__(self, folder, name, host):
        self.folder, self.name = folder, f"{folder}/{name}"
        self.peer = make_key(self.name + ".key")
        self.port = closed_port()
        self.configure(host)
        self.start()

    def configure(self, host):
        with open(self.name + ".yaml", "w", encoding="utf-8") as file:
            file.write(f"identity: {{ key: {self.name}.key }}\n"
                       'dataplane: { ports: [ { name: u0, driver: udp, bind: "127.0.0.1:0" } ] }\n'
                       f"host: {host}\n"
                       f'api: {{ socket: {self.name}.sock, listen: "127.0.0.1:{self.port}" }}\n')

    def start(self):
        self.log = open(self.name + ".log", "w+", encoding="utf-8")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen([VIADUCTD, *self.options, "--config", self.name + ".yaml"], stdout=subprocess.PIPE,
                                        stderr=self.log, text=True, env=ENVIRONMENT)
        atexit.register(self.process.kill)  # if the test fails; does nothing to one that has ended
        self.ready = self.process.stdout.readline().strip()
        if not self.ready.startswith("ready "):
            sys.exit(f"{self.name} is not ready: {self.said()}")

    def said(self):
        with open(self.name + ".log", encoding="utf-8") as log:
            return log.read()

    def reloads(self):
        """How many were done, in either format of the log; "not reloaded" is none."""
        return self.said().count("config: reloaded") + self.said().count('"message":"reloaded"')

    def reload(self, host):
        before = self.reloads()
        self.configure(host)
        self.process.send_signal(signal.SIGHUP)
        wait_for(lambda: self.reloads() > before, self.said)

    def ask(self, *words):
        done = subprocess.run([VIADUCT, "--api", self.name + ".sock", *words], capture_output=True, text=True,
                              timeout=60, env=ENVIRONMENT)
        return done.returncode, done.stdout + done.stderr

    def peers(self):
        return json.loads(self.ask("-o", "json", "peers")[1])["peers"]

    def known(self, other):
        """The addresses that it knows of the other, and whether it is connected; None: nothing is known."""
        for known in json.loads(self.ask("-o", "json", "peers", "--known")[1])["known"]:
            if known["peer"] == other.peer:
                return known["addresses"], known["connected"]
        return None

    def tcp(self):
        return [a for a in self.ready.split("listen=")[1].split(",") if "/tcp/" in a]

    def end(self):
        self.process.terminate()
        assert self.process.wait(60) == 0, (self.process.returncode, self.said()[-4000:])
        self.process.stdout.close()
        self.log.close()
