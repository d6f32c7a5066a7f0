#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A NAT for one flow: forward.py LISTEN_PORT TO_ADDRESS TO_PORT. Forwards UDP both ways; on
SIGUSR1 it sends from a new source port, and nothing that is sent to the old one arrives."""
import select
import signal
import socket
import sys

listen, to = int(sys.argv[1]), (sys.argv[2], int(sys.argv[3]))
inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
inside.bind(("0.0.0.0", listen))
client = None


def fresh():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect(to)
    return s


outside = fresh()
rebind = False


def on_signal(_number, _frame):
    global rebind
    rebind = True


signal.signal(signal.SIGUSR1, on_signal)
print("forwarding", flush=True)
while True:
    ready, _, _ = select.select([inside, outside], [], [], 0.05)
    if rebind:
        old, outside, rebind = outside, fresh(), False
        print("now from", outside.getsockname()[1], flush=True)
        old.close()
        continue
    try:
        if inside in ready:
            data, client = inside.recvfrom(2048)
            outside.send(data)
        if outside in ready and client:
            inside.sendto(outside.recv(2048), client)
    except ConnectionRefusedError:
        pass
