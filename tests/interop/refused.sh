#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# A router refuses the Go edge, which no tier names; the Go edge is told so, under the new keys.
#
#	A 198.18.1.2 ----- 198.18.1.1 R 198.18.2.1 ----- 198.18.2.2 B
#	multigram-go          viaductd, one udp port          viaductd, TUN
set -eu
. "$(dirname "$0")/lib.sh"
interop_line
interop_daemons "allow: [ $peer_G ]" "$peer_B"

status=0
go_edge --connect "$peer_B" || status=$?
[ "$status" -eq 3 ] || fail "the Go edge ends with $status, not 3"
go_must_say "^link closed status=REFUSED .*peer=$peer_R"
! go_said '^reserved' || fail "the Go edge reserves, though no tier names it"
must_come 5 "R logs whom it refused" logged R "refused.*$peer_G|$peer_G.*refused"
