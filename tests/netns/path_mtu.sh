#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# The search for the path's MTU (RFC 8899) finds what passes where nobody tells: M forwards to a
# cable of 1400 bytes and says nothing about what it drops. The TUN's MTU follows. Then the cable
# shrinks while TCP runs: a black hole, which the session finds, and TCP goes on. That it grows is noticed
# after ten minutes: in virtual time (test_mtu_probe, sim_mtu).
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.3.1 --- 198.18.3.2 M 198.18.2.1 --- 198.18.2.2 B
#	udp port, TUN       one udp port               forwards, no ICMP  1400      udp port, TUN
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin

ns_add A R M B
line_any=0.0.0.0 line_ip=ip4
addr_a=198.18.1.2 addr_ra=198.18.1.1 addr_rb=198.18.3.1 addr_b=198.18.2.2
veth A a0 "$addr_a/24" R r0 "$addr_ra/24"
veth R r1 "$addr_rb/24" M m0 198.18.3.2/24
veth M m1 198.18.2.1/24 B b0 "$addr_b/24"
ns R ip route add 198.18.2.0/24 via 198.18.3.2
ns B ip route add default via 198.18.2.1
ns M sysctl -q -w net.ipv4.ip_forward=1
ns M sysctl -q -w net.ipv4.icmp_ratelimit=0
ns M ip route add blackhole default # and ICMP errors have no way to R
ns M ip rule add iif lo ipproto icmp blackhole
ns M ip route change 198.18.2.0/24 dev m1 mtu lock 1400

# finds NS PEER MTU: the session's search is over, with this size.
# shellcheck disable=SC2317 # must_come calls them
finds() {
	is_so "$1" sessions "any(s['peer'] == '$2' and s['mtu_state'] == 'complete' and s['mtu'] == $3
		for s in d['sessions'])"
}
# shellcheck disable=SC2317
tun_mtu_is() {
	ns "$1" ip -o link show viaduct0 | grep -q " mtu $2 "
}

main_configs udp
daemons R A B
must_come 20 "A has a session with B" has_session A "$peer_B"
[ "$(grep -c 'mtu: auto' "$net_dir/A.yaml")" = 1 ] || fail "A does not have tun.mtu: auto"

# 1400 less 91; from B the frames leave by R, by a cable of 1500: 1409
must_come 10 "A finds 1309" finds A "$peer_B" 1309
must_come 10 "B finds 1409" finds B "$peer_A" 1409
must_come 2 "A's TUN gets 1309" tun_mtu_is A 1309
must_come 2 "B's TUN gets 1409" tun_mtu_is B 1409
overlay_b=$(overlay B)
pinged A "$overlay_b" -6 -M "do" -s 1261 || fail "1,309 bytes do not pass"
ns M nstat -asz IpFragCreates | grep -Eq 'IpFragCreates +0 ' || fail "M made fragments"
[ "$(total B drops.fragment)" = 0 ] || fail "B got fragments"
[ "$(total A drops.too_big)" = 0 ] || fail "A dropped something of its own as too big"
counted A 'viaduct_mtu_probes_total{result="answered"}' || fail "no metric of probes"
counted A 'viaduct_mtu_sessions{state="complete"}' || fail "no metric of states"

# TCP, while the cable shrinks: M drops without a word
ns_start B sink.log python3 "$net_root/tests/netns/tcp.py" sink "$overlay_b" 7001
must_come 20 "the sink listens" grep -q listening "$net_dir/sink.log"
ns_start A source.log python3 "$net_root/tests/netns/tcp.py" source "$overlay_b" 7001
must_come 5 "TCP runs" grep -q megabyte "$net_dir/sink.log"
ns M ip route change 198.18.2.0/24 dev m1 mtu lock 1390
must_come 12 "A finds the black hole" counted A 'viaduct_mtu_changes_total{kind="black_hole"}'
must_come 10 "A finds 1299" finds A "$peer_B" 1299
must_come 2 "A's TUN gets 1299" tun_mtu_is A 1299
at=$(grep -c megabyte "$net_dir/sink.log")
# shellcheck disable=SC2317
tcp_goes_on() {
	[ "$(grep -c megabyte "$net_dir/sink.log")" -gt "$((at + 2))" ]
}
must_come 10 "TCP goes on" tcp_goes_on
has_session A "$peer_B" || fail "the session was lost"
logged A "session down" && fail "the session went down"
exit 0
