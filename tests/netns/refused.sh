#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# An edge that no tier names is refused and counted, and its log tells that from silence.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	not in a tier             one udp port              dials a port where nobody is
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
line 4
main_configs udp
identity stranger
router_config R "/ip4/$addr_ra/udp/4001" "$(router_ports udp)" "$(members "$peer_stranger")"
edge_config B "$line_any:4001" "/ip4/$addr_rb/udp/4999/viaduct/p2p/$peer_R" "allow: [ $peer_A ]"
daemons R A B

must_come 20 "A logs that it was refused" logged A 'refused'
must_come 5 "R logs whom it refused" logged R "refused.*$peer_A|$peer_A.*refused"
must_come 40 "B logs that nobody answers" logged B 'no answer'
logged B 'refused' && fail "B takes silence for a refusal"
logged A 'no answer' && fail "A takes a refusal for silence"
links_up R 1 && fail "R has a link with an edge that no tier names"
must_come 5 "R counts it" counted R 'viaduct_handshakes_total{kind="link",result="refused"}'
