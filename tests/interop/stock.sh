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
