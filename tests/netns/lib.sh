# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# lib: network namespaces, veths and daemons for the tests in this folder and for scripts/demo.
#
#	. "$(dirname "$0")/lib.sh"
#	net_begin                       # a temporary folder $net_dir; everything is undone on exit
#	ns_add A R
#	veth A a0 198.18.1.2/24 R r0 198.18.1.1/24
#	ns A ping -c 1 198.18.1.1
#	wait_for 5 ns A ping -c 1 -W 1 198.18.1.1
#
# A namespace is held by a process that ends with this shell, so that even a killed test leaves
# nothing behind; it has no name outside. Nothing here sleeps for a fixed time: wait_for polls.
# Set NETNS_BUILD to test another build folder than build/.

: "${net_root:=$(cd "$(dirname "$0")/../.." && pwd)}"
net_build=$(cd "${NETNS_BUILD:-$net_root/build}" 2>/dev/null && pwd) || net_build=
net_dir=
net_pids=
export VIADUCT_USER=root # what is made here is root's, whoever else there is on this machine

skip() {
	echo "skip: $*"
	exit 77
}

fail() {
	echo "failed: $*" >&2
	for fail_log in "$net_dir"/*.log; do
		[ -s "$fail_log" ] || continue
		echo "--- $(basename "$fail_log")" >&2
		tail -n 25 "$fail_log" >&2
	done
	exit 1
}

# wait_for SECONDS COMMAND…: tries until the command succeeds; false when time is up.
wait_for() {
	wait_until=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(date +%s)" -lt "$wait_until" ] || return 1
		sleep 0.1 # between two looks
	done
}

# must_come SECONDS WHAT COMMAND…: wait_for, or the test fails with WHAT.
must_come() {
	must_seconds=$1
	must_what=$2
	shift 2
	wait_for "$must_seconds" "$@" || fail "not within $must_seconds s: $must_what"
}

ended() {
	! kill -0 "$1" 2>/dev/null
}

net_end() {
	net_status=$?
	trap - EXIT INT TERM HUP
	set +e
	for net_pid in $net_pids; do
		kill "$net_pid" 2>/dev/null
	done
	for net_pid in $net_pids; do
		wait_for 5 ended "$net_pid" || kill -9 "$net_pid" 2>/dev/null
		wait "$net_pid" 2>/dev/null
	done
	[ -z "$net_dir" ] || rm -rf "$net_dir"
	exit "$net_status"
}

net_begin() {
	net_dir=$(mktemp -d "${TMPDIR:-/tmp}/viaduct.XXXXXX")
	trap net_end EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

# Why the tests of real packets cannot run here, with the cure; nothing when they can.
net_cannot() {
	if [ ! -c /dev/net/tun ]; then
		echo "no /dev/net/tun; load the module tun, or give the container that device"
	elif ! unshare -n ip link add v0 type veth peer name v1 2>/dev/null; then
		echo "network namespaces and veths are not allowed; run as root with NET_ADMIN and SYS_ADMIN"
	elif ! unshare -n ip tuntap add t0 mode tun 2>/dev/null; then
		echo "a TUN cannot be made; load the module tun, or give the container /dev/net/tun"
	fi
}

# For tests: skips where real packets cannot be had, fails where nothing is built.
net_needs() {
	if [ ! -x "$net_build/viaductd" ] || [ ! -x "$net_build/viaduct" ]; then
		skip "viaductd and viaduct are not built; run ninja -C build"
	fi
	[ "$(id -u)" -eq 0 ] || skip "not root; run as root, or in a user namespace"
	net_why=$(net_cannot)
	[ -z "$net_why" ] || skip "$net_why"
}

# ns_add NAME…
ns_add() {
	for ns_name; do
		unshare -n tail --pid=$$ -f /dev/null &
		eval "ns_$ns_name=\$!"
		net_pids="$net_pids $!"
		wait_for 5 ns_is_apart "$!" || fail "no network namespace for $ns_name"
		ns "$ns_name" ip link set lo up
	done
}

ns_is_apart() {
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/$$/ns/net)" ] &&
		[ "$(cat "/proc/$1/comm")" = tail ]
}

# ns NAME COMMAND…: runs it in the namespace.
ns() {
	eval "ns_holder=\$ns_$1"
	shift
	nsenter -t "$ns_holder" -n "$@"
}

# ns_start NAME LOG COMMAND…: the same in the background, output to $net_dir/LOG; its pid is $started.
ns_start() {
	eval "ns_holder=\$ns_$1"
	ns_log=$net_dir/$2
	shift 2
	nsenter -t "$ns_holder" -n "$@" >"$ns_log" 2>&1 &
	started=$!
	net_pids="$net_pids $started"
}

# veth NS1 IF1 ADDRESS1 NS2 IF2 ADDRESS2: a cable. Offloads are off, since a veth hands over
# checksums and segments unmade, which no real cable does.
veth() {
	eval "veth_peer=\$ns_$4"
	ns "$1" ip link add "$2" type veth peer name "$5" netns "$veth_peer"
	veth_end "$1" "$2" "$3"
	veth_end "$4" "$5" "$6"
}

veth_end() {
	ns "$1" ethtool -K "$2" tx off rx off tso off gso off gro off >/dev/null 2>&1 || true
	case $3 in
	*:*) ns "$1" ip address add "$3" dev "$2" nodad ;;
	*) ns "$1" ip address add "$3" dev "$2" ;;
	esac
	ns "$1" ip link set "$2" up
}

# pinged NAME ADDRESS [PING OPTION…]: whether it answers.
pinged() {
	pinged_ns=$1
	pinged_address=$2
	shift 2
	ns "$pinged_ns" ping -q -c 1 -W 1 "$@" "$pinged_address" >/dev/null 2>&1
}

# ---- daemons ----

# identity NAME: makes $net_dir/NAME.key; its peer id is $peer_NAME.
identity() {
	"$net_build/viaduct" key gen "$net_dir/$1.key" >"$net_dir/$1.id" || fail "viaduct key gen"
	identity_peer=$(grep -o '12D3[1-9A-HJ-NP-Za-km-z]*' "$net_dir/$1.id" | head -n 1)
	[ -n "$identity_peer" ] || fail "viaduct key gen does not tell the peer id"
	eval "peer_$1=\$identity_peer"
}

# Daemons have $net_workers workers (1 if unset), and af_packet ports as many queue pairs.
#
# router_config NAME LISTEN PORTS TIERS: $net_dir/NAME.yaml; PORTS and TIERS are YAML lines.
router_config() {
	cat >"$net_dir/$1.yaml" <<-END
		identity: { key: $net_dir/$1.key }
		dataplane:
		  workers: ${net_workers:-1}
		  ports:
		$3
		link:
		  listen: [ $2 ]
		  width: 16
		  tiers:
		$4
		api: { socket: $net_dir/$1.sock, listen: "127.0.0.1:9600" }
	END
}

# edge_config NAME BIND ROUTER SESSION: ROUTER is a link address, SESSION `allow: [ … ]`.
edge_config() {
	cat >"$net_dir/$1.yaml" <<-END
		identity: { key: $net_dir/$1.key }
		dataplane:
		  workers: ${net_workers:-1}
		  ports:
		    - { name: u0, driver: udp, bind: "$2" }
		link:
		  routers: [ $3 ]
		  reserve: true
		tun: { name: viaduct0, mtu: auto }
		session: { $4 }
		api: { socket: $net_dir/$1.sock, listen: "127.0.0.1:9600" }
	END
}

# daemon NAME: starts viaductd in namespace NAME with $net_dir/NAME.yaml; its pid is $pid_NAME.
# Stdout to NAME.out, stderr to NAME.log. $net_within, if set, is a command that runs it.
daemon() {
	eval "ns_holder=\$ns_$1"
	: >"$net_dir/$1.out" # now: who waits for the ready line must not find that of a daemon before
	# shellcheck disable=SC2086 # a command and its arguments
	nsenter -t "$ns_holder" -n ${net_within:-} "$net_build/viaductd" --config "$net_dir/$1.yaml" \
		>"$net_dir/$1.out" 2>"$net_dir/$1.log" &
	eval "pid_$1=\$!"
	net_pids="$net_pids $!"
}

is_ready_or_over() {
	grep -q '^ready peer=' "$net_dir/$1.out" || ended "$2"
}

# ready NAME: waits for its ready line; false when the daemon ends instead.
ready() {
	eval "ready_pid=\$pid_$1"
	wait_for 20 is_ready_or_over "$1" "$ready_pid"
	grep -q '^ready peer=' "$net_dir/$1.out"
}

# Says how it ended, if it did: an empty log is a signal's work.
not_ready() {
	eval "ready_pid=\$pid_$1"
	ended "$ready_pid" || fail "viaductd of $1 does not become ready"
	wait "$ready_pid" && fail "viaductd of $1 ends before it is ready"
	fail "viaductd of $1 ends with $? before it is ready"
}

# daemons NAME…: starts them, all must become ready.
daemons() {
	for daemon_name; do
		daemon "$daemon_name"
	done
	for daemon_name; do
		ready "$daemon_name" || not_ready "$daemon_name"
	done
}

# stop NAME: SIGTERM; it must end with 0 within 5 s.
stop() {
	eval "stop_pid=\$pid_$1"
	kill "$stop_pid" || fail "viaductd of $1 is gone already"
	must_come 5 "viaductd of $1 ends after SIGTERM" ended "$stop_pid"
	wait "$stop_pid" || fail "viaductd of $1 ends with $?"
	net_pids=$(echo " $net_pids " | sed "s/ $stop_pid / /")
}

# killed NAME: its process dies without closing anything.
killed() {
	eval "killed_pid=\$pid_$1"
	kill -9 "$killed_pid"
	must_come 5 "the process of $1 is gone" ended "$killed_pid"
	wait "$killed_pid" 2>/dev/null || true
	net_pids=$(echo " $net_pids " | sed "s/ $killed_pid / /")
}

# ask NAME VERB…: what the daemon of NAME says, as JSON.
ask() {
	ask_name=$1
	shift
	"$net_build/viaduct" --api "$net_dir/$ask_name.sock" "$@" -o json
}

# told NAME "VERB [ARGUMENT]" EXPRESSION: the Python expression over the answer `d`, printed.
told() {
	# shellcheck disable=SC2086 # a verb and its argument
	ask "$1" $2 2>/dev/null | python3 -c 'import json, sys
d = json.load(sys.stdin)
print(eval(sys.argv[1]))' "$3" 2>/dev/null
}

# is_so NAME VERB EXPRESSION: whether it is true.
is_so() {
	[ "$(told "$@")" = True ]
}

links_up() {
	is_so "$1" links "sum(l['state'] == 'up' for l in d['links']) >= $2"
}

has_session() {
	is_so "$1" sessions "any(s['peer'] == '$2' and s['state'] == 'up' for s in d['sessions'])"
}

# overlay NAME: the overlay address of a running daemon.
overlay() {
	told "$1" id "d['overlay']"
}

# total NAME COUNTER: of `viaduct stats`; drops.REASON for a drop reason.
total() {
	case $2 in
	drops.*) told "$1" stats "d['drops'].get('${2#drops.}', 0)" ;;
	*) told "$1" stats "d['$2']" ;;
	esac
}

# logged NAME PATTERN: whether the daemon's log has such a line.
logged() {
	grep -Eqi "$2" "$net_dir/$1.log"
}

# ---- the line A - R - B, and the main job on it ----

# line 4|6: namespaces A, R, B; addresses in $addr_a, $addr_ra, $addr_rb, $addr_b.
line() {
	ns_add A R B
	if [ "$1" = 4 ]; then
		addr_a=198.18.1.2 addr_ra=198.18.1.1 addr_rb=198.18.2.1 addr_b=198.18.2.2
		line_bits=24 line_any=0.0.0.0 line_ip=ip4
	else
		addr_a=fd00:18:1::2 addr_ra=fd00:18:1::1 addr_rb=fd00:18:2::1 addr_b=fd00:18:2::2
		line_bits=64 line_any='[::]' line_ip=ip6
	fi
	veth A a0 "$addr_a/$line_bits" R r0 "$addr_ra/$line_bits"
	veth R r1 "$addr_rb/$line_bits" B b0 "$addr_b/$line_bits"
	ns A ip "-$1" route add default via "$addr_ra"
	ns B ip "-$1" route add default via "$addr_rb"
}

# router_ports DRIVER [END…]: af_packet, af_xdp or udp; YAML lines for R's two ends, r0 and r1, or more.
router_ports() {
	if [ "$1" = udp ]; then
		echo "    - { name: u0, driver: udp, bind: \"$line_any:4001\" }"
		return
	fi
	router_more='' router_driver=$1
	[ "${net_workers:-1}" -eq 1 ] || router_more=",qpairs=$net_workers"
	shift
	[ $# -gt 0 ] || set -- 0 1
	for router_end in "$@"; do
		echo "    - { name: r$router_end, driver: dpdk, bind: \"$line_any:4001\"," \
			"devargs: \"net_$router_driver$router_end,iface=r$router_end$router_more\" }"
	done
}

# members PEER…: a tier that lets them call each other.
members() {
	members_list=$(echo "$*" | sed 's/ /, /g')
	echo "    - { name: members, peers: [ $members_list ], realms: [ 1 ], call: true, reserve: true }"
}

# main_configs DRIVER: identities and configurations of R, A, B. A knows R's link address and
# B's peer id, nothing more; B knows its router and that A may come.
main_configs() {
	for main_name in R A B; do
		identity "$main_name"
	done
	# shellcheck disable=SC2154 # identity sets them
	router_config R "/$line_ip/$addr_ra/udp/4001, /$line_ip/$addr_rb/udp/4001" \
		"$(router_ports "$1")" "$(members "$peer_A" "$peer_B")"
	# shellcheck disable=SC2154
	{
		edge_config A "$line_any:4001" "/$line_ip/$addr_ra/udp/4001/viaduct/p2p/$peer_R" \
			"connect: [ $peer_B ]"
		edge_config B "$line_any:4001" "/$line_ip/$addr_rb/udp/4001/viaduct/p2p/$peer_R" \
			"allow: [ $peer_A ]"
	}
}

# main_job DRIVER 4|6: the whole of it, with checks.
main_job() {
	line "$2"
	main_configs "$1"
	daemons R A B
	must_come 20 "R has two links" links_up R 2
	must_come 20 "A has a session with B" has_session A "$peer_B"
	main_overlay=$(overlay B)
	must_come 10 "B answers over the overlay" pinged A "$main_overlay"
	ns A ping -6 -q -i 0.02 -c 50 -W 2 "$main_overlay" >"$net_dir/ping.log" || fail "ping over the overlay"
	ns A ping -6 -q -c 3 -W 2 -s 1200 "$main_overlay" >>"$net_dir/ping.log" || fail "ping of 1,248 bytes"
	pinged A "$addr_b" && fail "R forwards plain packets: the overlay is not what carried"
	main_switched=$(total R switched)
	[ "$main_switched" -ge 106 ] || fail "R switched $main_switched frames, not the 106 of the pings"
	echo "switched $main_switched; overlay $main_overlay"
}

# counted NAME SAMPLE: whether a sample of the daemon's /metrics, with its labels, is above 0.
counted() {
	ns "$1" curl -s http://127.0.0.1:9600/metrics >"$net_dir/metrics" || return 1
	awk -v "sample=$2" '$1 == sample && $2 > 0 { found = 1 } END { exit !found }' "$net_dir/metrics"
}
