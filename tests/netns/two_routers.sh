#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Two routers: when the one in use is killed, the session goes on by the other within 3 s, without
# another handshake; when that one is back and the other one killed, the same again.
#
#	A, B, R, S: see two.sh
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/two.sh"
net_needs
net_begin

two_begin
two_up

# The router in use is killed while A pings B ten times a second: losses are counted.
kill_router() {
	eval "kill_pid=\$pid_$1"
	ns_start A "pings$1.txt" ping -6 -n -i 0.1 -c 60 "$overlay_b"
	kill_pinger=$started
	must_come 5 "pings are answered" grep -q 'icmp_seq=10 ' "$net_dir/pings$1.txt"
	kill -9 "$kill_pid"
	wait "$kill_pid" 2>/dev/null || true
	must_come 15 "the pings are over" ended "$kill_pinger"
	kill_received=$(sed -n 's/.* \([0-9]*\) received.*/\1/p' "$net_dir/pings$1.txt")
	echo "router $1 killed: $((60 - kill_received)) of 60 pings lost, ten a second"
	[ "$kill_received" -ge 25 ] || fail "more than 3.5 s of pings are lost"
	uses A "$2" || fail "A does not use $2"
	uses B "$2" || fail "B does not use $2"
}

before=$(handshakes)
which_router
kill_router "$first" "$second"
[ "$(handshakes)" = "$before" ] || fail "the session was set up anew instead of moved"

daemons "$first"
must_come 60 "A has a link to $first again" is_so A routes "len(d['routes']) == 2"
must_come 60 "B has a link to $first again" links_up B 2
kill_router "$second" "$first"
