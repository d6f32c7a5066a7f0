#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Several workers in each daemon: frames cross lanes to the owner of their link or session.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	2 workers            two af_packet ports of 2 queues, 2 workers          2 workers
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
# shellcheck disable=SC2034 # lib.sh reads it
net_workers=2
main_job af_packet 4

# Many flows spread over the queues of A's TUN; each has to arrive.
flows=16
for flow in $(seq "$flows"); do
	ns A ping -6 -q -i 0.05 -c 10 -W 2 -F "$flow" "$main_overlay" >"$net_dir/flow.$flow" 2>&1 &
	flow_pids="${flow_pids:-} $!"
done
for flow_pid in $flow_pids; do
	wait "$flow_pid" || fail "a flow of pings lost all its packets"
done
answered=$(cat "$net_dir"/flow.* | awk '/received/ { sum += $4 } END { print sum }')
[ "$answered" -eq $((flows * 10)) ] || fail "of $((flows * 10)) pings $answered were answered"
echo "$answered pings of $flows flows answered"
