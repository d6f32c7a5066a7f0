#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# identify push and signed peer records, both ways: what changes on one side while a stock peer is connected is known on
# the other without being asked for.
#
#	push.sh PEER
#
# What viaductd changes is its configuration (SIGHUP); the stock peer has the verb `watch` (peers/README.md), which tells
# what its peer store has of us, and does what it is told to.
set -eu
. "$(dirname "$0")/stock.sh"
more=/ip4/127.0.0.1/tcp/4999
added=/viaduct/interop/added/1

# reload KEYS: those of the host, besides the address.
reload() {
	viaductd_config "listen: [ /ip4/127.0.0.1/tcp/4009 ]$1"
	kill -HUP "$viaductd_pid"
}

# it_knows WHAT TEXT: whether the last that the stock peer told has it among its protocols, addresses or those of our record.
it_knows() {
	grep '^knows ' "$net_dir/stock.log" | tail -n 1 | tr ' ' '\n' | grep "^$1=" | sed 's,[=,],\n,g' | grep -qxE "$2(/p2p/[0-9A-Za-z]+)?"
}

it_does_not_know() {
	! it_knows "$1" "$2"
}

# we_know WHAT TEXT: the same of what viaductd knows of the stock peer, and by a signed record.
we_know() {
	"$net_build/viaduct" peers --known -o json | python3 -c 'import json, sys
known = json.load(sys.stdin)["known"]
sys.exit(not (len(known) == 1 and sys.argv[2] in known[0][sys.argv[1]] and known[0]["source"] in sys.argv[3]))' "$1" "$2" "$3"
}

we_do_not_know() {
	! we_know "$@"
}

pushes() {
	curl -s http://127.0.0.1:9600/metrics | sed -n "s/^libp2p_identify_identify_push_total{dir=\"$1\"} //p"
}

we_change() {
	must_come 30 "it has our record" it_knows "$record" /ip4/127.0.0.1/tcp/4009
	must_come 30 "it knows our protocols" it_knows protocols /ipfs/ping/1.0.0
	it_knows protocols /perf/1.0.0 && fail "it knows of a protocol that is not there"
	reload ", perf: true"
	must_come 30 "it knows of the protocol that came" it_knows protocols /perf/1.0.0
	reload ", perf: true, announce_also: [ $more ]"
	must_come 30 "it knows of the address that came" it_knows addresses "$more"
	must_come 30 "the address is in our record" it_knows "$record" "$more"
	it_knows "$record" /ip4/127.0.0.1/tcp/4009 || fail "the other address is gone"
	reload ""
	must_come 30 "the protocol has gone" it_does_not_know protocols /perf/1.0.0
	must_come 30 "the address has gone from our record" it_does_not_know "$record" "$more"
	[ "$(pushes outbound)" -ge 3 ] || fail "$(pushes outbound) pushes are counted of three"
}

# it_changes ADDRESS: another that it can listen on; none with js-libp2p, which has no call for that.
it_changes() {
	must_come 30 "we know its protocols" we_know protocols /ipfs/ping/1.0.0 'told signed'
	we_know protocols "$added" 'told signed' && fail "we know of a protocol that is not there"
	echo "serve $added" >&3
	must_come 30 "we know of the protocol that came" we_know protocols "$added" 'told signed'
	echo "unserve $added" >&3
	must_come 30 "the protocol has gone" we_do_not_know protocols "$added" 'told signed'
	if [ -n "$1" ]; then
		echo "listen $1" >&3
		must_come 60 "we know of the address that came" we_know addresses "$1" "$signed"
	fi
	[ "$(pushes inbound)" -ge 2 ] || fail "$(pushes inbound) pushes are counted of two"
}

# rust-libp2p reads no record of our form, and pushes none.
case $1 in
rust) record=addresses signed='told signed' ;;
*) record=record signed=signed ;;
esac
stock_peer "$1"
alone "$0" "$@"
start_viaductd 'listen: [ /ip4/127.0.0.1/tcp/4009 ]'
# shellcheck disable=SC2086
start_held stock $stock watch "$(address_on 4009)"
must_say stock.log '^knows '
we_change
case $1 in
js) it_changes '' ;;
*) it_changes /ip4/127.0.0.1/tcp/4998 ;;
esac
