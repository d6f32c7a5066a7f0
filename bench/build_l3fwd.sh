#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# build_l3fwd: builds DPDK's l3fwd once, outside the checkout; prints the program's path.
#
# One change is made in the copy: l3fwd of 22.11 insists on receive checksum
# offload, which virtual devices do not have.
set -eu

source=${VIADUCT_L3FWD_SOURCE:-/usr/share/dpdk/examples}
version=$(pkg-config --modversion libdpdk)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/viaduct
folder=$cache/l3fwd-$version

if [ -x "$folder/l3fwd" ]; then
	echo "$folder/l3fwd"
	exit 0
fi
if [ ! -f "$source/l3fwd/main.c" ]; then
	echo "no l3fwd source in $source; install the package dpdk-doc" >&2
	exit 1
fi
mkdir -p "$cache"
work=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
cp -r "$source/l3fwd" "$source/common" "$work"
sed -i 's/\.offloads = RTE_ETH_RX_OFFLOAD_CHECKSUM/.offloads = 0/' "$work/l3fwd/main.c"
if ! make -C "$work/l3fwd" shared >"$work/log" 2>&1; then
	tail -n 5 "$work/log" >&2
	exit 1
fi
mkdir -p "$folder"
mv "$work/l3fwd/build/l3fwd-shared" "$folder/l3fwd"
echo "$folder/l3fwd"
