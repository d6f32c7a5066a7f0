#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# As harm_packet, with IPv6 underneath.
#
#	A fd00:18:1::2 -x- fd00:18:1::1 R fd00:18:2::1 -x- fd00:18:2::2 B
#	udp port, TUN         two af_packet ports, 1 worker       udp port, TUN
export HARM_IP=6
exec "$(dirname "$0")/harm_packet.sh"
