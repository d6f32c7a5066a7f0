#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# The main job with UDP ports only, by an ordinary user: all of it in a user namespace.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	udp port, TUN            one udp port, 1 worker           udp port, TUN
set -eu
. "$(dirname "$0")/lib.sh"

if [ "${NETNS_INSIDE:-}" = yes ]; then
	net_needs
	net_begin
	main_job udp 4
	exit
fi
unshare -Urn true 2>/dev/null ||
	skip "user namespaces are not allowed; sysctl kernel.unprivileged_userns_clone=1"
export NETNS_INSIDE=yes
if [ "$(id -u)" -ne 0 ]; then
	exec unshare -Urn "$0"
fi
# As root: become nobody first, where nobody can read the build.
if ! setpriv --reuid 65534 --regid 65534 --clear-groups test -x "$net_build/viaductd"; then
	skip "the build folder is closed to ordinary users; build where they may read"
fi
exec setpriv --reuid 65534 --regid 65534 --clear-groups env TMPDIR=/tmp unshare -Urn "$0"
