# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# build: stock peers, built once into the cache by the hash of their sources and locks. Sourced,
# with fail, skip and $interop_folder there.
#
#	stock_peer go      # $stock is how to call it; a toolchain that is missing is a skip

peer_cache=${XDG_CACHE_HOME:-$HOME/.cache}/viaduct/interop

# The sources of peer $1, their paths and bytes.
peer_hash() {
	(cd "$interop_folder/peers/$1" && find . -type f -not -path './node_modules/*' -not -path './target/*' |
		sort | xargs sha256sum | sha256sum | cut -c 1-16)
}

wants_tool() {
	command -v "$1" >/dev/null 2>&1 || skip "no $1 in PATH; install $2"
}

# Each: builds into the folder $1, from its own.
build_go() {
	wants_tool go "Go 1.26 or newer (https://go.dev/dl)"
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$1/peer" .
}

build_kubo() {
	wants_tool go "Go 1.26 or newer (https://go.dev/dl)"
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$1/ipfs" github.com/ipfs/kubo/cmd/ipfs
}

build_rust() {
	wants_tool cargo "Rust 1.88 or newer (https://rustup.rs)"
	CARGO_TARGET_DIR=$1/target cargo build --release --locked --quiet &&
		mv "$1/target/release/peer" "$1/peer" && rm -rf "$1/target"
}

build_js() {
	wants_tool npm "Node.js 20 or newer (https://nodejs.org)"
	cp ./*.js ./*.json "$1/" && (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --silent)
}

stock_peer() {
	stock_folder=$peer_cache/$1-$(peer_hash "$1")
	if [ ! -d "$stock_folder" ]; then
		rm -rf "$stock_folder.new"
		mkdir -p "$stock_folder.new"
		(cd "$interop_folder/peers/$1" && "build_$1" "$stock_folder.new") >"$stock_folder.log" 2>&1 || {
			stock_status=$?
			cat "$stock_folder.log"
			[ "$stock_status" -ne 77 ] || exit 77
			fail "$1: the peer does not build"
		}
		mv "$stock_folder.new" "$stock_folder"
	fi
	# shellcheck disable=SC2034 # for who sources this
	case $1 in
	js) stock="node $stock_folder/peer.js" ;;
	kubo) stock=$stock_folder/ipfs ;;
	*) stock=$stock_folder/peer ;;
	esac
}
