#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# The main job without DPDK ports: UDP sockets at the router, too.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	udp port, TUN       one udp port, 1 worker            udp port, TUN
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
main_job udp 4
