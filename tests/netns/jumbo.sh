#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Cables of 9,000 bytes: buffers are made for them, the search goes up to what they carry, packets
# of that size pass in one piece; over R's sockets, and over its DPDK ports on packet sockets.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B        all 9,000
#	udp port, TUN       udp, then af_packet           udp port, TUN
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
line 4
for end in "A a0" "R r0" "R r1" "B b0"; do
	# shellcheck disable=SC2086
	set -- $end
	ns "$1" ip link set "$2" mtu 9000
done
# shellcheck disable=SC2317 # must_come calls it
finds() {
	is_so "$1" sessions "any(s['mtu_state'] == 'complete' and s['mtu'] == $2 for s in d['sessions'])"
}
# 9000 less 91
for driver in udp af_packet; do
	rm -f "$net_dir"/*.key
	main_configs "$driver"
	daemons R A B
	must_come 20 "A has a session with B" has_session A "$peer_B"
	must_come 10 "A finds 8909 over $driver" finds A 8909
	must_come 10 "B finds 8909 over $driver" finds B 8909
	overlay_b=$(overlay B)
	must_come 3 "8,909 bytes pass over $driver" pinged A "$overlay_b" -6 -M "do" -s 8861
	ns R nstat -asz IpFragCreates | grep -Eq 'IpFragCreates +0 ' || fail "R made fragments"
	[ "$(total B drops.fragment)" = 0 ] || fail "B got fragments"
	stop A
	stop B
	stop R
done
