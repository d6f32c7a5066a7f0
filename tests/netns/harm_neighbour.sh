#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# A neighbour with a link and a session of its own harms its router, routers behind it, and an edge,
# while a flow between two edges at half of its speed loses nothing, and each attack is counted.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	udp port, TUN               | \ one udp port              udp port, TUN
#	                            |  \
#	               198.18.3.2   M   R2, R3: M has links to all three, they to each other
#	                 the neighbour
set -eu
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/harm_lib.sh"
net_needs
steady_needs steady neighbour
net_begin
line 4
ns_add M R2 R3
veth M m1 198.18.3.2/24 R r3 198.18.3.1/24
veth M m2 198.18.4.2/24 R2 m0 198.18.4.1/24
veth M m3 198.18.5.2/24 R3 m0 198.18.5.1/24
veth R r12 198.18.6.1/24 R2 r12 198.18.6.2/24
veth R2 r23 198.18.7.1/24 R3 r23 198.18.7.2/24
veth R3 r31 198.18.8.1/24 R r31 198.18.8.2/24
for name in M N R2 R3; do
	identity "$name"
done
main_configs udp
# shellcheck disable=SC2154 # identity and line set them
{
	everybody=$(members "$peer_A" "$peer_B" "$peer_M" "$peer_N" "$peer_R" "$peer_R2" "$peer_R3")
	link_R=/ip4/198.18.8.2/udp/4001/viaduct/p2p/$peer_R
	link_R2=/ip4/198.18.6.2/udp/4001/viaduct/p2p/$peer_R2
	link_R3=/ip4/198.18.7.2/udp/4001/viaduct/p2p/$peer_R3
	for name in R R2 R3; do
		router_config "$name" /ip4/198.18.1.1/udp/4001 "$(router_ports udp)" "$everybody"
	done
	# each reserves at the one before it, so that a route leads around
	sed -i "s|width: 16|&\n  delivery_pps: 200\n  routers: [ $(echo "$link_R3" | sed s/198.18.7.2/198.18.8.1/) ]|" "$net_dir/R.yaml"
	sed -i "s|width: 16|&\n  routers: [ $(echo "$link_R" | sed s/198.18.8.2/198.18.6.1/) ]|" "$net_dir/R2.yaml"
	sed -i "s|width: 16|&\n  routers: [ $(echo "$link_R2" | sed s/198.18.6.2/198.18.7.1/) ]|" "$net_dir/R3.yaml"
	sed -i "s/allow: \[ /&$peer_M, $peer_N, /" "$net_dir/B.yaml"
}
daemons R2 R3
steady_daemons
steady_begin

# neighbour NAME KEY: one in M's namespace; say NAME COMMAND…: its answer, in $said.
neighbour() {
	mkfifo "$net_dir/$1.in"
	# shellcheck disable=SC2154 # ns_add sets it
	nsenter -t "$ns_M" -n "$net_build/tests/netns/neighbour" "$net_dir/$1.key" \
		<"$net_dir/$1.in" >"$net_dir/$1.said" 2>"$net_dir/$1.log" &
	net_pids="$net_pids $!"
}

has_lines() {
	[ "$(wc -l <"$1")" -eq "$2" ]
}

say() {
	say_name=$1
	say_lines=$(($(wc -l <"$net_dir/$1.said") + 1))
	shift
	if [ "$say_name" = M ]; then echo "$*" >&3; else echo "$*" >&4; fi
	wait_for 15 has_lines "$net_dir/$say_name.said" "$say_lines" || fail "$say_name does not do: $*"
	said=$(tail -n 1 "$net_dir/$say_name.said")
	[ "${said%% *}" != route ] || [ "${said#route 0 }" != "$said" ] || fail "$say_name: $*: $said"
}

# route_of VIA PEER: the label, from M.
route_of() {
	say M route "$1" "$2"
	label=$(echo "$said" | cut -d ' ' -f 3)
}

neighbour M
exec 3>"$net_dir/M.in"
neighbour N
exec 4>"$net_dir/N.in"
# shellcheck disable=SC2154 # identity sets them
{
	r=$peer_R r2=$peer_R2 r3=$peer_R3 b=$peer_B
	say M link "/ip4/198.18.3.1/udp/4001/viaduct/p2p/$r"
	say M link "/ip4/198.18.4.1/udp/4001/viaduct/p2p/$r2"
	say M link "/ip4/198.18.5.1/udp/4001/viaduct/p2p/$r3"
	say M reserve "$r"
	say N link "/ip4/198.18.3.1/udp/4001/viaduct/p2p/$r"
	say N route "$r" "$peer_M"
	own=$(echo "$said" | cut -d ' ' -f 3)
}
must_come 10 "R2 and R3 have all their links" links_up R3 3
must_come 10 "R has all its links" links_up R 6
route_of "$r" "$b"
to_b=$label
say M session "$r" "$to_b" "$b"
route_of "$r" "$r2"
loop=$label
route_of "$r2" "$r3"
loop=$(printf '%04x%04x' "0x$label" "0x$loop")
route_of "$r3" "$r"
loop=$(printf '%s%04x%s' "$(echo "$loop" | tail -c 5)" "0x$label" "$loop") # R, R2, R3, R again

# commands FILE: says its lines to M, each to its end.
commands() {
	while read -r command; do
		# shellcheck disable=SC2086 # words
		say M $command
	done <"$1"
}

# A new process of N, with a link: what it opens is new.
newcomer() {
	exec 4>&-
	rm -f "$net_dir/N.in"
	neighbour N
	exec 4>"$net_dir/N.in"
	say N link "/ip4/198.18.3.1/udp/4001/viaduct/p2p/$r"
	say N route "$r" "$b"
	to_b_of_n=$(echo "$said" | cut -d ' ' -f 3)
}

milliseconds() {
	echo $(($(date +%s%N) / 1000000))
}

punted_more() {
	counts B >"$net_dir/flooded.B"
	[ "$(grown "$net_dir/calm.B" "$net_dir/flooded.B" punted)" -ge "$1" ]
}

# opened FILE: its one line, a flood, is said to M; meanwhile N opens a session in 3 s at most. Tried
# anew, since a machine that does other things may have no time for it.
opened() {
	for opened_try in 1 2 3 4; do
		newcomer
		opened_lines=$(($(wc -l <"$net_dir/M.said") + 1))
		counts B >"$net_dir/calm.B"
		cat "$1" >&3
		must_come 5 "the flood reaches B" punted_more 1000
		opened_at=$(milliseconds)
		say N session "$r" "$to_b_of_n" "$b"
		opened_after=$(($(milliseconds) - opened_at))
		opened_beside=true
		! has_lines "$net_dir/M.said" "$opened_lines" || opened_beside=false
		must_come 60 "the flood ends" has_lines "$net_dir/M.said" "$opened_lines"
		echo "try $opened_try: a session after $opened_after ms; the flood was on: $opened_beside"
		[ "$opened_after" -gt 3000 ] || ! $opened_beside || return 0
	done
	fail "no session in 3 s beside the flood"
}

# attack WHAT [NODE REASON NUMBER]…: the commands on stdin, then what they must have been counted as.
# $attack_by, if set, is what says them.
attack() {
	cat >"$net_dir/commands"
	attack_what=$1
	shift
	for attack_node in R R2 R3 B; do
		counts "$attack_node" >"$net_dir/before.$attack_node"
	done
	unharmed "$attack_what" "${attack_by:-commands}" "$net_dir/commands"
	for attack_node in R R2 R3 B; do
		counts "$attack_node" >"$net_dir/after.$attack_node"
	done
	while [ $# -gt 0 ]; do
		must_count "$net_dir/before.$1" "$net_dir/after.$1" "$1" "$2" "$3"
		shift 3
	done
}

reports() {
	say M reports
	echo "$said"
}

attack "labels that are unknown, exhausted, beyond 60 bits, loop, lead back" R unknown_director 300 \
	B unknown_director 300 R exhausted 900 R2 switched 300 R3 switched 300 R same_link 300 <<-END
		send $r dead 0 0 300 5
		send $r $(printf 'dead%04x' "0x$to_b") 0 0 300 5
		send $r $to_b 50 0 300 5
		send $r $to_b 63 0 300 5
		send $r $loop 0 0 300 5
		send $r $own 0 0 300 5
	END
heard=$(reports)
[ "$(echo "$heard" | cut -d ' ' -f 2)" -ge 40 ] || fail "M hears no reports: $heard"

attack "reports about reports, forged ones, and without their flag" R unknown_director 300 \
	B report_unbelieved 200 B bad_inner 600 <<-END
		send $r dead 0 80 300 7
		send $r $to_b 0 80 200 7
		send $r $to_b 0 80 300 5
		send $r $to_b 0 0 300 7
	END
[ "$(reports)" = "$heard" ] || fail "there are reports about reports: $said, before $heard"

attack "junk for the router and the edge" R delivery_rate 500 B unknown_session 300 B bad_inner 300 <<-END
	send $r 0 0 0 1500 9
	send $r $to_b 0 0 300 5
	send $r $to_b 0 0 300 200
END

# 384 bits of the first, 552 of the second frame. An index that is one bit away may be another link's
# (session's): of neighbouring slots, with one generation by 1 in 256.
attack "each bit of a tagged and of a sealed frame" R bad_tag 330 R unknown_index 29 \
	R bad_tag+replayed+unknown_index 384 B bad_inner 1 B bad_seal 480 B unknown_session 31 \
	B bad_seal+replayed+unknown_session 552 <<-END
		flip $r $to_b
		seal $r $to_b $b
	END

attack "wrong overlay addresses, versions, lengths and protocols in a session" B wrong_source 300 \
	B wrong_destination 300 B bad_inner 600 B session_unknown_inner 300 <<-END
		inner $r $to_b $b source 300
		inner $r $to_b $b destination 300
		inner $r $to_b $b version 300
		inner $r $to_b $b length 300
		inner $r $to_b $b index 300
	END

# Half open at B: no more than a link may have of others, and who is there comes in all the same.
attack_by=opened
attack "a flood of first messages of sessions" B punted 2000 B session_cookie_asked+session_turned_away 500 <<-END
		knock $r $to_b 20000
	END
begun=$(grown "$net_dir/before.B" "$net_dir/after.B" session_begun)
[ "$begun" -le 300 ] || fail "B began $begun sessions with nobody"

exec 3>&- 4>&-
links_up R 4 || fail "a link went down"
pinged A "$main_overlay" || fail "B does not answer any more"
