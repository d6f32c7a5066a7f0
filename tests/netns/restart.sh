#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Restarts without a word: a killed edge, and its traffic, are back within 5 s, because frames
# under indices that nobody knows are reported to their senders, of links and of sessions.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	udp port, TUN       two af_packet ports, 1 worker     udp port, TUN
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin

# killed NAME: its process dies without closing anything.
killed() {
	eval "killed_pid=\$pid_$1"
	kill -9 "$killed_pid"
	must_come 5 "the process of $1 is gone" ended "$killed_pid"
	wait "$killed_pid" 2>/dev/null || true
	net_pids=$(echo " $net_pids " | sed "s/ $killed_pid / /")
}

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
	[ "$back_after" -lt 6000 ] || fail "the overlay is back too late"
}

main_job af_packet 4
overlay_a=$(overlay A)

# Busy: A sends all the while.
ns_start A flood.txt ping -6 -q -i 0.02 "$main_overlay"
flood=$started
restarted B
back A "$main_overlay" "the called edge was killed under traffic"
restarted A
back A "$main_overlay" "the calling edge was killed under traffic"
kill "$flood"

# Idle: the first packet after the restart is what finds out.
restarted B
must_come 5 "B has its link again" links_up B 1
back A "$main_overlay" "the called edge was killed, both idle"
counted A 'viaduct_lost_reports_total{kind="session",result="believed"}' ||
	fail "A did not believe that its frames were lost"
restarted A
must_come 5 "A has its link again" links_up A 1
back B "$overlay_a" "the calling edge was killed, both idle"
