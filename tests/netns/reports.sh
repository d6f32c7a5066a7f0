#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# What R reports when it no longer lets A's frames pass: not permitted (3), after a reload that
# parts A and B, and unknown director (1), when B's link is closed. A believes both, asks for
# routes again, and closes no session for it; with R's word back, packets pass.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	udp port, TUN       one udp port, 1 worker            udp port, TUN
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
line 4
main_configs udp
cp "$net_dir/R.yaml" "$net_dir/together.yaml"
daemons R A B
must_come 20 "A has a session with B" has_session A "$peer_B"
overlay_b=$(overlay B)
must_come 10 "B answers" pinged A "$overlay_b"
ns_start A ping.log ping -6 -i 0.1 "$overlay_b"

# reload TIERS: R's tiers are these from now on.
reload() {
	router_config R "/$line_ip/$addr_ra/udp/4001, /$line_ip/$addr_rb/udp/4001" \
		"$(router_ports udp)" "$1"
	kill -HUP "$pid_R"
}
tier() {
	echo "    - { name: t$1, peers: [ $2 ], realms: [ $1 ], call: true, reserve: true }"
}
# shellcheck disable=SC2154 # identity sets them
reload "$(tier 1 "$peer_A")
$(tier 2 "$peer_B")"
must_come 10 "A believes a report of code 3" counted A 'viaduct_reports_total{code="not_permitted"}'
[ "$(total R drops.not_permitted)" -ge 1 ] || fail "R counts no not_permitted"
has_session A "$peer_B" || fail "A closed its session for a report"

reload "$(tier 1 "$peer_A")"
must_come 10 "A believes a report of code 1" counted A 'viaduct_reports_total{code="unknown_director"}'
has_session A "$peer_B" || fail "A closed its session for a report"

cp "$net_dir/together.yaml" "$net_dir/R.yaml"
kill -HUP "$pid_R"
must_come 25 "B answers again" pinged A "$overlay_b"
[ "$(total A drops.report_unbelieved)" = 0 ] || fail "A took a true report for a forged one"
