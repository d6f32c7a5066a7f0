#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# kubo as it is published, and viaductd, in a namespace with nothing but loopback:
#
#	kubo.sh both        default configuration: kubo dials us, we dial it
#	kubo.sh as_a_kubo   kubo sees us as it sees another kubo, whoever dialled
#	kubo.sh keeps       we are in its Peering.Peers: it comes back to us
#	kubo.sh psk         kubos with a swarm.key: the network's, another, none
set -eu
. "$(dirname "$0")/stock.sh"

# ipfs NODE COMMAND…
ipfs() {
	ipfs_node=$1
	shift
	IPFS_PATH="$net_dir/$ipfs_node" "$stock" "$@"
}

# kubo_init NODE: its folder, with the default configuration.
kubo_init() {
	ipfs "$1" init >/dev/null 2>&1 || fail "ipfs init"
}

# kubo_ports NODE N: other ports than kubo's own, so that several fit on one machine, and TCP only.
kubo_ports() {
	ipfs "$1" config --json Addresses.Swarm "[\"/ip4/127.0.0.1/tcp/400$2\", \"/ip6/::1/tcp/400$2\"]"
	ipfs "$1" config --json Swarm.Transports.Network '{ "QUIC": false, "WebTransport": false, "WebRTCDirect": false }'
	ipfs "$1" config Addresses.API "/ip4/127.0.0.1/tcp/500$2"
	ipfs "$1" config Addresses.Gateway "/ip4/127.0.0.1/tcp/808$2"
}

# kubo_start NODE: $kubo_id is its peer id.
kubo_start() {
	start "$1" env IPFS_PATH="$net_dir/$1" "$stock" daemon
	must_say "$1.log" 'Daemon is ready'
	kubo_id=$(ipfs "$1" id -f '<id>')
}

# One that dials us, and its peer id in $dialling; and one that is like us: $like_us, with the address $like_us_at.
two_kubos() {
	kubo_init kubo
	kubo_init like_us
	kubo_ports like_us 2
	kubo_start kubo
	dialling=$kubo_id
	kubo_start like_us
	like_us=$kubo_id
	like_us_at=/ip4/127.0.0.1/tcp/4002/p2p/$like_us
}

start_daemon() {
	start_viaductd 'listen: [ /ip4/127.0.0.1/tcp/4009, /ip6/::1/tcp/4009 ], perf: true'
	ours=$(address_on 4009)
	us=${ours##*/}
}

both() {
	start_daemon
	kubo_init kubo
	kubo_start kubo
	ipfs kubo swarm connect "$ours"
	ipfs kubo ping -n 3 "$us"
	ipfs kubo swarm peers | grep -F "$us" || fail "kubo does not list us"
	"$net_build/viaduct" ping -n 2 "$kubo_id" || fail "kubo does not answer our ping"
	"$net_build/viaduct" peers | grep -F 'kubo/' || fail "we do not know kubo's agent"
	"$net_build/viaduct" disconnect "$kubo_id"
	"$net_build/viaduct" connect "/ip4/127.0.0.1/tcp/4001/p2p/$kubo_id" || fail "we cannot dial kubo"
	"$net_build/viaduct" ping -n 2 "$kubo_id" || fail "kubo, dialled by us, does not answer"
	ipfs kubo shutdown
}

# What kubo's commands say of us and of the other kubo, held against each other.
compare() {
	for compare_peer in "$us" "$like_us"; do
		ipfs kubo ping -n 3 --enc=json "$compare_peer" >"$net_dir/ping.$compare_peer"
		ipfs kubo id --enc=json "$compare_peer" >"$net_dir/id.$compare_peer"
		ipfs kubo routing findpeer --enc=json "$compare_peer" >"$net_dir/findpeer.$compare_peer"
	done
	ipfs kubo swarm peers -v --identify --enc=json >"$net_dir/peers"
	"$interop_folder/as_a_kubo.py" "$net_dir" "$ours" "$like_us_at" || fail "kubo sees us in another way, $1"
}

as_a_kubo() {
	start_daemon
	two_kubos
	ipfs kubo swarm connect "$ours" "$like_us_at"
	compare "having dialled us"
	ipfs kubo swarm disconnect "$ours" "$like_us_at"
	must_come 20 "we see it go" has_no_peer "$dialling"
	"$net_build/viaduct" connect "/ip4/127.0.0.1/tcp/4001/p2p/$dialling"
	ipfs like_us swarm connect "/ip4/127.0.0.1/tcp/4001/p2p/$dialling"
	compare "having been dialled by us"
}

has_peer() {
	"$net_build/viaduct" peers | grep -qF "$1"
}

has_no_peer() {
	! has_peer "$1"
}

keeps() {
	start_daemon
	kubo_init kubo
	ipfs kubo config --json Peering.Peers "[{\"ID\":\"$us\",\"Addrs\":[\"${ours%/p2p/*}\"]}]"
	kubo_start kubo
	must_come 60 "kubo comes" has_peer "$kubo_id"
	"$net_build/viaduct" disconnect "$kubo_id"
	must_come 60 "kubo comes back" has_peer "$kubo_id"
	kill "$viaductd_pid"
	must_come 20 "viaductd stops" ended "$viaductd_pid"
	start_daemon
	must_come 100 "kubo comes back after our restart" has_peer "$kubo_id"
}

# kubo_private NODE N KEY: what kubo itself says that a private network wants of its configuration.
kubo_private() {
	kubo_init "$1"
	kubo_ports "$1" "$2"
	ipfs "$1" config --json AutoConf.Enabled false
	ipfs "$1" config --json AutoTLS.Enabled false
	ipfs "$1" bootstrap rm --all >/dev/null
	ipfs "$1" config --json DNS.Resolvers '{}'
	ipfs "$1" config --json Routing.DelegatedRouters '[]'
	ipfs "$1" config --json Ipns.DelegatedPublishers '[]'
	[ -z "$3" ] || cp "$net_dir/$3" "$net_dir/$1/swarm.key"
}

psk() {
	swarm_key swarm.key
	swarm_key other.key
	start_viaductd "listen: [ /ip4/127.0.0.1/tcp/4009 ], networks: [
		{ name: cluster, key: $net_dir/swarm.key, listen: [ /ip4/127.0.0.1/tcp/9096 ] } ]"
	ours=$(address_on 9096)
	us=${ours##*/}
	kubo_private member 1 swarm.key
	kubo_private stranger 2 other.key
	kubo_private public 3 ''
	LIBP2P_FORCE_PNET=1 kubo_start member
	member=$kubo_id
	LIBP2P_FORCE_PNET=1 kubo_start stranger
	stranger=$kubo_id
	kubo_start public
	must_say member.log 'Swarm key fingerprint: '
	grep -q "network=cluster fingerprint=${said##* }" "$net_dir/viaductd.log" || fail "our fingerprint of the key is another"

	ipfs member swarm connect "$ours"
	ipfs member ping -n 3 "$us"
	ipfs member swarm peers | grep -F "$us" || fail "kubo does not list us"
	"$net_build/viaduct" peers | grep -E "$member.*cluster.*kubo/" || fail "we do not list it in its network"
	refused env IPFS_PATH="$net_dir/stranger" "$stock" swarm connect "$ours"
	refused env IPFS_PATH="$net_dir/public" "$stock" swarm connect "$ours"
	wait_for 20 has_turned_away wrong_network 2 || fail "of two of other networks $(turned_away wrong_network) are counted"

	"$net_build/viaduct" disconnect "$member"
	"$net_build/viaduct" connect --network cluster "/ip4/127.0.0.1/tcp/4001/p2p/$member" || fail "we cannot dial it"
	"$net_build/viaduct" ping -n 2 "$member" || fail "kubo, dialled by us, does not answer"
	refused "$net_build/viaduct" connect --network cluster "/ip4/127.0.0.1/tcp/4002/p2p/$stranger"
	grep -q 'same key' "$net_dir/refused.log" || fail "viaduct does not tell that the key is another"
	refused "$net_build/viaduct" connect --network cluster "/ip4/127.0.0.1/tcp/4003/p2p/$kubo_id"
}

stock_peer kubo
alone "$0" "$@"
case $1 in
both | as_a_kubo | keeps | psk) "$1" ;;
*) fail "kubo.sh both|as_a_kubo|keeps|psk" ;;
esac
