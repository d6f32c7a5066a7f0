#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# bundle: of static libraries, what the public symbols need, as one object in which nothing else is
# global; and an archive of it. bundle.sh SYMBOLS OUT.o OUT.a CC -- LIBRARY.a…
#
# A program that is linked statically may then have a timers_init or a perf_sent of its own.
set -eu
symbols=$1 object=$2 archive=$3
shift 3
compiler=
while [ "$1" != -- ]; do
	compiler="$compiler $1"
	shift
done
shift
wanted=$(sed 's/^/-Wl,-u,/' "$symbols")
# shellcheck disable=SC2086 # lists that are meant to split
$compiler -r -nostdlib -o "$object" $wanted -Wl,--start-group "$@" -Wl,--end-group
objcopy --keep-global-symbols="$symbols" "$object"
rm -f "$archive"
ar rcsD "$archive" "$object"
