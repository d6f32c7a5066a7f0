#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`viaduct connect` of links: a failed one changes nothing. Daemons on loopback, links to routers."""
import json
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from rig import Daemon, wait_for


# An address of this run's own: nobody takes its ports while a daemon is down.
HERE = f"127.67.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
TIERS = "tiers: [ { name: all, peers: any, realms: [ 1 ], call: true, reserve: true } ]"


class Node(Daemon):
    """With UDP ports of its own, and a section `link`."""
    def __init__(self, name, ports, link, host="{ threads: 0 }"):
        self.ports, self.link = ports, link
        super().__init__(directory, name, host)

    def configure(self, host):
        rows = ", ".join(f'{{ name: u{at}, driver: udp, bind: "{HERE}:{port}" }}' for at, port in enumerate(self.ports))
        with open(self.name + ".yaml", "w", encoding="utf-8") as file:
            file.write(f"identity: {{ key: {self.name}.key }}\n"
                       f"dataplane: {{ workers: 1, ports: [ {rows} ] }}\nlink: {self.link}\nhost: {host}\n"
                       f'api: {{ socket: {self.name}.sock, listen: "{HERE}:{self.ports[0]}" }}\n')

    def links(self):
        return {link["peer"]: link for link in json.loads(self.ask("-o", "json", "links")[1])["links"]}

    def link_to(self, other):
        link = self.links().get(other.peer)
        return link["address"] if link and link["state"] == "up" else None

    def comes(self, other, port):
        """The link to the other is at that port, or comes to be."""
        wait_for(lambda: (self.link_to(other) or "").startswith(at(port)), lambda: self.said() + str(self.link_to(other)))

    def fails(self, pattern, address):
        status, said = self.ask("connect", address)
        assert status and pattern in said, (address, said)

    def crash(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def has_reserved_at(self, other):
        return other.links()[self.peer]["reserved"]

    def of(self, port):
        return f"{at(port)}/viaduct/p2p/{self.peer}"


def at(port):
    return f"/ip4/{HERE}/udp/{port}"


def stays(met, explain):
    """For some turns of what dials routers, each second."""
    until = time.monotonic() + 3
    while time.monotonic() < until:
        assert met(), explain()
        time.sleep(0.1)  # between two looks


def to_a_router_of_the_configuration():
    first, second, nobody, own = range(4001, 4005)
    r = Node("r", [first, second], f"{{ {TIERS} }}")

    # One that is down: the address of the configuration is dialled again.
    r.end()
    a = Node("a", [own], f"{{ routers: [ {r.of(first)} ] }}")
    a.fails("no answer within", r.of(nobody))
    r.start()
    a.comes(r, first)
    assert '"already": true' in a.ask("-o", "json", "connect", r.of(first))[1]

    # One that is up: another address is what it has only once the link goes there.
    a.fails("the link that is up stays as it was", r.of(nobody))
    assert a.link_to(r).startswith(at(first)), a.link_to(r)
    r.end()
    wait_for(lambda: not a.link_to(r), a.said)
    r.start()
    a.comes(r, first)

    status, said = a.ask("-o", "json", "connect", r.of(second))
    assert not status and json.loads(said)["already"] is False, said
    assert a.link_to(r).startswith(at(second)), a.link_to(r)

    # After `disconnect` it stays undialled.
    a.ask("disconnect", r.peer)
    wait_for(lambda: not a.link_to(r), a.said)
    a.fails("no answer within", r.of(nobody))
    stays(lambda: not a.link_to(r), a.said)
    a.ask("disconnect", r.peer)
    status, said = a.ask("connect", f"/viaduct/p2p/{r.peer}")
    assert not status and a.link_to(r).startswith(at(second)), (said, a.link_to(r))

    # A link that the other side made is not the connect's to end.
    r.fails("the link that is up stays as it was", a.of(nobody))
    assert r.link_to(a) and a.link_to(r).startswith(at(second)), (r.link_to(a), a.link_to(r))
    a.end()
    r.end()


def by_the_peers_id_alone():
    # One that is to be kept up: a connect while the peer is away takes nothing of it.
    theirs, own = range(4011, 4013)
    listens = "{ listen: [ /ip4/127.0.0.1/tcp/0 ] }"
    b = Node("b", [theirs], f"{{ {TIERS} }}", listens)
    a = Node("a2", [own], "{ }", listens)
    by_id = f"/viaduct/p2p/{b.peer}"
    status, said = a.ask("connect", b.tcp()[0])
    assert not status, said
    wait_for(lambda: not a.ask("connect", by_id)[0], a.said)  # once b has told
    b.end()
    wait_for(lambda: not a.link_to(b), a.said)
    a.fails("no answer within", by_id)
    b.start()
    a.comes(b, theirs)

    # One that the configuration names meanwhile is the configuration's.
    a.ask("disconnect", b.peer)
    b.end()
    with ThreadPoolExecutor() as beside:
        waits = beside.submit(a.fails, "no answer within", by_id)
        wait_for(lambda: b.peer in a.links(), a.said)
        a.link = f"{{ routers: [ {b.of(theirs)} ] }}"
        a.reload(listens)
        waits.result()
    b.start()
    a.comes(b, theirs)
    a.end()
    b.end()


def where_it_calls_from(a, r):
    """The port of a that r sees, and the other one."""
    wait_for(lambda: r.link_to(a), a.said)
    return a.ports if r.link_to(a).startswith(at(a.ports[0])) else a.ports[::-1]


def to_who_has_called():
    first, own, other = range(4021, 4024)
    r = Node("r3", [first], f"{{ {TIERS} }}")
    a = Node("a3", [own, other], f"{{ routers: [ {r.of(first)} ], {TIERS} }}")

    # The link that is there becomes one to a router,
    here, _ = where_it_calls_from(a, r)
    assert not r.has_reserved_at(a)
    assert '"already": true' in r.ask("-o", "json", "connect", a.of(here))[1]
    wait_for(lambda: r.has_reserved_at(a), r.said)

    # by its id alone, too,
    r.ask("disconnect", a.peer)  # which calls again
    where_it_calls_from(a, r)
    assert not r.has_reserved_at(a)
    assert '"already": true' in r.ask("-o", "json", "connect", f"/viaduct/p2p/{a.peer}")[1]
    wait_for(lambda: r.has_reserved_at(a), r.said)

    # at another address,
    r.ask("disconnect", a.peer)  # which calls again
    _, there = where_it_calls_from(a, r)
    assert not r.has_reserved_at(a)
    status, said = r.ask("connect", a.of(there))
    assert not status and r.link_to(a).startswith(at(there)), (said, r.link_to(a))
    wait_for(lambda: r.has_reserved_at(a), r.said)

    # and by a reload.
    r.ask("disconnect", a.peer)  # which calls again
    here, _ = where_it_calls_from(a, r)
    assert not r.has_reserved_at(a)
    r.link = f"{{ routers: [ {a.of(here)} ], {TIERS} }}"
    r.reload("{ threads: 0 }")
    wait_for(lambda: r.has_reserved_at(a), r.said)
    a.end()
    r.end()


def to_who_restarts_meanwhile():
    """Its link is its own all the same."""
    first, own, nobody = range(4031, 4034)
    r = Node("r4", [first], f"{{ {TIERS} }}")
    a = Node("a4", [own], f"{{ routers: [ {r.of(first)} ], {TIERS} }}")
    a.comes(r, first)
    with ThreadPoolExecutor() as beside:
        waits = beside.submit(r.fails, "the link that is up stays as it was", a.of(nobody))
        a.crash()
        a.start()
        waits.result()
    assert r.said().count("link up") == 2 and "link down" not in r.said() and r.link_to(a), r.said()
    a.end()
    r.end()


def to_who_calls_meanwhile():
    """From elsewhere: its link is no answer, and no connect's to end or to keep up."""
    first, own, nobody = range(4041, 4044)
    r = Node("r5", [first], f"{{ {TIERS} }}")
    a = Node("a5", [own], f"{{ routers: [ {r.of(first)} ], {TIERS} }}")
    for link in ("{ %s }", f"{{ routers: [ {a.of(own)} ], %s }}"):  # a row of its own, or one that is held
        r.link = link % TIERS
        r.reload("{ threads: 0 }")
        r.comes(a, own)
        r.ask("disconnect", a.peer)  # which calls again
        r.fails("the link that is up stays as it was", a.of(nobody))
        assert r.link_to(a).startswith(at(own)), r.link_to(a)
        a.end()
        wait_for(lambda: a.peer not in r.links(), r.said)
        a.start()
    a.end()
    r.end()


def to_another_address_of_who_calls_meanwhile():
    pair = Node("x", [4051, 4052], f"{{ {TIERS} }}"), Node("y", [4053, 4054], f"{{ {TIERS} }}")
    r, a = sorted(pair, key=lambda node: node.peer)  # of two handshakes within 5 s that of the smaller id stays
    a.link = f"{{ routers: [ {r.of(r.ports[0])} ], {TIERS} }}"
    a.reload("{ threads: 0 }")
    here, there = where_it_calls_from(a, r)
    a.end()
    wait_for(lambda: not r.link_to(a), r.said)
    with ThreadPoolExecutor() as beside:
        waits = beside.submit(r.ask, "connect", a.of(there))
        wait_for(lambda: a.peer in r.links(), r.said)
        a.start()
        status, said = waits.result()
    assert not status and r.link_to(a).startswith(at(there)), (said, here, r.link_to(a))
    a.end()
    r.end()


def to_who_has_called_another_port():
    """Its link stays where it is, though the first port would reach the peer, too."""
    first, second, own = range(4061, 4064)
    r = Node("r6", [first, second], f"{{ {TIERS} }}")
    a = Node("a6", [own], f"{{ routers: [ {r.of(second)} ], {TIERS} }}")
    a.comes(r, second)
    assert '"already": true' in r.ask("-o", "json", "connect", f"/viaduct/p2p/{a.peer}")[1]
    wait_for(lambda: r.has_reserved_at(a), r.said)
    stays(lambda: a.link_to(r).startswith(at(second)), a.said)
    assert "link moved" not in a.said(), a.said()

    # Who keeps up the link of an edge is its router all the same: it tells it when it drains.
    wait_for(lambda: a.has_reserved_at(r), a.said)
    r.ask("drain")
    wait_for(lambda: "the router drains: sessions move away" in a.said(), a.said)
    a.end()
    r.end()


def to_who_was_disconnected_and_called():
    """The link that is there is this side's, too, from now on."""
    first, own = range(4071, 4073)
    r = Node("r7", [first], f"{{ {TIERS} }}")
    a = Node("a7", [own], f"{{ routers: [ {r.of(first)} ], {TIERS} }}")
    r.link = f"{{ routers: [ {a.of(own)} ], {TIERS} }}"
    r.reload("{ threads: 0 }")
    r.comes(a, own)
    r.ask("disconnect", a.peer)  # which calls again
    r.comes(a, own)
    assert '"already": true' in r.ask("-o", "json", "connect", a.of(own))[1]
    a.end()
    wait_for(lambda: not r.link_to(a), r.said)
    a.link = f"{{ {TIERS} }}"  # calls nobody
    a.configure("{ threads: 0 }")
    a.start()
    r.comes(a, own)
    a.end()
    r.end()


def to_who_tells_an_address_that_is_dead():
    """A link that was kept comes back by the next address that is told."""
    first, second, own = range(4081, 4084)
    host = "{ listen: [ /ip4/127.0.0.1/tcp/0 ] }"
    b = Node("b8", [first], f"{{ {TIERS} }}", host)
    a = Node("a8", [own], "{ }", host)
    a.ask("connect", b.tcp()[0])
    wait_for(lambda: not a.ask("connect", f"/viaduct/p2p/{b.peer}")[0], a.said)
    b.end()
    wait_for(lambda: not a.link_to(b), a.said)
    b.ports = [second]
    b.link = f"{{ listen: [ /ip4/127.0.0.9/udp/9, {at(second)} ], {TIERS} }}"
    b.configure(host)
    b.start()
    wait_for(lambda: not a.ask("connect", b.tcp()[0])[0], a.said)
    links = [x for x in json.loads(b.ask("-o", "json", "id")[1])["addresses"] if "/udp/" in x]
    assert links == [f"/ip4/127.0.0.9/udp/9/viaduct/p2p/{b.peer}", b.of(second)], links  # link.listen
    wait_for(lambda: "127.0.0.9" in a.links().get(b.peer, {}).get("address", ""), a.said)
    until = time.monotonic() + 60  # a handshake is given up after 20 s
    while not a.link_to(b):
        assert time.monotonic() < until, a.said()
        time.sleep(0.1)  # between two looks
    assert a.link_to(b).startswith(at(second))
    a.end()
    b.end()


with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(8) as pool:
    # At once, since they mostly wait for what does not answer.
    parts = (to_a_router_of_the_configuration, by_the_peers_id_alone, to_who_has_called, to_who_restarts_meanwhile,
             to_who_calls_meanwhile, to_another_address_of_who_calls_meanwhile, to_who_has_called_another_port,
             to_who_was_disconnected_and_called, to_who_tells_an_address_that_is_dead)
    for part in [pool.submit(part) for part in parts]:
        part.result()
