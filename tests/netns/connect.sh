#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Links and sessions made and ended while the daemons run: by `viaduct connect` and `disconnect`, and
# by a reload: who goes from session.connect to session.allow is not connected again, who is in
# neither loses the session.
#
#	A ---- R ---- B        all: udp ports
#
#	A's configuration names no router and, at first, nobody to connect to.
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin

line 4
main_configs udp
identity X
# shellcheck disable=SC2154 # line and identity set them
link_r=/ip4/$addr_ra/udp/4001/viaduct/p2p/$peer_R
# a_config SESSION: A without routers.
a_config() {
	edge_config A 0.0.0.0:4001 "" "$1"
}
a_config "allow: [ $peer_B ]"
daemons R A B
must_come 20 "R has a link to B" links_up R 1

# refuses NAME VERB ARGUMENT PATTERN: with that error.
refuses() {
	if ask "$1" "$2" "$3" >"$net_dir/answer.log" 2>&1; then
		fail "$2 $3 is not refused"
	fi
	grep -q "$4" "$net_dir/answer.log" || fail "$2 $3 does not say: $4"
}

# shellcheck disable=SC2154
{
	refuses A connect "/ip4/$addr_ra/tcp/4001" "not a link address"
	refuses A connect "/ip4/$addr_ra/udp/4001" "add /p2p/"
	refuses A connect "/ip4/$addr_ra/udp/4001/viaduct/p2p/$peer_A" "this daemon itself"
	refuses A connect nobody "not a peer id"
	refuses R connect "$peer_A" "no sessions"
	refuses A disconnect "$peer_X" "no link to and no session"
	# Nobody is there; meanwhile the rest goes on.
	ns_start A silent.txt "$net_build/viaduct" --api "$net_dir/A.sock" connect "/ip4/$addr_ra/udp/4002/viaduct/p2p/$peer_X"
	silent=$started
}

ask A connect "$link_r" >"$net_dir/answer.log" || fail "A does not connect to R"
links_up A 1 || fail "connect answers before the link is up"
ask A connect "$link_r" | grep -q '"already": true' || fail "a second connect is not told"
ask A connect "$peer_B" >"$net_dir/answer.log" 2>&1 || fail "A does not connect to B"
has_session A "$peer_B" || fail "connect answers before the session is up"
overlay_b=$(overlay B)
pinged A "$overlay_b" -W 2 || fail "B does not answer over the overlay"

no_session() {
	is_so "$1" sessions "not any(s['state'] == 'up' for s in d['sessions'])"
}

# Names: taken by commands, shown by them, read again at a reload.
printf '# peers\n%s far far.away\n%s router\n' "$overlay_b" "$peer_R" >"$net_dir/names"
echo "names: { file: $net_dir/names }" >>"$net_dir/A.yaml"
kill -HUP "$pid_A"
must_come 5 "sessions show names" is_so A sessions "d['sessions'][0]['name'] == 'far'"
is_so A links "any(l['name'] == 'router' for l in d['links'])" || fail "links do not show names"
# shellcheck disable=SC2154
is_so A "resolve far.away" "d == {'overlay': '$overlay_b', 'peer': '$peer_B', 'names': ['far', 'far.away']}" ||
	fail "a name is not resolved"
is_so A "resolve $peer_B" "d['names'] == ['far', 'far.away']" || fail "a peer id is not resolved"
is_so A "resolve $overlay_b" "d['peer'] == '$peer_B'" || fail "an overlay address is not resolved"
"$net_build/viaduct" --api "$net_dir/A.sock" resolve | grep -q "^$overlay_b far far.away  # $peer_B\$" ||
	fail "resolve does not write lines for /etc/hosts"
ask A ping -n 1 FAR >"$net_dir/answer.log" || fail "ping does not take a name"
echo "fd76::1 far" >>"$net_dir/names"
kill -HUP "$pid_A"
must_come 5 "a bad line is told" logged A "names:4: .far. is the name of another peer"
is_so A "resolve far" "d['peer'] == '$peer_B'" || fail "a file with an error changes the names"

ask A disconnect far >"$net_dir/answer.log" || fail "A does not disconnect from B"
no_session A || fail "the session is there after disconnect"
must_come 5 "B's session with A ends" no_session B
ask A disconnect "$link_r" >"$net_dir/answer.log" || fail "A does not disconnect from R"
must_come 5 "R's link to A ends" is_so R links "not any(l['peer'] == '$peer_A' for l in d['links'])"

# A configured router, and a session that is kept up.
edge_config A 0.0.0.0:4001 "$link_r" "connect: [ $peer_B ]"
kill -HUP "$pid_A"
must_come 10 "A connects to B after the reload" has_session A "$peer_B"
# sessions_before N: A had N sessions before the one it has; what is there may be the one that just ends.
sessions_before() {
	[ "$(grep -c 'session: session up' "$net_dir/A.log")" -gt "$1" ] && has_session A "$peer_B"
}
ups=$(grep -c 'session: session up' "$net_dir/A.log")
ask B disconnect "$peer_A" >"$net_dir/answer.log" || fail "B does not disconnect from A"
must_come 10 "A connects again, since B is in session.connect" sessions_before "$ups"

edge_config A 0.0.0.0:4001 "$link_r" "allow: [ $peer_B ]"
kill -HUP "$pid_A"
must_come 5 "A reloads" logged A "reloaded"
has_session A "$peer_B" || fail "the session of a peer that is only allowed now is gone"
ask B disconnect "$peer_A" >"$net_dir/answer.log" || fail "B does not disconnect from A"
must_come 5 "A's session ends" no_session A
wait_for 3 has_session A "$peer_B" && fail "A connects again, although B is only in session.allow"
pinged A "$overlay_b" -W 3 || must_come 5 "traffic opens the session" pinged A "$overlay_b"

edge_config A 0.0.0.0:4001 "$link_r" "allow: [ ]"
kill -HUP "$pid_A"
must_come 5 "the session of a removed peer closes" is_so A sessions "d['sessions'] == []"
must_come 5 "B hears of it" no_session B

must_come 10 "the connect that nobody answers is over" ended "$silent"
wait "$silent" && fail "a connect that nobody answers succeeds"
grep -q "no answer within" "$net_dir/silent.txt" || fail "silence is not told"
is_so A links "not any(l['peer'] == '$peer_X' for l in d['links'])" || fail "a failed connect leaves a link"
