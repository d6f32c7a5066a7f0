#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""One TCP connection: `sink ADDRESS PORT` tells each megabyte that came, `source ADDRESS PORT`
sends until it is ended, at most MEGABITS a second so that both cores stay free."""
import socket
import sys
import time

CHUNK = 32768
MEGABITS = 16


def sink(address):
    server = socket.create_server(address, family=socket.AF_INET6)
    print("listening", flush=True)
    connection, _ = server.accept()
    total = told = 0
    while data := connection.recv(CHUNK):
        total += len(data)
        while told < total >> 20:
            told += 1
            print("megabyte", told, flush=True)


def source(address):
    connection = socket.create_connection(address)
    while True:
        began = time.monotonic()
        connection.sendall(bytes(CHUNK))
        rest = CHUNK * 8 / (MEGABITS * 1e6) - (time.monotonic() - began)
        if rest > 0:
            time.sleep(rest)  # the rate


{"sink": sink, "source": source}[sys.argv[1]]((sys.argv[2], int(sys.argv[3])))
