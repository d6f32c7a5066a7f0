#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# As flood, with IPv6 underneath, from random /64s.
#
#	A fd00:18:1::2 --- fd00:18:1::1 R fd00:18:2::1 --- fd00:18:2::2 B
#	                   fd00:18:3::1 R fd00:18:4::1 --- fd00:18:4::2 C
#	                                |
#	                   fd00:18:3::2 F
export FLOOD_IP=6
exec "$(dirname "$0")/flood.sh"
