#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Two routers: when the one in use is killed, the session goes on by the other within 3 s, without
# another handshake; when that one is back and the other one killed, the same again.
#
#	        198.18.1.1 R 198.18.2.1
#	A a0 ---/                      \--- b0 B
#	  a1 ---\ 198.18.3.1 S 198.18.4.1 /--- b1
#
#	all: udp ports
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin

line_any=0.0.0.0
ns_add A R S B
veth A a0 198.18.1.2/24 R r0 198.18.1.1/24
veth R r1 198.18.2.1/24 B b0 198.18.2.2/24
veth A a1 198.18.3.2/24 S s0 198.18.3.1/24
veth S s1 198.18.4.1/24 B b1 198.18.4.2/24
for name in A B R S; do
	identity "$name"
done
# shellcheck disable=SC2154 # identity sets them
{
	router_config R "/ip4/198.18.1.1/udp/4001" "$(router_ports udp)" "$(members "$peer_A" "$peer_B")"
	router_config S "/ip4/198.18.3.1/udp/4001" "$(router_ports udp)" "$(members "$peer_A" "$peer_B")"
	edge_config A "0.0.0.0:4001" \
		"/ip4/198.18.1.1/udp/4001/viaduct/p2p/$peer_R, /ip4/198.18.3.1/udp/4001/viaduct/p2p/$peer_S" \
		"connect: [ $peer_B ]"
	edge_config B "0.0.0.0:4001" \
		"/ip4/198.18.2.1/udp/4001/viaduct/p2p/$peer_R, /ip4/198.18.4.1/udp/4001/viaduct/p2p/$peer_S" \
		"allow: [ $peer_A ]"
}
daemons R S A B
must_come 20 "A has links to both routers" links_up A 2
must_come 20 "B has links to both routers" links_up B 2
must_come 20 "A has a session with B" has_session A "$peer_B"
must_come 10 "A knows a route by either router" is_so A routes "len(d['routes']) == 2"
overlay_b=$(overlay B)
must_come 10 "B answers over the overlay" pinged A "$overlay_b"

# uses NAME ROUTER: whether the session of A (B) goes by it.
uses() {
	eval "uses_router=\$peer_$2"
	is_so "$1" sessions "d['sessions'][0]['path'].startswith('$uses_router')"
}

# The router in use is killed while A pings B ten times a second: losses are counted.
kill_router() {
	eval "kill_pid=\$pid_$1"
	ns_start A "pings$1.txt" ping -6 -n -i 0.1 -c 100 "$overlay_b"
	kill_pinger=$started
	must_come 5 "pings are answered" grep -q 'icmp_seq=10 ' "$net_dir/pings$1.txt"
	kill -9 "$kill_pid"
	wait "$kill_pid" 2>/dev/null || true
	must_come 15 "the pings are over" ended "$kill_pinger"
	kill_received=$(sed -n 's/.* \([0-9]*\) received.*/\1/p' "$net_dir/pings$1.txt")
	echo "router $1 killed: $((100 - kill_received)) of 100 pings lost, ten a second"
	[ "$kill_received" -ge 65 ] || fail "more than 3.5 s of pings are lost"
	uses A "$2" || fail "A does not use $2"
	uses B "$2" || fail "B does not use $2"
}

handshakes() {
	ns A curl -s http://127.0.0.1:9600/metrics |
		sed -n 's/^viaduct_handshakes_total{kind="session",result="done"} //p'
}

before=$(handshakes)
if uses A R; then
	first=R second=S
else
	first=S second=R
fi
kill_router "$first" "$second"
[ "$(handshakes)" = "$before" ] || fail "the session was set up anew instead of moved"

daemons "$first"
must_come 60 "A has a link to $first again" is_so A routes "len(d['routes']) == 2"
must_come 60 "B has a link to $first again" links_up B 2
kill_router "$second" "$first"
