#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# The main job with DPDK on packet sockets.
#
#	A 198.18.1.2 --- 198.18.1.1 R 198.18.2.1 --- 198.18.2.2 B
#	udp port, TUN       two af_packet ports, 1 worker     udp port, TUN
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
main_job af_packet 4
