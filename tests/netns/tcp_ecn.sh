#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# TCP that does ECN, over the overlay: what M marks on the outer packets arrives inside, and the
# sender's TCP hears of it (RFC 6040, RFC 3168). And an edge that hides DSCP: M sees none, the packet
# inside keeps its own; ECN passes all the same.
#
#	A 198.18.1.2 --- 198.18.1.1 M 198.18.3.1 --- 198.18.3.2 R 198.18.2.1 --- 198.18.2.2 B
#	udp port, TUN       forwards, marks              one udp port               udp port, TUN
#	traffic_class: zero
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/marker.sh"
net_needs
marker_up
ns A sysctl -q -w net.ipv4.tcp_ecn=1
ns B sysctl -q -w net.ipv4.tcp_ecn=1
main_configs udp
sed -i 's/mtu: auto/mtu: auto, traffic_class: zero/' "$net_dir/A.yaml"
daemons R A B
must_come 20 "A has a session with B" has_session A "$peer_B"
overlay_b=$(overlay B)
must_come 10 "B answers over the overlay" pinged A "$overlay_b"

# DSCP: EF inside, nothing outside
ns M nft add rule ip marking forward ip dscp ef counter comment ef
ns M nft add rule ip marking forward ip dscp cs0 ip ecn ect0 counter comment ect0
ns B nft add table ip6 seen
ns B nft 'add chain ip6 seen input { type filter hook input priority 0; }'
ns B nft add rule ip6 seen input icmpv6 type echo-request ip6 dscp ef ip6 ecn ect0 counter comment inside
# counts NS COMMENT: packets of the rule.
counts() {
	ns "$1" nft list ruleset | sed -n "s/.*packets \([0-9]*\) .*comment \"$2\".*/\1/p"
}
ns A ping -6 -q -i 0.02 -c 10 -W 2 -Q 0xba "$overlay_b" >"$net_dir/ping.log" || fail "pings of EF"
[ "$(counts B inside)" = 10 ] || fail "$(counts B inside) of 10 kept EF and ECT(0) inside"
[ "$(counts M ect0)" -ge 10 ] || fail "$(counts M ect0) of 10 showed ECT(0) outside"
# the answers of B, which copies, are what M sees of EF
[ "$(counts M ef)" -le 10 ] || fail "A shows DSCP outside"
ns M nft flush chain ip marking forward

# one in 20 of A's is marked
ns M nft add rule ip marking forward iif m0 ip ecn ect0 numgen random mod 20 == 0 ip ecn set ce
ns_start B sink.log python3 "$net_root/tests/netns/tcp.py" sink "$overlay_b" 7001
must_come 20 "the sink listens" grep -q listening "$net_dir/sink.log"
ns_start A source.log python3 "$net_root/tests/netns/tcp.py" source "$overlay_b" 7001
must_come 10 "TCP runs" grep -q "megabyte 3" "$net_dir/sink.log"
# seen NS COUNTER: whether the kernel's counter is above 0.
# shellcheck disable=SC2317 # must_come calls it
seen() {
	ns "$1" nstat -asz "$2" | awk -v "name=$2" '$1 == name && $2 > 0 { found = 1 } END { exit !found }'
}
must_come 5 "marks arrive in B's packets" seen B Ip6InCEPkts
must_come 5 "A's TCP hears of them" seen A TcpExtTCPDeliveredCE
[ "$(total R drops.ce_not_ect)" = 0 ] || fail "R dropped marks"
