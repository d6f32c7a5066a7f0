#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Goodbyes to many: a router with more links than a worker's lane holds frames tells each of its
# peers that it goes, and ends within 5 s.
#
#	A 198.18.1.2 --- 198.18.1.1 R
#	400 peers            udp port
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
ns_add A R
veth A a0 198.18.1.2/24 R r0 198.18.1.1/24
for last in $(seq 100 199); do
	ns A ip address add "198.18.1.$last/24" dev a0
done
identity R
line_any=0.0.0.0
router_config R "/ip4/198.18.1.1/udp/4001" "$(router_ports udp)" \
	"    - { name: all, peers: any, realms: [ 1 ], call: true, reserve: true }"
daemons R
ns_start A crowd.log "$net_build/tests/netns/crowd" "$peer_R" 198.18.1.1 4001 400 198.18.1.100 100
must_come 30 "400 links are up" grep -q '^up 400' "$net_dir/crowd.log"
stop R
must_come 10 "the crowd has counted" grep -q '^closed' "$net_dir/crowd.log"
grep -q '^closed 400' "$net_dir/crowd.log" || fail "not all peers were told: $(tail -n 1 "$net_dir/crowd.log")"
cat "$net_dir/crowd.log"
