#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# `viaduct ping --path` names the leg that loses, and the one that is slow: first none, then the leg
# between router and B, then that between A and router.
#
#	A -- leg.py -- R -- leg.py -- B      all: udp ports; each leg 20 ms slower and 40 % lost, on demand
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin

line 4
main_configs udp
# shellcheck disable=SC2154 # line sets them
{
	sed -i "s|/ip4/$addr_ra/udp/4001|/ip4/$addr_a/udp/5001|" "$net_dir/A.yaml"
	sed -i "s|/ip4/$addr_rb/udp/4001|/ip4/$addr_b/udp/5001|" "$net_dir/B.yaml"
	ns_start A legA.txt python3 "$(dirname "$0")/leg.py" "$addr_a" 5001 "$addr_ra" 4001 20 40
	leg_a=$started
	ns_start B legB.txt python3 "$(dirname "$0")/leg.py" "$addr_b" 5001 "$addr_rb" 4001 20 40
	leg_b=$started
}
daemons R A B
must_come 20 "A has a session with B" has_session A "$peer_B"

# path EXPRESSION: of what `ping --path` tells, `d`; tried anew, since what is lost is chance.
path() {
	must_come 15 "$1" path_is "$1"
}

path_is() {
	ask A ping --path "$peer_B" -n 40 >"$net_dir/path.json" 2>&1 || return 1
	python3 -c 'import json, sys
d = json.load(open(sys.argv[2]))
print(d)
sys.exit(not eval(sys.argv[1]))' "$1" "$net_dir/path.json" >"$net_dir/path.log"
}

# shellcheck disable=SC2154 # identity sets them
{
	path "d['worst'] is None and [(l['from'], l['to']) for l in d['legs']] == [('$peer_A', '$peer_R'), ('$peer_R', '$peer_B')] and d['legs'][1]['received'] == 40"
	kill -USR1 "$leg_b"
	path "d['worst'] == 1 and d['legs'][0]['leg_loss'] == 0 and d['legs'][1]['leg_loss'] > 0.2 and d['legs'][1]['leg_ms'] > 30"
	kill -USR1 "$leg_b"
	kill -USR1 "$leg_a"
	path "d['worst'] == 0 and d['legs'][0]['leg_loss'] > 0.2 and d['legs'][0]['leg_ms'] > 30 and d['legs'][1]['leg_ms'] < 20"
	"$net_build/viaduct" --api "$net_dir/A.sock" ping --path "$peer_B" -n 40 >"$net_dir/text.log" || fail "ping --path as text"
	grep -q "most is lost between $peer_A and $peer_R: " "$net_dir/text.log" || fail "the text does not name the leg"
	ask A ping --path "$peer_R" >"$net_dir/text.log" 2>&1 && fail "a peer without session is traced"
	grep -q "no session with that peer" "$net_dir/text.log" || fail "no cure for a peer without session"
}
