#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# When nothing flows, router and edge use under 2 % of a CPU.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	udp port, TUN       two af_packet ports, 1 worker     udp port, TUN
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
main_job af_packet 4

# share PID: CPU time over time passed, of a window of 3 s, in percent.
share() {
	python3 - "$1" <<-'END'
		import os, sys, time
		def ticks():
		    fields = open(f"/proc/{sys.argv[1]}/stat").read().rsplit(")", 1)[1].split()
		    return int(fields[11]) + int(fields[12])
		used, start = ticks(), time.monotonic()
		time.sleep(3)  # the window
		used = ticks() - used
		print(f"{100 * used / os.sysconf('SC_CLK_TCK') / (time.monotonic() - start):.2f}")
	END
}

idle() {
	share "$1" >"$net_dir/share"
	python3 -c 'import sys; sys.exit(float(sys.argv[1]) >= 2)' "$(cat "$net_dir/share")"
}

for name in R A B; do
	eval "pid=\$pid_$name"
	# Several windows: the one right after traffic may still see it.
	must_come 20 "viaductd of $name is under 2 % ($(cat "$net_dir/share" 2>/dev/null))" idle "$pid"
	echo "$name: $(cat "$net_dir/share") %"
done
pinged A "$main_overlay" || fail "the overlay does not wake up from idling"
