#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# The Go edge links to a router, reserves, asks for a route, and opens a session with a C edge.
#
#	A 198.18.1.2 ----- 198.18.1.1 R 198.18.2.1 ----- 198.18.2.2 B
#	multigram-go          viaductd, one udp port          viaductd, TUN
set -eu
. "$(dirname "$0")/lib.sh"
interop_line
interop_daemons "allow: [ $peer_G ]" "$peer_B $peer_G"
must_come 20 "R has B's link" links_up R 1

go_edge --connect "$peer_B" --pings 20 || fail "the Go edge ends with $?"
go_must_say "^ready peer=$peer_G" '^link up' "^observed address=$addr_a:" '^reserved ttl=[1-9]' '^link ping ok' \
	'^route label=0x' "^session up cipher=ChaCha20-Poly1305 peer=$peer_B initiator=true"
go_pings 20 || fail "not 20 pings over the session"
must_come 5 "B hears of its end" is_so B sessions "not any(s['peer'] == '$peer_G' and s['state'] == 'up' for s in d['sessions'])"
