#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Restarts without a word: a killed edge, and its traffic, are back within 5 s, because frames
# under indices that nobody knows are reported to their senders, of links and of sessions. So
# is a killed router, which opens the links to the peers that had reserved, though they are silent.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	udp port, TUN       two af_packet ports, 1 worker     udp port, TUN
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin

now_ms() {
	echo $(($(date +%s%N) / 1000000))
}

# restarted NAME: killed, and started again; since when is told by back.
restarted() {
	killed "$1"
	back_from=$(now_ms)
	daemons "$1"
}

# back NAME ADDRESS WHAT: NAME's pings of ADDRESS are answered within 5 s after the restart.
back() {
	must_come 5 "the overlay is back after $3" pinged "$1" "$2" -W 0.3
	back_after=$(($(now_ms) - back_from))
	echo "$3: back $back_after ms after it was started again"
	[ "$back_after" -le 5000 ] || fail "the overlay is back too late"
}

line 4
main_configs af_packet
sed -i "s|^  width: 16|&\n  state: $net_dir/R.state|" "$net_dir/R.yaml"
daemons R A B
must_come 20 "A has a session with B" has_session A "$peer_B"
main_overlay=$(overlay B)
overlay_a=$(overlay A)
must_come 10 "B answers over the overlay" pinged A "$main_overlay"

# Busy: A sends all the while.
ns_start A flood.txt ping -6 -q -i 0.02 "$main_overlay"
flood=$started
restarted B
back A "$main_overlay" "the called edge was killed under traffic"
restarted A
back A "$main_overlay" "the calling edge was killed under traffic"
restarted R
back A "$main_overlay" "the router was killed under traffic"
kill "$flood"

# Idle: the first packet after the restart is what finds out.
restarted B
must_come 5 "B has its link again" logged B 'link up' # its log: cheaper than asking it
back A "$main_overlay" "the called edge was killed, both idle"
counted A 'viaduct_lost_reports_total{kind="session",result="believed"}' ||
	fail "A did not believe that its frames were lost"
restarted A
must_come 5 "A has its link again" logged A 'link up'
back B "$overlay_a" "the calling edge was killed, both idle"

# Silent: nobody says anything to the router that was killed; it opens the links itself.
restarted R
logged R "that had reserved.*peers=2" || fail "R does not remember its two peers"
must_come 5 "both links are back, the edges being silent" links_up R 2
echo "the router was killed, all silent: links back $(($(now_ms) - back_from)) ms after it was started again"
back A "$main_overlay" "the router was killed, all silent"

# A file that cannot be used is an error with its cure.
sed "s|$net_dir/R.state|$net_dir/none/state|; s|R.sock|R2.sock|; s|:4001|:4003|" "$net_dir/R.yaml" \
	>"$net_dir/R2.yaml"
if ns R timeout 10 "$net_build/viaductd" --config "$net_dir/R2.yaml" >"$net_dir/R2.out" 2>&1; then
	fail "a router starts without its link.state"
fi
grep -q "link.state: cannot use" "$net_dir/R2.out" || fail "the error does not name link.state"
