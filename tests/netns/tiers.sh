#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Tiers by network and by token: who is in which, what a reload changes, and what becomes of a
# link whose address moves to another network.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	forward.py before R,   one udp port             shows a token
#	shows no token
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
line 4
main_configs udp
token_hash=$("$net_build/viaduct" token gen "$net_dir/B.token")
may="realms: [ 1 ], call: true, reserve: true"

# tiers LOW: A's networks are low, and the upper half of 198.18.1.0/24.
tiers() {
	router_config R "/ip4/$addr_ra/udp/4001" "$(router_ports udp)" \
		"    - { name: low, cidrs: [ $1, \"fd00::/8\" ], $may }
    - { name: high, peers: any, cidrs: [ 198.18.1.128/25 ], $may }
    - { name: gold, tokens: [ \"$token_hash\" ], cidrs: [ 198.18.2.0/24 ], $may }"
}

tier_of() {
	told R links "[l['tier'] for l in d['links'] if l['peer'] == '$1']"
}

in_tier() {
	[ "$(tier_of "$1")" = "['$2']" ]
}

# readdress NEW: the NAT before A sends from there now.
readdress() {
	ns A ip address add "$1/32" dev a0
	ns A ip route replace "$addr_ra/32" dev a0 src "$1"
	kill -USR1 "$nat"
}

# moved_to TIER: once A has sent something from its new address.
moved_to() {
	pinged A "$main_overlay" -W 0.2 || true
	in_tier "$peer_A" "$1"
}

done_handshakes() {
	ns R curl -s http://127.0.0.1:9600/metrics |
		awk '$1 == "viaduct_handshakes_total{kind=\"link\",result=\"done\"}" { print $2 }'
}

sed -i "s|routers: .*/udp/4001/|routers: [ /ip4/127.0.0.1/udp/5001/|" "$net_dir/A.yaml"
ns_start A forward.txt python3 "$(dirname "$0")/forward.py" 5001 "$addr_ra" 4001
nat=$started
must_come 20 "the NAT runs" grep -q forwarding "$net_dir/forward.txt"
tiers 198.18.1.0/25
daemons R A B
must_come 20 "A is in the tier of its network" in_tier "$peer_A" low
must_come 20 "B is refused without its token" logged B 'refused'

sed -i "s|^link:|&\n  token: $net_dir/B.token|" "$net_dir/B.yaml"
stop B
daemons B
must_come 20 "B is in the tier of its token" in_tier "$peer_B" gold
must_come 20 "A has a session with B" has_session A "$peer_B"
main_overlay=$(overlay B)
must_come 10 "B answers over the overlay" pinged A "$main_overlay"

done_before=$(done_handshakes)
readdress 198.18.1.130
must_come 20 "A's link moved, and is in the tier of its new network" moved_to high
must_come 10 "B answers over the overlay still" pinged A "$main_overlay"
[ "$(done_handshakes)" = "$done_before" ] || fail "there was a handshake instead"

tiers 198.18.9.0/24
kill -HUP "$pid_R"
must_come 5 "R reloads" logged R 'reloaded'
in_tier "$peer_A" high || fail "A's network is in high still"
readdress 198.18.1.3
ns A ping -6 -q -i 0.1 -c 20 -W 1 "$main_overlay" >"$net_dir/ping.log" 2>&1 || true
must_come 20 "A is turned away at an address of no tier" is_so R links \
	"all(l['peer'] != '$peer_A' or not l['tier'] for l in d['links'])"
pinged A "$main_overlay" && fail "A is turned away, and still reaches B"
in_tier "$peer_B" gold || fail "B keeps its link"

# a token that its operator took back
sed -i "s|tokens: .*$token_hash\" \]|tokens: []|" "$net_dir/R.yaml"
grep -q 'tokens: \[\]' "$net_dir/R.yaml" || fail "the hash is in R's tiers still"
kill -HUP "$pid_R"
must_come 10 "B is turned away once its token's hash is gone" is_so R links \
	"all(l['peer'] != '$peer_B' or not l['tier'] for l in d['links'])"
if grep -rq "$(cat "$net_dir/B.token")" "$net_dir"/*.log; then
	fail "a log tells the token"
fi
