#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Pings over the overlay, captured at the router: links told apart, drops with their reason, and a
# file that tcpdump and tshark read.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	udp port, TUN       one udp port, 1 worker            udp port, TUN
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
line 4
main_configs udp
daemons R A B
must_come 20 "R has two links" links_up R 2
must_come 20 "A has a session with B" has_session A "$peer_B"
overlay_b=$(overlay B)
must_come 10 "B answers over the overlay" pinged A "$overlay_b"

# capture NAME OPTION…: of R in the background, into $net_dir/NAME.pcapng; its pid is $capture_pid.
capture() {
	capture_name=$1
	shift
	"$net_build/viaduct" --api "$net_dir/R.sock" capture -w "$net_dir/$capture_name.pcapng" "$@" \
		2>"$net_dir/$capture_name.log" &
	capture_pid=$!
	net_pids="$net_pids $capture_pid"
	must_come 5 "the capture begins" grep -aq u0 "$net_dir/$capture_name.pcapng"
}

captured() {
	must_come 10 "the capture $capture_name ends" ended "$capture_pid"
	wait "$capture_pid" || fail "viaduct capture ends with $?"
}

# shown FILTER FIELD: of the capture, by tshark.
shown() {
	tshark -n -X "lua_script:$net_root/packaging/wireshark/viaduct.lua" -r "$net_dir/$capture_name.pcapng" -Y "$1" -T fields -e "$2" 2>/dev/null
}

count() {
	tcpdump -nr "$net_dir/$capture_name.pcapng" "$@" 2>/dev/null | wc -l
}

# shellcheck disable=SC2154 # identity sets peer_A
capture link --link "$peer_A" --count 8
ns A ping -6 -q -i 0.02 -c 20 -W 2 "$overlay_b" >/dev/null || fail "ping over the overlay"
captured
[ "$(count host "$addr_a" and udp port 4001)" -eq 8 ] || fail "not 8 packets of A's link"
[ "$(count src host "$addr_a")" -gt 0 ] || fail "none that arrived"
[ "$(count dst host "$addr_a")" -gt 0 ] || fail "none that left"

capture in --direction in --count 4
ns A ping -6 -q -i 0.02 -c 20 -W 2 "$overlay_b" >/dev/null || fail "ping over the overlay"
captured
[ "$(count dst port 4001)" -eq 4 ] || fail "not 4 packets"
[ "$(count src host "$addr_ra" or src host "$addr_rb")" -eq 0 ] || fail "one that left, of --direction in"

capture out --direction out --count 4
ns A ping -6 -q -i 0.02 -c 20 -W 2 "$overlay_b" >/dev/null || fail "ping over the overlay"
captured
[ "$(count src port 4001)" -eq 4 ] || fail "not 4 packets"
[ "$(count dst host "$addr_ra" or dst host "$addr_rb")" -eq 0 ] || fail "one that arrived, of --direction out"

capture drops --drop any --count 1
junk='import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 5555))
s.sendto(b"junk", (sys.argv[1], 4001))'
ns A python3 -c "$junk" "$addr_ra"
captured
[ "$(count src port 5555)" -eq 1 ] || fail "the junk was not captured"
if command -v tshark >/dev/null; then
	[ "$(shown udp frame.comment)" = "drop not_ours" ] || fail "no drop reason in the comment"
	capture_name='link'
	shown "viaduct.index == 6" frame.comment | sort -u >"$net_dir/comments"
	[ "$(cat "$net_dir/comments")" = "link $peer_A" ] || fail "not the link's peer: $(cat "$net_dir/comments")"
fi

"$net_build/viaduct" --api "$net_dir/R.sock" capture --drop rain 2>"$net_dir/rain.log" && fail "rain is no reason"
grep -q 'viaduct stats --all' "$net_dir/rain.log" || fail "no cure for a wrong reason"
is_so R stats "d['switched'] > 0" || fail "R went on"
