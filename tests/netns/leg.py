#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A leg of a path that can get worse: leg.py LISTEN_ADDRESS LISTEN_PORT TO_ADDRESS TO_PORT DELAY_MS LOSS_PERCENT.
Forwards UDP both ways; between one SIGUSR1 and the next each packet is delayed, and some are lost."""
import heapq
import random
import select
import signal
import socket
import sys
import time

delay, loss = float(sys.argv[5]) / 1000, float(sys.argv[6]) / 100
inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
inside.bind((sys.argv[1], int(sys.argv[2])))
outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
outside.connect((sys.argv[3], int(sys.argv[4])))
client, worse, held, number = None, False, [], 0
random.seed(1)


def on_signal(_number, _frame):
    global worse
    worse = not worse


signal.signal(signal.SIGUSR1, on_signal)
while True:
    wait = max(0, held[0][0] - time.monotonic()) if held else None
    for ready in select.select([inside, outside], [], [], wait)[0]:
        try:
            packet, peer = ready.recvfrom(4096)
        except ConnectionError:
            continue
        if ready is inside:
            client = peer
        if worse and random.random() < loss:
            continue
        number += 1
        heapq.heappush(held, (time.monotonic() + (delay if worse else 0), number, ready is inside, packet))
    while held and held[0][0] <= time.monotonic():
        _at, _number, out, packet = heapq.heappop(held)
        try:
            if out:
                outside.send(packet)
            elif client:
                inside.sendto(packet, client)
        except ConnectionError:
            pass
