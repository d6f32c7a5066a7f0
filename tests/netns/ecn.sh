#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Congestion that a router on the way marks reaches the packet inside (RFC 6040): of the packets
# over the overlay whose sender does ECN, those marked on the first or the last hop arrive
# marked, DSCP as it was; those whose sender does not are never marked on the way, and pass.
#
#	A 198.18.1.2 --- 198.18.1.1 M 198.18.3.1 --- 198.18.3.2 R 198.18.2.1 --- 198.18.2.2 B
#	udp port, TUN       forwards, marks              af_packet ports            udp port, TUN
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/marker.sh"
net_needs
marker_up
main_configs af_packet
daemons R A B
must_come 20 "A has a session with B" has_session A "$peer_B"
overlay_b=$(overlay B)
overlay_a=$(overlay A)
must_come 10 "B answers over the overlay" pinged A "$overlay_b"

# arrived NS FILE ADDRESS CLASS COUNT: echo requests from ADDRESS that came out of NS's TUN with it.
watch() {
	ns "$1" nft add table ip6 seen
	ns "$1" nft 'add chain ip6 seen input { type filter hook input priority 0; }'
	for class in ect0 ect1 ce not-ect; do
		ns "$1" nft add rule ip6 seen input icmpv6 type echo-request ip6 dscp "$2" \
			ip6 ecn "$class" counter comment "$class"
	done
}
seen() {
	ns "$1" nft list table ip6 seen | sed -n "s/.*packets \([0-9]*\) .*comment \"$2\".*/\1/p"
}
reset() {
	ns "$1" nft reset counters table ip6 seen >/dev/null 2>&1 || true
	ns "$1" nft flush chain ip6 seen input
	ns "$1" nft delete table ip6 seen
}
# pings NS ADDRESS CLASS: ten, with that traffic class.
pings() {
	ns "$1" ping -6 -q -i 0.02 -c 10 -W 2 -Q "$3" "$2" >"$net_dir/ping.log" ||
		fail "pings of class $3 from $1"
}

# from A: the mark is made before R, so R must carry it on; from B: on the last hop
ns M nft add rule ip marking forward ip ecn ect0 counter ip ecn set ce
for way in "A B $overlay_b" "B A $overlay_a"; do
	# shellcheck disable=SC2086
	set -- $way
	watch "$2" ef
	pings "$1" "$3" 0xba # EF, ECT(0)
	[ "$(seen "$2" ce)" = 10 ] || fail "from $1: $(seen "$2" ce) of 10 marks arrive"
	pings "$1" "$3" 0xb9 # ECT(1), which M leaves alone
	[ "$(seen "$2" ect1)" = 10 ] || fail "from $1: $(seen "$2" ect1) of 10 ECT(1) arrive"
	pings "$1" "$3" 0xb8 # no ECN
	[ "$(seen "$2" not-ect)" = 10 ] || fail "from $1: $(seen "$2" not-ect) of 10 plain ones arrive"
	[ "$(seen "$2" ect0)" = 0 ] || fail "from $1: a mark was lost"
	reset "$2"
done

# one that marks what must not be marked: dropped by who gets it, not passed as if nothing were
ns M nft flush chain ip marking forward
ns M nft add rule ip marking forward ip dscp ef ip ecn set ce
ns A ping -6 -q -i 0.02 -c 5 -W 1 -Q 0xb8 "$overlay_b" >/dev/null && fail "a wrong mark passed"
[ "$(total R drops.ce_not_ect)" -ge 5 ] || fail "R does not count wrong marks"
