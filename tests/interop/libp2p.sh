#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# A stock libp2p peer and us, in a namespace with nothing but loopback:
#
#	libp2p.sh build PEER               builds the peer into the cache
#	libp2p.sh dials PEER SECURITY      it dials viaductd
#	libp2p.sh listens PEER SECURITY    our host dials it
#	libp2p.sh kubo                     kubo with its default configuration, and viaductd
#
# Each runs every test of peers/README.md.
set -eu
interop_folder=$(cd "$(dirname "$0")" && pwd)
build=${NETNS_BUILD:?the build folder}

fail() {
	echo "failed: $*" >&2
	exit 1
}

skip() {
	[ "${INTEROP_STRICT:-}" != 1 ] || fail "INTEROP_STRICT=1, and $*"
	echo "skip: $*"
	exit 77
}

. "$interop_folder/peers/build.sh"

case $1 in
kubo) stock_peer kubo ;;
*) stock_peer "$2" ;;
esac
[ "$1" != build ] || exit 0

# In a namespace of its own; without root as root of a user namespace.
if [ "${LIBP2P_INSIDE:-}" != 1 ]; then
	unshare -rn true 2>/dev/null || skip "no network namespaces; run it as root"
	LIBP2P_INSIDE=1 exec unshare -rn "$0" "$@"
fi
ip link set lo up
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$folder"' EXIT

# must_say FILE PATTERN: the rest of the first line with it, waited for.
must_say() {
	tries=0
	until said=$(grep -m 1 -o "$2.*" "$1" 2>/dev/null); do
		tries=$((tries + 1))
		[ "$tries" -lt 300 ] || {
			cat "$1" "$folder"/*.log >&2 || true
			fail "nobody said $2"
		}
		sleep 0.1
	done
}

# Our daemon; $ours is its libp2p address.
start_daemon() {
	"$build/viaduct" key gen "$folder/key" >/dev/null
	cat >"$folder/viaductd.yaml" <<-END
		identity: { key: $folder/key }
		dataplane: { ports: [ { name: u0, driver: udp, bind: "127.0.0.1:4009" } ] }
		link: { listen: [ /ip4/127.0.0.1/udp/4009 ] }
		host: { listen: [ /ip4/127.0.0.1/tcp/4009 ], perf: true }
		api: { socket: $folder/api.sock }
		user: root
	END
	"$build/viaductd" --config "$folder/viaductd.yaml" >"$folder/ready" 2>"$folder/viaductd.log" &
	must_say "$folder/ready" '/ip4/127.0.0.1/tcp/4009/p2p/'
	ours=$said
	export VIADUCT_API="$folder/api.sock"
}

tests="connect identify ping=5 upload=100000000 download=100000000 half-close reset streams=1000 wrong-peer"

peer_dials() {
	start_daemon
	# shellcheck disable=SC2086 # words
	$stock -security "$2" dial "$ours" $tests || {
		cat "$folder/viaductd.log"
		fail "$1 is not served"
	}
	"$build/viaduct" status >/dev/null || fail "viaductd did not outlive it"
}

peer_listens() {
	# libp2p-stream of rust-libp2p drops streams that come faster than its listener takes them.
	case $1 in rust) at_once=1 ;; *) at_once=1000 ;; esac
	mkfifo "$folder/input"
	# shellcheck disable=SC2086
	$stock listen <"$folder/input" >"$folder/stock.log" 2>&1 &
	exec 3>"$folder/input"
	must_say "$folder/stock.log" '/ip4/127.0.0.1/tcp/[0-9]*/p2p/'
	# shellcheck disable=SC2086
	"$build/tests/interop/interop_peer" -security "$2" -at-once "$at_once" dial "$said" $tests ||
		fail "$1 does not serve us"
}

# kubo as people run it: it dials us, pings us, sees us; and we dial it.
kubo() {
	export IPFS_PATH="$folder/ipfs"
	start_daemon
	$stock init >/dev/null
	$stock daemon >"$folder/kubo.log" 2>&1 &
	must_say "$folder/kubo.log" 'Daemon is ready'
	$stock swarm connect "$ours"
	$stock ping -n 3 "${ours##*/}"
	$stock swarm peers | grep -F "${ours##*/}" || fail "kubo does not list us"
	$stock id "${ours##*/}" >"$folder/id"
	grep -F '"AgentVersion": "viaduct/' "$folder/id" || fail "kubo does not know our agent"
	kubo=$($stock id -f '<id>')
	"$build/viaduct" ping -n 2 "$kubo" || fail "kubo does not answer our ping"
	"$build/viaduct" peers | grep -F 'kubo/' || fail "we do not know kubo's agent"
	"$build/viaduct" disconnect "$kubo"
	"$build/viaduct" connect "/ip4/127.0.0.1/tcp/4001/p2p/$kubo" || fail "we cannot dial kubo"
	"$build/viaduct" ping -n 2 "$kubo" || fail "kubo, dialled by us, does not answer"
	$stock shutdown
}

case $1 in
dials) peer_dials "$2" "$3" ;;
listens) peer_listens "$2" "$3" ;;
kubo) kubo ;;
*) fail "libp2p.sh build|dials|listens|kubo" ;;
esac
