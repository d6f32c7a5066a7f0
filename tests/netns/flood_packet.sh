#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# As flood, with a router on packet sockets.
export FLOOD_DRIVER=af_packet
exec "$(dirname "$0")/flood.sh"
