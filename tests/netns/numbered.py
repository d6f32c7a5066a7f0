#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A numbered stream of datagrams, 250 a second: `send ADDRESS COUNT`, `recv ADDRESS COUNT`."""
import socket
import sys
import time

PORT = 7007
verb, address, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
if verb == "send":
    begin = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, begin + number / 250 - time.monotonic()))
        sock.sendto(number.to_bytes(4, "big") + bytes(200), (address, PORT))
else:
    sock.bind((address, PORT))
    sock.settimeout(5)
    print("ready", flush=True)
    seen, got = set(), 0
    try:
        # half a second more once all are there: for those that come twice
        while True:
            seen.add(int.from_bytes(sock.recv(2048)[:4], "big"))
            got += 1
            if len(seen) == count:
                sock.settimeout(0.5)
    except TimeoutError:
        pass
    print(f"got {got} distinct {len(seen)} again {got - len(seen)}", flush=True)
