#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# What the kernel drops before an edge reads its TUN is told: A's daemon stands still while its host sends.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
line 4
main_configs udp
daemons R A B
must_come 20 "A has a session with B" has_session A "$peer_B"
to=$(overlay B)
[ "$(told A stats 'd["tun_overflows"]')" = 0 ] || fail "packets were lost before any were sent"
# shellcheck disable=SC2154 # daemons sets it
kill -STOP "$pid_A"
ns A python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
for _ in range(2000):
    s.sendto(b"x", (sys.argv[1], 9))' "$to"
kill -CONT "$pid_A"
tells() {
	[ "$(told A stats 'd["tun_overflows"]')" -ge 1000 ] # the queue holds 500; what else A's host says is little
}
must_come 10 "A tells what was lost" tells
ns A "$net_build/viaduct" --api "$net_dir/A.sock" stats >"$net_dir/stats.txt"
grep -q '^The kernel dropped [0-9]* packets before the TUN was read' "$net_dir/stats.txt" || fail "$(cat "$net_dir/stats.txt")"
