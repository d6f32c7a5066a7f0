#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# What ports drop is captured, too: malformed and empty datagrams on the way in, with their headers,
# and frames that the kernel does not take on the way out, with the link they were for.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	udp port, TUN     two af_packet ports, 1 worker    udp port, TUN
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
line 4
main_configs af_packet
daemons R A B
must_come 20 "R has two links" links_up R 2
must_come 20 "A has a session with B" has_session A "$peer_B"
overlay_b=$(overlay B)

# captures NAME CAUSE EXPRESSION OPTION…: CAUSE is done until NAME has captured a packet `p`, which must
# be as EXPRESSION says.
captures() {
	captures_cause=$2
	captures_expression=$3
	captures_name=$1
	shift 3
	ns_start "$captures_name" capture.json "$net_build/viaduct" --api "$net_dir/$captures_name.sock" -o json capture --count 1 "$@"
	captures_pid=$started
	must_come 10 "a packet is captured: $*" has_captured
	python3 -c 'import json, sys
p = json.loads([line for line in open(sys.argv[2]) if line[0] == "{"][0])
sys.exit(not eval(sys.argv[1]))' "$captures_expression" "$net_dir/capture.json" ||
		fail "not so: $captures_expression: $(cat "$net_dir/capture.json")"
}

has_captured() {
	$captures_cause
	ended "$captures_pid"
}

send='import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 5555))
s.sendto(bytes(int(sys.argv[2])), (sys.argv[1], 4001))'

# Af_packet puts it together again, and has no room for all of it.
large() {
	ns A python3 -c "$send" "$addr_ra" 3000
}

empty_to_r() {
	ns A python3 -c "$send" "$addr_ra" 0
}

empty_to_b() {
	ns R python3 -c "$send" "$addr_b" 0
}

try_overlay() {
	pinged A "$overlay_b" || true
}

# shellcheck disable=SC2154 # line and identity set them
{
	captures R large "p['direction'] == 'in' and p['raw'] and p['remote'] == '$addr_a' and p['remote_port'] == 5555 and p['bytes'].startswith('45') and len(p['bytes']) == 128" --drop bad_header
	captures R empty_to_r "p['raw'] and p['local_port'] == 4001 and p['remote_port'] == 5555" --drop truncated
	captures B empty_to_b "not p['raw'] and p['remote'] == '$addr_rb' and p['bytes'] == ''" --drop truncated
	# A cannot reach R any more.
	ns A ip route add unreachable "$addr_ra"
	captures A try_overlay "p['drop'] == 'no_neighbour' and p['direction'] == 'out' and p['peer'] == '$peer_R' and p['remote'] == '$addr_ra' and not p['raw']" --drop any --direction out --link "$peer_R"
}
