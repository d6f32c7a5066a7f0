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

# shares PID…: CPU time over time passed of each, of one window of 3 s, in percent; whether all are idle.
shares() {
	python3 - "$@" >"$net_dir/shares" <<-'END'
		import os, sys, time
		def ticks(pid):
		    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
		    return int(fields[11]) + int(fields[12])
		used, start = [ticks(pid) for pid in sys.argv[1:]], time.monotonic()
		time.sleep(3)  # the window
		used = [ticks(pid) - before for pid, before in zip(sys.argv[1:], used)]
		span = os.sysconf("SC_CLK_TCK") * (time.monotonic() - start)
		print(*(f"{100 * ticks / span:.2f}" for ticks in used))
		sys.exit(any(100 * ticks / span >= 2 for ticks in used))
	END
}

# Several windows: the one right after traffic may still see it.
wait_for 30 shares "$pid_R" "$pid_A" "$pid_B" ||
	fail "R, A and B are not all under 2 % of a CPU: $(cat "$net_dir/shares")"
echo "R, A, B: $(cat "$net_dir/shares") %"
pinged A "$main_overlay" || fail "the overlay does not wake up from idling"
