#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# What peers' links carried outlives the router: its end by SIGTERM wholly, by SIGKILL all but the
# last flush interval of 10 s. On a full disk it goes on, says so, counts, and writes later.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	                      link.state, then on a tmpfs of 256 KiB
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
line 4
main_configs udp
mkdir "$net_dir/disk"
sed -i "s|^link:|&\n  state: $net_dir/disk/state|" "$net_dir/R.yaml"

total_of() {
	told R accounts "[a['rx_bytes'] for a in d['accounts'] if a['peer'] == '$peer_A'][0]"
}

at_least() {
	total_now=$(total_of)
	[ -n "$total_now" ] && [ "$total_now" -ge "$1" ]
}

metric() {
	ns R curl -s http://127.0.0.1:9600/metrics | awk -v "sample=$1" '$1 == sample { print $2 }'
}

failed_more_than() {
	failed_now=$(metric 'viaduct_store_failures_total{what="account_write"}')
	[ "${failed_now:-0}" -gt "$1" ]
}

daemons R A B
must_come 20 "A has a session with B" has_session A "$peer_B"
main_overlay=$(overlay B)
must_come 10 "B answers over the overlay" pinged A "$main_overlay"
ns A ping -6 -q -i 0.01 -c 100 -s 1000 -W 2 "$main_overlay" >"$net_dir/ping.log" || fail "ping"
before=$(total_of)
[ "$before" -ge 100000 ] || fail "A's account is $before bytes after 100 pings of 1,000"
is_so R links "all(l['total']['rx_bytes'] >= l['rx_bytes'] for l in d['links'])" || fail "links tell no total"

stop R
daemons R
must_come 5 "the account of before is there" at_least "$before"

must_come 20 "A is back" links_up R 2
must_come 20 "B answers again" pinged A "$main_overlay"
ns A ping -6 -q -i 0.01 -c 100 -s 1000 -W 2 "$main_overlay" >"$net_dir/ping.log" || fail "ping"
flushed=$(total_of)
[ "$flushed" -ge "$((before + 100000))" ] || fail "$flushed bytes, $before before 100 pings of 1,000"
sleep 11 # the flush interval is what is tested
kill -9 "$pid_R"
must_come 5 "R is dead" ended "$pid_R"
daemons R
must_come 5 "the account that was flushed is there" at_least "$flushed"
counted R "viaduct_peer_bytes_total{peer=\"$peer_A\",direction=\"rx\"}" || wait_for 20 links_up R 2
must_come 20 "metrics tell it" counted R "viaduct_peer_bytes_total{peer=\"$peer_A\",direction=\"rx\"}"
stop R

: >"$net_dir/R.out" # as daemon does
eval "nsenter -t \$ns_R -n unshare -m sh -c 'mount -t tmpfs -o size=256k none $net_dir/disk &&
	exec $net_build/viaductd --config $net_dir/R.yaml' >$net_dir/R.out 2>$net_dir/R.log &"
pid_R=$!
net_pids="$net_pids $pid_R"
ready R || fail "R does not start on the small disk"
must_come 20 "both link again" links_up R 2
nsenter -t "$pid_R" -m dd if=/dev/zero of="$net_dir/disk/full" bs=4096 2>/dev/null || true
pinged A "$main_overlay" || true
must_come 25 "the write that failed is counted" failed_more_than 0
logged R "cannot write accounts.*$net_dir/disk/state" || fail "R does not name the file"
logged R 'make room on its disk' || fail "R does not name the cure"
must_come 10 "R carries traffic on a full disk" pinged A "$main_overlay"
nsenter -t "$pid_R" -m rm "$net_dir/disk/full"
must_come 25 "R writes again" logged R 'accounts are written to link.state again'
