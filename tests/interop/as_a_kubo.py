#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Whether kubo tells of us all that it tells of a kubo: as_a_kubo.py FOLDER OUR-ADDRESS ITS-ADDRESS

FOLDER has what its commands printed with --enc=json: `peers` of `ipfs swarm peers -v --identify`, and of each of
the two peers `id.PEER`, `ping.PEER` and `findpeer.PEER`. Whatever is there and not empty of the other
kubo must be so of us; protocols that we do not have yet are listed below, and named in a note.
"""
import json
import pathlib
import sys

# What a kubo serves and a viaductd does not yet, and why.
NOT_YET = {
    "/ipfs/bitswap": "blocks",
    "/ipfs/bitswap/1.0.0": "blocks",
    "/ipfs/bitswap/1.1.0": "blocks",
    "/ipfs/bitswap/1.2.0": "blocks",
    "/ipfs/lan/kad/1.0.0": "DHT",
    "/ipfs/kad/1.0.0": "DHT",
    "/libp2p/autonat/1.0.0": "AutoNAT",
    "/libp2p/autonat/2/dial-back": "AutoNAT",
    "/libp2p/autonat/2/dial-request": "AutoNAT",
    "/libp2p/circuit/relay/0.2.0/stop": "relay",
    "/libp2p/circuit/relay/0.2.0/hop": "relay",
    "/libp2p/dcutr": "hole punching",
    "/x/": "`ipfs p2p`",
}
# Streams are there while a protocol uses them: the other kubo's are the DHT's.
PASSING = {"Streams"}


def objects(path):
    """All JSON values of a file: commands that go on for a while print one a line."""
    decoder, text, values = json.JSONDecoder(), path.read_text(), []
    while text := text.strip():
        value, end = decoder.raw_decode(text)
        values.append(value)
        text = text[end:]
    return values


def missing(theirs, ours, where):
    """Paths to what is told of the kubo and not of us, or in another form."""
    if not theirs:
        return
    if not ours or type(theirs) is not type(ours):
        yield f"{where}: {json.dumps(ours)} in place of {json.dumps(theirs)}"
    elif isinstance(theirs, dict):
        for key in theirs.keys() - PASSING:
            yield from missing(theirs[key], ours.get(key), f"{where}.{key}")
    elif isinstance(theirs, list) and where.endswith(("findpeer", "ping")):
        yield from missing(theirs[0], ours[0], f"{where}[0]")


def said_of(folder, peer):
    """What each command says of a peer."""
    listed = [entry for entry in objects(folder / "peers")[0]["Peers"] if entry["Peer"] == peer]
    pings = [entry for entry in objects(folder / f"ping.{peer}") if entry.get("Time")]
    return {
        "peers": listed[0] if len(listed) == 1 else None,
        "id": objects(folder / f"id.{peer}")[0],
        "ping": pings,
        "findpeer": [entry for entry in objects(folder / f"findpeer.{peer}") if entry.get("Responses")],
    }


def same(theirs, ours, what, read):
    """What has to be equal, and not only there."""
    if read(theirs) != read(ours):
        yield f"{what}: {read(ours)!r} in place of {read(theirs)!r}"


def faults(theirs, ours, our_address):
    yield from missing(theirs, ours, "")
    if not theirs["peers"] or not ours["peers"] or not ours["id"]:
        yield "no such peer"
        return
    yield from same(theirs, ours, "pings answered", lambda said: sum(entry["Success"] for entry in said["ping"]))
    yield from same(theirs, ours, "direction", lambda said: said["peers"]["Direction"])
    if our_address not in ours["id"]["Addresses"]:
        yield f"addresses: {our_address} is not in {ours['id']['Addresses']}"
    for said in (theirs, ours):
        if f"{said['peers']['Addr']}/p2p/{said['peers']['Peer']}" not in said["id"]["Addresses"]:
            yield f"port: {said['peers']['Addr']} is not listened on, but {said['id']['Addresses']}"
    if ours["peers"]["Identify"] != ours["id"]:
        yield "`swarm peers --identify` and `id` tell different things of us"
    for name in set(theirs["id"]["Protocols"]) - set(ours["id"]["Protocols"]) - NOT_YET.keys():
        yield f"protocol {name}"


def main(arguments):
    folder, our_address, their_address = pathlib.Path(arguments[0]), arguments[1], arguments[2]
    theirs = said_of(folder, their_address.split("/p2p/")[1])
    ours = said_of(folder, our_address.split("/p2p/")[1])
    found = list(faults(theirs, ours, our_address))
    for fault in found:
        print(f"of a kubo it tells more: {fault}", file=sys.stderr)
    if not found:
        absent = [name for name in theirs["id"]["Protocols"] if name not in ours["id"]["Protocols"]]
        print(f"note: not with us yet: {' '.join(f'{name} ({NOT_YET[name]})' for name in absent)}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
