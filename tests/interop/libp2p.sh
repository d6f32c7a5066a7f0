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

stock_protocols="/ipfs/id/1.0.0 /ipfs/ping/1.0.0 /perf/1.0.0"

# What it was told of us.
knows_us() {
	# shellcheck disable=SC2086 # words
	must_be_told protocols /ipfs/id/push/1.0.0 $stock_protocols
	must_be_told addresses /ip4/127.0.0.1/tcp/4009
	# identify of rust-libp2p 0.57 reads records in the words of RFC 0003 alone, which we read but do not write.
	[ "$1" = rust ] || must_be_told record /ip4/127.0.0.1/tcp/4009
	must_be_told agent 'viaduct/[0-9.]+'
	must_be_told observed '/ip4/127\.0\.0\.1/tcp/[1-9][0-9]*'
}

# The same the other way round, and where we dialled from.
we_know() {
	# shellcheck disable=SC2086
	must_be_told protocols $stock_protocols
	must_be_told addresses "${2%/p2p/*}"
	must_be_told record "${2%/p2p/*}"
	case $1 in
	go) must_be_told agent '.+' ;; # its module's name
	js) must_be_told agent 'js-libp2p/[0-9.]+' ;;
	rust) must_be_told agent rust-libp2p-peer ;;
	c) must_be_told agent viaduct-peer ;;
	esac
	must_be_told observed "$(told from)"
}

# viaductd serves no echo, and does not say where a connection comes from: our peer does. Of another one a byte of each
# stream comes back as another.
echoes() {
	start_listener echo "$ours_alone" listen
	# shellcheck disable=SC2086
	run_tests $stock -security "$2" dial "$said" identify "$echo" || fail "$1 does not get back what it sent"
	must_be_told observed "$(sed -n 's/^connected .* address=//p' "$net_dir/echo.log")"
	start_listener spoiling "$ours_alone" -spoil 100000 listen
	# shellcheck disable=SC2086
	refused $stock -security "$2" dial "$said" "$echo"
	grep -q 'byte 100000 of stream [0-9]* is another' "$net_dir/refused.log" || fail "$1 does not see a wrong byte"
}

peer_dials() {
	start_daemon
	# shellcheck disable=SC2086 # words
	run_tests $stock -security "$2" dial "$ours" $tests || fail "$1 is not served"
	"$net_build/viaduct" status >/dev/null || fail "viaductd did not outlive it"
	knows_us "$1"
	echoes "$1" "$2"
}

peer_listens() {
	# shellcheck disable=SC2086
	start_listener stock $stock listen
	theirs=$said
	must_see_a_reset "$1" stock.log "$ours_alone" -security "$2" dial "$theirs"
	# shellcheck disable=SC2086
	run_tests "$ours_alone" -security "$2" dial "$theirs" $tests "$echo" held=1000 || fail "$1 does not serve us"
	we_know "$1" "$theirs"
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
