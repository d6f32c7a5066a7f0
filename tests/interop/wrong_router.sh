#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# The Go edge takes no link with a router of another peer id than it was told.
#
#	A 198.18.1.2 ----- 198.18.1.1 R 198.18.2.1 ----- 198.18.2.2 B
#	multigram-go          viaductd, one udp port          viaductd, TUN
set -eu
. "$(dirname "$0")/lib.sh"
interop_line
interop_daemons "allow: [ $peer_G ]" "$peer_B $peer_G"
interop_router="/ip4/$addr_ra/udp/4001/viaduct/p2p/$peer_B"

status=0
go_edge --connect "$peer_B" --timeout 3s || status=$?
[ "$status" -eq 1 ] || fail "the Go edge ends with $status, not 1"
go_must_say "^wrong peer want=$peer_B got=$peer_R"
! go_said '^link up' || fail "the Go edge has a link with the wrong router"
