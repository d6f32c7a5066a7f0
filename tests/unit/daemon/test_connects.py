#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`viaduct connect` of links: a failed one changes nothing. Two daemons on loopback, a link to a router."""
import json
import tempfile
import threading

from rig import Daemon, wait_for


HERE = "127.67.3.1"  # an address of its own: nobody takes its ports while a daemon is down


class Node(Daemon):
    """With UDP ports of its own, and a section `link`."""
    def __init__(self, folder, name, ports, link, host="{ threads: 0 }"):
        self.ports, self.link = ports, link
        super().__init__(folder, name, host)

    def configure(self, host):
        rows = ", ".join(f'{{ name: u{at}, driver: udp, bind: "{HERE}:{port}" }}' for at, port in enumerate(self.ports))
        with open(self.name + ".yaml", "w", encoding="utf-8") as file:
            file.write(f"identity: {{ key: {self.name}.key }}\n"
                       f"dataplane: {{ workers: 1, ports: [ {rows} ] }}\nlink: {self.link}\nhost: {host}\n"
                       f'api: {{ socket: {self.name}.sock, listen: "127.0.0.1:{self.port}" }}\n')

    def link_to(self, other):
        for link in json.loads(self.ask("-o", "json", "links")[1])["links"]:
            if link["peer"] == other.peer and link["state"] == "up":
                return link["address"]
        return None

    def comes(self, other, port):
        """The link to the other is at that port, or comes to be."""
        wait_for(lambda: (self.link_to(other) or "").startswith(at(port)), lambda: self.said() + str(self.link_to(other)))


def at(port):
    return f"/ip4/{HERE}/udp/{port}"


def fails(pattern, address, who=None):
    status, said = (who or a).ask("connect", address)
    assert status and pattern in said, (address, said)


with tempfile.TemporaryDirectory() as directory:
    first, second, nobody, own = range(4001, 4005)
    tier = "{ tiers: [ { name: all, peers: any, realms: [ 1 ], call: true, reserve: true } ] }"
    r = Node(directory, "r", [first, second], tier)

    def of_r(port):
        return f"{at(port)}/viaduct/p2p/{r.peer}"

    # A router of the configuration that is down: the address of the configuration is dialled again.
    r.end()
    a = Node(directory, "a", [own], f"{{ routers: [ {of_r(first)} ] }}")
    fails("no answer within", of_r(nobody))
    r.start()
    a.comes(r, first)
    assert '"already": true' in a.ask("-o", "json", "connect", of_r(first))[1]

    # One that is up: another address is what it has only once the link goes there.
    fails("the link that is up stays as it was", of_r(nobody))
    assert a.link_to(r).startswith(at(first)), a.link_to(r)
    r.end()
    wait_for(lambda: not a.link_to(r), a.said)
    r.start()
    a.comes(r, first)

    status, said = a.ask("-o", "json", "connect", of_r(second))
    assert not status and json.loads(said)["already"] is False, said
    assert a.link_to(r).startswith(at(second)), a.link_to(r)

    # After `disconnect` it stays undialled.
    a.ask("disconnect", r.peer)
    wait_for(lambda: not a.link_to(r), a.said)
    fails("no answer within", of_r(nobody))
    a.ask("disconnect", r.peer)
    status, said = a.ask("connect", f"/viaduct/p2p/{r.peer}")
    assert not status and a.link_to(r).startswith(at(second)), (said, a.link_to(r))

    # A link that the other side made is not the connect's to end.
    fails("the link that is up stays as it was", f"{at(nobody)}/viaduct/p2p/{a.peer}", r)
    assert r.link_to(a) and a.link_to(r).startswith(at(second)), (r.link_to(a), a.link_to(r))
    a.end()
    r.end()

    # A link by the peer's id alone that is to be kept up: a connect while the peer is away takes nothing of it.
    listens = "{ listen: [ /ip4/127.0.0.1/tcp/0 ] }"
    b = Node(directory, "b", [second], tier, listens)
    a = Node(directory, "a2", [own], "{ }", listens)
    by_id = f"/viaduct/p2p/{b.peer}"
    status, said = a.ask("connect", b.tcp()[0])
    assert not status, said
    wait_for(lambda: not a.ask("connect", by_id)[0], a.said)  # once b has told
    b.end()
    wait_for(lambda: not a.link_to(b), a.said)
    fails("no answer within", by_id)
    b.start()
    a.comes(b, second)

    # One that the configuration names meanwhile is the configuration's.
    a.ask("disconnect", b.peer)
    b.end()
    waits = threading.Thread(target=fails, args=("no answer within", by_id))
    waits.start()
    wait_for(lambda: b.peer in a.ask("-o", "json", "links")[1], a.said)
    a.link = f"{{ routers: [ {at(second)}{by_id} ] }}"
    a.reload(listens)
    waits.join()
    b.start()
    a.comes(b, second)
    a.end()
    b.end()
