#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Four daemons that are asked, sent and told anything, in an order that ANYTHING_SEED draws, for ANYTHING_STEPS.

A router and three edges, with links, sessions and libp2p in two networks. Clients ask what there is to ask,
rightly and wrongly, and leave in the middle; sockets get garbage; configurations change; daemons are stopped,
killed, and drain. None may die of it, get stuck, or leak (which the sanitizers' build tells).

ANYTHING_TUN=1, in a network namespace of its own (tests/netns/anything.sh): each edge has a TUN, so that there
are sessions, and packets of hosts.
"""
import json
import os
import random
import signal
import socket
import tempfile

from rig import Daemon, make_key

SEED, STEPS = int(os.environ.get("ANYTHING_SEED", "1")), int(os.environ.get("ANYTHING_STEPS", "300"))
DRAW = random.Random(SEED)
HAS_TUN = "ANYTHING_TUN" in os.environ
HERE = f"127.{64 + (os.getpid() >> 16)}.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"  # the same ports after a restart
SILENT = 4000
SILENCE = socket.create_server((HERE, SILENT))  # who dials there waits
GREETINGS = [b"\x13/multistream/1.0.0\n\x07/noise\n", b"\x13/multistream/1.0.0\n\x0b/tls/1.0.0\n",
             b"GET /metrics HTTP/1.1\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n", b""]
COMMANDS = ("accounts connect disconnect peers known drain resolve trace id version status links sessions routes "
            "stats ping capture nonsense").split()
OF_PEERS = ("connect", "disconnect", "ping", "trace", "resolve")


def some(items, chance):
    return [item for item in items if DRAW.random() < chance]


def perhaps(text, chance=0.3):
    return text if DRAW.random() < chance else ""


class Node(Daemon):
    def __init__(self, folder, number):  # pylint: disable=super-init-not-called
        self.number, self.name, self.process = number, f"{folder}/n{number}", None
        self.peer = make_key(self.name + ".key")
        self.udp, self.tcp, self.private, self.http = (4001 + 4 * number + i for i in range(4))
        self.addresses = [f"/ip4/{HERE}/tcp/{port}/p2p/{self.peer}" for port in (self.tcp, self.private, SILENT)]
        self.link = f"/ip4/{HERE}/udp/{self.udp}/viaduct/p2p/{self.peer}"
        self.overlay = ""
        self.fixed = ""  # of the configuration: what only a restart changes

    def renew(self):
        """What a restart may change, drawn again."""
        networks = (f", networks: [ {{ name: private, key: {nodes[0].name}.swarm, "
                    f"listen: [ /ip4/{HERE}/tcp/{self.private} ] }} ]")
        self.fixed = (f"threads: {DRAW.choice([0, 0, 1, 2])}, listen: [ /ip4/{HERE}/tcp/{self.tcp} ]" +
                      perhaps(f", state: {self.name}.peers") + perhaps(networks, 0.5))

    def configure(self, host=""):
        others = [node for node in nodes if node is not self]
        if self.number == 0:
            link = (f"listen: [ /ip4/{HERE}/udp/{self.udp} ], state: {self.name}.state, tiers: [ {{ name: all, "
                    f"peers: any, realms: [ 1 ], call: true, reserve: true{perhaps(', pps: 100')} }} ]")
        else:
            routers = [nodes[0].link] + some([node.link for node in others[1:]], 0.3)
            link = f"routers: [ {', '.join(routers)} ], reserve: {DRAW.choice(['true'] * 9 + ['false'])}"
        connect = some([node.peer for node in others if node.number], 0.7) if self.number else []
        with open(self.name + ".yaml", "w", encoding="utf-8") as file:
            file.write(f"identity: {{ key: {self.name}.key }}\n"
                       f'dataplane: {{ ports: [ {{ name: u0, driver: udp, bind: "{HERE}:{self.udp}" }} ] }}\n'
                       f"link: {{ {link} }}\n"
                       f"session: {{ connect: [ {', '.join(connect)} ], "
                       f"allow: [ {', '.join(some([node.peer for node in others], 0.9))} ] }}\n"
                       f"{self.tun()}"
                       f"host: {{ {host or self.fixed}{perhaps(', perf: true')}"
                       f"{perhaps(', announce_also: [ /ip4/127.0.0.1/tcp/4999 ]')} }}\n"
                       f'api: {{ socket: {self.name}.sock, listen: "{HERE}:{self.http}" }}\n')

    def tun(self):
        return f"tun: {{ name: vd{self.number}, mtu: auto }}\n" if HAS_TUN and self.number else ""

    def start(self):
        self.renew()
        self.configure()
        super().start()

    def kill(self):
        self.look()
        self.process.kill()
        assert self.process.wait() == -signal.SIGKILL, self.said()[-4000:]
        self.process.stdout.close()
        self.log.close()

    def look(self):
        """Nothing that is asked ends it, nor draining."""
        assert self.process.poll() is None, (self.number, self.process.returncode, self.said()[-4000:])


# ---- what is asked ----

def argument():
    node = DRAW.choice(nodes)
    return DRAW.choice([node.peer, node.link, *node.addresses, f"/dns4/localhost/tcp/{node.tcp}/p2p/{node.peer}",
                        "private", "cancel", "start", "next", "stop", "x", "", "fd00::1", "3", "-1", "0" * 300,
                        "/ip4/127.0.0.1/tcp/1", "/dns4/localhost/tcp/1", "/dnsaddr/nowhere.invalid",
                        {"peer": node.peer}, {"drop": "no_route", "direction": "in"}, {}, [], 7, None])


def arguments(command):
    node = DRAW.choice(nodes)
    if DRAW.random() < 0.2:
        return [argument() for _ in range(DRAW.randrange(4))]
    if command in OF_PEERS:
        return [DRAW.choice([node.peer, node.link, *node.addresses])]
    if command == "capture":
        return DRAW.choice([["start", {}], ["start", {"peer": node.peer}], ["next", DRAW.randrange(9)],
                            ["stop", DRAW.randrange(9)]])
    return DRAW.choice([[], ["cancel"]]) if command == "drain" else []


def request():
    command = DRAW.choice(COMMANDS)
    line = json.dumps({"command": command, "args": arguments(command)}).encode()
    return (line[:DRAW.randrange(len(line))] if DRAW.random() < 0.02 else line) + b"\n"


# ---- steps ----

def come(node):
    client = socket.socket(socket.AF_UNIX)
    client.connect(node.name + ".sock")
    client.setblocking(False)
    clients.append(client)


def leave(_):
    if clients:
        clients.pop(DRAW.randrange(len(clients))).close()


def ask(_):
    if clients:
        DRAW.choice(clients).send(b"".join(request() for _ in range(DRAW.randrange(1, 4))))


def has_hung_up(client):
    try:
        while client.recv(1 << 16):
            pass
    except OSError as error:
        return not isinstance(error, BlockingIOError)
    return True


def read_all(_):
    for client in [client for client in clients if has_hung_up(client)]:
        client.close()
        clients.remove(client)


def speak_tcp(node):
    port = DRAW.choice([node.tcp, node.tcp, node.private, node.http])
    with socket.create_connection((HERE, port), 5) as one:
        one.send(DRAW.choice(GREETINGS) + DRAW.randbytes(DRAW.randrange(200)))
        one.settimeout(0.05)
        one.recv(1000)


def speak_udp(node):
    start = DRAW.choice([b"\0", b"\1", b"\2", b"\3", b"\4", b"\5", b"\x2f", b""])
    for _ in range(DRAW.choice([1, 1, 30])):
        datagrams.sendto(start + DRAW.randbytes(DRAW.choice([0, 3, 20, 100, 1200])), (HERE, node.udp))


def speak_overlay(node):
    """As a program on the edge's host."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, f"vd{node.number}".encode())
        for _ in range(20):
            one.sendto(DRAW.randbytes(DRAW.randrange(1400)), (DRAW.choice(nodes).overlay, 9))


def change(node):
    node.configure()
    node.process.send_signal(signal.SIGHUP)


def restart(node):
    DRAW.choice([node.end, node.end, node.kill])()
    node.start()


def wait_until_answered(node):
    assert node.ask("id")[0] == 0, node.said()[-4000:]


CHOICES = [(come, 6), (ask, 50), (leave, 4), (read_all, 10), (speak_tcp, 8), (speak_udp, 8), (change, 4), (restart, 2),
           (wait_until_answered, 4), (speak_overlay, 8 if HAS_TUN else 0)]

with tempfile.TemporaryDirectory() as directory:
    nodes, clients = [], []
    nodes += [Node(directory, number) for number in range(4)]
    with open(nodes[0].name + ".swarm", "w", encoding="utf-8") as key:
        key.write("/key/swarm/psk/1.0.0/\n/base16/\n" + "ab" * 32 + "\n")
    os.chmod(key.name, 0o600)
    for each in nodes:
        each.start()
        each.overlay = json.loads(each.ask("-o", "json", "id")[1])["overlay"]
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for step in range(STEPS):
        try:
            DRAW.choices([do for do, _ in CHOICES], [weight for _, weight in CHOICES])[0](DRAW.choice(nodes))
        except OSError:
            pass  # it hung up, does not read, or is not there just now
        for each in nodes:
            each.look()
    for each in nodes:
        each.look()
        each.end()
print(f"seed {SEED}, {STEPS} steps: no daemon died")
