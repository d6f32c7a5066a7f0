#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A NAT for one flow: forward.py LISTEN_PORT TO_ADDRESS TO_PORT [LIAR]. Forwards UDP both ways; on
SIGUSR1 it sends from a new source port, and nothing that is sent to the old one arrives. On SIGUSR2 it
lies: the next 20 datagrams go out from the address LIAR, and what comes there goes nowhere; then it
tells "lied SENT GOT", bytes of UDP payload."""
import select
import signal
import socket
import sys
import time

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
liar, lies, lied, got, tell_at = None, 0, 0, 0, None
if len(sys.argv) > 4:
    liar = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    liar.bind((sys.argv[4], 0))
    liar.connect(to)


def on_signal(_number, _frame):
    global rebind
    rebind = True


def on_lie(_number, _frame):
    global lies
    lies = 20


signal.signal(signal.SIGUSR1, on_signal)
signal.signal(signal.SIGUSR2, on_lie)
print("forwarding", flush=True)
while True:
    ready, _, _ = select.select([inside, outside] + ([liar] if liar else []), [], [], 0.05)
    if tell_at and time.monotonic() > tell_at:
        print("lied", lied, got, flush=True)
        tell_at = None
    if rebind:
        old, outside, rebind = outside, fresh(), False
        print("now from", outside.getsockname()[1], flush=True)
        old.close()
        continue
    try:
        if inside in ready:
            data, client = inside.recvfrom(2048)
            (liar if lies else outside).send(data)
            if lies:
                lies -= 1
                lied += len(data)
                tell_at = time.monotonic() + 2
        if liar in ready:
            got += len(liar.recv(2048))
        if outside in ready and client:
            inside.sendto(outside.recv(2048), client)
    except ConnectionRefusedError:
        pass
