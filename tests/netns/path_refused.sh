#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# A path of 1370 bytes carries no IPv6 inside: refused for sessions, counted, told in the log;
# one of 1371 is taken.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	udp port, TUN       one udp port, MTU of r1           udp port, TUN
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
line 4
main_configs udp
ns R ip link set r1 mtu 1370
daemons R A B
must_come 20 "R has both links" links_up R 2
must_come 10 "A counts the path" counted A 'viaduct_control_drops_total{reason="path_mtu"}'
must_come 5 "A's log tells why" logged A 'path refused'
has_session A "$peer_B" && fail "A has a session over 1370 bytes"
ns R ip link set r1 mtu 1371
must_come 60 "A has a session over 1371 bytes" has_session A "$peer_B"
must_come 10 "B answers over the overlay" pinged A "$(overlay B)"
