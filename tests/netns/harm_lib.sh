# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# harm_lib: a good flow beside an attack, and what the attack must be counted as.
#
#	. "$(dirname "$0")/lib.sh"
#	. "$(dirname "$0")/harm_lib.sh"
#	line 4; main_configs udp
#	steady_daemons; steady_begin      # measures the speed from A to B, takes half of it
#	unharmed WHAT COMMAND…            # runs it beside the flow, which must lose nothing
#	is_unharmed WHAT COMMAND…         # whether it loses nothing
#	counts R >before; …; counts R >after; must_count before after bad_tag 12

steady_needs() {
	for steady_tool; do
		[ -x "$net_build/tests/netns/$steady_tool" ] || skip "$steady_tool is not built; run ninja -C build"
	done
}

# The line A - R - B, with its session; B is there before A asks for it.
steady_daemons() {
	daemons R B
	must_come 20 "R has a link" links_up R 1
	daemons A
	must_come 20 "A has a session with B" has_session A "$peer_B"
	main_overlay=$(overlay B)
	must_come 10 "B answers over the overlay" pinged A "$main_overlay"
}

# steady PER_SECOND SECONDS: packets from A to B over the overlay; its line.
steady() {
	# shellcheck disable=SC2154 # ns_add and main_job set them
	"$net_build/tests/netns/steady" "$ns_A" "$ns_B" "$main_overlay" "$1" "$2"
}

# field NAME LINE: of a line of NAME=VALUE.
field() {
	echo "$2" | sed -n "s/.*\\b$1=\\([0-9]*\\).*/\\1/p"
}

is_whole() {
	[ "$(field sent "$1")" -gt 0 ] && [ "$(field sent "$1")" = "$(field received "$1")" ] &&
		[ "$(field repeated "$1")$(field broken "$1")" = 00 ]
}

# Half of what goes through; less where a machine that does other things loses even so, but never
# under an eighth: a flow that hardly flows would show nothing.
steady_begin() {
	ns A ip link set viaduct0 txqueuelen 10000
	steady_speed=$(field per_s "$(steady 0 0.5)")
	[ "$steady_speed" -ge 1000 ] || fail "only $steady_speed packets a second get through"
	steady_rate=$((steady_speed / 2)) steady_floor=$((steady_speed / 8)) steady_tries=0
	until steady_line=$(steady "$steady_rate" 0.5) && is_whole "$steady_line"; do
		steady_tries=$((steady_tries + 1))
		[ "$steady_tries" -le 8 ] || fail "the flow is not whole without an attack: $steady_line"
		steady_slower
	done
	echo "speed $steady_speed packets/s; the good flow has $steady_rate/s, at least $steady_floor"
}

# Half of the rate, down to the floor.
steady_slower() {
	steady_rate=$((steady_rate / 2))
	[ "$steady_rate" -ge "$steady_floor" ] || steady_rate=$steady_floor
}

# is_unharmed WHAT COMMAND…: the flow lasts as long as the command. Tried anew at half the rate, down to the
# floor, since other load on the machine loses packets, too; an attack that harms does so at any rate.
# The next attack has the whole rate again.
is_unharmed() {
	unharmed_what=$1
	unharmed_rate=$steady_rate
	shift
	for unharmed_try in 1 2 3 4; do
		"$net_build/tests/netns/steady" "$ns_A" "$ns_B" "$main_overlay" "$steady_rate" 120 \
			>"$net_dir/flow" &
		unharmed_flow=$!
		"$@" || fail "$unharmed_what: the attack itself failed"
		kill "$unharmed_flow" || fail "$unharmed_what: the flow is gone"
		wait "$unharmed_flow" || fail "$unharmed_what: no flow"
		unharmed_line=$(cat "$net_dir/flow")
		is_whole "$unharmed_line" && break
		echo "$unharmed_what, try $unharmed_try: $unharmed_line"
		steady_slower
	done
	unharmed_at=$steady_rate
	steady_rate=$unharmed_rate
	is_whole "$unharmed_line" || return 1
	echo "$unharmed_what: $unharmed_line, at $unharmed_at/s"
}

unharmed() {
	is_unharmed "$@" || fail "the good flow suffers from $1: $unharmed_line"
}

# counts NAME: "what number" lines: drop reasons, punts, outcomes of handshakes, the kernel's errors.
counts() {
	ns "$1" curl -s http://127.0.0.1:9600/metrics | sed -nE \
		-e 's/^viaduct_drops_total\{reason="([a-z_0-9]+)"\}/\1/p' \
		-e 's/^viaduct_(punted|switched|delivered)_total/\1/p' \
		-e 's/^viaduct_handshakes_total\{kind="link",result="([a-z_]+)"\}/handshake_\1/p' \
		-e 's/^viaduct_handshakes_total\{kind="session",result="([a-z_]+)"\}/session_\1/p' \
		-e 's/^viaduct_lost_reports_total\{kind="link",result="([a-z]+)"\}/lost_\1/p'
	# shellcheck disable=SC2016 # awk's own
	ns "$1" awk '$1 == "Ip:" || $1 == "Udp:" { for (i = 2; i <= NF; i++)
			if ($i !~ /^[0-9-]/) name[$1, i] = $i
			else if (name[$1, i] ~ /^In(Hdr|Addr|Csum)?Errors$/) sum += $i }
		$1 ~ /^(Ip6InHdrErrors|Ip6InTruncatedPkts|Udp6InErrors|Ip6ReasmFails)$/ { sum += $2 }
		END { print "kernel", sum + 0 }' /proc/net/snmp /proc/net/snmp6
}

# grown BEFORE AFTER WHAT[+WHAT…]: by how much, together.
grown() {
	awk -v what="$3" 'index("+" what "+", "+" $1 "+") { value[FILENAME] += $2 }
		END { print value[ARGV[2]] - value[ARGV[1]] }' "$1" "$2"
}

# must_count BEFORE AFTER NODE WHAT NUMBER: it grew by so much at least.
must_count() {
	count_grown=$(grown "$1" "$2" "$4")
	[ "$count_grown" -ge "$5" ] || fail "$3 counts $count_grown as $4, not the $5 of the attack: $(
		diff "$1" "$2" | tr '\n' ' '
	)"
	echo "	$3: $4 +$count_grown"
}
