#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# New keys under traffic: links and sessions change theirs every second or two while A sends
# B a numbered stream of UDP and pings. Each datagram arrives, and arrives once; no link and no
# session goes down.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	udp port, TUN       two af_packet ports, 1 worker     udp port, TUN
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
line 4
main_configs af_packet
for name in A B R; do
	sed -i 's/^link:/&\n  rekey_s: 2/' "$net_dir/$name.yaml"
done
sed -i 's/^session: { /&rekey_s: 1, /' "$net_dir/A.yaml" "$net_dir/B.yaml"
daemons R A B
must_come 20 "A has a session with B" has_session A "$peer_B"
main_overlay=$(overlay B)
must_come 10 "B answers over the overlay" pinged A "$main_overlay"

# done_of KIND: handshakes of links or sessions that A has finished.
done_of() {
	ns A curl -s http://127.0.0.1:9600/metrics |
		sed -n "s/^viaduct_handshakes_total{kind=\"$1\",result=\"done\"} //p"
}
links_before=$(done_of link) sessions_before=$(done_of session)

datagrams=2000
ns_start B counts.txt python3 "$net_root/tests/netns/numbered.py" recv "$main_overlay" "$datagrams"
must_come 20 "the receiver listens" grep -q ready "$net_dir/counts.txt"
ns_start A pings.txt ping -6 -q -i 0.01 -c 800 -W 2 "$main_overlay"
pinger=$started
ns A python3 "$net_root/tests/netns/numbered.py" send "$main_overlay" "$datagrams" || fail "sending"
must_come 10 "the receiver has counted" grep -q '^got' "$net_dir/counts.txt"
must_come 15 "the pings are over" ended "$pinger"

links=$(($(done_of link) - links_before)) sessions=$(($(done_of session) - sessions_before))
echo "$datagrams datagrams and 800 pings over $links new keys of links, $sessions of sessions: $(grep '^got' "$net_dir/counts.txt")"
grep -q "^got $datagrams distinct $datagrams again 0$" "$net_dir/counts.txt" || fail "datagrams were lost or came twice"
grep -q ' 800 received' "$net_dir/pings.txt" || fail "pings were lost: $(grep received "$net_dir/pings.txt")"
[ "$links" -ge 2 ] || fail "the link has no new keys"
[ "$sessions" -ge 4 ] || fail "the session has too few new keys"
for name in A B R; do
	logged "$name" "(session|link) down" && fail "$name lost something"
done
exit 0
