#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# The daemon's life: a second one on its socket or datastore is refused, a killed one's are taken over, SIGTERM ends it with 0 within 5 s
# under traffic, it tells its peers, and it leaves nothing behind.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	udp port, TUN       two af_packet ports, 1 worker     udp port, TUN
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
export VIADUCT_LOG_LEVEL=debug
main_job af_packet 4

sed 's/:4001/:4002/; s/viaduct0/viaduct1/' "$net_dir/A.yaml" >"$net_dir/second.yaml"
if ns A timeout 10 "$net_build/viaductd" --config "$net_dir/second.yaml" \
	>"$net_dir/second.out" 2>"$net_dir/second.log"; then
	fail "a second daemon runs on one socket"
fi
grep -q '^ready' "$net_dir/second.out" && fail "a second daemon becomes ready on one socket"
grep -q 'A.sock: another daemon runs on it; stop that one' "$net_dir/second.log" ||
	fail "the second daemon does not name the socket and the cure"
links_up A 1 || fail "the first daemon suffered from the second"

identity C
sed "s|/A\\.|/C.|; s/:9600/:9601/; s/viaduct0/viaduct2/; s/:4001\"/:4003\"/; s|^link:|&\n  state: $net_dir/state|" \
	"$net_dir/A.yaml" >"$net_dir/C.yaml"
sed "s/C.sock/D.sock/; s/:9601/:9602/; s/viaduct2/viaduct3/; s/:4003/:4004/" "$net_dir/C.yaml" >"$net_dir/D.yaml"
# shellcheck disable=SC2034,SC2154 # for daemon; ns_add sets it
ns_C=$ns_A ns_D=$ns_A
daemons C
daemon D
ready D && fail "a second daemon runs on one datastore"
logged D 'state: another daemon does; stop that one' || fail "a datastore in use is not told"
ns A ip link del viaduct2
must_come 5 "C says that its TUN was deleted" logged C 'the TUN is gone.*restart viaductd.*viaduct2'
ns A curl -s http://127.0.0.1:9601/readyz | grep -q 'the TUN is gone' || fail "C is ready without its TUN"
killed C
[ -S "$net_dir/C.sock" ] || fail "a killed daemon leaves no socket: this tests nothing"
daemons C # takes socket and datastore over
stop C
[ ! -e "$net_dir/C.sock" ] || fail "C leaves its socket behind"

ns_start A flood.txt ping -6 -q -i 0.01 "$main_overlay"
stop B
must_come 3 "A hears that B goes down" grep -q 'session down .*shutting down' "$net_dir/A.log"
must_come 3 "R hears that B goes down" grep -q 'link down .*shutting down' "$net_dir/R.log"
no_routes() {
	[ "$(told A routes "len(d['routes'])")" = 0 ]
}
no_routes && fail "A knows no routes"
stop R
must_come 5 "A forgets the routes over R, which said that it goes" no_routes
stop A
python3 - "$net_dir" <<-'END' || fail "a log tells a secret"
	import base64, pathlib, sys
	folder = pathlib.Path(sys.argv[1])
	logs = b"".join(path.read_bytes() for path in folder.glob("*.log"))
	keys = list(folder.glob("*.key"))
	assert len(keys) >= 3 and b" debug " in logs, keys
	for path in keys:
	    seed = path.read_bytes()[4:36]
	    for told in (seed, seed.hex().encode(), base64.b64encode(seed)[:40]):
	        assert told not in logs and told.upper() not in logs, path
END
for name in A B R; do
	[ ! -e "$net_dir/$name.sock" ] || fail "$name leaves its socket behind"
done
ns A ip link show viaduct0 >/dev/null 2>&1 && fail "A leaves its TUN behind"
daemons R A B
must_come 30 "the overlay is back after all were started again" pinged A "$main_overlay"
