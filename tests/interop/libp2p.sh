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
echo=echo=100000000
ours_alone=$net_build/tests/interop/interop_peer

# viaductd serves no echo: our peer does. Of another one a byte of each stream comes back as another.
echoes() {
	start_listener echo "$ours_alone" listen
	# shellcheck disable=SC2086
	$stock -security "$2" dial "$said" "$echo" || fail "$1 does not get back what it sent"
	start_listener spoiling "$ours_alone" -spoil 100000 listen
	# shellcheck disable=SC2086
	refused $stock -security "$2" dial "$said" "$echo"
	grep -q 'byte 100000 of stream [0-9]* is another' "$net_dir/refused.log" || fail "$1 does not see a wrong byte"
}

peer_dials() {
	start_daemon
	# shellcheck disable=SC2086 # words
	$stock -security "$2" dial "$ours" $tests || fail "$1 is not served"
	"$net_build/viaduct" status >/dev/null || fail "viaductd did not outlive it"
	echoes "$1" "$2"
}

peer_listens() {
	# shellcheck disable=SC2086
	start_listener stock $stock listen
	theirs=$said
	# shellcheck disable=SC2086
	"$ours_alone" -security "$2" dial "$theirs" $tests "$echo" || fail "$1 does not serve us"
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
