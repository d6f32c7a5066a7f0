#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# A stock libp2p peer and viaductd in a private network, as nodes of an ipfs-cluster are: TCP, one
# pre-shared key, Noise and TLS, Yamux. viaductd is in another private network too, and in the
# public one.
#
#	psk.sh dials PEER       it dials viaductd: with the key, with another one, without one
#	psk.sh listens PEER     viaductd dials it, likewise, and our host does every test with it
# shellcheck disable=SC2086 # $stock and $tests are words
set -eu
. "$(dirname "$0")/stock.sh"
stock_peer "$2"
alone "$0" "$@"

# $ours, $public, $second: its addresses in the cluster's, the public and the other network.
start_daemon() {
	start_viaductd "listen: [ /ip4/127.0.0.1/tcp/4009 ], perf: true, networks: [
		{ name: cluster, key: $net_dir/swarm.key, listen: [ /ip4/127.0.0.1/tcp/9096 ] },
		{ name: second, key: $net_dir/second.key, listen: [ /ip4/127.0.0.1/tcp/9097 ] } ]"
	ours=$(address_on 9096)
	public=$(address_on 4009)
	second=$(address_on 9097)
}

tests="connect identify ping=5 upload=10000000 download=10000000 half-close reset streams=100 wrong-peer"

peer_dials() {
	start_daemon
	for security in noise tls; do
		$stock -psk "$net_dir/swarm.key" -security "$security" dial "$ours" $tests || fail "$1 is not served"
	done
	refused $stock -psk "$net_dir/other.key" dial "$ours" connect
	refused $stock dial "$ours" connect
	refused $stock -psk "$net_dir/swarm.key" dial "$second" connect
	refused $stock -psk "$net_dir/swarm.key" dial "$public" connect
	wait_for 20 has_turned_away wrong_network 3 ||
		fail "of three with a wrong key $(turned_away wrong_network) are counted"
	grep -q 'network=cluster.*no multistream header' "$net_dir/viaductd.log" || fail "the log has no reason"
	$stock -psk "$net_dir/second.key" dial "$second" connect || fail "the second network does not serve $1"
	$stock dial "$public" connect || fail "the public network does not serve $1"
}

# In a private network rust-libp2p takes one of the two, so each listens for itself.
peer_listens() {
	for security in noise tls; do
		start_listener "stock_$security" $stock -psk "$net_dir/swarm.key" -security "$security" listen
		theirs=$said
		"$net_build/tests/interop/interop_peer" -psk "$net_dir/swarm.key" -security "$security" \
			dial "$theirs" $tests echo=10000000 || fail "$1 does not serve us"
	done
	start_daemon
	"$net_build/viaduct" connect --network cluster "$theirs" || fail "viaductd cannot dial $1"
	"$net_build/viaduct" peers >"$net_dir/peers"
	grep -q "${theirs##*/}.*cluster" "$net_dir/peers" || fail "viaduct peers does not tell the network"
	"$net_build/viaduct" ping -n 2 "${theirs##*/}" || fail "$1 does not answer our ping"
	# Connected in one network is connected in no other.
	refused "$net_build/viaduct" connect --network second "$theirs"
	grep -q "same key" "$net_dir/refused.log" || fail "viaduct does not tell that the key is another"
	refused "$net_build/viaduct" connect "$theirs"
}

swarm_key swarm.key
swarm_key second.key
swarm_key other.key
case $1 in
dials) peer_dials "$2" ;;
listens) peer_listens "$2" ;;
*) fail "psk.sh dials|listens PEER" ;;
esac
