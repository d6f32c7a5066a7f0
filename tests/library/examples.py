#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The examples do what they say, over the loopback: examples.py ECHO CHAT PING TWO_PROTOCOLS."""
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

ECHO, CHAT, PING, TWO = sys.argv[1:5]
WAIT_S = 60  # until something is wrong; nothing depends on how fast it is
NOBODY = "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWNbJTzbUTCmSdHAwh8pQwjv9WHniy98KsoU6ZQjrXr6FV"


class Running:
    """A program with its lines, which are awaited."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.watchdog = threading.Timer(WAIT_S, self.process.kill)
        self.watchdog.start()

    def line(self):
        return self.process.stdout.readline().rstrip("\n")

    def type(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def end(self, how=signal.SIGTERM):
        if how:
            self.process.send_signal(how)
        status = self.process.wait()
        self.watchdog.cancel()
        for stream in (self.process.stdin, self.process.stdout):
            stream.close()
        return status


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, stdin=subprocess.DEVNULL)


class Examples(unittest.TestCase):
    def listen(self, *command):
        listener = Running(*command)
        self.addCleanup(listener.end)
        address = listener.line()
        self.assertRegex(address, r"^/ip4/127\.0\.0\.1/tcp/\d+/p2p/12D3\w+$")
        return listener, address

    def test_echo_sends_a_text_back(self):
        _, address = self.listen(ECHO)
        for text in ("hello", "", "x" * 60000):
            done = run(ECHO, address, text)
            self.assertEqual((done.returncode, done.stdout), (0, text + "\n"))

    def test_ping_tells_four_times(self):
        _, address = self.listen(PING)
        done = run(PING, address)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(re.findall(r"^\d+\.\d{3} ms$", done.stdout, re.M)), 4)

    def test_every_host_answers_pings(self):
        _, address = self.listen(CHAT)
        self.assertEqual(run(PING, address).returncode, 0)

    def test_ping_tells_when_the_other_side_goes(self):
        listener, address = self.listen(PING)
        listener.process.send_signal(signal.SIGSTOP)  # the kernel accepts, and nobody answers
        pings = Running(PING, address)
        listener.end(signal.SIGKILL)
        self.assertEqual(pings.end(None), 1)

    def test_a_key_keeps_the_peer_id(self):
        with tempfile.TemporaryDirectory() as folder:
            ids = set()
            for _ in range(2):
                listener, address = self.listen(PING, "-k", str(pathlib.Path(folder, "key")))
                ids.add(address.split("/")[-1])
                listener.end()
            self.assertEqual(len(ids), 1)

    def test_two_protocols_are_asked_at_once(self):
        _, address = self.listen(TWO)
        done = run(TWO, address, "quietly")
        self.assertEqual(done.returncode, 0)
        said = dict(line.split(": ", 1) for line in done.stdout.splitlines())
        self.assertEqual(said["/example/shout/1.0.0"], "QUIETLY")  # the second of its ids
        self.assertRegex(said["/example/time/1.0.0"], r"\d\d:\d\d:\d\d \d{4}$")

    def test_a_protocol_that_is_not_there_is_told(self):
        _, address = self.listen(PING)
        for command in (ECHO, TWO):
            done = run(command, address, "hello")
            self.assertEqual(done.returncode, 1)
            self.assertIn("the peer", done.stderr)

    def test_nobody_and_nonsense_are_told(self):
        for address in (NOBODY, "nonsense"):
            for command in ((ECHO, address, "x"), (PING, address), (TWO, address, "x")):
                done = run(*command)
                self.assertEqual(done.returncode, 1)
                self.assertIn(pathlib.Path(command[0]).name.removeprefix("example_"), done.stderr)

    def test_chat_carries_lines_both_ways(self):
        first, address = self.listen(CHAT)
        second = Running(CHAT, address)
        self.addCleanup(second.end)
        own = second.line()
        self.assertRegex(first.line(), rf"^{own[-6:]}: is here$")
        self.assertRegex(second.line(), rf"^{address[-6:]}: is here$")
        first.type("good morning\n")
        self.assertEqual(second.line(), f"{address[-6:]}: good morning")
        second.type("and to you\n\x1b[2Jboo\n")
        self.assertEqual(first.line(), f"{own[-6:]}: and to you")
        self.assertEqual(first.line(), f"{own[-6:]}: ?[2Jboo")  # no escape reaches the terminal
        second.process.stdin.close()
        self.assertEqual(second.end(None), 0)
        self.assertRegex(first.line(), rf"^{own[-6:]}: (is gone|has left)$")
        first.type("alone\n")  # to nobody; it goes on
        self.assertEqual(run(PING, address).returncode, 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
