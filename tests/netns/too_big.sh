#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# A path that carries less than it did: the router's report is believed, the edge lowers its
# path, and the host gets Packet Too Big; what fits goes on, TCP as well, no session is lost.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	udp port, TUN       one udp port, 1 worker            udp port, TUN
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
line 4
main_configs udp
sed -i 's/mtu: auto/mtu: 1400/' "$net_dir/A.yaml" "$net_dir/B.yaml"
daemons R A B
must_come 20 "A has a session with B" has_session A "$peer_B"
overlay_b=$(overlay B)
must_come 10 "1,400 bytes pass" pinged A "$overlay_b" -6 -M "do" -s 1352

ns_start B sink.log python3 "$net_root/tests/netns/tcp.py" sink "$overlay_b" 7001
must_come 20 "the sink listens" grep -q listening "$net_dir/sink.log"
ns_start A source.log python3 "$net_root/tests/netns/tcp.py" source "$overlay_b" 7001
must_come 5 "TCP runs" grep -q megabyte "$net_dir/sink.log"

# 1400 less IP, UDP and switch header is a payload of 1339; less 30, a packet of 1309
ns R ip link set r1 mtu 1400
at=$(grep -c megabyte "$net_dir/sink.log")
ns A ip -6 route flush cache
# shellcheck disable=SC2317 # must_come calls it
too_big_is_told() {
	ns A ping -6 -c 1 -W 1 -M "do" -s 1352 "$overlay_b" 2>&1 | grep -Eqi 'mtu[ =:]*1309'
}
must_come 15 "A's host learns the MTU of 1309" too_big_is_told
pinged A "$overlay_b" -6 -M "do" -s 1261 || fail "1,309 bytes do not pass"
[ "$(total R drops.too_big)" -ge 1 ] || fail "R counts no too_big"
must_come 5 "A counts the report" counted A 'viaduct_reports_total{code="too_big"}'
must_come 5 "A counts what it told" counted A viaduct_too_big_told_total
# shellcheck disable=SC2317 # must_come calls it
tcp_goes_on() {
	[ "$(grep -c megabyte "$net_dir/sink.log")" -gt "$((at + 2))" ]
}
must_come 5 "TCP goes on" tcp_goes_on
# shellcheck disable=SC2317
finds() {
	is_so A sessions "any(s['mtu_state'] == 'complete' and s['mtu'] == 1309 for s in d['sessions'])"
}
must_come 5 "the search finds the same" finds
has_session A "$peer_B" || fail "the session was lost"
logged A "session down" && fail "the session went down"
exit 0
