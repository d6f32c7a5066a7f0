#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# A stock libp2p peer and us, in a namespace with nothing but loopback:
#
#	libp2p.sh build PEER               builds the peer into the cache
#	libp2p.sh dials PEER SECURITY      it dials viaductd
#	libp2p.sh listens PEER SECURITY    our host dials it
#	libp2p.sh kubo                     kubo with its default configuration, and viaductd
#
# The second and third run every test of peers/README.md.
set -eu
. "$(dirname "$0")/stock.sh"

# Our daemon; $ours is its libp2p address.
start_daemon() {
	"$net_build/viaduct" key gen "$net_dir/key" >/dev/null
	cat >"$net_dir/viaductd.yaml" <<-END
		identity: { key: $net_dir/key }
		dataplane: { ports: [ { name: u0, driver: udp, bind: "127.0.0.1:4009" } ] }
		link: { listen: [ /ip4/127.0.0.1/udp/4009 ] }
		host: { listen: [ /ip4/127.0.0.1/tcp/4009 ], perf: true }
		api: { socket: $net_dir/api.sock }
		user: root
	END
	start viaductd "$net_build/viaductd" --config "$net_dir/viaductd.yaml"
	must_say viaductd.log '^ready '
	ours=$(echo "$said" | grep -o '/ip4/127.0.0.1/tcp/4009/p2p/[0-9A-Za-z]*')
	export VIADUCT_API="$net_dir/api.sock"
}

tests="connect identify ping=5 upload=100000000 download=100000000 half-close reset streams=1000 wrong-peer"

peer_dials() {
	start_daemon
	# shellcheck disable=SC2086 # words
	$stock -security "$2" dial "$ours" $tests || fail "$1 is not served"
	"$net_build/viaduct" status >/dev/null || fail "viaductd did not outlive it"
}

peer_listens() {
	# libp2p-stream of rust-libp2p drops streams that come faster than its listener takes them.
	case $1 in rust) at_once=1 ;; *) at_once=1000 ;; esac
	mkfifo "$net_dir/input"
	exec 3<>"$net_dir/input" # it ends with its standard input
	# shellcheck disable=SC2016,SC2086
	start stock sh -c 'exec "$@" <"$0"' "$net_dir/input" $stock listen
	must_say stock.log '/ip4/127.0.0.1/tcp/[0-9]*/p2p/'
	# shellcheck disable=SC2086
	"$net_build/tests/interop/interop_peer" -security "$2" -at-once "$at_once" dial "$said" $tests ||
		fail "$1 does not serve us"
}

# kubo as people run it: it dials us, pings us, sees us; and we dial it.
kubo() {
	export IPFS_PATH="$net_dir/ipfs"
	start_daemon
	$stock init >/dev/null
	start kubo "$stock" daemon
	must_say kubo.log 'Daemon is ready'
	$stock swarm connect "$ours"
	$stock ping -n 3 "${ours##*/}"
	$stock swarm peers | grep -F "${ours##*/}" || fail "kubo does not list us"
	$stock id "${ours##*/}" >"$net_dir/id"
	for known in '"AgentVersion": "viaduct/' '"/ipfs/id/1.0.0"' '"/ipfs/ping/1.0.0"' "\"$ours\""; do
		grep -F "$known" "$net_dir/id" || fail "kubo does not know $known of us"
	done
	kubo=$($stock id -f '<id>')
	"$net_build/viaduct" ping -n 2 "$kubo" || fail "kubo does not answer our ping"
	"$net_build/viaduct" peers | grep -F 'kubo/' || fail "we do not know kubo's agent"
	"$net_build/viaduct" disconnect "$kubo"
	"$net_build/viaduct" connect "/ip4/127.0.0.1/tcp/4001/p2p/$kubo" || fail "we cannot dial kubo"
	"$net_build/viaduct" ping -n 2 "$kubo" || fail "kubo, dialled by us, does not answer"
	$stock shutdown
}

case $1 in
build)
	stock_build "$2"
	exit
	;;
kubo) stock_peer kubo ;;
*) stock_peer "$2" ;;
esac
alone "$0" "$@"
case $1 in
dials) peer_dials "$2" "$3" ;;
listens) peer_listens "$2" "$3" ;;
kubo) kubo ;;
*) fail "libp2p.sh build|dials|listens|kubo" ;;
esac
