#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# A path that is too small for IPv6 inside is refused with that reason: first one that R knows to
# be, then one whose network drops without a word. It is taken when it grows.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	udp port, TUN       one udp port, 1 worker    1370     udp port, TUN
#
# SMALL_IP: 4, 6 (1390; the addresses of lib.sh's line).
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
command -v nft >/dev/null || skip "no nft; install nftables"
net_begin
ip=${SMALL_IP:-4}
if [ "$ip" = 4 ]; then
	least=1371 family=ip length="ip length 1371"
else
	least=1391 family=ip6 length="ip6 length 1351" # without the header
fi
line "$ip"
main_configs udp
ns R ip link set r1 mtu $((least - 1))
daemons R A B
must_come 20 "A refuses the path" logged A "path refused: its MTU is too small"
must_come 5 "A counts it" counted A 'viaduct_control_drops_total{reason="path_mtu"}'
has_session A "$peer_B" && fail "a session came up over $((least - 1)) bytes"

# One more is enough, and all of it
ns R ip link set r1 mtu "$least"
must_come 20 "A has a session over $least bytes" has_session A "$peer_B"
# shellcheck disable=SC2317 # must_come calls it
state_is() {
	is_so A sessions "any(s['mtu_state'] == '$1' and s['mtu'] == 1280 for s in d['sessions'])"
}
must_come 10 "A finds 1280" state_is complete
overlay_b=$(overlay B)
must_come 5 "1,280 bytes pass" pinged A "$overlay_b" -6 -M "do" -s 1232

# the network drops it without a word: 1280 inside is $least outside
ns B nft add table "$family" small 2>/dev/null || skip "the kernel has no nf_tables"
ns B nft "add chain $family small input { type filter hook input priority 0; }"
ns B nft add rule "$family small input udp dport 4001 $length drop"
ns_start A ping.log ping -6 -i 0.2 "$overlay_b"
must_come 15 "A finds that the path is too small" state_is error
must_come 2 "A counts it" counted A 'viaduct_mtu_changes_total{kind="too_small"}'
has_session A "$peer_B" || fail "the session was lost"
ns B nft flush table "$family" small
must_come 15 "A takes it again" state_is complete
