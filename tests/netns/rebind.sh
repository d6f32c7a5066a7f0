#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# The NAT before an edge gives it another source port: the link moves there after a challenge,
# without a handshake, and traffic goes on both ways. Somebody on the path who sends A's frames from an
# address that is not A's moves nothing, and gets no more bytes there than went from it. A router that was
# killed dials the address to which the link had moved last.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	forward.py before R   two af_packet ports, 1 worker   udp port, TUN
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
line 4
main_configs af_packet
sed -i "s|^  width: 16|&\n  state: $net_dir/R.state|" "$net_dir/R.yaml"
sed -i "s|routers: .*/udp/4001/|routers: [ /ip4/127.0.0.1/udp/5001/|" "$net_dir/A.yaml"
ns A ip address add 198.18.1.7/24 dev a0
ns_start A forward.txt python3 "$(dirname "$0")/forward.py" 5001 "$addr_ra" 4001 198.18.1.7
nat=$started
must_come 20 "the NAT runs" grep -q forwarding "$net_dir/forward.txt"
daemons R A B
must_come 20 "A has a session with B" has_session A "$peer_B"
main_overlay=$(overlay B)
overlay_a=$(overlay A)
must_come 10 "B answers over the overlay" pinged A "$main_overlay"

metric() {
	ns R curl -s http://127.0.0.1:9600/metrics | awk -v "sample=$1" '$1 == sample { print $2 }'
}

address() {
	told R links "[l['address'] for l in d['links'] if l['peer'] == '$peer_A'][0]"
}

moved_from() {
	[ "$(address)" != "$1" ]
}

rebound() {
	[ "$(grep -c 'now from' "$net_dir/forward.txt")" = "$1" ]
}

# Rekeyings may come by themselves in an hour, not in a few seconds: no handshake is expected.
done_before=$(metric 'viaduct_handshakes_total{kind="link",result="done"}')
for round in 1 2 3; do
	address_before=$(address)
	kill -USR1 "$nat"
	must_come 5 "round $round: the NAT has a new port" rebound "$round"
	rebound_at=$(($(date +%s%N) / 1000000))
	must_come 5 "round $round: A's pings are answered again" pinged A "$main_overlay" -W 0.3
	echo "round $round: back $(($(date +%s%N) / 1000000 - rebound_at)) ms after the rebinding"
	must_come 5 "round $round: R knows the new address" moved_from "$address_before"
	must_come 5 "round $round: B reaches A" pinged B "$overlay_a" -W 0.3
done
[ "$(metric 'viaduct_link_moves_total{step="moved"}')" = 3 ] || fail "the link did not move three times"
[ "$(metric 'viaduct_handshakes_total{kind="link",result="done"}')" = "$done_before" ] ||
	fail "there was a handshake instead"
ns A ping -6 -q -i 0.02 -c 50 -W 2 "$main_overlay" >"$net_dir/ping.log" || fail "ping after the rebinding"
grep -q ' 0% packet loss' "$net_dir/ping.log" || fail "packets are lost after the rebinding"

# The liar: what A sends next comes from 198.18.1.7 first, and only from there.
address_before=$(address)
challenged=$(metric 'viaduct_link_moves_total{step="challenge"}')
kill -USR2 "$nat"
ns A ping -6 -q -i 0.02 -c 50 -W 2 "$main_overlay" >"$net_dir/ping.log" || fail "ping beside the liar"
must_come 10 "the liar has lied" grep -q '^lied' "$net_dir/forward.txt"
lied=$(sed -n 's/^lied \([0-9]*\) .*/\1/p' "$net_dir/forward.txt")
got=$(sed -n 's/^lied [0-9]* //p' "$net_dir/forward.txt")
echo "the liar sent $lied bytes of A's, and got $got"
[ "$(metric 'viaduct_link_moves_total{step="challenge"}')" -gt "$challenged" ] || fail "R did not challenge the liar's address"
[ "$got" -gt 0 ] || fail "the liar got no challenge"
[ "$got" -le "$lied" ] || fail "R sent the liar $got bytes for $lied"
[ "$(address)" = "$address_before" ] || fail "the liar moved A's link to $(address)"
[ "$(metric 'viaduct_link_moves_total{step="moved"}')" = 3 ] || fail "the link moved for the liar"
grep -q ' 0% packet loss' "$net_dir/ping.log" || fail "packets are lost beside the liar: $(grep loss "$net_dir/ping.log")"

# The router dies. A is stopped meanwhile, so that nothing but R's memory can tell where it is.
kill -STOP "$pid_A"
killed R
ns_start A dialled.txt tcpdump -lni a0 -c 1 "src $addr_ra and udp dst port ${address_before##*/} and greater 1024"
dialled=$started
must_come 5 "tcpdump listens" grep -q listening "$net_dir/dialled.txt"
daemons R
must_come 10 "R dials the address that A's link had moved to" ended "$dialled"
kill -CONT "$pid_A"
must_come 10 "A's link is back" is_so R links "any(l['peer'] == '$peer_A' and l['state'] == 'up' for l in d['links'])"
[ "$(address)" = "$address_before" ] || fail "A's link is back at $(address), not at $address_before"
must_come 10 "A's pings are answered again" pinged A "$main_overlay" -W 0.3
