#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# ipfs-cluster as it is published, whose `secret` is the key of a private network, and viaductd, in a namespace with
# nothing but loopback:
#
#	cluster.sh dials     it dials viaductd: with the network's secret, with another one
#	cluster.sh listens   viaductd dials it, likewise
set -eu
. "$(dirname "$0")/stock.sh"

start_daemon() {
	start_viaductd "listen: [ /ip4/127.0.0.1/tcp/4009 ], networks: [
		{ name: cluster, key: $net_dir/swarm.key, listen: [ /ip4/127.0.0.1/tcp/9196 ] },
		{ name: second, key: $net_dir/second.key } ]"
	ours=$(address_on 9196)
}

# cluster_start NODE KEY PEERS: with the secret in the key file, and PEERS, a JSON list, as its peer_addresses.
# $cluster_id is its peer id.
cluster_start() {
	cluster_secret=$(tail -n 1 "$net_dir/$2")
	IPFS_CLUSTER_PATH="$net_dir/$1" CLUSTER_SECRET="$cluster_secret" "$stock" init --consensus crdt \
		>"$net_dir/init.log" 2>&1 || fail "ipfs-cluster-service init"
	sed -i "s#\"peer_addresses\": \[\]#\"peer_addresses\": $3#" "$net_dir/$1/service.json"
	cluster_id=$(sed -n 's/.*"id": "\(.*\)".*/\1/p' "$net_dir/$1/identity.json")
	start "$1" env IPFS_CLUSTER_PATH="$net_dir/$1" "$stock" daemon
	must_say "$1.log" "tcp/9096/p2p/$cluster_id"
}

has_peer() {
	"$net_build/viaduct" peers | grep -Eq "$1.*cluster.*ipfs-cluster"
}

dials() {
	start_daemon
	cluster_start stranger other.key "[\"$ours\"]"
	stranger=$cluster_id
	must_come 60 "the other secret is seen" has_turned_away wrong_network 1
	grep -q 'network=cluster.*no multistream header' "$net_dir/viaductd.log" || fail "the log has no reason"
	"$net_build/viaduct" peers | grep -F "$stranger" && fail "a peer with another secret is let in"
	kill "$started"
	must_come 60 "it ends" ended "$started"
	cluster_start member swarm.key "[\"$ours\"]"
	must_come 60 "it connects" has_peer "$cluster_id"
	"$net_build/viaduct" ping -n 2 "$cluster_id" || fail "it does not answer our ping"
	"$net_build/viaduct" peers --known -o json | grep -q '"/ipfscluster/1.0/rpc"' || fail "we do not know its protocols"
}

listens() {
	start_daemon
	cluster_start member swarm.key '[]'
	theirs=/ip4/127.0.0.1/tcp/9096/p2p/$cluster_id
	refused "$net_build/viaduct" connect --network second "$theirs"
	grep -q 'same key' "$net_dir/refused.log" || fail "viaduct does not tell that the key is another"
	refused "$net_build/viaduct" connect "$theirs"
	"$net_build/viaduct" connect --network cluster "$theirs" || fail "we cannot dial it"
	"$net_build/viaduct" ping -n 2 "$cluster_id" || fail "it does not answer our ping"
	must_come 20 "we know who it is" has_peer "$cluster_id"
}

stock_peer cluster
alone "$0" "$@"
for key in swarm.key second.key other.key; do
	swarm_key "$key"
done
case $1 in
dials | listens) "$1" ;;
*) fail "cluster.sh dials|listens" ;;
esac
