#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# A stranger's session is refused by the edge, though the router would carry it; told apart from silence.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	connects to B             one udp port              allows nobody
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
line 4
main_configs udp
edge_config B "$line_any:4001" "/ip4/$addr_rb/udp/4001/viaduct/p2p/$peer_R" "allow: [ ]"
daemons R A B

must_come 20 "R has both links" links_up R 2
must_come 20 "A logs that its session was refused" logged A 'session: refused'
must_come 5 "B logs whom it refused" logged B "refused.*$peer_A|$peer_A.*refused"
must_come 5 "B counts it" counted B 'viaduct_handshakes_total{kind="session",result="refused"}'
has_session A "$peer_B" && fail "A has a session that B does not allow"
pinged A "$(overlay B)" && fail "B answers a stranger"
links_up R 2 || fail "the refusal of a session took a link down"
