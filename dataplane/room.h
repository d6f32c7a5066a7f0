/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * room: how many bytes a packet buffer is to hold: 2,048, or 9,216 where the TUN or the
 * network of a port may have larger packets. All ports share one pool, so it is one size.
 *
 * Threads: control. Memory: borrows.
 */
#include "dataplane/dataplane.h"

enum {
	DP_ROOM_SMALL = 2048,
	DP_ROOM_JUMBO = 9216,
	DP_ROOM_OVERHEAD = 128, /* outer headers, switch header and seal around a TUN's packet */
};

/* Of the kernel's interface; 0: there is no such. */
unsigned dp_room_mtu_of_interface(const char *name);
/* Of the interface with this address; of all that are up and no loopback, the largest, if it is
 * the wildcard; 0: there is none. */
unsigned dp_room_mtu_of_address(const struct vd_udp_addr *address);

/* For these ports and this TUN, as they are now. */
uint16_t dp_room_needed(const struct dp_config *config);
/* The largest MTU of a TUN whose packets lie in buffers of `room`. */
uint16_t dp_room_tun_mtu(uint16_t room);
