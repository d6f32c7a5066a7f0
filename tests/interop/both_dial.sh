#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# The Go edge and a C edge open a session with each other at once: whoever has the smaller e stays initiator.
#
#	A 198.18.1.2 ----- 198.18.1.1 R 198.18.2.1 ----- 198.18.2.2 B
#	multigram-go          viaductd, one udp port          viaductd, TUN
set -eu
. "$(dirname "$0")/lib.sh"
interop_line
interop_daemons "connect: [ $peer_G ]" "$peer_B $peer_G"
must_come 20 "R has B's link" links_up R 1

# crossed ORDER INITIATOR
crossed() {
	go_edge --allow "$peer_B" --cross "$1" --pings 20 || fail "$1: the Go edge ends with $?"
	go_must_say '^crossing' "^session up cipher=.* peer=$peer_B initiator=$2"
	! go_said "^session up .* initiator=$3" || fail "$1: both handshakes finish"
	go_pings 20 || fail "$1: not 20 pings over the session"
}

crossed smaller true false
crossed larger false true
