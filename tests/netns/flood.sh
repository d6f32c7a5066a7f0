#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Spoofed first messages flood a router: an edge connects in 3 s all the same, the router's memory does
# not grow, a good flow through it loses nothing, and no kind of input is answered with more than it had.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B     a good flow goes from A to B
#	                 198.18.3.1 R 198.18.4.1 --- 198.18.4.2 C     connects under the flood
#	                            |
#	                 198.18.3.2 F      floods from random addresses of 198.18.0.0/15
#
# FLOOD_RATE: messages a second; FLOOD_LEAST: to how many it may be lowered, after FLOOD_TRIES with each;
# FLOOD_FLOOR: that must really leave. FLOOD_SECONDS.
# FLOOD_BESIDE: messages a second beside a good flow of half of what gets through beside them (or less, down to an
# eighth); lowered, never below 20,000, where that loses any: a machine may have no time for both. The last line names
# what it came to. Unless set: 20,000 beside a flow at half of its speed without a flood.
# FLOOD_DRIVER: udp, af_packet. FLOOD_IP: 4, 6 (the same numbers in fd00:18::, floods from
# fd00:5eed::/32).
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/harm_lib.sh"
net_needs
steady_needs flood steady
net_begin
rate=${FLOOD_RATE:-100000}
seconds=${FLOOD_SECONDS:-5}
beside=${FLOOD_BESIDE:-20000}
ip=${FLOOD_IP:-4}

line "$ip"
ns_add C F
if [ "$ip" = 4 ]; then
	addr_rf=198.18.3.1 addr_f=198.18.3.2 addr_rc=198.18.4.1 addr_c=198.18.4.2 liars=198.18.0.0/15
else
	addr_rf=fd00:18:3::1 addr_f=fd00:18:3::2 addr_rc=fd00:18:4::1 addr_c=fd00:18:4::2 liars=fd00:5eed::/32
fi
# shellcheck disable=SC2154 # line sets them
{
	veth R r2 "$addr_rf/$line_bits" F f0 "$addr_f/$line_bits"
	veth R r3 "$addr_rc/$line_bits" C c0 "$addr_c/$line_bits"
	ns C ip "-$ip" route add default via "$addr_rc"
}
ns R ip "-$ip" route add "$liars" via "$addr_f"
ns F ip "-$ip" route add default via "$addr_rf"
for loose in all r0 r1 r2 r3; do # answers to spoofed addresses leave by r2, wherever those are
	ns R sh -c "echo 0 >/proc/sys/net/ipv4/conf/$loose/rp_filter" 2>/dev/null || true
done
main_configs udp
identity C
# shellcheck disable=SC2154 # identity sets them
{
	router_config R "/$line_ip/$addr_ra/udp/4001, /$line_ip/$addr_rb/udp/4001" \
		"$(router_ports "${FLOOD_DRIVER:-udp}" 0 1 2 3)" "$(members "$peer_A" "$peer_B" "$peer_C")"
	edge_config C "$line_any:4001" "/$line_ip/$addr_rc/udp/4001/viaduct/p2p/$peer_R" "allow: [ ]"
}

rss() {
	awk '$1 == "VmRSS:" { print $2 }' "/proc/$pid_R/status"
}

# metric SAMPLE: its value at R.
metric() {
	ns R curl -s http://127.0.0.1:9600/metrics | awk -v "sample=$1" '$1 == sample { print $2 }'
}

# r2_bytes rx|tx: IP bytes of R's end towards F.
r2_bytes() {
	ns R ip -j -s link show r2 |
		python3 -c 'import json, sys; s = json.load(sys.stdin)[0]["stats64"][sys.argv[1]]; print(s["bytes"] - 14 * s["packets"])' "$1"
}

milliseconds() {
	echo $(($(date +%s%N) / 1000000))
}

# ratios WHEN: bytes out over bytes in, for each kind of input.
ratios() {
	ns F python3 "$(dirname "$0")/ratio.py" "$addr_rf" 4001 >"$net_dir/ratios" ||
		fail "more bytes out than in $1: $(cat "$net_dir/ratios")"
	echo "bytes out over bytes in, $1:"
	cat "$net_dir/ratios"
}

# A small table of links: what strangers begin must leave indices for those who finish.
export VIADUCT_LINK_LINKS_MAX=16
steady_daemons
unset VIADUCT_LINK_LINKS_MAX
steady_begin
ratios "without load"

asked='viaduct_handshakes_total{kind="link",result="cookie_asked"}'
begun='viaduct_handshakes_total{kind="link",result="begun"}'
is_loaded() {
	[ "$(metric "$asked")" -gt $((asked_before + 1000)) ]
}

# Whether C has a link 3 s after it became ready, and before the flood is over.
connects() {
	asked_before=$(metric "$asked")
	begun_before=$(metric "$begun")
	ns_start F flood.log "$net_build/tests/netns/flood" "$addr_rf" 4001 "$rate" "$seconds"
	flooder=$started
	must_come 5 "R asks for cookies" is_loaded
	daemon C
	ready C || fail "viaductd of C does not become ready"
	dialled=$(milliseconds)
	wait_for 4 logged C 'link up' # its log: asking it costs more than the link on a busy machine
	took=$(($(milliseconds) - dialled))
	[ "$took" -le 3000 ] && ! ended "$flooder"
}

# reached LOG: messages a second that left; on a machine that does other things fewer than asked for, but
# a flood that is none would show nothing.
reached() {
	awk '$2 == "sent" { print int($1 / $4) }' "$1"
}

before=$(rss) tries=0
until connects; do # a machine that does other things may have no time for all of them
	echo "a flood of $rate/s: no link after $took ms"
	tries=$((tries + 1))
	if [ $((tries % ${FLOOD_TRIES:-1})) -eq 0 ]; then
		[ $((rate / 2)) -ge "${FLOOD_LEAST:-25000}" ] || fail "C has no link to R under the flood"
		rate=$((rate / 2))
	fi
	stop C
	must_come $((seconds + 12)) "the flood ends" ended "$flooder"
done
must_come $((seconds + 12)) "the flood ends" ended "$flooder"
reached=$(reached "$net_dir/flood.log")
[ "$reached" -ge $((rate / 2)) ] || fail "a flood of $rate/s was asked for, and $reached/s were sent"
[ "$reached" -ge "${FLOOD_FLOOR:-10000}" ] || fail "only $reached/s were sent: that is no flood"
ratios "under load" # there is, for up to 20 s after the first of them
after=$(rss)
links_up C 1 || fail "the link did not outlive the flood"
[ $((after - before)) -le 4096 ] || fail "R grew by $((after - before)) KiB under the flood"
[ $(($(metric "$begun") - begun_before)) -le $((100 + 4 * seconds)) ] || fail "R began handshakes with liars"
[ "$(r2_bytes tx)" -le "$(r2_bytes rx)" ] || fail "R sent $(r2_bytes tx) bytes for $(r2_bytes rx)"
echo "reached $reached/s of ${FLOOD_RATE:-100000}/s: $(cat "$net_dir/flood.log"); cookies asked $(metric "$asked"), given back" \
	"$(metric 'viaduct_handshakes_total{kind="link",result="cookie_fit"}'); link up after $took ms;" \
	"rss $before -> $after KiB; bytes in $(r2_bytes rx), out $(r2_bytes tx)"
[ "$(metric 'viaduct_drops_total{reason="control_full"}')" -eq 0 ] || fail "the flood dropped what peers said"

flood_beside() {
	ns F "$net_build/tests/netns/flood" "$addr_rf" 4001 "$beside" 2 >"$net_dir/beside.log"
}

# The flow's rate from now on: half of what gets through beside the flood.
half_beside() {
	ns_start F measured.log "$net_build/tests/netns/flood" "$addr_rf" 4001 "$beside" 2
	steady_speed=$(field per_s "$(steady 0 1)")
	steady_rate=$((steady_speed / 2)) steady_floor=$((steady_speed / 8))
	[ "$steady_floor" -gt 0 ] || fail "nothing gets through beside a flood of $beside/s"
	must_come 10 "the flood ends" ended "$started"
}

[ -z "${FLOOD_BESIDE:-}" ] || half_beside
until is_unharmed "a flood of $beside/s" flood_beside; do
	[ "$beside" -gt 20000 ] || fail "the good flow suffers from a flood of $beside/s: $unharmed_line"
	beside=$((beside * 3 / 4))
	[ "$beside" -ge 20000 ] || beside=20000
	half_beside
done
reached=$(reached "$net_dir/beside.log")
[ "$reached" -ge 10000 ] || fail "only $reached/s were sent beside the flow: that is no flood"
echo "beside $reached/s, asked for $beside/s of ${FLOOD_BESIDE:-20000}/s, nothing was lost of a flow of $unharmed_at/s," \
	"where $steady_speed/s may get through"
