#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Two edges on an IPv6 underlay.
#
#	A fd00:18:1::2 --- fd00:18:1::1 R fd00:18:2::1 --- fd00:18:2::2 B
#	udp port, TUN       two af_packet ports, 1 worker         udp port, TUN
set -eu
. "$(dirname "$0")/lib.sh"
net_needs
net_begin
main_job af_packet 6
