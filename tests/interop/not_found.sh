#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# A router gives the Go edge no route to a peer that it may not call: the answer is as for one that is absent.
#
#	A 198.18.1.2 ----- 198.18.1.1 R 198.18.2.1 ----- 198.18.2.2 B
#	multigram-go          viaductd, one udp port          viaductd, TUN
set -eu
. "$(dirname "$0")/lib.sh"
interop_line
identity absent
others="    - { name: others, peers: [ $peer_G ], realms: [ 2 ], call: true, reserve: true }"
interop_daemons "allow: [ $peer_G ]" "$peer_B" "$others"
must_come 20 "R has B's link" links_up R 1

for wanted in "$peer_B" "$peer_absent"; do
	! go_edge --connect "$wanted" --timeout 3s || fail "the Go edge gets through to $wanted"
	go_must_say '^reserved' '^route status=NOT_FOUND'
	! go_said '^route label' || fail "there is a route to $wanted"
done
