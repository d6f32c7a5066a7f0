# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# build: stock peers, built once into the cache by the hash of their sources and locks. Sourced,
# with fail, skip and $interop_folder there.
#
#	stock_build go     # builds it, unless the cache has it
#	stock_peer go      # $stock is how to call it
#
# A toolchain that is missing or too old is a skip. What does not build in $INTEROP_BUILD_S seconds
# (1200 unless told) is a failure, and ended. Downloads stay where the toolchains keep theirs.

peer_cache=${XDG_CACHE_HOME:-$HOME/.cache}/viaduct/interop

# The sources of peer $1, their paths and bytes.
peer_hash() {
	(cd "$interop_folder/peers/$1" && find . -type f -not -path './node_modules/*' -not -path './target/*' |
		sort | xargs sha256sum | sha256sum | cut -c 1-16)
}

# wants TOOL LEAST WHERE: TOOL is there, and its version LEAST or newer.
wants() {
	command -v "$1" >/dev/null 2>&1 || skip "no $1 in PATH; install $1 $2 or newer ($3)"
	case $1 in
	go) wants_found=$(go version) ;; # in the peer's folder: Go may get itself a newer one
	*) wants_found=$("$1" --version) ;;
	esac || skip "$1 tells no version; install $1 $2 or newer ($3)"
	wants_found=$(echo "$wants_found" | grep -Eo '[0-9]+(\.[0-9]+)+' | head -n 1)
	[ "$(printf '%s\n' "$2" "$wants_found" | sort -V | head -n 1)" = "$2" ] ||
		skip "$1 is $wants_found; install $1 $2 or newer ($3)"
}

# Each: what the peer in this folder needs.
needs_go() { wants go 1.26 https://go.dev/dl; }
needs_kubo() { needs_go; }
needs_cluster() { needs_go; }
needs_rust() { wants cargo 1.88 https://rustup.rs; }
needs_js() {
	wants node 20 https://nodejs.org
	wants npm 9 https://nodejs.org
}

bounded() {
	timeout -k 10 "${INTEROP_BUILD_S:-1200}" "$@" || {
		bounded_status=$?
		[ "$bounded_status" -ne 124 ] || echo "ended, as it took longer than ${INTEROP_BUILD_S:-1200} s"
		return "$bounded_status"
	}
}

# Each: builds into the folder $1, from its own.
build_go() {
	CGO_ENABLED=0 bounded go build -trimpath -buildvcs=false -o "$1/peer" .
}

build_kubo() {
	CGO_ENABLED=0 bounded go build -trimpath -buildvcs=false -o "$1/ipfs" github.com/ipfs/kubo/cmd/ipfs
}

build_cluster() {
	CGO_ENABLED=0 bounded go build -trimpath -buildvcs=false -o "$1/ipfs-cluster-service" \
		github.com/ipfs-cluster/ipfs-cluster/cmd/ipfs-cluster-service
}

build_rust() {
	CARGO_TARGET_DIR=$1/target bounded cargo build --release --locked --quiet &&
		mv "$1/target/release/peer" "$1/peer" && rm -rf "$1/target"
}

build_js() {
	cp ./*.js ./*.json "$1/" && (cd "$1" && bounded npm ci --ignore-scripts --no-audit --no-fund --silent)
}

stock_folder_of() {
	stock_folder=$peer_cache/$1-$(peer_hash "$1")
}

# Two at once build it once.
stock_build() {
	stock_folder_of "$1"
	[ ! -d "$stock_folder" ] || return 0
	(cd "$interop_folder/peers/$1" && "needs_$1") || exit
	mkdir -p "$peer_cache"
	exec 8>"$stock_folder.lock"
	flock 8
	[ ! -d "$stock_folder" ] || return 0
	rm -rf "$stock_folder.new"
	mkdir "$stock_folder.new"
	(cd "$interop_folder/peers/$1" && "build_$1" "$stock_folder.new") >"$stock_folder.log" 2>&1 || {
		tail -n 40 "$stock_folder.log"
		fail "$1: the peer does not build; all of it in $stock_folder.log"
	}
	mv "$stock_folder.new" "$stock_folder"
	exec 8>&-
}

# Tests have no time to build.
stock_peer() {
	if [ "$1" = c ]; then
		stock=$net_build/tests/interop/interop_peer
		return
	fi
	stock_folder_of "$1"
	if [ ! -d "$stock_folder" ]; then
		(cd "$interop_folder/peers/$1" && "needs_$1") || exit
		fail "$1: the peer is not built; run tests/interop/libp2p.sh build $1"
	fi
	# shellcheck disable=SC2034 # for who sources this
	case $1 in
	js) stock="node $stock_folder/peer.js" ;;
	kubo) stock=$stock_folder/ipfs ;;
	cluster) stock=$stock_folder/ipfs-cluster-service ;;
	*) stock=$stock_folder/peer ;;
	esac
}
