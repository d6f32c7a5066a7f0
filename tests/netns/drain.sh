#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# A router that is drained, and one that is stopped with SIGTERM, loses nothing: sessions move to the
# other router before it ends, though the edges do not run for 0.8 s when they are told. 200 numbered
# packets a second each way are counted. A router that drains lets in nobody new, says so, and takes
# it back.
#
#	A, B, R, S: see two.sh
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/two.sh"
net_needs
net_begin

two_begin
identity X
two_up
which_router
flow_begin

# ready_code NAME: of GET /readyz.
ready_code() {
	ns "$1" curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:9600/readyz
}

[ "$(ready_code "$first")" = 200 ] || fail "$first is not ready"
before=$(handshakes)
ask "$first" drain >"$net_dir/answer.log" || fail "$first does not drain"
must_come 3 "A uses $second" uses A "$second"
must_come 3 "B uses $second" uses B "$second"
[ "$(handshakes)" = "$before" ] || fail "the session was set up anew instead of moved"
is_so "$first" status "d['state'] == 'draining'" || fail "status does not say that $first drains"
[ "$(ready_code "$first")" = 503 ] || fail "/readyz of $first is not 503"

# Somebody new, who may: X takes A's place for a moment in the same namespace.
case $first in
R) first_address=198.18.1.1 ;;
S) first_address=198.18.3.1 ;;
esac
eval "first_peer=\$peer_$first"
# shellcheck disable=SC2154 # identity and two_begin set them
{
	router_config "$first" "/ip4/$first_address/udp/4001" "$(router_ports udp)" "$(members "$peer_A" "$peer_B" "$peer_X")"
	eval "kill -HUP \$pid_$first"
	must_come 5 "$first reloads" logged "$first" reloaded
	edge_config X "0.0.0.0:4009" "/ip4/$first_address/udp/4001/viaduct/p2p/$first_peer" "allow: [ $peer_A ]"
}
sed -i 's/^tun:.*//; s/listen: "127.0.0.1:9600"/listen: "127.0.0.1:9601"/; s/^session:.*//' "$net_dir/X.yaml"
eval "ns_X=\$ns_A"
daemons X
must_come 5 "X is told why" logged X "draining: going away"
ask "$first" drain --cancel >"$net_dir/answer.log" || fail "$first does not serve again"
must_come 10 "X is let in" links_up X 1
stop X
must_come 10 "A knows a way by $first again" is_so A routes "len(d['routes']) == 2"
[ "$(ready_code "$first")" = 200 ] || fail "$first is not ready again"

# What was drained can stop at once; what was not drains first, and waits for edges that sleep.
stops_after_sleep() {
	# shellcheck disable=SC2154 # daemon sets them
	kill -STOP "$pid_A" "$pid_B"
	eval "stops_pid=\$pid_$1"
	kill "$stops_pid"
	sleep 0.8 # what is tested
	kill -CONT "$pid_A" "$pid_B"
	must_come 5 "viaductd of $1 ends after SIGTERM" ended "$stops_pid"
	wait "$stops_pid" || fail "viaductd of $1 ends with $?"
}

stops_after_sleep "$second"
must_come 3 "A uses $first" uses A "$first"
flow_end
echo "drain $first, stop $second with SIGTERM: $flow_told"
case $flow_told in
*" lost 0 "*) ;;
*) fail "packets were lost: $flow_told" ;;
esac
[ "$(handshakes)" = "$before" ] || fail "the session was set up anew instead of moved"
