#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# What the specifications say of a router, tried from outside, rule by rule: handshakes, setup, control
# messages, switching, reports, cookies.
#
#	A 198.18.1.2 ----- 198.18.1.1 R 198.18.2.1 ----- 198.18.2.2 B
#	multigram-go          viaductd, one udp port          viaductd, TUN
set -eu
. "$(dirname "$0")/lib.sh"
interop_line
interop_daemons "allow: [ $peer_G ]" "$peer_B $peer_G"
must_come 20 "R has B's link" links_up R 1

go_edge --connect "$peer_B" --probe || true
go_must_say '^rules broken='
if grep '^rule broken' "$net_dir/go.log"; then
	fail "the router does not do what the specifications say"
fi
echo "$(grep -c '^rule ok' "$net_dir/go.log") rules hold"
