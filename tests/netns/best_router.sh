#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Sessions use the router with the lower latency: when the leg to the one in use gets slow by 40 ms each
# way they move to the other one, and back when it is the other way round; nothing is lost by moving.
#
#	A, B, R, S: see two.sh; leg.py lies between A and each router
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/two.sh"
net_needs
net_begin

two_begin
sed -i 's|/ip4/198.18.1.1/udp/4001|/ip4/198.18.1.2/udp/5001|; s|/ip4/198.18.3.1/udp/4001|/ip4/198.18.3.2/udp/5002|' "$net_dir/A.yaml"
ns_start A legR.txt python3 "$(dirname "$0")/leg.py" 198.18.1.2 5001 198.18.1.1 4001 40 0
# shellcheck disable=SC2034 # by toggle
leg_R=$started
ns_start A legS.txt python3 "$(dirname "$0")/leg.py" 198.18.3.2 5002 198.18.3.1 4001 40 0
# shellcheck disable=SC2034 # by toggle
leg_S=$started
two_up
which_router
flow_begin

# toggle ROUTER: its leg gets slow, or is as before.
toggle() {
	eval "kill -USR1 \$leg_$1"
}

must_come 10 "both paths are measured" is_so A sessions "sum(p['rtt_ms'] is not None for p in d['sessions'][0]['paths']) == 2"
before=$(handshakes)
uses A "$first" || fail "A moved although both paths are alike"
toggle "$first"
must_come 25 "A uses $second" uses A "$second"
must_come 25 "B uses $second" uses B "$second"
is_so A sessions "d['sessions'][0]['paths'][1]['rtt_ms'] > d['sessions'][0]['paths'][0]['rtt_ms'] + 4" ||
	fail "the slow path is not told as slow: $(told A sessions "d['sessions'][0]['paths']")"
toggle "$first"
toggle "$second"
must_come 25 "A uses $first again" uses A "$first"
must_come 25 "B uses $first again" uses B "$first"
[ "$(handshakes)" = "$before" ] || fail "the session was set up anew instead of moved"
flow_end
echo "$first slow, then $second: $flow_told"
case $flow_told in
*" lost 0 "*) ;;
*) fail "packets were lost: $flow_told" ;;
esac
