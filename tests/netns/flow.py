#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A UDP flow whose losses are counted: `flow.py echo PORT` sends back what comes; `flow.py send
ADDRESS PORT` sends 200 numbered packets a second until SIGTERM, waits for the last answers, and
prints "sent N answered N lost N gap_ms N" (the longest time without an answer), and which were not answered."""
import signal
import socket
import struct
import sys
import time

flow = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
flow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)

if sys.argv[1] == "echo":
    flow.bind(("::", int(sys.argv[2])))
    print("begun", flush=True)
    while True:
        packet, peer = flow.recvfrom(2048)
        flow.sendto(packet, peer)

over = False


def on_signal(_number, _frame):
    global over
    over = True


signal.signal(signal.SIGTERM, on_signal)
flow.connect((sys.argv[2], int(sys.argv[3])))
answered, sent, gap = set(), 0, 0.0
begin = last = time.monotonic()
ended = None
print("begun", flush=True)
while ended is None or (len(answered) < sent and time.monotonic() < ended + 2):
    now = time.monotonic()
    if ended is None and over:
        ended = now
    if ended is None and now >= begin + sent / 200:
        flow.send(struct.pack("!Q", sent) + bytes(92))
        sent += 1
    flow.settimeout(max(0.0005, begin + sent / 200 - time.monotonic()) if ended is None else 0.1)
    try:
        answered.add(struct.unpack("!Q", flow.recv(2048)[:8])[0])
    except (TimeoutError, ConnectionError):
        continue
    gap, last = max(gap, time.monotonic() - last), time.monotonic()
print(f"sent {sent} answered {len(answered)} lost {sent - len(answered)} gap_ms {gap * 1000:.0f}")
if len(answered) < sent:
    print("not answered:", *sorted(set(range(sent)) - answered)[:50])
