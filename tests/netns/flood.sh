#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Spoofed first messages flood a router: an edge connects in 3 s all the same, the router's memory does
# not grow, and it sends the liars less than they sent.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 F
#	an edge                one udp port          floods from random addresses of 198.18.0.0/15
#
# FLOOD_RATE: messages a second. FLOOD_SECONDS. FLOOD_DRIVER: udp, af_packet.
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
[ -x "$net_build/tests/netns/flood" ] || skip "flood is not built; run ninja -C build"
net_begin
rate=${FLOOD_RATE:-100000}
seconds=${FLOOD_SECONDS:-8}

ns_add A R F
veth A a0 198.18.1.2/24 R r0 198.18.1.1/24
veth R r1 198.18.2.1/24 F f0 198.18.2.2/24
ns R ip route add default via 198.18.2.2
ns F ip route add default via 198.18.2.1
for loose in all r0 r1; do # answers to spoofed addresses leave by r1, wherever those are
	ns R sh -c "echo 0 >/proc/sys/net/ipv4/conf/$loose/rp_filter" 2>/dev/null || true
done
line_any=0.0.0.0
identity R
identity A
# shellcheck disable=SC2154 # identity sets them
{
	router_config R "/ip4/198.18.1.1/udp/4001" "$(router_ports "${FLOOD_DRIVER:-udp}")" "$(members "$peer_A")"
	edge_config A "$line_any:4001" "/ip4/198.18.1.1/udp/4001/viaduct/p2p/$peer_R" "allow: [ ]"
}

rss() {
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$pid_R/status"
}

# metric SAMPLE: its value at R.
metric() {
	ns R curl -s http://127.0.0.1:9600/metrics | awk -v "sample=$1" '$1 == sample { print $2 }'
}

# r1_bytes rx|tx: IP bytes of R's end towards F.
r1_bytes() {
	ns R ip -j -s link show r1 |
		python3 -c 'import json, sys; s = json.load(sys.stdin)[0]["stats64"][sys.argv[1]]; print(s["bytes"] - 14 * s["packets"])' "$1"
}

milliseconds() {
	echo $(($(date +%s%N) / 1000000))
}

# A small table of links: what strangers begin must leave indices for those who finish.
export VIADUCT_LINK_LINKS_MAX=16
daemons R
unset VIADUCT_LINK_LINKS_MAX
asked='viaduct_handshakes_total{kind="link",result="cookie_asked"}'
ns_start F flood.log "$net_build/tests/netns/flood" 198.18.1.1 4001 "$rate" "$seconds"
flooder=$started
must_come 5 "R asks for cookies" counted R "$asked"
before=$(rss)

daemon A
ready A || fail "viaductd of A does not become ready"
dialled=$(milliseconds)
must_come 4 "A has a link to R under the flood" links_up A 1
took=$(($(milliseconds) - dialled))
[ "$took" -le 3000 ] || fail "the link took $took ms"
ended "$flooder" && fail "the flood was over before the link was up"

must_come $((seconds + 12)) "the flood ends" ended "$flooder"
after=$(rss)
links_up A 1 || fail "the link did not outlive the flood"
[ $((after - before)) -le 4096 ] || fail "R grew by $((after - before)) KiB under the flood"
[ "$(metric 'viaduct_handshakes_total{kind="link",result="begun"}')" -le $((100 + 4 * seconds)) ] || fail "R began handshakes with liars"
[ "$(r1_bytes tx)" -le "$(r1_bytes rx)" ] || fail "R sent $(r1_bytes tx) bytes for $(r1_bytes rx)"
echo "$(cat "$net_dir/flood.log"); cookies asked $(metric "$asked"), given back" \
	"$(metric 'viaduct_handshakes_total{kind="link",result="cookie_fit"}'); link up after $took ms;" \
	"rss $before -> $after KiB; bytes in $(r1_bytes rx), out $(r1_bytes tx)"
