#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Four daemons with TUNs in one namespace are asked, sent and told anything: see tests/unit/daemon/test_anything.py.
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
ns_add A
ns A env ANYTHING_TUN=1 "ANYTHING_STEPS=${ANYTHING_STEPS:-300}" python3 "$net_root/tests/unit/daemon/test_anything.py" \
	"$net_build/viaductd" "$net_build/viaduct" || fail "see above"
