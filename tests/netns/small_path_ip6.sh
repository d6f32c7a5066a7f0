#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# As small_path, with IPv6 underneath: 1390 bytes are refused, 1391 are enough.
#
#	A fd00:18:1::2 --- fd00:18:1::1 R fd00:18:2::1 --- fd00:18:2::2 B
export SMALL_IP=6
exec "$(dirname "$0")/small_path.sh"
