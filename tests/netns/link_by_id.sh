#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# A link to a peer by its id alone: A and B meet by libp2p, tell each other their link addresses by
# /viaduct/link/1, and A links to B: as a node of links alone, then as an edge, whose session goes
# directly. Link addresses are in nothing that identify tells. The first address that B tells is dead.
#
#	A (no threads) ---- B (two threads)
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin

ns_add A B
veth A a0 198.18.1.1/24 B b0 198.18.1.2/24
ns A ip route add default via 198.18.1.2
identity A
identity B
identity X

# node_config NAME ADDRESS THREADS LISTEN MORE
node_config() {
	cat >"$net_dir/$1.yaml" <<-END
		identity: { key: $net_dir/$1.key }
		dataplane: { workers: 1, ports: [ { name: u0, driver: udp, bind: "0.0.0.0:4001" } ] }
		host: { listen: [ /ip4/$2/tcp/4001 ], threads: $3 }
		api: { socket: $net_dir/$1.sock, listen: "127.0.0.1:9600" }
		$4
		$5
	END
}
# shellcheck disable=SC2154 # identity sets them
{
	tun="tun: { name: viaduct0, mtu: auto }"
	node_config A 198.18.1.1 0 "" ""
	node_config B 198.18.1.2 2 "$tun
session: { allow: [ $peer_A ] }" "link:
  listen: [ /ip4/198.18.9.9/udp/4001, /ip4/198.18.1.2/udp/4001 ]
  tiers: [ { name: members, peers: [ $peer_A ], realms: [ 1 ], call: true, reserve: true } ]"
	at_b=/ip4/198.18.1.2/tcp/4001/p2p/$peer_B
}
daemons A B

refuses() {
	if ask A connect "$1" >"$net_dir/answer.log" 2>&1; then
		fail "connect $1 is not refused"
	fi
	grep -q "$2" "$net_dir/answer.log" || fail "connect $1 does not say: $2"
}
# what A knows of B by libp2p: the protocol, and no link address
meets() {
	ask A connect "$at_b" >"$net_dir/answer.log" || fail "A does not connect to B by libp2p"
	must_come 5 "B tells A its link addresses" counted A viaduct_link_addresses_peers
	must_come 5 "A tells B its own" counted B viaduct_link_addresses_peers
	is_so A "peers --known" "any('/viaduct/link/1' in p['protocols'] for p in d['known'])" ||
		fail "identify does not tell of /viaduct/link/1"
	is_so A "peers --known" "not any('udp' in a for p in d['known'] for a in p['addresses'])" ||
		fail "identify tells link addresses"
}

# shellcheck disable=SC2154
{
	refuses "/viaduct/p2p/$peer_B" "no link address of that peer is known"
	meets
	is_so A links "d['links'] == []" || fail "A links to B without having been asked"
	ask A connect "$peer_B" >"$net_dir/answer.log" || fail "A does not link to B by its id: $(cat "$net_dir/answer.log")"
	grep -q '"kind": "link"' "$net_dir/answer.log" || fail "that was no link"
	links_up A 1 || fail "connect answers before the link is up"
	is_so A links "d['links'][0]['address'].startswith('/ip4/198.18.1.2/udp/4001')" || fail "the link is elsewhere"
	ask A connect "/viaduct/p2p/$peer_B" | grep -q '"already": true' || fail "a second connect is not told"
	must_come 5 "B has the link, too" links_up B 1
	refuses "/viaduct/p2p/$peer_X" "no link address of that peer is known"

	# the other way round: B was told A's, which it is bound to
	ask A disconnect "$peer_B" >"$net_dir/answer.log" || fail "A does not disconnect"
	must_come 5 "the link is gone" is_so B links "d['links'] == []"
	refuses_of_b=$(ask B connect "/viaduct/p2p/$peer_A" 2>&1) && fail "A takes a link from nobody it knows"
	echo "$refuses_of_b" | grep -q "refused" || fail "B does not say that A refused: $refuses_of_b"

	# as an edge: the session with B goes over a link to B, without a router
	stop A
	node_config A 198.18.1.1 0 "$tun" "session: { allow: [ $peer_B ] }"
	daemons A
	meets
	ask A connect "$peer_B" >"$net_dir/answer.log" || fail "no session: $(cat "$net_dir/answer.log")"
	is_so A sessions "any(s['peer'] == '$peer_B' and s['path'] == 'direct' for s in d['sessions'])" ||
		fail "the session is not direct: $(ask A sessions)"
	pinged A "$(overlay B)" -W 2 || fail "B does not answer over the overlay"
}
for name in A B; do
	stop "$name"
done
