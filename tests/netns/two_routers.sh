#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Two routers: when the one in use is killed, the session goes on by the other within 3 s, without
# another handshake; when that one is back and the other one killed, the same again; and when the
# cables of the one in use are pulled out while it runs.
#
#	A, B, R, S: see two.sh
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/two.sh"
net_needs
net_begin

two_begin
two_up

# lose_router ROUTER OTHER HOW: the router in use is lost while A pings B ten times a second: losses
# are counted.
lose_router() {
	ns_start A pings.txt ping -6 -n -i 0.1 -c 60 "$overlay_b"
	lose_pinger=$started
	must_come 5 "pings are answered" grep -q 'icmp_seq=10 ' "$net_dir/pings.txt"
	"$3" "$1"
	must_come 15 "the pings are over" ended "$lose_pinger"
	lose_received=$(sed -n 's/.* \([0-9]*\) received.*/\1/p' "$net_dir/pings.txt")
	echo "router $1 lost ($3): $((60 - lose_received)) of 60 pings lost, ten a second"
	[ "$lose_received" -ge 30 ] || fail "more than 3 s of pings are lost"
	uses A "$2" || fail "A does not use $2"
	uses B "$2" || fail "B does not use $2"
}

# The cables of the router, pulled out at its end.
cut() {
	for cut_end in $(ends_of "$1"); do
		ns "$1" ip link set "$cut_end" down
	done
}

ends_of() {
	if [ "$1" = R ]; then echo r0 r1; else echo s0 s1; fi
}

before=$(handshakes)
which_router
lose_router "$first" "$second" killed
[ "$(handshakes)" = "$before" ] || fail "the session was set up anew instead of moved"

daemons "$first"
must_come 60 "A has a link to $first again" is_so A routes "len(d['routes']) == 2"
must_come 60 "B has a link to $first again" links_up B 2
lose_router "$second" "$first" killed

daemons "$second"
must_come 60 "A has a link to $second again" is_so A routes "len(d['routes']) == 2"
must_come 60 "B has a link to $second again" links_up B 2
before=$(handshakes)
lose_router "$first" "$second" cut
[ "$(handshakes)" = "$before" ] || fail "the session was set up anew instead of moved"
