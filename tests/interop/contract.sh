#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# viaduct-interop, which speaks the contract of the libp2p project's own transport tests, in a
# namespace with a Redis and nothing but loopback:
#
#	contract.sh DIALER LISTENER   a pair, in both contracts, over noise and tls
#	contract.sh refuses           what it must not take for a success
#
# DIALER and LISTENER are c (viaduct-interop), or the mode `contract` of a peer of peers/, or the path of a program of the
# libp2p project's own (libp2p/test-plans, libp2p/unified-testing), of which each knows one: CONTRACTS=older or newer.
set -eu
. "$(dirname "$0")/stock.sh"
export REDIS_ADDR=127.0.0.1:6379 redis_addr=127.0.0.1:6379

redis_answers() {
	[ "$(redis-cli -h 127.0.0.1 ping 2>/dev/null)" = PONG ]
}

start_redis() {
	start redis redis-server --bind 127.0.0.1 --port 6379 --save '' --dir "$net_dir"
	must_come 60 "redis answers" redis_answers
}

# program NAME: $program speaks the contract.
program() {
	case $1 in
	c) program=$net_build/tests/interop/viaduct-interop ;;
	/*) program=$1 ;;
	*)
		stock_peer "$1"
		program="$stock contract"
		;;
	esac
}

# told CONTRACT SECURITY IS_DIALER PROGRAM…: becomes it, with the environment of that contract.
told() {
	told_contract=$1
	told_security=$2
	told_dialer=$3
	shift 3
	case $told_contract in
	older)
		exec env transport=tcp muxer=yamux ip=0.0.0.0 test_timeout_seconds=120 \
			security="$told_security" is_dialer="$told_dialer" "$@"
		;;
	newer)
		exec env TRANSPORT=tcp MUXER=yamux LISTENER_IP=0.0.0.0 TEST_TIMEOUT_SECS=120 DEBUG=true \
			TEST_KEY=a5b50d5e SECURE_CHANNEL="$told_security" IS_DIALER="$told_dialer" "$@"
		;;
	esac
}

# Standard output has the result, and nothing else but a comment.
result_is_right() {
	case $1 in
	older)
		python3 -c 'import json, sys
result = json.load(sys.stdin)
sys.exit(not 0 < result["pingRTTMilllis"] <= result["handshakePlusOneRTTMillis"])' <"$2"
		;;
	newer)
		grep -v '^#' "$2" | tr '\n' '|' | grep -Eqx \
			'latency:\| +handshake_plus_one_rtt: [0-9]+(\.[0-9]+)?\| +ping_rtt: [0-9]+(\.[0-9]+)?\| +unit: ms\|'
		;;
	esac || fail "in the $1 contract that is no result: $(cat "$2")"
}

# pair CONTRACT SECURITY: the dialer comes first: it has to wait for the address.
pair() {
	echo "$1 contract, $2"
	# shellcheck disable=SC2086 # words
	told "$1" "$2" true $dialer >"$net_dir/result" 2>"$net_dir/dialer.log" &
	dialer_pid=$!
	net_pids="$net_pids $dialer_pid"
	# shellcheck disable=SC2086
	start listener told "$1" "$2" false $listener
	wait "$dialer_pid" || fail "the dialer ends with $?"
	result_is_right "$1" "$net_dir/result"
	ended "$started" && fail "the listener ended by itself"
	kill "$started"
	must_come 60 "the listener ends" ended "$started"
}

# must_fail WHY CONTRACT SECURITY IS_DIALER PROGRAM…: it ends with a failure, says WHY and no result.
must_fail() {
	must_fail_why=$1
	shift
	if (told "$@") >"$net_dir/result" 2>"$net_dir/refused.log"; then
		fail "it succeeds: $*"
	fi
	[ ! -s "$net_dir/result" ] || fail "it has a result: $*"
	grep -q "$must_fail_why" "$net_dir/refused.log" || fail "it does not say $must_fail_why: $*"
}

refuses() {
	program c
	must_fail 'TRANSPORT is quic-v1, wants tcp' newer noise true env TRANSPORT=quic-v1 "$program"
	must_fail 'MUXER is mplex, wants yamux' newer noise true env MUXER=mplex "$program"
	must_fail 'SECURE_CHANNEL is plaintext' newer plaintext true "$program"
	must_fail 'is_dialer is not set' older tls '' "$program"
	must_fail 'redis_addr is nowhere' older tls true env redis_addr=nowhere "$program"
	must_fail 'the time-out is soon' older tls true env test_timeout_seconds=soon "$program"
	must_fail 'redis at 127.0.0.1:1:' newer tls true env REDIS_ADDR=127.0.0.1:1 TEST_TIMEOUT_SECS=1 "$program"
	start_redis
	must_fail "no listener's address" older tls true env test_timeout_seconds=1 "$program"
	must_fail 'nobody ended this listener' older tls false env test_timeout_seconds=1 "$program"
	redis-cli -h 127.0.0.1 lpush listenerAddr /ip4/127.0.0.1/tcp/1/p2p/12D3KooWGC6TvWhfajpgX6wvJHYYvKpDMXPb3ZnCZ6dMoaMtimQ5
	must_fail 'connecting: ' older noise true "$program"
	redis-cli -h 127.0.0.1 lpush listenerAddr /dns/nowhere
	must_fail 'cannot be dialled' older noise true "$program"
}

command -v redis-server >/dev/null 2>&1 || skip "no redis-server; run scripts/setup as root"
[ -x "$net_build/tests/interop/viaduct-interop" ] || skip "viaduct-interop is not built; run ninja -C build"
if [ "$1" = refuses ]; then
	alone "$0" "$@"
	refuses
	exit
fi
program "$1"
dialer=$program
program "$2"
listener=$program
alone "$0" "$@"
start_redis
for contract in ${CONTRACTS:-older newer}; do
	pair "$contract" noise
	pair "$contract" tls
done
