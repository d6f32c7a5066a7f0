# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck disable=SC2034 # who sources this uses them
# two: the edges A and B with links to the routers R and S, for tests that move sessions between these.
#
#	        198.18.1.1 R 198.18.2.1
#	A a0 ---/                      \--- b0 B
#	  a1 ---\ 198.18.3.1 S 198.18.4.1 /--- b1
#
#	all: udp ports. A has B in session.connect, B has A in session.allow.

# two_begin: namespaces, cables, configurations; nothing runs yet.
two_begin() {
	line_any=0.0.0.0
	ns_add A R S B
	veth A a0 198.18.1.2/24 R r0 198.18.1.1/24
	veth R r1 198.18.2.1/24 B b0 198.18.2.2/24
	veth A a1 198.18.3.2/24 S s0 198.18.3.1/24
	veth S s1 198.18.4.1/24 B b1 198.18.4.2/24
	for two_name in A B R S; do
		identity "$two_name"
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
}

# two_up: everything runs, A knows a way to B by either router; $overlay_b.
two_up() {
	daemons R S A B
	must_come 20 "A has links to both routers" links_up A 2
	must_come 20 "B has links to both routers" links_up B 2
	must_come 20 "A has a session with B" has_session A "$peer_B"
	must_come 10 "A knows a route by either router" is_so A routes "len(d['routes']) == 2"
	overlay_b=$(overlay B)
	must_come 10 "B answers over the overlay" pinged A "$overlay_b"
}

# uses NAME ROUTER: whether the session of A (B) goes by it.
uses() {
	eval "uses_router=\$peer_$2"
	is_so "$1" sessions "d['sessions'][0]['path'].startswith('$uses_router')"
}

# which_router: $first is the router that A uses, $second the other one.
which_router() {
	if uses A R; then
		first=R second=S
	else
		first=S second=R
	fi
}

handshakes() {
	ns A curl -s http://127.0.0.1:9600/metrics |
		sed -n 's/^viaduct_handshakes_total{kind="session",result="done"} //p'
}

# flow_begin: A sends to B, B sends back.
flow_begin() {
	ns_start B echo.txt python3 "$(dirname "$0")/flow.py" echo 7000
	must_come 20 "the echo begins" grep -q begun "$net_dir/echo.txt"
	ns_start A flow.txt python3 "$(dirname "$0")/flow.py" send "$overlay_b" 7000
	flow_pid=$started
	must_come 20 "the flow begins" grep -q begun "$net_dir/flow.txt"
}

# flow_end: what it tells, in $flow_told.
flow_end() {
	kill "$flow_pid"
	must_come 5 "the flow ends" ended "$flow_pid"
	flow_told=$(grep '^sent ' "$net_dir/flow.txt") || fail "the flow tells nothing"
}
