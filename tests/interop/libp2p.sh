#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# A stock libp2p peer and us, in a namespace with nothing but loopback:
#
#	libp2p.sh build PEER               builds the peer into the cache
#	libp2p.sh dials PEER SECURITY      it dials viaductd
#	libp2p.sh listens PEER SECURITY    our host dials it
#
# The second and third run every test of peers/README.md.
set -eu
. "$(dirname "$0")/stock.sh"

start_daemon() {
	start_viaductd 'listen: [ /ip4/127.0.0.1/tcp/4009 ], perf: true'
	ours=$(address_on 4009)
}

tests="connect identify ping=5 upload=100000000 download=100000000 half-close reset streams=1000 wrong-peer"

peer_dials() {
	start_daemon
	# shellcheck disable=SC2086 # words
	$stock -security "$2" dial "$ours" $tests || fail "$1 is not served"
	"$net_build/viaduct" status >/dev/null || fail "viaductd did not outlive it"
}

peer_listens() {
	mkfifo "$net_dir/input"
	exec 3<>"$net_dir/input" # it ends with its standard input
	# shellcheck disable=SC2016,SC2086
	start stock sh -c 'exec "$@" <"$0"' "$net_dir/input" $stock listen
	must_say stock.log '/ip4/127.0.0.1/tcp/[0-9]*/p2p/'
	# shellcheck disable=SC2086
	"$net_build/tests/interop/interop_peer" -security "$2" -at-once "$(at_once "$1")" dial "$said" $tests ||
		fail "$1 does not serve us"
}

case $1 in
build)
	stock_build "$2"
	exit
	;;
*) stock_peer "$2" ;;
esac
alone "$0" "$@"
case $1 in
dials) peer_dials "$2" "$3" ;;
listens) peer_listens "$2" "$3" ;;
*) fail "libp2p.sh build|dials|listens" ;;
esac
