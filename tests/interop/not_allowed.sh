#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# A C edge refuses a session with the Go edge, which is not on its list.
#
#	A 198.18.1.2 ----- 198.18.1.1 R 198.18.2.1 ----- 198.18.2.2 B
#	multigram-go          viaductd, one udp port          viaductd, TUN
set -eu
. "$(dirname "$0")/lib.sh"
interop_line
interop_daemons "allow: [ $peer_R ]" "$peer_B $peer_G"
must_come 20 "R has B's link" links_up R 1

status=0
go_edge --connect "$peer_B" || status=$?
[ "$status" -eq 3 ] || fail "the Go edge ends with $status, not 3"
go_must_say '^link up' '^reserved' '^route label=0x' "^session closed status=REFUSED .*peer=$peer_B"
! go_said '^ping ok' || fail "the C edge answers pings of whom it refused"
