# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# stock: what the tests with stock libp2p peers share: a namespace with nothing but loopback, and
# programs in it that say things.
#
#	. "$(dirname "$0")/stock.sh"
#	stock_peer go              # peers/build.sh
#	alone "$0" "$@"            # goes on in the namespace
#	start go $stock listen
#	must_say go.log 'listening '
#	start_viaductd 'listen: [ /ip4/127.0.0.1/tcp/4009 ], perf: true'
#	ours=$(address_on 4009)
#
# What is started is ended when the test ends, as in ../netns/lib.sh.

. "$(dirname "$0")/lib.sh"
. "$interop_folder/peers/build.sh"

# alone PROGRAM ARGUMENT…: in a namespace of its own; without root as root of a user namespace.
alone() {
	if [ "${STOCK_ALONE:-}" != 1 ]; then
		unshare -rn true 2>/dev/null || skip "no network namespaces; run it as root"
		STOCK_ALONE=1 exec unshare -rn "$@"
	fi
	ip link set lo up
	net_begin
}

# start NAME COMMAND…: in the background, output in $net_dir/NAME.log; its id in $started.
start() {
	start_name=$1
	shift
	"$@" >"$net_dir/$start_name.log" 2>&1 &
	started=$!
	net_pids="$net_pids $started"
}

# shellcheck disable=SC2034 # for who sources this
stock_said() {
	said=$(grep -m 1 -o "$2.*" "$net_dir/$1")
}

# must_say FILE PATTERN: the rest of the first line with it into $said, waited for.
must_say() {
	stock_end=$(($(date +%s) + 180))
	until stock_said "$1" "$2" 2>/dev/null; do
		[ "$(date +%s)" -lt "$stock_end" ] || fail "$1 does not say $2"
		! ended "$started" || stock_said "$1" "$2" || fail "it ended, and $1 does not say $2"
		sleep 0.1 # between two looks
	done
}

# start_viaductd HOST: our daemon, with HOST as its keys of the libp2p host. `viaduct` finds it; its metrics are on port
# 9600; the log is viaductd.log, and its first line $ready.
start_viaductd() {
	[ -s "$net_dir/key" ] || "$net_build/viaduct" key gen "$net_dir/key" >/dev/null
	viaductd_config "$1"
	start viaductd "$net_build/viaductd" --config "$net_dir/viaductd.yaml"
	# shellcheck disable=SC2034 # for who sources this
	viaductd_pid=$started
	must_say viaductd.log '^ready '
	ready=$said
	export VIADUCT_API="$net_dir/api.sock"
}

# viaductd_config HOST: writes its configuration: for its start, or for a reload.
viaductd_config() {
	cat >"$net_dir/viaductd.yaml" <<-END
		identity: { key: $net_dir/key }
		dataplane: { ports: [ { name: u0, driver: udp, bind: "127.0.0.1:4009" } ] }
		link: { listen: [ /ip4/127.0.0.1/udp/4009 ] }
		host: { $1 }
		api: { socket: $net_dir/api.sock, listen: "127.0.0.1:9600" }
		log: { level: "info,host=debug" }
		user: root
	END
}

# address_on PORT: viaductd's libp2p address there, with its peer id.
address_on() {
	echo "$ready" | grep -o "/ip4/127.0.0.1/tcp/$1/p2p/[0-9A-Za-z]*"
}

# swarm_key NAME: a key file of a private network.
swarm_key() {
	printf '/key/swarm/psk/1.0.0/\n/base16/\n%s\n' "$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n')" >"$net_dir/$1"
	chmod 600 "$net_dir/$1"
}

# refused PROGRAM ARGUMENT…: it fails, within a while and by itself.
refused() {
	refused_status=0
	timeout 100 "$@" >"$net_dir/refused.log" 2>&1 || refused_status=$?
	case $refused_status in
	0) fail "not refused: $*" ;;
	124) fail "neither let in nor refused: $*" ;;
	12[567]) fail "it cannot be run: $*" ;;
	esac
}

# turned_away WHY: how often viaductd has, for that reason.
turned_away() {
	curl -s http://127.0.0.1:9600/metrics | sed -n "s/^viaduct_swarm_turned_away_total{why=\"$1\"} //p"
}

has_turned_away() {
	[ "$(turned_away "$1")" -ge "$2" ]
}

# start_held NAME COMMAND…: as start, with a standard input that does not end: lines to descriptor 3 come to it.
start_held() {
	held_name=$1
	shift
	[ -p "$net_dir/input" ] || mkfifo "$net_dir/input"
	exec 3<>"$net_dir/input"
	# shellcheck disable=SC2016 # that shell's
	start "$held_name" sh -c 'exec "$@" <"$0"' "$net_dir/input" "$@"
}

# start_listener NAME COMMAND…: likewise a peer that listens; its address in $said.
start_listener() {
	start_held "$@"
	must_say "$held_name.log" '/ip4/127.0.0.1/tcp/[0-9]*/p2p/'
}

# run_tests COMMAND…: the verb `dial` of a peer; what it says is in tests.log, too.
run_tests() {
	run_tests_status=0
	"$@" >"$net_dir/tests.log" 2>&1 || run_tests_status=$?
	cat "$net_dir/tests.log"
	return "$run_tests_status"
}

# told KEY: what the test `identify` in tests.log says of it, each of a list on a line.
told() {
	grep '^ok identify ' "$net_dir/tests.log" | tr ' ' '\n' | sed -n "s/^$1=//p" | tr ',' '\n'
}

# must_be_told KEY PATTERN…: each is there, with or without a peer id.
must_be_told() {
	told_key=$1
	shift
	for told_pattern; do
		told "$told_key" | grep -Eqx "$told_pattern(/p2p/[0-9A-Za-z]+)?" ||
			fail "identify does not tell that $told_key is $told_pattern, but $(told "$told_key")"
	done
}

# must_see_a_reset PEER LOG COMMAND…: it says in its log that a stream of its was reset, while COMMAND, our peer with `dial
# ADDRESS`, stays connected, since at a connection's end all streams are lost. Our own perf is viaductd's, and tells of
# none; rust-libp2p tells who reads of an end like any other.
must_see_a_reset() {
	case $1 in
	c) reset_test=reset-echo reset_protocol=/viaduct-interop/echo/1.0.0 ;;
	*) reset_test=reset reset_protocol=/perf/1.0.0 ;;
	esac
	reset_log=$2
	shift 2
	start resetting "$@" "$reset_test" stay
	must_come 60 "the peer sees its stream reset" grep -qFx "reset $reset_protocol" "$net_dir/$reset_log"
	! ended "$started" || fail "the connection ended before"
	kill "$started"
}
