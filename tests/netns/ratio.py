#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""ratio.py ADDRESS PORT: what a stranger's datagrams are answered with, bytes of UDP payload, kind by kind.

Prints a line for each kind; fails when one was answered with more bytes than it had, or when lost frames are reported
more often than 10 times a second (switch/SPEC.md, 4.5).
"""
import os
import select
import socket
import sys
import time

TIMES = 10  # datagrams of a kind
QUIET = 0.06  # seconds without an answer, after which none is waited for
REFILL = 1.1  # seconds after which a node may send 10 reports of lost frames again


def handshake(kind, sender, receiver, body):
    return bytes([4, kind]) + sender + receiver + body


def varint2(n):
    return bytes([n & 0x7F | 0x80, n >> 7])


def first(cookie=bytes(16), length=1024):
    """Well formed: its payload is an extension of nothing but padding (switch/SPEC.md, 3.2)."""
    left = length - 10 - 32 - 16
    payload = b"\x22" + varint2(left - 3) + b"\x92\x41" + varint2(left - 7) + b"\x7a" + varint2(left - 10)
    head = handshake(1, os.urandom(4), bytes(4), os.urandom(32) + payload)
    return head + bytes(length - len(head) - len(cookie)) + cookie


def broken_first():
    frame = bytearray(first())
    frame[42:52] = os.urandom(10)
    return bytes(frame)


again = first()
KINDS = {
    "message 1": first,
    "message 1, again and again": lambda: again,
    "message 1, 1,400 bytes": lambda: first(length=1400),
    "message 1, 1,023 bytes": lambda: first(length=1023),
    "message 1, header only": lambda: first()[:10],
    "message 1, broken payload": broken_first,
    "message 1, made-up cookie": lambda: first(os.urandom(16)),
    "message 2": lambda: handshake(2, os.urandom(4), os.urandom(4), os.urandom(200)),
    "message 3": lambda: handshake(3, os.urandom(4), os.urandom(4), os.urandom(180)),
    "cookie frame": lambda: handshake(4, bytes(4), os.urandom(4), os.urandom(24)),
    "handshake of an unknown type": lambda: handshake(9, os.urandom(4), os.urandom(4), os.urandom(100)),
    "sealed frame, 14 bytes": lambda: b"\5" + os.urandom(13),
    "sealed frame": lambda: b"\5" + os.urandom(40),
    "sealed frame, 13 bytes": lambda: b"\5" + os.urandom(12),
    "switch frame": lambda: b"\6" + os.urandom(60),
    "switch frame, empty": lambda: b"\6" + os.urandom(32),
    "switch frame, 14 bytes": lambda: b"\6" + os.urandom(13),
    "report": lambda: b"\7" + os.urandom(15),
    "report of lost frames": lambda: b"\7\0" + os.urandom(12),
    "bare setup": lambda: bytes.fromhex("0051a1626964480001020304050607"),
    "control outside a seal": lambda: b"\x08" + os.urandom(20),
    "STUN": lambda: bytes.fromhex("000100002112a442") + os.urandom(12),
    "QUIC": lambda: b"\xc3" + os.urandom(1199),
    "one byte": lambda: b"\4",
    "nothing": lambda: b"",
}


# Reported as lost, which has a rate for all of them: two of each are within it.
REPORTED = ("sealed frame, 14 bytes", "sealed frame", "switch frame", "switch frame, empty", "switch frame, 14 bytes")
# Else a router that says nothing at all would pass.
ANSWERED = ("message 1", "sealed frame", "switch frame", "switch frame, empty")


def received(sock):
    """Bytes that came; until nothing more has come for a while."""
    total = 0
    while select.select([sock], [], [], QUIET)[0]:
        try:
            total += len(sock.recv(4096))
        except ConnectionError:
            pass  # an ICMP error is the kernel's
    return total


def connected(address, port):
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((address, port))
    return sock


def reports(address, port):
    """How many of 100 lost frames are reported, and how many may be: a second's worth, and what time brought."""
    time.sleep(REFILL)
    began = time.monotonic()
    with connected(address, port) as sock:
        for _ in range(100):
            sock.send(KINDS["sealed frame"]())
        came = received(sock) // len(b"\7\0" + bytes(12))
    return came, 10 + 10 * (time.monotonic() - began)


def main():
    address, port = sys.argv[1], int(sys.argv[2])
    worst, silent = 0.0, []
    time.sleep(REFILL)  # whatever was reported before
    for name, make in KINDS.items():
        with connected(address, port) as sock:
            came_in = came_out = 0
            for _ in range(2 if name in REPORTED else TIMES):
                datagram = make()
                sock.send(datagram)
                came_in += len(datagram)
            came_out = received(sock)
        ratio = came_out / came_in if came_in else float(came_out)
        worst = max(worst, ratio)
        print(f"\t{name}: {came_in} in, {came_out} out, {ratio:.3f}")
        if name in ANSWERED and not came_out:
            silent.append(name)
    print(f"\tworst {worst:.3f}")
    came, may = reports(address, port)
    print(f"\treports of 100 lost frames: {came}, of at most {may:.0f}")
    if silent:
        print("\tnot answered: " + "; ".join(silent))
    sys.exit(worst > 1 or bool(silent) or not 10 <= came <= may)


if __name__ == "__main__":
    main()
