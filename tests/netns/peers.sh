#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# libp2p connections of daemons without and with stream threads: connect, peers, ping, disconnect,
# both dialling at once, metrics, and the end with connections open.
#
#	A (no threads) ---- B (two threads)
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin

ns_add A B
veth A a0 198.18.1.1/24 B b0 198.18.1.2/24
identity A
identity B

# peer_config NAME ADDRESS THREADS
peer_config() {
	cat >"$net_dir/$1.yaml" <<-END
		identity: { key: $net_dir/$1.key }
		dataplane: { workers: 1, ports: [ { name: u0, driver: udp, bind: "127.0.0.1:0" } ] }
		host: { listen: [ /ip4/$2/tcp/4001 ], threads: $3 }
		api: { socket: $net_dir/$1.sock, listen: "127.0.0.1:9600" }
	END
}
peer_config A 198.18.1.1 0
peer_config B 198.18.1.2 2
daemons A B
# shellcheck disable=SC2154 # identity sets them
at_a=/ip4/198.18.1.1/tcp/4001/p2p/$peer_A
# shellcheck disable=SC2154
at_b=/ip4/198.18.1.2/tcp/4001/p2p/$peer_B

# peers NAME COUNT [EXPRESSION of p]
peers() {
	is_so "$1" peers "len(d['peers']) == $2 and all(${3:-True} for p in d['peers'])"
}
one_each() {
	peers A 1 && peers B 1
}
threads_of() {
	grep -l '^stream-' "/proc/$1/task/"*/comm 2>/dev/null | wc -l
}

# shellcheck disable=SC2154 # pid_A, pid_B
{
	[ "$(threads_of "$pid_A")" -eq 0 ] || fail "A has stream threads"
	[ "$(threads_of "$pid_B")" -eq 2 ] || fail "B has not two stream threads"
}

for task in "/proc/$pid_B/task/"*; do
	grep -q '^stream-' "$task/comm" || continue
	grep -q '^CapEff:[[:space:]]*0*$' "$task/status" || fail "a stream thread has capabilities"
done

ask A connect "$at_b" >"$net_dir/answer.log" || fail "A does not connect to B"
peers A 1 "p['peer'] == '$peer_B' and p['thread'] == 0" || fail "A does not show B"
must_come 5 "B shows A, on a thread, and what it is" peers B 1 "p['thread'] > 0 and p['agent'].startswith('viaduct/')"
ask A ping -n 1 "$peer_B" >"$net_dir/answer.log" || fail "A does not ping B"
ask B ping -n 1 "$peer_A" | grep -q '"received": 1' || fail "B does not ping A"
ask B disconnect "$peer_A" >"$net_dir/answer.log" || fail "B does not disconnect"
must_come 5 "both lose the connection" eval 'peers A 0 && peers B 0'

# Both at once: one connection in the end, the same at both.
ns_start A dial_a.txt "$net_build/viaduct" --api "$net_dir/A.sock" connect "$at_b"
dial_a=$started
ns_start B dial_b.txt "$net_build/viaduct" --api "$net_dir/B.sock" connect "$at_a"
dial_b=$started
wait "$dial_a" || fail "A's dial fails when both dial at once"
wait "$dial_b" || fail "B's dial fails when both dial at once"
must_come 30 "two connections become one" one_each

ask A disconnect "/ip4/198.18.1.2/tcp/4001" >"$net_dir/answer.log" 2>&1 && fail "an address without a peer is taken"
grep -q "add /p2p/" "$net_dir/answer.log" || fail "the cure is not told"
ask A disconnect "$at_b" >"$net_dir/answer.log" || fail "A does not disconnect by address"
must_come 5 "both lose the connection" eval 'peers A 0 && peers B 0'
ask A disconnect "$at_b" >"$net_dir/answer.log" 2>&1 && fail "there is nothing to disconnect"

ask B connect "$at_a" >"$net_dir/answer.log" || fail "B does not connect to A"
metric() {
	ns "$1" curl -s http://127.0.0.1:9600/metrics | grep -q "^$2"
}
metric B 'libp2p_swarm_connections_opened_total{dir="outbound",.*} [12]$' || fail "B does not count what its threads dialled"
metric B 'viaduct_swarm_connections{dir="outbound"} 1$' || fail "B does not count what is open"

# The end, with a connection open.
for name in A B; do
	eval "pid=\$pid_$name"
	# shellcheck disable=SC2154
	kill -TERM "$pid"
	must_come 5 "$name ends" ended "$pid"
	wait "$pid" || fail "$name does not end with 0"
done
