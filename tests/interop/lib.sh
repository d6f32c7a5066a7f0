# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# lib: what the tests with other people's programs share: their builds, and the line of namespaces that they talk on.
#
#	. "$(dirname "$0")/lib.sh"
#	interop_line                # A: the Go edge's place; R: a C router; B: a C edge with a TUN
#	interop_daemons "allow: [ $peer_G ]" "$peer_B $peer_G"
#	go_edge --router "$interop_router" --connect "$peer_B" || fail "…"
#
# Peers are built once, into ${XDG_CACHE_HOME:-~/.cache}/viaduct/interop, by the hash of their sources.

interop_folder=$(cd "$(dirname "$0")" && pwd)
. "$interop_folder/../netns/lib.sh"

# A peer that cannot be had: a skip, but a failure where all of them must be there.
skip() {
	if [ "${INTEROP_STRICT:-}" = 1 ]; then
		echo "failed: INTEROP_STRICT=1, and $*" >&2
		exit 1
	fi
	echo "skip: $*"
	exit 77
}

peer_needs() {
	command -v "$1" >/dev/null 2>&1 || skip "no $1 in PATH; install Go 1.26 or newer (https://go.dev/dl)"
	(cd "$interop_folder/multigram-go" && go mod download) ||
		skip "Go takes no go.mod of 1.26, or finds no modules; install Go 1.26 or newer, set GOPROXY"
}

# peer_build: $peer_go is the program. Two at once build it twice, and the last one's stays.
peer_build() {
	peer_source=$interop_folder/multigram-go
	peer_hash=$(cd "$peer_source" && cat go.mod go.sum ./*.go | sha256sum | cut -c 1-16)
	peer_cache=${XDG_CACHE_HOME:-$HOME/.cache}/viaduct/interop
	peer_go=$peer_cache/multigram-go-$peer_hash
	[ ! -x "$peer_go" ] || return 0
	mkdir -p "$peer_cache"
	(cd "$peer_source" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$peer_go.$$" .) ||
		fail "multigram-go does not build"
	mv "$peer_go.$$" "$peer_go"
}

# interop_line: the line, and identities of R, B and G, the Go edge.
interop_line() {
	peer_needs go
	net_needs
	peer_build
	net_begin
	line 4
	for interop_name in R B G; do
		identity "$interop_name"
	done
	# shellcheck disable=SC2154 # identity and line set them
	interop_router="/ip4/$addr_ra/udp/4001/viaduct/p2p/$peer_R"
}

# interop_daemons SESSION PEERS [TIER]: R, where the PEERS are members, and B with that session list.
interop_daemons() {
	interop_session=$1
	# shellcheck disable=SC2086 # a list of peers
	interop_tiers="$(members $2)${3:+
$3}"
	router_config R "/ip4/$addr_ra/udp/4001" "$(router_ports udp)" "$interop_tiers"
	edge_config B "0.0.0.0:4001" "/ip4/$addr_rb/udp/4001/viaduct/p2p/$peer_R" "$interop_session"
	daemons R B
}

# go_edge ARGUMENT…: runs the Go edge in A until its end; what it says is in $net_dir/go.log.
go_edge() {
	ns A "$peer_go" --key "$net_dir/G.key" --router "$interop_router" "$@" >"$net_dir/go.log" 2>&1
}

# go_edge_start ARGUMENT…: the same in the background. go_edge_end: ends it; its status.
go_edge_start() {
	ns_start A go.log "$peer_go" --key "$net_dir/G.key" --router "$interop_router" "$@"
	go_pid=$started
}

go_edge_end() {
	kill "$go_pid" 2>/dev/null || true
	must_come 40 "the Go edge ends" ended "$go_pid"
	wait "$go_pid"
}

# go_pings N: whether so many pings over the session were answered.
go_pings() {
	[ "$(grep -c '^ping ok rtt_ms=' "$net_dir/go.log")" -eq "$1" ]
}

# go_said PATTERN
go_said() {
	grep -Eq "$1" "$net_dir/go.log"
}

# go_must_say PATTERN…
go_must_say() {
	for go_pattern; do
		go_said "$go_pattern" || fail "the Go edge does not say: $go_pattern"
	done
}
