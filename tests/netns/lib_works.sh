#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# The library itself: namespaces are apart, cables carry, and nothing is left behind.
#
#	A 198.18.1.2 --- 198.18.1.1 R
set -eu
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" -eq 0 ] || skip "not root; run as root, or in a user namespace"
net_why=$(net_cannot)
[ -z "$net_why" ] || skip "$net_why"

before=$(readlink /proc/$$/ns/net)
left=$(mktemp)
(
	net_begin
	ns_add A R
	veth A a0 198.18.1.2/24 R r0 198.18.1.1/24
	must_come 5 "A reaches R" pinged A 198.18.1.1
	pinged A 198.18.1.9 && fail "an address that nobody has answers"
	[ "$(ns A readlink /proc/self/ns/net)" != "$(ns R readlink /proc/self/ns/net)" ] || fail "A and R are one"
	wait_for 1 false && fail "wait_for is true of what never comes"
	# shellcheck disable=SC2086 # a list
	printf '%s\n' $net_pids "$net_dir" >"$left"
)
[ "$(readlink /proc/$$/ns/net)" = "$before" ]
while read -r what; do
	case $what in
	/*) [ ! -e "$what" ] || fail "$what is left behind" ;;
	*) wait_for 5 ended "$what" || fail "process $what is left behind" ;;
	esac
done <"$left"
[ -s "$left" ] || fail "the test did not come to its end"
rm -f "$left"
