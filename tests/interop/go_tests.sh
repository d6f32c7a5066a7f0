#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# The Go edge by itself: vet, and its tests with the specifications' examples.
set -eu
. "$(dirname "$0")/lib.sh"
peer_needs go
cd "$interop_folder/multigram-go"
[ -z "$(gofmt -l .)" ] || fail "gofmt wants other files: $(gofmt -l .)"
go vet ./... && go test -count=1 ./... # the vectors are outside of the module, so a kept result may be old
