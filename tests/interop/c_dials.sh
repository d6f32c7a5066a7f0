#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# A C edge asks for a route to the Go edge, opens a session with it, and pings it.
#
#	A 198.18.1.2 ----- 198.18.1.1 R 198.18.2.1 ----- 198.18.2.2 B
#	multigram-go          viaductd, one udp port          viaductd, TUN
set -eu
. "$(dirname "$0")/lib.sh"
interop_line
interop_daemons "connect: [ $peer_G ]" "$peer_B $peer_G"

go_edge_start --allow "$peer_B" --ciphers AES-256-GCM,ChaCha20-Poly1305 --pings 20 --stay
must_come 20 "B has a session with the Go edge" has_session B "$peer_G"
ask B ping "$peer_G" -n 8 >"$net_dir/ping.json" || fail "viaduct ping of the Go edge"
grep -q '"received": 8' "$net_dir/ping.json" || fail "pings were lost: $(cat "$net_dir/ping.json")"
must_come 10 "20 pings over the session" go_pings 20
go_must_say '^reserved ttl=[1-9]' "^session up cipher=.* peer=$peer_B initiator=false" '^answered ping'
go_edge_end || fail "the Go edge ends with $?"
