#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Daemons that are started as root within the capabilities of packaging/viaductd.service and told
# `user: nobody` become it, keep NET_ADMIN at most (workers nothing), and go on: traffic, SIGHUP, the
# kernel's routes and neighbours, the datastore, SIGTERM.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	udp port, TUN       two af_packet ports, 1 worker     udp port, TUN
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
id nobody >/dev/null 2>&1 || skip "no user nobody; this machine has a short /etc/passwd"
setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups true 2>/dev/null ||
	skip "nobody cannot be become; run as root, not in a user namespace"
net_begin
unset VIADUCT_USER
chmod 711 "$net_dir" # keys in it stay root's, 0600
bounds=$(sed -n 's/^CapabilityBoundingSet=//p' "$net_root/packaging/viaductd.service" |
	tr '[:upper:]' '[:lower:]' | sed 's/cap_/+/g; s/ /,/g')
[ -n "$bounds" ] || fail "the unit has no CapabilityBoundingSet"
net_within="setpriv --bounding-set -all,$bounds"

# masks PID: "UID CapEff CapPrm NoNewPrivs" of each thread, sorted, each once.
masks() {
	cat /proc/"$1"/task/*/status | awk '$1 == "Uid:" { uid = $2 "," $3 "," $4 "," $5 }
		$1 == "CapPrm:" { prm = $2 }
		$1 == "CapEff:" { eff = $2 }
		$1 == "NoNewPrivs:" { print uid, eff, prm, $2 }' | sort -u
}

routes() {
	ns A ip -6 route show dev viaduct0 | grep -c '^fd76'
}

more_routes_than() {
	[ "$(routes)" -gt "$1" ]
}

line 4
main_configs af_packet
nobody=$(id -u nobody)
for name in R A B; do
	echo 'user: nobody' >>"$net_dir/$name.yaml"
	sed -i "s|$net_dir/$name.sock|$net_dir/run-$name/api.sock|" "$net_dir/$name.yaml"
	ln -s "run-$name/api.sock" "$net_dir/$name.sock"
done
mkdir "$net_dir/state" # the folders of the sockets are the daemons' to make
chown nobody "$net_dir/state"
sed -i "s|width: 16|&\n  state: $net_dir/state/peers|" "$net_dir/R.yaml"
echo 'host: { listen: [ /ip4/198.18.1.1/tcp/4001 ] }' >>"$net_dir/R.yaml"
daemons R A B
must_come 20 "R has two links" links_up R 2
must_come 20 "A has a session with B" has_session A "$peer_B"
must_come 10 "B answers over the overlay" pinged A "$(overlay B)"

root="$nobody,$nobody,$nobody,$nobody"
for name in R A B; do
	eval "pid=\$pid_$name"
	masks "$pid" >"$net_dir/masks"
	# the control thread, and what it starts later; then the workers and DPDK's own
	printf '%s\n' "$root 0000000000000000 0000000000000000 1" \
		"$root 0000000000001000 0000000000001000 1" | cmp -s - "$net_dir/masks" ||
		fail "threads of $name are not $nobody with NET_ADMIN or less: $(cat "$net_dir/masks")"
	grep -q 1000 "/proc/$pid/task/$pid/status" || fail "$name's control thread lacks NET_ADMIN"
	for task in /proc/"$pid"/task/*; do
		case $(cat "$task/comm") in
		*worker*) grep -q 'CapEff:.0000000000000000' "$task/status" || fail "a worker of $name has capabilities" ;;
		esac
	done
	logged "$name" 'not root any more.*user=nobody' || fail "$name does not say that it dropped root"
	logged "$name" 'SIGHUP will not' && fail "$name says that it cannot reload, and can"
	[ "$(stat -c %U "$net_dir/run-$name/api.sock")" = nobody ] || fail "the API socket is not nobody's"
done
ns R ss -Hltne 'sport = 4001' | grep -q "uid:$nobody " || fail "R cannot dial from where it listens: $(ns R ss -Hltne)"

identity C
# shellcheck disable=SC2154 # identity sets it
sed -i "s/connect: \[ /&$peer_C, /" "$net_dir/A.yaml"
routes_before=$(routes)
kill -HUP "$pid_A" "$pid_R"
must_come 5 "A reloads" logged A 'config: reloaded'
must_come 5 "R reloads" logged R 'config: reloaded'
must_come 5 "the kernel has the route of a peer that SIGHUP added" more_routes_than "$routes_before"
pinged A "$(overlay B)" || fail "the overlay suffered from SIGHUP"

must_come 15 "R's datastore has both reservations" is_so R links \
	"sum(l['reserved'] for l in d['links']) == 2"
stop R
[ ! -e "$net_dir/run-R/api.sock" ] || fail "R leaves its socket behind"
[ "$(stat -c %U "$net_dir/state/peers")" = nobody ] || fail "the datastore is not nobody's"
daemons R
logged R 'opening links to peers that had reserved.*peers=2' || fail "R's datastore was not written after the drop"
must_come 20 "the overlay is back" pinged A "$(overlay B)"
stop A
ns A ip link show viaduct0 >/dev/null 2>&1 && fail "A leaves its TUN behind"

# what SIGHUP will want to read and this user cannot is told at the start
cp "$net_dir/A.yaml" "$net_dir/A.kept"
"$net_build/viaduct" token gen "$net_dir/token" >"$net_dir/hashes" || fail "viaduct token gen"
: >"$net_dir/names"
chmod 600 "$net_dir/hashes" "$net_dir/names" # as the token is
sed -i "s|^link:|&\n  token: $net_dir/token\n  tiers: [ { name: guests, tokens: [ $net_dir/hashes ] } ]|" "$net_dir/A.yaml"
echo "names: { file: $net_dir/names }" >>"$net_dir/A.yaml"
daemons A
for file in token hashes names; do
	logged A "SIGHUP will not.*$net_dir/$file.*user=nobody" || fail "nothing says that SIGHUP cannot read $file"
done
chown nobody "$net_dir/token" "$net_dir/hashes" "$net_dir/names"
kill -HUP "$pid_A"
must_come 5 "A reloads once the files are its user's" logged A 'config: reloaded'
logged A 'the token stays as it was' && fail "A cannot read its token"
stop A
mv "$net_dir/A.kept" "$net_dir/A.yaml"

# who stays root, with all that root may, still reaches what is somebody else's
chmod 700 "$net_dir/run-A"
sed -i 's/user: nobody/user: root/' "$net_dir/A.yaml"
net_within=
daemons A
masks "$pid_A" | grep -q '^0,0,0,0 0000000000001002 ' || fail "root keeps something else: $(masks "$pid_A")"
stop A

# what cannot be is an error that names the cure
sed 's/user: root/user: no-such-user/' "$net_dir/A.yaml" >"$net_dir/none.yaml"
if ns A "$net_build/viaductd" --config "$net_dir/none.yaml" >"$net_dir/none.out" 2>"$net_dir/none.log"; then
	fail "a user that is not there is no error"
fi
logged none 'no user .no-such-user.*useradd' || fail "a missing user: no cure is named"
