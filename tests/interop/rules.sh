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

# What the daemon is known not to do yet; take out what it does.
pending='multigram 6: sealed, too|multigram 6: an unknown index'

go_edge --connect "$peer_B" --probe || true
go_must_say '^rules broken='
grep '^rule broken' "$net_dir/go.log" >"$net_dir/broken" || true
grep -E "^rule broken: ($pending)" "$net_dir/broken" | sed 's/^rule broken/pending/' || true
if grep -Ev "^rule broken: ($pending)" "$net_dir/broken"; then
	fail "the router does not do what the specifications say"
fi
echo "$(grep -c '^rule ok' "$net_dir/go.log") rules hold"
