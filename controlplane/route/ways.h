/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#pragma once
/*
 * ways: from an address to the port and headers that reach it, and the only
 * publisher of the neighbour table.
 *
 * A UDP-socket port reaches what its address family and bound address allow; the
 * kernel does the rest. A DPDK port on a kernel interface reaches what the kernel's
 * routes send out of that interface; the Ethernet header comes from the
 * kernel's neighbours, and unresolved ones are asked for. Rows of the neighbour
 * table are shared by all links with one next hop; a full table loses those that no link
 * sends by.
 *
 * Threads: control. Memory: bounded by ROUTE_NEXT_HOPS_MAX rows.
 */
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/thread.h"
#include "controlplane/loop/netmap.h"
#include "switch/plane.h"

enum { ROUTE_PORTS_MAX = 16, ROUTE_NEXT_HOPS_MAX = 4096 };

/* A port, as far as choosing ways needs it. */
struct route_port {
	bool socket;             /* UDP sockets: the kernel does IP */
	uint32_t ifindex;        /* else: the kernel interface it sits on; 0: none */
	uint16_t mtu;            /* of the interface; sockets: 0 */
	struct vd_udp_addr bind; /* address (may be all zero) and UDP port */
};

struct ways;

/* Keeps `map`. NULL: out of memory. */
struct ways *ways_new(struct sw_plane *plane, struct cp_netmap *map, const struct route_port *ports,
		      uint32_t count) ON_CONTROL;
void ways_free(struct ways *ways) ON_CONTROL;

/*
 * The endpoint from which `remote` is best reached: the first port that can.
 * VD_ENOTFOUND: none can (now).
 */
enum vd_err ways_find(struct ways *ways, const struct vd_udp_addr *remote,
		      struct sw_endpoint *endpoint_out) ON_CONTROL;

/*
 * The headers of an endpoint. VD_ENOTFOUND: no route to it by its port; VD_ELIMIT: no row
 * free. VD_AGAIN: the next hop's Ethernet address is being asked for; the template is
 * valid, and packets drop as no_neighbour until it is known.
 */
enum vd_err ways_template(struct ways *ways, const struct sw_endpoint *endpoint,
			  struct sw_template *template_out) ON_CONTROL;

/* The kernel's routes or neighbours changed: publishes the neighbour table if it did. */
void ways_refresh(struct ways *ways) ON_CONTROL;
