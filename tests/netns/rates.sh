#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Rates of tiers with real packets: exact to 2 %, in frames and in bits, at the egress and at the ingress; a reload holds at once and without a handshake; two senders into a slow link get half each,
# though one sends ten times as much. Measured by the receiver's own clock.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	                            R 198.18.3.1 --- 198.18.3.2 C
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
line 4
ns_add C
veth R r2 198.18.3.1/24 C c0 198.18.3.2/24
ns C ip route add default via 198.18.3.1
main_configs udp
identity C
edge_config B 0.0.0.0:4001 "/ip4/$addr_rb/udp/4001/viaduct/p2p/$peer_R" "allow: [ $peer_A, $peer_C ]"
edge_config C 0.0.0.0:4001 "/ip4/198.18.3.1/udp/4001/viaduct/p2p/$peer_R" "connect: [ $peer_B ]"
may="realms: [ 1 ], call: true, reserve: true"
port=7000

# tiers RATES_OF_SENDERS RATES_OF_B
tiers() {
	router_config R "/ip4/$addr_ra/udp/4001" "$(router_ports udp)" \
		"    - { name: senders, peers: [ $peer_A, $peer_C ], $may, $1 }
    - { name: slow, peers: [ $peer_B ], $may, $2 }"
}

reload() {
	tiers "$1" "$2"
	reloads=$((reloads + 1))
	kill -HUP "$pid_R"
	must_come 5 "R reloads" reloaded "$reloads"
}

reloaded() {
	[ "$(grep -c 'config: reloaded' "$net_dir/R.log")" -ge "$1" ]
}

# measure SECONDS NAME PER_SECOND BYTES [NAME …]: these send to B for 2 s more; what B got is in
# $net_dir/got.
measure() {
	measure_s=$1
	shift
	port=$((port + 1))
	ns_start B got python3 "$(dirname "$0")/rates.py" recv "$main_overlay" "$port" 2 "$measure_s"
	receiver=$started
	must_come 20 "the receiver listens" grep -q listening "$net_dir/got"
	while [ $# -gt 0 ]; do
		ns_start "$1" "sent.$1" python3 "$(dirname "$0")/rates.py" send "$main_overlay" "$port" \
			"$2" "$((measure_s + 3))" "$3"
		shift 3
	done
	must_come 15 "the receiver is done" ended "$receiver"
	cat "$net_dir/got"
}

# off WANTED: what of it was not got.
off() {
	echo "$1" | tr ';' '\n' | while read -r who wanted percent; do
		awk -v who="$who" -v wanted="$wanted" -v percent="$percent" '$1 == who {
			off = ($3 - wanted) / wanted * 100
			found = off <= percent && off >= -percent
		} END { exit !found }' "$net_dir/got" || echo "$who: not $wanted a second to $percent %"
	done
}

# rates WANTED MEASURE…: "WHO PER_SECOND PERCENT", more after ";", in one of three measurements: a sender that a busy
# machine stops for longer than a bucket lasts has lost what it did not send.
rates() {
	rates_wanted=$1
	shift
	for _ in 1 2 3; do
		measure "$@"
		rates_off=$(off "$rates_wanted")
		[ -n "$rates_off" ] || return 0
	done
	fail "$rates_off: $(tr '\n' ';' <"$net_dir/got")"
}

done_handshakes() {
	ns R curl -s http://127.0.0.1:9600/metrics |
		awk '$1 == "viaduct_handshakes_total{kind=\"link\",result=\"done\"}" { print $2 }'
}

reloads=0
tiers "pps: 0" "pps: 400"
daemons R A B C
must_come 20 "A has a session with B" has_session A "$peer_B"
must_come 20 "C has a session with B" has_session C "$peer_B"
main_overlay=$(overlay B)
must_come 10 "B answers A" pinged A "$main_overlay"
must_come 10 "B answers C" pinged C "$main_overlay"
done_before=$(done_handshakes)

echo "egress, 400 frames a second"
rates "all 400 2" 3 A 1200 200

echo "egress, 400 frames a second, two senders"
rates "$(overlay A) 200 10;$(overlay C) 200 10;all 400 2" 3 A 400 200 C 4000 200

# A datagram of 939 bytes is 48 more in IPv6, 30 more sealed, 33 more switched: 1,050 of UDP payload.
echo "ingress, 4,200,000 bits a second: 500 frames of 1,050 bytes"
reload "bps: 4200000" "pps: 0"
rates "all 500 2" 3 A 1500 939

echo "ingress, 300 frames a second"
reload "pps: 300" "pps: 0"
rates "all 300 2" 3 A 900 200

echo "egress, 4,200,000 bits a second: 500 frames of 1,050 bytes"
reload "pps: 0" "bps: 4200000"
rates "all 500 2" 3 A 1500 939
[ "$(done_handshakes)" = "$done_before" ] || fail "there was a handshake meanwhile"
