#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# The main job with DPDK on AF_XDP and our XDP program: ARP and ping stay the kernel's.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	udp port, TUN       two af_xdp ports, 1 worker        udp port, TUN
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
main_job af_xdp 4
pinged A "$addr_ra" || fail "R's kernel does not answer a plain ping beside the XDP program"
