#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# As harm_packet, with a router on UDP sockets, and IPv6 underneath.
#
#	A fd00:18:1::2 -x- fd00:18:1::1 R fd00:18:2::1 -x- fd00:18:2::2 B
#	udp port, TUN               one udp port                  udp port, TUN
export HARM_DRIVER=udp HARM_IP=6
exec "$(dirname "$0")/harm_packet.sh"
