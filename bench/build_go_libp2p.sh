#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# build_go_libp2p: builds the rival of `libp2p` once, outside the checkout; prints the program's
# path, then the version of go-libp2p. Its module files are those of the interop peer, so that
# versions are locked in one place.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
peer=$here/../tests/interop/peers/go
version=$(sed -n 's|^[[:space:]]*\(require \)\{0,1\}github.com/libp2p/go-libp2p \(v[^ ]*\).*|\2|p' "$peer/go.mod")
[ -n "$version" ] || { echo "no go-libp2p in $peer/go.mod" >&2 && exit 1; }
hash=$(cat "$here/rival_go_libp2p/main.go" "$peer/go.mod" "$peer/go.sum" | sha256sum | cut -c 1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/viaduct
program=$cache/go-libp2p-$hash

if [ ! -x "$program" ]; then
	if ! command -v go >/dev/null 2>&1; then
		echo "no go in PATH; install Go 1.26 or newer (https://go.dev/dl)" >&2
		exit 77
	fi
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/build.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	cp "$here/rival_go_libp2p/main.go" "$peer/go.mod" "$peer/go.sum" "$work"
	if ! (cd "$work" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -o rival .) >"$work/log" 2>&1; then
		tail -n 5 "$work/log" >&2
		exit 1
	fi
	mv "$work/rival" "$program"
fi
echo "$program $version"
