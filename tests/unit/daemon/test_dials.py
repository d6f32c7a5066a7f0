#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`viaduct connect` of libp2p peers: two daemons and a DNS server on loopback; what works, and what is said else."""
import json
import re
import socket
import struct
import tempfile
import threading
import urllib.request

from rig import Daemon, wait_for

OTHER = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
ZONE = {}  # name: (type, data)


def serve_dns(server):
    """A and TXT from the zone; no such name for all others."""
    while True:
        question, client = server.recvfrom(4096)
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode().lower())
            at += 1 + question[at]
        end = at + 5
        kind, data = ZONE.get(".".join(labels), (0, b""))
        found = kind == struct.unpack(">H", question[at + 1:at + 3])[0]
        record = b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data if found else b""
        flags = 0x8180 if kind else 0x8183
        server.sendto(question[:2] + struct.pack(">HHHHH", flags, 1, found, 0, 0) + question[12:end] + record, client)


def connects(*words, to=None):
    peer = (to or b).peer
    status, said = a.ask("connect", *words)
    assert status == 0 and f"connection with {peer} is up" in said, (words, said)
    assert [p["peer"] for p in a.peers()] == [peer], a.peers()


def disconnects(other=None):
    other = other or b
    a.ask("disconnect", other.peer)
    wait_for(lambda: not a.peers() and not other.peers(), a.peers)


def learns(other):
    """Waits until a has addresses of the other, which identify tells."""
    wait_for(lambda: (a.known(other) or [None])[0], lambda: a.ask("peers", "--known"))


def refused(pattern, *words):
    status, said = a.ask("connect", *words)
    assert status and re.search(pattern, said), (words, said)


with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as dns:
    dns.bind(("127.0.0.1", 0))
    threading.Thread(target=serve_dns, args=(dns,), daemon=True).start()
    servers = f"127.0.0.1:{dns.getsockname()[1]}"
    a = Daemon(directory, "a", f'{{ listen: [ /ip4/127.0.0.1/tcp/0 ], dns: "{servers}" }}')
    b = Daemon(directory, "b", '{ listen: [ /ip4/0.0.0.0/tcp/0 ], no_announce: [ "0.0.0.0/0", "::/0" ] }')

    # A wildcard is told as addresses that can be dialled.
    assert not any("0.0.0.0" in address for address in b.tcp()), b.ready
    told = json.loads(b.ask("-o", "json", "id")[1])["addresses"]
    assert set(b.tcp()) <= set(told), told
    good = next(address for address in b.tcp() if address.startswith("/ip4/127.0.0.1/"))
    port = good.split("/")[4]
    dead = f"/ip4/127.0.0.1/tcp/1/p2p/{b.peer}"  # low ports are tried first

    # Several addresses at once; b sees the port that a listens on.
    connects(dead, good, f"/ip4/127.0.0.1/udp/{port}/quic-v1/p2p/{b.peer}")
    assert [p["address"] for p in b.peers()] == [a.tcp()[0].split("/p2p/")[0]], (b.peers(), a.ready)
    assert '"already": true' in a.ask("-o", "json", "connect", good)[1]
    assert a.ask("connect", f"/p2p/{b.peer}")[0] == 0  # there is a connection

    disconnects()

    # Names.
    ZONE["b.test"] = (1, socket.inet_aton("127.0.0.1"))
    connects(f"/dns4/b.test/tcp/{port}/p2p/{b.peer}")
    disconnects()
    text = f"dnsaddr=/dns4/b.test/tcp/{port}/p2p/{b.peer}".encode()
    ZONE["_dnsaddr.boot.test"] = (16, bytes([len(text)]) + text)
    connects(f"/dnsaddr/boot.test/p2p/{b.peer}")
    disconnects()

    # What fails says what, and the cure.
    refused(r"TXT of _dnsaddr\.nobody\.test: no such name; is it spelt right\?", f"/dnsaddr/nobody.test/p2p/{b.peer}")
    refused(r"none of its addresses ends as asked for; is the peer id right\?", f"/dnsaddr/boot.test/p2p/{OTHER}")
    refused(r"tcp/\d+: connection refused; 1 of no transport we have", dead,
            f"/ip4/127.0.0.1/udp/1/quic-v1/p2p/{b.peer}")
    refused(r"tcp/\d+: .*peer", good.replace(b.peer, OTHER))
    refused(r"does not say who is there; add /p2p/", good.split("/p2p/")[0])
    refused(r"of different peers", good, dead.replace(b.peer, OTHER))
    refused(r"this daemon itself", a.tcp()[0])
    refused(r"no address to try", f"/p2p/{OTHER}")
    connects(good)  # by hand there is no back-off
    disconnects()

    # A peer by itself: b has told no addresses, c has.
    refused(r"no address to try", f"/p2p/{b.peer}")
    c = Daemon(directory, "c", "{ listen: [ /ip4/127.0.0.1/tcp/0 ] }")
    connects(*c.tcp(), to=c)
    learns(c)
    disconnects(c)
    connects(f"/p2p/{c.peer}", to=c)
    disconnects(c)

    # A ping connects first, as `ipfs ping` does.
    status, said = a.ask("ping", "-n", "1", c.peer)
    assert status == 0 and f"answer from {c.peer}" in said, said
    assert [p["peer"] for p in a.peers()] == [c.peer], a.peers()
    status, said = a.ask("ping", "-n", "1", OTHER)
    assert status and "no address of it is known; name one to `viaduct connect`" in said, said
    status, said = a.ask("ping", "-n", "1", a.peer)
    assert status, said
    c.end()

    with urllib.request.urlopen(f"http://127.0.0.1:{a.port}/metrics", timeout=60) as page:
        metrics = page.read().decode()
    for sample in ('libp2p_swarm_dials_per_peer_total{outcome="success",num_dials="1"} ',
                   'libp2p_swarm_dials_per_peer_total{outcome="success",num_dials="2"} ',
                   'libp2p_swarm_dial_errors_total{transport="tcp",error="connection refused",ip_version="ip4"} '):
        assert sample in metrics and sample + "0\n" not in metrics, sample
    a.end()
    b.end()
