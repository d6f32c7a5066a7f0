#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Datagrams at a rate, and what of them arrives.

rates.py send ADDRESS PORT PER_SECOND SECONDS BYTES
rates.py recv ADDRESS PORT SKIP SECONDS: from SKIP s after the first datagram on, for SECONDS, by the
receiver's own clock: a line for each sender, "ADDRESS DATAGRAMS PER_SECOND".
"""
import collections
import socket
import sys
import time

how, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
if how == "send":
    per_s, seconds, size = float(sys.argv[4]), float(sys.argv[5]), int(sys.argv[6])
    udp.connect((address, port))
    begun, sent = time.monotonic(), 0
    while (passed := time.monotonic() - begun) < seconds:
        while sent < passed * per_s:
            try:
                udp.send(bytes(size))
            except OSError:
                pass  # a full queue: as lost
            sent += 1
        time.sleep(0.001)
    print("sent", sent)
else:
    skip, seconds = float(sys.argv[4]), float(sys.argv[5])
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    udp.bind((address, port))
    udp.settimeout(20)
    print("listening", flush=True)
    udp.recv(2048)
    begun = time.monotonic()
    counts, first, last = collections.Counter(), None, None
    udp.settimeout(0.5)
    while (now := time.monotonic()) < begun + skip + seconds:
        try:
            source = udp.recvfrom(2048)[1][0]
        except socket.timeout:
            continue
        now = time.monotonic()
        if now < begun + skip:
            continue
        first, last = first or now, now
        counts[source] += 1
    for source, count in counts.items():
        print(source, count, round((count - 1) / (last - first), 2))
    print("all", sum(counts.values()), round((sum(counts.values()) - 1) / (last - first), 2))
